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

/* by the gate's name or its state's, among those that are not open yet */
static const RdPlanState *
rd_gate_find(RdRun *run, const char *name)
{
	for (guint i = 0; name != NULL && i < run->plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(run->plan->states, i);

		if (state->gate != NULL &&
		    (strcmp(state->gate->name, name) == 0 || strcmp(state->name, name) == 0))
			return state;
	}
	return NULL;
}

gboolean
rd_request_gate(RdRun *run, GPtrArray *events, const char *word, const char *name, const char *who,
		const char *reason, GError **error)
{
	g_autoptr(GPtrArray) shut = rd_run_get_gates(run);
	const RdPlanState *state = rd_gate_find(run, name);
	gboolean deny = strcmp(word, "denied") == 0;
	const RdStep *step = NULL;

	for (guint i = 0; state != NULL && i < shut->len; i++) {
		const RdStep *one = g_ptr_array_index(shut, i);

		if (strcmp(one->plan->gate->name, state->gate->name) == 0)
			step = one;
	}
	if (state == NULL || (step == NULL && (deny || state->gate->always))) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    state == NULL ? "this run has no gate %s"
			    : deny	  ? "the run does not stand at gate %s"
					  : "gate %s is asked when the run stands at it, never "
					    "beforehand",
			    name != NULL ? name : "(nothing)");
		return FALSE;
	}
	if (reason == NULL || *reason == '\0') {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "that needs a reason");
		return FALSE;
	}
	g_ptr_array_add(events, rd_gate_event(run, step, state->gate, word, who, reason));
	/* what may be left out is left out; else it is a no to the run */
	if (deny && !step->plan->skippable)
		g_ptr_array_add(events, rd_run_state_event(run, RD_RUN_CANCELLING, NULL, reason));
	else if (step != NULL && run->state == RD_RUN_HELD)
		g_ptr_array_add(events, rd_run_state_event(run, RD_RUN_RUNNING, NULL, NULL));
	return TRUE;
}
