/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "run-private.h"

/* Workers that cannot be brought through: they are left, and the run ends with leftovers. */

/* why @step's worker cannot be brought through; NULL while it can. (transfer full) */
static char *
rd_run_why_left(RdRun *run, const RdStep *step, const RdRunHost *host)
{
	gboolean now =
	    run->unit >= 0 && rd_plan_find_unit(run->plan, step->plan->name) == run->unit;

	if (step->life == RD_LIFE_HELD)
		return g_strdup_printf("%s: %s", step->plan->name,
				       step->text != NULL ? step->text : "outcome unknown");
	if (now && step->visit > 0 && !rd_life_is_final(step->life) && host->trouble_since != 0 &&
	    !rd_run_hand(run, host->plan->name)->busy &&
	    run->clock >= host->trouble_since + RD_RECONNECT_WINDOW)
		return g_strdup_printf("%s: %s", step->plan->name, host->trouble);
	return NULL;
}

gboolean
rd_run_decide_left(RdRun *run, RdMove *move)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);
		const RdRunHost *host = rd_run_find_host(run, step->target);
		g_autofree char *why = NULL;
		RdEvent *event;

		if (!step->plan->leftover || host == NULL || host->plan->locked ||
		    !rd_run_step_counts(run, step))
			continue;
		why = rd_run_why_left(run, step, host);
		if (why == NULL)
			continue;
		event = rd_run_new_event(run, RD_EVENT_HOST, "left");
		rd_event_step(event, NULL, step->target, 0, 0);
		rd_event_pair(event, "recoveryd", NULL);
		return rd_move_events(move, rd_event_text(event, why));
	}
	return FALSE;
}
