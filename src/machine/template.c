/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include <gio/gio.h>
#include <string.h>

#include "run-private.h"

/* Parameters refer to what was found earlier: ${input.x}, ${run.uuid}, ${target},
 * ${state.output}. An output belongs to one step; seen from the same host it is that host's value,
 * from elsewhere a JSON object {"host": "value", …} of all hosts that have one. */

static void
rd_template_quote(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_printf(out, "\\%c", *p);
		else if ((guchar)*p < 0x20)
			g_string_append_printf(out, "\\u%04x", *p);
		else
			g_string_append_c(out, *p);
	}
	g_string_append_c(out, '"');
}

static gboolean
rd_template_output(RdRun *run, const RdStep *step, const char *state, const char *name,
		   GString *out, GError **error)
{
	int index = rd_plan_find_state(run->plan, state);
	const RdPlanState *plan;
	const char *target = step->target;
	gboolean first = TRUE;

	if (index < 0) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no state %s", state);
		return FALSE;
	}
	plan = g_ptr_array_index(run->plan->states, index);
	if (plan->targets->len == 1 && strcmp(plan->targets->pdata[0], RD_CLUSTER) == 0)
		target = RD_CLUSTER;
	else if (plan->single)
		target = plan->targets->pdata[0];
	if (rd_run_step_at(run, index, target) != NULL) {
		const char *value = rd_run_get_output(run, state, target, name);
		if (value == NULL) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
				    "%s@%s has given no %s", state, target, name);
			return FALSE;
		}
		g_string_append(out, value);
		return TRUE;
	}
	g_string_append_c(out, '{');
	for (guint i = 0; i < plan->targets->len; i++) {
		const char *host = plan->targets->pdata[i];
		const char *value = rd_run_get_output(run, state, host, name);

		if (!rd_run_step_counts(run, rd_run_step_at(run, index, host)))
			continue;
		if (value == NULL) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
				    "%s@%s has given no %s", state, host, name);
			return FALSE;
		}
		if (!first)
			g_string_append_c(out, ',');
		first = FALSE;
		rd_template_quote(out, host);
		g_string_append_c(out, ':');
		rd_template_quote(out, value);
	}
	g_string_append_c(out, '}');
	return TRUE;
}

static gboolean
rd_template_name(RdRun *run, const RdStep *step, const char *name, GString *out, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(name, ".", 2);
	const char *value = NULL;

	if (strcmp(name, "target") == 0)
		value = step->target;
	else if (strcmp(name, "run.uuid") == 0)
		value = run->uuid;
	else if (g_str_has_prefix(name, "input."))
		value = g_hash_table_lookup(run->inputs, name + strlen("input."));
	else if (parts[0] != NULL && parts[1] != NULL && strcmp(parts[0], "run") != 0)
		return rd_template_output(run, step, parts[0], parts[1], out, error);
	if (value == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no ${%s}", name);
		return FALSE;
	}
	g_string_append(out, value);
	return TRUE;
}

char *
rd_run_resolve(RdRun *run, const RdStep *step, const char *text, GError **error)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *p = text; *p != '\0';) {
		const char *end = g_str_has_prefix(p, "${") ? strchr(p, '}') : NULL;
		g_autofree char *name = NULL;

		if (end == NULL) {
			g_string_append_c(out, *p++);
			continue;
		}
		name = g_strndup(p + 2, end - p - 2);
		if (!rd_template_name(run, step, name, out, error))
			return NULL;
		p = end + 1;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}
