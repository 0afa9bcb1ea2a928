/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <gio/gio.h>

#include "run-private.h"

/* The way back (design 9): all that this run changed is undone, the newest first, state by state
 * with a barrier, and each undo is proven by the state's own probe. That one order serves both
 * stretches: behind host-undo-ends it stops every new etcd, proves by the guards that none runs,
 * brings the old data back on all hosts, and only then starts anything (Amendment 3). */

GPtrArray *
rd_run_get_way_back(RdRun *run)
{
	GPtrArray *steps = g_ptr_array_new();

	for (guint i = run->steps->len; i > 0; i--) {
		RdStep *step = g_ptr_array_index(run->steps, i - 1);

		if (step->owed)
			g_ptr_array_add(steps, step);
	}
	return steps;
}

GPtrArray *
rd_run_get_unreturned(RdRun *run)
{
	GPtrArray *steps = g_ptr_array_new();

	for (guint i = run->steps->len; i > 0; i--) {
		RdStep *step = g_ptr_array_index(run->steps, i - 1);

		if (step->plan->kind == RD_KIND_CHANGE && step->plan->undo != RD_UNDO_FUNCTION &&
		    step->touches > 0)
			g_ptr_array_add(steps, step);
	}
	return steps;
}

/* What is in hand comes to its end first, wherever it stands in the plan. A doubt about what is
 * undone anyway is none: its undo waits for jobs as well. */
static gboolean
rd_rollback_finish(RdRun *run, RdMove *move, gboolean *open)
{
	*open = FALSE;
	for (guint i = 0; i < run->steps->len; i++) {
		RdStep *step = g_ptr_array_index(run->steps, i);

		if (!rd_run_step_counts(run, step) ||
		    (step->life != RD_LIFE_LOOKING && step->life != RD_LIFE_CHECKING &&
		     step->life != RD_LIFE_RUNNING && step->life != RD_LIFE_PROBING &&
		     (step->life != RD_LIFE_DOUBT || step->owed)))
			continue;
		*open = TRUE;
		if (rd_run_decide_step(run, move, step))
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_run_decide_rollback(RdRun *run, RdMove *move)
{
	gboolean open;

	if (rd_run_decide_beside(run, move, TRUE))
		return TRUE;
	if (rd_run_beside_works(run))
		return FALSE;
	if (rd_rollback_finish(run, move, &open))
		return TRUE;
	if (open)
		return FALSE;
	switch (rd_run_decide_owed(run, move, NULL)) {
	case RD_OWED_MOVED:
		return TRUE;
	case RD_OWED_THROUGH:
		return rd_run_decide_end(run, move, "rolled back");
	case RD_OWED_OPEN:
	case RD_OWED_STUCK:
		break;
	}
	return FALSE;
}

/* begun, or gone on with after somebody had to do something: its time begins anew */
void
rd_rollback_applied(RdRun *run, const RdEvent *event)
{
	run->back = TRUE;
	run->finishing_since = 0;
	for (guint i = 0; i < run->steps->len; i++) {
		RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->life == RD_LIFE_UNDOING)
			step->started = event->clock;
	}
}

/* ---- may it? ------------------------------------------------------------------------------- */

/* the first thing this run did that nothing takes back */
static const RdStep *
rd_rollback_find_irreversible(RdRun *run)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->plan->kind == RD_KIND_CHANGE &&
		    step->plan->undo == RD_UNDO_IRREVERSIBLE && step->touches > 0)
			return step;
	}
	return NULL;
}

static gboolean
rd_rollback_refuse(RdRun *run, GError **error)
{
	const RdStep *step = rd_rollback_find_irreversible(run);

	if (run->passed[RD_MARK_POINT_OF_NO_RETURN])
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "the point of no return is passed: an API server may have served on "
			    "the new data, and what was written since would be lost without a "
			    "word");
	else if (step != NULL)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "%s@%s cannot be undone by anything (%s)", step->plan->name,
			    step->target, step->plan->type);
	else if (g_strcmp0(run->end, "rolled back") == 0)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "it has been rolled back already");
	else if (run->end != NULL && g_str_has_prefix(run->end, "done"))
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "the run has come to its end: %s. What it made is in use", run->end);
	else if (g_strcmp0(run->end, "refused") == 0)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "the run was refused before it touched anything");
	else if (run->state == RD_RUN_ENDING && g_strcmp0(run->way, "done") == 0)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "the run is done: it gives back what it borrowed");
	else
		return TRUE;
	return FALSE;
}

/* Whoever was changed has to go back, too: a host that was excused meanwhile takes part again, and
 * one that does not answer holds the run until it does or is excused anew. */
static void
rd_rollback_call_in(RdRun *run, GPtrArray *events, const char *who)
{
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);
		gboolean changed = FALSE;
		RdEvent *event;

		for (guint j = 0; j < run->steps->len; j++) {
			const RdStep *step = g_ptr_array_index(run->steps, j);

			changed =
			    changed || (step->owed && g_str_equal(step->target, host->plan->name));
		}
		if (!host->excused || !changed)
			continue;
		event = rd_run_new_event(run, RD_EVENT_HOST, "present");
		rd_event_step(event, NULL, host->plan->name, 0, 0);
		rd_event_pair(event, who, NULL);
		g_ptr_array_add(events, rd_event_text(event, "it was changed by this run, which is "
							     "rolled back"));
	}
}

gboolean
rd_request_rollback(RdRun *run, GPtrArray *events, const char *who, const char *reason,
		    GError **error)
{
	if (!rd_rollback_refuse(run, error))
		return FALSE;
	if (reason == NULL || *reason == '\0') {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "that needs a reason");
		return FALSE;
	}
	if (run->state == RD_RUN_ROLLBACK)
		return TRUE;
	if (!run->back)
		rd_rollback_call_in(run, events, who);
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->life == RD_LIFE_OWING)
			g_ptr_array_add(events, rd_run_step_event(run, step, RD_STEP_RESUME, NULL));
	}
	g_ptr_array_add(events, rd_run_state_event(run, RD_RUN_ROLLBACK, NULL, reason));
	return TRUE;
}
