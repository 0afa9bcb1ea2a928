/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-yaml"

#include "json.h"
#include "format.h"

void
rd_json_string(JsonBuilder *json, const char *name, const char *value)
{
	json_builder_set_member_name(json, name);
	if (value == NULL) {
		json_builder_add_null_value(json);
	} else {
		/* what came from a host may be anything; JSON is UTF-8 */
		g_autofree char *valid = g_utf8_make_valid(value, -1);

		json_builder_add_string_value(json, valid);
	}
}

void
rd_json_int(JsonBuilder *json, const char *name, gint64 value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_int_value(json, value);
}

void
rd_json_bool(JsonBuilder *json, const char *name, gboolean value)
{
	json_builder_set_member_name(json, name);
	json_builder_add_boolean_value(json, value);
}

void
rd_json_number(JsonBuilder *json, const char *name, gint64 value)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

	rd_json_string(json, name, value != 0 ? text : NULL);
}

void
rd_json_wall(JsonBuilder *json, const char *name, gint64 wall)
{
	g_autofree char *text = wall != 0 ? rd_format_rfc3339(wall) : NULL;

	rd_json_string(json, name, text);
}

void
rd_json_strings(JsonBuilder *json, const char *name, GPtrArray *strings)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (guint i = 0; i < strings->len; i++) {
		/* as in rd_json_string() */
		g_autofree char *valid = g_utf8_make_valid(g_ptr_array_index(strings, i), -1);

		json_builder_add_string_value(json, valid);
	}
	json_builder_end_array(json);
}

char *
rd_json_print(JsonNode *node, gboolean pretty)
{
	g_autofree char *text = json_to_string(node, pretty);

	return g_strconcat(text, "\n", NULL);
}

/* ---- YAML ---------------------------------------------------------------------------------- */

static void rd_yaml_put(GString *out, JsonNode *node, guint indent, gboolean in_list);

static gboolean
rd_yaml_is_block(JsonNode *node)
{
	if (JSON_NODE_HOLDS_OBJECT(node))
		return json_object_get_size(json_node_get_object(node)) > 0;
	if (JSON_NODE_HOLDS_ARRAY(node))
		return json_array_get_length(json_node_get_array(node)) > 0;
	return FALSE;
}

static void
rd_yaml_put_object(GString *out, JsonObject *object, guint indent, gboolean in_list)
{
	g_autoptr(GList) names = json_object_get_members(object);

	for (GList *l = names; l != NULL; l = l->next) {
		JsonNode *value = json_object_get_member(object, l->data);
		g_autoptr(JsonNode) key = json_node_init_string(json_node_alloc(), l->data);
		g_autofree char *quoted = json_to_string(key, FALSE);

		/* the first key of a list's element stands behind its dash */
		if (!in_list || l != names)
			g_string_append_printf(out, "%*s", (int)indent, "");
		g_string_append_printf(out, "%s:", quoted);
		g_string_append_c(out, rd_yaml_is_block(value) ? '\n' : ' ');
		rd_yaml_put(out, value, indent + (JSON_NODE_HOLDS_OBJECT(value) ? 2 : 0), FALSE);
	}
}

static void
rd_yaml_put(GString *out, JsonNode *node, guint indent, gboolean in_list)
{
	g_autofree char *flow = NULL;

	if (!rd_yaml_is_block(node)) {
		/* a JSON scalar, "{}" and "[]" are YAML as they are */
		flow = json_to_string(node, FALSE);
		g_string_append_printf(out, "%s\n", flow);
	} else if (JSON_NODE_HOLDS_OBJECT(node)) {
		rd_yaml_put_object(out, json_node_get_object(node), indent, in_list);
	} else {
		JsonArray *array = json_node_get_array(node);

		for (guint i = 0; i < json_array_get_length(array); i++) {
			if (!in_list || i > 0)
				g_string_append_printf(out, "%*s", (int)indent, "");
			g_string_append(out, "- ");
			rd_yaml_put(out, json_array_get_element(array, i), indent + 2, TRUE);
		}
	}
}

char *
rd_json_print_yaml(JsonNode *node)
{
	GString *out = g_string_new(NULL);

	rd_yaml_put(out, node, 0, FALSE);
	return g_string_free(out, FALSE);
}
