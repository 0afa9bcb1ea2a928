/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* The lock on the hosts (design 8): every control-plane host grants a number that was never used
 * before, or is excused by a person; a host that may still be touched by something older is taken
 * again with a higher one. */

static gint64
rd_run_highest_number(RdRun *run)
{
	gint64 highest = 0;

	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);
		highest = MAX(highest, MAX(host->asked, host->found));
	}
	return highest;
}

static gboolean
rd_run_all_new(RdRun *run)
{
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);
		if (host->plan->locked && !host->excused && host->found >= 0)
			return FALSE;
	}
	return TRUE;
}

/* One number serves all hosts when an engine starts; a host that has to be taken again later gets a
 * higher one of its own. A number that was sent without an answer is sent again: the host may have
 * it already, which is as good. */
static gboolean
rd_run_take(RdRun *run, RdMove *move, RdRunHost *host)
{
	gint64 fresh = run->life_number > MAX(host->asked, host->found)
			   ? run->life_number
			   : rd_run_highest_number(run) + 1;
	gboolean enrol =
	    host->enrol || (host->found < 0 && !host->taken_before &&
			    (!host->plan->locked || run->enrolling || rd_run_all_new(run)));
	RdEvent *event;
	RdOrder *order;

	if (host->found < 0 && !enrol) {
		event = rd_run_new_event(run, RD_EVENT_REFUSED, "rebuilt");
		rd_event_step(event, NULL, host->plan->name, 0, 0);
		rd_event_text(event,
			      host->taken_before
				  ? "its lock file is gone: was the host rebuilt?"
				  : "it has no lock file though other hosts have one: rebuilt? "
				    "say so with enrol");
		return rd_move_events(move, event);
	}
	if (host->pending == 0) {
		event = rd_run_new_event(run, RD_EVENT_INCARNATION, enrol ? "enrol" : "take");
		rd_event_step(event, NULL, host->plan->name, 0, 0);
		return rd_move_events(move, rd_event_number(event, fresh));
	}
	order = rd_order_new(RD_DO_TAKE, host->plan->name);
	order->number = host->pending;
	order->enrol = enrol;
	return rd_move_order(run, move, order, NULL);
}

gboolean
rd_host_is_final(const RdRunHost *host)
{
	return g_strcmp0(host->trouble_word, "fenced") == 0 ||
	       g_strcmp0(host->trouble_word, "rebuilt") == 0 ||
	       g_strcmp0(host->trouble_word, "refused") == 0;
}

gboolean
rd_run_is_fenced(RdRun *run)
{
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (g_strcmp0(host->trouble_word, "fenced") == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_run_lock_is_lost(RdRun *run, const char *target)
{
	const RdRunHost *own = rd_run_lock_of(run, target);

	return (own != NULL && rd_host_is_final(own)) || rd_run_is_fenced(run);
}

/* what the survey found stands in our way */
static gboolean
rd_run_fence(RdRun *run, RdMove *move, const RdRunHost *host)
{
	RdEvent *event = rd_run_new_event(run, RD_EVENT_REFUSED, "fenced");

	rd_event_step(event, NULL, host->plan->name, 0, 0);
	rd_event_number(event, host->found);
	return rd_move_events(move, rd_event_text(event, host->holder));
}

/* something is being given back there */
static gboolean
rd_run_is_undone(RdRun *run, const RdRunHost *host)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->life == RD_LIFE_UNDOING && strcmp(step->target, host->plan->name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean
rd_run_lock_host(RdRun *run, RdMove *move, RdRunHost *host, gboolean survey_only)
{
	RdHand *hand = rd_run_hand(run, host->plan->name);

	if (rd_host_is_off(host) || hand->busy)
		return FALSE;
	/* of one that was left only what was borrowed there is still wanted */
	if (host->left && !rd_run_is_undone(run, host))
		return FALSE;
	if (rd_host_is_final(host))
		return FALSE;
	/* what is owed there is worth any wait */
	if (host->trouble_since != 0 && run->state != RD_RUN_ENDING &&
	    run->clock >= host->trouble_since + RD_RECONNECT_WINDOW)
		return FALSE;
	if (run->clock < hand->not_before) {
		rd_move_wake(move, hand->not_before);
		return FALSE;
	}
	if (!host->surveyed)
		return rd_move_order(run, move, rd_order_new(RD_DO_SURVEY, host->plan->name), NULL);
	if (survey_only || host->granted != 0)
		return FALSE;
	if (host->holder != NULL)
		return rd_run_fence(run, move, host);
	return rd_run_take(run, move, host);
}

gboolean
rd_run_is_to_be_changed(RdRun *run, const RdRunHost *host)
{
	const RdPlanUnit *unit =
	    run->unit >= 0 ? g_ptr_array_index(run->plan->units, run->unit) : NULL;

	for (guint i = 0; unit != NULL && i < unit->count; i++) {
		const RdStep *step = rd_run_step_at(run, unit->first + i, host->plan->name);

		if (step != NULL && step->plan->kind == RD_KIND_CHANGE &&
		    !rd_life_is_final(step->life))
			return TRUE;
	}
	return rd_run_is_undone(run, host);
}

/* Who has the control plane may still touch a worker, and an engine that goes on with a run does
 * not know where its forerunner, or who went on with a copy of it, has got to. So a later engine
 * asks each worker that is to be changed at some time, and takes those that answer, which waits for
 * what is still being touched there. One that does not answer is no obstacle: it is taken when its
 * turn has come. In hand only: each engine asks anew. */
static gboolean
rd_run_is_forerun(RdRun *run, const RdRunHost *host)
{
	if (run->starts < 2 || host->plan->locked || host->granted_life ||
	    rd_run_hand(run, host->plan->name)->silent >= RD_SILENT_MAX || host->left ||
	    rd_host_is_off(host) || rd_host_is_final(host))
		return FALSE;
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->plan->kind == RD_KIND_CHANGE &&
		    strcmp(step->target, host->plan->name) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_run_forerunners_asked(RdRun *run)
{
	for (guint i = 0; i < run->hosts->len; i++)
		if (rd_run_is_forerun(run, g_ptr_array_index(run->hosts, i)))
			return FALSE;
	return TRUE;
}

/* Nothing begins before one that was stated to be powered off was asked once whether it is: one
 * that returns is fenced before anything else (design 8). In hand only: each engine asks anew. */
static gboolean
rd_run_ask_off(RdRun *run, RdMove *move, const RdRunHost *host)
{
	const RdHand *hand = rd_run_hand(run, host->plan->name);

	return !hand->busy && hand->not_before == 0 &&
	       rd_move_order(run, move, rd_order_new(RD_DO_SURVEY, host->plan->name), NULL);
}

/* On the way out: one that was made anew and is not enrolled, or that does not let us, has
 * answered. What is owed elsewhere does not wait for it. */
static gboolean
rd_host_is_done_without(RdRun *run, const RdRunHost *host)
{
	return run->state == RD_RUN_ENDING && rd_host_is_final(host);
}

gboolean
rd_run_decide_locks(RdRun *run, RdMove *move)
{
	gboolean all = TRUE;

	/* everybody is asked before anybody is taken: a cluster that another run holds stays
	 * untouched, and one number serves all */
	for (guint i = 0; i < run->hosts->len; i++) {
		RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (!host->plan->locked && !rd_run_is_forerun(run, host))
			continue;
		if (rd_host_is_off(host)) {
			if (rd_run_ask_off(run, move, host))
				return TRUE;
			all = all && rd_run_hand(run, host->plan->name)->not_before != 0;
			continue;
		}
		if (rd_run_lock_host(run, move, host, TRUE))
			return TRUE;
		all = all && (host->surveyed || rd_host_is_done_without(run, host));
	}
	if (!all)
		return FALSE;
	for (guint i = 0; i < run->hosts->len; i++) {
		RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if ((host->plan->locked || rd_run_is_forerun(run, host)) && host->surveyed &&
		    !rd_host_is_off(host) && host->holder != NULL && host->granted == 0 &&
		    host->trouble == NULL)
			return rd_run_fence(run, move, host);
	}
	/* by whichever host we heard of it, a worker, too: another takes what there is, and a
	 * number above his would leave the cluster to neither */
	if (rd_run_is_fenced(run))
		return FALSE;
	/* the control plane decides whose the cluster is: who loses one of its hosts to another has
	 * taken no worker, which that one could not take back */
	for (guint i = 0; i < run->hosts->len; i++) {
		RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if ((host->plan->locked || rd_run_is_to_be_changed(run, host) ||
		     (rd_run_is_forerun(run, host) && rd_run_all_granted(run))) &&
		    rd_run_lock_host(run, move, host, FALSE))
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_run_all_granted(RdRun *run)
{
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (host->plan->locked && !rd_host_is_off(host) && !host->granted_life &&
		    !rd_host_is_done_without(run, host))
			return FALSE;
		if (g_strcmp0(host->trouble_word, "fenced") == 0)
			return FALSE;
	}
	return TRUE;
}

/* And it is asked again, now and then and beside everything else. That it does not answer is no
 * news. */
gboolean
rd_run_decide_returned(RdRun *run, RdMove *move)
{
	if (run->state != RD_RUN_RUNNING || !rd_run_all_granted(run))
		return FALSE;
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);
		RdHand *hand = rd_run_hand(run, host->plan->name);

		if (!host->plan->locked || !rd_host_is_off(host) || hand->busy)
			continue;
		if (run->clock >= hand->not_before)
			return rd_move_order(run, move,
					     rd_order_new(RD_DO_SURVEY, host->plan->name), NULL);
		rd_move_wake(move, hand->not_before);
	}
	return FALSE;
}
