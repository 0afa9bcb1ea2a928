/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* A deadline says what was missing at last. Where a host or the API was away for a good part of the
 * time, that would hide who has cost it. */

/* so much of it is worth a word, and a quarter */
#define RD_AWAY_LEAST (60 * RD_SECOND)

void
rd_step_count_away(RdStep *step, const RdEvent *event)
{
	if (step->away_from != step->started)
		step->away = 0;
	step->away_from = step->started;
	step->away += event->clock - step->since;
	g_free(step->away_text);
	step->away_text = g_strdup(event->text);
}

char *
rd_step_over_why(const RdStep *step, const char *text)
{
	gint64 time = (gint64)step->plan->timeout_s * RD_SECOND + step->extra;
	GString *why = g_string_new(NULL);

	g_string_append_printf(why, "not done within %u s%s%s", step->plan->timeout_s,
			       text != NULL ? ": " : "", text != NULL ? text : "");
	if (step->away_text != NULL && step->away_from == step->started &&
	    step->away >= MAX(RD_AWAY_LEAST, time / 4) && strstr(why->str, step->away_text) == NULL)
		g_string_append_printf(
		    why, "; for %" G_GINT64_FORMAT " s of its time nobody answered, at last: %s",
		    step->away / RD_SECOND, step->away_text);
	return g_string_free(why, FALSE);
}
