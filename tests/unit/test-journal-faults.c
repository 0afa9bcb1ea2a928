/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The journal on a disk that fails, fills up or lies, and under SIGKILL. */

#include "faulty-vfs.h"
#include "journal-fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- failing writes ------------------------------------------------------------------------ */

static void
test_every_append_syncs(Fixture *fixture, gconstpointer data)
{
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);

	for (guint i = 0; i < 5; i++) {
		guint before = faults.syncs;

		append_some(journal, i, 1);
		g_assert_cmpuint(faults.syncs, >, before);
	}
}

/* appends until one is refused; returns how many events were promised to be on disk */
static gint64
append_until_refused(RdJournal *journal, guint rounds, gboolean *refused)
{
	gint64 promised = 0;

	for (guint i = 0; i < rounds && !*refused; i++) {
		g_autoptr(GPtrArray) events = some_events(i, 2);
		g_autoptr(GError) error = NULL;

		/* a big one, so that the log is moved into the database before the next */
		if (i == 1) {
			RdEvent *big = g_ptr_array_index(events, 0);

			g_free(big->text);
			big->text = g_strnfill(5 * 1024 * 1024, 'x');
		}
		*refused = !rd_journal_append(journal, events, &error);
		if (*refused)
			g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE);
		else
			promised += events->len;
	}
	return promised;
}

static void
check_refuses_for_good(RdJournal *journal)
{
	g_autoptr(GPtrArray) events = some_events(0, 1);
	g_autoptr(GError) error = NULL;

	/* the disk works again, but what the kernel still has is not known */
	g_assert_false(rd_journal_append(journal, events, &error));
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE);
}

static gboolean
fail_at(guint n, guint rounds)
{
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(GError) error = NULL;
	gboolean refused = FALSE;
	gint64 promised, count = 0;
	Fixture fixture;

	fixture_set_up(&fixture, NULL);
	journal = rd_journal_create(fixture.path, &error);
	g_assert_no_error(error);
	faults = (Faults){.countdown = n};
	promised = append_until_refused(journal, rounds, &refused);
	faults.countdown = 0;
	/* an error of the disk is never swallowed, be it in a commit or while moving the log */
	g_assert_cmpint(refused, ==, faults.fired);
	if (refused)
		check_refuses_for_good(journal);
	g_clear_pointer(&journal, rd_journal_free);

	journal = rd_journal_open_writer(fixture.path, &error);
	g_assert_no_error(error);
	g_assert_true(rd_journal_verify(journal, &count, &error));
	g_assert_no_error(error);
	g_assert_cmpint(count, >=, promised);
	g_assert_cmpint(count % 2, ==, 0);
	append_some(journal, 0, 1);
	g_clear_pointer(&journal, rd_journal_free);
	fixture_tear_down(&fixture, NULL);
	return refused;
}

/* every operation, then those of moving a long log in steps: it has thousands of like writes */
static void
test_every_failure(void)
{
	guint n = 1, fired = 0;

	for (; fail_at(n, 1); n++)
		fired++;
	g_assert_cmpuint(fired, >=, 2);
	for (; fail_at(n, 4); n += 293)
		fired++;
	g_test_message("%u operations failed, of %u", fired, n);
	g_assert_cmpuint(fired, >=, 8);
}

/* creating it on a disk that fails at once */
static void
test_failing_creation(void)
{
	gboolean failed = TRUE;

	for (guint n = 1; failed; n++) {
		g_autoptr(RdJournal) journal = NULL;
		g_autoptr(GError) error = NULL;
		Fixture fixture;

		fixture_set_up(&fixture, NULL);
		faults = (Faults){.countdown = n};
		journal = rd_journal_create(fixture.path, &error);
		failed = faults.fired;
		faults.countdown = 0;
		g_assert_true((journal == NULL) == failed);
		g_clear_pointer(&journal, rd_journal_free);
		fixture_tear_down(&fixture, NULL);
		g_assert_cmpuint(n, <, 100);
	}
}

/* ---- a full disk --------------------------------------------------------------------------- */

/* a small file system that only this process sees; FALSE: not allowed here */
static gboolean
mount_small(const char *dir)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", dir, "tmpfs", 0, "size=2m") == 0;
}

static void
fill_up(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	char block[4096] = {0};

	g_assert_cmpint(fd, >=, 0);
	while (write(fd, block, sizeof block) > 0)
		;
	g_assert_cmpint(errno, ==, ENOSPC);
	close(fd);
}

static void
check_full(RdJournal *journal)
{
	g_autoptr(GPtrArray) events = some_events(0, 1);
	g_autoptr(GError) error = NULL;

	g_assert_false(rd_journal_append(journal, events, &error));
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_FULL);
}

static guint
append_until_full(RdJournal *journal)
{
	for (guint i = 0;; i++) {
		g_autoptr(GPtrArray) events = some_events(i, 1);
		g_autoptr(GError) error = NULL;

		if (rd_journal_append(journal, events, &error))
			continue;
		g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_FULL);
		return i;
	}
}

static void
test_full_disk(Fixture *fixture, gconstpointer data)
{
	g_autofree char *filler = g_build_filename(fixture->dir, "filler", NULL);
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(RdJournal) reader = NULL;
	g_autoptr(GError) error = NULL;
	gint64 count = 0;
	guint stored;

	if (!mount_small(fixture->dir)) {
		g_test_skip("NOT TESTED: a full disk needs a tmpfs of its own, that is root");
		return;
	}
	journal = rd_journal_create(fixture->path, &error);
	g_assert_no_error(error);
	append_some(journal, 0, 1);
	fill_up(filler);
	stored = 1 + append_until_full(journal);
	check_full(journal);

	g_assert_true(rd_journal_release_reserve(journal, &error));
	g_assert_no_error(error);
	/* somebody else is hungry as well: the space is ours already */
	fill_up(filler);
	for (guint i = 0; i < 10; i++, stored++)
		append_some(journal, i, 1);
	reader = rd_journal_open_reader(fixture->path, &error);
	g_assert_no_error(error);
	g_assert_true(rd_journal_verify(reader, &count, &error));
	g_assert_cmpint(count, ==, stored);
	g_clear_pointer(&reader, rd_journal_free);
	g_clear_pointer(&journal, rd_journal_free);

	/* no reserve, no writer; but reading goes on */
	fill_up(filler);
	journal = rd_journal_open_writer(fixture->path, &error);
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_FULL);
	g_assert_null(journal);
	g_clear_error(&error);
	reader = rd_journal_open_reader(fixture->path, &error);
	g_assert_no_error(error);
	g_assert_true(rd_journal_verify(reader, &count, &error));
	g_assert_cmpint(count, ==, stored);
	g_clear_pointer(&reader, rd_journal_free);

	g_assert_cmpint(g_unlink(filler), ==, 0);
	journal = rd_journal_open_writer(fixture->path, &error);
	g_assert_no_error(error);
	append_some(journal, 0, 1);
	g_clear_pointer(&journal, rd_journal_free);
	umount2(fixture->dir, MNT_DETACH);
}

/* ---- damage -------------------------------------------------------------------------------- */

static void
check_damage(Fixture *fixture, const char *sql, const char *event)
{
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autofree char *reserve = g_build_filename(fixture->dir, "journal.reserve", NULL);
	g_autoptr(GError) error = NULL;
	gint64 count = 77;

	append_some(journal, 0, 9);
	g_clear_pointer(&journal, rd_journal_free);
	run_sql(fixture->path, sql);
	journal = rd_journal_open_reader(fixture->path, &error);
	g_assert_no_error(error);
	g_test_message("%s", sql);
	g_assert_false(rd_journal_verify(journal, &count, &error));
	g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
	g_assert_nonnull(strstr(error->message, event));
	/* those before it */
	g_assert_cmpint(count, ==, g_ascii_strtoll(event + strlen("event "), NULL, 10) - 1);
	g_clear_pointer(&journal, rd_journal_free);
	g_unlink(fixture->path);
	g_unlink(reserve);
}

static void
test_edited(Fixture *fixture, gconstpointer data)
{
	check_damage(fixture, "UPDATE event SET text = 'nicer' WHERE seq = 4", "event 4 ");
	check_damage(fixture, "UPDATE event SET text = NULL WHERE seq = 9", "event 9 ");
	check_damage(fixture, "UPDATE event SET number = number + 1 WHERE seq = 1", "event 1 ");
	check_damage(fixture, "UPDATE event SET wall = wall - 1 WHERE seq = 5", "event 5 ");
	/* from one column into the next */
	check_damage(fixture, "UPDATE event SET key = word, word = key WHERE seq = 3", "event 3 ");
	check_damage(fixture, "DELETE FROM event WHERE seq = 6", "event 6 ");
	check_damage(fixture, "DELETE FROM event WHERE seq = 1", "event 1 ");
	check_damage(fixture,
		     "UPDATE event SET seq = 100 WHERE seq = 2; UPDATE event SET seq = 2 WHERE "
		     "seq = 3; UPDATE event SET seq = 3 WHERE seq = 100",
		     "event 2 ");
	check_damage(fixture, "UPDATE event SET chain = x'00' WHERE seq = 7", "event 7 ");
	check_damage(fixture,
		     "INSERT INTO event SELECT 0, wall, clock, kind, state, target, visit, "
		     "attempt, word, key, value, number, text, chain FROM event WHERE seq = 1",
		     "event 1 ");
}

/* Flips bits all over the pages that hold events. It is either noticed, or it hit what no event
 * uses: the events read are those written. */
static void
test_flipped_bits(Fixture *fixture, gconstpointer data)
{
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autoptr(GPtrArray) originals = NULL;
	g_autofree char *content = NULL;
	gsize size = 0;
	guint noticed = 0;

	append_some(journal, 0, 60);
	originals = rd_journal_read(journal, 0, NULL);
	g_clear_pointer(&journal, rd_journal_free);
	g_assert_true(g_file_get_contents(fixture->path, &content, &size, NULL));
	for (guint i = 0; i < 400; i++) {
		gsize at = 4096 + (gsize)g_test_rand_int_range(0, (gint32)size - 4096);
		char bit = (char)(1 << g_test_rand_int_range(0, 8));
		g_autoptr(GPtrArray) events = NULL;
		g_autoptr(GError) error = NULL;

		content[at] ^= bit;
		g_assert_true(g_file_set_contents_full(fixture->path, content, (gssize)size,
						       G_FILE_SET_CONTENTS_NONE, 0600, NULL));
		content[at] ^= bit;
		journal = rd_journal_open_reader(fixture->path, &error);
		if (journal == NULL || !rd_journal_verify(journal, NULL, &error)) {
			g_assert_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE);
			noticed++;
		} else {
			events = rd_journal_read(journal, 0, &error);
			g_assert_no_error(error);
			g_assert_cmpuint(events->len, <=, originals->len);
			for (guint k = 0; k < events->len; k++)
				assert_same(g_ptr_array_index(events, k),
					    g_ptr_array_index(originals, k));
		}
		g_clear_pointer(&journal, rd_journal_free);
	}
	g_test_message("%u of 400 noticed", noticed);
	g_assert_cmpuint(noticed, >, 100);
}

/* a log whose end never reached the disk: what was whole before it is there */
static void
test_torn_tail(Fixture *fixture, gconstpointer data)
{
	g_autofree char *wal = g_strconcat(fixture->path, "-wal", NULL);
	g_autofree char *copy = g_build_filename(fixture->dir, "copy.db", NULL);
	g_autofree char *copied_wal = g_strconcat(copy, "-wal", NULL);
	g_autoptr(RdJournal) journal = rd_journal_create(fixture->path, NULL);
	g_autofree char *main_content = NULL;
	g_autofree char *content = NULL;
	gsize main_size = 0, size = 0;
	gint64 before = -1;

	append_some(journal, 0, 1);
	for (guint i = 1; i < 12; i++)
		append_some(journal, i, 1);
	g_assert_true(g_file_get_contents(fixture->path, &main_content, &main_size, NULL));
	g_assert_true(g_file_get_contents(wal, &content, &size, NULL));
	for (gsize cut = size % 512; cut <= size; cut += 512) {
		g_autoptr(RdJournal) torn = NULL;
		g_autoptr(GError) error = NULL;
		gint64 count = 0;

		g_assert_true(g_file_set_contents(copy, main_content, (gssize)main_size, NULL));
		g_assert_true(g_file_set_contents(copied_wal, content, (gssize)cut, NULL));
		torn = rd_journal_open_writer(copy, &error);
		g_assert_no_error(error);
		g_assert_true(rd_journal_verify(torn, &count, &error));
		g_assert_no_error(error);
		g_assert_cmpint(count, >=, before);
		before = count;
	}
	g_assert_cmpint(before, ==, 12);
}

/* ---- SIGKILL ------------------------------------------------------------------------------- */

/* Appends for ever, one to three events at a time, and tells through @out what has returned. */
static void
append_for_ever(const char *path, int out)
{
	g_autoptr(RdJournal) journal = rd_journal_open_writer(path, NULL);
	gint64 count = 0;

	if (journal == NULL || !rd_journal_verify(journal, &count, NULL))
		_exit(1);
	for (guint n = 1;; n = n % 3 + 1) {
		g_autoptr(GPtrArray) events = some_events(0, n);

		for (guint i = 0; i < n; i++) {
			RdEvent *event = g_ptr_array_index(events, i);

			event->number = ++count;
			event->visit = i + 1;
			event->attempt = n;
		}
		if (!rd_journal_append(journal, events, NULL) ||
		    write(out, &count, sizeof count) != sizeof count)
			_exit(1);
	}
}

/* starts it, kills it some time later; what it last told, 0 when it did not come to it */
static gint64
kill_one(const char *path, gboolean wait_for_first)
{
	gint64 told = 0, heard;
	int ends[2], status = 0;
	pid_t pid;

	g_assert_cmpint(pipe(ends), ==, 0);
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		append_for_ever(path, ends[1]);
	}
	close(ends[1]);
	if (wait_for_first)
		g_assert_cmpint(read(ends[0], &told, sizeof told), ==, sizeof told);
	g_usleep((gulong)g_test_rand_int_range(0, 15000));
	kill(pid, SIGKILL);
	while (read(ends[0], &heard, sizeof heard) == sizeof heard)
		told = heard;
	close(ends[0]);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status));
	return told;
}

static void
test_killed(Fixture *fixture, gconstpointer data)
{
	gint64 promised = 0, count = 0;

	rd_journal_free(rd_journal_create(fixture->path, NULL));
	for (guint round = 0; round < 50; round++) {
		g_autoptr(RdJournal) journal = NULL;
		g_autoptr(GPtrArray) events = NULL;
		g_autoptr(GError) error = NULL;
		const RdEvent *last;

		promised = MAX(promised, kill_one(fixture->path, round % 5 != 0));
		journal = rd_journal_open_writer(fixture->path, &error);
		g_assert_no_error(error);
		g_assert_true(rd_journal_verify(journal, &count, &error));
		g_assert_no_error(error);
		g_assert_cmpint(count, >=, promised);
		events = rd_journal_read(journal, 0, &error);
		g_assert_no_error(error);
		for (guint i = 0; i < events->len; i++)
			g_assert_cmpint(((RdEvent *)g_ptr_array_index(events, i))->number, ==,
					i + 1);
		/* all of an append or nothing of it */
		last = events->len > 0 ? g_ptr_array_index(events, events->len - 1) : NULL;
		g_assert_true(last == NULL || last->visit == last->attempt);
	}
	g_test_message("%" G_GINT64_FORMAT " events, %" G_GINT64_FORMAT " promised", count,
		       promised);
	g_assert_cmpint(promised, >=, 40);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	faulty_install();
#define ADD(name, function)                                                                        \
	g_test_add("/journal-faults/" name, Fixture, NULL, fixture_set_up, function,               \
		   fixture_tear_down)
	ADD("every-append-syncs", test_every_append_syncs);
	g_test_add_func("/journal-faults/every-failure", test_every_failure);
	g_test_add_func("/journal-faults/failing-creation", test_failing_creation);
	ADD("edited", test_edited);
	ADD("flipped-bits", test_flipped_bits);
	ADD("torn-tail", test_torn_tail);
	ADD("killed", test_killed);
	ADD("full-disk", test_full_disk);
	return g_test_run();
}
