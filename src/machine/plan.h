/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What a run is made of: a procedure expanded with an inventory. Built by procedure/expand.h (or by
 * a test, by hand), read by the machine, never changed. */

typedef enum {
	RD_KIND_CHANGE = 1,
	RD_KIND_WAIT,
	RD_KIND_QUERY,
} RdKind;

/* what becomes of a change on the way back */
typedef enum {
	RD_UNDO_FUNCTION,
	RD_UNDO_NOTHING, /* harmless to leave */
	RD_UNDO_IRREVERSIBLE,
} RdUndo;

/* what a state's first intent passes */
typedef enum {
	RD_MARK_NONE,
	RD_MARK_RESCUE_COPY,
	RD_MARK_HOST_UNDO_ENDS,
	RD_MARK_POINT_OF_NO_RETURN,
} RdMark;
#define RD_MARK_LAST RD_MARK_POINT_OF_NO_RETURN
const char *rd_mark_to_string(RdMark mark);
gboolean rd_mark_from_string(const char *name, RdMark *mark);

/* the reserved target of states that concern no single host */
#define RD_CLUSTER "cluster"

typedef struct {
	char *name;
	char *role;	 /* "recovery" | "control-plane" | "worker" */
	gboolean locked; /* grants the lock: every control-plane host */
} RdPlanHost;

typedef struct {
	char *type; /* "etcd/silent" */
	GHashTable
	    *with; /* (element-type utf8 utf8) parameter templates, every declared parameter */
} RdPlanGuard;

typedef struct {
	char *outcome;
	char *to; /* a state's name, or "done" or "failed" */
} RdPlanEdge;

/* A person approves before the state begins, once for each visit. */
typedef struct {
	char *name;	 /* "reboot-control-plane"; what `approve` is given */
	char *text;	 /* (nullable) what is approved by it */
	gboolean always; /* must be asked when it is there: cannot be approved beforehand */
	gboolean named;	 /* opened only by who types the cluster's name, also beforehand */
} RdPlanGate;

/* what `until` names when the run's end is meant */
#define RD_UNTIL_END "end"

typedef struct {
	char *name;
	char *type;
	char *summary; /* (nullable) */
	RdKind kind;
	RdUndo undo;	    /* of a change */
	GHashTable *with;   /* (element-type utf8 utf8) every declared parameter; "${x}" inside */
	GPtrArray *targets; /* (element-type utf8) host names or RD_CLUSTER, in their order */
	guint width;	    /* how many targets at a time, at most; 1 is serial */
	char *at_most;	    /* (nullable) a template: nor more than this number, found on the way */
	guint timeout_s;    /* per attempt, engine time */
	/* of a wait: its timeout begins anew when it moves on, and all of it takes no longer than
	 * this; 0: moving on changes nothing */
	guint longest_s;
	guint tries;	   /* attempts before it is held */
	guint delay_s;	   /* before the next attempt */
	GPtrArray *guards; /* (element-type RdPlanGuard) */
	GPtrArray *edges;  /* (element-type RdPlanEdge); default: the next unit */
	char *outcome;	   /* the one of a body that says none; NULL: "done" */
	GPtrArray *when;   /* (element-type utf8) pairs template, value; all equal or skipped */
	RdMark mark;	   /* passed when the first intent of this state is stored */
	RdPlanGate *gate;  /* (nullable) */
	/* (nullable) it works beside the states that follow, and is told to end when this state, or
	 * the run's last, is through; on RD_CLUSTER only, and a unit by itself */
	char *beside;
	/* (nullable) what it did is undone before this state begins, or at the run's end; on any
	 * other way out as well */
	char *borrow;
	GPtrArray *returns; /* (element-type RdPlanGuard) hold before it is undone at its place */
	gboolean skippable;
	gboolean irreversible; /* its type says that nothing takes it back */
	gboolean
	    leftover; /* a worker that cannot be brought through is left, and the run goes on */
	gboolean postponable; /* a host on which it was left out is a leftover of the run */
	gboolean single; /* on the recovery host: its outputs are one value wherever one stands */
} RdPlanState;

/* Consecutive states that are worked off together: one state, or a group (all of it on one host,
 * then the next). A unit ends when every target is through: a barrier. */
typedef struct {
	char *name;	    /* the group's, or the state's */
	guint first, count; /* indices into states */
} RdPlanUnit;

/* How the hosts are brought to their end that this run could not, or was told not to. */
typedef struct {
	char *procedure;
	GPtrArray *inputs; /* (element-type utf8) pairs name, template; RD_LEFTOVERS is the hosts */
} RdPlanRest;
#define RD_LEFTOVERS "${leftovers}"

typedef struct {
	char *procedure; /* name */
	char *summary;
	char *cluster;
	GPtrArray *hosts;  /* (element-type RdPlanHost) in order of the inventory */
	GPtrArray *states; /* (element-type RdPlanState) */
	GPtrArray *units;  /* (element-type RdPlanUnit) */
	RdPlanRest *rest;  /* (nullable) */
	RdPlanRest
	    *later; /* (nullable) the like for what was postponed on the cluster as a whole */
} RdPlan;

RdPlan *rd_plan_new(const char *procedure, const char *cluster);
RdPlanHost *rd_plan_add_host(RdPlan *plan, const char *name, const char *role);
/* with its defaults: change, width 1, 300 s, 1 try; no target, and no unit yet */
RdPlanState *rd_plan_add_state(RdPlan *plan, const char *name, const char *type, RdKind kind);
RdPlanGuard *rd_plan_state_add_guard(RdPlanState *state, const char *type);
RdPlanGuard *rd_plan_state_add_return(RdPlanState *state, const char *type);
void rd_plan_state_set_gate(RdPlanState *state, const char *name, const char *text, gboolean always,
			    gboolean named);
void rd_plan_state_add_edge(RdPlanState *state, const char *outcome, const char *to);
/* the last @count states become one unit */
void rd_plan_add_unit(RdPlan *plan, const char *name, guint count);
/* for plan->rest and plan->later, which own it */
RdPlanRest *rd_plan_rest_new(const char *procedure);
void rd_plan_rest_add(RdPlanRest *rest, const char *name, const char *template);
/* indices, -1 when there is none */
int rd_plan_find_state(const RdPlan *plan, const char *name);
int rd_plan_find_unit(const RdPlan *plan, const char *state);
const RdPlanHost *rd_plan_find_host(const RdPlan *plan, const char *name);
void rd_plan_free(RdPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPlan, rd_plan_free)
G_END_DECLS
