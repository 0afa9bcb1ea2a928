/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage.h"

gboolean
storage_delete(RecoveryStep *step, const char *path, const char *uid, const char *version,
	       RecoveryApiEnd *end, GError **error)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	JsonObject *object = json_object_new();
	g_autofree char *body = NULL;
	RecoveryApiChange change = {.verb = RECOVERY_API_DELETE, .path = path, .uid = uid};

	json_object_set_string_member(object, "resourceVersion", version);
	json_node_take_object(root, object);
	body = rd_api_json(root);
	change.body = body;
	return recovery_api_change(step, &change, end, NULL, error);
}

RecoveryProbe
storage_gone(RecoveryStep *step, const char *path, const char *uid, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) object = recovery_api_get(step, path, &local);
	g_autoptr(GString) names = NULL;
	JsonArray *finalizers;

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return RECOVERY_PROBE_UNKNOWN;
	}
	if (object == NULL || !g_str_equal(rd_api_uid(object), uid))
		return RECOVERY_PROBE_PRESENT;
	if (!rd_api_is_terminating(object))
		return RECOVERY_PROBE_ABSENT;
	names = g_string_new(NULL);
	finalizers = rd_api_items(object, "metadata", "finalizers", NULL);
	for (guint i = 0; i < rd_api_length(finalizers); i++)
		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
				       rd_api_text(json_array_get_element(finalizers, i), NULL));
	recovery_progress(step,
			  "%s is being deleted; its finalizers (%s) are taken away by whoever set "
			  "them, when the work on the node is done",
			  path, names->str);
	return RECOVERY_PROBE_ABSENT;
}
