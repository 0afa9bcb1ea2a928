/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/scenery.h"
G_BEGIN_DECLS

/* The cluster that restore-cluster-state finds, in its variants. */

typedef struct {
	RdSimCluster *cluster; /* (owned) */
	RdSimApi *api;	       /* (owned) (nullable) */
} Place;

typedef struct {
	const char *name, *summary;
	guint masters, workers;
	gboolean keepalived, healthy;
	const char *purpose; /* (nullable) the input of that name */
	/* what is different: before the snapshot is taken (@store), when all is there */
	void (*past)(Place *place, RdSimStore *store, double time);
	void (*now)(Place *place);
	const char *end;     /* (nullable) NULL: "done"; "held": nothing more can be done */
	const char *excuses; /* (nullable) who a person says is powered off when the run is held */
	const char *without; /* (nullable) the host that is not expected to be well afterwards */
	guint helps;	     /* so many words of a person it needs at least */
	const char *told;    /* (nullable) what is in the reason why it was held */
	gboolean lost;	     /* a control plane of 4.2, of which m1 and m2 are lost for good */
	const char *const *faults; /* (nullable) those that are struck; NULL: all */
} Scene;
extern const Scene scenes[];
extern const guint n_scenes;

/* the first one is the usual one; NULL: hosts alone, as @procedure needs them */
const Scene *scene_of(const char *procedure);
void scene_make(const Scene *scene, const char *procedure, guint32 seed, Place *place);
G_END_DECLS
