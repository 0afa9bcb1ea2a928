/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "run.h"
G_BEGIN_DECLS

/* Inside the machine only. What the fold builds comes first; what is below "in hand" is not in the
 * journal and is gone with the engine, which is right: a new engine has nothing in hand. */

#define RD_SECOND G_USEC_PER_SEC

/* a host that does not answer is waited for this long before a person is asked (design 5) */
#define RD_RECONNECT_WINDOW (180 * RD_SECOND)
/* between two attempts to reach it */
#define RD_RECONNECT_PACE (2 * RD_SECOND)
/* workers that may die with one step before a person is asked */
#define RD_CRASHES_MAX 3
/* a lock that cannot be given back is left after this long */
#define RD_RELEASE_WINDOW (30 * RD_SECOND)

/* what a worker is doing for us */
typedef struct {
	const char *name; /* (unowned) host or RD_CLUSTER */
	gboolean busy;
	RdDo what;
	RdStep *step;	   /* (unowned) (nullable) */
	gboolean stopping; /* cancel was sent */
	gboolean deadline; /* because of the deadline */
	gint64 not_before; /* survey, take, release: clock of the next try */
} RdHand;

struct _RdRun {
	const RdPlan *plan;
	RdRunState state;
	char *end, *end_text;
	char *held_text; /* (nullable) */
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
	GPtrArray *hosts;    /* (element-type RdRunHost) */
	int unit;
	gboolean passed[RD_MARK_LAST + 1];
	gboolean given_up;	/* a person aborted a step */
	gboolean enrolling;	/* this run found a cluster without any lock file */
	gint64 life_number;	/* first incarnation of this engine's life, 0 before it */
	gint64 finishing_since; /* clock; 0 when the end is not near */

	/* in hand */
	GPtrArray *hands; /* (element-type RdHand) the hosts, then RD_CLUSTER */
};

RdHand *rd_run_hand(RdRun *run, const char *target);
RdStep *rd_run_step_at(RdRun *run, guint state, const char *target);
RdEvent *rd_run_step_event(RdRun *run, const RdStep *step, RdStepEvent what, const char *text);
RdEvent *rd_run_new_event(RdRun *run, RdEventKind kind, const char *word);
/* steps of excused hosts do not count */
gboolean rd_run_step_counts(RdRun *run, const RdStep *step);
/* granted, or not a host */
gboolean rd_run_may_touch(RdRun *run, const char *target);

/* what a move consists of; TRUE, so that the caller can return it */
gboolean rd_move_events(RdMove *move, RdEvent *event);
gboolean rd_move_order(RdRun *run, RdMove *move, RdOrder *order, RdStep *step);
void rd_move_wake(RdMove *move, gint64 clock);

/* locks.c: TRUE when the move is filled */
gboolean rd_run_decide_locks(RdRun *run, RdMove *move);
/* in this engine's life, by every control-plane host that is not excused */
gboolean rd_run_all_granted(RdRun *run);
/* another has at least one host */
gboolean rd_run_is_fenced(RdRun *run);
/* @target will not be granted without a person's word: it, or any host, is another's */
gboolean rd_run_lock_is_lost(RdRun *run, const char *target);

/* "${…}" of @text as @step sees it; NULL with what is missing */
char *rd_run_resolve(RdRun *run, const RdStep *step, const char *text, GError **error);
G_END_DECLS
