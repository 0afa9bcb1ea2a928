/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a state on hosts found, as a state on the cluster gets it: {"m0": "…", "m1": "…"}. */

#include "etcd.h"
#include <json-glib/json-glib.h>

static JsonObject *
values_open(RecoveryStep *step, const char *param, JsonNode **root, GError **error)
{
	*root = json_from_string(recovery_string(step, param), NULL);
	if (*root != NULL && JSON_NODE_HOLDS_OBJECT(*root))
		return json_node_get_object(*root);
	etcd_refuse(error, "%s is not an object with a value for each host: '%s'", param,
		    recovery_string(step, param));
	return NULL;
}

char **
etcd_values(RecoveryStep *step, const char *param, char **hosts, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object = values_open(step, param, &root, error);
	g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; object != NULL && hosts[i] != NULL; i++) {
		JsonNode *node = json_object_get_member(object, hosts[i]);

		if (node == NULL || json_node_get_value_type(node) != G_TYPE_STRING) {
			etcd_refuse(error, "%s: there is no value in %s", hosts[i], param);
			return NULL;
		}
		g_ptr_array_add(values, json_node_dup_string(node));
	}
	if (object == NULL)
		return NULL;
	g_ptr_array_add(values, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&values), FALSE);
}
