/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "begin.h"
#include "journal/lock.h"

/* Outliving the terminal. As root under systemd a unit that is enabled until the run ends, so that
 * a reboot of the bastion resumes by itself; as a user a transient unit of the user's manager; else
 * a session of its own. */

/* how long a new engine may take to its lock */
#define RD_SPAWN_TIMEOUT (20 * G_USEC_PER_SEC)

gboolean
rd_engine_alive(RdRundir *dir)
{
	g_autofree char *path = rd_rundir_file(dir, "lock");
	g_autoptr(RdLockHolder) holder = rd_lock_read_holder(path, NULL);

	return holder != NULL && rd_lock_holder_state(holder) == RD_HOLDER_ENGINE;
}

static gboolean
rd_spawn_try(GError **error, const char *argv0, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_autoptr(GSubprocess) child = NULL;
	va_list args;

	va_start(args, argv0);
	for (const char *arg = argv0; arg != NULL; arg = va_arg(args, const char *))
		g_ptr_array_add(argv, (gpointer)arg);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	child = g_subprocess_newv(
	    (const char *const *)argv->pdata,
	    G_SUBPROCESS_FLAGS_STDOUT_SILENCE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, error);
	return child != NULL && g_subprocess_wait_check(child, NULL, error);
}

/* the installed template unit, and only for runs in the place it knows */
static gboolean
rd_spawn_by_unit(RdRundir *dir, char **how)
{
	g_autofree char *unit = g_strdup_printf("recoveryd@%s.service", rd_rundir_get_id(dir));

	if (geteuid() != 0 || !g_file_test("/run/systemd/system", G_FILE_TEST_IS_DIR) ||
	    !g_str_has_prefix(rd_rundir_get_path(dir), "/var/lib/recoveryd/runs/") ||
	    !rd_spawn_try(NULL, "systemctl", "enable", "--now", unit, NULL))
		return FALSE;
	*how = g_strdup_printf("as %s: survives logout and a reboot of this machine", unit);
	return TRUE;
}

void
rd_spawn_forget(RdRundir *dir)
{
	g_autofree char *unit = g_strdup_printf("recoveryd@%s.service", rd_rundir_get_id(dir));
	g_autofree char *link =
	    g_build_filename("/etc/systemd/system/multi-user.target.wants", unit, NULL);
	g_autoptr(GError) error = NULL;

	if (g_file_test(link, G_FILE_TEST_IS_SYMLINK) &&
	    !rd_spawn_try(&error, "systemctl", "--no-block", "disable", unit, NULL))
		g_warning("%s stays enabled: %s", unit, error->message);
}

static gboolean
rd_user_lingers(void)
{
	g_autofree char *path =
	    g_build_filename("/var/lib/systemd/linger", g_get_user_name(), NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
rd_spawn_warn(RdRundir *dir, RdSpawnWarn warn, gpointer data, const char *how, const char *lack)
{
	g_autofree char *text = g_strdup_printf(
	    "the run is going to be %s: it goes on without this terminal, but NOT %s. "
	    "Then recoveryd resume %s goes on with it",
	    how, lack, rd_rundir_get_id(dir));

	if (warn != NULL)
		warn(text, data);
}

static gboolean
rd_spawn_by_user_manager(RdRundir *dir, const char *program, RdSpawnWarn warn, gpointer data,
			 char **how)
{
	g_autofree char *unit = g_strdup_printf("recoveryd-%s", rd_rundir_get_id(dir));
	g_autofree char *bus = g_strdup_printf("--unit=%s", unit);

	if (geteuid() == 0 || g_getenv("XDG_RUNTIME_DIR") == NULL ||
	    !rd_spawn_try(NULL, "systemctl", "--user", "show-environment", NULL))
		return FALSE;
	if (!rd_user_lingers())
		rd_spawn_warn(dir, warn, data, "a service of your user manager",
			      "after the end of your last session, unless you type loginctl "
			      "enable-linger before");
	if (!rd_spawn_try(NULL, "systemd-run", "--user", "--collect", bus, program, "engine",
			  rd_rundir_get_path(dir), NULL))
		return FALSE;
	*how = g_strdup_printf(
	    "as %s.service of your user manager: survives this terminal%s", unit,
	    rd_user_lingers() ? " and logout; not a reboot of this machine: then resume" : "");
	return TRUE;
}

/* a grandchild in its own session, so that nobody has to wait for it and no terminal ends it */
static gboolean
rd_spawn_by_session(RdRundir *dir, const char *program, RdSpawnWarn warn, gpointer data, char **how,
		    GError **error)
{
	g_autofree char *log = rd_rundir_file(dir, "log/engine.log");
	int status = 0;
	pid_t pid;

	rd_spawn_warn(dir, warn, data, "a process of this login alone",
		      "after a reboot of this machine, nor after your logout where logind has "
		      "KillUserProcesses=yes");
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		setsid();
		if (fork() != 0)
			_exit(0);
		dup2(null, 0);
		dup2(out, 1);
		dup2(out, 2);
		close_range(3, ~0U, 0);
		if (chdir("/") == 0)
			execl(program, program, "engine", rd_rundir_get_path(dir), (char *)NULL);
		_exit(127);
	}
	if (pid < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "fork: %s",
			    g_strerror(errno));
		return FALSE;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*how = g_strdup("as a process of its own: survives this terminal");
	return TRUE;
}

/* started is not enough: it has to hold the run */
static gboolean
rd_spawn_wait(RdRundir *dir, GError **error)
{
	g_autofree char *log = rd_rundir_file(dir, "log/engine.log");
	gint64 until = g_get_monotonic_time() + RD_SPAWN_TIMEOUT;

	while (g_get_monotonic_time() < until) {
		g_autofree char *mark = rd_rundir_file(dir, "engine-began");

		/* a short run may be over before we look: the mark stays */
		if (rd_engine_alive(dir) || g_file_test(mark, G_FILE_TEST_EXISTS))
			return TRUE;
		g_usleep(20000);
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
		    "the engine of %s did not begin: see %s", rd_rundir_get_id(dir), log);
	return FALSE;
}

gboolean
rd_ensure_engine(RdRundir *dir, RdSpawnWarn warn, gpointer data, char **how, GError **error)
{
	g_autofree char *program = g_file_read_link("/proc/self/exe", error);
	g_autofree char *mark = rd_rundir_file(dir, "engine-began");
	g_autofree char *words = NULL;

	if (program == NULL)
		return FALSE;
	if (rd_engine_alive(dir)) {
		if (how != NULL)
			*how = g_strdup("its engine is at work");
		return TRUE;
	}
	unlink(mark);
	if (!rd_spawn_by_unit(dir, &words) &&
	    !rd_spawn_by_user_manager(dir, program, warn, data, &words) &&
	    !rd_spawn_by_session(dir, program, warn, data, &words, error))
		return FALSE;
	if (!rd_spawn_wait(dir, error))
		return FALSE;
	if (how != NULL)
		*how = g_steal_pointer(&words);
	return TRUE;
}
