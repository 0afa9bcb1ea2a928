/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"

/* A Node takes no new pods. Who had cordoned it before keeps it so. */

#define OPEN   "open"
#define CLOSED "closed"

/* NULL with error, also when there is no such Node */
static JsonNode *
get_node(RecoveryStep *step, char **path, GError **error)
{
	const char *name = node_name(step, error);
	g_autoptr(GError) local = NULL;
	JsonNode *node;

	if (name == NULL)
		return NULL;
	*path = rd_node_path(name);
	node = recovery_api_get(step, *path, &local);
	if (node == NULL && local == NULL)
		rd_api_refuse(error, "there is no Node %s", name);
	if (local != NULL)
		g_propagate_error(error, g_steal_pointer(&local));
	return node;
}

static gboolean
is_cordoned(JsonNode *node)
{
	return rd_api_true(node, "spec", "unschedulable", NULL);
}

gboolean
node_cordon_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = NULL;
	g_autoptr(JsonNode) node = get_node(step, &path, error);

	return node != NULL && recovery_remember(step, "uid", rd_api_uid(node), error) &&
	       recovery_remember(step, "was", is_cordoned(node) ? CLOSED : OPEN, error);
}

RecoveryProbe
node_cordon_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = NULL;
	g_autoptr(JsonNode) node = get_node(step, &path, error);

	if (node == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return is_cordoned(node) ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

/* @data: whether it is to be cordoned */
static JsonNode *
edit_cordon(JsonNode *node, gpointer data)
{
	gboolean wanted = GPOINTER_TO_INT(data);
	JsonObject *root = NULL, *spec = NULL;
	JsonNode *patch = NULL;

	if (is_cordoned(node) == wanted)
		return NULL;
	root = json_object_new();
	spec = json_object_new();
	patch = json_node_new(JSON_NODE_OBJECT);
	if (wanted)
		json_object_set_boolean_member(spec, "unschedulable", TRUE);
	else
		json_object_set_null_member(spec, "unschedulable");
	json_object_set_object_member(root, "spec", spec);
	json_node_take_object(patch, root);
	return patch;
}

static gboolean
set_cordon(RecoveryStep *step, gboolean wanted, RecoveryApiEnd *end, GError **error)
{
	const char *name = node_name(step, error);
	g_autofree char *path = name != NULL ? rd_node_path(name) : NULL;

	return name != NULL && rd_api_edit(step, path, recovery_recall(step, "uid"), edit_cordon,
					   GINT_TO_POINTER(wanted), end, error);
}

gboolean
node_cordon_enter(RecoveryStep *step, GError **error)
{
	RecoveryApiEnd end;

	if (!set_cordon(step, TRUE, &end, error))
		return FALSE;
	return end == RECOVERY_API_DONE ||
	       rd_api_refuse(error, "Node %s is gone, or another one of that name by now",
			     node_name(step, NULL));
}

/* another Node of that name was never ours to open */
gboolean
node_cordon_undo(RecoveryStep *step, GError **error)
{
	const char *was = recovery_recall(step, "was");

	return was == NULL || g_str_equal(was, CLOSED) || set_cordon(step, FALSE, NULL, error);
}
