/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* One question or one change put to one host, and the host's reply. This is the contract between
 * the step API (runner/step.h) and what it stands on: the wrapper over ssh (host/host.h) or the
 * simulated host (rehearsal/). design.md 8 says what each verb promises. */

typedef enum {
	/* looks */
	RD_CALL_ASK,	   /* argv; reply: status, out, err */
	RD_CALL_SURVEY,	   /* reply out: the lines of RdSurvey */
	RD_CALL_JOB_STATE, /* step, name, wait_s; attempt 0 in step.attempt: the newest of the visit
			    */
	RD_CALL_SETTLE,	   /* step, wait_s: until no job of this attempt is alive; out: the names of
			    * those that are, one a line; boot_id and machine_id are compared */
	RD_CALL_ASIDE, /* from: out is the path it was moved aside to, status 1 when it was not */
	RD_CALL_FETCH, /* from, offset; out: bytes, perhaps not all that there are; err: "SIZE
			* SHA256" of the whole, with "-" before the last piece */
	/* touches; all fenced by number, holding touch.lock shared while they last */
	RD_CALL_RUN,	    /* argv, cwd, env, input */
	RD_CALL_JOB_START,  /* the same, step, name; ALIVE, or DONE when it has ended already */
	RD_CALL_MOVE,	    /* from, to */
	RD_CALL_MOVE_ASIDE, /* from */
	RD_CALL_PUT,	    /* to, mode, size, sha256, input or input_fd */
	/* the lock */
	RD_CALL_TAKE,	 /* number, enrol; waits up to wait_s until nothing older touches */
	RD_CALL_RELEASE, /* number */
	/* The copy of the run's journal there, journal/RUN/: lines of input behind event @offset,
	 * whose link is sha256. out: "SEQ LINK" where it ends now ("0 -": nothing is there), status
	 * 1 when that was not where the input goes, and nothing was written. Behind event 0 a copy
	 * that says something else is put aside. With name: a document beside it, replaced whole.
	 * Fenced by number; goes on after release until another takes the host. */
	RD_CALL_KEEP,
	/* A person, who: the lock of run, with number, counts no more. Refused while any job lives
	 * there; BUSY when it was broken and something still touches. input: why, kept there. The
	 * number grows, so that the run finds itself fenced. */
	RD_CALL_BREAK,
} RdCallVerb;
#define RD_CALL_LAST RD_CALL_BREAK
const char *rd_call_verb_to_string(RdCallVerb verb);
gboolean rd_call_verb_touches(RdCallVerb verb);

typedef struct {
	RdCallVerb verb;
	const char *run;   /* run id */
	gint64 number;	   /* incarnation; 0 for looks of one who holds no lock */
	gboolean enrol;	   /* take: a missing lock file is made */
	const char *who;   /* take: "alice@bastion", shown to others */
	const char *head;  /* (nullable) hash of the journal's newest event, kept with a job */
	const char *state; /* what jobs and moved-aside things are filed under */
	guint visit, attempt;
	const char *name; /* job */
	const char *const *argv;
	const char *cwd;
	const char *const *env;
	GBytes *input; /* (nullable) stdin */
	int input_fd;  /* put: read from here when input is NULL; -1 for none */
	gint64 offset; /* fetch */
	const char *from, *to;
	guint mode;
	gint64 size;
	const char *sha256;
	guint wait_s; /* how long the host may hold the answer back, at most 20 */
	const char *boot_id, *machine_id; /* settle: what they were when the attempt began */
} RdCall;

typedef enum {
	RD_VERDICT_DONE,    /* carried out; status, out, err are the command's */
	RD_VERDICT_ALIVE,   /* job: runs still */
	RD_VERDICT_DIED,    /* job: its lock is free and there is no result */
	RD_VERDICT_ABSENT,  /* job: never started, and the host is the same boot and machine */
	RD_VERDICT_UNKNOWN, /* job: no trace, but the host was rebooted or rebuilt since */
	RD_VERDICT_REFUSED, /* a guard said no: nothing was touched; err says why */
	RD_VERDICT_FENCED,  /* another number or run holds the host: nothing was touched */
	RD_VERDICT_BUSY,    /* take: something older still touches; err names it */
} RdVerdict;
#define RD_VERDICT_LAST RD_VERDICT_BUSY
const char *rd_verdict_to_string(RdVerdict verdict);
gboolean rd_verdict_from_string(const char *name, RdVerdict *verdict);

typedef struct {
	RdVerdict verdict;
	int status;  /* DONE: exit status, 128 + N for a signal */
	GBytes *out; /* (owned) (nullable) */
	char *err;   /* (owned) (nullable) at most the last 64 KiB */
} RdReply;
void rd_reply_clear(RdReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdReply, rd_reply_clear)

/* what a survey, a take and a fenced reply say, "key=value" lines in out:
 * boot-id, machine-id, time (seconds.nanoseconds), and of the lock file, if there is one:
 * number, run, who, since, state (held|released), lock-machine-id; then job=RUN/STEP/NAME for each
 * job that is alive. */
typedef struct {
	char *boot_id, *machine_id;
	gint64 number; /* -1: no lock file */
	char *run, *who, *since, *lock_machine_id;
	gboolean held;
	GPtrArray *jobs; /* (element-type utf8) */
	double time;	 /* the host's clock, seconds since the epoch */
} RdSurvey;
gboolean rd_survey_parse(GBytes *out, RdSurvey *survey, GError **error);
void rd_survey_clear(RdSurvey *survey);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdSurvey, rd_survey_clear)

/* Where a step body stands. A world belongs to one worker (or fiber) and blocks it. Errors:
 * RECOVERY_ERROR_UNREACHABLE when there was no complete answer, CANCELLED, PERMANENT (unknown
 * host key, no permission to become root), each naming the host. */
typedef struct _RdWorld RdWorld;
typedef struct _RdKube RdKube; /* kube/call.h */
typedef struct {
	gboolean (*call)(RdWorld *world, const char *host, const RdCall *call, RdReply *reply,
			 GError **error);
	/* many at once, each its own; calls, replies and errors have n_hosts places */
	void (*call_all)(RdWorld *world, const char *const *hosts, guint n_hosts,
			 const RdCall *calls, RdReply *replies, GError **errors);
	/* FALSE when cancelled meanwhile */
	gboolean (*pause)(RdWorld *world, guint milliseconds);
	gint64 (*clock)(RdWorld *world); /* microseconds, CLOCK_BOOTTIME or virtual */
	gboolean (*cancelled)(RdWorld *world);
	/* (nullable) the way to the Kubernetes API, made at the first call and owned by the world;
	 * NULL with error when there is none (PERMANENT) or it could not be opened now
	 * (UNREACHABLE: the next call tries again) */
	RdKube *(*kube)(RdWorld *world, GError **error);
} RdWorldClass;
struct _RdWorld {
	const RdWorldClass *klass;
};
G_END_DECLS
