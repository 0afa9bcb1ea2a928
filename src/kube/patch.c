/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/patch.h"

#include <gio/gio.h>
#include <recovery/plugin.h>
#include <stdlib.h>
#include <string.h>

JsonNode *
rd_kube_json_copy(JsonNode *node)
{
	g_autofree char *text = json_to_string(node, FALSE);

	return json_from_string(text, NULL);
}

void
rd_kube_patch_merge(JsonObject *object, JsonObject *patch)
{
	JsonObjectIter iter;
	const char *key;
	JsonNode *value;

	json_object_iter_init(&iter, patch);
	while (json_object_iter_next(&iter, &key, &value)) {
		JsonNode *old = json_object_get_member(object, key);

		if (JSON_NODE_HOLDS_NULL(value)) {
			json_object_remove_member(object, key);
		} else if (!JSON_NODE_HOLDS_OBJECT(value)) {
			json_object_set_member(object, key, rd_kube_json_copy(value));
		} else {
			if (old == NULL || !JSON_NODE_HOLDS_OBJECT(old))
				json_object_set_object_member(object, key, json_object_new());
			rd_kube_patch_merge(json_object_get_object_member(object, key),
					    json_node_get_object(value));
		}
	}
}

/* ---- RFC 6902 ---- */

static gboolean
broken(const char *op, const char *path, const char *why, GError **error)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s %s: %s", op, path, why);
	return FALSE;
}

/* the node that holds the last key of @path; NULL when the way ends before */
static JsonNode *
find_parent(JsonNode *node, char **keys)
{
	for (guint i = 0; keys[i] != NULL && keys[i + 1] != NULL; i++) {
		if (node == NULL)
			return NULL;
		if (JSON_NODE_HOLDS_OBJECT(node)) {
			node = json_object_get_member(json_node_get_object(node), keys[i]);
		} else if (JSON_NODE_HOLDS_ARRAY(node)) {
			JsonArray *array = json_node_get_array(node);
			guint at = (guint)strtoul(keys[i], NULL, 10);

			node = at < json_array_get_length(array) ? json_array_get_element(array, at)
								 : NULL;
		} else {
			return NULL;
		}
	}
	return node;
}

static gboolean
apply_to_object(JsonObject *parent, const char *op, const char *path, const char *key,
		JsonNode *value, GError **error)
{
	JsonNode *old = json_object_get_member(parent, key);

	if (old == NULL && !g_str_equal(op, "add"))
		return broken(op, path, "there is nothing", error);
	if (g_str_equal(op, "remove"))
		json_object_remove_member(parent, key);
	else if (!g_str_equal(op, "test"))
		json_object_set_member(parent, key, rd_kube_json_copy(value));
	else if (!json_node_equal(old, value))
		return broken(op, path, "testing value failed", error);
	return TRUE;
}

static gboolean
apply_to_array(JsonArray *parent, const char *op, const char *path, const char *key,
	       JsonNode *value, GError **error)
{
	guint length = json_array_get_length(parent);
	guint at = g_str_equal(key, "-") ? length : (guint)strtoul(key, NULL, 10);
	g_autoptr(GPtrArray) items = g_ptr_array_new();

	if (at > length || (at == length && !g_str_equal(op, "add")))
		return broken(op, path, "there is nothing", error);
	if (g_str_equal(op, "test"))
		return json_node_equal(json_array_get_element(parent, at), value) ||
		       broken(op, path, "testing value failed", error);
	for (guint i = 0; i < length; i++)
		g_ptr_array_add(items, json_array_dup_element(parent, i));
	if (!g_str_equal(op, "add"))
		json_node_unref(g_ptr_array_remove_index(items, at));
	if (!g_str_equal(op, "remove"))
		g_ptr_array_insert(items, (int)at, rd_kube_json_copy(value));
	while (json_array_get_length(parent) > 0)
		json_array_remove_element(parent, 0);
	for (guint i = 0; i < items->len; i++)
		json_array_add_element(parent, items->pdata[i]);
	return TRUE;
}

static char **
split_pointer(const char *path)
{
	char **keys = g_strsplit(*path == '/' ? path + 1 : path, "/", -1);

	for (guint i = 0; keys[i] != NULL; i++) {
		GString *key = g_string_new(keys[i]);

		g_string_replace(key, "~1", "/", 0);
		g_string_replace(key, "~0", "~", 0);
		g_free(keys[i]);
		keys[i] = g_string_free(key, FALSE);
	}
	return keys;
}

gboolean
rd_kube_patch_json(JsonNode *object, JsonArray *patch, GError **error)
{
	for (guint i = 0; i < json_array_get_length(patch); i++) {
		JsonObject *step = json_array_get_object_element(patch, i);
		const char *op = json_object_get_string_member_with_default(step, "op", "");
		const char *path = json_object_get_string_member_with_default(step, "path", "");
		JsonNode *value = json_object_get_member(step, "value");
		static const char *const known[] = {"add", "remove", "replace", "test", NULL};
		g_auto(GStrv) keys = split_pointer(path);
		const char *last = keys[0] != NULL ? keys[g_strv_length(keys) - 1] : NULL;
		JsonNode *parent = find_parent(object, keys);
		gboolean ok;

		if (!g_strv_contains(known, op) || last == NULL ||
		    (value == NULL && !g_str_equal(op, "remove")))
			return broken(op, path, "is no operation", error);
		if (parent != NULL && JSON_NODE_HOLDS_OBJECT(parent))
			ok = apply_to_object(json_node_get_object(parent), op, path, last, value,
					     error);
		else if (parent != NULL && JSON_NODE_HOLDS_ARRAY(parent))
			ok = apply_to_array(json_node_get_array(parent), op, path, last, value,
					    error);
		else
			ok = broken(op, path, "there is no such place", error);
		if (!ok)
			return FALSE;
	}
	return TRUE;
}
