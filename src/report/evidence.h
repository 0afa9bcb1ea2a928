/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/setting.h"
#include "machine/run.h"
G_BEGIN_DECLS

/* A run directory as evidence: read for somebody who was not there, perhaps from a copy, perhaps on
 * another machine, perhaps damaged. What can be read is; what cannot is named. No clock, no lock,
 * no host is asked: the same directory gives the same evidence, wherever it lies. The journal's
 * redaction is done once more: whoever wrote to it may not have known what a later version knows.
 */

typedef struct {
	char *name;   /* "cluster.yaml", "local/…" */
	char *sha256; /* (nullable) hex; NULL: it could not be read */
	gint64 size;
} RdEvidenceFile;

typedef struct {
	char *dir;
	char *run_id;
	RdRunSetting *setting; /* (nullable) (owned) */
	RdPlan *plan;	       /* (nullable) (owned) */
	RdRun *run;	       /* (nullable) (owned) the fold, as far as the events fit the plan */
	GPtrArray *events;     /* (element-type RdEvent) as many as can be read */
	char *head;	       /* hash of the newest event, "" when there is none */
	gint64 proven;	       /* events 1 to this one fit the chain */
	GPtrArray *faults;     /* (element-type utf8) what is wrong with the directory */
	GPtrArray *files;      /* (element-type RdEvidenceFile) sorted by name */
} RdEvidence;

/* NULL only when there is no journal at all, or none that can be opened */
RdEvidence *rd_evidence_read(const char *dir, GError **error);
void rd_evidence_free(RdEvidence *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdEvidence, rd_evidence_free)

/* NULL when there is none, or the plan cannot be read (unowned) */
const RdPlanState *rd_evidence_find_state(const RdEvidence *self, const char *state);
G_END_DECLS
