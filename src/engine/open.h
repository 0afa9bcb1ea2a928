/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/setting.h"
#include "journal/journal.h"
#include "journal/rundir.h"
#include "machine/run.h"
#include "procedure/inventory.h"
G_BEGIN_DECLS

/* A run as it lies in its directory: the copies of procedure, inventory and state types made at
 * start, expanded to a plan, and the fold of its journal over it. What the engine works on and what
 * status, logs and the other commands read. */
typedef struct {
	RdRundir *dir;		/* (owned) */
	RdInventory *inventory; /* (owned) */
	RdPlan *plan;		/* (owned) */
	RdJournal *journal;	/* (owned) */
	RdRun *run;		/* (owned) */
	GPtrArray *events;	/* (owned) (element-type RdEvent) read so far; NULL for a writer */
} RdOpenRun;

/* @writer: for the engine; everybody else reads. Takes @dir in any case. */
RdOpenRun *rd_open_run(RdRundir *dir, gboolean writer, GError **error);
/* a reader's look at what came since: appends to events and applies; TRUE in *news if there was
 * anything */
gboolean rd_open_run_refresh(RdOpenRun *self, gboolean *news, GError **error);
/* Whose word counts at a gate: root's, that of who owns the run's directory, and of those who were
 * named when it started (RD_RUN_INPUT_OWNERS). @who: the name of @uid. */
gboolean rd_open_run_may_approve(const RdOpenRun *self, guint uid, const char *who, GError **error);
void rd_open_run_free(RdOpenRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdOpenRun, rd_open_run_free)
/* what the copies in the run directory @dir amount to */
RdPlan *rd_open_plan(const char *dir, const RdRunSetting *setting, GError **error);
G_END_DECLS
