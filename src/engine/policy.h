/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/run.h"
#include "procedure/procedure.h"
G_BEGIN_DECLS

/* What a run may do without a person: gates that are approved beforehand, by name, each with what
 * has to hold then. A gate that always asks is never among them.
 *
 *   policy: nightly drill
 *   format: 1
 *   approve:
 *   - {gate: point-of-no-return, max-backup-age: 26h, max-objects-lost: 100}
 *   - {gate: control-plane-reboots}
 *
 * The same on a command line: point-of-no-return:max-backup-age=26h,max-objects-lost=100 */
typedef struct {
	char *gate;
	char *conditions; /* (nullable) "max-backup-age=26h,max-objects-lost=100" */
} RdPolicyRule;

typedef struct {
	char *name;
	char *digest;	  /* hex SHA-256 of the file's bytes */
	GPtrArray *rules; /* (element-type RdPolicyRule) */
} RdPolicy;

/* NULL with RD_PROCEDURE_ERROR, "FILE:LINE:COLUMN: text" for each thing that is wrong, gates that
 * @plan does not have or that always ask among them */
RdPolicy *rd_policy_load(const char *path, const RdPlan *plan, GError **error);
void rd_policy_free(RdPolicy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPolicy, rd_policy_free)

gboolean rd_policy_has(const RdPolicy *self, const char *gate);
/* a rule as it is typed; NULL with G_IO_ERROR_INVALID_ARGUMENT, not beginning with its text */
RdPolicyRule *rd_policy_rule_parse(const char *text, const RdPlan *plan, GError **error);
void rd_policy_rule_free(RdPolicyRule *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPolicyRule, rd_policy_rule_free)

/* The input of a run that has the conditions of a gate, for journal and fold; no input of a
 * procedure can be called so. */
#define RD_POLICY_INPUT_GATE   "policy.gate."
#define RD_POLICY_INPUT_NAME   "policy.name"
#define RD_POLICY_INPUT_DIGEST "policy.sha256"

/* the gates of a run that have conditions: gate, conditions, … (element-type utf8) (unowned
 * elements, transfer container) */
GPtrArray *rd_policy_list(RdRun *run);
/* Whether @conditions hold at @wall (microseconds since 1970), by what the run has told of its
 * losses; what is not known does not. *found: each with what was found, in words (out) (transfer
 * full) */
gboolean rd_policy_holds(RdRun *run, const char *conditions, gint64 wall, char **found);
G_END_DECLS
