/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "yaml/yaml.h"

#include <string.h>

/* Reading a document's parts: stands on yaml.c's functions alone. */

#define DURATION_MAX_S (366 * 24 * 3600)

JsonNode *
rd_yaml_find(const RdYaml *self, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	JsonNode *node = rd_yaml_get_root(self);

	for (guint i = 1; node != NULL && parts[0] != NULL && parts[i] != NULL; i++) {
		gint64 index = 0;

		if (JSON_NODE_HOLDS_OBJECT(node)) {
			node = json_object_get_member(json_node_get_object(node), parts[i]);
			continue;
		}
		if (!JSON_NODE_HOLDS_ARRAY(node) || !rd_parse_int(parts[i], &index) || index < 0 ||
		    index >= json_array_get_length(json_node_get_array(node)))
			return NULL;
		node = json_array_get_element(json_node_get_array(node), index);
	}
	return node;
}

void
rd_yaml_complain(RdYaml *self, JsonNode *node, const char *format, ...)
{
	g_autofree char *text = NULL;
	guint line = 0, column = 0;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rd_yaml_get_position(self, node, &line, &column);
	rd_complaints_add(rd_yaml_get_complaints(self), line, column, "%s", text);
}

void
rd_yaml_complain_key(RdYaml *self, JsonNode *node, const char *format, ...)
{
	g_autofree char *text = NULL;
	guint line = 0, column = 0;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rd_yaml_get_key_position(self, node, &line, &column);
	rd_complaints_add(rd_yaml_get_complaints(self), line, column, "%s", text);
}

void
rd_yaml_warn(RdYaml *self, JsonNode *node, const char *format, ...)
{
	g_autofree char *text = NULL;
	guint line = 0, column = 0;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rd_yaml_get_position(self, node, &line, &column);
	rd_complaints_warn(rd_yaml_get_complaints(self), line, column, "%s", text);
}

JsonObject *
rd_yaml_mapping(RdYaml *self, JsonNode *node, const char *what, const char *const *keys)
{
	g_autoptr(GList) members = NULL;
	JsonObject *object = NULL;

	if (!JSON_NODE_HOLDS_OBJECT(node)) {
		rd_yaml_complain(self, node, "%s must be a mapping (key: value)", what);
		return NULL;
	}
	object = json_node_get_object(node);
	if (keys == NULL)
		return object;
	members = json_object_get_members(object);
	for (GList *l = members; l != NULL; l = l->next) {
		const char *key = l->data;
		g_autofree char *hint = NULL;

		if (g_strv_contains(keys, key))
			continue;
		hint = rd_spell_hint(key, keys);
		rd_yaml_complain_key(self, json_object_get_member(object, key),
				     "%s has no key %s%s", what, key, hint);
	}
	return object;
}

JsonArray *
rd_yaml_list(RdYaml *self, JsonNode *node, const char *what)
{
	if (!JSON_NODE_HOLDS_ARRAY(node)) {
		rd_yaml_complain(self, node, "%s must be a list (- one line each)", what);
		return NULL;
	}
	return json_node_get_array(node);
}

const char *
rd_yaml_scalar(RdYaml *self, JsonNode *node, const char *what)
{
	const char *text = rd_yaml_get_text(self, node);

	if (text == NULL) {
		rd_yaml_complain(self, node, "%s must be a single value", what);
		return NULL;
	}
	if (*text == '\0') {
		rd_yaml_complain(self, node, "%s is empty", what);
		return NULL;
	}
	return text;
}

const char *
rd_yaml_member(RdYaml *self, JsonObject *object, const char *key)
{
	JsonNode *node = json_object_get_member(object, key);

	return node == NULL ? NULL : rd_yaml_scalar(self, node, key);
}

gboolean
rd_yaml_member_bool(RdYaml *self, JsonObject *object, const char *key, gboolean fallback)
{
	const char *text = rd_yaml_member(self, object, key);
	gboolean value = fallback;

	if (text != NULL && !rd_parse_bool(text, &value))
		rd_yaml_complain(self, json_object_get_member(object, key),
				 "%s must be yes or no, not “%s”", key, text);
	return value;
}

gint64
rd_yaml_member_int(RdYaml *self, JsonObject *object, const char *key, gint64 least, gint64 most,
		   gint64 fallback)
{
	const char *text = rd_yaml_member(self, object, key);
	gint64 value = fallback;

	if (text == NULL)
		return fallback;
	if (rd_parse_int(text, &value) && value >= least && value <= most)
		return value;
	rd_yaml_complain(self, json_object_get_member(object, key),
			 "%s must be a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
			 ", not “%s”",
			 key, least, most, text);
	return fallback;
}

gboolean
rd_parse_bool(const char *text, gboolean *value)
{
	gboolean yes = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
		return FALSE;
	*value = yes;
	return TRUE;
}

gboolean
rd_parse_int(const char *text, gint64 *value)
{
	return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, value, NULL);
}

gboolean
rd_parse_duration(const char *text, gint64 *seconds)
{
	static const struct {
		char unit;
		gint64 seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
	gsize digits = strspn(text, "0123456789");
	g_autofree char *number = g_strndup(text, digits);
	guint64 value = 0;

	if (digits == 0 || text[digits] == '\0' || text[digits + 1] != '\0' ||
	    !g_ascii_string_to_unsigned(number, 10, 0, DURATION_MAX_S, &value, NULL))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
		if (text[digits] != units[i].unit)
			continue;
		if ((gint64)value > DURATION_MAX_S / units[i].seconds)
			return FALSE;
		*seconds = (gint64)value * units[i].seconds;
		return TRUE;
	}
	return FALSE;
}
