/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "remaining-api.h"
#include "remaining-private.h"
#include "remaining-until.h"
#include "yaml/json.h"

#define API "oc" /* the variable that a by_hand has for the Kubernetes API */

/* as $name or ${name…} */
static gboolean
rd_until_mentions(const char *script, const char *name)
{
	g_autofree char *plain = g_strconcat("$", name, NULL);
	g_autofree char *braced = g_strconcat("${", name, NULL);

	return strstr(script, plain) != NULL || strstr(script, braced) != NULL;
}

/* where it is asked; NULL: nowhere (unowned) */
static const char *
rd_until_place(const RdEvidence *evidence, const char *target, gboolean api)
{
	GPtrArray *hosts = evidence->plan->hosts;

	if (api)
		return evidence->setting != NULL
			   ? rd_remaining_api_place(evidence->setting->inventory)
			   : NULL;
	for (guint i = 0; strcmp(target, RD_CLUSTER) == 0 && i < hosts->len; i++) {
		const RdPlanHost *host = g_ptr_array_index(hosts, i);

		if (g_strcmp0(host->role, "recovery") == 0)
			return host->name;
	}
	return target;
}

/* "pod='etcd'; " for each parameter that @type's words have; FALSE: one is not known yet, and
 * would be seen as something else, or is a secret */
static gboolean
rd_until_variables(GString *script, RdRun *run, const RdType *type, const RdForecastStep *step)
{
	const RdStep *found = rd_run_find_step(run, step->plan->name, step->target);

	for (guint i = 0; i < type->params->len; i++) {
		const RdTypeParam *param = g_ptr_array_index(type->params, i);
		const char *with = g_hash_table_lookup(step->plan->with, param->name);
		g_autofree char *name = g_strdelimit(g_strdup(param->name), "-", '_');
		g_autofree char *value = NULL, *quoted = NULL;

		if (!rd_until_mentions(type->by_hand, name))
			continue;
		value =
		    with != NULL && found != NULL ? rd_run_resolve(run, found, with, NULL) : NULL;
		if (value == NULL || strstr(value, "${") != NULL ||
		    param->type == RECOVERY_PARAM_SECRET)
			return FALSE;
		quoted = g_shell_quote(value);
		g_string_append_printf(script, "%s=%s; ", name, quoted);
	}
	g_string_append_printf(script, "target=%s; ", step->target);
	return found != NULL;
}

void
rd_remaining_until(JsonBuilder *json, const RdEvidence *evidence, const RdTypes *types,
		   const RdForecastStep *step)
{
	const RdType *type = rd_types_find(types, step->plan->type);
	const char *by_hand = type != NULL ? type->by_hand : NULL;
	gboolean api = by_hand != NULL && rd_until_mentions(by_hand, API);
	const char *place = by_hand != NULL ? rd_until_place(evidence, step->target, api) : NULL;
	g_autoptr(GString) script = g_string_new(NULL), line = g_string_new(NULL);

	json_builder_set_member_name(json, "until");
	if (place == NULL || !rd_until_variables(script, evidence->run, type, step)) {
		json_builder_add_null_value(json);
		return;
	}
	if (api)
		rd_remaining_api_variable(script, evidence->setting->inventory, API);
	g_string_append_printf(script, "until %s; do sleep 2; done", by_hand);
	/* root alone reads what is on a host */
	g_string_append(line, strcmp(place, RD_REMAINING_BASTION) == 0 ? "sh -c" : "sudo sh -c");
	rd_remaining_quote(line, script->str);
	json_builder_begin_object(json);
	rd_json_string(json, "on", place);
	rd_json_string(json, "command", line->str);
	json_builder_end_object(json);
}
