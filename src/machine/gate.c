/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <gio/gio.h>
#include <string.h>

#include "run-private.h"

/* Gates: a person approves before a state begins, once for each visit, or, where the procedure
 * lets them, by the gate's name before the run came there. */

static char *
rd_gate_key(const char *state, guint visit)
{
	return g_strdup_printf("%s\n%u", state, visit);
}

gboolean
rd_run_apply_gate(RdRun *run, const RdEvent *event)
{
	char *key =
	    event->visit != 0 ? rd_gate_key(event->state, event->visit) : g_strdup(event->value);

	g_hash_table_replace(run->gates, key, g_strdup(event->word));
	return TRUE;
}

const char *
rd_run_gate_word(RdRun *run, const RdStep *step)
{
	const RdPlanGate *gate = step->plan->gate;
	g_autofree char *key = rd_gate_key(step->plan->name, step->visit);
	const char *word = g_hash_table_lookup(run->gates, key);

	if (word == NULL && !gate->always)
		word = g_hash_table_lookup(run->gates, gate->name);
	return word;
}

GPtrArray *
rd_run_get_gates(RdRun *run)
{
	GPtrArray *gates = g_ptr_array_new();
	const RdPlanUnit *unit;
	const RdPlanState *state;

	if (run->unit < 0 || run->state == RD_RUN_ENDED || run->state == RD_RUN_ENDING || run->back)
		return gates;
	unit = g_ptr_array_index(run->plan->units, run->unit);
	state = g_ptr_array_index(run->plan->states, unit->first);
	for (guint i = 0; i < state->targets->len; i++) {
		gboolean begun, wanted;
		RdStep *step = rd_run_lane(run, unit, i, &begun);

		if (step == NULL || step->plan->gate == NULL || step->life != RD_LIFE_PENDING ||
		    !rd_run_step_counts(run, step) || rd_run_gate_word(run, step) != NULL)
			continue;
		if (!rd_run_when(run, step, &wanted, NULL) || !wanted)
			continue;
		g_ptr_array_add(gates, step);
		break;
	}
	return gates;
}

/* A no to the gate before a group is one to all of it: who is not to be drained is not to be
 * rebooted either. */
gboolean
rd_run_gate_denied(RdRun *run, const RdStep *step)
{
	const RdPlanUnit *unit =
	    g_ptr_array_index(run->plan->units, rd_plan_find_unit(run->plan, step->plan->name));
	const RdStep *first = rd_run_step_at(run, unit->first, step->target);

	return (first->plan->gate != NULL &&
		g_strcmp0(rd_run_gate_word(run, first), "denied") == 0) ||
	       (step->plan->gate != NULL && g_strcmp0(rd_run_gate_word(run, step), "denied") == 0);
}

/* a name that has no value yet stays as it is written: the question is asked all the same */
char *
rd_run_get_gate_text(RdRun *run, const RdStep *step)
{
	const char *text = step->plan->gate->text;
	char *known = text != NULL ? rd_run_resolve(run, step, text, NULL) : NULL;

	return known != NULL ? known : g_strdup(text);
}

static RdEvent *
rd_gate_event(RdRun *run, const RdStep *step, const RdPlanGate *gate, const char *word,
	      const char *who, const char *reason)
{
	RdEvent *event = rd_run_new_event(run, RD_EVENT_GATE, word);

	if (step != NULL)
		rd_event_step(event, step->plan->name, NULL, step->visit, 0);
	return rd_event_text(rd_event_pair(event, who, gate->name), reason);
}

static char *
rd_gate_instance(const RdStep *step, const char *name)
{
	return step->visit > 1 ? g_strdup_printf("%s#%u", name, step->visit) : g_strdup(name);
}

char *
rd_run_get_gate_instance(RdRun *run, const RdStep *step)
{
	const RdPlanState *state = step->plan;
	const char *name = state->gate->name;

	for (guint i = 0; i < run->plan->states->len; i++) {
		const RdPlanState *other = g_ptr_array_index(run->plan->states, i);

		if (other != state && other->gate != NULL && strcmp(other->gate->name, name) == 0)
			return rd_gate_instance(step, state->name);
	}
	return rd_gate_instance(step, name);
}

static const RdPlanGate *
rd_gate_find(RdRun *run, const char *name)
{
	for (guint i = 0; i < run->plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(run->plan->states, i);

		if (state->gate != NULL && strcmp(state->gate->name, name) == 0)
			return state->gate;
	}
	return NULL;
}

/* what the run stands at, by its instance or its state's name; all of them in @names */
static const RdStep *
rd_gate_find_shut(RdRun *run, const char *name, GString *names)
{
	g_autoptr(GPtrArray) shut = rd_run_get_gates(run);
	const RdStep *found = NULL;

	for (guint i = 0; i < shut->len; i++) {
		const RdStep *step = g_ptr_array_index(shut, i);
		g_autofree char *instance = rd_run_get_gate_instance(run, step);

		g_autofree char *by_state = rd_gate_instance(step, step->plan->name);

		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", instance);
		if (strcmp(instance, name) == 0 || strcmp(by_state, name) == 0)
			found = step;
	}
	return found;
}

/* at any instance of it */
static gboolean
rd_gate_is_shut(RdRun *run, const char *name)
{
	g_autoptr(GPtrArray) shut = rd_run_get_gates(run);

	for (guint i = 0; i < shut->len; i++)
		if (strcmp(((RdStep *)g_ptr_array_index(shut, i))->plan->gate->name, name) == 0)
			return TRUE;
	return FALSE;
}

/* Somebody who looked at one plan must not let another one through. A part of a digest will do, as
 * it is printed. */
static gboolean
rd_gate_check_plan(RdRun *run, const char *plan, GError **error)
{
	const char *known = rd_run_get_input(run, RD_RUN_INPUT_PLAN);

	if (plan == NULL || (known != NULL && strlen(plan) >= RD_PLAN_DIGEST_SHOWN &&
			     g_str_has_prefix(known, plan)))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		    "that is for plan %s, and this run carries out %s%s; at least %d digits of it "
		    "are needed",
		    plan, known != NULL ? "plan " : "one without a digest",
		    known != NULL ? known : "", RD_PLAN_DIGEST_SHOWN);
	return FALSE;
}

/* beforehand a name opens each gate that is called so: one of them is enough */
static gboolean
rd_gate_is_named(RdRun *run, const char *name)
{
	for (guint i = 0; i < run->plan->states->len; i++) {
		const RdPlanGate *gate = ((RdPlanState *)run->plan->states->pdata[i])->gate;

		if (gate != NULL && gate->named && strcmp(gate->name, name) == 0)
			return TRUE;
	}
	return FALSE;
}

/* Who is asked whether a cluster that works may be thrown away has to know which one it is: a word
 * that was meant for another terminal does not open this. */
static gboolean
rd_gate_check_name(RdRun *run, const RdPlanGate *gate, const char *typed, GError **error)
{
	if (!rd_gate_is_named(run, gate->name) || g_strcmp0(typed, run->plan->cluster) == 0)
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		    "gate %s is opened by the name of the cluster that this run restores: "
		    "--cluster NAME; %s%s",
		    gate->name, typed != NULL ? "it is not " : "none was typed",
		    typed != NULL ? typed : "");
	return FALSE;
}

static gboolean
rd_gate_refuse(RdRun *run, const char *name, gboolean deny, const char *at, GError **error)
{
	const RdPlanGate *gate = rd_gate_find(run, name);

	if (*at != '\0')
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "the run stands at gate %s, not at %s", at, name);
	else if (gate == NULL)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "this run has no gate %s", name);
	else
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    deny ? "the run does not stand at gate %s"
				 : "gate %s is asked when the run stands at it, never beforehand",
			    name);
	return FALSE;
}

gboolean
rd_request_gate(RdRun *run, GPtrArray *events, const char *word, const char *argument,
		const char *who, const char *reason, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(argument != NULL ? argument : "(nothing)", "@", 3);
	const char *plan = parts[0] != NULL ? parts[1] : NULL;
	const char *cluster = plan != NULL ? parts[2] : NULL;
	const char *name = parts[0] != NULL ? parts[0] : "(nothing)";
	g_autoptr(GString) at = g_string_new(NULL);
	const RdStep *step = rd_gate_find_shut(run, name, at);
	const RdPlanGate *gate = step != NULL ? step->plan->gate : rd_gate_find(run, name);
	gboolean deny = strcmp(word, "denied") == 0;
	/* beforehand is before the run comes there: where it stands, an instance is named */
	gboolean beforehand = step == NULL && gate != NULL && !gate->always && !deny &&
			      !rd_gate_is_shut(run, gate->name);

	if (step == NULL && !beforehand)
		return rd_gate_refuse(run, name, deny, at->str, error);
	/* of a name alone the digest is empty: "go-back@@kite" */
	if (!rd_gate_check_plan(run, cluster != NULL && *plan == '\0' ? NULL : plan, error) ||
	    (!deny && !rd_gate_check_name(run, gate, cluster, error)))
		return FALSE;
	if (reason == NULL || *reason == '\0') {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "that needs a reason");
		return FALSE;
	}
	g_ptr_array_add(events, rd_gate_event(run, step, gate, word, who, reason));
	/* what may be left out is left out; else it is a no to the run */
	if (deny && !step->plan->skippable)
		g_ptr_array_add(events, rd_run_state_event(run, RD_RUN_CANCELLING, NULL, reason));
	else if (step != NULL && run->state == RD_RUN_HELD)
		g_ptr_array_add(events, rd_run_state_event(run, RD_RUN_RUNNING, NULL, NULL));
	return TRUE;
}
