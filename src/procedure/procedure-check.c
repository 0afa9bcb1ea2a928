/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure-private.h"

#include "backup/pair.h"
#include "inventory.h"
#include "template.h"

#include <string.h>

/* What needs the whole graph: where edges lead, who can be reached, who stands before whom. The
 * graph has a node per unit, for a unit ends as one. */

/* units that can come after @from, over any number of edges; @from itself only by a loop.
 * @stop (nullable): units that are reached, but not passed. (transfer full) */
static gboolean *
reachable(const RdProcedure *procedure, guint from, const gboolean *stop)
{
	gboolean *seen = g_new0(gboolean, procedure->units->len);
	g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(guint));

	g_array_append_val(queue, from);
	for (guint i = 0; i < queue->len; i++) {
		guint unit = g_array_index(queue, guint, i);
		g_autoptr(GArray) next = NULL;

		if (stop != NULL && stop[unit])
			continue;
		next = rd_procedure_get_next(procedure, unit);
		for (guint j = 0; j < next->len; j++) {
			guint to = g_array_index(next, guint, j);

			if (seen[to])
				continue;
			seen[to] = TRUE;
			g_array_append_val(queue, to);
		}
	}
	return seen;
}

/* names of all states and "done", "failed", for hints (transfer container) */
static GPtrArray *
state_names(const RdProcedure *procedure)
{
	GPtrArray *names = g_ptr_array_new();

	for (guint i = 0; i < procedure->states->len; i++)
		g_ptr_array_add(names, ((RdProcedureState *)procedure->states->pdata[i])->name);
	return names;
}

static void
check_edge(RdLoading *self, const RdProcedureEdge *edge, JsonNode *node)
{
	g_autoptr(GPtrArray) names = NULL;
	g_autofree char *hint = NULL;
	const RdProcedureUnit *unit = NULL;
	int to = rd_procedure_find_state(self->procedure, edge->to);

	if (strcmp(edge->to, "done") == 0 || strcmp(edge->to, "failed") == 0)
		return;
	if (to >= 0) {
		unit = self->procedure->units->pdata[rd_procedure_find_unit(self->procedure, to)];
		if (unit->first != (guint)to)
			rd_yaml_complain(self->yaml, node,
					 "%s: %s stands inside group %s, which is entered at its "
					 "first state",
					 edge->outcome, edge->to, unit->name);
		return;
	}
	names = state_names(self->procedure);
	g_ptr_array_add(names, (char *)"done");
	g_ptr_array_add(names, (char *)"failed");
	g_ptr_array_add(names, NULL);
	hint = rd_spell_hint(edge->to, (const char *const *)names->pdata);
	rd_yaml_complain(self->yaml, node, "%s: there is no state %s%s", edge->outcome, edge->to,
			 hint);
}

static void
check_edges(RdLoading *self)
{
	guint n = 0;

	for (guint i = 0; i < self->procedure->states->len; i++) {
		const RdProcedureState *state = self->procedure->states->pdata[i];

		for (guint j = 0; j < state->edges->len; j++)
			check_edge(self, state->edges->pdata[j], self->edge_nodes->pdata[n++]);
	}
}

static void
check_reachable(RdLoading *self)
{
	g_autofree gboolean *seen = reachable(self->procedure, 0, NULL);

	for (guint i = 1; i < self->procedure->units->len; i++) {
		const RdProcedureUnit *unit = self->procedure->units->pdata[i];

		if (!seen[i] && unit->count > 0)
			rd_yaml_complain(self->yaml, self->state_nodes->pdata[unit->first],
					 "%s is never reached", unit->name);
	}
}

static void
check_marks(RdLoading *self)
{
	const RdProcedureState *owners[RD_MARK_LAST + 1] = {NULL};
	RdMark highest = RD_MARK_NONE;

	for (guint i = 0; i < self->procedure->states->len; i++) {
		const RdProcedureState *state = self->procedure->states->pdata[i];

		if (state->mark == RD_MARK_NONE)
			continue;
		if (owners[state->mark] != NULL)
			rd_yaml_complain(self->yaml, self->state_nodes->pdata[i],
					 "mark %s stands on %s already",
					 rd_mark_to_string(state->mark), owners[state->mark]->name);
		else if (state->mark < highest)
			rd_yaml_complain(self->yaml, self->state_nodes->pdata[i],
					 "mark %s stands behind %s (on %s): it belongs before it",
					 rd_mark_to_string(state->mark), rd_mark_to_string(highest),
					 owners[highest]->name);
		owners[state->mark] = state;
		highest = MAX(highest, state->mark);
	}
}

/* Nothing irreversible before the point of no return: on no way through the graph. */
static void
check_irreversible(RdLoading *self)
{
	const RdProcedure *procedure = self->procedure;
	g_autofree gboolean *stop = g_new0(gboolean, procedure->units->len);
	g_autofree gboolean *seen = NULL;

	for (guint i = 0; i < procedure->units->len; i++) {
		const RdProcedureUnit *unit = procedure->units->pdata[i];

		for (guint j = unit->first; j < unit->first + unit->count; j++)
			if (((RdProcedureState *)procedure->states->pdata[j])->mark ==
			    RD_MARK_POINT_OF_NO_RETURN)
				stop[i] = TRUE;
	}
	seen = reachable(procedure, 0, stop);
	seen[0] = TRUE;
	for (guint i = 0; i < procedure->units->len; i++) {
		const RdProcedureUnit *unit = procedure->units->pdata[i];

		for (guint j = unit->first; seen[i] && j < unit->first + unit->count; j++) {
			const RdProcedureState *state = procedure->states->pdata[j];

			if (state->mark == RD_MARK_POINT_OF_NO_RETURN)
				break;
			if (state->call != NULL &&
			    state->call->type->undo_is == RECOVERY_UNDO_IRREVERSIBLE)
				rd_yaml_complain(
				    self->yaml, self->state_nodes->pdata[j],
				    "%s cannot be undone (%s), and no state with mark: "
				    "point-of-no-return stands before it",
				    state->name, state->call->type->name);
		}
	}
}

static gboolean
has_guard(const RdProcedureState *state, const char *type)
{
	for (guint i = 0; i < state->guards->len; i++)
		if (strcmp(((RdProcedureCall *)state->guards->pdata[i])->type->name, type) == 0)
			return TRUE;
	return FALSE;
}

static void
check_demands_of(RdLoading *self, const RdProcedureUnit *unit, guint index)
{
	const RdProcedureState *state = self->procedure->states->pdata[index];
	const RdType *type = state->call != NULL ? state->call->type : NULL;
	JsonNode *node = self->state_nodes->pdata[index];

	if (type == NULL)
		return;
	for (guint i = 0; type->guards[i] != NULL; i++)
		if (!has_guard(state, type->guards[i]))
			rd_yaml_complain(self->yaml, node,
					 "%s: on the control plane %s needs the guard %s",
					 state->name, type->name, type->guards[i]);
	if (type->alone && unit->width != 1)
		rd_yaml_complain(
		    self->yaml, node,
		    "%s: %s is done to one control-plane host at a time: order: serial",
		    state->name, type->name);
}

/* INV-2, INV-18, INV-34: what a state type asks for when it is done to the control plane, it gets
 * from every procedure, whoever wrote that. */
static void
check_demands(RdLoading *self)
{
	for (guint i = 0; i < self->procedure->units->len; i++) {
		const RdProcedureUnit *unit = self->procedure->units->pdata[i];

		for (guint j = unit->first; j < unit->first + unit->count; j++)
			if (strcmp(unit->on, RD_ROLE_WORKERS) != 0)
				check_demands_of(self, unit, j);
	}
}

static void
complain_unknown(RdLoading *self, const RdReference *reference, const char *name, const char *word,
		 GPtrArray *known, const char *what)
{
	g_autofree char *hint = NULL;

	g_ptr_array_add(known, NULL);
	hint = rd_spell_hint(word, (const char *const *)known->pdata);
	rd_yaml_complain(self->yaml, reference->node, "${%s}: there is no %s %s%s", name, what,
			 word, hint);
}

/* @rest: "NAME" or, of a backup, "NAME.FIELD" */
static void
check_input_name(RdLoading *self, const RdReference *reference, const char *name, const char *rest)
{
	g_auto(GStrv) parts = g_strsplit(rest, ".", 2);
	const RdProcedureInput *input =
	    parts[0] == NULL ? NULL : rd_procedure_find_input(self->procedure, parts[0]);
	g_autoptr(GPtrArray) known = g_ptr_array_new();

	if (input == NULL) {
		for (guint i = 0; i < self->procedure->inputs->len; i++) {
			const RdProcedureInput *one = self->procedure->inputs->pdata[i];

			g_ptr_array_add(known, one->name);
		}
		complain_unknown(self, reference, name, rest, known, "input");
	} else if (input->type != RD_INPUT_BACKUP && parts[1] != NULL) {
		rd_yaml_complain(self->yaml, reference->node,
				 "${%s}: input %s is one value: ${input.%s}", name, input->name,
				 input->name);
	} else if (input->type == RD_INPUT_BACKUP && parts[1] == NULL) {
		g_autofree char *all = g_strjoinv(", ", (char **)rd_pair_fields);

		rd_yaml_complain(self->yaml, reference->node,
				 "${%s}: say what of the backup: one of %s", name, all);
	} else if (input->type == RD_INPUT_BACKUP && !g_strv_contains(rd_pair_fields, parts[1])) {
		for (guint i = 0; rd_pair_fields[i] != NULL; i++)
			g_ptr_array_add(known, (char *)rd_pair_fields[i]);
		complain_unknown(self, reference, name, parts[1], known, "field of a backup");
	}
}

/* may @from have ended when @to begins? */
static gboolean
can_precede(const RdProcedure *procedure, int from, int to)
{
	g_autofree gboolean *after = NULL;
	guint from_unit = rd_procedure_find_unit(procedure, from);
	guint to_unit = rd_procedure_find_unit(procedure, to);

	/* states of a group follow each other on each host */
	if (from_unit == to_unit && from < to)
		return TRUE;
	after = reachable(procedure, from_unit, NULL);
	return after[to_unit];
}

/* the state before which @reference is read */
static int
used_at(const RdProcedure *procedure, const RdReference *reference)
{
	const RdProcedureState *state = procedure->states->pdata[reference->state];
	int until = -1;

	if (!reference->later || state->borrow == NULL)
		return reference->state;
	until = rd_procedure_find_state(procedure, rd_procedure_first_of(procedure, state->borrow));
	return until >= 0 ? until : (int)procedure->states->len - 1;
}

static void
check_output_name(RdLoading *self, const RdReference *reference, const char *name,
		  const char *state_name, const char *output)
{
	int index = rd_procedure_find_state(self->procedure, state_name);
	const RdProcedureState *state = NULL;
	const RdProcedureState *user = self->procedure->states->pdata[reference->state];
	g_autoptr(GPtrArray) known = NULL;
	g_autofree char *hint = NULL;

	if (index < 0) {
		known = state_names(self->procedure);
		g_ptr_array_add(known, (char *)"input");
		g_ptr_array_add(known, (char *)"run");
		g_ptr_array_add(known, (char *)"target");
		complain_unknown(self, reference, name, state_name, known, "state");
		return;
	}
	state = self->procedure->states->pdata[index];
	if (state->call == NULL)
		return;
	if (!g_strv_contains((const char *const *)state->call->type->outputs, output)) {
		known = g_ptr_array_new();
		for (guint i = 0; state->call->type->outputs[i] != NULL; i++)
			g_ptr_array_add(known, state->call->type->outputs[i]);
		g_ptr_array_add(known, NULL);
		hint = rd_spell_hint(output, (const char *const *)known->pdata);
		rd_yaml_complain(self->yaml, reference->node, "${%s}: %s (%s) has no output %s%s",
				 name, state_name, state->call->type->name, output, hint);
		return;
	}
	if (!can_precede(self->procedure, index, used_at(self->procedure, reference)))
		rd_yaml_complain(self->yaml, reference->node, "${%s}: %s does not come before %s",
				 name, state_name, user->name);
}

static void
check_reference(RdLoading *self, const RdReference *reference)
{
	const char *wrong = NULL;
	g_autoptr(GPtrArray) names = rd_template_names(reference->text, &wrong);

	/* a state that was left out, for it had no name: its own complaint is enough */
	if (reference->state >= (int)self->procedure->states->len)
		return;
	for (guint i = 0; i < names->len; i++) {
		const char *name = names->pdata[i];
		g_auto(GStrv) parts = g_strsplit(name, ".", 2);

		if (strcmp(name, "run.uuid") == 0 || strcmp(name, "target") == 0)
			continue;
		if (parts[1] != NULL && strcmp(parts[0], "input") == 0)
			check_input_name(self, reference, name, parts[1]);
		else if (parts[1] == NULL || strcmp(parts[0], "run") == 0 ||
			 strcmp(parts[0], "target") == 0 || strcmp(parts[0], "input") == 0)
			rd_yaml_complain(self->yaml, reference->node,
					 "${%s}: there are input.NAME, run.uuid, target and "
					 "STATE.OUTPUT",
					 name);
		else
			check_output_name(self, reference, name, parts[0], parts[1]);
	}
}

/* a bool reaches the comparison as yes or no: "true" would never be equal */
static void
check_when(RdLoading *self)
{
	for (guint i = 0; i < self->procedure->states->len; i++) {
		const RdProcedureState *state = self->procedure->states->pdata[i];

		for (guint j = 0; j + 1 < state->when->len; j += 2) {
			const char *template = state->when->pdata[j];
			const char *value = state->when->pdata[j + 1];
			g_autofree char *name = NULL;
			const RdProcedureInput *input = NULL;

			if (!g_str_has_prefix(template, "${input.") ||
			    !g_str_has_suffix(template, "}"))
				continue;
			name = g_strndup(template + 8, strlen(template) - 9);
			input = rd_procedure_find_input(self->procedure, name);
			if (input != NULL && input->type == RD_INPUT_BOOL &&
			    strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
				rd_yaml_complain(self->yaml, self->state_nodes->pdata[i],
						 "when: input %s is yes or no, never “%s”", name,
						 value);
		}
	}
}

void
rd_loading_check(RdLoading *self)
{
	if (self->procedure->units->len == 0)
		return;
	check_edges(self);
	check_marks(self);
	check_when(self);
	check_demands(self);
	rd_loading_check_spans(self);
	for (guint i = 0; i < self->references->len; i++)
		check_reference(self, self->references->pdata[i]);
	/* with an edge wrong, everything behind it would be complained about too */
	if (rd_complaints_count(rd_yaml_get_complaints(self->yaml)) > 0)
		return;
	check_reachable(self);
	check_irreversible(self);
}
