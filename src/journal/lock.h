/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* The engine lock of a run: flock(2) on a file in its directory, held by the engine and, through
 * inheritance, by its runner; the kernel takes it back when both are gone. In the file stands who
 * holds it. A runner without engine ends by itself at the end of its socket; one that does not is
 * killed by the run's next engine. */
typedef struct _RdLock RdLock;

/* who holds it; key=value lines in the file */
typedef struct {
	gint64 pid, start; /* the engine, and when it began (ticks since boot); 0: nobody yet */
	gint64 runner_pid, runner_start;     /* 0: none yet */
	gint64 since;			     /* microseconds since the epoch */
	char *host, *boot_id, *pid_ns, *who; /* (owned) */
} RdLockHolder;

typedef enum {
	RD_HOLDER_GONE,	     /* neither engine nor runner live */
	RD_HOLDER_ENGINE,    /* the engine lives */
	RD_HOLDER_RUNNER,    /* the engine is gone, its runner lives */
	RD_HOLDER_ELSEWHERE, /* another boot, host or PID namespace: nothing can be said */
} RdHolderState;

#define RD_LOCK_TIMEOUT_MS 30000
#define RD_LOCK_GRACE_MS   5000

typedef struct {
	const char *who;  /* "alice", for the next one who finds it locked */
	guint timeout_ms; /* 0: one try */
	guint grace_ms;	  /* after which a runner without engine is killed */
	/* (nullable) about once a second while it is held by @holder */
	void (*waiting)(const RdLockHolder *holder, RdHolderState state, gpointer data);
	gpointer data;
} RdLockOptions;

/* Blocks up to timeout_ms. NULL with G_IO_ERROR_BUSY, the error naming holder, host and since, or
 * another error when the file cannot be used. */
RdLock *rd_lock_take(const char *path, const RdLockOptions *options, GError **error);
/* Closes our descriptor only: while the runner has its own, the lock is held. */
void rd_lock_free(RdLock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdLock, rd_lock_free)

/* to be passed to the runner (g_subprocess_launcher_take_fd() of a dup); CLOEXEC itself */
int rd_lock_get_fd(RdLock *self);
/* notes the runner, so that a later engine finds it */
gboolean rd_lock_set_runner(RdLock *self, gint64 pid, GError **error);

/* what stands in the file; NULL with error when it is not readable or not whole */
RdLockHolder *rd_lock_read_holder(const char *path, GError **error);
void rd_lock_holder_free(RdLockHolder *holder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdLockHolder, rd_lock_holder_free)
RdHolderState rd_lock_holder_state(const RdLockHolder *holder);
/* "alice on bastion, engine 4711, since 2026-11-20 03:12:09Z" (transfer full) */
char *rd_lock_holder_describe(const RdLockHolder *holder);
/* SIGKILL to the runner of @holder, only if it is the very process (start time) and has @path open:
 * the text in the file alone kills nobody */
gboolean rd_lock_kill_runner(const char *path, const RdLockHolder *holder, GError **error);
G_END_DECLS
