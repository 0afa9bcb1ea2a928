/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure-private.h"

#include "template.h"

#include <string.h>

/* One state of the file; what concerns more than one is checked in procedure-check.c. */

#define TRIES_MAX	  100
#define DELAY_DEFAULT_S	  10
#define TIMEOUT_DEFAULT_S 300

static const char *const state_keys[] = {
    "state",  "type",	     "on",	 "among",	"order",     "with",	"timeout", "retry",
    "guards", "outcomes",    "when",	 "mark",	"skippable", "summary", "gate",	   "beside",
    "borrow", "return-when", "leftover", "postponable", "longest",   "at-most", NULL};
static const char *const inner_keys[] = {
    "state",	   "type",	"with",	       "timeout", "retry", "guards",
    "mark",	   "skippable", "summary",     "when",	  "gate",  "borrow",
    "return-when", "leftover",	"postponable", "longest", NULL};
static const char *const retry_keys[] = {"tries", "delay", NULL};
static const char *const guard_keys[] = {"type", "with", NULL};
static const char *const reserved[] = {"run",  "input",	 "target",     RD_CLUSTER,
				       "done", "failed", RD_UNTIL_END, NULL};
static const char *const mark_names[] = {"rescue-copy", "host-undo-ends", "point-of-no-return",
					 NULL};

gboolean
rd_loading_is_name(const char *text)
{
	gsize size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return size > 0 && size <= 40 && text[size] == '\0';
}

gboolean
rd_loading_note_references(RdLoading *self, const char *text, JsonNode *node, int state)
{
	g_autoptr(GPtrArray) names = NULL;
	RdReference *reference = NULL;
	const char *wrong = NULL;

	if (!rd_template_has(text))
		return FALSE;
	names = rd_template_names(text, &wrong);
	if (names == NULL) {
		rd_yaml_complain(self->yaml, node, "%s", wrong);
		return TRUE;
	}
	reference = g_new0(RdReference, 1);
	reference->text = g_strdup(text);
	reference->node = node;
	reference->state = state;
	reference->later = self->later;
	g_ptr_array_add(self->references, reference);
	return TRUE;
}

/* a duration of at least @least seconds; @fallback when missing, or after a complaint */
static guint
read_duration(RdLoading *self, JsonObject *object, const char *key, guint least, guint fallback)
{
	const char *text = rd_yaml_member(self->yaml, object, key);
	gint64 seconds = 0;

	if (text == NULL)
		return fallback;
	if (rd_parse_duration(text, &seconds) && seconds >= least)
		return seconds;
	rd_yaml_complain(self->yaml, json_object_get_member(object, key),
			 "%s: a duration such as 90s, 5m or 1h, not “%s”", key, text);
	return fallback;
}

static void
read_with(RdLoading *self, RdProcedureCall *call, JsonNode *with, int state)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	g_autoptr(GList) members = NULL;
	JsonObject *object = rd_yaml_mapping(self->yaml, with, "with", NULL);

	if (object == NULL)
		return;
	for (guint i = 0; i < call->type->params->len; i++)
		g_ptr_array_add(known, ((RdTypeParam *)call->type->params->pdata[i])->name);
	g_ptr_array_add(known, NULL);
	members = json_object_get_members(object);
	for (GList *l = members; l != NULL; l = l->next) {
		const char *name = l->data;
		JsonNode *node = json_object_get_member(object, name);
		const RdTypeParam *param = rd_type_find_param(call->type, name);
		const char *text = NULL;
		const char *wanted = NULL;
		g_autofree char *normal = NULL;

		if (param == NULL) {
			g_autofree char *hint =
			    rd_spell_hint(name, (const char *const *)known->pdata);

			rd_yaml_complain_key(self->yaml, node, "%s has no parameter %s%s",
					     call->type->name, name, hint);
			continue;
		}
		text = rd_yaml_scalar(self->yaml, node, name);
		if (text == NULL)
			continue;
		g_hash_table_insert(call->with, g_strdup(name), g_strdup(text));
		if (rd_loading_note_references(self, text, node, state))
			continue;
		if (param->type == RECOVERY_PARAM_SECRET)
			rd_yaml_complain(self->yaml, node,
					 "%s: %s is a secret, and this is no place for one",
					 call->type->name, name);
		else if (!rd_type_check_value(param->type, text, &normal, &wanted))
			rd_yaml_complain(self->yaml, node, "%s: %s must be %s, not “%s”",
					 call->type->name, name, wanted, text);
	}
}

/* @type_node names the type, @with is its parameters (nullable); NULL after a complaint */
static RdProcedureCall *
read_call(RdLoading *self, JsonNode *type_node, JsonNode *with, int state)
{
	g_autoptr(RdProcedureCall) call = NULL;
	const char *name = rd_yaml_scalar(self->yaml, type_node, "type");
	const RdType *type = name == NULL ? NULL : rd_types_find(self->types, name);

	if (name == NULL)
		return NULL;
	if (type == NULL) {
		g_autofree char *hint = rd_spell_hint(name, rd_types_get_names(self->types));

		rd_yaml_complain(self->yaml, type_node, "no plugin has a state type %s%s", name,
				 hint);
		return NULL;
	}
	call = rd_procedure_call_new(type);
	if (with != NULL)
		read_with(self, call, with, state);
	for (guint i = 0; i < type->params->len; i++) {
		const RdTypeParam *param = type->params->pdata[i];
		JsonObject *given = with != NULL && JSON_NODE_HOLDS_OBJECT(with)
					? json_node_get_object(with)
					: NULL;

		if (param->fallback == NULL &&
		    (given == NULL || !json_object_has_member(given, param->name)))
			rd_yaml_complain(self->yaml, type_node, "%s needs parameter %s%s%s%s", name,
					 param->name, param->summary != NULL ? " (" : "",
					 param->summary != NULL ? param->summary : "",
					 param->summary != NULL ? ")" : "");
	}
	return g_steal_pointer(&call);
}

void
rd_loading_read_guards(RdLoading *self, JsonNode *node, const char *key, GPtrArray *into, int index)
{
	JsonArray *list = rd_yaml_list(self->yaml, node, key);

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		JsonNode *type_node = json_array_get_element(list, i);
		JsonNode *with = NULL;
		RdProcedureCall *guard = NULL;

		if (JSON_NODE_HOLDS_OBJECT(type_node)) {
			JsonObject *object =
			    rd_yaml_mapping(self->yaml, type_node, "a guard", guard_keys);

			with = json_object_get_member(object, "with");
			if (!json_object_has_member(object, "type")) {
				rd_yaml_complain(self->yaml, type_node, "this guard has no type");
				continue;
			}
			type_node = json_object_get_member(object, "type");
		}
		guard = read_call(self, type_node, with, index);
		if (guard == NULL)
			continue;
		if (guard->type->kind == RD_KIND_CHANGE)
			rd_yaml_complain(self->yaml, type_node,
					 "%s changes something: a guard is a wait or a query",
					 guard->type->name);
		g_ptr_array_add(into, guard);
	}
}

static void
read_guards(RdLoading *self, RdProcedureState *state, JsonNode *node, int index)
{
	if (state->call != NULL && state->call->type->kind != RD_KIND_CHANGE)
		rd_yaml_complain_key(self->yaml, node, "guards stand before changes; %s only looks",
				     state->call->type->name);
	rd_loading_read_guards(self, node, "guards", state->guards, index);
}

static void
read_outcomes(RdLoading *self, RdProcedureState *state, JsonNode *node)
{
	JsonObject *object = rd_yaml_mapping(self->yaml, node, "outcomes", NULL);
	g_autoptr(GList) members = object == NULL ? NULL : json_object_get_members(object);

	for (GList *l = members; l != NULL; l = l->next) {
		const char *outcome = l->data;
		JsonNode *to_node = json_object_get_member(object, outcome);
		const char *to = rd_yaml_scalar(self->yaml, to_node, outcome);
		const char *const *known = NULL;
		RdProcedureEdge *edge = NULL;

		if (to == NULL || state->call == NULL)
			continue;
		known = (const char *const *)state->call->type->outcomes;
		if (!g_strv_contains(known, outcome)) {
			g_autofree char *hint = rd_spell_hint(outcome, known);
			g_autofree char *all = g_strjoinv(", ", state->call->type->outcomes);

			rd_yaml_complain_key(self->yaml, to_node,
					     "%s never ends with %s%s (it ends with: %s)",
					     state->call->type->name, outcome, hint, all);
			continue;
		}
		edge = g_new0(RdProcedureEdge, 1);
		edge->outcome = g_strdup(outcome);
		edge->to = g_strdup(to);
		g_ptr_array_add(state->edges, edge);
		g_ptr_array_add(self->edge_nodes, to_node);
	}
}

static void
read_when(RdLoading *self, RdProcedureState *state, JsonNode *node, int index)
{
	JsonObject *object = rd_yaml_mapping(self->yaml, node, "when", NULL);
	g_autoptr(GList) members = object == NULL ? NULL : json_object_get_members(object);

	for (GList *l = members; l != NULL; l = l->next) {
		JsonNode *value_node = json_object_get_member(object, l->data);
		const char *value = rd_yaml_scalar(self->yaml, value_node, l->data);

		if (value == NULL)
			continue;
		if (!rd_loading_note_references(self, l->data, value_node, index))
			rd_yaml_complain_key(self->yaml, value_node,
					     "when: “%s” refers to nothing; write ${…}",
					     (const char *)l->data);
		if (rd_template_has(value))
			rd_yaml_complain(self->yaml, value_node,
					 "when: what it is compared with must be fixed, not “%s”",
					 value);
		g_ptr_array_add(state->when, g_strdup(l->data));
		g_ptr_array_add(state->when, g_strdup(value));
	}
}

static void
read_mark(RdLoading *self, RdProcedureState *state, JsonObject *object)
{
	const char *text = rd_yaml_member(self->yaml, object, "mark");
	JsonNode *node = json_object_get_member(object, "mark");

	if (text == NULL)
		return;
	if (!g_strv_contains(mark_names, text) || !rd_mark_from_string(text, &state->mark)) {
		g_autofree char *hint = rd_spell_hint(text, mark_names);

		rd_yaml_complain(self->yaml, node, "there is no mark %s%s", text, hint);
	} else if (state->call != NULL && state->call->type->kind != RD_KIND_CHANGE) {
		rd_yaml_complain(self->yaml, node, "a mark is passed by a change; %s only looks",
				 state->call->type->name);
	}
}

static void
read_retry(RdLoading *self, RdProcedureState *state, JsonObject *object)
{
	JsonNode *node = json_object_get_member(object, "retry");
	JsonObject *retry =
	    node == NULL ? NULL : rd_yaml_mapping(self->yaml, node, "retry", retry_keys);

	state->tries = 1;
	state->delay_s = DELAY_DEFAULT_S;
	if (retry == NULL)
		return;
	state->tries = rd_yaml_member_int(self->yaml, retry, "tries", 1, TRIES_MAX, 1);
	state->delay_s = read_duration(self, retry, "delay", 0, DELAY_DEFAULT_S);
}

static void
check_taken(RdLoading *self, const char *name, JsonNode *node)
{
	gboolean taken = rd_procedure_find_state(self->procedure, name) >= 0;

	for (guint i = 0; i < self->procedure->units->len; i++) {
		const RdProcedureUnit *unit = self->procedure->units->pdata[i];

		taken = taken || strcmp(unit->name, name) == 0;
	}
	if (taken)
		rd_yaml_complain(self->yaml, node, "the name %s is taken above", name);
}

const char *
rd_loading_read_name(RdLoading *self, JsonObject *object, const char *key)
{
	const char *name = rd_yaml_member(self->yaml, object, key);
	JsonNode *node = json_object_get_member(object, key);

	if (name == NULL)
		return NULL;
	if (!rd_loading_is_name(name))
		rd_yaml_complain(self->yaml, node,
				 "%s: “%s”: a name has 1 to 40 of the characters a-z 0-9 -", key,
				 name);
	else if (g_strv_contains(reserved, name))
		rd_yaml_complain(self->yaml, node, "%s: %s is a word with a meaning of its own",
				 key, name);
	check_taken(self, name, node);
	return name;
}

static void
read_longest(RdLoading *self, RdProcedureState *state, JsonObject *object)
{
	JsonNode *node = json_object_get_member(object, "longest");

	if (node == NULL)
		return;
	state->longest_s = read_duration(self, object, "longest", 1, 0);
	if (state->call != NULL && state->call->type->kind != RD_KIND_WAIT)
		rd_yaml_complain(self->yaml, node,
				 "longest: only what waits moves on by itself, and %s is no wait",
				 state->call->type->name);
	else if (state->longest_s != 0 && state->longest_s < state->timeout_s)
		rd_yaml_complain(self->yaml, node,
				 "longest: less than the timeout of %u s, which begins anew within "
				 "it",
				 state->timeout_s);
}

void
rd_loading_read_state(RdLoading *self, JsonNode *node, gboolean inside_group)
{
	int index = self->procedure->states->len;
	JsonObject *object =
	    rd_yaml_mapping(self->yaml, node, inside_group ? "a state inside a group" : "a state",
			    inside_group ? inner_keys : state_keys);
	const char *name = object == NULL ? NULL : rd_loading_read_name(self, object, "state");
	RdProcedureState *state = NULL;
	JsonNode *name_node = NULL;

	if (object != NULL && !json_object_has_member(object, "state"))
		rd_yaml_complain(self->yaml, node, "neither state: NAME nor group: NAME");
	if (name == NULL)
		return;
	name_node = json_object_get_member(object, "state");
	state = rd_procedure_state_new(name);
	if (!json_object_has_member(object, "type"))
		rd_yaml_complain(self->yaml, name_node, "%s has no type", name);
	else
		state->call = read_call(self, json_object_get_member(object, "type"),
					json_object_get_member(object, "with"), index);
	state->summary = g_strdup(rd_yaml_member(self->yaml, object, "summary"));
	state->timeout_s = state->call != NULL && state->call->type->timeout_s > 0
			       ? state->call->type->timeout_s
			       : TIMEOUT_DEFAULT_S;
	state->timeout_s = read_duration(self, object, "timeout", 1, state->timeout_s);
	read_longest(self, state, object);
	read_retry(self, state, object);
	state->skippable = rd_yaml_member_bool(self->yaml, object, "skippable", FALSE);
	read_mark(self, state, object);
	rd_loading_read_spans(self, state, object, index);
	if (json_object_has_member(object, "guards"))
		read_guards(self, state, json_object_get_member(object, "guards"), index);
	if (json_object_has_member(object, "outcomes"))
		read_outcomes(self, state, json_object_get_member(object, "outcomes"));
	if (json_object_has_member(object, "when"))
		read_when(self, state, json_object_get_member(object, "when"), index);
	g_ptr_array_add(self->procedure->states, state);
	g_ptr_array_add(self->state_nodes, name_node);
}
