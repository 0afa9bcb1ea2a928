/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal-fixture.h"
#include "journal/lock.h"
#include "journal/proc.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* An engine, and if wanted its runner, in processes of their own. */
typedef struct {
	pid_t engine, runner;
	int stop; /* closing it lets the runner end */
} Crew;

static void
wait_for_eof(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
	_exit(0);
}

static void
be_engine(const char *path, gboolean with_runner, int told, int stop)
{
	RdLockOptions options = {.who = "alice"};
	RdLock *lock = rd_lock_take(path, &options, NULL);
	pid_t runner = 0;

	if (lock == NULL)
		_exit(1);
	if (with_runner) {
		runner = fork();
		if (runner == 0) {
			close(told);
			wait_for_eof(stop);
		}
		if (!rd_lock_set_runner(lock, runner, NULL))
			_exit(1);
	}
	if (write(told, &runner, sizeof runner) != sizeof runner)
		_exit(1);
	for (;;)
		pause();
}

static void
crew_start(Crew *crew, const char *path, gboolean with_runner)
{
	int told[2], stop[2];

	g_assert_cmpint(pipe(told), ==, 0);
	g_assert_cmpint(pipe(stop), ==, 0);
	crew->engine = fork();
	if (crew->engine == 0) {
		close(told[0]);
		close(stop[1]);
		be_engine(path, with_runner, told[1], stop[0]);
	}
	close(told[1]);
	close(stop[0]);
	crew->stop = stop[1];
	g_assert_cmpint(read(told[0], &crew->runner, sizeof crew->runner), ==, sizeof crew->runner);
	close(told[0]);
}

static void
crew_kill_engine(Crew *crew)
{
	kill(crew->engine, SIGKILL);
	g_assert_cmpint(waitpid(crew->engine, NULL, 0), ==, crew->engine);
}

static RdHolderState
state_of(const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLockHolder) holder = rd_lock_read_holder(path, &error);

	g_assert_no_error(error);
	return rd_lock_holder_state(holder);
}

static void
count_words(const RdLockHolder *holder, RdHolderState state, gpointer data)
{
	g_assert_cmpstr(holder->who, ==, "alice");
	g_assert_cmpint(state, ==, RD_HOLDER_ENGINE);
	(*(guint *)data)++;
}

static void
test_busy(Fixture *fixture, gconstpointer data)
{
	guint words = 0;
	RdLockOptions options = {.who = "bob",
				 .timeout_ms = 300,
				 .waiting = count_words,
				 .data = &words};
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLock) lock = NULL;
	g_autofree char *number = NULL;
	Crew crew;

	crew_start(&crew, fixture->path, FALSE);
	number = g_strdup_printf("engine %d,", (int)crew.engine);
	g_assert_cmpint(state_of(fixture->path), ==, RD_HOLDER_ENGINE);
	lock = rd_lock_take(fixture->path, &options, &error);
	g_assert_null(lock);
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "alice on "));
	g_assert_nonnull(strstr(error->message, number));
	g_assert_cmpuint(words, ==, 1);

	/* it goes with its holder, however that ends */
	crew_kill_engine(&crew);
	g_assert_cmpint(state_of(fixture->path), ==, RD_HOLDER_GONE);
	g_clear_error(&error);
	lock = rd_lock_take(fixture->path, &options, &error);
	g_assert_no_error(error);
	g_assert_cmpint(state_of(fixture->path), ==, RD_HOLDER_ENGINE);
	close(crew.stop);
}

/* a runner that ends by itself within the grace is waited for, not killed */
static void
test_runner_ends(Fixture *fixture, gconstpointer data)
{
	RdLockOptions options = {.who = "bob", .timeout_ms = 0, .grace_ms = 60000};
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLock) lock = NULL;
	Crew crew;

	crew_start(&crew, fixture->path, TRUE);
	crew_kill_engine(&crew);
	g_assert_cmpint(state_of(fixture->path), ==, RD_HOLDER_RUNNER);
	lock = rd_lock_take(fixture->path, &options, &error);
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_BUSY);
	g_assert_nonnull(strstr(error->message, "not its runner"));
	g_assert_cmpint(kill(crew.runner, 0), ==, 0);
	g_clear_error(&error);
	close(crew.stop);
	options.timeout_ms = 20000;
	lock = rd_lock_take(fixture->path, &options, &error);
	g_assert_no_error(error);
}

static void
test_runner_is_killed(Fixture *fixture, gconstpointer data)
{
	RdLockOptions options = {.who = "bob", .timeout_ms = 20000, .grace_ms = 200};
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLock) lock = NULL;
	Crew crew;

	crew_start(&crew, fixture->path, TRUE);
	crew_kill_engine(&crew);
	lock = rd_lock_take(fixture->path, &options, &error);
	g_assert_no_error(error);
	/* a zombie, until init has seen it, is as good as gone */
	g_assert_cmpint(rd_proc_start(crew.runner), ==, 0);
	close(crew.stop);
}

/* a living engine keeps the lock for ever, and so does its runner */
static void
test_engine_is_not_killed(Fixture *fixture, gconstpointer data)
{
	RdLockOptions options = {.who = "bob", .timeout_ms = 600, .grace_ms = 0};
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLock) lock = NULL;
	Crew crew;

	crew_start(&crew, fixture->path, TRUE);
	lock = rd_lock_take(fixture->path, &options, &error);
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_BUSY);
	g_assert_cmpint(rd_proc_start(crew.runner), >, 0);
	g_assert_cmpint(rd_proc_start(crew.engine), >, 0);
	crew_kill_engine(&crew);
	close(crew.stop);
}

/* what stands in the file may be old, wrong or a lie */
static void
test_text_alone_kills_nobody(Fixture *fixture, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdLockHolder) holder = NULL;
	int ends[2];
	pid_t victim;
	Crew crew;

	g_assert_cmpint(pipe(ends), ==, 0);
	victim = fork();
	if (victim == 0) {
		close(ends[1]);
		wait_for_eof(ends[0]);
	}
	close(ends[0]);
	crew_start(&crew, fixture->path, TRUE);
	holder = rd_lock_read_holder(fixture->path, NULL);
	holder->runner_start++; /* the number was given to another process */
	g_assert_false(rd_lock_kill_runner(fixture->path, holder, &error));
	g_clear_error(&error);
	holder->runner_pid = victim; /* does not have the lock open */
	holder->runner_start = rd_proc_start(victim);
	g_assert_false(rd_lock_kill_runner(fixture->path, holder, &error));
	g_clear_error(&error);
	g_assert_cmpint(rd_proc_start(victim), >, 0);
	g_assert_cmpint(rd_proc_start(crew.runner), >, 0);

	g_free(holder->boot_id);
	holder->boot_id = g_strdup("another");
	g_assert_cmpint(rd_lock_holder_state(holder), ==, RD_HOLDER_ELSEWHERE);
	/* in this order: the crew has the victim's pipe as well */
	crew_kill_engine(&crew);
	close(crew.stop);
	close(ends[1]);
	g_assert_cmpint(waitpid(victim, NULL, 0), ==, victim);
}

static void
test_odd_texts(Fixture *fixture, gconstpointer data)
{
	static const char *const texts[] = {
	    "", "pid", "pid=x\n", "pid=-1\n", "pid=1\nhost=a\n", "\xff\xfe=\n"};
	RdLockOptions options = {.who = "two\nlines=1"};
	g_autoptr(RdLock) lock = NULL;
	g_autoptr(RdLockHolder) holder = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_assert_true(g_file_set_contents(fixture->path, texts[i], -1, NULL));
		g_assert_null(rd_lock_read_holder(fixture->path, NULL));
	}
	lock = rd_lock_take(fixture->path, &options, NULL);
	g_assert_nonnull(lock);
	g_assert_cmpint(fcntl(rd_lock_get_fd(lock), F_GETFD), ==, FD_CLOEXEC);
	holder = rd_lock_read_holder(fixture->path, NULL);
	g_assert_cmpstr(holder->who, ==, "two lines=1");
	g_assert_cmpint(holder->pid, ==, getpid());
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
	g_test_add("/lock/" name, Fixture, NULL, fixture_set_up, function, fixture_tear_down)
	ADD("busy", test_busy);
	ADD("runner-ends", test_runner_ends);
	ADD("runner-is-killed", test_runner_is_killed);
	ADD("engine-is-not-killed", test_engine_is_not_killed);
	ADD("text-alone-kills-nobody", test_text_alone_kills_nobody);
	ADD("odd-texts", test_odd_texts);
	return g_test_run();
}
