/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "lock.h"
#include "durable.h"
#include "proc.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_MS		100
#define HOLDER_SIZE_MAX 4096

struct _RdLock {
	int fd;
	char *path;
	RdLockHolder *holder; /* us */
};

/* ---- who holds it -------------------------------------------------------------------------- */

static const struct {
	const char *key;
	gsize offset;
	gboolean is_text;
} fields[] = {
    {"pid", G_STRUCT_OFFSET(RdLockHolder, pid), FALSE},
    {"start", G_STRUCT_OFFSET(RdLockHolder, start), FALSE},
    {"runner-pid", G_STRUCT_OFFSET(RdLockHolder, runner_pid), FALSE},
    {"runner-start", G_STRUCT_OFFSET(RdLockHolder, runner_start), FALSE},
    {"since", G_STRUCT_OFFSET(RdLockHolder, since), FALSE},
    {"host", G_STRUCT_OFFSET(RdLockHolder, host), TRUE},
    {"boot-id", G_STRUCT_OFFSET(RdLockHolder, boot_id), TRUE},
    {"pid-ns", G_STRUCT_OFFSET(RdLockHolder, pid_ns), TRUE},
    {"who", G_STRUCT_OFFSET(RdLockHolder, who), TRUE},
};

static char *
holder_format(const RdLockHolder *holder)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		gconstpointer member = G_STRUCT_MEMBER_P(holder, fields[i].offset);

		if (fields[i].is_text)
			g_string_append_printf(text, "%s=%s\n", fields[i].key,
					       *(char *const *)member);
		else
			g_string_append_printf(text, "%s=%" G_GINT64_FORMAT "\n", fields[i].key,
					       *(const gint64 *)member);
	}
	return g_string_free(text, FALSE);
}

static gboolean
set_field(RdLockHolder *holder, const char *key, const char *value)
{
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		gpointer member = G_STRUCT_MEMBER_P(holder, fields[i].offset);

		if (!g_str_equal(key, fields[i].key))
			continue;
		if (fields[i].is_text) {
			g_free(*(char **)member);
			*(char **)member = g_strdup(value);
			return TRUE;
		}
		return g_ascii_string_to_signed(value, 10, 0, G_MAXINT64, (gint64 *)member, NULL);
	}
	return TRUE; /* of a newer version */
}

RdLockHolder *
rd_lock_read_holder(const char *path, GError **error)
{
	g_autoptr(RdLockHolder) holder = g_new0(RdLockHolder, 1);
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	gboolean whole = TRUE;

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	lines = g_strsplit(text, "\n", 0);
	for (guint i = 0; lines[i] != NULL && whole; i++) {
		char *equals = strchr(lines[i], '=');

		if (*lines[i] == '\0')
			continue;
		if (equals != NULL)
			*equals = '\0';
		whole = equals != NULL && set_field(holder, lines[i], equals + 1);
	}
	if (!whole || holder->host == NULL || holder->boot_id == NULL || holder->pid_ns == NULL ||
	    holder->who == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
			    "%s does not say who holds it", path);
		return NULL;
	}
	return g_steal_pointer(&holder);
}

void
rd_lock_holder_free(RdLockHolder *holder)
{
	g_free(holder->host);
	g_free(holder->boot_id);
	g_free(holder->pid_ns);
	g_free(holder->who);
	g_free(holder);
}

static gboolean
is_alive(gint64 pid, gint64 start)
{
	return pid > 0 && start > 0 && rd_proc_start(pid) == start;
}

RdHolderState
rd_lock_holder_state(const RdLockHolder *holder)
{
	g_autofree char *boot_id = rd_proc_boot_id();
	g_autofree char *pid_ns = rd_proc_pid_namespace();

	/* a number of another boot or namespace may be anybody here */
	if (*boot_id == '\0' || *pid_ns == '\0' || !g_str_equal(boot_id, holder->boot_id) ||
	    !g_str_equal(pid_ns, holder->pid_ns))
		return RD_HOLDER_ELSEWHERE;
	if (is_alive(holder->pid, holder->start))
		return RD_HOLDER_ENGINE;
	return is_alive(holder->runner_pid, holder->runner_start) ? RD_HOLDER_RUNNER
								  : RD_HOLDER_GONE;
}

char *
rd_lock_holder_describe(const RdLockHolder *holder)
{
	g_autoptr(GDateTime) since = g_date_time_new_from_unix_utc(holder->since / G_USEC_PER_SEC);
	g_autofree char *when =
	    since != NULL ? g_date_time_format(since, "%Y-%m-%d %H:%M:%SZ") : g_strdup("?");

	return g_strdup_printf("%s on %s, engine %" G_GINT64_FORMAT ", since %s", holder->who,
			       holder->host, holder->pid, when);
}

gboolean
rd_lock_kill_runner(const char *path, const RdLockHolder *holder, GError **error)
{
	/* through the descriptor it is the same process from the checks to the signal */
	int fd = holder->runner_pid > 0 ? pidfd_open((pid_t)holder->runner_pid, 0) : -1;
	gboolean killed = FALSE;

	if (fd >= 0 && is_alive(holder->runner_pid, holder->runner_start) &&
	    rd_proc_has_open(holder->runner_pid, path))
		killed = pidfd_send_signal(fd, SIGKILL, NULL, 0) == 0;
	if (!killed)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
			    "process %" G_GINT64_FORMAT
			    " cannot be killed: it is gone, not the runner that %s names, or "
			    "another user's",
			    holder->runner_pid, path);
	if (fd >= 0)
		close(fd);
	return killed;
}

/* ---- holding it ---------------------------------------------------------------------------- */

static gboolean
fail(GError **error, const char *path, const char *what)
{
	g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(errno), "%s: %s: %s", path, what,
		    g_strerror(errno));
	return FALSE;
}

static char *
one_line(const char *text)
{
	return g_strdelimit(g_strdup(text), "\r\n", ' ');
}

static gboolean
write_holder(RdLock *self, GError **error)
{
	g_autofree char *text = holder_format(self->holder);
	gsize size = strlen(text);

	/* longer before shorter: a reader in between finds a field twice or a number more */
	if (size > HOLDER_SIZE_MAX || pwrite(self->fd, text, size, 0) != (ssize_t)size ||
	    ftruncate(self->fd, (off_t)size) != 0)
		return fail(error, self->path, "cannot write who holds it");
	return TRUE;
}

static RdLockHolder *
ourselves(const char *who)
{
	RdLockHolder *holder = g_new0(RdLockHolder, 1);

	holder->pid = getpid();
	holder->start = rd_proc_start(holder->pid);
	holder->since = g_get_real_time();
	holder->host = one_line(g_get_host_name());
	holder->boot_id = rd_proc_boot_id();
	holder->pid_ns = rd_proc_pid_namespace();
	holder->who = one_line(who);
	return holder;
}

static RdLock *
lock_open(const char *path, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autoptr(RdLock) self = g_new0(RdLock, 1);

	self->path = g_strdup(path);
	self->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (self->fd < 0) {
		fail(error, path, "cannot open the lock");
		return NULL;
	}
	/* in a directory for two operators, so is the lock; not ours to change if not our file */
	if (rd_dir_is_shared(dir) && fchmod(self->fd, 0660) != 0)
		g_debug("%s: %s", path, g_strerror(errno));
	return g_steal_pointer(&self);
}

static void
busy(const char *path, const RdLockHolder *holder, RdHolderState state, GError **error)
{
	g_autofree char *text = holder != NULL ? rd_lock_holder_describe(holder) : NULL;

	g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY, "the run is in the hands of %s%s (%s)",
		    text != NULL ? text : "a process that did not say who it is",
		    state == RD_HOLDER_RUNNER ? ", whose engine is gone, but not its runner" : "",
		    path);
}

typedef struct {
	gint64 began, next_word, alone_since; /* monotonic; alone: a runner without engine */
} Wait;

/* one look at the holder; FALSE, with error, when the time is over */
static gboolean
keep_waiting(const char *path, const RdLockOptions *options, Wait *wait, GError **error)
{
	g_autoptr(RdLockHolder) holder = rd_lock_read_holder(path, NULL);
	RdHolderState state = holder != NULL ? rd_lock_holder_state(holder) : RD_HOLDER_ELSEWHERE;
	gint64 now = g_get_monotonic_time();

	if (state != RD_HOLDER_RUNNER)
		wait->alone_since = now;
	else if (now - wait->alone_since >= (gint64)options->grace_ms * 1000) {
		g_autoptr(GError) local_error = NULL;

		if (rd_lock_kill_runner(path, holder, &local_error))
			g_message("killed runner %" G_GINT64_FORMAT ": its engine is gone",
				  holder->runner_pid);
		else
			g_debug("%s", local_error->message);
	}
	if (now - wait->began >= (gint64)options->timeout_ms * 1000) {
		busy(path, holder, state, error);
		return FALSE;
	}
	if (options->waiting != NULL && holder != NULL && now >= wait->next_word) {
		options->waiting(holder, state, options->data);
		wait->next_word = now + G_USEC_PER_SEC;
	}
	return TRUE;
}

RdLock *
rd_lock_take(const char *path, const RdLockOptions *options, GError **error)
{
	g_autoptr(RdLock) self = lock_open(path, error);
	gint64 now = g_get_monotonic_time();
	Wait wait = {now, now, now};

	if (self == NULL)
		return NULL;
	while (flock(self->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			fail(error, path, "cannot lock");
			return NULL;
		}
		if (!keep_waiting(path, options, &wait, error))
			return NULL;
		g_usleep(POLL_MS * 1000);
	}
	self->holder = ourselves(options->who);
	if (!write_holder(self, error))
		return NULL;
	return g_steal_pointer(&self);
}

void
rd_lock_free(RdLock *self)
{
	/* no LOCK_UN: that would unlock it for the runner, too */
	if (self->fd >= 0)
		close(self->fd);
	g_clear_pointer(&self->holder, rd_lock_holder_free);
	g_free(self->path);
	g_free(self);
}

int
rd_lock_get_fd(RdLock *self)
{
	return self->fd;
}

gboolean
rd_lock_set_runner(RdLock *self, gint64 pid, GError **error)
{
	self->holder->runner_pid = pid;
	self->holder->runner_start = rd_proc_start(pid);
	return write_holder(self, error);
}
