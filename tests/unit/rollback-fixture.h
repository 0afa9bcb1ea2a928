/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A run that can be rolled back, driven by hand: what test-machine-rollback*.c share. */

#include "machine-fixture.h"

static const char *const all[] = {"m0", "m1", "m2", NULL};
static const char *const cluster[] = {RD_CLUSTER, NULL};
static const char *const one[] = {"m1", NULL};

static RdPlanState *
add_state(Fixture *f, const char *name, RdKind kind, const char *const *targets, RdMark mark)
{
	g_autofree char *type = g_strconcat("t/", name, NULL);
	RdPlanState *state = rd_plan_add_state(f->plan, name, type, kind);

	add_targets(state, targets);
	state->mark = mark;
	rd_plan_add_unit(f->plan, name, 1);
	return state;
}

static void
back_setup(Fixture *f, gconstpointer data)
{
	RdPlanState *state;

	setup(f, data);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	f->plan = rd_plan_new("back", "lab");
	rd_plan_add_host(f->plan, "m0", "recovery");
	rd_plan_add_host(f->plan, "m1", "control-plane");
	rd_plan_add_host(f->plan, "m2", "control-plane");
	add_state(f, "look", RD_KIND_QUERY, cluster, RD_MARK_NONE);
	state = add_state(f, "copy", RD_KIND_CHANGE, all, RD_MARK_NONE);
	state->undo = RD_UNDO_NOTHING;
	state = add_state(f, "stop", RD_KIND_CHANGE, all, RD_MARK_NONE);
	state->tries = 2;
	state = add_state(f, "lend", RD_KIND_CHANGE, one, RD_MARK_NONE);
	state->borrow = g_strdup(RD_UNTIL_END);
	rd_plan_state_add_guard(state, "t/silent");
	state = add_state(f, "watch", RD_KIND_CHANGE, cluster, RD_MARK_NONE);
	state->beside = g_strdup("well");
	state = add_state(f, "place", RD_KIND_CHANGE, all, RD_MARK_HOST_UNDO_ENDS);
	state->width = 3;
	rd_plan_state_add_guard(state, "t/silent");
	add_state(f, "begin", RD_KIND_CHANGE, all, RD_MARK_NONE);
	add_state(f, "well", RD_KIND_WAIT, cluster, RD_MARK_NONE);
	add_state(f, "serve", RD_KIND_CHANGE, all, RD_MARK_POINT_OF_NO_RETURN);
	f->run = rd_run_new(f->plan);
	script(f, "enter watch@cluster", "stay");
	script(f, "probe watch@cluster", "absent");
}

static void
assert_state(Fixture *f, RdRunState state)
{
	g_assert_cmpstr(rd_run_state_to_string(rd_run_get_state(f->run)), ==,
			rd_run_state_to_string(state));
}

static char *
refusal(Fixture *f, const char *word, const char *step, const char *argument)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events =
	    rd_run_request(f->run, word, step, argument, "alice", "because", &error);

	g_assert_null(events);
	return g_strdup(error->message);
}

static void
drive_to(Fixture *f, const char *name)
{
	for (guint i = 0; i < 1000; i++) {
		decide(f);
		for (GList *l = f->hands.head; l != NULL; l = l->next) {
			g_autofree char *this = order_name(l->data);

			if (strcmp(this, name) == 0)
				return;
		}
		drive(f, 1);
	}
	g_error("%s was never sent", name);
}

/* index of the newest request with that word */
static guint
request_at(Fixture *f, const char *word)
{
	for (guint i = f->journal->len; i > 0; i--) {
		const RdEvent *event = g_ptr_array_index(f->journal, i - 1);

		if (event->kind == RD_EVENT_REQUEST && strcmp(event->word, word) == 0)
			return i - 1;
	}
	g_assert_not_reached();
}

/* From the journal alone: all that was begun and can be undone was, nothing before all that stands
 * behind it in the plan, and nothing was begun since. */
static void
assert_went_back(Fixture *f)
{
	g_autoptr(GHashTable) open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) undoing =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	guint turned = request_at(f, "rollback");

	for (guint i = 0; i < f->journal->len; i++) {
		const RdEvent *event = g_ptr_array_index(f->journal, i);
		int state = rd_plan_find_state(f->plan, event->state);
		g_autofree char *name = NULL;
		GHashTableIter iter;
		gpointer index;

		if (event->kind != RD_EVENT_STEP)
			continue;
		name = g_strdup_printf("%s@%s", event->state, event->target);
		if (strcmp(event->word, "intent") == 0) {
			g_assert_cmpuint(i, <, turned);
			if (((RdPlanState *)f->plan->states->pdata[state])->undo ==
			    RD_UNDO_FUNCTION)
				g_hash_table_replace(open, g_steal_pointer(&name),
						     GINT_TO_POINTER(state));
		} else if (strcmp(event->word, "undo") == 0) {
			g_hash_table_iter_init(&iter, open);
			while (g_hash_table_iter_next(&iter, NULL, &index))
				g_assert_true(i < turned || GPOINTER_TO_INT(index) <= state);
			g_hash_table_add(undoing, g_steal_pointer(&name));
		} else if (strcmp(event->word, "finished") == 0 &&
			   g_hash_table_contains(undoing, name)) {
			g_hash_table_remove(open, name);
		}
	}
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "rolled back");
	g_assert_null(rd_run_get_end_text(f->run));
	g_assert_cmpuint(g_hash_table_size(open), ==, 0);
	g_assert_cmpuint(count(f, "undo copy"), ==, 0);
	for (guint i = 0; i < 3; i++)
		g_assert_false(((RdRunHost *)rd_run_get_hosts(f->run)->pdata[i])->granted);
}
