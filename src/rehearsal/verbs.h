/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "rehearsal/commands.h"
G_BEGIN_DECLS

/* The wrapper's part on a simulated host: one verb is a process there. It holds touch.lock, passes
 * the fence, leaves jobs behind, and goes on to its end whether or not anybody still listens. */

typedef struct {
	RdCall call; /* all it points to is (owned), and never changes */
	guint refs;  /* its caller and the host, whoever lives longer */
} RdSimCall;
RdSimCall *rd_sim_call_copy(const RdCall *call);
RdSimCall *rd_sim_call_ref(RdSimCall *self);
void rd_sim_call_unref(RdSimCall *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSimCall, rd_sim_call_unref)

typedef struct _RdSimProcess RdSimProcess;
/* the process is over: @reply is for whoever listens; not called when the host dies first */
typedef void (*RdSimAnswer)(RdSimHost *host, const RdCall *call, RdReply *reply, gpointer data);

/* begins @call on @host now. @call is (transfer full). @destroy is called when @answer can not come
 * any more. */
void rd_sim_host_execute(RdSimHost *host, RdSimCall *call, RdSimAnswer answer, gpointer data,
			 GDestroyNotify destroy);

/* a detached command: outlives its starter and every connection, not its host */
typedef struct {
	RdSimHost *host;
	char *key; /* RUN/STATE.VISIT.ATTEMPT/NAME */
	RdSimCall *call;
	gboolean alive, ended;
	int status;
	char *log; /* (owned) (nullable) */
} RdSimJob;
void rd_sim_job_free(RdSimJob *self);
/* the host lost power */
void rd_sim_jobs_die(RdSimHost *host);

/* lock.c: the lock file */
typedef struct _RdSimLock {
	gint64 number; /* -1: there is no file */
	char *run, *who, *since, *machine_id;
	gboolean held;
	guint64 inode; /* of the file that was read */
} RdSimLock;
/* as it stands; good until it is written again */
const RdSimLock *rd_sim_lock_read(RdSimHost *host);
void rd_sim_lock_free(RdSimLock *lock);
/* looks by one who holds no newer number, touches by the holder; FALSE: @reply is "fenced" */
gboolean rd_sim_lock_admits_look(RdSimHost *host, const RdCall *call, RdReply *reply);
gboolean rd_sim_lock_admits_touch(RdSimHost *host, const RdCall *call, RdReply *reply);
/* taking it has two halves: the file is written, then nothing older may still touch (@toucher).
 * FALSE: @reply says why not */
gboolean rd_sim_take_write(RdSimHost *host, const RdCall *call, RdReply *reply);
gboolean rd_sim_take_wait(RdSimHost *host, const RdCall *call, const RdCall *toucher,
			  RdReply *reply);
void rd_sim_release(RdSimHost *host, const RdCall *call, RdReply *reply);
void rd_sim_break(RdSimHost *host, const RdCall *call, const RdCall *toucher, RdReply *reply);
void rd_sim_survey(RdSimHost *host, RdReply *reply);

/* files.c: move, move-aside, aside, put, fetch */
void rd_sim_move(RdSimHost *host, const RdCall *call, RdReply *reply);
void rd_sim_move_aside(RdSimHost *host, const RdCall *call, RdReply *reply);
void rd_sim_aside(RdSimHost *host, const RdCall *call, RdReply *reply);
void rd_sim_put(RdSimHost *host, const RdCall *call, RdReply *reply);
void rd_sim_fetch(RdSimHost *host, const RdCall *call, RdReply *reply);

/* copy.c: keep; the events of a run as text, NULL where there are none (unowned) */
void rd_sim_keep(RdSimHost *host, const RdCall *call, RdReply *reply);
const char *rd_sim_copy_of(RdSimHost *host, const char *run);
void rd_sim_copy_free(gpointer copy);

void rd_sim_reply(RdReply *reply, RdVerdict verdict, int status, const char *out, const char *err);
G_END_DECLS
