/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <gio/gio.h>
#include <string.h>

#include "run-private.h"

/* What to do next, one thing at a time: rd_run_decide() asks the functions below in order, and the
 * first that fills the move wins. Nothing here remembers anything but what is in hand; the rest is
 * read from the fold, so a new engine decides as the old one would have. */

void
rd_move_wake(RdMove *move, gint64 clock)
{
	if (move->wake == 0 || clock < move->wake)
		move->wake = clock;
}

gboolean
rd_move_events(RdMove *move, RdEvent *event)
{
	if (move->events == NULL)
		move->events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_ptr_array_add(move->events, event);
	return TRUE;
}

gboolean
rd_move_order(RdRun *run, RdMove *move, RdOrder *order, RdStep *step)
{
	RdHand *hand = rd_run_hand(run, order->lane);

	hand->busy = TRUE;
	hand->what = order->what;
	hand->step = step;
	hand->sent = run->clock;
	hand->number = order->fence_host != NULL ? order->fence_number : order->number;
	hand->without = rd_run_without(run);
	hand->stopping = hand->deadline = hand->leaving = FALSE;
	move->order = order;
	return TRUE;
}

void
rd_move_clear(RdMove *move)
{
	g_clear_pointer(&move->events, g_ptr_array_unref);
	g_clear_pointer(&move->order, rd_order_free);
	g_clear_pointer(&move->cancel, g_free);
	memset(move, 0, sizeof *move);
}

gboolean
rd_run_in_hand(RdRun *run)
{
	for (guint i = 0; i < run->hands->len; i++) {
		const RdHand *hand = g_ptr_array_index(run->hands, i);
		const RdRunHost *host = rd_run_find_host(run, hand->name);

		/* nor does the question, asked again, whether one is off that is said to be */
		if (hand->busy && !hand->beside &&
		    (host == NULL || !rd_host_is_off(host) || hand->not_before == 0))
			return TRUE;
	}
	return FALSE;
}

/* ---- deadlines, pause and cancel of what is in hand ---------------------------------------- */

static gboolean
rd_run_decide_stops(RdRun *run, RdMove *move)
{
	for (guint i = 0; i < run->hands->len; i++) {
		RdHand *hand = g_ptr_array_index(run->hands, i);
		/* what another has taken over is not ours any more to wait for */
		gboolean leave = rd_run_is_leaving(run) || rd_run_is_fenced(run);
		gint64 deadline;

		if (!hand->busy || hand->step == NULL || hand->stopping)
			continue;
		deadline = rd_run_deadline(run, hand, hand->step);
		hand->deadline = run->clock >= deadline;
		/* only what cannot touch is interrupted for a person, or what would go on for ever
		 */
		if (hand->deadline || (leave && (hand->what == RD_DO_LOOK ||
						 (hand->beside && !rd_hand_settles(hand))))) {
			hand->stopping = TRUE;
			move->cancel = g_strdup(hand->name);
			return TRUE;
		}
		/* it has none, and no time would help a run that waits for a person */
		if (!hand->beside)
			rd_move_wake(move, deadline);
	}
	return FALSE;
}

/* ---- one step ------------------------------------------------------------------------------ */

/* what one attempt may take when nothing bounds it but ourselves */
#define RD_NO_DEADLINE ((gint64)30 * 24 * 3600 * RD_SECOND)

gint64
rd_run_deadline(RdRun *run, const RdHand *hand, const RdStep *step)
{
	if (step->plan->beside != NULL && step->life != RD_LIFE_UNDOING)
		return run->clock + RD_NO_DEADLINE;
	/* On the way out and back each try has its time. On the way out there is no last one; on
	 * the way back none begins after the deadline (digest.c). */
	if (step->life == RD_LIFE_UNDOING && (run->state == RD_RUN_ENDING || run->back))
		return hand->sent + (gint64)step->plan->timeout_s * RD_SECOND;
	return rd_step_deadline(step);
}

static gint64
rd_run_time_left(RdRun *run, const RdStep *step)
{
	RdHand now = {.sent = run->clock};

	return rd_run_deadline(run, &now, step) - run->clock;
}

static gboolean
rd_run_refuse(RdRun *run, RdMove *move, RdStep *step, const GError *why)
{
	RdEvent *event = rd_run_step_event(run, step, RD_STEP_REFUSED, why->message);

	return rd_move_events(move, event);
}

static gboolean
rd_run_resolve_all(RdRun *run, const RdStep *step, GHashTable *from, GHashTable *to, GError **error)
{
	GHashTableIter iter;
	gpointer name, text;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &name, &text)) {
		char *value = rd_run_resolve(run, step, text, error);

		if (value == NULL) {
			g_prefix_error(error, "parameter %s: ", (const char *)name);
			return FALSE;
		}
		g_hash_table_replace(to, g_strdup(name), value);
	}
	return TRUE;
}

/* What has to hold for a change has to hold for taking it back: no old data under an etcd that
 * runs. What is borrowed is given back on the way out whatever stands, as well as that goes. */
static GPtrArray *
rd_run_guards_of(RdRun *run, const RdStep *step, RdDo what)
{
	if (what == RD_DO_CHECK || (what == RD_DO_UNDO && run->back && step->plan->borrow == NULL))
		return step->plan->guards;
	return what == RD_DO_UNDO && run->state == RD_RUN_RUNNING ? step->plan->returns : NULL;
}

static RdOrder *
rd_run_step_order(RdRun *run, RdStep *step, RdDo what, GError **error)
{
	g_autoptr(RdOrder) order = rd_order_new(what, step->target);
	const RdRunHost *host = rd_run_find_host(run, step->target);
	GPtrArray *guards = rd_run_guards_of(run, step, what);
	GHashTableIter iter;
	gpointer key, value;

	g_free(order->lane);
	order->lane = g_strdup(step->lane);
	order->number = host != NULL ? host->granted : 0;
	order->state = g_strdup(step->plan->name);
	order->visit = step->visit;
	order->attempt = step->attempt;
	order->type = g_strdup(step->plan->type);
	order->boot_id = g_strdup(step->boot_id);
	order->machine_id = g_strdup(step->machine_id);
	order->touches = step->touches;
	order->prove = run->back;
	order->timeout_ms = rd_run_time_left(run, step) / 1000;
	order->patience_ms = RD_EXTRA_MAX / 1000 + (gint64)step->plan->longest_s * 1000;
	if (step->plan->longest_s != 0) {
		order->anew_ms = (gint64)step->plan->timeout_s * 1000;
		order->whole_ms = (rd_step_whole_deadline(step) - run->clock) / 1000;
		order->far = step->far;
	}
	if (!rd_run_resolve_all(run, step, step->plan->with, order->with, error))
		return NULL;
	g_hash_table_iter_init(&iter, step->notes);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(order->notes, g_strdup(key), g_strdup(value));
	g_hash_table_iter_init(&iter, step->first);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(order->first, g_strdup(key), g_strdup(value));
	for (guint i = 0; guards != NULL && i < guards->len; i++) {
		const RdPlanGuard *guard = g_ptr_array_index(guards, i);
		RdOrderGuard *asked = rd_order_add_guard(order, guard->type);

		if (!rd_run_resolve_all(run, step, guard->with, asked->with, error))
			return NULL;
	}
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *other = g_ptr_array_index(run->hosts, i);

		if (other->excused || other->left)
			g_ptr_array_add(order->excused, g_strdup(other->plan->name));
		if (other->excused && other->returned)
			g_ptr_array_add(order->returned, g_strdup(other->plan->name));
		if (order->number == 0 && g_str_equal(other->plan->role, "recovery")) {
			order->fence_host = g_strdup(other->plan->name);
			order->fence_number = other->granted;
		}
	}
	return g_steal_pointer(&order);
}

gboolean
rd_run_send_step(RdRun *run, RdMove *move, RdStep *step, RdDo what)
{
	g_autoptr(GError) error = NULL;
	RdOrder *order = rd_run_step_order(run, step, what, &error);

	if (order == NULL)
		return rd_run_refuse(run, move, step, error);
	return rd_move_order(run, move, order, step);
}

gboolean
rd_run_when(RdRun *run, const RdStep *step, gboolean *wanted, GError **error)
{
	*wanted = TRUE;
	for (guint i = 0; i + 1 < step->plan->when->len; i += 2) {
		g_autofree char *fact =
		    rd_run_resolve(run, step, step->plan->when->pdata[i], error);

		if (fact == NULL)
			return FALSE;
		*wanted = *wanted && strcmp(fact, step->plan->when->pdata[i + 1]) == 0;
	}
	return TRUE;
}

static gboolean
rd_run_begin(RdRun *run, RdMove *move, RdStep *step)
{
	gboolean look = step->plan->kind != RD_KIND_CHANGE;
	g_autoptr(GError) error = NULL;
	gboolean wanted;
	RdEvent *event;

	if (!rd_run_when(run, step, &wanted, &error)) {
		if (step->life == RD_LIFE_PENDING)
			return rd_run_refuse(run, move, step, error);
		return FALSE;
	}
	if (!wanted)
		return rd_move_events(
		    move, rd_run_step_event(run, step, RD_STEP_SKIP, "its condition is not true"));
	if (step->life == RD_LIFE_PENDING && step->crashes >= RD_CRASHES_MAX) {
		g_set_error(&error, G_IO_ERROR, G_IO_ERROR_FAILED, "its worker died %u times: %s",
			    step->crashes, step->text != NULL ? step->text : "nobody knows why");
		return rd_run_refuse(run, move, step, error);
	}
	if (step->life == RD_LIFE_PENDING && rd_run_gate_denied(run, step))
		return rd_move_events(
		    move, rd_run_step_event(run, step, RD_STEP_SKIP, "its gate was denied"));
	if (step->plan->gate != NULL && step->life == RD_LIFE_PENDING &&
	    rd_run_gate_word(run, step) == NULL)
		return FALSE;
	event = rd_run_step_event(run, step, look ? RD_STEP_LOOK : RD_STEP_BEGIN, NULL);
	/* an attempt that cannot have touched is not used up by being lost */
	event->attempt =
	    step->attempt == 0 || step->again || step->intent ? step->attempt + 1 : step->attempt;
	return rd_move_events(move, event);
}

static gboolean
rd_run_wait_over(RdRun *run, RdMove *move, RdStep *step)
{
	/* what only lost its engine or runner is no fault of the host: nothing to wait for */
	gint64 pause = step->paced ? (gint64)step->plan->delay_s * RD_SECOND : 0;
	gint64 delay = step->again ? pause : RD_RECONNECT_PACE;
	g_autofree char *text = NULL;

	if (step->again && (step->fails >= step->plan->tries || step->crashes >= RD_CRASHES_MAX)) {
		text = rd_step_exhausted_why(step);
		return rd_move_events(move, rd_run_step_event(run, step, RD_STEP_EXHAUSTED, text));
	}
	/* a wait is over at its deadline and no sooner */
	if (step->doubt_since != 0 && step->plan->kind != RD_KIND_WAIT &&
	    run->clock >= rd_step_doubt_until(step))
		return rd_move_events(move,
				      rd_run_step_event(run, step, RD_STEP_EXHAUSTED, step->text));
	if (!step->again && run->clock >= rd_step_deadline(step))
		return rd_move_events(move,
				      rd_run_step_event(run, step, RD_STEP_DEADLINE, step->text));
	if (run->clock < step->since + delay) {
		rd_move_wake(move, step->since + delay);
		return FALSE;
	}
	return rd_run_begin(run, move, step);
}

gboolean
rd_run_decide_step(RdRun *run, RdMove *move, RdStep *step)
{
	RdHand *hand = rd_run_hand(run, step->lane);
	gboolean begin =
	    run->state == RD_RUN_RUNNING && rd_run_all_granted(run) &&
	    !(run->resting && step->plan->beside != NULL) && !rd_run_beside_holds(run) &&
	    (step->plan->kind != RD_KIND_CHANGE || rd_run_may_touch(run, step->target));

	if (hand->busy)
		return FALSE;
	switch (step->life) {
	case RD_LIFE_PENDING:
		return begin && rd_run_begin(run, move, step);
	case RD_LIFE_WAITING:
		return begin && rd_run_wait_over(run, move, step);
	case RD_LIFE_LOOKING:
		return rd_run_send_step(run, move, step, RD_DO_LOOK);
	case RD_LIFE_CHECKING:
		return rd_run_send_step(run, move, step, RD_DO_CHECK);
	case RD_LIFE_RUNNING:
		return rd_run_send_step(run, move, step, RD_DO_ENTER);
	case RD_LIFE_DOUBT:
		/* no time will help: the run is held for the lock, the step stays in doubt */
		if (rd_run_lock_is_lost(run, step->target))
			return FALSE;
		if (step->doubt_since != 0 && run->clock >= rd_step_doubt_until(step))
			return rd_move_events(
			    move, rd_run_step_event(run, step, RD_STEP_EXHAUSTED, step->text));
		if (step->doubt_since != 0)
			rd_move_wake(move, rd_step_doubt_until(step));
		if (!rd_run_may_touch(run, step->target))
			return FALSE; /* its fence is on the way */
		if (run->clock < hand->not_before) {
			rd_move_wake(move, hand->not_before);
			return FALSE;
		}
		return rd_run_send_step(run, move, step, RD_DO_SETTLE);
	case RD_LIFE_PROBING:
		return rd_run_send_step(run, move, step, RD_DO_PROBE);
	case RD_LIFE_UNDOING:
		if (!rd_run_may_touch(run, step->target))
			return FALSE;
		if (run->clock < hand->not_before) {
			rd_move_wake(move, hand->not_before);
			return FALSE;
		}
		return rd_run_send_step(run, move, step, RD_DO_UNDO);
	case RD_LIFE_HELD:
	case RD_LIFE_DONE:
	case RD_LIFE_SKIPPED:
	case RD_LIFE_FAILED:
	case RD_LIFE_CANCELLED:
	case RD_LIFE_UNDONE:
	case RD_LIFE_OWING:
		break;
	}
	return FALSE;
}

/* ---- units and lanes ----------------------------------------------------------------------- */

RdStep *
rd_run_lane(RdRun *run, const RdPlanUnit *unit, guint lane, gboolean *begun)
{
	RdStep *found = NULL;

	*begun = FALSE;
	for (guint i = unit->first; i < unit->first + unit->count; i++) {
		RdStep *step = g_ptr_array_index(run->steps, run->first[i] + lane);

		*begun = *begun || step->life != RD_LIFE_PENDING || step->attempt > 0;
		if (found == NULL && !rd_life_is_final(step->life))
			found = step;
		if (step->life == RD_LIFE_FAILED)
			return NULL;
	}
	return found;
}

static gboolean
rd_run_decide_unit(RdRun *run, RdMove *move, const RdPlanUnit *unit)
{
	const RdPlanState *state = g_ptr_array_index(run->plan->states, unit->first);
	guint open = 0, width = rd_run_get_width(run, state);

	/* lanes that have begun first: they hold their place */
	for (guint pass = 0; pass < 2; pass++) {
		for (guint i = 0; i < state->targets->len; i++) {
			gboolean begun;
			RdStep *step = rd_run_lane(run, unit, i, &begun);

			if (step == NULL || !rd_run_step_counts(run, step) || begun != (pass == 0))
				continue;
			if (pass == 1 && open >= width)
				return FALSE;
			open++;
			if (rd_run_decide_step(run, move, step))
				return TRUE;
		}
	}
	return FALSE;
}

/* how it ended; NULL of what was skipped or given up, which goes on with what stands next */
static const char *
rd_run_outcome(const RdStep *step)
{
	if (step->outcome != NULL || step->life != RD_LIFE_DONE)
		return step->outcome;
	return step->plan->outcome != NULL ? step->plan->outcome : "done";
}

/* whether all lanes are through; *to is where the outcome leads */
static gboolean
rd_run_unit_over(RdRun *run, const RdPlanUnit *unit, const char **to)
{
	const RdPlanState *state = g_ptr_array_index(run->plan->states, unit->first);

	*to = NULL;
	for (guint i = 0; i < state->targets->len; i++) {
		gboolean begun;
		const RdStep *first = g_ptr_array_index(run->steps, run->first[unit->first] + i);

		if (!rd_run_step_counts(run, first))
			continue;
		if (rd_run_lane(run, unit, i, &begun) != NULL)
			return FALSE;
		for (guint j = 0; unit->count == 1 && j < state->edges->len; j++) {
			const RdPlanEdge *edge = g_ptr_array_index(state->edges, j);
			if (g_strcmp0(rd_run_outcome(first), edge->outcome) == 0)
				*to = edge->to;
		}
	}
	return TRUE;
}

RdEvent *
rd_run_state_event(RdRun *run, RdRunState state, const char *end, const char *text)
{
	RdEvent *event = rd_run_new_event(run, RD_EVENT_RUN, rd_run_state_to_string(state));

	return rd_event_text(rd_event_pair(event, NULL, end), text);
}

/* nobody waits for what works beside */
static gboolean
rd_run_is_beside(RdRun *run, const RdPlanUnit *unit)
{
	const RdPlanState *state = g_ptr_array_index(run->plan->states, unit->first);

	return state->beside != NULL;
}

static gboolean
rd_run_decide_next(RdRun *run, RdMove *move)
{
	const RdPlanUnit *unit =
	    run->unit >= 0 ? g_ptr_array_index(run->plan->units, run->unit) : NULL;
	const char *to = NULL;
	int next = run->unit + 1;
	g_autofree char *width = NULL;
	RdEvent *event;
	const RdPlanState *state;

	if (unit != NULL && !rd_run_is_beside(run, unit) && !rd_run_unit_over(run, unit, &to))
		return rd_run_decide_unit(run, move, unit);
	if (rd_run_beside_holds(run))
		return FALSE;
	if (g_strcmp0(to, "failed") == 0)
		return rd_run_decide_end(run, move, "failed");
	if (to != NULL && strcmp(to, "done") != 0)
		next = rd_plan_find_unit(run->plan, to);
	if (next < 0 || (guint)next >= run->plan->units->len || g_strcmp0(to, "done") == 0)
		return rd_run_decide_end(run, move, "done");
	if (run->state != RD_RUN_RUNNING)
		return FALSE;
	unit = g_ptr_array_index(run->plan->units, next);
	state = g_ptr_array_index(run->plan->states, unit->first);
	for (guint i = 0; i < unit->count; i++) {
		const RdPlanState *one = g_ptr_array_index(run->plan->states, unit->first + i);
		RdOwed owed = rd_run_decide_owed(run, move, one->name);

		if (owed != RD_OWED_THROUGH)
			return owed == RD_OWED_MOVED;
	}
	width = rd_run_get_width_text(run, state);
	event = rd_event_text(rd_run_new_event(run, RD_EVENT_VISIT, NULL), width);
	rd_event_step(event, state->name, NULL, run->visits[unit->first] + 1, 0);
	return rd_move_events(move, rd_event_number(event, run->visits[unit->first] + 1));
}

/* steps that are neither final nor pending nor held nor waiting: they go on while pausing. What is
 * being given back goes on with the way out, which is the same whoever began it. */
static gboolean
rd_run_unfinished(RdRun *run)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (!rd_run_step_counts(run, step) || rd_life_is_final(step->life) ||
		    step->life == RD_LIFE_PENDING || step->life == RD_LIFE_HELD ||
		    step->life == RD_LIFE_WAITING || step->life == RD_LIFE_OWING ||
		    step->life == RD_LIFE_UNDOING)
			continue;
		return TRUE;
	}
	return FALSE;
}

/* nothing is in hand, nothing can begin, and no time will help: a person has to say something */
static gboolean
rd_run_decide_rest(RdRun *run, RdMove *move)
{
	g_autoptr(GPtrArray) causes = NULL;
	g_autofree char *text = NULL;
	gboolean touched = FALSE;

	if (run->state == RD_RUN_PAUSING)
		return rd_move_events(move, rd_run_state_event(run, RD_RUN_PAUSED, NULL, NULL));
	if (run->state != RD_RUN_RUNNING && run->state != RD_RUN_CANCELLING &&
	    run->state != RD_RUN_ROLLBACK)
		return FALSE;
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		touched = touched || host->asked != 0;
	}
	causes = rd_run_get_causes(run);
	g_ptr_array_add(causes, NULL);
	text = g_strjoinv("; ", (char **)causes->pdata);
	/* another run was here first, and we have not been anywhere */
	if (rd_run_is_fenced(run) && !touched)
		return rd_move_events(move, rd_run_state_event(run, RD_RUN_ENDED, "refused", text));
	return rd_move_events(move, rd_run_state_event(run, RD_RUN_HELD, NULL, text));
}

/* what the run is to do now: its graph, or its way out */
static gboolean
rd_run_decide_main(RdRun *run, RdMove *move)
{
	if (run->state == RD_RUN_ENDING)
		return rd_run_decide_end(run, move, run->way != NULL ? run->way : "done");
	/* what another has taken over is not ours any more to bring to its end */
	if (run->state == RD_RUN_CANCELLING && (!rd_run_unfinished(run) || rd_run_is_fenced(run)))
		return rd_run_decide_end(run, move, "cancelled");
	if (run->state == RD_RUN_ROLLBACK)
		return rd_run_decide_rollback(run, move);
	if (run->given_up && !run->back && !rd_run_unfinished(run))
		return rd_run_decide_end(run, move, "failed");
	if (run->state == RD_RUN_PAUSING && !rd_run_unfinished(run))
		return FALSE;
	return rd_run_decide_next(run, move);
}

void
rd_run_decide(RdRun *run, gint64 clock, RdMove *move)
{
	gboolean fence;

	memset(move, 0, sizeof *move);
	run->clock = MAX(run->clock, clock);
	if (run->state == RD_RUN_NEW) {
		rd_move_events(move, rd_run_state_event(run, RD_RUN_RUNNING, NULL, NULL));
		return;
	}
	if (run->state == RD_RUN_ENDED || run->state == RD_RUN_HELD ||
	    run->state == RD_RUN_PAUSED) {
		move->idle = !rd_run_in_hand(run);
		return;
	}
	if (rd_run_decide_stops(run, move) || rd_run_decide_left(run, move))
		return;
	fence = run->state == RD_RUN_RUNNING || run->state == RD_RUN_ENDING ||
		run->state == RD_RUN_ROLLBACK || rd_run_unfinished(run);
	if (fence && run->finishing_since == 0 && rd_run_decide_locks(run, move))
		return;
	if (rd_run_decide_main(run, move))
		return;
	run->resting = !rd_run_in_hand(run) && move->wake == 0;
	if (rd_run_decide_beside(run, move, FALSE))
		return;
	if (!run->resting)
		rd_run_decide_returned(run, move);
	else if (!rd_run_beside_works(run))
		rd_run_decide_rest(run, move);
}
