/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "procedure/procedure.h"
#include "yaml/yaml.h"
G_BEGIN_DECLS

/* What loading and checking share. */

/* a text with "${…}" in it, to be checked when all states are known */
typedef struct {
	char *text;
	JsonNode *node; /* (unowned) */
	int state;	/* whose it is */
	gboolean later; /* read when what was borrowed is given back */
} RdReference;

/* where the parts stood, beside the arrays of the procedure */
typedef struct {
	RdYaml *yaml;
	RdProcedure *procedure;
	const RdTypes *types;
	GPtrArray *state_nodes; /* (element-type JsonNode) the name of each state */
	GPtrArray *references;	/* (element-type RdReference) */
	gboolean later;		/* of the references that are being read */
	GPtrArray *edge_nodes;	/* (element-type JsonNode) in order of states and their edges */
} RdLoading;

RdProcedure *rd_procedure_new(void);
RdProcedureCall *rd_procedure_call_new(const RdType *type);
void rd_procedure_call_free(RdProcedureCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdProcedureCall, rd_procedure_call_free)
RdProcedureState *rd_procedure_state_new(const char *name);

/* what a value of that input is checked as; not for backups */
RecoveryParamType rd_input_type_to_param(RdInputType type);
gboolean rd_loading_is_name(const char *text);
/* the name of a state or group at @key; complains when it is not one, or taken. (unowned) */
const char *rd_loading_read_name(RdLoading *self, JsonObject *object, const char *key);
/* appends it to the procedure's states, if it has a name */
void rd_loading_read_state(RdLoading *self, JsonNode *node, gboolean inside_group);
/* a list of waits and queries into @into; @index: whose they are */
void rd_loading_read_guards(RdLoading *self, JsonNode *node, const char *key, GPtrArray *into,
			    int index);
/* a text that may have templates: they are checked later. Complains when one is broken. TRUE when
 * it has some */
gboolean rd_loading_note_references(RdLoading *self, const char *text, JsonNode *node, int state);
/* beside, borrow, return-when, gate, leftover */
void rd_loading_read_spans(RdLoading *self, RdProcedureState *state, JsonObject *object, int index);
void rd_loading_check_spans(RdLoading *self);
void rd_loading_read_releases(RdLoading *self, JsonNode *node);
/* everything that needs more than one state: complains */
void rd_loading_check(RdLoading *self);
G_END_DECLS
