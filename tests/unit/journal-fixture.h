/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal/journal.h"
#include <glib/gstdio.h>
#include <sqlite3.h>

/* A directory of a test's own, with a journal's path in it. Each test program uses what it needs.
 */

typedef struct {
	char *dir;
	char *path;
} Fixture;

G_GNUC_UNUSED static void
remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		if (g_file_test(child, G_FILE_TEST_IS_DIR) &&
		    !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
			remove_tree(child);
		else
			g_unlink(child);
	}
	g_rmdir(path);
}

G_GNUC_UNUSED static void
fixture_set_up(Fixture *fixture, gconstpointer data)
{
	fixture->dir = g_dir_make_tmp("recoveryd-test-XXXXXX", NULL);
	g_assert_nonnull(fixture->dir);
	fixture->path = g_build_filename(fixture->dir, "journal.db", NULL);
}

G_GNUC_UNUSED static void
fixture_tear_down(Fixture *fixture, gconstpointer data)
{
	remove_tree(fixture->dir);
	g_free(fixture->dir);
	g_free(fixture->path);
}

/* an event with every field set, different for each @n */
G_GNUC_UNUSED static RdEvent *
full_event(guint n)
{
	g_autofree char *value = g_strdup_printf("value %u", n);
	RdEvent *event = rd_event_new(RD_EVENT_NOTE, "word");

	rd_event_step(event, "stop-etcd", "m1", n % 3 + 1, n % 2 + 1);
	rd_event_pair(event, "boot-id", value);
	rd_event_number(event, (gint64)n - 5);
	rd_event_text(event, "line one\nline two, größer");
	event->clock = (gint64)n * 1000;
	return event;
}

G_GNUC_UNUSED static GPtrArray *
some_events(guint first, guint count)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	for (guint i = 0; i < count; i++)
		g_ptr_array_add(events, full_event(first + i));
	return events;
}

G_GNUC_UNUSED static void
append_some(RdJournal *journal, guint first, guint count)
{
	g_autoptr(GPtrArray) events = some_events(first, count);
	g_autoptr(GError) error = NULL;

	rd_journal_append(journal, events, &error);
	g_assert_no_error(error);
}

G_GNUC_UNUSED static void
assert_same(const RdEvent *left, const RdEvent *right)
{
	g_assert_cmpint(left->seq, ==, right->seq);
	g_assert_cmpint(left->wall, ==, right->wall);
	g_assert_cmpint(left->clock, ==, right->clock);
	g_assert_cmpint(left->kind, ==, right->kind);
	g_assert_cmpstr(left->state, ==, right->state);
	g_assert_cmpstr(left->target, ==, right->target);
	g_assert_cmpuint(left->visit, ==, right->visit);
	g_assert_cmpuint(left->attempt, ==, right->attempt);
	g_assert_cmpstr(left->word, ==, right->word);
	g_assert_cmpstr(left->key, ==, right->key);
	g_assert_cmpstr(left->value, ==, right->value);
	g_assert_cmpint(left->number, ==, right->number);
	g_assert_cmpstr(left->text, ==, right->text);
}

G_GNUC_UNUSED static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}
