/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* The end of a run, whichever way it came to it: what works beside is told to stop, what is
 * borrowed is given back, then the lock. */

/* The way out: first what is borrowed. That it is on its way is stored, with where it leads to. */
static RdOwed
rd_run_decide_ending(RdRun *run, RdMove *move, const char *end)
{
	g_autoptr(GPtrArray) owed = rd_run_get_owed(run);

	if (owed->len == 0)
		return RD_OWED_THROUGH;
	if (run->state == RD_RUN_ENDING)
		return rd_run_decide_owed(run, move, NULL);
	rd_move_events(move, rd_run_state_event(run, RD_RUN_ENDING, end, NULL));
	return RD_OWED_MOVED;
}

/* workers that could not be brought through, and what could not be taken back */
static void
rd_run_add_left(RdRun *run, GString *kept)
{
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (host->left)
			g_string_append_printf(kept, "%sleft behind: %s (%s)",
					       kept->len > 0 ? "; " : "", host->plan->name,
					       host->left_why);
	}
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);
		const RdRunHost *host = rd_run_find_host(run, step->target);

		if (!run->back && step->plan->postponable && step->life == RD_LIFE_SKIPPED &&
		    rd_run_step_counts(run, step))
			g_string_append_printf(kept, "%sleft for later: %s@%s",
					       kept->len > 0 ? "; " : "", step->plan->name,
					       step->target);
		if (run->back && (step->kept || (step->owed && host != NULL)))
			g_string_append_printf(kept, "%snot undone: %s@%s",
					       kept->len > 0 ? "; " : "", step->plan->name,
					       step->target);
		else if (step->owed && step->plan->borrow != NULL && host != NULL &&
			 (host->left || host->excused))
			g_string_append_printf(kept, "%snot given back: %s@%s",
					       kept->len > 0 ? "; " : "", step->plan->name,
					       step->target);
	}
}

/* A host that does not answer does not keep the lock's return for ever; what is borrowed is tried
 * until it is back. */
gboolean
rd_run_decide_end(RdRun *run, RdMove *move, const char *end)
{
	g_autoptr(GString) kept = g_string_new(NULL);
	g_autofree char *owed_text = NULL;
	RdOwed owed;

	/* on all hosts at once: one that is slow must not keep the others from it */
	if (run->state != RD_RUN_ENDING && rd_run_in_hand(run))
		return FALSE;
	if (rd_run_decide_beside(run, move, TRUE))
		return TRUE;
	if (rd_run_beside_works(run))
		return FALSE;
	owed = run->finishing_since == 0 || run->state != RD_RUN_ENDING
		   ? rd_run_decide_ending(run, move, end)
		   : RD_OWED_STUCK;
	if (owed == RD_OWED_MOVED)
		return TRUE;
	if (owed == RD_OWED_OPEN || rd_run_in_hand(run))
		return FALSE;
	owed_text = rd_run_owed_text(run);
	if (run->finishing_since == 0)
		run->finishing_since = MAX(run->clock, 1);
	for (guint i = 0; i < run->hosts->len; i++) {
		RdRunHost *host = g_ptr_array_index(run->hosts, i);
		RdHand *hand = rd_run_hand(run, host->plan->name);
		RdOrder *order;

		if (host->asked == 0 || host->released || (host->excused && host->granted == 0))
			continue;
		if (run->clock >= run->finishing_since + RD_RELEASE_WINDOW ||
		    rd_host_is_final(host)) {
			g_string_append_printf(kept, "%s%s", kept->len > 0 ? ", " : "",
					       host->plan->name);
			continue;
		}
		if (run->clock < hand->not_before) {
			rd_move_wake(move, hand->not_before);
			return FALSE;
		}
		order = rd_order_new(RD_DO_RELEASE, host->plan->name);
		order->number = host->asked;
		return rd_move_order(run, move, order, NULL);
	}
	if (kept->len > 0)
		g_string_prepend(kept, "lock not given back on ");
	rd_run_add_left(run, kept);
	if (kept->len > 0 && g_strcmp0(end, "done") == 0) {
		g_autofree char *rest = rd_run_get_rest(run);

		end = "done with leftovers";
		if (rest != NULL)
			g_string_append_printf(kept, "; next: %s", rest);
	}
	if (*owed_text != '\0') {
		g_string_prepend(kept, kept->len > 0 ? "; " : "");
		g_string_prepend(kept, owed_text);
		g_string_prepend(kept, "to give back: ");
		end = "owing";
	}
	return rd_move_events(
	    move, rd_run_state_event(run, RD_RUN_ENDED, end, kept->len > 0 ? kept->str : NULL));
}
