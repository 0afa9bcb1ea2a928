/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "run-private.h"

/* The time of a step. It ends a timeout after the attempt began; where the plan has a longest time,
 * a timeout after something last moved on, and a longest time after the attempt began in any case.
 * What moved on is in the journal before the clock is set by it: another engine comes to the same
 * end. A slow rollout of many nodes is so told from one that stands still (F55). */

void
rd_step_time_begins(RdStep *step, const RdEvent *event)
{
	gboolean attempt = event->attempt != step->attempt;

	/* what only looked and lost its engine or runner has lost its time, too; and the time in
	 * which nobody could work on it is not its own */
	if (attempt || step->anew)
		step->started = event->clock;
	/* but the whole is measured from the attempt's begin, or from a person's word: nobody waits
	 * for ever because engines die */
	if (!attempt && step->whole_from != 0)
		return;
	step->whole_from = MAX(event->clock, 1);
	step->moved = step->far = 0;
}

void
rd_step_apply_moved(RdStep *step, const RdEvent *event)
{
	if (event->number <= step->far)
		return;
	/* the first number of an attempt is where it begins */
	if (step->far != 0)
		step->moved = event->clock;
	step->far = event->number;
}

gboolean
rd_step_is_moved_by(const RdStep *step, gint64 far)
{
	return step->plan->longest_s != 0 && far > step->far;
}

gint64
rd_step_last_moved(const RdStep *step)
{
	return step->plan->longest_s != 0 && step->moved > step->started ? step->moved : 0;
}

gint64
rd_step_whole_deadline(const RdStep *step)
{
	if (step->plan->longest_s == 0)
		return 0;
	return step->whole_from + (gint64)step->plan->longest_s * RD_SECOND + step->extra;
}

gint64
rd_step_end_of_time(const RdStep *step)
{
	gint64 from = MAX(step->started, rd_step_last_moved(step));
	gint64 end = from + (gint64)step->plan->timeout_s * RD_SECOND + step->extra;

	return step->plan->longest_s == 0 ? end : MIN(end, rd_step_whole_deadline(step));
}
