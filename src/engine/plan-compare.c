/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "plan-file.h"

/* Whether a plan still stands. */

static int
rd_by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static JsonObject *
rd_plan_member(JsonNode *plan, const char *name)
{
	JsonObject *declares =
	    json_object_get_object_member(json_node_get_object(plan), "declares");

	return name != NULL ? json_object_get_object_member(declares, name) : declares;
}

static char *
rd_node_text(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL)
		return NULL;
	return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_dup_string(node)
		   : json_to_string(node, FALSE);
}

static void
rd_compare_one(GPtrArray *lines, const char *name, JsonObject *then, JsonObject *now)
{
	g_autofree char *was = rd_node_text(then, name);
	g_autofree char *is = rd_node_text(now, name);

	if (g_strcmp0(was, is) == 0)
		return;
	g_ptr_array_add(lines,
			g_strdup_printf("%s: was %s, is %s", name, was != NULL ? was : "not known",
					is != NULL ? is : "not known"));
}

/* both ways, in order of the names */
static void
rd_compare_members(GPtrArray *lines, JsonObject *then, JsonObject *now)
{
	g_autoptr(GList) names =
	    g_list_concat(json_object_get_members(then), json_object_get_members(now));
	const char *last = NULL;

	names = g_list_sort(names, rd_by_bytes);
	for (GList *l = names; l != NULL; l = l->next) {
		if (g_strcmp0(last, l->data) != 0)
			rd_compare_one(lines, l->data, then, now);
		last = l->data;
	}
}

static const char *
rd_step_get(JsonObject *step, const char *name)
{
	return json_object_get_string_member_with_default(step, name, "");
}

/* what a step does, as one text; a wait does nothing, and comes and goes */
static void
rd_put_deeds(GHashTable *deeds, JsonNode *plan)
{
	JsonArray *steps = json_object_get_array_member(json_node_get_object(plan), "steps");

	for (guint i = 0; i < json_array_get_length(steps); i++) {
		JsonObject *step = json_array_get_object_element(steps, i);
		JsonArray *changes = json_object_get_array_member(step, "changes");
		GString *text = g_string_new(NULL);
		RdForecastWord word;

		for (guint j = 0; j < json_array_get_length(changes); j++) {
			JsonObject *change = json_array_get_object_element(changes, j);

			g_string_append_printf(text, "%s%s %s", j > 0 ? "; " : "",
					       rd_step_get(change, "verb"),
					       rd_step_get(change, "text"));
		}
		if (text->len == 0)
			g_string_append(text, rd_forecast_word_from_string(
						  rd_step_get(step, "stands"), &word) &&
						      word == RD_FORECAST_REFUSED
						  ? "refused"
						  : "nothing");
		g_hash_table_insert(
		    deeds,
		    g_strdup_printf(
			"%s@%s%s", rd_step_get(step, "state"), rd_step_get(step, "target"),
			json_object_get_boolean_member_with_default(step, "gives-back", FALSE)
			    ? ", given back"
			    : ""),
		    g_string_free(text, FALSE));
	}
}

static void
rd_compare_deeds(GPtrArray *lines, JsonNode *then, JsonNode *now)
{
	g_autoptr(GHashTable) was = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable) is = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GList) names = NULL;

	rd_put_deeds(was, then);
	rd_put_deeds(is, now);
	names = g_list_sort(g_hash_table_get_keys(was), rd_by_bytes);
	for (GList *l = names; l != NULL; l = l->next) {
		const char *before = g_hash_table_lookup(was, l->data);
		const char *after = g_hash_table_lookup(is, l->data);

		if (g_strcmp0(before, after) != 0)
			g_ptr_array_add(
			    lines, g_strdup_printf("%s: was to do %s, would do %s", (char *)l->data,
						   before, after != NULL ? after : "not be there"));
	}
}

GPtrArray *
rd_plan_file_refused(const RdPlanFile *self)
{
	JsonArray *steps = json_object_get_array_member(json_node_get_object(self->root), "steps");
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < json_array_get_length(steps); i++) {
		JsonObject *step = json_array_get_object_element(steps, i);
		RdForecastWord word;

		if (rd_forecast_word_from_string(rd_step_get(step, "stands"), &word) &&
		    word == RD_FORECAST_REFUSED)
			g_ptr_array_add(lines,
					g_strdup_printf("%s@%s: %s", rd_step_get(step, "state"),
							rd_step_get(step, "target"),
							rd_step_get(step, "text")));
	}
	return lines;
}

GPtrArray *
rd_plan_file_compare(const RdPlanFile *self, JsonNode *now)
{
	static const char *const sums[] = {"procedure-sha256", "inventory-sha256"};
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < G_N_ELEMENTS(sums); i++)
		rd_compare_one(lines, sums[i], rd_plan_member(self->root, NULL),
			       rd_plan_member(now, NULL));
	rd_compare_members(lines, rd_plan_member(self->root, "values"),
			   rd_plan_member(now, "values"));
	rd_compare_members(lines, rd_plan_member(self->root, "facts"),
			   rd_plan_member(now, "facts"));
	rd_compare_deeds(lines, self->root, now);
	return lines;
}
