/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "run-private.h"

/* How many targets of a unit are worked on at a time. The plan says the most. What the cluster
 * allows is found out on the way, by a state before, and the smaller counts. Read from the fold
 * each time, so a new engine begins no more than the old one would have. */

/* what is not known, or is no number, is one */
static guint
rd_run_allows(RdRun *run, const RdPlanState *state)
{
	const RdStep anywhere = {.target = RD_CLUSTER};
	g_autofree char *text = rd_run_resolve(run, &anywhere, state->at_most, NULL);
	guint64 value = 1;

	if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT, &value, NULL))
		return 1;
	return (guint)value;
}

/* it was left before anything of this unit was done to it, as by a guard that did not hold: it is
 * as well as it was */
static gboolean
rd_run_is_untouched(RdRun *run, const RdPlanUnit *unit, const RdRunHost *host)
{
	gboolean held = FALSE;

	for (guint i = unit->first; i < unit->first + unit->count; i++) {
		const RdStep *step = rd_run_step_at(run, i, host->plan->name);

		if (step == NULL || step->visit == 0 || step->intent || step->touches > 0)
			return FALSE;
		held = held || (step->life == RD_LIFE_HELD && !step->silent &&
				step->plan->kind == RD_KIND_CHANGE);
	}
	return held && host->trouble_since == 0;
}

/* targets that were left, or are stated to be powered off: nobody works on them, and nobody knows
 * that they are up */
static guint
rd_run_away(RdRun *run, const RdPlanState *state)
{
	const RdPlanUnit *unit = run->plan->units->pdata[rd_plan_find_unit(run->plan, state->name)];
	guint away = 0;

	for (guint i = 0; i < state->targets->len; i++) {
		const RdRunHost *host = rd_run_find_host(run, state->targets->pdata[i]);

		away += host != NULL &&
			(host->excused || (host->left && !rd_run_is_untouched(run, unit, host)));
	}
	return away;
}

/* Who is away takes a place: he is one that the cluster has to do without. One goes on in any case,
 * or a dead worker would stop all others. */
guint
rd_run_get_width(RdRun *run, const RdPlanState *state)
{
	guint width = MAX(state->width, 1), away;

	if (state->at_most == NULL || width == 1)
		return width;
	width = MIN(width, rd_run_allows(run, state));
	away = rd_run_away(run, state);
	return width > away ? width - away : 1;
}

char *
rd_run_get_width_text(RdRun *run, const RdPlanState *state)
{
	guint width = rd_run_get_width(run, state), allows, away;
	GString *text;

	if (state->at_most == NULL || state->width <= 1)
		return NULL;
	text = g_string_new(NULL);
	g_string_append_printf(text, "%u at a time", width);
	allows = rd_run_allows(run, state);
	away = rd_run_away(run, state);
	if (allows < state->width)
		g_string_append_printf(text, ", not %u: no more than %u allowed", state->width,
				       allows);
	if (width < MIN(allows, state->width))
		g_string_append_printf(text, ", less %u away already", away);
	return g_string_free(text, FALSE);
}
