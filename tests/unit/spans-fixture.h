/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan with everything that lasts longer than a step, for test-machine-borrow.c,
 * test-machine-spans.c and test-machine-gates.c. */

#include "machine-fixture.h"

static void
spans_setup(Fixture *f, gconstpointer data)
{
	static const char *const all[] = {"m0", "m1", "m2", NULL};
	static const char *const cluster[] = {RD_CLUSTER, NULL};
	static const char *const one[] = {"m1", NULL};
	static const char *const workers[] = {"w0", "w1", NULL};
	RdPlanState *state;

	setup(f, data);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	f->plan = rd_plan_new("spans", "lab");
	rd_plan_add_host(f->plan, "m0", "recovery");
	rd_plan_add_host(f->plan, "m1", "control-plane");
	rd_plan_add_host(f->plan, "m2", "control-plane");
	rd_plan_add_host(f->plan, "w0", "worker");
	rd_plan_add_host(f->plan, "w1", "worker");
	state = rd_plan_add_state(f->plan, "watch", "t/watch", RD_KIND_CHANGE);
	add_targets(state, cluster);
	state->beside = g_strdup("work");
	rd_plan_add_unit(f->plan, "watch", 1);
	state = rd_plan_add_state(f->plan, "lend", "t/lend", RD_KIND_CHANGE);
	add_targets(state, one);
	state->borrow = g_strdup("last");
	state->tries = 2;
	rd_plan_state_add_return(state, "t/well");
	rd_plan_add_unit(f->plan, "lend", 1);
	state = rd_plan_add_state(f->plan, "work", "t/work", RD_KIND_CHANGE);
	add_targets(state, all);
	rd_plan_add_unit(f->plan, "work", 1);
	state = rd_plan_add_state(f->plan, "roll", "t/roll", RD_KIND_CHANGE);
	add_targets(state, workers);
	state->leftover = TRUE;
	rd_plan_add_unit(f->plan, "roll", 1);
	state = rd_plan_add_state(f->plan, "last", "t/last", RD_KIND_CHANGE);
	add_targets(state, workers);
	rd_plan_add_unit(f->plan, "last", 1);
	f->run = rd_run_new(f->plan);
	script(f, "enter watch@cluster", "stay");
	script(f, "probe watch@cluster", "absent");
}

static RdPlanState *
state_of(Fixture *f, const char *name)
{
	return g_ptr_array_index(f->plan->states, rd_plan_find_state(f->plan, name));
}

/* index of the first sent line that begins so; -1 when there is none */
static int
sent_at(Fixture *f, const char *prefix)
{
	for (guint i = 0; i < f->sent->len; i++)
		if (g_str_has_prefix(g_ptr_array_index(f->sent, i), prefix))
			return (int)i;
	return -1;
}

static guint
events_of(Fixture *f, RdEventKind kind, const char *word)
{
	guint n = 0;

	for (guint i = 0; i < f->journal->len; i++) {
		const RdEvent *event = g_ptr_array_index(f->journal, i);

		n += event->kind == kind && g_strcmp0(event->word, word) == 0;
	}
	return n;
}

static void
assert_end(Fixture *f, const char *end)
{
	g_assert_cmpstr(rd_run_get_end(f->run), ==, end);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_ENDED);
}

static RdOrder *
drive_to(Fixture *f, const char *name)
{
	for (guint i = 0; i < 1000; i++) {
		decide(f);
		for (GList *l = f->hands.head; l != NULL; l = l->next) {
			g_autofree char *one = order_name(l->data);

			if (strcmp(one, name) == 0)
				return l->data;
		}
		drive(f, 1);
	}
	g_assert_not_reached();
}
