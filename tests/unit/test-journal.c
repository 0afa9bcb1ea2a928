/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-fixture.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
check_round_trip(RdJournal *journal)
{
	g_autoptr(GPtrArray) events = some_events(0, 3);
	g_autoptr(GPtrArray) bare = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autoptr(GPtrArray) back = NULL;
	g_autoptr(GPtrArray) later = NULL;
	g_autoptr(GPtrArray) none = NULL;
	g_autoptr(GError) error = NULL;
	gint64 before = g_get_real_time();

	g_assert_cmpstr(rd_journal_head(journal), ==, "");
	g_assert_true(rd_journal_append(journal, events, &error));
	g_ptr_array_add(bare, rd_event_new(RD_EVENT_MARK, NULL));
	g_assert_true(rd_journal_append(journal, bare, &error));
	g_assert_no_error(error);

	for (guint i = 0; i < 3; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		g_assert_cmpint(event->seq, ==, i + 1);
		g_assert_cmpint(event->wall, >=, before);
		g_assert_cmpint(event->wall, <=, g_get_real_time());
	}
	back = rd_journal_read(journal, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(back->len, ==, 4);
	for (guint i = 0; i < 3; i++)
		assert_same(g_ptr_array_index(back, i), g_ptr_array_index(events, i));
	assert_same(g_ptr_array_index(back, 3), g_ptr_array_index(bare, 0));

	later = rd_journal_read(journal, 2, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(later->len, ==, 2);
	g_assert_cmpint(((RdEvent *)g_ptr_array_index(later, 0))->seq, ==, 3);
	none = rd_journal_read(journal, 4, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(none->len, ==, 0);
}

static gboolean
stop_at_second(const RdEvent *event, gpointer data, GError **error)
{
	guint *seen = data;

	g_assert_cmpint(event->seq, ==, ++*seen);
	if (event->seq < 2)
		return TRUE;
	g_set_error_literal(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE, "enough");
	return FALSE;
}

/* a walk that is broken off leaves the journal as it was: for another walk, and for a commit */
static void
check_broken_off(RdJournal *journal)
{
	for (guint i = 0; i < 3; i++) {
		g_autoptr(GPtrArray) events = some_events(0, 3);
		g_autoptr(GError) error = NULL;
		guint seen = 0;

		g_assert_true(rd_journal_append(journal, events, &error));
		g_assert_no_error(error);
		g_assert_false(rd_journal_each(journal, 0, stop_at_second, &seen, &error));
		g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
		g_assert_cmpstr(error->message, ==, "enough");
		g_assert_cmpuint(seen, ==, 2);
	}
}

static void
test_broken_off(Fixture *fixture, gconstpointer data)
{
	g_autoptr(RdJournal) memory = rd_journal_new_memory();
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);

	check_broken_off(memory);
	check_broken_off(journal);
	g_assert_true(rd_journal_verify(journal, NULL, NULL));
}

static void
test_round_trip(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, &error);
	g_autoptr(RdJournal) again = NULL;
	g_autofree char *head = NULL;
	gint64 count = 0;
	struct stat info;

	g_assert_no_error(error);
	check_round_trip(journal);
	head = g_strdup(rd_journal_head(journal));
	g_assert_cmpuint(strlen(head), ==, 64);
	g_assert_cmpint(stat(fixture->path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 07777, ==, 0600);
	g_clear_pointer(&journal, rd_journal_free);

	again = rd_journal_open_writer(fixture->path, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(rd_journal_head(again), ==, head);
	append_some(again, 9, 2);
	g_assert_cmpstr(rd_journal_head(again), !=, head);
	g_assert_true(rd_journal_verify(again, &count, &error));
	g_assert_cmpint(count, ==, 6);
}

static void
test_memory(void)
{
	g_autoptr(RdJournal) journal = rd_journal_new_memory();
	g_autoptr(GError) error = NULL;
	gint64 count = 0;

	check_round_trip(journal);
	g_assert_true(rd_journal_verify(journal, &count, &error));
	g_assert_cmpint(count, ==, 4);
	g_assert_true(rd_journal_release_reserve(journal, &error));
}

static void
test_create_needs_a_new_path(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = NULL;

	g_assert_true(g_file_set_contents(fixture->path, "mine", -1, NULL));
	journal = rd_journal_create(fixture->path, &error);
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE);
	g_assert_null(journal);
}

static void
test_one_writer(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) first = rd_journal_create(fixture->path, NULL);
	g_autoptr(RdJournal) second = rd_journal_open_writer(fixture->path, &error);

	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE);
	g_assert_nonnull(strstr(error->message, fixture->path));
	g_assert_null(second);
	append_some(first, 0, 1);
	g_clear_error(&error);
	g_clear_pointer(&first, rd_journal_free);
	second = rd_journal_open_writer(fixture->path, &error);
	g_assert_no_error(error);
	append_some(second, 1, 1);
}

static void
test_reader_beside_writer(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) writer = rd_journal_create(fixture->path, NULL);
	g_autoptr(RdJournal) reader = rd_journal_open_reader(fixture->path, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(rd_journal_head(reader), ==, "");
	for (guint i = 0; i < 20; i++) {
		g_autoptr(GPtrArray) events = NULL;
		gint64 count = 0;

		append_some(writer, i, 1);
		events = rd_journal_read(reader, 0, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(events->len, ==, i + 1);
		g_assert_cmpstr(rd_journal_head(reader), ==, rd_journal_head(writer));
		g_assert_true(rd_journal_verify(reader, &count, &error));
		g_assert_cmpint(count, ==, i + 1);
	}
}

/* the log has to be moved into the database now and then, and nothing may get lost on the way */
static void
test_long_log(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autoptr(RdJournal) reader = rd_journal_open_reader(fixture->path, &error);
	g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
	struct stat info;
	gint64 count = 0;

	for (guint i = 0; i < 1500; i++)
		append_some(journal, i * 2, 2);
	g_assert_cmpint(stat(wal, &info), ==, 0);
	g_assert_cmpint(info.st_size, <, 6 * 1024 * 1024);
	g_assert_cmpint(stat(fixture->path, &info), ==, 0);
	g_assert_cmpint(info.st_size, >, 100 * 1024);
	g_assert_true(rd_journal_verify(reader, &count, &error));
	g_assert_cmpint(count, ==, 3000);
}

static void
copy_file(const char *from, const char *to)
{
	g_autofree char *content = NULL;
	gsize size = 0;

	g_assert_true(g_file_get_contents(from, &content, &size, NULL));
	g_assert_true(g_file_set_contents(to, content, (gssize)size, NULL));
	g_assert_cmpint(g_chmod(to, 0444), ==, 0);
}

/* reads as somebody who may not write there; exits 0 when all @count events are there */
static void
read_as_nobody(const char *path, guint count)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		g_autoptr(RdJournal) journal = NULL;
		g_autoptr(GPtrArray) events = NULL;
		g_autoptr(GError) error = NULL;

		if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(3);
		journal = rd_journal_open_reader(path, &error);
		if (journal != NULL)
			events = rd_journal_read(journal, 0, &error);
		if (events == NULL)
			g_printerr("%s\n", error->message);
		_exit(events != NULL && events->len == count ? 0 : 1);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(status, ==, 0);
}

static void
test_read_only_copy(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autofree char *dir = g_build_filename(fixture->dir, "copy", NULL);
	g_autofree char *copy = g_build_filename(dir, "journal.db", NULL);
	g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
	g_autofree char *copied_wal = g_strconcat(copy, "-wal", NULL);

	append_some(journal, 0, 7);
	g_assert_cmpint(g_mkdir(dir, 0755), ==, 0);
	copy_file(fixture->path, copy);
	copy_file(wal, copied_wal);
	g_assert_cmpint(g_chmod(fixture->dir, 0755), ==, 0);
	g_assert_cmpint(g_chmod(dir, 0555), ==, 0);
	read_as_nobody(copy, 7);

	/* closed by its writer, there is no log at all */
	g_clear_pointer(&journal, rd_journal_free);
	g_assert_cmpint(g_chmod(dir, 0755), ==, 0);
	g_assert_cmpint(g_unlink(copied_wal), ==, 0);
	copy_file(fixture->path, copy);
	g_assert_cmpint(g_chmod(dir, 0555), ==, 0);
	read_as_nobody(copy, 7);
	g_assert_cmpint(g_chmod(dir, 0755), ==, 0);
}

static void
check_refused(const char *path, const char *word)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) reader = rd_journal_open_reader(path, &error);
	g_autoptr(RdJournal) writer = NULL;

	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
	g_assert_nonnull(strstr(error->message, path));
	g_assert_nonnull(strstr(error->message, word));
	g_clear_error(&error);
	writer = rd_journal_open_writer(path, &error);
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
	g_assert_nonnull(strstr(error->message, word));
	g_assert_null(reader);
	g_assert_null(writer);
}

static void
test_refused(Fixture *fixture, gconstpointer data)
{
	g_autofree char *other = g_build_filename(fixture->dir, "other.db", NULL);
	g_autofree char *text = g_build_filename(fixture->dir, "text.db", NULL);
	g_autofree char *empty = g_build_filename(fixture->dir, "empty.db", NULL);

	check_refused(fixture->path, "no journal");
	rd_journal_free(rd_journal_create(fixture->path, NULL));
	run_sql(fixture->path, "PRAGMA user_version = 2");
	check_refused(fixture->path, "newer");
	run_sql(other, "CREATE TABLE t (x); PRAGMA user_version = 1;");
	check_refused(other, "not a journal");
	g_assert_true(g_file_set_contents(text,
					  "this is no database, it is a text of more than "
					  "a hundred bytes, since SQLite reads the first "
					  "hundred before it says anything at all about it",
					  -1, NULL));
	check_refused(text, "not a database");
	g_assert_true(g_file_set_contents(empty, "", 0, NULL));
	check_refused(empty, "interrupted");
}

static void
test_unknown_kind(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autoptr(GPtrArray) events = NULL;

	append_some(journal, 0, 3);
	g_clear_pointer(&journal, rd_journal_free);
	run_sql(fixture->path, "UPDATE event SET kind = 'oracle' WHERE seq = 2");
	journal = rd_journal_open_reader(fixture->path, &error);
	g_assert_no_error(error);
	events = rd_journal_read(journal, 0, &error);
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
	g_assert_nonnull(strstr(error->message, "event 2 "));
	g_assert_null(events);
}

static void
check_redaction(RdJournal *journal)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autoptr(GPtrArray) back = NULL;
	RdEvent *event = rd_event_new(RD_EVENT_REMARK, "opensesame");

	rd_event_step(event, "opensesame", "m0", 1, 1);
	rd_event_pair(event, "alice", "say opensesame, Bearer abcdefgh");
	rd_event_text(event, "caf\xe9 token=canary");
	g_ptr_array_add(events, event);
	rd_journal_add_secret(journal, "opensesame");
	g_assert_true(rd_journal_append(journal, events, NULL));
	back = rd_journal_read(journal, 0, NULL);
	g_assert_cmpuint(back->len, ==, 1);
	/* what the caller goes on with is what is stored */
	assert_same(event, g_ptr_array_index(back, 0));
	g_assert_cmpstr(event->state, ==, "opensesame");
	g_assert_cmpstr(event->word, ==, "opensesame");
	g_assert_cmpstr(event->value, ==, "say [redacted], Bearer [redacted]");
	g_assert_cmpstr(event->text, ==, "caf\xef\xbf\xbd token=[redacted]");
}

static void
test_redaction(Fixture *fixture, gconstpointer data)
{
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autoptr(RdJournal) memory = rd_journal_new_memory();

	check_redaction(journal);
	check_redaction(memory);
}

/* a kept file of each released format: what it has in it never changes */
static void
test_format_1(Fixture *fixture, gconstpointer data)
{
	g_autofree char *kept =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "tests/unit/db/journal-1.db", NULL);
	g_autofree char *content = NULL;
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;
	const RdEvent *last;
	gint64 count = 0;
	gsize size = 0;

	g_assert_true(g_file_get_contents(kept, &content, &size, NULL));
	g_assert_true(g_file_set_contents(fixture->path, content, (gssize)size, NULL));
	journal = rd_journal_open_writer(fixture->path, &error);
	g_assert_no_error(error);
	g_assert_true(rd_journal_verify(journal, &count, &error));
	g_assert_no_error(error);
	g_assert_cmpint(count, ==, 20);
	g_assert_cmpstr(rd_journal_head(journal), ==,
			"18d21228c050ee8377c77a3cd3f93c062fa2992eada2aec9c0d6a441e29eb3ac");
	events = rd_journal_read(journal, 0, &error);
	g_assert_no_error(error);
	/* one of each kind, in order of their words at the time */
	for (guint i = 0; i < events->len; i++)
		g_assert_cmpint(((RdEvent *)g_ptr_array_index(events, i))->kind, ==, i);
	last = g_ptr_array_index(events, 19);
	g_assert_cmpint(last->wall, ==, 1795168800000019);
	g_assert_cmpint(last->clock, ==, 19000);
	g_assert_cmpstr(last->state, ==, "stop-etcd");
	g_assert_cmpstr(last->key, ==, "boot-id");
	g_assert_cmpstr(last->value, ==, NULL);
	g_assert_cmpint(last->number, ==, -19);
	g_assert_cmpstr(last->text, ==, "größer\nthan this");
	append_some(journal, 0, 1);
	g_assert_true(rd_journal_verify(journal, &count, &error));
	g_assert_cmpint(count, ==, 21);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/journal/memory", test_memory);
#define ADD(name, function)                                                                        \
	g_test_add("/journal/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
	ADD("round-trip", test_round_trip);
	ADD("broken-off", test_broken_off);
	ADD("create-needs-a-new-path", test_create_needs_a_new_path);
	ADD("one-writer", test_one_writer);
	ADD("reader-beside-writer", test_reader_beside_writer);
	ADD("long-log", test_long_log);
	ADD("read-only-copy", test_read_only_copy);
	ADD("refused", test_refused);
	ADD("unknown-kind", test_unknown_kind);
	ADD("redaction", test_redaction);
	ADD("format-1", test_format_1);
	return g_test_run();
}
