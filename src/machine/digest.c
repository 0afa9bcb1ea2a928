/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* What a worker's report means: events. A result is judged by what was in hand when it came; a
 * report that nobody waits for (a straggler of a killed worker) means nothing. */

static void
rd_digest_add(GPtrArray *events, RdEvent *event)
{
	g_ptr_array_add(events, event);
}

static void
rd_digest_step(RdRun *run, GPtrArray *events, const RdStep *step, RdStepEvent what,
	       const char *text)
{
	rd_digest_add(events, rd_run_step_event(run, step, what, text));
}

/* ---- the lock ------------------------------------------------------------------------------ */

static void
rd_digest_trouble(RdRun *run, GPtrArray *events, RdHand *hand, const char *word, const char *text,
		  gint64 number)
{
	/* a lane beside others has a name of its own */
	const RdRunHost *host =
	    rd_run_lock_of(run, hand->step != NULL ? hand->step->target : hand->name);
	RdEvent *event;

	/* on the way out it may be asked for days */
	hand->not_before =
	    run->clock + (run->state == RD_RUN_ENDING ? RD_OWED_PACE : RD_RECONNECT_PACE);
	/* every retry that finds the same is not worth a line */
	if (host == NULL ||
	    (g_strcmp0(host->trouble_word, word) == 0 && g_strcmp0(host->trouble, text) == 0))
		return;
	event = rd_run_new_event(run, RD_EVENT_REFUSED, word);
	rd_event_step(event, NULL, host->plan->name, 0, 0);
	rd_event_number(event, number);
	rd_digest_add(events, rd_event_text(event, text));
}

/* A number above ours stops us, also when it was given back (design 8): somebody has worked here
 * who knew nothing of what this journal says. It is measured by our own number on this host; a
 * control-plane host that we have not taken yet, by our highest: one number serves all of them.
 * NULL, or what to say (transfer full) */
static char *
rd_digest_newer(RdRun *run, const RdRunHost *host, const RdReport *report)
{
	gboolean ours = report->run != NULL;
	gint64 known = host->asked;

	if (report->holder != NULL || report->number < 0)
		return NULL;
	for (guint i = 0; !ours && known == 0 && host->plan->locked && i < run->hosts->len; i++) {
		const RdRunHost *other = g_ptr_array_index(run->hosts, i);

		if (other->plan->locked)
			known = MAX(known, other->asked);
	}
	/* before our first number a foreign one is of a run that is over */
	if (report->number <= known || (!ours && known == 0))
		return NULL;
	return g_strdup_printf(
	    "%s: %s",
	    ours ? "a copy of this run went on with it, or its lock was broken"
		 : "another run has had it since, with a higher number than this one",
	    report->text != NULL ? report->text : "by whom is not known");
}

static gboolean
rd_digest_is_another(const RdRunHost *host, const RdReport *report)
{
	return host->machine_id != NULL && report->machine_id != NULL &&
	       strcmp(host->machine_id, report->machine_id) != 0;
}

static void
rd_digest_lock(RdRun *run, GPtrArray *events, RdHand *hand, const RdReport *report)
{
	const RdRunHost *host = rd_run_find_host(run, hand->name);
	RdEvent *event;

	gboolean off = host != NULL && hand->what == RD_DO_SURVEY && rd_host_is_off(host);
	gboolean answers = strcmp(report->word, "finished") == 0;

	if (host == NULL)
		return;
	/* As was stated; or somebody is making another machine of it, who will enrol it. */
	if (off && (!answers || rd_digest_is_another(host, report))) {
		hand->not_before = run->clock + RD_RETURN_PACE;
		return;
	}
	/* one asked beforehand: whether it is a trouble shows when its turn has come */
	if (hand->what != RD_DO_RELEASE && !host->plan->locked &&
	    (g_str_equal(report->word, "unreachable") || g_str_equal(report->word, "failed")) &&
	    !rd_run_is_to_be_changed(run, host)) {
		hand->silent++;
		hand->not_before = run->clock + RD_RECONNECT_PACE;
		return;
	}
	if (!answers) {
		const char *word = g_str_equal(report->word, "permanent")   ? "refused"
				   : g_str_equal(report->word, "cancelled") ? "unreachable"
									    : report->word;
		rd_digest_trouble(run, events, hand, word, report->text, report->number);
		return;
	}
	/* the same name, another machine: nothing that was known of it holds any more (INV-37) */
	if (rd_digest_is_another(host, report)) {
		rd_digest_trouble(run, events, hand, "rebuilt",
				  "its machine-id is another than before: it was rebuilt or it is "
				  "not the same host",
				  report->number);
		return;
	}
	if (off) {
		event = rd_run_new_event(run, RD_EVENT_HOST, "returned");
		rd_event_step(event, NULL, hand->name, 0, 0);
		rd_digest_add(events, rd_event_text(event, "it was stated to be powered off, and "
							   "answers"));
	}
	event = rd_run_new_event(run,
				 hand->what == RD_DO_SURVEY ? RD_EVENT_SURVEY
				 : hand->what == RD_DO_TAKE ? RD_EVENT_GRANTED
							    : RD_EVENT_RELEASED,
				 NULL);
	rd_event_step(event, NULL, hand->name, 0, 0);
	rd_event_pair(event, report->machine_id, report->boot_id);
	rd_event_number(event, hand->what == RD_DO_SURVEY ? report->number
			       : hand->what == RD_DO_TAKE ? host->pending
							  : host->asked);
	if (hand->what == RD_DO_SURVEY) {
		g_autofree char *newer = rd_digest_newer(run, host, report);

		rd_event_text(event, newer != NULL ? newer : report->holder);
	}
	rd_digest_add(events, event);
}

/* ---- steps --------------------------------------------------------------------------------- */

/* The body was told to stop. Nothing can be half done while looking and checking; a change that
 * was stopped by its deadline is for a person. */
static void
rd_digest_stopped(RdRun *run, GPtrArray *events, RdHand *hand, const char *text)
{
	g_autofree char *why = NULL;

	/* who was sent to look once, and was told to stop, knows less than the one before, unless
	 * that is all that the one before had to say; who waits knows what for */
	if (hand->what == RD_DO_PROBE && hand->step->doubt_since != 0 && hand->step->text != NULL &&
	    !g_str_has_suffix(hand->step->text, RD_TOLD_TO_STOP))
		text = hand->step->text;
	if (hand->leaving) {
		rd_digest_step(run, events, hand->step, RD_STEP_LEAVE, NULL);
	} else if (hand->what == RD_DO_UNDO && run->state == RD_RUN_ENDING) {
		hand->not_before = run->clock + RD_OWED_PACE;
		rd_digest_step(run, events, hand->step, RD_STEP_LOST, text);
	} else if (hand->deadline) {
		why = rd_step_over_why(hand->step, text);
		rd_digest_step(run, events, hand->step, RD_STEP_DEADLINE, why);
	} else if (hand->what == RD_DO_LOOK && run->state != RD_RUN_PAUSING &&
		   rd_run_is_leaving(run)) {
		rd_digest_step(run, events, hand->step, RD_STEP_CANCEL, NULL);
	} else {
		rd_digest_step(run, events, hand->step, RD_STEP_LOST, text);
	}
}

static void
rd_digest_outcome(RdRun *run, GPtrArray *events, const RdStep *step, const RdReport *report)
{
	RdEvent *event;

	if (report->outcome == NULL)
		return;
	event = rd_run_new_event(run, RD_EVENT_OUTCOME, report->outcome);
	rd_digest_add(events, rd_event_step(event, step->plan->name, step->target, step->visit,
					    step->attempt));
}

static void
rd_digest_intent(RdRun *run, GPtrArray *events, const RdStep *step)
{
	RdMark mark = step->plan->mark;

	rd_digest_step(run, events, step, RD_STEP_INTENT, NULL);
	if (mark != RD_MARK_NONE && !run->passed[mark]) {
		RdEvent *event = rd_run_new_event(run, RD_EVENT_MARK, rd_mark_to_string(mark));

		rd_digest_add(events, rd_event_step(event, step->plan->name, NULL, 0, 0));
	}
}

/* "cannot tell" may be the host's first minute after a boot: asked again within the window */
static RdStepEvent
rd_digest_unknown(RdRun *run, const RdStep *step)
{
	if (step->redo)
		return RD_STEP_ABSENT;
	return step->doubt_since == 0 || run->clock < rd_step_doubt_until(step)
		   ? RD_STEP_UNREACHABLE
		   : RD_STEP_UNCLEAR;
}

/* clang-format off */
static const struct {
	RdDo what;
	const char *word;
	RdStepEvent event;
} meanings[] = {
    {RD_DO_LOOK,   "finished",    RD_STEP_FINISHED},
    {RD_DO_LOOK,   "failed",      RD_STEP_FAILED},
    {RD_DO_LOOK,   "permanent",   RD_STEP_REFUSED},
    {RD_DO_LOOK,   "unreachable", RD_STEP_UNREACHABLE},
    {RD_DO_CHECK,  "present",     RD_STEP_PRESENT},
    {RD_DO_CHECK,  "failed",      RD_STEP_FAILED},
    {RD_DO_CHECK,  "permanent",   RD_STEP_REFUSED},
    {RD_DO_CHECK,  "unreachable", RD_STEP_UNREACHABLE},
    {RD_DO_ENTER,  "finished",    RD_STEP_FINISHED},
    {RD_DO_ENTER,  "failed",      RD_STEP_FAILED},
    {RD_DO_ENTER,  "permanent",   RD_STEP_REFUSED},
    {RD_DO_ENTER,  "unreachable", RD_STEP_UNREACHABLE},
    {RD_DO_SETTLE, "finished",    RD_STEP_SETTLED},
    {RD_DO_SETTLE, "failed",      RD_STEP_UNREACHABLE},
    {RD_DO_SETTLE, "permanent",   RD_STEP_REFUSED},
    {RD_DO_SETTLE, "unreachable", RD_STEP_UNREACHABLE},
    {RD_DO_PROBE,  "present",     RD_STEP_PRESENT},
    {RD_DO_PROBE,  "absent",      RD_STEP_ABSENT},
    {RD_DO_PROBE,  "permanent",   RD_STEP_REFUSED},
    {RD_DO_PROBE,  "unreachable", RD_STEP_UNREACHABLE},
    {RD_DO_UNDO,   "finished",    RD_STEP_FINISHED},
    {RD_DO_UNDO,   "failed",      RD_STEP_FAILED},
    {RD_DO_UNDO,   "permanent",   RD_STEP_REFUSED},
    {RD_DO_UNDO,   "unreachable", RD_STEP_UNREACHABLE},
};
/* clang-format on */

/* not for ever: the others stand still meanwhile */
static RdStepEvent
rd_digest_back(RdRun *run, const RdStep *step, RdStepEvent what)
{
	if (what == RD_STEP_FAILED && run->clock >= rd_step_deadline(step))
		return RD_STEP_DEADLINE;
	if (what == RD_STEP_UNREACHABLE && step->doubt_since != 0 &&
	    run->clock >= rd_step_doubt_until(step))
		return RD_STEP_EXHAUSTED;
	return what;
}

static void
rd_digest_result(RdRun *run, GPtrArray *events, RdHand *hand, const RdReport *report)
{
	RdStep *step = hand->step;
	const RdRunHost *lock = rd_run_lock_of(run, step->target);
	gboolean leave = rd_run_is_leaving(run);
	RdStepEvent what;

	if (strcmp(report->word, "cancelled") == 0) {
		rd_digest_stopped(run, events, hand, report->text);
		return;
	}
	if (strcmp(report->word, "alive") == 0)
		return; /* a job still runs there: settle is asked again, until the deadline */
	if (strcmp(report->word, "fenced") == 0) {
		/* by a number of our own, which a doubt in another lane has made necessary: it is
		 * sent anew under that */
		if (lock == NULL || hand->number >= lock->asked)
			rd_digest_trouble(run, events, hand, "fenced", report->text,
					  report->number);
		rd_digest_step(run, events, step, RD_STEP_LOST, report->text);
		return;
	}
	if (hand->what == RD_DO_CHECK && strcmp(report->word, "absent") == 0) {
		if (leave)
			rd_digest_step(run, events, step, RD_STEP_LOST, NULL);
		else
			rd_digest_intent(run, events, step);
		return;
	}
	if (strcmp(report->word, "unknown") == 0 ||
	    (hand->what == RD_DO_PROBE && strcmp(report->word, "failed") == 0)) {
		rd_digest_step(run, events, step, rd_digest_unknown(run, step), report->text);
		hand->not_before = run->clock + RD_RECONNECT_PACE;
		return;
	}
	for (guint i = 0; i < G_N_ELEMENTS(meanings); i++) {
		if (meanings[i].what != hand->what || strcmp(meanings[i].word, report->word) != 0)
			continue;
		what = meanings[i].event;
		if (what == RD_STEP_FINISHED || what == RD_STEP_PRESENT)
			rd_digest_outcome(run, events, step, report);
		if (what == RD_STEP_UNREACHABLE)
			hand->not_before = run->clock + RD_RECONNECT_PACE;
		if (hand->what == RD_DO_UNDO && what != RD_STEP_FINISHED) {
			hand->not_before = run->clock + RD_OWED_PACE;
			if (run->back)
				what = rd_digest_back(run, step, what);
			/* every try that finds the same is not worth a line, if it cannot act late
			 */
			if (what == RD_STEP_FAILED && g_strcmp0(step->text, report->text) == 0)
				return;
		}
		rd_digest_step(run, events, step, what, report->text);
		return;
	}
	/* not a word of the contract: whatever it did is in doubt */
	rd_digest_step(run, events, step, RD_STEP_LOST, report->word);
}

static void
rd_digest_lost(RdRun *run, GPtrArray *events, RdHand *hand, const RdReport *report)
{
	RdEvent *event;

	if (hand->step == NULL) {
		hand->not_before = run->clock + RD_RECONNECT_PACE;
		return;
	}
	if (hand->stopping) {
		rd_digest_stopped(run, events, hand, report->text);
		return;
	}
	event = rd_run_step_event(run, hand->step, RD_STEP_LOST, report->text);
	/* a worker that dies by itself may do so again; one that died with its runner did not */
	rd_event_number(event, g_strcmp0(report->word, "worker") == 0);
	rd_digest_add(events, event);
}

GPtrArray *
rd_run_digest(RdRun *run, const RdReport *report)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdHand *hand = rd_run_hand(run, report->lane);
	const RdStep *step = hand != NULL ? hand->step : NULL;
	RdEvent *event = NULL;

	if (hand == NULL || !hand->busy)
		return events;
	switch (report->kind) {
	case RD_REPORT_PROGRESS:
		return events;
	case RD_REPORT_NOTE:
		event = rd_event_pair(rd_run_new_event(run, RD_EVENT_NOTE, NULL), report->key,
				      report->value);
		break;
	case RD_REPORT_OUTPUT:
		event = rd_event_pair(rd_run_new_event(run, RD_EVENT_OUTPUT, NULL), report->key,
				      report->value);
		break;
	case RD_REPORT_MOVED:
		if (step == NULL || !rd_step_is_moved_by(step, report->number))
			return events;
		event =
		    rd_event_number(rd_run_new_event(run, RD_EVENT_MOVED, NULL), report->number);
		break;
	case RD_REPORT_TOUCH:
	case RD_REPORT_TOUCHED:
		event = rd_run_new_event(
		    run, report->kind == RD_REPORT_TOUCH ? RD_EVENT_TOUCH : RD_EVENT_TOUCHED,
		    report->word);
		rd_event_text(rd_event_number(event, report->number), report->text);
		break;
	case RD_REPORT_RESULT:
	case RD_REPORT_LOST:
		hand->busy = FALSE;
		if (report->kind == RD_REPORT_LOST)
			rd_digest_lost(run, events, hand, report);
		else if (step == NULL)
			rd_digest_lock(run, events, hand, report);
		else
			rd_digest_result(run, events, hand, report);
		hand->step = NULL;
		return events;
	}
	if (step == NULL || event == NULL) {
		g_clear_pointer(&event, rd_event_free);
		return events;
	}
	rd_digest_add(events, rd_event_step(event, step->plan->name, step->target, step->visit,
					    step->attempt));
	return events;
}

GPtrArray *
rd_run_fenced(RdRun *run, const char *host, const char *text)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdEvent *event = rd_run_new_event(run, RD_EVENT_REFUSED, "fenced");

	rd_event_step(event, NULL, host, 0, 0);
	rd_digest_add(events, rd_event_text(event, text));
	return events;
}

GPtrArray *
rd_run_lost_all(RdRun *run)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	for (guint i = 0; i < run->hands->len; i++) {
		RdHand *hand = g_ptr_array_index(run->hands, i);

		hand->busy = hand->stopping = hand->deadline = FALSE;
		hand->step = NULL;
	}
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);
		RdLife next;

		if (rd_life_next(step->life, RD_STEP_LOST, &next))
			rd_digest_step(run, events, step, RD_STEP_LOST, "the engine ended with it");
	}
	return events;
}
