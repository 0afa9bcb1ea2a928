/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "event.h"
#include "life.h"
#include "order.h"
#include "plan.h"
G_BEGIN_DECLS

/* The state of one run: a fold over its journal, and what to do next. Pure: no I/O, no clock, no
 * process. The engine feeds events it has stored (apply), reports (digest) and the time (decide);
 * it gets back events to store and orders to send, always in that order: nothing is sent before
 * the events that came with it are on disk. status, logs and the tests use the same fold. */
typedef struct _RdRun RdRun;

typedef enum {
	RD_RUN_NEW,
	RD_RUN_RUNNING,
	RD_RUN_PAUSING, /* the steps in hand come to their end first */
	RD_RUN_PAUSED,
	RD_RUN_CANCELLING, /* the same, then the lock is given back */
	RD_RUN_HELD,	   /* waits for a person's word */
	RD_RUN_ENDED,
	RD_RUN_ENDING,	 /* gives back what it borrowed, then ends */
	RD_RUN_ROLLBACK, /* the steps in hand come to their end first, then all is undone */
} RdRunState;
#define RD_RUN_STATE_LAST RD_RUN_ROLLBACK
const char *rd_run_state_to_string(RdRunState state);
gboolean rd_run_state_from_string(const char *name, RdRunState *state);

/* one step as it stands */
typedef struct {
	const RdPlanState *plan;
	const char *target; /* (unowned) */
	const char *lane;   /* (unowned) whose worker does it: order.h */
	RdLife life;
	guint visit, attempt;
	gint64 since;	/* clock of the last life event */
	gint64 began;	/* clock of the first life event of this visit */
	gint64 started; /* clock at which this attempt's deadline began to count */
	/* moved.c: clock at which its longest time began to count; clock at which it last moved on,
	 * 0 when it has not; and how far it had come by then */
	gint64 whole_from, moved, far;
	gint64 extra;  /* microseconds that a person has added to its time in this visit */
	gboolean anew; /* its worker was taken from it while it looked: its time begins anew */
	gint64 wall_since, wall_began, wall_ended;
	gint64 doubt_since; /* clock of the first unanswered question, 0 when none is open */
	/* why.c: of the time since @away_from, which is what @started was then, so much went by
	 * without an answer; and what the last one said (owned) (nullable) */
	gint64 away, away_from;
	char *away_text;
	char *fault;	  /* (owned) (nullable) why.c: what this attempt failed of */
	gint64 number;	  /* of the host's lock when the intent of this attempt was stored */
	gboolean intent;  /* this attempt may have touched */
	gboolean again;	  /* the next begin is a new attempt */
	gboolean doubted; /* this attempt went through DOUBT */
	gboolean silent;  /* it is held because its host did not answer */
	gboolean paced;	  /* this attempt ended by a fault: the next one waits for the delay */
	gboolean redo;	  /* a person said so: what the probe cannot tell counts as ABSENT */
	gboolean owed;	  /* it has begun to change what can be undone, and was not undone */
	gboolean kept;	  /* it could not be undone, and a person said that it may stay so */
	guint fails;	  /* attempts that ended without success, since the last word of a person */
	guint crashes;	  /* workers that died with it, since then */
	guint touches;	  /* number of the newest touch in this visit */
	char *text;	  /* (owned) (nullable) last error or finding */
	char *outcome;	  /* (owned) (nullable) */
	GHashTable *notes;	    /* (element-type utf8 utf8) (owned) of this attempt */
	GHashTable *first;	    /* (element-type utf8 utf8) (owned) the first of this visit */
	char *boot_id, *machine_id; /* (owned) of the grant this attempt ran under */
} RdStep;

typedef struct {
	const RdPlanHost *plan;
	gboolean excused;
	/* excused, and it answers all the same: it is taken like the others, no step is made for
	 * it, and what works beside the rest watches it, too */
	gboolean returned;
	gboolean enrol;	       /* a person said that it may be new */
	char *excuse;	       /* (owned) (nullable) reason and who */
	gboolean left;	       /* a worker that could not be brought through: no part in the rest */
	char *left_why;	       /* (owned) (nullable) */
	gint64 granted;	       /* number in force, 0 when we do not hold it now */
	gint64 asked;	       /* highest number journalled for this host */
	gint64 pending;	       /* journalled, sent or about to be, not answered yet; or 0 */
	gboolean taken_before; /* granted at some time in this run: no enrolment any more */
	gboolean granted_life; /* granted at some time in this engine's life */
	gboolean surveyed;     /* in this engine's life */
	gboolean released;     /* given back at the end */
	gint64 found;	       /* number the survey found, -1: no file */
	char *boot_id, *machine_id; /* (owned) last granted */
	char *holder;	      /* (owned) (nullable) why it is not ours, as the survey found it:
			       * held by another run, or a higher number was there since */
	char *trouble_word;   /* (owned) (nullable) fenced | busy | refused | unreachable … */
	char *trouble;	      /* (owned) (nullable) why it does not grant */
	gint64 trouble_since; /* clock; 0 when it answers */
} RdRunHost;

RdRun *rd_run_new(const RdPlan *plan);
void rd_run_free(RdRun *run);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdRun, rd_run_free)

/* FALSE when the event does not fit what came before: the journal is not this plan's, or damaged */
gboolean rd_run_apply(RdRun *run, const RdEvent *event, GError **error);

/* what time it is, for the events that digest and request make; decide is told itself */
void rd_run_tick(RdRun *run, gint64 clock);

/* what a report means: events for the journal, which the caller stores, applies, and then
 * acknowledges if the kind asks for it. (element-type RdEvent) (transfer full) */
GPtrArray *rd_run_digest(RdRun *run, const RdReport *report);

typedef struct {
	GPtrArray *events; /* (element-type RdEvent) to store and apply first; at most one step's */
	RdOrder *order;	   /* (nullable) then to send */
	char *cancel;	   /* (nullable) target whose order is to be stopped */
	gint64 wake;	   /* clock at which to ask again although nothing happened; 0: never */
	gboolean idle;	   /* nothing more without a person or a report: see state */
} RdMove;
/* One thing to do at @clock (engine life in this run, microseconds). The caller carries it out and
 * calls again until there are neither events nor order nor cancel. */
void rd_run_decide(RdRun *run, gint64 clock, RdMove *move);
void rd_move_clear(RdMove *move);

/* The engine has just started: everything that was in hand is lost. (transfer full) events */
GPtrArray *rd_run_lost_all(RdRun *run);

/* Another has taken @host from us: said by what is no step there. (transfer full) events */
GPtrArray *rd_run_fenced(RdRun *run, const char *host, const char *text);

/* A person's word: pause, resume, cancel, rollback, excuse HOST, enrol HOST, decide STEP
 * done|redo|abort, skip STEP, extend STEP TIME, approve GATE, deny GATE, amend DIGEST, note. FALSE
 * with the reason when it makes no sense now. @step is "state@target" or NULL. A gate is named as
 * rd_run_get_gate_instance() has it, with "@DIGEST" of the plan behind it, and "@CLUSTER" where the
 * gate is opened by the cluster's name. (transfer full) */
GPtrArray *rd_run_request(RdRun *run, const char *word, const char *step, const char *argument,
			  const char *who, const char *reason, GError **error);

/* whether the request with this token is in the journal */
gboolean rd_run_heard(RdRun *run, gint64 token);

/* reading it */
const RdPlan *rd_run_get_plan(RdRun *run);
RdRunState rd_run_get_state(RdRun *run);
/* "done", "done with leftovers", "cancelled", "rolled back", "failed", "refused"; "owing" when
 * something borrowed could not be given back, which resume tries again; NULL before the end */
const char *rd_run_get_end(RdRun *run);
const char *rd_run_get_end_text(RdRun *run);
/* what its last word said when it is held, NULL else */
const char *rd_run_get_held_text(RdRun *run);
/* what its restore loses, as JSON (docs/json.md) and in a sentence; NULL before that is known */
const char *rd_run_get_loss(RdRun *run);
const char *rd_run_get_loss_text(RdRun *run);
/* it was said already that a policy leaves this gate to a person */
gboolean rd_run_was_shut(RdRun *run, const char *instance);
const char *rd_run_get_uuid(RdRun *run);
gint64 rd_run_get_clock(RdRun *run);
gint64 rd_run_get_seq(RdRun *run);
guint rd_run_get_starts(RdRun *run); /* of engines */
gint64 rd_run_get_created_wall(RdRun *run);
const char *rd_run_get_creator(RdRun *run);
gboolean rd_run_passed(RdRun *run, RdMark mark);
const char *rd_run_get_input(RdRun *run, const char *name);
/* what `start` was given beside the procedure's own inputs, under names that none of those can
 * have: the inventory's path, and the recovery host where it was not the inventory's */
#define RD_RUN_INPUT_CLUSTER  "start.cluster"
#define RD_RUN_INPUT_RECOVERY "start.recovery-host"
/* SHA-256 of the plan that it carries out (engine/plan-file.h), hex */
#define RD_RUN_INPUT_PLAN "plan.digest"
/* so many of its digits are printed, and are enough to name it */
#define RD_PLAN_DIGEST_SHOWN 12
/* users beside who started it whose word counts at a gate, separated by blanks */
#define RD_RUN_INPUT_OWNERS "start.owners"
/* every step of the plan, in its order, in its newest visit: (element-type RdStep) (unowned) */
GPtrArray *rd_run_get_steps(RdRun *run);
RdStep *rd_run_find_step(RdRun *run, const char *state, const char *target);
/* clock at which the time of its attempt is over, later while its host does not answer */
gint64 rd_step_deadline(const RdStep *step);
/* clock at which it is over in any case, however it moves on; 0: that changes nothing */
gint64 rd_step_whole_deadline(const RdStep *step);
/* clock at which it moved on and its time began anew; 0: it did not since that began */
gint64 rd_step_last_moved(const RdStep *step);
/* clock until which a host that does not answer is asked again by itself; 0: it is not */
gint64 rd_host_deadline(const RdRunHost *host);
/* nobody has to take it: it was stated to be powered off, and nothing says otherwise */
gboolean rd_host_is_off(const RdRunHost *host);
/* steps of hosts that are excused or left do not count, but what works beside the rest does on one
 * that returned */
gboolean rd_run_step_counts(RdRun *run, const RdStep *step);
/* for so long after its first silence, microseconds */
gint64 rd_host_patience(void);
/* (element-type RdRunHost) (unowned) */
GPtrArray *rd_run_get_hosts(RdRun *run);
RdRunHost *rd_run_find_host(RdRun *run, const char *name);
const char *rd_run_get_output(RdRun *run, const char *state, const char *target, const char *name);
/* "${…}" in @text as @step would see it now; an error names what is not known. (transfer full) */
char *rd_run_resolve(RdRun *run, const RdStep *step, const char *text, GError **error);
/* what a person has to approve before the run goes on: the first step behind each gate that is
 * shut. (element-type RdStep) (unowned elements, transfer container) */
GPtrArray *rd_run_get_gates(RdRun *run);
/* What has to be typed to mean this very question: the gate's name, or its state's where two have
 * the same, with "#2" behind it when it is asked for the second time. (transfer full) */
char *rd_run_get_gate_instance(RdRun *run, const RdStep *step);
/* what is approved by it, with what is known filled in, or NULL (transfer full) */
char *rd_run_get_gate_text(RdRun *run, const RdStep *step);
/* what has been borrowed and not been given back, and while it is rolled back all that is to be
 * undone, the newest first. (element-type RdStep) (unowned elements, transfer container) */
GPtrArray *rd_run_get_owed(RdRun *run);
/* What a rollback undoes, in its order, and what it leaves: changes that this run made but that
 * have nothing to undo. (element-type RdStep) (unowned elements, transfer container) */
GPtrArray *rd_run_get_way_back(RdRun *run);
GPtrArray *rd_run_get_unreturned(RdRun *run);
/* it is being rolled back, or is held, paused or ended on that way */
gboolean rd_run_goes_back(RdRun *run);
/* "recoveryd WORDS" for the same cluster as this run: its inventory ("FILE" where the journal does
 * not say it), its recovery host, and the hosts that were stated to be off. (transfer full) */
char *rd_run_get_line(RdRun *run, const char *words);
/* What has to be typed for the hosts that a run which is through has left over: a complete command.
 * NULL when there is none, or the procedure names nothing that takes them. (transfer full) */
char *rd_run_get_rest(RdRun *run);
/* How many targets of @state are worked on at a time, as far as is known now: 1 or more. */
guint rd_run_get_width(RdRun *run, const RdPlanState *state);
/* The same in words, and what makes it less than was asked for; NULL where the procedure alone says
 * it, or there is no choice. (transfer full) */
char *rd_run_get_width_text(RdRun *run, const RdPlanState *state);
/* index of the unit at work, -1 before the first */
int rd_run_get_unit(RdRun *run);
/* why it is held or waits, one line per cause: (element-type utf8) (transfer full) */
GPtrArray *rd_run_get_causes(RdRun *run);
G_END_DECLS
