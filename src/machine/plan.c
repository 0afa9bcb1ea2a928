/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "plan.h"
#include "words.h"

static const char *const mark_words[] = {
    [RD_MARK_NONE] = "none",
    [RD_MARK_RESCUE_COPY] = "rescue-copy",
    [RD_MARK_HOST_UNDO_ENDS] = "host-undo-ends",
    [RD_MARK_POINT_OF_NO_RETURN] = "point-of-no-return",
};

G_STATIC_ASSERT(G_N_ELEMENTS(mark_words) == RD_MARK_LAST + 1);

RD_WORDS(RdMark, rd_mark, mark_words)

static void
rd_plan_host_free(gpointer data)
{
	RdPlanHost *host = data;

	g_free(host->name);
	g_free(host->role);
	g_free(host);
}

static void
rd_plan_guard_free(gpointer data)
{
	RdPlanGuard *guard = data;

	g_free(guard->type);
	g_hash_table_unref(guard->with);
	g_free(guard);
}

static void
rd_plan_edge_free(gpointer data)
{
	RdPlanEdge *edge = data;

	g_free(edge->outcome);
	g_free(edge->to);
	g_free(edge);
}

static void
rd_plan_gate_free(RdPlanGate *gate)
{
	if (gate == NULL)
		return;
	g_free(gate->name);
	g_free(gate->text);
	g_free(gate);
}

static void
rd_plan_state_free(gpointer data)
{
	RdPlanState *state = data;

	g_free(state->name);
	g_free(state->type);
	g_free(state->summary);
	g_hash_table_unref(state->with);
	g_ptr_array_unref(state->targets);
	g_ptr_array_unref(state->guards);
	g_ptr_array_unref(state->edges);
	g_ptr_array_unref(state->when);
	g_ptr_array_unref(state->returns);
	g_free(state->outcome);
	g_free(state->beside);
	g_free(state->borrow);
	g_free(state->at_most);
	rd_plan_gate_free(state->gate);
	g_free(state);
}

static void
rd_plan_unit_free(gpointer data)
{
	RdPlanUnit *unit = data;

	g_free(unit->name);
	g_free(unit);
}

RdPlan *
rd_plan_new(const char *procedure, const char *cluster)
{
	RdPlan *plan = g_new0(RdPlan, 1);

	plan->procedure = g_strdup(procedure);
	plan->cluster = g_strdup(cluster);
	plan->hosts = g_ptr_array_new_with_free_func(rd_plan_host_free);
	plan->states = g_ptr_array_new_with_free_func(rd_plan_state_free);
	plan->units = g_ptr_array_new_with_free_func(rd_plan_unit_free);
	return plan;
}

RdPlanHost *
rd_plan_add_host(RdPlan *plan, const char *name, const char *role)
{
	RdPlanHost *host = g_new0(RdPlanHost, 1);

	host->name = g_strdup(name);
	host->role = g_strdup(role);
	host->locked = g_strcmp0(role, "worker") != 0;
	g_ptr_array_add(plan->hosts, host);
	return host;
}

RdPlanState *
rd_plan_add_state(RdPlan *plan, const char *name, const char *type, RdKind kind)
{
	RdPlanState *state = g_new0(RdPlanState, 1);

	state->name = g_strdup(name);
	state->type = g_strdup(type);
	state->kind = kind;
	state->with = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	state->targets = g_ptr_array_new_with_free_func(g_free);
	state->guards = g_ptr_array_new_with_free_func(rd_plan_guard_free);
	state->edges = g_ptr_array_new_with_free_func(rd_plan_edge_free);
	state->when = g_ptr_array_new_with_free_func(g_free);
	state->returns = g_ptr_array_new_with_free_func(rd_plan_guard_free);
	state->width = 1;
	state->tries = 1;
	state->timeout_s = 300;
	g_ptr_array_add(plan->states, state);
	return state;
}

static RdPlanGuard *
rd_plan_guard_new(const char *type)
{
	RdPlanGuard *guard = g_new0(RdPlanGuard, 1);

	guard->type = g_strdup(type);
	guard->with = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return guard;
}

RdPlanGuard *
rd_plan_state_add_guard(RdPlanState *state, const char *type)
{
	RdPlanGuard *guard = rd_plan_guard_new(type);

	g_ptr_array_add(state->guards, guard);
	return guard;
}

RdPlanGuard *
rd_plan_state_add_return(RdPlanState *state, const char *type)
{
	RdPlanGuard *guard = rd_plan_guard_new(type);

	g_ptr_array_add(state->returns, guard);
	return guard;
}

void
rd_plan_state_set_gate(RdPlanState *state, const char *name, const char *text, gboolean always,
		       gboolean named)
{
	rd_plan_gate_free(state->gate);
	state->gate = g_new0(RdPlanGate, 1);
	state->gate->name = g_strdup(name);
	state->gate->text = g_strdup(text);
	state->gate->always = always;
	state->gate->named = named;
}

void
rd_plan_state_add_edge(RdPlanState *state, const char *outcome, const char *to)
{
	RdPlanEdge *edge = g_new0(RdPlanEdge, 1);

	edge->outcome = g_strdup(outcome);
	edge->to = g_strdup(to);
	g_ptr_array_add(state->edges, edge);
}

void
rd_plan_add_unit(RdPlan *plan, const char *name, guint count)
{
	RdPlanUnit *unit = g_new0(RdPlanUnit, 1);

	unit->name = g_strdup(name);
	unit->first = plan->states->len - count;
	unit->count = count;
	g_ptr_array_add(plan->units, unit);
}

RdPlanRest *
rd_plan_rest_new(const char *procedure)
{
	RdPlanRest *rest = g_new0(RdPlanRest, 1);

	rest->procedure = g_strdup(procedure);
	rest->inputs = g_ptr_array_new_with_free_func(g_free);
	return rest;
}

void
rd_plan_rest_add(RdPlanRest *rest, const char *name, const char *template)
{
	g_ptr_array_add(rest->inputs, g_strdup(name));
	g_ptr_array_add(rest->inputs, g_strdup(template));
}

static void
rd_plan_rest_free(RdPlanRest *rest)
{
	if (rest == NULL)
		return;
	g_free(rest->procedure);
	g_ptr_array_unref(rest->inputs);
	g_free(rest);
}

int
rd_plan_find_state(const RdPlan *plan, const char *name)
{
	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);
		if (g_strcmp0(state->name, name) == 0)
			return (int)i;
	}
	return -1;
}

int
rd_plan_find_unit(const RdPlan *plan, const char *name)
{
	int state = rd_plan_find_state(plan, name);

	for (guint i = 0; state >= 0 && i < plan->units->len; i++) {
		const RdPlanUnit *unit = g_ptr_array_index(plan->units, i);
		if ((guint)state >= unit->first && (guint)state < unit->first + unit->count)
			return (int)i;
	}
	return -1;
}

const RdPlanHost *
rd_plan_find_host(const RdPlan *plan, const char *name)
{
	for (guint i = 0; i < plan->hosts->len; i++) {
		const RdPlanHost *host = g_ptr_array_index(plan->hosts, i);
		if (g_strcmp0(host->name, name) == 0)
			return host;
	}
	return NULL;
}

void
rd_plan_free(RdPlan *plan)
{
	g_free(plan->procedure);
	g_free(plan->summary);
	g_free(plan->cluster);
	g_ptr_array_unref(plan->hosts);
	g_ptr_array_unref(plan->states);
	g_ptr_array_unref(plan->units);
	rd_plan_rest_free(plan->rest);
	rd_plan_rest_free(plan->later);
	g_free(plan);
}
