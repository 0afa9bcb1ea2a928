/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api.h"
#include <stdarg.h>

#define CONFLICTS 10 /* as kubectl (domain 2.1) */

/* ---- reading ---- */

static JsonNode *
member(JsonNode *node, const char *name)
{
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return NULL;
	return json_object_get_member(json_node_get_object(node), name);
}

static JsonNode *
walk(JsonNode *node, va_list names)
{
	const char *name;

	while (node != NULL && (name = va_arg(names, const char *)) != NULL)
		node = member(node, name);
	return node;
}

JsonNode *
rd_api_at(JsonNode *node, ...)
{
	va_list names;
	JsonNode *found;

	va_start(names, node);
	found = walk(node, names);
	va_end(names);
	return found;
}

static const char *
text_of(JsonNode *node)
{
	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_get_string(node)
		   : "";
}

const char *
rd_api_text(JsonNode *node, ...)
{
	va_list names;
	JsonNode *found;

	va_start(names, node);
	found = walk(node, names);
	va_end(names);
	return text_of(found);
}

gboolean
rd_api_true(JsonNode *node, ...)
{
	va_list names;
	JsonNode *found;

	va_start(names, node);
	found = walk(node, names);
	va_end(names);
	return found != NULL && json_node_get_value_type(found) == G_TYPE_BOOLEAN &&
	       json_node_get_boolean(found);
}

gint64
rd_api_int(JsonNode *node, gint64 fallback, ...)
{
	va_list names;
	JsonNode *found;

	va_start(names, fallback);
	found = walk(node, names);
	va_end(names);
	return found != NULL && json_node_get_value_type(found) == G_TYPE_INT64
		   ? json_node_get_int(found)
		   : fallback;
}

double
rd_api_time(JsonNode *node, ...)
{
	g_autoptr(GDateTime) time = NULL;
	va_list names;
	JsonNode *found;

	va_start(names, node);
	found = walk(node, names);
	va_end(names);
	time = g_date_time_new_from_iso8601(text_of(found), NULL);
	return time == NULL ? 0
			    : g_date_time_to_unix(time) + g_date_time_get_microsecond(time) / 1e6;
}

JsonArray *
rd_api_items(JsonNode *node, ...)
{
	va_list names;
	JsonNode *found;

	va_start(names, node);
	found = walk(node, names);
	va_end(names);
	return found != NULL && JSON_NODE_HOLDS_ARRAY(found) ? json_node_get_array(found) : NULL;
}

guint
rd_api_length(JsonArray *items)
{
	return items != NULL ? json_array_get_length(items) : 0;
}

const char *
rd_api_name(JsonNode *object)
{
	return rd_api_text(object, "metadata", "name", NULL);
}

const char *
rd_api_uid(JsonNode *object)
{
	return rd_api_text(object, "metadata", "uid", NULL);
}

const char *
rd_api_label(JsonNode *object, const char *key)
{
	return rd_api_text(object, "metadata", "labels", key, NULL);
}

const char *
rd_api_annotation(JsonNode *object, const char *key)
{
	return rd_api_text(object, "metadata", "annotations", key, NULL);
}

gboolean
rd_api_has_annotation(JsonNode *object, const char *key)
{
	return rd_api_at(object, "metadata", "annotations", key, NULL) != NULL;
}

gboolean
rd_api_is_terminating(JsonNode *object)
{
	return *rd_api_text(object, "metadata", "deletionTimestamp", NULL) != '\0';
}

JsonNode *
rd_api_condition(JsonNode *object, const char *type)
{
	JsonArray *conditions = rd_api_items(object, "status", "conditions", NULL);

	for (guint i = 0; i < rd_api_length(conditions); i++) {
		JsonNode *condition = json_array_get_element(conditions, i);

		if (g_str_equal(rd_api_text(condition, "type", NULL), type))
			return condition;
	}
	return NULL;
}

const char *
rd_api_condition_status(JsonNode *object, const char *type)
{
	return rd_api_text(rd_api_condition(object, type), "status", NULL);
}

JsonNode *
rd_api_find(JsonArray *list, const char *name)
{
	for (guint i = 0; i < rd_api_length(list); i++) {
		JsonNode *object = json_array_get_element(list, i);

		if (g_str_equal(rd_api_name(object), name))
			return object;
	}
	return NULL;
}

char *
rd_api_json(JsonNode *node)
{
	return json_to_string(node, FALSE);
}

char *
rd_api_escape(const char *name)
{
	return g_uri_escape_string(name, NULL, FALSE);
}

/* ---- asking ---- */

gboolean
rd_api_refuse(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, text);
	return FALSE;
}

gboolean
rd_api_moment(RecoveryStep *step, RecoveryMoment *moment, GError **error)
{
	return recovery_moment(step, recovery_string(step, "since"), moment, error);
}

JsonArray *
rd_api_list_if_served(RecoveryStep *step, const char *path, gboolean *served, GError **error)
{
	gboolean serves = FALSE;

	if (!recovery_api_serves(step, path, &serves, error))
		return NULL;
	if (served != NULL)
		*served = serves;
	return serves ? recovery_api_list(step, path, error) : json_array_new();
}

/* ---- changing ---- */

/* the patch of an edit with its precondition */
static char *
patch_text(JsonNode *patch, JsonNode *object)
{
	JsonObject *root = json_node_get_object(patch), *meta;

	if (!json_object_has_member(root, "metadata"))
		json_object_set_object_member(root, "metadata", json_object_new());
	meta = json_object_get_object_member(root, "metadata");
	json_object_set_string_member(meta, "uid", rd_api_uid(object));
	json_object_set_string_member(meta, "resourceVersion",
				      rd_api_text(object, "metadata", "resourceVersion", NULL));
	return rd_api_json(patch);
}

/* one round: reads and sends. CONFLICT: again */
static gboolean
edit_once(RecoveryStep *step, const char *path, const char *uid, RdApiEdit edit, gpointer data,
	  RecoveryApiEnd *end, gboolean *other, GError **error)
{
	RecoveryApiChange change = {.verb = RECOVERY_API_MERGE, .path = path};
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) object = recovery_api_get(step, path, &local);
	g_autoptr(JsonNode) patch = NULL;
	g_autofree char *body = NULL;

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*end = object == NULL ? RECOVERY_API_MISSING : RECOVERY_API_DONE;
	*other = object != NULL && uid != NULL && !g_str_equal(rd_api_uid(object), uid);
	if (object == NULL || *other)
		return TRUE;
	patch = edit(object, data);
	if (patch == NULL)
		return TRUE;
	body = patch_text(patch, object);
	change.body = body;
	return recovery_api_change(step, &change, end, NULL, error);
}

gboolean
rd_api_edit(RecoveryStep *step, const char *path, const char *uid, RdApiEdit edit, gpointer data,
	    RecoveryApiEnd *end, GError **error)
{
	RecoveryApiEnd own = RECOVERY_API_CONFLICT;
	gboolean other = FALSE;

	for (guint i = 0; i < CONFLICTS && own == RECOVERY_API_CONFLICT && !other; i++)
		if (!edit_once(step, path, uid, edit, data, &own, &other, error))
			return FALSE;
	if (own == RECOVERY_API_CONFLICT && !other) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: somebody changes %s all the time: %u times it was another one "
			    "than had been read",
			    recovery_target(step), path, CONFLICTS);
		return FALSE;
	}
	if (end != NULL)
		*end = other ? RECOVERY_API_CONFLICT : own;
	return TRUE;
}
