/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "run.h"
G_BEGIN_DECLS

/* Inside the machine only. What the fold builds comes first; what is below "in hand" is not in the
 * journal and is gone with the engine, which is right: a new engine has nothing in hand. */

#define RD_SECOND G_USEC_PER_SEC

/* a host that does not answer is waited for this long before a person is asked (design 5) */
#define RD_RECONNECT_WINDOW (180 * RD_SECOND)
/* Until when a step whose outcome nobody knows is asked about again by itself: the window of its
 * host. The API has no host that would be away: minutes of refusals and 500s are what follows a
 * restore (domain 2.1), so a step of the cluster is given all of its own time. */
gint64 rd_step_doubt_until(const RdStep *step);
/* moved.c: clock at which a step's own time is over */
gint64 rd_step_end_of_time(const RdStep *step);
/* its look or attempt begins with @event, which is applied behind this; it moved on by @event */
void rd_step_time_begins(RdStep *step, const RdEvent *event);
void rd_step_apply_moved(RdStep *step, const RdEvent *event);
/* that it has come so @far is news, and counts */
gboolean rd_step_is_moved_by(const RdStep *step, gint64 far);
/* between two attempts to reach it */
#define RD_RECONNECT_PACE (2 * RD_SECOND)
/* between two looks at a host that is said to be powered off */
#define RD_RETURN_PACE (30 * RD_SECOND)
/* between two attempts to give something back */
#define RD_OWED_PACE (15 * RD_SECOND)
/* workers that may die with one step before a person is asked */
#define RD_CRASHES_MAX 3
/* what a person may add to the time of a step in all; an order has room for it */
#define RD_EXTRA_MAX ((gint64)24 * 3600 * RD_SECOND)
/* a worker that is asked before its turn and gives no answer is not waited for after this many */
#define RD_SILENT_MAX 2
/* a lock that cannot be given back is left after this long */
#define RD_RELEASE_WINDOW (30 * RD_SECOND)

/* what a worker is doing for us */
typedef struct {
	const char *name; /* (unowned) host or RD_CLUSTER */
	gboolean busy;
	gboolean beside; /* of a state that works beside others */
	RdDo what;
	gint64 sent;	   /* clock of the order */
	gint64 number;	   /* of the lock that the order was sent under; 0: none */
	guint64 without;   /* rd_run_without() when it was sent */
	RdStep *step;	   /* (unowned) (nullable) */
	gboolean stopping; /* cancel was sent */
	gboolean deadline; /* because of the deadline */
	gboolean leaving;  /* because its span is over */
	guint silent;	   /* a worker asked before its turn: how often it gave no answer */
	gint64 not_before; /* survey, take, release: clock of the next try */
} RdHand;

/* It looks what became of something, and comes to its end by itself. Told to stop, it would leave
 * the doubt that it was sent for, and be sent again. */
static inline gboolean
rd_hand_settles(const RdHand *hand)
{
	return hand->what == RD_DO_SETTLE || hand->what == RD_DO_PROBE;
}

struct _RdRun {
	const RdPlan *plan;
	RdRunState state;
	char *end, *end_text;
	char *way;	 /* (nullable) the end it is on its way to, or was when it came to owe */
	char *held_text; /* (nullable) */
	char *loss, *loss_text; /* (nullable) */
	char *shut;		/* (nullable) the gate that a policy has left to a person last */
	char *uuid, *creator;
	gint64 created_wall;
	gint64 clock, seq;
	guint starts;
	GHashTable *heard;   /* (element-type gint64) tokens of requests */
	GHashTable *inputs;  /* (element-type utf8 utf8) */
	GHashTable *outputs; /* (element-type utf8 utf8) "state\ntarget\nname" */
	GPtrArray *steps;    /* (element-type RdStep) state by state, target by target */
	guint *first;	     /* index of each state's first step */
	guint *visits;	     /* of each state */
	GHashTable *gates;   /* (element-type utf8 utf8) "state\nvisit" or a gate's name → word */
	GPtrArray *lanes;    /* (element-type utf8) names of the lanes of states beside others */
	GPtrArray *hosts;    /* (element-type RdRunHost) */
	int unit;
	gboolean passed[RD_MARK_LAST + 1];
	gboolean given_up;	/* a person aborted a step */
	gboolean back;		/* it is on the way back: resume goes on with that */
	gboolean enrolling;	/* this run found a cluster without any lock file */
	gint64 life_number;	/* first incarnation of this engine's life, 0 before it */
	gint64 finishing_since; /* clock; 0 when the end is not near */

	/* in hand */
	GPtrArray *hands; /* (element-type RdHand) the hosts, then RD_CLUSTER, then those beside */
	gboolean resting; /* nothing but a person helps: what works beside is told to stop */
};

/* of a lane */
RdHand *rd_run_hand(RdRun *run, const char *lane);
RdStep *rd_run_step_at(RdRun *run, guint state, const char *target);
RdEvent *rd_run_step_event(RdRun *run, const RdStep *step, RdStepEvent what, const char *text);
RdEvent *rd_run_new_event(RdRun *run, RdEventKind kind, const char *word);
/* whose lock decides who may touch @target: its own, the recovery host's for the cluster; or NULL
 */
RdRunHost *rd_run_lock_of(RdRun *run, const char *target);
/* granted, or there is no such lock */
gboolean rd_run_may_touch(RdRun *run, const char *target);

/* decide.c: one step further; TRUE when the move is filled */
gboolean rd_run_decide_step(RdRun *run, RdMove *move, RdStep *step);
gboolean rd_run_send_step(RdRun *run, RdMove *move, RdStep *step, RdDo what);
/* unknown facts stop: FALSE with error. *wanted says whether the state is to be done */
gboolean rd_run_when(RdRun *run, const RdStep *step, gboolean *wanted, GError **error);
RdEvent *rd_run_state_event(RdRun *run, RdRunState state, const char *end, const char *text);
/* the lane's step at work: the first that is not final; NULL when the lane is through */
RdStep *rd_run_lane(RdRun *run, const RdPlanUnit *unit, guint lane, gboolean *begun);
/* when its time is over; far away for what has none */
gint64 rd_run_deadline(RdRun *run, const RdHand *hand, const RdStep *step);

/* something is in hand; what works beside others does not count, or a run never came to rest */
gboolean rd_run_in_hand(RdRun *run);

/* ending.c: one thing more towards that end; left.c: another worker is left. TRUE when the move is
 * filled */
gboolean rd_run_decide_end(RdRun *run, RdMove *move, const char *end);
gboolean rd_run_decide_left(RdRun *run, RdMove *move);
/* "m0,w1", or NULL. (transfer full) */
char *rd_run_leftover_names(RdRun *run);

/* the steps in hand come to their end, and nothing else begins */
gboolean rd_run_is_leaving(RdRun *run);
/* rollback.c: one thing more on the way back */
gboolean rd_run_decide_rollback(RdRun *run, RdMove *move);
/* what @event, that it was begun or gone on with, means for the fold */
void rd_rollback_applied(RdRun *run, const RdEvent *event);
gboolean rd_request_rollback(RdRun *run, GPtrArray *events, const char *who, const char *reason,
			     GError **error);

/* beside.c: bit set of the control-plane hosts, in the plan's order, that are excused; a control
 * plane has never more than 64 */
guint64 rd_run_without(RdRun *run);
/* TRUE when the move is filled. @all: every span is over */
gboolean rd_run_decide_beside(RdRun *run, RdMove *move, gboolean all);
/* one of them is held: a person has to look before anything else begins */
gboolean rd_run_beside_holds(RdRun *run);
/* something beside has not come to rest yet */
gboolean rd_run_beside_works(RdRun *run);

/* why.c: what @event says of why @step stops or fails; and the text of one that may not be tried
 * again, and @text (nullable) of a step whose time is over, with
 * that in it. (transfer full) */
void rd_step_note_why(RdStep *step, RdStepEvent what, const RdEvent *event);
char *rd_step_exhausted_why(const RdStep *step);
char *rd_step_over_why(const RdStep *step, const char *text);

/* remark.c */
void rd_run_apply_remark(RdRun *run, const RdEvent *event);

/* gate.c: "approved", "denied", or NULL while nobody has said anything */
const char *rd_run_gate_word(RdRun *run, const RdStep *step);
/* its own gate, or that of the group which it is in */
gboolean rd_run_gate_denied(RdRun *run, const RdStep *step);
gboolean rd_run_apply_gate(RdRun *run, const RdEvent *event);
gboolean rd_request_gate(RdRun *run, GPtrArray *events, const char *word, const char *argument,
			 const char *who, const char *reason, GError **error);

/* request.c: "90s", "30m", "2h" in microseconds, 0 when it is none of these */
gint64 rd_request_time(const char *text);
/* what the request itself means for the fold */
gboolean rd_run_apply_request(RdRun *run, const RdEvent *event, GError **error);
/* run.c: FALSE with an error that says which event it is and @why it cannot be */
gboolean rd_run_misfit(const RdEvent *event, const char *why, GError **error);

/* owed.c */
typedef enum {
	RD_OWED_MOVED,	 /* the move is filled */
	RD_OWED_OPEN,	 /* something is being given back, or waits to be */
	RD_OWED_STUCK,	 /* what is left needs a person */
	RD_OWED_THROUGH, /* nothing is owed */
} RdOwed;
/* gives back what is borrowed until state @until, or with NULL everything */
RdOwed rd_run_decide_owed(RdRun *run, RdMove *move, const char *until);
/* "webhooks@cluster: why", one behind the other (transfer full) */
char *rd_run_owed_text(RdRun *run);

/* what a move consists of; TRUE, so that the caller can return it */
gboolean rd_move_events(RdMove *move, RdEvent *event);
gboolean rd_move_order(RdRun *run, RdMove *move, RdOrder *order, RdStep *step);
void rd_move_wake(RdMove *move, gint64 clock);

/* locks.c: TRUE when the move is filled */
gboolean rd_run_decide_locks(RdRun *run, RdMove *move);
/* locks.c: is one that a person stated to be powered off there again? TRUE when the move is filled
 */
gboolean rd_run_decide_returned(RdRun *run, RdMove *move);
/* a refusal that is not asked again: only a person's word changes it */
gboolean rd_host_is_final(const RdRunHost *host);
/* a worker is taken when its turn has come */
gboolean rd_run_is_to_be_changed(RdRun *run, const RdRunHost *host);
/* no worker, as far as they answer, is still being touched by the engine before this one */
gboolean rd_run_forerunners_asked(RdRun *run);
/* in this engine's life, by every control-plane host that is not excused */
gboolean rd_run_all_granted(RdRun *run);
/* another has at least one host */
gboolean rd_run_is_fenced(RdRun *run);
/* @target will not be granted without a person's word: it, or any host, is another's */
gboolean rd_run_lock_is_lost(RdRun *run, const char *target);

/* "${…}" of @text as @step sees it; NULL with what is missing */
G_END_DECLS
