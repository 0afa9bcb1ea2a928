/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* States that work beside others: begun where they stand in the file, in lanes of their own, and
 * told to end when the last state of their span is through. Nodes become Ready only because CSRs
 * are approved meanwhile: a straight line would wait for ever (design 5). */

static gboolean
rd_beside_is_over(RdRun *run, const RdPlanState *state)
{
	int last = strcmp(state->beside, RD_UNTIL_END) == 0
		       ? (int)run->plan->units->len - 1
		       : rd_plan_find_unit(run->plan, state->beside);

	return run->unit > last;
}

guint64
rd_run_without(RdRun *run)
{
	guint64 set = 0;
	guint n = 0;

	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (host->plan->locked && n < 64)
			set |= (guint64)host->excused << n++;
	}
	return set;
}

/* A host was enrolled since: the order does not know it, and what works beside would never ask it,
 * nor do anything for it. It is sent anew. */
static gboolean
rd_beside_lacks_host(RdRun *run, const RdHand *hand)
{
	return (hand->without & ~rd_run_without(run)) != 0;
}

gboolean
rd_run_decide_beside(RdRun *run, RdMove *move, gboolean all)
{
	for (guint i = 0; i < run->steps->len; i++) {
		RdStep *step = g_ptr_array_index(run->steps, i);
		gboolean over;
		RdHand *hand;

		if (step->plan->beside == NULL || step->visit == 0 ||
		    rd_life_is_final(step->life) || step->life == RD_LIFE_UNDOING ||
		    step->life == RD_LIFE_OWING)
			continue;
		hand = rd_run_hand(run, step->lane);
		/* its host was stated to be powered off: it goes on where that turns out wrong */
		if (!all && !rd_run_step_counts(run, step)) {
			if (!hand->busy || hand->stopping)
				continue;
			hand->stopping = TRUE;
			move->cancel = g_strdup(hand->name);
			return TRUE;
		}
		over = all || rd_beside_is_over(run, step->plan);
		if (hand->busy && !rd_hand_settles(hand) && !hand->stopping &&
		    (over || run->resting || rd_beside_lacks_host(run, hand))) {
			hand->stopping = TRUE;
			hand->leaving = over;
			move->cancel = g_strdup(hand->name);
			return TRUE;
		}
		if (hand->busy)
			continue;
		if (over)
			return rd_move_events(move,
					      rd_run_step_event(run, step, RD_STEP_LEAVE, NULL));
		if (rd_run_decide_step(run, move, step))
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_run_beside_holds(RdRun *run)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->plan->beside != NULL && step->life == RD_LIFE_HELD &&
		    rd_run_step_counts(run, step))
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_run_beside_works(RdRun *run)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->plan->beside == NULL || step->visit == 0)
			continue;
		if (rd_run_hand(run, step->lane)->busy)
			return TRUE;
		/* whose lock another has can go no further, in whatever life that found it */
		if (rd_run_lock_is_lost(run, step->target) || !rd_run_step_counts(run, step))
			continue;
		/* nor can one that waits for a fence, when nothing is asked of its host any more: a
		 * doubt has its own end, but for one that a person had looked at again */
		if (step->life == RD_LIFE_DOUBT && step->doubt_since == 0 &&
		    !rd_run_may_touch(run, step->target))
			continue;
		if (step->life == RD_LIFE_LOOKING || step->life == RD_LIFE_CHECKING ||
		    step->life == RD_LIFE_RUNNING || step->life == RD_LIFE_DOUBT ||
		    step->life == RD_LIFE_PROBING)
			return TRUE;
	}
	return FALSE;
}
