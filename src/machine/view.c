/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* Reading a run: what decide.c, status and the tests ask it. */

RdHand *
rd_run_hand(RdRun *run, const char *lane)
{
	for (guint i = 0; i < run->hands->len; i++) {
		RdHand *hand = g_ptr_array_index(run->hands, i);
		if (strcmp(hand->name, lane) == 0)
			return hand;
	}
	return NULL;
}

RdStep *
rd_run_step_at(RdRun *run, guint state, const char *target)
{
	const RdPlanState *plan = g_ptr_array_index(run->plan->states, state);

	for (guint i = 0; i < plan->targets->len; i++)
		if (strcmp(g_ptr_array_index(plan->targets, i), target) == 0)
			return g_ptr_array_index(run->steps, run->first[state] + i);
	return NULL;
}

RdStep *
rd_run_find_step(RdRun *run, const char *state, const char *target)
{
	int index = rd_plan_find_state(run->plan, state);

	return index >= 0 && target != NULL ? rd_run_step_at(run, index, target) : NULL;
}

RdRunHost *
rd_run_find_host(RdRun *run, const char *name)
{
	for (guint i = 0; name != NULL && i < run->hosts->len; i++) {
		RdRunHost *host = g_ptr_array_index(run->hosts, i);
		if (strcmp(host->plan->name, name) == 0)
			return host;
	}
	return NULL;
}

RdEvent *
rd_run_new_event(RdRun *run, RdEventKind kind, const char *word)
{
	RdEvent *event = rd_event_new(kind, word);

	event->clock = run->clock;
	return event;
}

RdEvent *
rd_run_step_event(RdRun *run, const RdStep *step, RdStepEvent what, const char *text)
{
	RdEvent *event = rd_run_new_event(run, RD_EVENT_STEP, rd_step_event_to_string(what));

	rd_event_step(event, step->plan->name, step->target, step->visit, step->attempt);
	return rd_event_text(event, text);
}

gint64
rd_host_patience(void)
{
	return RD_RECONNECT_WINDOW;
}

gint64
rd_host_deadline(const RdRunHost *host)
{
	return host->trouble_since == 0 || rd_host_is_final(host)
		   ? 0
		   : host->trouble_since + RD_RECONNECT_WINDOW;
}

gint64
rd_step_doubt_until(const RdStep *step)
{
	gint64 until = step->doubt_since + RD_RECONNECT_WINDOW;

	return strcmp(step->target, RD_CLUSTER) == 0 ? MAX(until, rd_step_end_of_time(step))
						     : until;
}

gint64
rd_step_deadline(const RdStep *step)
{
	gint64 deadline = rd_step_end_of_time(step);

	/* a host that went away just before the end still gets its window */
	if (step->doubt_since != 0 && step->plan->kind == RD_KIND_CHANGE)
		deadline = MAX(deadline, step->doubt_since + RD_RECONNECT_WINDOW);
	return deadline;
}

gboolean
rd_run_step_counts(RdRun *run, const RdStep *step)
{
	const RdRunHost *host = rd_run_find_host(run, step->target);

	return host == NULL ||
	       (!host->left && (!host->excused || (host->returned && step->plan->beside != NULL)));
}

gboolean
rd_host_is_off(const RdRunHost *host)
{
	return host->excused && !host->returned;
}

RdRunHost *
rd_run_lock_of(RdRun *run, const char *target)
{
	RdRunHost *host = rd_run_find_host(run, target);

	for (guint i = 0; host == NULL && i < run->hosts->len; i++) {
		RdRunHost *one = g_ptr_array_index(run->hosts, i);

		if (strcmp(one->plan->role, "recovery") == 0)
			host = one;
	}
	return host;
}

gboolean
rd_run_is_leaving(RdRun *run)
{
	return run->state == RD_RUN_PAUSING || run->state == RD_RUN_CANCELLING ||
	       run->state == RD_RUN_ROLLBACK;
}

gboolean
rd_run_goes_back(RdRun *run)
{
	return run->back;
}

gboolean
rd_run_may_touch(RdRun *run, const char *target)
{
	const RdRunHost *host = rd_run_lock_of(run, target);

	return (host == NULL || host->granted != 0) && rd_run_forerunners_asked(run);
}

void
rd_run_tick(RdRun *run, gint64 clock)
{
	run->clock = MAX(run->clock, clock);
}

gboolean
rd_run_heard(RdRun *run, gint64 token)
{
	return g_hash_table_contains(run->heard, &token);
}

const RdPlan *
rd_run_get_plan(RdRun *run)
{
	return run->plan;
}

RdRunState
rd_run_get_state(RdRun *run)
{
	return run->state;
}

const char *
rd_run_get_end(RdRun *run)
{
	return run->end;
}

const char *
rd_run_get_end_text(RdRun *run)
{
	return run->end_text;
}

const char *
rd_run_get_held_text(RdRun *run)
{
	return run->held_text;
}

const char *
rd_run_get_uuid(RdRun *run)
{
	return run->uuid;
}

gint64
rd_run_get_clock(RdRun *run)
{
	return run->clock;
}

gint64
rd_run_get_seq(RdRun *run)
{
	return run->seq;
}

guint
rd_run_get_starts(RdRun *run)
{
	return run->starts;
}

gint64
rd_run_get_created_wall(RdRun *run)
{
	return run->created_wall;
}

const char *
rd_run_get_creator(RdRun *run)
{
	return run->creator;
}

gboolean
rd_run_passed(RdRun *run, RdMark mark)
{
	return run->passed[mark];
}

const char *
rd_run_get_input(RdRun *run, const char *name)
{
	return g_hash_table_lookup(run->inputs, name);
}

GPtrArray *
rd_run_get_steps(RdRun *run)
{
	return run->steps;
}

GPtrArray *
rd_run_get_hosts(RdRun *run)
{
	return run->hosts;
}

int
rd_run_get_unit(RdRun *run)
{
	return run->unit;
}

const char *
rd_run_get_output(RdRun *run, const char *state, const char *target, const char *name)
{
	g_autofree char *key = g_strdup_printf("%s\n%s\n%s", state, target, name);

	return g_hash_table_lookup(run->outputs, key);
}

GPtrArray *
rd_run_get_causes(RdRun *run)
{
	GPtrArray *causes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) gates = rd_run_get_gates(run);

	for (guint i = 0; i < gates->len; i++) {
		const RdStep *step = g_ptr_array_index(gates, i);
		g_autofree char *text = rd_run_get_gate_text(run, step);

		g_ptr_array_add(causes,
				g_strdup_printf("gate %s waits for approval%s%s",
						step->plan->gate->name, text != NULL ? ": " : "",
						text != NULL ? text : ""));
	}

	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (host->trouble != NULL && !rd_host_is_off(host) && !host->left)
			g_ptr_array_add(causes,
					g_strdup_printf("%s: %s", host->plan->name, host->trouble));
	}
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (((step->life == RD_LIFE_HELD && !run->back) || step->life == RD_LIFE_OWING) &&
		    rd_run_step_counts(run, step))
			g_ptr_array_add(
			    causes,
			    g_strdup_printf("%s@%s: %s", step->plan->name, step->target,
					    step->text != NULL ? step->text : "outcome unknown"));
	}
	return causes;
}
