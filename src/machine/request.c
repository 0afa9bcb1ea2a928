/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <gio/gio.h>
#include <string.h>

#include "run-private.h"

/* A person's word: what it means now, or why it means nothing. */

typedef gboolean (*RdRequestFunc)(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
				  const char *who, const char *reason, GError **error);

static gboolean rd_request_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean
rd_request_refuse(GError **error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (error != NULL)
		*error = g_error_new_valist(G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, format, args);
	va_end(args);
	return FALSE;
}

static void
rd_request_run(RdRun *run, GPtrArray *events, RdRunState state, const char *text)
{
	RdEvent *event = rd_run_new_event(run, RD_EVENT_RUN, rd_run_state_to_string(state));

	g_ptr_array_add(events, rd_event_text(event, text));
}

/* where it was going when it came to rest */
static void
rd_request_go_on(RdRun *run, GPtrArray *events, const char *text)
{
	rd_request_run(run, events, run->back ? RD_RUN_ROLLBACK : RD_RUN_RUNNING, text);
}

static gboolean
rd_request_pause(RdRun *run, GPtrArray *events, RdStep *step, const char *argument, const char *who,
		 const char *reason, GError **error)
{
	if (run->state != RD_RUN_RUNNING && run->state != RD_RUN_ROLLBACK)
		return rd_request_refuse(error, "the run is %s, not running",
					 rd_run_state_to_string(run->state));
	rd_request_run(run, events, RD_RUN_PAUSING, reason);
	return TRUE;
}

static gboolean
rd_request_cancel(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		  const char *who, const char *reason, GError **error)
{
	if (run->state == RD_RUN_ENDED)
		return rd_request_refuse(error, "the run has ended: %s", run->end);
	if (run->state == RD_RUN_ENDING)
		return rd_request_refuse(error, "the run is on its way out: it gives back what it "
						"borrowed");
	if (run->state != RD_RUN_CANCELLING)
		rd_request_run(run, events, RD_RUN_CANCELLING, reason);
	return TRUE;
}

/* what is held, on @target or anywhere; how depends on whether it may have touched */
static void
rd_request_look_again(RdRun *run, GPtrArray *events, const char *target)
{
	for (guint i = 0; i < run->steps->len; i++) {
		RdStep *held = g_ptr_array_index(run->steps, i);

		if (held->life == RD_LIFE_OWING &&
		    (target == NULL || strcmp(held->target, target) == 0))
			g_ptr_array_add(events, rd_run_step_event(run, held, RD_STEP_RESUME, NULL));
		if (held->life == RD_LIFE_HELD && !run->back &&
		    (target == NULL || strcmp(held->target, target) == 0))
			g_ptr_array_add(events, rd_run_step_event(run, held,
								  held->intent ? RD_STEP_RESUME
									       : RD_STEP_SETTLED,
								  NULL));
	}
}

static void
rd_request_owed(RdRun *run, GPtrArray *events)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->life == RD_LIFE_OWING)
			g_ptr_array_add(events, rd_run_step_event(run, step, RD_STEP_RESUME, NULL));
	}
}

static void
rd_request_ending(RdRun *run, GPtrArray *events, const char *reason)
{
	g_ptr_array_add(events, rd_run_state_event(run, RD_RUN_ENDING, run->way, reason));
}

/* it has ended, but for what it has not given back */
static gboolean
rd_request_is_owing(const RdRun *run)
{
	return run->state == RD_RUN_ENDED && g_strcmp0(run->end, "owing") == 0;
}

static gboolean
rd_request_resume(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		  const char *who, const char *reason, GError **error)
{
	gboolean owing = rd_request_is_owing(run);

	if (run->state == RD_RUN_ENDED && !owing)
		return rd_request_refuse(error, "the run has ended: %s", run->end);
	if (run->state == RD_RUN_CANCELLING)
		return rd_request_refuse(error, "the run is being cancelled");
	/* out it goes, but what it owes is tried once more */
	if (owing || run->state == RD_RUN_ENDING) {
		rd_request_owed(run, events);
		if (owing)
			rd_request_ending(run, events, reason);
		return TRUE;
	}
	rd_request_look_again(run, events, NULL);
	if ((run->state != RD_RUN_RUNNING && run->state != RD_RUN_ROLLBACK) || events->len > 0)
		rd_request_go_on(run, events, reason);
	return TRUE;
}

static gboolean
rd_request_go_back(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		   const char *who, const char *reason, GError **error)
{
	return rd_request_rollback(run, events, who, reason, error);
}

static gboolean
rd_request_decide(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		  const char *who, const char *reason, GError **error)
{
	RdStepEvent what;

	if (step == NULL)
		return rd_request_refuse(error, "decide needs a step, written state@host");
	if (step->life != RD_LIFE_HELD && step->life != RD_LIFE_OWING)
		return rd_request_refuse(error, "%s@%s is %s: there is nothing to decide",
					 step->plan->name, step->target,
					 rd_life_to_string(step->life));
	if (g_strcmp0(argument, "done") == 0)
		what = RD_STEP_DECIDE_DONE;
	else if (g_strcmp0(argument, "redo") == 0)
		what = step->intent || step->life == RD_LIFE_OWING ? RD_STEP_DECIDE_REDO
								   : RD_STEP_SETTLED;
	else if (g_strcmp0(argument, "abort") == 0)
		what = RD_STEP_DECIDE_ABORT;
	else
		return rd_request_refuse(error, "the verdict is done, redo or abort, not %s",
					 argument != NULL ? argument : "(nothing)");
	if (reason == NULL || *reason == '\0')
		return rd_request_refuse(error, "a verdict needs a reason");
	if (what == RD_STEP_DECIDE_ABORT && run->back && run->passed[RD_MARK_HOST_UNDO_ENDS])
		return rd_request_refuse(error,
					 "behind host-undo-ends the control plane goes back as a "
					 "whole or not at all: done or redo, or cancel the run");
	if (step->life == RD_LIFE_HELD && run->back)
		return rd_request_refuse(error, "the run is being rolled back: %s@%s is undone",
					 step->plan->name, step->target);
	g_ptr_array_add(events, rd_run_step_event(run, step, what, reason));
	if (run->state == RD_RUN_HELD)
		rd_request_go_on(run, events, NULL);
	if (run->state == RD_RUN_ENDED)
		rd_request_ending(run, events, NULL);
	return TRUE;
}

/* its turn has come, and it is not over */
static gboolean
rd_request_is_at(RdRun *run, const RdStep *step, const char *word, GError **error)
{
	const RdPlanUnit *unit =
	    run->unit >= 0 ? g_ptr_array_index(run->plan->units, run->unit) : NULL;
	int state = rd_plan_find_state(run->plan, step->plan->name);

	if (run->state == RD_RUN_ENDED || run->state == RD_RUN_ENDING ||
	    run->state == RD_RUN_CANCELLING)
		return rd_request_refuse(error, "the run is %s",
					 rd_run_state_to_string(run->state));
	if (rd_life_is_final(step->life))
		return rd_request_refuse(error, "%s@%s is %s", step->plan->name, step->target,
					 rd_life_to_string(step->life));
	if (step->plan->beside == NULL && (unit == NULL || (guint)state < unit->first ||
					   (guint)state >= unit->first + unit->count))
		return rd_request_refuse(error,
					 "the turn of %s@%s has not come: %s it when the run "
					 "stands at it",
					 step->plan->name, step->target, word);
	return TRUE;
}

static gboolean
rd_request_skip(RdRun *run, GPtrArray *events, RdStep *step, const char *argument, const char *who,
		const char *reason, GError **error)
{
	if (step == NULL)
		return rd_request_refuse(error, "skip needs a step, written state@host");
	if (reason == NULL || *reason == '\0')
		return rd_request_refuse(error, "leaving a step out needs a reason");
	if (!step->plan->skippable)
		return rd_request_refuse(error,
					 "%s may not be left out: its procedure does not say "
					 "`skippable`",
					 step->plan->name);
	if (!rd_request_is_at(run, step, "skip", error))
		return FALSE;
	if (step->life == RD_LIFE_HELD && step->intent)
		return rd_request_refuse(error,
					 "%s@%s may have touched: decide it, done, redo or abort",
					 step->plan->name, step->target);
	if (rd_run_hand(run, step->lane)->step == step ||
	    (step->life != RD_LIFE_PENDING && step->life != RD_LIFE_WAITING &&
	     step->life != RD_LIFE_HELD))
		return rd_request_refuse(error, "%s@%s is at work: pause the run first",
					 step->plan->name, step->target);
	g_ptr_array_add(events, rd_run_step_event(run, step, RD_STEP_SKIP, reason));
	if (run->state == RD_RUN_HELD)
		rd_request_run(run, events, RD_RUN_RUNNING, NULL);
	return TRUE;
}

gint64
rd_request_time(const char *text)
{
	static const struct {
		char unit;
		gint64 seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	char *end = NULL;
	gint64 number =
	    text != NULL && g_ascii_isdigit(*text) ? g_ascii_strtoll(text, &end, 10) : 0;

	for (guint i = 0; number > 0 && number <= 24 * 3600 && i < G_N_ELEMENTS(units); i++)
		if (end[0] == units[i].unit && end[1] == '\0')
			return number * units[i].seconds * RD_SECOND;
	return 0;
}

static gboolean
rd_request_extend(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		  const char *who, const char *reason, GError **error)
{
	gint64 time = rd_request_time(argument);

	if (step == NULL)
		return rd_request_refuse(error, "extend needs a step, written state@host");
	if (time == 0)
		return rd_request_refuse(error, "%s is no time: write it as 90s, 30m or 2h",
					 argument != NULL ? argument : "(nothing)");
	if (!rd_request_is_at(run, step, "extend", error))
		return FALSE;
	if (step->life == RD_LIFE_HELD)
		return rd_request_refuse(error, "%s@%s is held: its time begins anew with resume",
					 step->plan->name, step->target);
	if (step->plan->beside != NULL)
		return rd_request_refuse(error, "%s has no deadline: it works until %s is through",
					 step->plan->name, step->plan->beside);
	if (step->extra + time > RD_EXTRA_MAX)
		return rd_request_refuse(error,
					 "%s@%s has had more time already; 24h in all are "
					 "possible",
					 step->plan->name, step->target);
	/* the request itself is what counts: rd_run_apply_request() */
	return TRUE;
}

/* what a request means follows it as events of its own, but for more time */
gboolean
rd_run_apply_request(RdRun *run, const RdEvent *event, GError **error)
{
	RdStep *step;

	if (event->number != 0)
		g_hash_table_add(run->heard, g_memdup2(&event->number, sizeof event->number));
	if (g_strcmp0(event->word, "extend") != 0)
		return TRUE;
	step = rd_run_find_step(run, event->state, event->target);
	if (step == NULL)
		return rd_run_misfit(event, "there is no such step", error);
	step->extra += rd_request_time(event->value);
	return TRUE;
}

/* The engine has checked and stored the new inventory; the journal has to know of it. */
static gboolean
rd_request_amend(RdRun *run, GPtrArray *events, RdStep *step, const char *argument, const char *who,
		 const char *reason, GError **error)
{
	if (reason == NULL || *reason == '\0')
		return rd_request_refuse(error, "an amendment needs a reason");
	if (run->state == RD_RUN_ENDED && !rd_request_is_owing(run))
		return rd_request_refuse(error, "the run has ended: %s", run->end);
	return TRUE;
}

static gboolean
rd_request_approve(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		   const char *who, const char *reason, GError **error)
{
	return rd_request_gate(run, events, "approved", argument, who, reason, error);
}

static gboolean
rd_request_deny(RdRun *run, GPtrArray *events, RdStep *step, const char *argument, const char *who,
		const char *reason, GError **error)
{
	return rd_request_gate(run, events, "denied", argument, who, reason, error);
}

static gboolean
rd_request_host(RdRun *run, GPtrArray *events, const char *word, const char *name, const char *who,
		const char *reason, GError **error)
{
	RdRunHost *host = rd_run_find_host(run, name);
	gboolean owing = rd_request_is_owing(run);
	RdEvent *event;

	if (host == NULL)
		return rd_request_refuse(error, "there is no host %s in this run",
					 name != NULL ? name : "(nothing)");
	if (run->state == RD_RUN_ENDED && !owing)
		return rd_request_refuse(error, "the run has ended: %s", run->end);
	if (reason == NULL || *reason == '\0')
		return rd_request_refuse(error, "that statement needs a reason");
	if (strcmp(word, "excused") == 0 && strcmp(host->plan->role, "recovery") == 0)
		return rd_request_refuse(error,
					 "%s is the recovery host: without it there is no "
					 "recovery",
					 name);
	/* asking for its lock in vain is not work: that is when a person says so */
	if (strcmp(word, "excused") == 0 && rd_run_hand(run, name)->step != NULL)
		return rd_request_refuse(error, "%s is being worked on: pause the run first", name);
	event = rd_run_new_event(run, RD_EVENT_HOST, word);
	rd_event_step(event, NULL, name, 0, 0);
	rd_event_pair(event, who, NULL);
	g_ptr_array_add(events, rd_event_text(event, reason));
	/* what was held because of this host is no more */
	rd_request_look_again(run, events, name);
	if (run->state == RD_RUN_HELD)
		rd_request_go_on(run, events, NULL);
	if (owing)
		rd_request_ending(run, events, NULL);
	return TRUE;
}

static gboolean
rd_request_excuse(RdRun *run, GPtrArray *events, RdStep *step, const char *argument,
		  const char *who, const char *reason, GError **error)
{
	return rd_request_host(run, events, "excused", argument, who, reason, error);
}

static gboolean
rd_request_enrol(RdRun *run, GPtrArray *events, RdStep *step, const char *argument, const char *who,
		 const char *reason, GError **error)
{
	return rd_request_host(run, events, "enrol", argument, who, reason, error);
}

static gboolean
rd_request_note(RdRun *run, GPtrArray *events, RdStep *step, const char *argument, const char *who,
		const char *reason, GError **error)
{
	RdEvent *event = rd_run_new_event(run, RD_EVENT_REMARK, NULL);

	g_ptr_array_add(events, rd_event_text(rd_event_pair(event, who, NULL), reason));
	return TRUE;
}

static const struct {
	const char *word;
	RdRequestFunc func;
} requests[] = {
    {"pause", rd_request_pause},      {"resume", rd_request_resume}, {"cancel", rd_request_cancel},
    {"decide", rd_request_decide},    {"excuse", rd_request_excuse}, {"enrol", rd_request_enrol},
    {"approve", rd_request_approve},  {"deny", rd_request_deny},     {"note", rd_request_note},
    {"skip", rd_request_skip},	      {"extend", rd_request_extend}, {"amend", rd_request_amend},
    {"rollback", rd_request_go_back},
};

GPtrArray *
rd_run_request(RdRun *run, const char *word, const char *step_name, const char *argument,
	       const char *who, const char *reason, GError **error)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdStep *step = NULL;
	RdEvent *event;

	if (step_name != NULL) {
		g_auto(GStrv) parts = g_strsplit(step_name, "@", 2);

		step = parts[0] != NULL ? rd_run_find_step(run, parts[0], parts[1]) : NULL;
		if (step == NULL) {
			rd_request_refuse(error, "there is no step %s; they are written state@host",
					  step_name);
			return NULL;
		}
	}
	for (guint i = 0; i < G_N_ELEMENTS(requests); i++) {
		if (strcmp(requests[i].word, word) != 0)
			continue;
		if (!requests[i].func(run, events, step, argument, who, reason, error))
			return NULL;
		event = rd_run_new_event(run, RD_EVENT_REQUEST, word);
		if (step != NULL)
			rd_event_step(event, step->plan->name, step->target, step->visit,
				      step->attempt);
		rd_event_text(rd_event_pair(event, who, argument), reason);
		g_ptr_array_insert(events, 0, event);
		return g_steal_pointer(&events);
	}
	rd_request_refuse(error, "%s is not something a run can be asked", word);
	return NULL;
}
