/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* Why a step stops, beside what was found last: that alone would hide what made it stop. A deadline
 * says who was away for a good part of its time; a step that may not be tried again, what its
 * attempt failed of, and not only that nothing came of it. */

/* so much of it is worth a word, and a quarter */
#define RD_AWAY_LEAST (60 * RD_SECOND)

static void
rd_step_count_away(RdStep *step, const RdEvent *event)
{
	if (step->away_from != step->started)
		step->away = 0;
	step->away_from = step->started;
	step->away += event->clock - step->since;
	g_free(step->away_text);
	step->away_text = g_strdup(event->text);
}

void
rd_step_note_why(RdStep *step, RdStepEvent what, const RdEvent *event)
{
	if (what == RD_STEP_UNREACHABLE)
		rd_step_count_away(step, event);
	if (what == RD_STEP_FAILED || what == RD_STEP_BEGIN) {
		g_free(step->fault);
		step->fault = g_strdup(what == RD_STEP_FAILED ? event->text : NULL);
	}
}

char *
rd_step_exhausted_why(const RdStep *step)
{
	const char *fault = step->fault, *found = step->text;

	if (fault != NULL && found != NULL && strstr(found, fault) == NULL)
		return g_strdup_printf("%s; behind it: %s (attempt %u, tries %u)", fault, found,
				       step->attempt, step->plan->tries);
	return g_strdup_printf("%s (attempt %u, tries %u)",
			       found != NULL   ? found
			       : fault != NULL ? fault
					       : "not done",
			       step->attempt, step->plan->tries);
}

char *
rd_step_over_why(const RdStep *step, const char *text)
{
	gint64 time = (gint64)step->plan->timeout_s * RD_SECOND + step->extra;
	gint64 whole = rd_step_whole_deadline(step);
	GString *why = g_string_new(NULL);

	if (whole != 0 && rd_step_end_of_time(step) >= whole)
		g_string_append_printf(why, "not done within %u s, though it moved on",
				       step->plan->longest_s);
	else
		g_string_append_printf(why, "%s within %u s",
				       rd_step_last_moved(step) != 0 ? "nothing moved on"
								     : "not done",
				       step->plan->timeout_s);
	g_string_append_printf(why, "%s%s", text != NULL ? ": " : "", text != NULL ? text : "");
	if (step->away_text != NULL && step->away_from == step->started &&
	    step->away >= MAX(RD_AWAY_LEAST, time / 4) && strstr(why->str, step->away_text) == NULL)
		g_string_append_printf(
		    why, "; for %" G_GINT64_FORMAT " s of its time nobody answered, at last: %s",
		    step->away / RD_SECOND, step->away_text);
	return g_string_free(why, FALSE);
}
