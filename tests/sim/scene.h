/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/scenery.h"
G_BEGIN_DECLS

/* Clusters with an API and workers, as restore-cluster-state and manual-restore find them. */

typedef struct {
	RdSimCluster *cluster; /* (owned) */
	RdSimApi *api;	       /* (owned) (nullable) */
} Place;

typedef struct {
	const char *name, *summary;
	guint masters, workers;
	gboolean keepalived, healthy;
	const char *purpose; /* (nullable) the input of that name */
	/* the input workers-at-a-time, 0: not given; and how many workers are closed or down at a
	 * time at the worst, and at some time: that many */
	guint at_a_time, away;
	/* what is different: before the snapshot is taken (@store), when all is there */
	void (*past)(Place *place, RdSimStore *store, double time);
	void (*now)(Place *place);
	const char *end;     /* (nullable) NULL: "done"; "held": nothing more can be done */
	const char *excuses; /* (nullable) who a person says is powered off when the run is held */
	const char *procedure; /* (nullable) NULL: restore-cluster-state */
	const char *without;   /* (nullable) the host that is not expected to be well afterwards */
	guint helps;	       /* so many words of a person it needs at least */
	const char *found;     /* (nullable) an output that is in the journal, "NAME=VALUE" */
	const char *told;      /* (nullable) what is in the reason why it was held */
	const char *before;    /* (nullable) and what was in an earlier one */
	/* (nullable) what is wrong with the cluster afterwards, or NULL. (transfer full) */
	char *(*wrong)(RdSimCluster *cluster);
	gboolean lost;	    /* a control plane of 4.2, of which m1 and m2 are lost for good */
	const char *denies; /* (nullable) the gate that a person says no to */
	gboolean replaces;  /* hosts come: how many revisions that takes depends on when they do */
	gboolean careless;  /* the first gate that asks to reinstall a host is approved without */
	const char *then; /* (nullable) the procedure that is run behind it: what its end printed */
	const char *const *faults; /* (nullable) those that are struck; NULL: all */
} Scene;
extern const Scene scenes[];
extern const guint n_scenes;

/* The one called @name (nullable); without a name that in which @procedure is tried, NULL: hosts
 * alone are enough for it. */
const Scene *scene_find(const char *name, const char *procedure);
const char *scene_procedure(const Scene *scene);
void scene_make(const Scene *scene, const char *procedure, guint32 seed, Place *place);
G_END_DECLS
