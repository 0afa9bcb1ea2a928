/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pure core, driven by hand: a table of answers plays the workers, an array the journal. Used
 * by test-machine*.c, not each of which needs all of it. */

#include <gio/gio.h>
#include <string.h>

#include "machine/run.h"

#pragma GCC diagnostic ignored "-Wunused-function"

typedef struct {
	RdPlan *plan;
	RdRun *run;
	GPtrArray *journal; /* (element-type RdEvent) */
	GPtrArray *sent;    /* (element-type utf8) "what state@target #number" */
	GHashTable *script; /* "what state@target" or "what target" -> "word[:text],word…" */
	gint64 clock;
	gint64 numbers[4096]; /* what the hosts' lock files say; 0: there is none */
	GQueue hands;	      /* (element-type RdOrder) sent, not answered */
	GHashTable *stopped;  /* (element-type utf8) lanes that were told to stop */
} Fixture;

static void
store(Fixture *f, GPtrArray *events)
{
	g_autoptr(GError) error = NULL;

	for (guint i = 0; events != NULL && i < events->len; i++) {
		RdEvent *event = rd_event_copy(g_ptr_array_index(events, i));

		event->seq = f->journal->len + 1;
		g_ptr_array_add(f->journal, event);
		(void)rd_run_apply(f->run, event, &error);
		g_assert_no_error(error);
	}
}

static char *
order_name(const RdOrder *order)
{
	return order->state != NULL
		   ? g_strdup_printf("%s %s@%s", rd_do_to_string(order->what), order->state,
				     order->target)
		   : g_strdup_printf("%s %s", rd_do_to_string(order->what), order->target);
}

static char *
describe(const RdOrder *order, const char *name)
{
	GString *text = g_string_new(name);

	g_string_append_printf(text, " #%" G_GINT64_FORMAT, order->number);
	if (order->fence_host != NULL && order->what == RD_DO_ENTER)
		g_string_append_printf(text, " behind %s #%" G_GINT64_FORMAT, order->fence_host,
				       order->fence_number);
	return g_string_free(text, FALSE);
}

/* by the host's letter and digit */
static gint64 *
number_of(Fixture *f, const char *target)
{
	return &f->numbers[target[0] * 10 + target[1] - '0'];
}

/* the first word of the script's line is used up, the last one stays */
static RdReport *
answer(Fixture *f, const RdOrder *order)
{
	g_autofree char *name = order_name(order);
	g_autofree char *line = g_strdup(g_hash_table_lookup(f->script, name));
	static const char *const good[] = {"finished", "finished", "finished", "finished", "absent",
					   "finished", "finished", "present",  "finished"};
	RdReport *report;
	char *comma, *colon;

	if (line == NULL)
		line = g_strdup(good[order->what]);
	comma = strchr(line, ',');
	if (comma != NULL) {
		g_hash_table_replace(f->script, g_strdup(name), g_strdup(comma + 1));
		*comma = '\0';
	}
	colon = strchr(line, ':');
	if (colon != NULL)
		*colon = '\0';
	if (strcmp(line, "lost") == 0)
		report = rd_report_new(RD_REPORT_LOST, order->lane, "worker");
	else if (strcmp(line, "runner") == 0)
		report = rd_report_new(RD_REPORT_LOST, order->lane, "runner");
	else
		report = rd_report_new(RD_REPORT_RESULT, order->lane, line);
	report->text = g_strdup(colon != NULL ? colon + 1 : NULL);
	report->boot_id = g_strdup("boot-1");
	report->machine_id = g_strdup_printf("machine-%s", order->target);
	if (order->what == RD_DO_TAKE)
		*number_of(f, order->target) = order->number;
	if (order->what == RD_DO_SURVEY) {
		gint64 number = *number_of(f, order->target);

		report->number = number > 0 ? number : -1;
		report->run = g_strdup(number > 0 ? "ours" : NULL);
	}
	/* "finished:back 7 ..." is #7 of another run, given back; any other text a holder */
	if (order->what == RD_DO_SURVEY && colon != NULL && g_str_has_prefix(colon + 1, "back ")) {
		report->number = g_ascii_strtoll(colon + 6, NULL, 10);
		g_clear_pointer(&report->run, g_free);
	} else if (order->what == RD_DO_SURVEY && colon != NULL) {
		report->holder = g_strdup(colon + 1);
	}
	return report;
}

/* decides until nothing more comes, without answering */
static void
decide(Fixture *f)
{
	for (;;) {
		RdMove move;
		gboolean more;

		rd_run_decide(f->run, f->clock, &move);
		more = move.events != NULL || move.order != NULL || move.cancel != NULL;
		store(f, move.events);
		if (move.order != NULL) {
			g_autofree char *name = order_name(move.order);

			g_ptr_array_add(f->sent, describe(move.order, name));
			g_queue_push_tail(&f->hands, g_steal_pointer(&move.order));
		}
		if (move.cancel != NULL)
			g_hash_table_add(f->stopped, g_strdup(move.cancel));
		if (!more && move.wake > f->clock && g_queue_is_empty(&f->hands)) {
			f->clock = move.wake;
			more = TRUE;
		}
		rd_move_clear(&move);
		if (!more)
			return;
	}
}

/* the first in hand that has an answer: one whose line is "stay" has none until it is stopped */
static RdOrder *
next_answered(Fixture *f)
{
	for (GList *l = f->hands.head; l != NULL; l = l->next) {
		RdOrder *order = l->data;
		g_autofree char *name = order_name(order);

		const char *line = g_hash_table_lookup(f->script, name);

		if (line != NULL && g_str_has_prefix(line, "stay") &&
		    !g_hash_table_contains(f->stopped, order->lane))
			continue;
		g_queue_delete_link(&f->hands, l);
		return order;
	}
	return NULL;
}

/* runs on until only a person could say more, or after @orders answers */
static void
drive(Fixture *f, guint orders)
{
	decide(f);
	while (orders-- > 0) {
		g_autoptr(RdOrder) order = next_answered(f);
		g_autoptr(RdReport) report = NULL;
		g_autoptr(GPtrArray) events = NULL;

		if (order == NULL)
			return;
		report = answer(f, order);
		if (g_strcmp0(report->word, "stay") == 0) {
			g_free(report->word);
			report->word = g_strdup("cancelled");
		}
		g_hash_table_remove(f->stopped, order->lane);
		f->clock += 1000;
		rd_run_tick(f->run, f->clock);
		events = rd_run_digest(f->run, report);
		store(f, events);
		decide(f);
	}
}

static void
person(Fixture *f, const char *word, const char *step, const char *argument)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events =
	    rd_run_request(f->run, word, step, argument, "alice", "because", &error);

	g_assert_no_error(error);
	store(f, events);
}

/* a new engine: the fold of what is stored, everything in hand lost */
static void
restart(Fixture *f)
{
	g_autoptr(GPtrArray) started =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autoptr(GPtrArray) lost = NULL;
	RdEvent *event = rd_event_new(RD_EVENT_ENGINE, "started");

	event->clock = f->clock;
	g_queue_clear_full(&f->hands, (GDestroyNotify)rd_order_free);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	for (guint i = 0; i < f->journal->len; i++)
		g_assert_true(rd_run_apply(f->run, g_ptr_array_index(f->journal, i), NULL));
	g_ptr_array_add(started, event);
	store(f, started);
	lost = rd_run_lost_all(f->run);
	store(f, lost);
}

static void
add_targets(RdPlanState *state, const char *const *targets)
{
	for (guint i = 0; targets[i] != NULL; i++)
		g_ptr_array_add(state->targets, g_strdup(targets[i]));
}

static void
setup(Fixture *f, gconstpointer data)
{
	static const char *const all[] = {"m0", "m1", "m2", NULL};
	static const char *const cluster[] = {RD_CLUSTER, NULL};
	RdPlanState *state;

	f->plan = rd_plan_new("test", "lab");
	rd_plan_add_host(f->plan, "m0", "recovery");
	rd_plan_add_host(f->plan, "m1", "control-plane");
	rd_plan_add_host(f->plan, "m2", "control-plane");
	state = rd_plan_add_state(f->plan, "facts", "t/facts", RD_KIND_QUERY);
	add_targets(state, cluster);
	rd_plan_add_unit(f->plan, "facts", 1);
	state = rd_plan_add_state(f->plan, "stop", "t/stop", RD_KIND_CHANGE);
	add_targets(state, all);
	state = rd_plan_add_state(f->plan, "save", "t/save", RD_KIND_CHANGE);
	add_targets(state, all);
	state->mark = RD_MARK_HOST_UNDO_ENDS;
	rd_plan_add_unit(f->plan, "both", 2);
	state = rd_plan_add_state(f->plan, "well", "t/well", RD_KIND_WAIT);
	add_targets(state, cluster);
	rd_plan_add_unit(f->plan, "well", 1);
	f->run = rd_run_new(f->plan);
	f->journal = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	f->sent = g_ptr_array_new_with_free_func(g_free);
	f->script = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	f->stopped = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	f->clock = 1;
	g_queue_init(&f->hands);
}

static void
teardown(Fixture *f, gconstpointer data)
{
	g_queue_clear_full(&f->hands, (GDestroyNotify)rd_order_free);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	g_ptr_array_unref(f->journal);
	g_ptr_array_unref(f->sent);
	g_hash_table_unref(f->script);
	g_hash_table_unref(f->stopped);
}

static void
script(Fixture *f, const char *name, const char *line)
{
	g_hash_table_replace(f->script, g_strdup(name), g_strdup(line));
}

static guint
count(Fixture *f, const char *prefix)
{
	guint n = 0;

	for (guint i = 0; i < f->sent->len; i++)
		n += g_str_has_prefix(g_ptr_array_index(f->sent, i), prefix);
	return n;
}

static void
assert_sent(Fixture *f, const char *expected)
{
	g_autofree char *text = NULL;

	g_ptr_array_add(f->sent, NULL);
	text = g_strjoinv("\n", (char **)f->sent->pdata);
	g_ptr_array_remove_index(f->sent, f->sent->len - 1);
	g_assert_cmpstr(text, ==, expected);
}

/* clock at which this attempt of the step began */
static gint64
step_clock(Fixture *f, const char *state, const char *target, guint attempt)
{
	for (guint i = 0; i < f->journal->len; i++) {
		const RdEvent *event = g_ptr_array_index(f->journal, i);

		if (event->kind == RD_EVENT_STEP && g_strcmp0(event->word, "begin") == 0 &&
		    g_strcmp0(event->state, state) == 0 && g_strcmp0(event->target, target) == 0 &&
		    event->attempt == attempt)
			return event->clock;
	}
	g_assert_not_reached();
}

static void
assert_life(Fixture *f, const char *state, const char *target, RdLife life)
{
	g_assert_cmpstr(rd_life_to_string(rd_run_find_step(f->run, state, target)->life), ==,
			rd_life_to_string(life));
}
