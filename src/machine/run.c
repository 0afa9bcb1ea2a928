/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <gio/gio.h>
#include <string.h>

#include "run-private.h"
#include "words.h"

/* The fold: one function per kind of event, each of which only writes down what the event says.
 * What follows from it is decide.c's matter. */

static const char *const state_words[] = {
    [RD_RUN_NEW] = "new",
    [RD_RUN_RUNNING] = "running",
    [RD_RUN_PAUSING] = "pausing",
    [RD_RUN_PAUSED] = "paused",
    [RD_RUN_CANCELLING] = "cancelling",
    [RD_RUN_HELD] = "held",
    [RD_RUN_ENDED] = "ended",
    [RD_RUN_ENDING] = "ending",
    [RD_RUN_ROLLBACK] = "rolling back",
};

G_STATIC_ASSERT(G_N_ELEMENTS(state_words) == RD_RUN_STATE_LAST + 1);

RD_WORDS(RdRunState, rd_run_state, state_words)

static void
rd_step_free(gpointer data)
{
	RdStep *step = data;

	g_free(step->text);
	g_free(step->away_text);
	g_free(step->fault);
	g_free(step->outcome);
	g_free(step->boot_id);
	g_free(step->machine_id);
	g_hash_table_unref(step->notes);
	g_hash_table_unref(step->first);
	g_free(step);
}

static void
rd_run_host_free(gpointer data)
{
	RdRunHost *host = data;

	g_free(host->excuse);
	g_free(host->left_why);
	g_free(host->boot_id);
	g_free(host->machine_id);
	g_free(host->holder);
	g_free(host->trouble_word);
	g_free(host->trouble);
	g_free(host);
}

static void
rd_run_add_hand(RdRun *run, const char *name, gboolean beside)
{
	RdHand *hand = g_new0(RdHand, 1);

	hand->name = name;
	hand->beside = beside;
	g_ptr_array_add(run->hands, hand);
}

static RdStep *
rd_step_new(RdRun *run, const RdPlanState *state, const char *target)
{
	RdStep *step = g_new0(RdStep, 1);

	step->plan = state;
	step->target = step->lane = target;
	step->notes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	step->first = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (state->beside == NULL)
		return step;
	step->lane = g_strdup_printf("%s/%s", target, state->name);
	g_ptr_array_add(run->lanes, (char *)step->lane);
	rd_run_add_hand(run, step->lane, TRUE);
	return step;
}

RdRun *
rd_run_new(const RdPlan *plan)
{
	RdRun *run = g_new0(RdRun, 1);

	run->plan = plan;
	run->unit = -1;
	run->heard = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	run->inputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	run->outputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	run->steps = g_ptr_array_new_with_free_func(rd_step_free);
	run->hosts = g_ptr_array_new_with_free_func(rd_run_host_free);
	run->hands = g_ptr_array_new_with_free_func(g_free);
	run->lanes = g_ptr_array_new_with_free_func(g_free);
	run->gates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	run->first = g_new0(guint, plan->states->len + 1);
	run->visits = g_new0(guint, plan->states->len + 1);
	for (guint i = 0; i < plan->hosts->len; i++) {
		RdRunHost *host = g_new0(RdRunHost, 1);

		host->plan = g_ptr_array_index(plan->hosts, i);
		host->found = -1;
		g_ptr_array_add(run->hosts, host);
		rd_run_add_hand(run, host->plan->name, FALSE);
	}
	rd_run_add_hand(run, RD_CLUSTER, FALSE);
	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);

		run->first[i] = run->steps->len;
		for (guint j = 0; j < state->targets->len; j++) {
			const char *target = g_ptr_array_index(state->targets, j);

			g_ptr_array_add(run->steps, rd_step_new(run, state, target));
		}
	}
	return run;
}

void
rd_run_free(RdRun *run)
{
	g_free(run->end);
	g_free(run->end_text);
	g_free(run->way);
	g_free(run->held_text);
	g_free(run->loss);
	g_free(run->loss_text);
	g_free(run->shut);
	g_free(run->uuid);
	g_free(run->creator);
	g_free(run->first);
	g_free(run->visits);
	g_hash_table_unref(run->heard);
	g_hash_table_unref(run->inputs);
	g_hash_table_unref(run->outputs);
	g_ptr_array_unref(run->steps);
	g_ptr_array_unref(run->hosts);
	g_ptr_array_unref(run->hands);
	g_ptr_array_unref(run->lanes);
	g_hash_table_unref(run->gates);
	g_free(run);
}

gboolean
rd_run_misfit(const RdEvent *event, const char *what, GError **error)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
		    "event %" G_GINT64_FORMAT " (%s %s %s@%s) does not fit: %s", event->seq,
		    rd_event_kind_to_string(event->kind), event->word != NULL ? event->word : "-",
		    event->state != NULL ? event->state : "-",
		    event->target != NULL ? event->target : "-", what);
	return FALSE;
}

static gboolean
rd_run_apply_created(RdRun *run, const RdEvent *event, GError **error)
{
	if (g_strcmp0(event->word, run->plan->procedure) != 0)
		return rd_run_misfit(event, "the journal is another procedure's", error);
	g_free(run->uuid);
	g_free(run->creator);
	run->uuid = g_strdup(event->value);
	run->creator = g_strdup(event->text);
	run->created_wall = event->wall;
	return TRUE;
}

static void
rd_run_host_answered(RdRunHost *host)
{
	host->trouble_since = 0;
	g_clear_pointer(&host->trouble, g_free);
	g_clear_pointer(&host->trouble_word, g_free);
}

static gboolean
rd_run_apply_engine(RdRun *run, const RdEvent *event)
{
	if (g_strcmp0(event->word, "started") != 0)
		return TRUE;
	run->starts++;
	run->life_number = 0;
	for (guint i = 0; i < run->hosts->len; i++) {
		RdRunHost *host = g_ptr_array_index(run->hosts, i);

		host->granted = host->pending = 0;
		host->granted_life = FALSE;
		host->surveyed = FALSE;
		rd_run_host_answered(host);
	}
	return TRUE;
}

/* the kinds that concern one host and the lock on it */
static gboolean
rd_run_apply_host(RdRun *run, const RdEvent *event, GError **error)
{
	RdRunHost *host = rd_run_find_host(run, event->target);

	if (host == NULL)
		return rd_run_misfit(event, "there is no such host", error);
	switch (event->kind) {
	case RD_EVENT_HOST:
		if (g_strcmp0(event->word, "enrol") == 0) {
			host->enrol = TRUE;
			/* who was powered off for good is there again, made anew: it is asked, and
			 * taken, before anything else is done there */
			if (host->excused) {
				host->surveyed = host->granted_life = FALSE;
				host->granted = 0;
			}
			host->excused = host->returned = FALSE;
			host->taken_before = FALSE;
			g_clear_pointer(&host->machine_id, g_free);
			rd_run_host_answered(host);
			break;
		}
		/* by this run, on a bastion whose journal is gone: not a stranger's number */
		if (g_strcmp0(event->word, "taken-over") == 0) {
			host->asked = MAX(host->asked, event->number);
			break;
		}
		if (g_strcmp0(event->word, "left") == 0) {
			host->left = TRUE;
			g_free(host->left_why);
			host->left_why = g_strdup(event->text);
			rd_run_host_answered(host);
			break;
		}
		if (g_strcmp0(event->word, "returned") == 0) {
			host->returned = TRUE;
			host->surveyed = host->granted_life = FALSE;
			host->granted = 0;
			rd_run_host_answered(host);
			break;
		}
		host->excused = g_strcmp0(event->word, "excused") == 0;
		host->returned = FALSE;
		g_free(host->excuse);
		host->excuse = g_strdup_printf("%s (%s)", event->text, event->key);
		rd_run_host_answered(host);
		break;
	case RD_EVENT_SURVEY:
		host->surveyed = TRUE;
		host->found = event->number;
		g_free(host->holder);
		host->holder = g_strdup(event->text);
		rd_run_host_answered(host);
		break;
	case RD_EVENT_INCARNATION:
		host->asked = MAX(host->asked, event->number);
		host->pending = event->number;
		run->enrolling = run->enrolling || (host->plan->locked && !host->enrol &&
						    g_strcmp0(event->word, "enrol") == 0);
		if (run->life_number == 0)
			run->life_number = event->number;
		break;
	case RD_EVENT_GRANTED:
		host->granted = host->found = event->number;
		host->pending = 0;
		host->granted_life = host->taken_before = TRUE;
		host->enrol = FALSE;
		host->released = FALSE;
		g_free(host->machine_id);
		g_free(host->boot_id);
		host->machine_id = g_strdup(event->key);
		host->boot_id = g_strdup(event->value);
		rd_run_host_answered(host);
		break;
	case RD_EVENT_REFUSED:
		if (host->trouble_since == 0)
			host->trouble_since = MAX(event->clock, 1);
		g_free(host->trouble);
		g_free(host->trouble_word);
		host->trouble = g_strdup(event->text);
		host->trouble_word = g_strdup(event->word);
		if (g_strcmp0(event->word, "fenced") == 0)
			host->granted = 0;
		break;
	case RD_EVENT_RELEASED:
	default:
		host->granted = 0;
		host->released = TRUE;
		break;
	}
	return TRUE;
}

static gboolean
rd_run_apply_visit(RdRun *run, const RdEvent *event, GError **error)
{
	int index = rd_plan_find_unit(run->plan, event->state);
	const RdPlanUnit *unit;

	if (index < 0)
		return rd_run_misfit(event, "there is no such state", error);
	unit = g_ptr_array_index(run->plan->units, index);
	run->unit = index;
	for (guint i = unit->first; i < unit->first + unit->count; i++) {
		const RdPlanState *state = g_ptr_array_index(run->plan->states, i);

		run->visits[i]++;
		for (guint j = 0; j < state->targets->len; j++) {
			RdStep *step = g_ptr_array_index(run->steps, run->first[i] + j);

			step->life = RD_LIFE_PENDING;
			step->visit = run->visits[i];
			step->attempt = step->fails = step->crashes = step->touches = 0;
			step->intent = step->again = step->redo = step->doubted = FALSE;
			step->paced = step->anew = FALSE;
			step->began = step->started = step->doubt_since = step->extra = 0;
			step->whole_from = 0;
			step->wall_began = step->wall_ended = 0;
			step->since = event->clock;
			step->wall_since = event->wall;
			g_hash_table_remove_all(step->notes);
			/* what is owed is owed as it was found the first time */
			if (!step->owed)
				g_hash_table_remove_all(step->first);
			g_clear_pointer(&step->text, g_free);
			g_clear_pointer(&step->outcome, g_free);
		}
	}
	return TRUE;
}

/* what else it means for a step */
static void
rd_run_step_moved(RdRun *run, RdStep *step, RdLife from, RdStepEvent what, const RdEvent *event)
{
	RdRunHost *host = rd_run_find_host(run, step->target);

	rd_step_note_why(step, what, event);
	switch (what) {
	case RD_STEP_BEGIN:
	case RD_STEP_LOOK:
		rd_step_time_begins(step, event);
		step->anew = FALSE;
		step->attempt = event->attempt;
		step->intent = step->again = step->redo = step->doubted = step->paced = FALSE;
		g_hash_table_remove_all(step->notes);
		if (step->began == 0) {
			step->began = MAX(event->clock, 1);
			step->wall_began = event->wall;
		}
		break;
	case RD_STEP_INTENT:
		step->intent = TRUE;
		step->number = host != NULL ? host->granted : 0;
		step->owed = step->owed || step->plan->undo == RD_UNDO_FUNCTION;
		step->kept = FALSE;
		g_free(step->boot_id);
		g_free(step->machine_id);
		step->boot_id = g_strdup(host != NULL ? host->boot_id : NULL);
		step->machine_id = g_strdup(host != NULL ? host->machine_id : NULL);
		break;
	case RD_STEP_UNDO:
		step->started = event->clock;
		break;
	case RD_STEP_FAILED:
		step->fails++;
		step->again = step->paced = TRUE;
		break;
	case RD_STEP_UNREACHABLE:
		step->paced = TRUE;
		break;
	case RD_STEP_ABSENT:
		/* right after FINISHED it means that the postcondition does not hold, which is a
		 * failure; after a doubt it is only news */
		if (!step->doubted) {
			step->fails++;
			step->paced = TRUE;
		}
		step->again = TRUE;
		break;
	case RD_STEP_DECIDE_ABORT:
		if (from != RD_LIFE_OWING)
			run->given_up = TRUE;
		else
			step->owed = FALSE;
		step->kept = from == RD_LIFE_OWING;
		break;
	case RD_STEP_LOST:
		step->anew =
		    event->number == 0 && (from == RD_LIFE_LOOKING || from == RD_LIFE_CHECKING);
		if (event->number != 0) {
			step->crashes++;
			step->paced = TRUE;
		}
		break;
	case RD_STEP_RESUME:
	case RD_STEP_SETTLED:
	case RD_STEP_DECIDE_REDO:
		if (from == RD_LIFE_OWING)
			step->started = event->clock;
		if (from != RD_LIFE_HELD)
			break;
		step->fails = step->crashes = 0;
		step->started = event->clock;
		/* not before its hosts are taken again, which may wait for one of them */
		step->anew = TRUE;
		step->whole_from = 0;
		step->redo = what == RD_STEP_DECIDE_REDO;
		break;
	default:
		break;
	}
	if (step->life == RD_LIFE_DOUBT)
		step->doubted = TRUE;
	step->silent = what == RD_STEP_EXHAUSTED && step->doubt_since != 0;
	/* unanswered since when; any answer ends it */
	if (what == RD_STEP_UNREACHABLE || (what == RD_STEP_LOST && from != RD_LIFE_CHECKING)) {
		if (step->doubt_since == 0)
			step->doubt_since = MAX(event->clock, 1);
	} else if (what != RD_STEP_BEGIN && what != RD_STEP_LOOK && what != RD_STEP_SETTLED) {
		step->doubt_since = 0;
	}
	/* what may still touch there only a higher number shuts out, whoever asked for that */
	if (host != NULL && (from == RD_LIFE_RUNNING || from == RD_LIFE_UNDOING) &&
	    (from == RD_LIFE_UNDOING || host->granted <= step->number) &&
	    (what == RD_STEP_LOST || what == RD_STEP_UNREACHABLE || what == RD_STEP_DEADLINE))
		host->granted = 0;
	if (host != NULL && (from == RD_LIFE_HELD || from == RD_LIFE_OWING) &&
	    (what == RD_STEP_RESUME || what == RD_STEP_DECIDE_REDO || what == RD_STEP_UNDO))
		host->granted = 0;
	if (step->life == RD_LIFE_UNDONE)
		step->owed = FALSE;
}

static gboolean
rd_run_apply_step(RdRun *run, const RdEvent *event, GError **error)
{
	RdStep *step = rd_run_find_step(run, event->state, event->target);
	RdStepEvent what;
	RdLife next, from;

	if (step == NULL)
		return rd_run_misfit(event, "there is no such step", error);
	if (event->visit != step->visit)
		return rd_run_misfit(event, "it is of another visit", error);
	if (!rd_step_event_from_string(event->word, &what))
		return rd_run_misfit(event, "the word is unknown", error);
	if (!rd_life_next(step->life, what, &next))
		return rd_run_misfit(event, rd_life_to_string(step->life), error);
	from = step->life;
	step->life = next;
	rd_run_step_moved(run, step, from, what, event);
	step->since = event->clock;
	step->wall_since = event->wall;
	if (rd_life_is_final(next))
		step->wall_ended = event->wall;
	if (event->text != NULL || next == RD_LIFE_DONE || what == RD_STEP_INTENT) {
		g_free(step->text);
		step->text = g_strdup(event->text);
	}
	return TRUE;
}

/* note, output, outcome, touch, touched, moved */
static gboolean
rd_run_apply_detail(RdRun *run, const RdEvent *event, GError **error)
{
	RdStep *step = rd_run_find_step(run, event->state, event->target);

	if (step == NULL)
		return rd_run_misfit(event, "there is no such step", error);
	switch (event->kind) {
	case RD_EVENT_NOTE:
		g_hash_table_replace(step->notes, g_strdup(event->key), g_strdup(event->value));
		if (!g_hash_table_contains(step->first, event->key))
			g_hash_table_insert(step->first, g_strdup(event->key),
					    g_strdup(event->value));
		break;
	case RD_EVENT_OUTPUT:
		g_hash_table_replace(
		    run->outputs,
		    g_strdup_printf("%s\n%s\n%s", event->state, event->target, event->key),
		    g_strdup(event->value));
		break;
	case RD_EVENT_OUTCOME:
		g_free(step->outcome);
		step->outcome = g_strdup(event->word);
		break;
	case RD_EVENT_TOUCH:
		step->touches = MAX(step->touches, (guint)event->number);
		break;
	case RD_EVENT_MOVED:
		rd_step_apply_moved(step, event);
		break;
	default:
		break;
	}
	return TRUE;
}

static gboolean
rd_run_apply_run(RdRun *run, const RdEvent *event, GError **error)
{
	RdRunState state;

	if (!rd_run_state_from_string(event->word, &state))
		return rd_run_misfit(event, "the word is unknown", error);
	run->state = state;
	g_free(run->held_text);
	run->held_text = state == RD_RUN_HELD ? g_strdup(event->text) : NULL;
	g_clear_pointer(&run->end, g_free);
	g_clear_pointer(&run->end_text, g_free);
	if (state == RD_RUN_ENDED) {
		run->end = g_strdup(event->value);
		run->end_text = g_strdup(event->text);
	}
	if (state == RD_RUN_ENDING) {
		g_free(run->way);
		run->way = g_strdup(event->value);
		run->finishing_since = 0;
	}
	if (state == RD_RUN_ROLLBACK)
		rd_rollback_applied(run, event);
	if (state == RD_RUN_CANCELLING)
		run->back = FALSE;
	if (state == RD_RUN_RUNNING || state == RD_RUN_ROLLBACK)
		for (guint i = 0; i < run->hosts->len; i++)
			rd_run_host_answered(g_ptr_array_index(run->hosts, i));
	return TRUE;
}

gboolean
rd_run_apply(RdRun *run, const RdEvent *event, GError **error)
{
	RdMark mark;

	run->clock = MAX(run->clock, event->clock);
	run->seq = MAX(run->seq, event->seq);
	switch (event->kind) {
	case RD_EVENT_CREATED:
		return rd_run_apply_created(run, event, error);
	case RD_EVENT_INPUT:
		g_hash_table_replace(run->inputs, g_strdup(event->key), g_strdup(event->value));
		return TRUE;
	case RD_EVENT_ENGINE:
		return rd_run_apply_engine(run, event);
	case RD_EVENT_HOST:
	case RD_EVENT_SURVEY:
	case RD_EVENT_INCARNATION:
	case RD_EVENT_GRANTED:
	case RD_EVENT_REFUSED:
	case RD_EVENT_RELEASED:
		return rd_run_apply_host(run, event, error);
	case RD_EVENT_VISIT:
		return rd_run_apply_visit(run, event, error);
	case RD_EVENT_STEP:
		return rd_run_apply_step(run, event, error);
	case RD_EVENT_NOTE:
	case RD_EVENT_OUTPUT:
	case RD_EVENT_OUTCOME:
	case RD_EVENT_TOUCH:
	case RD_EVENT_TOUCHED:
	case RD_EVENT_MOVED:
		return rd_run_apply_detail(run, event, error);
	case RD_EVENT_MARK:
		if (!rd_mark_from_string(event->word, &mark))
			return rd_run_misfit(event, "the mark is unknown", error);
		run->passed[mark] = TRUE;
		/* where hosts had nothing to save, nobody passed the one before it */
		if (mark == RD_MARK_POINT_OF_NO_RETURN)
			run->passed[RD_MARK_HOST_UNDO_ENDS] = TRUE;
		return TRUE;
	case RD_EVENT_RUN:
		return rd_run_apply_run(run, event, error);
	case RD_EVENT_REQUEST:
		return rd_run_apply_request(run, event, error);
	case RD_EVENT_GATE:
		return rd_run_apply_gate(run, event);
	case RD_EVENT_REMARK:
		rd_run_apply_remark(run, event);
		return TRUE;
	}
	return rd_run_misfit(event, "the kind is unknown", error);
}
