/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"

/* A Node takes no new pods. An annotation says whose doing it is: what somebody else closed stays
 * closed, and is not ours to open. */

#define OURS "recoveryd-cordoned"

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

static gboolean
is_ours(RecoveryStep *step, JsonNode *node)
{
	return g_str_equal(rd_api_annotation(node, OURS), recovery_run_id(step));
}

gboolean
node_cordon_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = NULL;
	g_autoptr(JsonNode) node = get_node(step, &path, error);

	return node != NULL && recovery_remember(step, "uid", rd_api_uid(node), error);
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

static JsonNode *
patch(gboolean close, const char *run)
{
	JsonObject *root = json_object_new(), *spec = json_object_new();
	JsonObject *meta = json_object_new(), *annotations = json_object_new();
	JsonNode *node = json_node_new(JSON_NODE_OBJECT);

	if (close) {
		json_object_set_boolean_member(spec, "unschedulable", TRUE);
		json_object_set_string_member(annotations, OURS, run);
	} else {
		json_object_set_null_member(spec, "unschedulable");
		json_object_set_null_member(annotations, OURS);
	}
	json_object_set_object_member(meta, "annotations", annotations);
	json_object_set_object_member(root, "metadata", meta);
	json_object_set_object_member(root, "spec", spec);
	json_node_take_object(node, root);
	return node;
}

/* @data: the step */
static JsonNode *
edit_close(JsonNode *node, gpointer data)
{
	return is_cordoned(node) ? NULL : patch(TRUE, recovery_run_id(data));
}

/* One that is open already may be so in an answer out of the past: a change that changes nothing
 * goes with the version that was read, and the server refuses one of the past. */
static JsonNode *
edit_open(JsonNode *node, gpointer data)
{
	return is_ours(data, node) || !is_cordoned(node) ? patch(FALSE, NULL) : NULL;
}

/* uncordon's: by its parameter also what an earlier run has left closed */
static gboolean
is_meant(RecoveryStep *step, JsonNode *node)
{
	return is_ours(step, node) || (g_str_equal(recovery_string(step, "whose"), "any") &&
				       *rd_api_annotation(node, OURS) != '\0');
}

static JsonNode *
edit_open_meant(JsonNode *node, gpointer data)
{
	return is_meant(data, node) ? patch(FALSE, NULL) : NULL;
}

static gboolean
edit(RecoveryStep *step, RdApiEdit how, RecoveryApiEnd *end, GError **error)
{
	const char *name = node_name(step, error);
	g_autofree char *path = name != NULL ? rd_node_path(name) : NULL;

	return name != NULL &&
	       rd_api_edit(step, path, recovery_recall(step, "uid"), how, step, end, error);
}

gboolean
node_cordon_enter(RecoveryStep *step, GError **error)
{
	RecoveryApiEnd end;

	if (!edit(step, edit_close, &end, error))
		return FALSE;
	return end == RECOVERY_API_DONE ||
	       rd_api_refuse(error, "Node %s is gone, or another one of that name by now",
			     node_name(step, NULL));
}

/* what is gone, or not ours, needs nothing */
gboolean
node_uncordon(RecoveryStep *step, GError **error)
{
	return edit(step, edit_open, NULL, error);
}

gboolean
node_uncordon_enter(RecoveryStep *step, GError **error)
{
	return edit(step, edit_open_meant, NULL, error);
}

RecoveryProbe
node_uncordon_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = NULL;
	g_autoptr(JsonNode) node = get_node(step, &path, error);

	if (node == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return is_meant(step, node) ? RECOVERY_PROBE_ABSENT : RECOVERY_PROBE_PRESENT;
}
