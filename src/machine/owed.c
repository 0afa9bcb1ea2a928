/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* What was borrowed is given back: at its place, and on every other way out (INV-30). On the way
 * back (rollback.c) everything is. The newest first, state by state with a barrier, never host by
 * host. */

/* is it to be taken back where the run is going? */
static gboolean
rd_owed_now(RdRun *run, const RdStep *step)
{
	return step->owed && (step->plan->borrow != NULL || run->back);
}

/* what was borrowed on a worker that was left is given back while it lets us; else it is told */
static gboolean
rd_owed_counts(RdRun *run, const RdStep *step)
{
	const RdRunHost *host = rd_run_find_host(run, step->target);

	if (rd_run_step_counts(run, step))
		return TRUE;
	if (!host->left ||
	    (step->doubt_since != 0 && run->clock >= step->doubt_since + RD_RECONNECT_WINDOW))
		return FALSE;
	/* a deadline took the lock's number from us, not the host: it is taken anew for this */
	return host->granted != 0 || host->trouble_word == NULL;
}

GPtrArray *
rd_run_get_owed(RdRun *run)
{
	GPtrArray *owed = g_ptr_array_new();

	for (guint i = run->steps->len; i > 0; i--) {
		RdStep *step = g_ptr_array_index(run->steps, i - 1);

		if (rd_owed_now(run, step) && rd_owed_counts(run, step))
			g_ptr_array_add(owed, step);
	}
	return owed;
}

char *
rd_run_owed_text(RdRun *run)
{
	g_autoptr(GPtrArray) owed = rd_run_get_owed(run);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < owed->len; i++) {
		const RdStep *step = g_ptr_array_index(owed, i);

		g_string_append_printf(text, "%s%s@%s%s%s", i > 0 ? "; " : "", step->plan->name,
				       step->target, step->text != NULL ? ": " : "",
				       step->text != NULL ? step->text : "");
	}
	return g_string_free(text, FALSE);
}

/* no time will help: a person has to, or the cluster is another's */
static gboolean
rd_owed_is_stuck(RdRun *run, const RdStep *step)
{
	return step->life == RD_LIFE_OWING ||
	       (!rd_run_may_touch(run, step->target) && rd_run_is_fenced(run));
}

/* the host whose lock it needs does not let us any more: why, for the person whose word that takes
 */
static RdEvent *
rd_owed_is_refused(RdRun *run, const RdStep *step)
{
	const RdRunHost *lock = rd_run_lock_of(run, step->target);
	g_autofree char *why = NULL;

	if (step->life != RD_LIFE_UNDOING || rd_run_may_touch(run, step->target) || lock == NULL ||
	    !rd_host_is_final(lock))
		return NULL;
	why = g_strdup_printf("%s: %s", lock->plan->name, lock->trouble);
	return rd_run_step_event(run, step, RD_STEP_REFUSED, why);
}

RdOwed
rd_run_decide_owed(RdRun *run, RdMove *move, const char *until)
{
	g_autoptr(GPtrArray) owed = rd_run_get_owed(run);
	const RdPlanState *state = NULL;
	gboolean open = FALSE;

	for (guint i = 0; i < owed->len; i++) {
		RdStep *step = g_ptr_array_index(owed, i);
		RdEvent *refused;
		RdLife next;

		if (until != NULL && g_strcmp0(step->plan->borrow, until) != 0)
			continue;
		/* What cannot be given back must not keep the rest from it. On the way back it
		 * does: old data never comes back under what still runs on the new one (INV-16). */
		if (state != NULL && state != step->plan && (open || run->back))
			break;
		state = step->plan;
		if (rd_owed_is_stuck(run, step))
			continue;
		open = TRUE;
		if (rd_run_hand(run, step->lane)->busy)
			continue;
		refused = rd_owed_is_refused(run, step);
		if (refused != NULL) {
			rd_move_events(move, refused);
			return RD_OWED_MOVED;
		}
		if (step->life == RD_LIFE_UNDOING) {
			if (rd_run_decide_step(run, move, step))
				return RD_OWED_MOVED;
			continue;
		}
		if (!rd_life_next(step->life, RD_STEP_UNDO, &next))
			continue;
		rd_move_events(move, rd_run_step_event(run, step, RD_STEP_UNDO, NULL));
		return RD_OWED_MOVED;
	}
	return open ? RD_OWED_OPEN : state != NULL ? RD_OWED_STUCK : RD_OWED_THROUGH;
}
