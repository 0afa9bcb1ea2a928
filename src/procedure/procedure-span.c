/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure-private.h"

#include "inventory.h"

#include <string.h>

/* What a state is beyond its own moment: the span it works beside, until when it borrows, and the
 * gate before it. */

static const char *const gate_keys[] = {"name", "ask", "named", "text", NULL};

/* "until STATE", "until GROUP" or "until end"; the state is looked up when all are known. (transfer
 * full) */
static char *
read_until(RdLoading *self, JsonObject *object, const char *key)
{
	const char *text = rd_yaml_member(self->yaml, object, key);

	if (text == NULL)
		return NULL;
	if (g_str_has_prefix(text, "until ") && rd_loading_is_name(text + strlen("until ")))
		return g_strdup(text + strlen("until "));
	rd_yaml_complain(self->yaml, json_object_get_member(object, key),
			 "%s: until STATE, or until end, not “%s”", key, text);
	return NULL;
}

static void
read_gate(RdLoading *self, RdProcedureState *state, JsonObject *object, JsonNode *node, int index)
{
	JsonObject *gate = NULL;
	const char *ask = NULL;

	if (JSON_NODE_HOLDS_VALUE(node)) {
		state->gate = g_strdup(rd_yaml_member(self->yaml, object, "gate"));
	} else {
		gate = rd_yaml_mapping(self->yaml, node, "gate", gate_keys);
		if (gate == NULL)
			return;
		state->gate = g_strdup(rd_yaml_member(self->yaml, gate, "name"));
		state->gate_text = g_strdup(rd_yaml_member(self->yaml, gate, "text"));
		ask = rd_yaml_member(self->yaml, gate, "ask");
		state->gate_named = rd_yaml_member_bool(self->yaml, gate, "named", FALSE);
		if (state->gate_text != NULL)
			rd_loading_note_references(self, state->gate_text,
						   json_object_get_member(gate, "text"), index);
	}
	if (state->gate == NULL || !rd_loading_is_name(state->gate))
		rd_yaml_complain(self->yaml, node,
				 "gate: NAME of 1 to 40 of the characters a-z 0-9 -, or {name, "
				 "ask, named, text}");
	state->gate_always = g_strcmp0(ask, "always") == 0;
	if (ask != NULL && !state->gate_always && strcmp(ask, "unless-approved") != 0)
		rd_yaml_complain(self->yaml, json_object_get_member(gate, "ask"),
				 "ask: always, or unless-approved, not “%s”", ask);
}

void
rd_loading_read_spans(RdLoading *self, RdProcedureState *state, JsonObject *object, int index)
{
	JsonNode *gate = json_object_get_member(object, "gate");
	JsonNode *returns = json_object_get_member(object, "return-when");

	state->beside = read_until(self, object, "beside");
	state->borrow = read_until(self, object, "borrow");
	state->leftover = rd_yaml_member_bool(self->yaml, object, "leftover", FALSE);
	state->postponable = rd_yaml_member_bool(self->yaml, object, "postponable", FALSE);
	if (gate != NULL)
		read_gate(self, state, object, gate, index);
	if (returns == NULL)
		return;
	self->later = TRUE;
	rd_loading_read_guards(self, returns, "return-when", state->returns, index);
	self->later = FALSE;
	if (!json_object_has_member(object, "borrow"))
		rd_yaml_complain_key(self->yaml, returns,
				     "return-when says when something borrowed is given back, and "
				     "%s does not borrow",
				     state->name);
}

/* @until names a later unit, or the end */
static void
check_until(RdLoading *self, guint index, const char *key, const char *until)
{
	const RdProcedure *procedure = self->procedure;
	const RdProcedureState *state = procedure->states->pdata[index];
	int to;

	if (until == NULL || strcmp(until, RD_UNTIL_END) == 0)
		return;
	to = rd_procedure_find_state(procedure, rd_procedure_first_of(procedure, until));
	if (to < 0)
		rd_yaml_complain(self->yaml, self->state_nodes->pdata[index],
				 "%s: %s: there is no state or group %s", state->name, key, until);
	else if (rd_procedure_find_unit(procedure, to) <= rd_procedure_find_unit(procedure, index))
		rd_yaml_complain(self->yaml, self->state_nodes->pdata[index],
				 "%s: %s: %s does not stand behind it", state->name, key, until);
}

static void
check_beside(RdLoading *self, guint index, const RdProcedureUnit *unit)
{
	const RdProcedureState *state = self->procedure->states->pdata[index];
	const char *wrong = NULL;

	if (unit->group)
		wrong = "no state of a group can";
	else if (strcmp(unit->on, RD_ROLE_WORKERS) == 0)
		wrong = "workers are locked when their turn comes, not before";
	else if (state->edges->len > 0)
		wrong = "nothing waits for its outcome";
	else if (state->call != NULL && state->call->type->kind == RD_KIND_QUERY)
		wrong = "a query is over at once";
	else if (state->gate != NULL)
		wrong = "it has a gate";
	if (wrong != NULL)
		rd_yaml_complain(self->yaml, self->state_nodes->pdata[index],
				 "%s cannot work beside others: %s", state->name, wrong);
}

void
rd_loading_check_spans(RdLoading *self)
{
	for (guint i = 0; i < self->procedure->states->len; i++) {
		const RdProcedureState *state = self->procedure->states->pdata[i];
		const RdProcedureUnit *unit =
		    self->procedure->units->pdata[rd_procedure_find_unit(self->procedure, i)];
		const RdType *type = state->call != NULL ? state->call->type : NULL;
		JsonNode *node = self->state_nodes->pdata[i];

		check_until(self, i, "beside", state->beside);
		check_until(self, i, "borrow", state->borrow);
		if (state->beside != NULL)
			check_beside(self, i, unit);
		if (state->borrow != NULL && type != NULL &&
		    (type->kind != RD_KIND_CHANGE || type->undo_is != RECOVERY_UNDO_FUNCTION))
			rd_yaml_complain(self->yaml, node,
					 "%s cannot borrow: %s has no way to take back what it did",
					 state->name, type->name);
		if (state->leftover && strcmp(unit->on, RD_ROLE_WORKERS) != 0)
			rd_yaml_complain(self->yaml, node,
					 "%s: leftover: only workers can be left behind",
					 state->name);
	}
}
