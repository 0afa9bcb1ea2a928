/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <string.h>

#include "run-private.h"

/* Hosts that are not brought through: workers that cannot be, which are left at once; and hosts on
 * which something was postponed. The run ends with leftovers, and says what takes them. */

/* why @step's worker cannot be brought through; NULL while it can. (transfer full) */
static char *
rd_run_why_left(RdRun *run, const RdStep *step, const RdRunHost *host)
{
	if (step->life == RD_LIFE_HELD)
		return g_strdup_printf("%s: %s", step->plan->name,
				       step->text != NULL ? step->text : "outcome unknown");
	if (host->trouble_since != 0 && step->visit > 0 && !rd_life_is_final(step->life) &&
	    run->clock >= host->trouble_since + RD_RECONNECT_WINDOW && run->unit >= 0 &&
	    rd_plan_find_unit(run->plan, step->plan->name) == run->unit &&
	    !rd_run_hand(run, host->plan->name)->busy)
		return g_strdup_printf("%s: %s", step->plan->name, host->trouble);
	return NULL;
}

gboolean
rd_run_decide_left(RdRun *run, RdMove *move)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);
		const RdRunHost *host =
		    step->plan->leftover ? rd_run_find_host(run, step->target) : NULL;
		g_autofree char *why = NULL;
		RdEvent *event;

		if (host == NULL || host->plan->locked || !rd_run_step_counts(run, step))
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

/* left, or something that the procedure lets be postponed was left out there */
static gboolean
rd_run_is_leftover(RdRun *run, const RdRunHost *host)
{
	if (host->excused)
		return FALSE;
	for (guint i = 0; !host->left && i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->plan->postponable && step->life == RD_LIFE_SKIPPED &&
		    strcmp(step->target, host->plan->name) == 0)
			return TRUE;
	}
	return host->left;
}

char *
rd_run_leftover_names(RdRun *run)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);

		if (rd_run_is_leftover(run, host))
			g_string_append_printf(names, "%s%s", names->len > 0 ? "," : "",
					       host->plan->name);
	}
	return names->len > 0 ? g_string_free(g_steal_pointer(&names), FALSE) : NULL;
}

/* as a shell takes it; what needs no quotes gets none */
static void
rd_rest_append(GString *line, const char *option, const char *text)
{
	g_autofree char *quoted = NULL;

	for (const char *c = text; *c != '\0' && quoted == NULL; c++)
		if (!g_ascii_isalnum(*c) && strchr("/._-,=:+@", *c) == NULL)
			quoted = g_shell_quote(text);
	g_string_append_printf(line, " %s %s", option, quoted != NULL ? quoted : text);
}

/* something was left out that is no host's */
static gboolean
rd_run_has_postponed(RdRun *run)
{
	for (guint i = 0; i < run->steps->len; i++) {
		const RdStep *step = g_ptr_array_index(run->steps, i);

		if (step->plan->postponable && step->life == RD_LIFE_SKIPPED &&
		    strcmp(step->target, RD_CLUSTER) == 0)
			return TRUE;
	}
	return FALSE;
}

char *
rd_run_get_line(RdRun *run, const char *words)
{
	const char *cluster = rd_run_get_input(run, RD_RUN_INPUT_CLUSTER);
	const char *recovery = rd_run_get_input(run, RD_RUN_INPUT_RECOVERY);
	GString *line = g_string_new("recoveryd ");

	g_string_append(line, words);
	rd_rest_append(line, "-c", cluster != NULL ? cluster : "FILE");
	if (recovery != NULL)
		rd_rest_append(line, "--recovery-host", recovery);
	/* who took no part in this run would hold the next one */
	for (guint i = 0; i < run->hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(run->hosts, i);
		g_autofree char *pair = NULL;

		if (!host->excused)
			continue;
		pair = g_strdup_printf("%s=%s", host->plan->name, host->excuse);
		rd_rest_append(line, "--excuse", pair);
	}
	return g_string_free(line, FALSE);
}

/* the line to type; @names (nullable): the hosts that are left over */
static char *
rd_rest_line(RdRun *run, const RdPlanRest *rest, const char *names)
{
	const RdStep anywhere = {.target = RD_CLUSTER};
	g_autofree char *words = g_strdup_printf("start %s", rest->procedure);
	g_autofree char *begin = rd_run_get_line(run, words);
	GString *line = g_string_new(begin);

	for (guint i = 0; i + 1 < rest->inputs->len; i += 2) {
		const char *template = rest->inputs->pdata[i + 1];
		gboolean hosts = strcmp(template, RD_LEFTOVERS) == 0;
		/* what this run never found out has a default there */
		g_autofree char *value =
		    hosts ? g_strdup(names) : rd_run_resolve(run, &anywhere, template, NULL);
		g_autofree char *pair =
		    g_strdup_printf("%s=%s", (char *)rest->inputs->pdata[i], value);

		if (value != NULL)
			rd_rest_append(line, "-i", pair);
	}
	return g_string_free(line, FALSE);
}

char *
rd_run_get_rest(RdRun *run)
{
	const RdPlan *plan = run->plan;
	g_autofree char *names = plan->rest != NULL ? rd_run_leftover_names(run) : NULL;
	g_autofree char *hosts = names != NULL ? rd_rest_line(run, plan->rest, names) : NULL;
	g_autofree char *first = NULL;

	if (plan->later == NULL || !rd_run_has_postponed(run))
		return g_steal_pointer(&hosts);
	first = rd_rest_line(run, plan->later, names);
	/* nodes cannot be brought to their end while operators wait for others */
	return hosts != NULL ? g_strdup_printf("%s && %s", first, hosts) : g_steal_pointer(&first);
}
