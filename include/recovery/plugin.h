/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Everything a plugin may use; there is nothing else.
 *
 * A plugin is one const table of state types. A state type says what it needs (params), how its
 * end can turn out (outcomes), and offers up to four functions. They block; recoveryd calls them
 * in a worker process of their own, one step at a time, never on its main loop. A body must not
 * start threads, keep static state, sleep by other means than recovery_wait(), or use more than
 * 128 KiB of stack: the same code runs as a fiber in the simulator.
 *
 * The functions of this header come in two sorts. Those that *look* may be repeated at will.
 * Those that *touch* are written to the journal before the first byte leaves for the host, pass
 * the host's fence (another operator's run is refused there), are never retried silently, and act
 * on the step's own host only. docs/plugins.md walks through a complete example. */

#pragma once

#include <gmodule.h>

G_BEGIN_DECLS

/* raised when a plugin built before cannot run any more; fields are only ever appended */
#define RECOVERY_PLUGIN_API 1

/* one state on one target, in one visit and attempt; valid until the function it was passed to
 * returns */
typedef struct _RecoveryStep RecoveryStep;

#define RECOVERY_ERROR (recovery_error_quark())
GQuark recovery_error_quark(void);

/* What a body returns in GError decides what follows. Any other domain counts as FAILED. */
typedef enum {
	RECOVERY_ERROR_FAILED,	    /* tried, did not work: the procedure's retry policy */
	RECOVERY_ERROR_PERMANENT,   /* again cannot help: refused, missing, wrong. The run stops */
	RECOVERY_ERROR_UNREACHABLE, /* no answer, so it may or may not have acted: probe decides */
	RECOVERY_ERROR_FENCED,	    /* the host belongs to another run or a newer incarnation */
	RECOVERY_ERROR_CANCELLED,   /* a person or the deadline ended it */
} RecoveryErrorCode;

typedef enum {
	RECOVERY_PROBE_UNKNOWN, /* cannot tell; @error says why */
	RECOVERY_PROBE_ABSENT,	/* not (completely) done */
	RECOVERY_PROBE_PRESENT, /* done: the postcondition holds */
} RecoveryProbe;

typedef enum {
	RECOVERY_KIND_CHANGE = 1, /* probe and enter, perhaps baseline and undo */
	RECOVERY_KIND_WAIT,	  /* probe only: the step lasts until it answers PRESENT */
	RECOVERY_KIND_QUERY,	  /* enter only, may not touch; its outputs feed later states */
} RecoveryKind;

/* Every change says what becomes of it on the way back. */
typedef enum {
	RECOVERY_UNDO_FUNCTION = 0, /* the table's undo() */
	RECOVERY_UNDO_NOTHING,	    /* harmless to leave */
	RECOVERY_UNDO_IRREVERSIBLE, /* a procedure must stand at its point of no return for it */
} RecoveryUndo;

typedef enum {
	RECOVERY_PARAM_STRING = 1,
	RECOVERY_PARAM_INT,
	RECOVERY_PARAM_BOOL,	 /* yes | no */
	RECOVERY_PARAM_PATH,	 /* absolute, on the step's host */
	RECOVERY_PARAM_FILE,	 /* absolute, on the bastion */
	RECOVERY_PARAM_DURATION, /* 90s, 5m, 1h; read with recovery_int() in seconds */
	RECOVERY_PARAM_SECRET,	 /* never in a log, the journal, argv or a recording */
} RecoveryParamType;

typedef struct {
	const char *name;
	RecoveryParamType type;
	const char *fallback; /* NULL: the procedure has to give it */
	const char *summary;
	/* append here */
} RecoveryParam;

typedef struct {
	const char *name; /* "stop"; procedures write "static-pod/stop" */
	const char *summary;
	RecoveryKind kind;
	const RecoveryParam *params; /* (nullable) ends with an entry without name */
	const char *const *outcomes; /* (nullable) NULL: { "done", NULL }; the first is the
				      * default */
	const char *const *outputs;  /* (nullable) names that recovery_output() may set */
	guint timeout;		     /* seconds, unless the procedure says otherwise */
	RecoveryUndo undo_is;

	/* Change: reads what the postcondition is measured against (boot id, pod UIDs, a revision)
	 * and keeps it with recovery_remember(). Read-only; once per attempt, committed with the
	 * intent before enter(). */
	gboolean (*baseline)(RecoveryStep *step, GError **error);
	/* Change, wait: read-only. Is it needed, is it done yet, did it take effect? */
	RecoveryProbe (*probe)(RecoveryStep *step, GError **error);
	/* Change: does it; safe on a half-done earlier attempt. Query: looks, sets outputs. */
	gboolean (*enter)(RecoveryStep *step, GError **error);
	/* Change: takes it back; safe on absent and on half-done. */
	gboolean (*undo)(RecoveryStep *step, GError **error);
	/* Change, wait: (nullable) how somebody sees that it is done who finishes by hand: a POSIX
	 * shell command, run as root on the step's host (for the cluster on the recovery host),
	 * whose status is 0 as soon as it is. It has each parameter in a variable of its name ('-'
	 * is '_'), and $target. What cannot be seen must not count as done. What has to be asked of
	 * the Kubernetes API it asks with $oc ("$oc get nodes"), which is oc or kubectl with its
	 * kubeconfig: such a command is run where the API is reached, on the bastion without root.
	 * Printed by `runbook`. */
	const char *by_hand;
	/* Change: (nullable) the guards that it takes to do this to a control-plane host, by type
	 * ("etcd/silent"), ends with NULL; and that it is done to one of these at a time. A
	 * procedure that says otherwise, whoever wrote it, is refused when it is loaded. */
	const char *const *guards;
	gboolean alone;
	/* append here */
} RecoveryState;

typedef struct {
	guint api; /* these four by RECOVERY_PLUGIN() */
	gsize plugin_size;
	gsize state_size;
	gsize param_size;
	const char *name;
	const char *summary;
	const RecoveryState *states; /* ends with an entry without name */
				     /* append here */
} RecoveryPlugin;

#define RECOVERY_PLUGIN(...)                                                                       \
	G_MODULE_EXPORT const RecoveryPlugin recovery_plugin = {                                   \
	    .api = RECOVERY_PLUGIN_API,                                                            \
	    .plugin_size = sizeof(RecoveryPlugin),                                                 \
	    .state_size = sizeof(RecoveryState),                                                   \
	    .param_size = sizeof(RecoveryParam),                                                   \
	    __VA_ARGS__}

/* ---- who and what -------------------------------------------------------------------------- */

const char *recovery_run_id(RecoveryStep *step);   /* "r-20261120-kite-3" */
const char *recovery_run_uuid(RecoveryStep *step); /* generated once, journalled before use */
const char *recovery_state_name(RecoveryStep *step);
const char *recovery_target(RecoveryStep *step); /* host name of the inventory, or "cluster" */

/* parameters, checked against the table before any body runs */
const char *recovery_string(RecoveryStep *step, const char *param);
gint64 recovery_int(RecoveryStep *step, const char *param);
gboolean recovery_bool(RecoveryStep *step, const char *param);

/* names of the hosts that are present in @role: "control-plane", "recovery", "others", "workers".
 * Excused hosts are not among them; "returned": those of these that were stated to be powered off
 * and answer all the same, which no step works on. (transfer full) */
char **recovery_hosts(RecoveryStep *step, const char *role);
/* names of the control-plane hosts that a person declared powered off. (transfer full) */
char **recovery_excused(RecoveryStep *step);
/* the address the inventory gives for @host, or NULL */
const char *recovery_address(RecoveryStep *step, const char *host);

/* ---- looking ------------------------------------------------------------------------------- */

typedef struct {
	int status; /* exit status, 128 + N for a signal */
	char *out;  /* (owned) NUL behind the last byte */
	gsize out_size;
	char *err; /* (owned) at most the last 64 KiB */
} RecoveryReply;

void recovery_reply_clear(RecoveryReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecoveryReply, recovery_reply_clear)

/* stdout of a command run as root on @host (NULL: the step's own), or NULL. Arguments arrive as
 * given; there is no shell. An exit status other than 0 is an error that quotes stderr. */
char *recovery_ask(RecoveryStep *step, const char *host, GError **error, const char *argv0,
		   ...) G_GNUC_NULL_TERMINATED G_GNUC_WARN_UNUSED_RESULT;

/* the same where the exit status is part of the answer: FALSE only when there is no answer */
gboolean recovery_ask_status(RecoveryStep *step, const char *host, const char *const *argv,
			     RecoveryReply *reply, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
	char *host;	     /* (owned) */
	RecoveryReply reply; /* valid if error is NULL */
	GError *error;	     /* (owned) (nullable) */
} RecoveryAnswer;

/* one command on many hosts at once; an answer or an error for each, in the order of @hosts.
 * (transfer full) (element-type RecoveryAnswer) */
GPtrArray *recovery_ask_all(RecoveryStep *step, const char *const *hosts, const char *const *argv);

/* the like with a command for each: @argvs has as many places as @hosts. (transfer full)
 * (element-type RecoveryAnswer) */
GPtrArray *recovery_ask_each(RecoveryStep *step, const char *const *hosts,
			     const char *const *const *argvs);

/* copies a file of @host to @to on the bastion (a temporary name, then renamed); resumes a broken
 * transfer; *sha256 is what was received, checked against the host's own */
gboolean recovery_fetch(RecoveryStep *step, const char *host, const char *from, const char *to,
			char **sha256, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* a directory of this run on the bastion, 0700, for what was fetched. (transfer full) */
char *recovery_local_dir(RecoveryStep *step);
/* the like on the step's host; exists after the first put or job. (transfer full) */
char *recovery_work_dir(RecoveryStep *step);

/* ---- touching, always on the step's own host ----------------------------------------------- */

typedef struct {
	const char *const *argv;
	const char *cwd;	/* (nullable) */
	const char *const *env; /* (nullable) "NAME=value", added to an empty environment */
	const char *input;	/* (nullable) to stdin; never shown, so a secret may go here */
	gsize input_size;
} RecoveryCommand;

/* a short change. FALSE with FAILED and stderr when it exits non-zero; UNREACHABLE when the answer
 * was lost. @reply may be NULL. */
gboolean recovery_run(RecoveryStep *step, const RecoveryCommand *command, RecoveryReply *reply,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* a long change, or one that may cut our own connection: runs detached on the host under @name.
 * Called again in the same attempt it finds the earlier one, waits, and returns its result.
 * @reply->out holds at most the last 256 KiB of its output (both streams). */
gboolean recovery_job(RecoveryStep *step, const char *name, const RecoveryCommand *command,
		      RecoveryReply *reply, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The same, and while the job runs @look is called every few seconds: a job that has no deadline of
 * its own can be asked what it waits for, for recovery_progress() or recovery_time_used(). What
 * @look finds out or fails in is its own business; the job goes on. */
gboolean recovery_job_watched(RecoveryStep *step, const char *name, const RecoveryCommand *command,
			      void (*look)(RecoveryStep *step), RecoveryReply *reply,
			      GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef enum {
	RECOVERY_JOB_ABSENT,
	RECOVERY_JOB_ALIVE,
	RECOVERY_JOB_DIED, /* began, no longer runs, left no result */
	RECOVERY_JOB_ENDED,
} RecoveryJobState;

/* looks: the newest job @name of this state on this host, of whichever attempt of this visit */
gboolean recovery_job_state(RecoveryStep *step, const char *name, RecoveryJobState *state,
			    RecoveryReply *reply, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* guarded rename(2): the source exists, the target does not, both are on one mount (never a copy);
 * makes the target's parent directory; owner, mode and label stay */
gboolean recovery_move(RecoveryStep *step, const char *from, const char *to,
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* moves @path to where this run keeps what it moved aside, on the same mount, and notes it in the
 * index on the host. The place is recovery_aside_path(). Never overwrites. */
gboolean recovery_move_aside(RecoveryStep *step, const char *path,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* looks: where @path was moved aside to in this run, NULL if it was not; *found is FALSE then.
 * FALSE with error when the host did not answer */
gboolean recovery_aside_path(RecoveryStep *step, const char *path, char **aside,
			     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* a file on the host from one on the bastion: to a temporary name, length and SHA-256 checked on
 * the host, synced, renamed. Present already with that hash and mode: nothing is sent. */
gboolean recovery_put(RecoveryStep *step, const char *from, const char *to, guint mode,
		      GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean recovery_put_data(RecoveryStep *step, const char *data, gsize size, const char *to,
			   guint mode, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* ---- time, memory, results ----------------------------------------------------------------- */

/* repeats @probe until PRESENT; the library sets the pace (2 % of the time waited, between 250 ms
 * and 5 s). FALSE at the deadline, when cancelled, or on a PERMANENT error; a host that does not
 * answer is waited for. */
gboolean recovery_wait(RecoveryStep *step, RecoveryProbe (*probe)(RecoveryStep *, GError **),
		       GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Said by a probe whose answer is not PRESENT and that knows the moment: what is awaited can be
 * there in @milliseconds, not sooner, so the next look is then at the latest. It never makes one
 * later. */
void recovery_due(RecoveryStep *step, guint milliseconds);

/* Said by a probe whose answer is not PRESENT: how far it has come, a number above 0 that grows
 * with each thing that is done and not with time, tries or errors (nodes that are through, say).
 * The first is where it begins. Where a later one is greater than ever before in this attempt, the
 * step's time begins anew, up to the `longest` that its procedure gives it; without one nothing
 * changes. So what is slow is told from what stands still. */
void recovery_moved(RecoveryStep *step, gint64 far);

/* how much of the time this step was given is over, in percent, 0 to 100: for a second, harder way
 * that is due when the gentle one did not do by half-time */
guint recovery_time_used(RecoveryStep *step);

/* on disk in the journal before it returns; write-once per attempt: another value is an error */
gboolean recovery_remember(RecoveryStep *step, const char *key, const char *value,
			   GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* this attempt's note, or NULL */
const char *recovery_recall(RecoveryStep *step, const char *key);
/* the first note under @key of all attempts of this visit, or NULL: for what every attempt has to
 * say with the same bytes, and for what was found before any of them. What undo() recalls */
const char *recovery_recall_first(RecoveryStep *step, const char *key);

/* a value for later states, "${state.name}"; may be set by enter or probe, the last one counts */
gboolean recovery_output(RecoveryStep *step, const char *name, const char *value,
			 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* which of the table's outcomes it was; without a call it is the first */
void recovery_outcome(RecoveryStep *step, const char *outcome);

/* one line for status: what is awaited or what is there; shown, not kept for ever */
void recovery_progress(RecoveryStep *step, const char *format, ...) G_GNUC_PRINTF(2, 3);

G_END_DECLS
