/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bench-journal [DIR]: what a commit costs on DIR's disk, and what opening and reading a journal of
 * 10,000 events costs. Prints numbers, judges nothing. */

#include "journal/journal.h"
#include <glib/gstdio.h>
#include <stdlib.h>

#define COMMITS 1000
#define EVENTS	10000

static RdEvent *
typical_event(guint n)
{
	g_autofree char *value = g_strdup_printf("5f1c7a2e-0000-4000-8000-%012u", n);
	RdEvent *event = rd_event_new(RD_EVENT_NOTE, NULL);

	rd_event_step(event, "stop-etcd", "master-1", 1, 1);
	rd_event_pair(event, "boot-id", value);
	return rd_event_text(event, "container etcd 7c3f9d has exited, 14 s after the move");
}

static void
append(RdJournal *journal, guint count)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < count; i++)
		g_ptr_array_add(events, typical_event(i));
	if (!rd_journal_append(journal, events, &error))
		g_error("%s", error->message);
}

static int
compare(gconstpointer a, gconstpointer b)
{
	gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;

	return left < right ? -1 : left > right;
}

static void
bench_append(RdJournal *journal, const char *what)
{
	g_autofree gint64 *took = g_new(gint64, COMMITS);

	for (guint i = 0; i < COMMITS; i++) {
		gint64 began = g_get_monotonic_time();

		append(journal, 1);
		took[i] = g_get_monotonic_time() - began;
	}
	qsort(took, COMMITS, sizeof *took, compare);
	g_print("append %-8s p50 %6" G_GINT64_FORMAT " us  p99 %6" G_GINT64_FORMAT " us\n", what,
		took[COMMITS / 2], took[COMMITS * 99 / 100]);
}

static void
bench_read(const char *path)
{
	gint64 best[3] = {G_MAXINT64, G_MAXINT64, G_MAXINT64};

	for (guint i = 0; i < 10; i++) {
		gint64 began = g_get_monotonic_time(), opened, read;
		g_autoptr(RdJournal) journal = rd_journal_open_reader(path, NULL);
		g_autoptr(GPtrArray) events = NULL;

		opened = g_get_monotonic_time();
		events = rd_journal_read(journal, 0, NULL);
		read = g_get_monotonic_time();
		g_assert(events->len == EVENTS);
		g_assert(rd_journal_verify(journal, NULL, NULL));
		best[0] = MIN(best[0], opened - began);
		best[1] = MIN(best[1], read - opened);
		best[2] = MIN(best[2], g_get_monotonic_time() - read);
	}
	g_print("%u events: open %.2f ms, read %.2f ms, verify %.2f ms (best of 10)\n", EVENTS,
		(double)best[0] / 1e3, (double)best[1] / 1e3, (double)best[2] / 1e3);
}

int
main(int argc, char **argv)
{
	const char *parent = argc > 1 ? argv[1] : g_get_tmp_dir();
	g_autofree char *dir = g_build_filename(parent, "bench-journal-XXXXXX", NULL);
	g_autofree char *path = NULL;
	g_autofree char *reserve = NULL;
	g_autoptr(RdJournal) memory = rd_journal_new_memory();
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(GError) error = NULL;

	if (g_mkdtemp(dir) == NULL)
		g_error("%s: cannot make a directory there", parent);
	path = g_build_filename(dir, "journal.db", NULL);
	reserve = g_build_filename(dir, "journal.reserve", NULL);
	journal = rd_journal_create(path, &error);
	if (journal == NULL)
		g_error("%s", error->message);
	bench_append(memory, "memory");
	bench_append(journal, "file");
	append(journal, EVENTS - COMMITS);
	g_clear_pointer(&journal, rd_journal_free);
	bench_read(path);
	g_unlink(path);
	g_unlink(reserve);
	g_rmdir(dir);
	return 0;
}
