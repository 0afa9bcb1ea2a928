/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/plan.h"
#include "yaml/complaints.h"
#include <json-glib/json-glib.h>
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* The state types that procedures may use, as data: made from what rd_catalogue_describe() prints
 * (runner/catalogue.h), so that a procedure is checked without loading any plugin. */

typedef struct {
	char *name;
	RecoveryParamType type;
	char *fallback; /* (nullable) NULL: has to be given. Durations in seconds, bools yes/no */
	char *summary;	/* (nullable) */
} RdTypeParam;

typedef struct {
	char *name; /* "static-pod/stop" */
	char *summary;
	RdKind kind;
	RecoveryUndo undo_is;
	GPtrArray *params; /* (element-type RdTypeParam) */
	char **outcomes;   /* at least one; the first is the default */
	char **outputs;
	guint timeout_s;
	char *by_hand;	/* (nullable) recovery/plugin.h */
	char **guards;	/* names of types: without them, and */
	gboolean alone; /* unless one at a time, it is done to no control-plane host */
} RdType;

typedef struct _RdTypes RdTypes;

/* FALSE with RD_PROCEDURE_ERROR_INVALID when @description is not of that form */
RdTypes *rd_types_new(JsonNode *description, GError **error);
void rd_types_free(RdTypes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdTypes, rd_types_free)

/* NULL when no plugin has it (unowned) */
const RdType *rd_types_find(const RdTypes *self, const char *name);
/* all names, in order of the plugins, ends with NULL (unowned) */
const char *const *rd_types_get_names(const RdTypes *self);

const RdTypeParam *rd_type_find_param(const RdType *type, const char *name);
/* TRUE when @value, which has no templates in it, is of that type; *normal is how it is passed on:
 * durations as seconds, bools as yes | no, the rest as given. Else FALSE, and *wanted says what
 * would be right (unowned). Both (out). */
gboolean rd_type_check_value(RecoveryParamType type, const char *value, char **normal,
			     const char **wanted);
const char *rd_param_type_to_string(RecoveryParamType type);
gboolean rd_param_type_from_string(const char *name, RecoveryParamType *type);
G_END_DECLS
