/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/plan-make.h"
G_BEGIN_DECLS

/* A plan as a file. docs/plan.md has every member; in short
 *
 *   format, made    version of this form; when, by whom
 *   digest          SHA-256 of the canonical JSON of the next two
 *   declares        what it was made from: procedure, inventory, inputs, statements, and `facts`,
 *                   what hosts said that it rests on. Never a time, a lease or a progress
 *   steps           what would be done
 *   hosts           whose they are, which ones do not answer
 *
 * Canonical: keys in order of their bytes, no space between, strings as json-glib escapes them. */
#define RD_PLAN_FORMAT 1

/* @options: those it was made with. (transfer full) */
JsonNode *rd_plan_file_build(const RdPlanned *planned, const RdBeginOptions *options);
/* hex SHA-256 (transfer full) */
char *rd_plan_file_digest(JsonObject *plan);

typedef struct {
	char *digest;
	JsonNode *root;
	/* what rd_begin() is given */
	char *procedure, *inventory, *recovery_host;
	GHashTable *inputs, *excused;
	char **approved;
	gboolean accept_no_hash;
} RdPlanFile;

/* NULL with RD_PROCEDURE_ERROR: "FILE:LINE:COLUMN: text" of what is no plan, or one that was
 * changed after it was made */
RdPlanFile *rd_plan_file_load(const char *path, GError **error);
RdPlanFile *rd_plan_file_parse(const char *path, const char *data, gsize size, GError **error);
void rd_plan_file_free(RdPlanFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPlanFile, rd_plan_file_free)

/* Steps of which the plan itself says that they would be refused: "state@target: why" (element-type
 * utf8) (transfer full) */
GPtrArray *rd_plan_file_refused(const RdPlanFile *self);
/* What of what @self declares is otherwise in @now, a plan made now from the same: one line each,
 * none when it still stands. (element-type utf8) (transfer full) */
GPtrArray *rd_plan_file_compare(const RdPlanFile *self, JsonNode *now);
G_END_DECLS
