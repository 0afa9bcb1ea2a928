/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "expand.h"

#include "backup/pair.h"
#include "procedure-private.h"
#include "template.h"

#include <string.h>

typedef struct {
	const RdProcedure *procedure;
	const RdInventory *inventory;
	GHashTable *values; /* (element-type utf8 utf8) "input.x" → value */
	GPtrArray *wrong;   /* (element-type utf8) */
} Expansion;

static void G_GNUC_PRINTF(2, 3) complain(Expansion *self, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(self->wrong, g_strdup_vprintf(format, args));
	va_end(args);
}

/* @names with commas between, each of the inventory, spelled as there; takes @names */
static void
add_host_names(Expansion *self, const char *input, char *names)
{
	g_auto(GStrv) all = g_strsplit(names, ",", -1);
	g_autoptr(GString) found = g_string_new(NULL);

	for (guint i = 0; all[i] != NULL; i++) {
		const RdInventoryHost *host =
		    rd_inventory_find(self->inventory, g_strstrip(all[i]));

		if (host == NULL)
			complain(self, "input %s: the inventory has no host “%s”", input, all[i]);
		else
			g_string_append_printf(found, "%s%s", found->len > 0 ? "," : "",
					       host->name);
	}
	g_free(names);
	g_hash_table_insert(self->values, g_strdup_printf("input.%s", input),
			    g_string_free(g_steal_pointer(&found), FALSE));
}

/* @value as input @name; complains */
static void
add_value(Expansion *self, const RdProcedureInput *input, const char *name, const char *value)
{
	const char *wanted = NULL;
	char *normal = NULL;

	/* it would be read as a reference by whoever fills in what is known later */
	if (rd_template_has(value))
		complain(self, "input %s must not contain “${”", name);
	else if (!g_utf8_validate(value, -1, NULL))
		complain(self, "input %s is not UTF-8", name);
	else if (!rd_type_check_value(rd_input_type_to_param(input->type), value, &normal, &wanted))
		complain(self, "input %s must be %s, not “%s”", name, wanted, value);
	else if (input->type == RD_INPUT_HOSTS)
		add_host_names(self, name, normal);
	else
		g_hash_table_insert(self->values, g_strdup_printf("input.%s", name), normal);
}

static void
add_backup(Expansion *self, const RdProcedureInput *input, GHashTable *inputs)
{
	guint found = 0;

	for (guint i = 0; rd_pair_fields[i] != NULL; i++) {
		g_autofree char *name = g_strdup_printf("%s.%s", input->name, rd_pair_fields[i]);
		const char *value = g_hash_table_lookup(inputs, name);

		if (value == NULL)
			continue;
		found++;
		add_value(self, input, name, value);
	}
	if (found == 0)
		complain(self, "input %s is missing%s%s", input->name,
			 input->summary != NULL ? ": " : "",
			 input->summary != NULL ? input->summary : "");
}

static void
add_inputs(Expansion *self, GHashTable *inputs)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new();
	g_autoptr(GList) given =
	    g_list_sort(g_hash_table_get_keys(inputs), (GCompareFunc)(void (*)(void))g_strcmp0);

	for (guint i = 0; i < self->procedure->inputs->len; i++) {
		const RdProcedureInput *input = self->procedure->inputs->pdata[i];
		const char *value = g_hash_table_lookup(inputs, input->name);

		g_ptr_array_add(known, input->name);
		if (input->type == RD_INPUT_BACKUP)
			add_backup(self, input, inputs);
		else if (value != NULL || input->fallback != NULL)
			add_value(self, input, input->name,
				  value != NULL ? value : input->fallback);
		else
			complain(self, "input %s is missing%s%s", input->name,
				 input->summary != NULL ? ": " : "",
				 input->summary != NULL ? input->summary : "");
	}
	g_ptr_array_add(known, NULL);
	for (GList *l = given; l != NULL; l = l->next) {
		const char *name = l->data;
		g_auto(GStrv) parts = g_strsplit(name, ".", 2);
		const RdProcedureInput *input =
		    parts[0] == NULL ? NULL : rd_procedure_find_input(self->procedure, parts[0]);
		g_autofree char *hint = NULL;

		if (input != NULL && (input->type == RD_INPUT_BACKUP) == (parts[1] != NULL))
			continue;
		hint = rd_spell_hint(name, (const char *const *)known->pdata);
		complain(self, "%s has no input %s%s", self->procedure->name, name, hint);
	}
}

/* every declared parameter of @call into @with */
static void
fill_with(Expansion *self, const char *state, const RdProcedureCall *call, GHashTable *with)
{
	for (guint i = 0; i < call->type->params->len; i++) {
		const RdTypeParam *param = call->type->params->pdata[i];
		const char *text = g_hash_table_lookup(call->with, param->name);
		g_autofree char *filled = NULL;
		char *normal = NULL;
		const char *wanted = NULL;

		if (text == NULL) {
			/* normalised by rd_types_new() */
			g_hash_table_insert(with, g_strdup(param->name), g_strdup(param->fallback));
			continue;
		}
		filled = rd_template_fill(text, self->values);
		if (strstr(filled, "${input.") != NULL) {
			complain(self, "%s: parameter %s: “%s” is not known", state, param->name,
				 filled);
		} else if (rd_template_has(filled)) {
			g_hash_table_insert(with, g_strdup(param->name), g_steal_pointer(&filled));
		} else if (param->type == RECOVERY_PARAM_SECRET) {
			complain(self, "%s: parameter %s is a secret: an input is no place for one",
				 state, param->name);
		} else if (rd_type_check_value(param->type, filled, &normal, &wanted)) {
			g_hash_table_insert(with, g_strdup(param->name), normal);
		} else {
			complain(self, "%s: parameter %s must be %s, not “%s”", state, param->name,
				 wanted, filled);
		}
	}
}

/* @among: (nullable) an input of hosts */
static void
add_role(Expansion *self, const char *role, const char *among, GPtrArray *targets)
{
	g_autoptr(GPtrArray) hosts = rd_inventory_role(self->inventory, role);
	g_autofree char *key = g_strdup_printf("input.%s", among);
	const char *given = among != NULL ? g_hash_table_lookup(self->values, key) : NULL;
	g_auto(GStrv) names = g_strsplit(given != NULL ? given : "", ",", -1);

	for (guint i = 0; i < hosts->len; i++) {
		const RdInventoryHost *host = hosts->pdata[i];

		if (among == NULL || g_strv_contains((const char *const *)names, host->name))
			g_ptr_array_add(targets, g_strdup(host->name));
	}
}

/* what an input says about how many at a time; 0 where none does */
static gint64
given_width(Expansion *self, const RdProcedureUnit *unit)
{
	g_autofree char *key = g_strdup_printf("input.%s", unit->width_input);
	const char *text =
	    unit->width_input != NULL ? g_hash_table_lookup(self->values, key) : NULL;

	return text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static void
check_width(Expansion *self, const RdProcedureUnit *unit)
{
	if (unit->width_input != NULL && given_width(self, unit) < 1)
		complain(self, "input %s is how many of %s are worked on at a time: 1 or more",
			 unit->width_input, unit->on);
}

static gboolean
needs_recovery(const RdProcedureUnit *unit)
{
	const char *const *order = (const char *const *)unit->order;

	return strcmp(unit->on, RD_ROLE_RECOVERY) == 0 || strcmp(unit->on, RD_ROLE_OTHERS) == 0 ||
	       (order != NULL && (g_strv_contains(order, RD_ROLE_RECOVERY) ||
				  g_strv_contains(order, RD_ROLE_OTHERS)));
}

static void
add_targets(Expansion *self, const RdProcedureUnit *unit, RdPlanState *state)
{
	if (strcmp(unit->on, RD_CLUSTER) == 0)
		g_ptr_array_add(state->targets, g_strdup(RD_CLUSTER));
	else if (unit->order == NULL)
		add_role(self, unit->on, unit->among, state->targets);
	for (guint i = 0; unit->order != NULL && unit->order[i] != NULL; i++)
		add_role(self, unit->order[i], unit->among, state->targets);

	state->width = state->targets->len;
	if (unit->percent > 0)
		state->width = state->targets->len * unit->percent / 100;
	else if (unit->width > 0)
		state->width = MIN(unit->width, state->targets->len);
	else if (unit->width_input != NULL)
		state->width =
		    (guint)CLAMP(given_width(self, unit), 0, (gint64)state->targets->len);
	state->width = MAX(state->width, 1);
	if (unit->at_most != NULL)
		state->at_most = rd_template_fill(unit->at_most, self->values);
}

static void
add_guards(Expansion *self, RdPlanState *state, const GPtrArray *calls,
	   RdPlanGuard *(*add)(RdPlanState *state, const char *type))
{
	for (guint i = 0; i < calls->len; i++) {
		const RdProcedureCall *call = calls->pdata[i];

		fill_with(self, state->name, call, add(state, call->type->name)->with);
	}
}

static const RdUndo undos[] = {[RECOVERY_UNDO_FUNCTION] = RD_UNDO_FUNCTION,
			       [RECOVERY_UNDO_NOTHING] = RD_UNDO_NOTHING,
			       [RECOVERY_UNDO_IRREVERSIBLE] = RD_UNDO_IRREVERSIBLE};

static void
add_state(Expansion *self, RdPlan *plan, const RdProcedureUnit *unit, const RdProcedureState *from)
{
	RdPlanState *state =
	    rd_plan_add_state(plan, from->name, from->call->type->name, from->call->type->kind);

	state->summary =
	    g_strdup(from->summary != NULL ? from->summary : from->call->type->summary);
	state->undo = undos[from->call->type->undo_is];
	state->timeout_s = from->timeout_s;
	state->longest_s = from->longest_s;
	state->tries = from->tries;
	state->outcome = g_strdup(from->call->type->outcomes[0]);
	state->delay_s = from->delay_s;
	state->mark = from->mark;
	state->skippable = from->skippable;
	state->irreversible = from->call->type->undo_is == RECOVERY_UNDO_IRREVERSIBLE;
	state->leftover = from->leftover;
	state->postponable = from->postponable;
	if (from->beside != NULL)
		state->beside = g_strdup(rd_procedure_first_of(self->procedure, from->beside));
	if (from->borrow != NULL)
		state->borrow = g_strdup(rd_procedure_first_of(self->procedure, from->borrow));
	state->single = strcmp(unit->on, RD_ROLE_RECOVERY) == 0;
	if (from->gate != NULL) {
		g_autofree char *text = from->gate_text != NULL
					    ? rd_template_fill(from->gate_text, self->values)
					    : NULL;

		rd_plan_state_set_gate(state, from->gate, text, from->gate_always,
				       from->gate_named);
	}
	fill_with(self, from->name, from->call, state->with);
	add_targets(self, unit, state);
	add_guards(self, state, from->guards, rd_plan_state_add_guard);
	add_guards(self, state, from->returns, rd_plan_state_add_return);
	for (guint i = 0; i < from->edges->len; i++) {
		const RdProcedureEdge *edge = from->edges->pdata[i];

		rd_plan_state_add_edge(state, edge->outcome, edge->to);
	}
	for (guint i = 0; i + 1 < from->when->len; i += 2) {
		char *filled = rd_template_fill(from->when->pdata[i], self->values);

		if (strstr(filled, "${input.") != NULL)
			complain(self, "%s: when: “%s” is not known", from->name, filled);
		g_ptr_array_add(state->when, filled);
		g_ptr_array_add(state->when, g_strdup(from->when->pdata[i + 1]));
	}
}

static void
add_hosts(Expansion *self, RdPlan *plan)
{
	for (guint i = 0; i < self->inventory->hosts->len; i++) {
		const RdInventoryHost *host = self->inventory->hosts->pdata[i];

		rd_plan_add_host(plan, host->name, host->recovery ? RD_ROLE_RECOVERY : host->role);
	}
}

/* NULL when the procedure names none */
static RdPlanRest *
expand_rest(const char *name, const GPtrArray *inputs)
{
	RdPlanRest *rest = name != NULL ? rd_plan_rest_new(name) : NULL;

	for (guint i = 0; rest != NULL && i + 1 < inputs->len; i += 2)
		rd_plan_rest_add(rest, inputs->pdata[i], inputs->pdata[i + 1]);
	return rest;
}

RdPlan *
rd_procedure_expand(const RdProcedure *procedure, const RdInventory *inventory, GHashTable *inputs,
		    GError **error)
{
	g_autoptr(RdPlan) plan = rd_plan_new(procedure->name, inventory->cluster);
	g_autoptr(GHashTable) values =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) wrong = g_ptr_array_new_with_free_func(g_free);
	Expansion self = {.procedure = procedure,
			  .inventory = inventory,
			  .values = values,
			  .wrong = wrong};
	gboolean known = FALSE;

	plan->summary = g_strdup(procedure->summary);
	plan->rest = expand_rest(procedure->rest, procedure->rest_inputs);
	plan->later = expand_rest(procedure->later, procedure->later_inputs);
	add_inputs(&self, inputs);
	/* half-known inputs would only repeat in every state what is wrong with them */
	known = wrong->len == 0;
	add_hosts(&self, plan);
	for (guint i = 0; i < procedure->units->len; i++) {
		const RdProcedureUnit *unit = procedure->units->pdata[i];

		if (needs_recovery(unit) && rd_inventory_get_recovery(inventory) == NULL)
			complain(&self,
				 "%s runs on: %s, and the inventory names no recovery host: give "
				 "recovery: true to one control-plane host, or --recovery-host",
				 unit->name, unit->order != NULL ? "recovery, others" : unit->on);
		if (known)
			check_width(&self, unit);
		for (guint j = unit->first; known && j < unit->first + unit->count; j++)
			add_state(&self, plan, unit, procedure->states->pdata[j]);
		if (known)
			rd_plan_add_unit(plan, unit->name, unit->count);
	}
	if (wrong->len > 0) {
		g_autofree char *text = NULL;

		g_ptr_array_add(wrong, NULL);
		text = g_strjoinv("\n", (char **)wrong->pdata);
		g_set_error_literal(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INPUT, text);
		return NULL;
	}
	return g_steal_pointer(&plan);
}
