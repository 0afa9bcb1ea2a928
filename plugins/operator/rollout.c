/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A rollout has come to its end (domain 2.8). "All nodes at the latest revision" is also what the
 * snapshot's past says, so only a revision above the recorded one counts; and with no node at all
 * the operator says so as well, so the nodes are counted. */

#include "../common/nodes.h"
#include "operator.h"

#define NODES "/api/v1/nodes"
#define LATE  75 /* percent of the step's time: from here on the line says where to look */

/* "m1: 7, on its way to 8, failed 2 times (InstallerFailed: no space left)". What failed at
 * revisions of the past does not matter any more. */
static void
add_node(GString *line, JsonNode *status, gint64 recorded)
{
	const char *reason = rd_api_text(status, "lastFailedReason", NULL);
	JsonArray *errors = rd_api_items(status, "lastFailedRevisionErrors", NULL);
	gint64 target = rd_api_int(status, 0, "targetRevision", NULL);
	gint64 failed = rd_api_int(status, 0, "lastFailedRevision", NULL);
	gint64 fallbacks = rd_api_int(status, 0, "lastFallbackCount", NULL);

	g_string_append_printf(line, "; %s: %" G_GINT64_FORMAT,
			       rd_api_text(status, "nodeName", NULL),
			       rd_api_int(status, 0, "currentRevision", NULL));
	if (target != 0)
		g_string_append_printf(line, ", on its way to %" G_GINT64_FORMAT, target);
	if (failed <= recorded)
		return;
	g_string_append_printf(line, ", %" G_GINT64_FORMAT " failed %" G_GINT64_FORMAT " times",
			       failed, rd_api_int(status, 1, "lastFailedCount", NULL));
	if (fallbacks > 0)
		g_string_append_printf(line, " and fell back %" G_GINT64_FORMAT " times",
				       fallbacks);
	if (*reason != '\0')
		g_string_append_printf(line, " (%s)", reason);
	if (rd_api_length(errors) > 0)
		g_string_append_printf(
		    line, ": %s",
		    rd_api_text(json_array_get_element(errors, rd_api_length(errors) - 1), NULL));
}

/* How far all nodes have come, to say that the rollout moves on (F55): a node on its way to a newer
 * revision is one further, one that is there another one. A target that comes and goes while its
 * installer fails takes it no further than it was. */
static void
say_moved(RecoveryStep *step, JsonNode *object)
{
	JsonArray *nodes = rd_api_items(object, "status", "nodeStatuses", NULL);
	gint64 far = 0;

	for (guint i = 0; i < rd_api_length(nodes); i++) {
		JsonNode *node = json_array_get_element(nodes, i);
		gint64 current = rd_api_int(node, 0, "currentRevision", NULL);

		far += 2 * current + (rd_api_int(node, 0, "targetRevision", NULL) > current);
	}
	recovery_moved(step, far);
}

static void
say_progress(RecoveryStep *step, const RdOperator *op, JsonNode *object, gint64 recorded,
	     const char *why)
{
	JsonArray *nodes = rd_api_items(object, "status", "nodeStatuses", NULL);
	const char *managed = rd_api_text(object, "spec", "managementState", NULL);
	g_autoptr(GString) line = g_string_new(NULL);

	g_string_append_printf(line, "%s: %s", op->name, why);
	for (guint i = 0; i < rd_api_length(nodes); i++)
		add_node(line, json_array_get_element(nodes, i), recorded);
	if (*managed != '\0' && !g_str_equal(managed, "Managed"))
		g_string_append_printf(line,
				       ". Its managementState is %s: it does nothing until that "
				       "is Managed again",
				       managed);
	if (recovery_time_used(step) >= LATE)
		g_string_append_printf(
		    line,
		    ". Time runs out: look at the pods installer-REVISION-NODE in %s, and at their "
		    "events (\"failed to get annotations\": the network of that node; a failed "
		    "installer may be deleted, a running one not)",
		    op->namespace);
	recovery_progress(step, "%s", line->str);
}

/* beyond what the four have in common */
static RecoveryFresh
judge_members(const RdOperator *op, const RecoveryMoment *moment, JsonNode *object, char **why)
{
	if (!g_str_equal(op->name, "etcds"))
		return RECOVERY_FRESH_TRUE;
	g_clear_pointer(why, g_free);
	return recovery_fresh_condition(moment, object, "EtcdMembersAvailable", "True", NULL, why);
}

/* How many nodes there have to be: as many as the inventory has control-plane hosts; where hosts
 * were replaced, and nobody told the inventory, as many as there are such Nodes. FALSE with an
 * error. */
static gboolean
count_nodes(RecoveryStep *step, JsonNode *object, guint *count, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	guint statuses = rd_api_length(rd_api_items(object, "status", "nodeStatuses", NULL));
	g_autoptr(JsonArray) nodes = NULL;
	guint found = 0;

	*count = g_strv_length(hosts);
	if (statuses <= *count)
		return TRUE;
	nodes = recovery_api_list(step, NODES, error);
	if (nodes == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(nodes); i++)
		found += rd_node_is_control_plane(json_array_get_element(nodes, i));
	*count = MAX(*count, found);
	return TRUE;
}

RecoveryProbe
rolled_out_probe(RecoveryStep *step, GError **error)
{
	const RdOperator *op = operator_find(recovery_string(step, "operator"), error);
	gint64 recorded = recovery_int(step, "recorded");
	g_autoptr(JsonNode) object = NULL;
	g_autofree char *why = NULL;
	RecoveryMoment moment = {0};
	RecoveryFresh fresh;
	guint nodes = 0;

	object = op == NULL ? NULL : operator_get(step, op, error);
	if (object == NULL || !rd_api_moment(step, &moment, error) ||
	    !count_nodes(step, object, &nodes, error)) {
		operator_explain_silence(step, error);
		return RECOVERY_PROBE_UNKNOWN;
	}
	fresh = recovery_fresh_rollout(object, recorded, nodes, &why);
	if (fresh == RECOVERY_FRESH_TRUE)
		fresh = judge_members(op, &moment, object, &why);
	if (fresh == RECOVERY_FRESH_TRUE) {
		recovery_progress(step, "%s: %s", op->name, why);
		return RECOVERY_PROBE_PRESENT;
	}
	say_moved(step, object);
	say_progress(step, op, object, recorded, why);
	return RECOVERY_PROBE_ABSENT;
}

/* ---- one node ------------------------------------------------------------------------------ */

static char *
pod_path(const RdOperator *op, const char *node)
{
	g_autofree char *name = rd_api_escape(node);

	return g_strdup_printf("/api/v1/namespaces/%s/pods/%s-%s", op->namespace, op->pod, name);
}

/* made by the kubelet of this very Node: of the host that had the name before it has another uid */
static gboolean
is_owned_by(JsonNode *pod, JsonNode *node)
{
	JsonArray *owners = rd_api_items(pod, "metadata", "ownerReferences", NULL);
	const char *uid = rd_api_uid(node);

	for (guint i = 0; i < rd_api_length(owners); i++) {
		JsonNode *owner = json_array_get_element(owners, i);

		if (*uid != '\0' && g_str_equal(rd_api_text(owner, "kind", NULL), "Node") &&
		    g_str_equal(rd_api_text(owner, "uid", NULL), uid))
			return TRUE;
	}
	return FALSE;
}

static RecoveryFresh
judge_pod(JsonNode *pod, const RdNode *node, const char *name, gint64 latest,
	  const RecoveryMoment *moment, char **why)
{
	g_autofree char *revision = g_strdup_printf("%" G_GINT64_FORMAT, latest);
	RecoveryFresh fresh;

	if (pod == NULL || node->node == NULL) {
		*why = g_strdup_printf("there is no %s",
				       pod == NULL ? "static pod of it" : "such Node");
		return RECOVERY_FRESH_STALE;
	}
	if (!is_owned_by(pod, node->node)) {
		*why = g_strdup_printf("pod %s is of the host that was called %s before",
				       rd_api_name(pod), name);
		return RECOVERY_FRESH_STALE;
	}
	fresh = recovery_fresh_pod(moment, pod, NULL, node->lease, why);
	if (fresh != RECOVERY_FRESH_TRUE || g_str_equal(rd_api_label(pod, "revision"), revision))
		return fresh;
	g_free(*why);
	*why = g_strdup_printf("pod %s runs at revision %s", rd_api_name(pod),
			       rd_api_label(pod, "revision"));
	return RECOVERY_FRESH_STALE;
}

/* What the operator says of a name it may say of the host that had it before: the operator was down
 * while that one went and the new one came, or the snapshot is from before (domain 0.2). So the pod
 * of the revision has to run there, and the kubelet of this very Node has to say so. */
static RecoveryProbe
witness(RecoveryStep *step, const RdOperator *op, const char *name, gint64 latest, GError **error)
{
	g_autofree char *path = pod_path(op, name), *why = NULL;
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) pod = recovery_api_get(step, path, &local);
	g_auto(RdNode) node = {0};
	RecoveryMoment moment;

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return RECOVERY_PROBE_UNKNOWN;
	}
	/* the time behind the lease, so that it is none of the future */
	if (!rd_node_get(step, name, &node, error) || !rd_api_moment(step, &moment, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (judge_pod(pod, &node, name, latest, &moment, &why) == RECOVERY_FRESH_TRUE)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step,
			  "%s: the operator has %s at revision %" G_GINT64_FORMAT
			  ", but nothing of today shows it: %s",
			  op->name, name, latest, why);
	return RECOVERY_PROBE_ABSENT;
}

/* That somebody comes new to the latest revision: the others may be behind, or dead. */
RecoveryProbe
at_revision_probe(RecoveryStep *step, GError **error)
{
	const RdOperator *op = operator_find(recovery_string(step, "operator"), error);
	const char *name = recovery_string(step, "node");
	g_autoptr(JsonNode) object = op == NULL ? NULL : operator_get(step, op, error);
	JsonArray *nodes = rd_api_items(object, "status", "nodeStatuses", NULL);
	gint64 latest = rd_api_int(object, 0, "status", "latestAvailableRevision", NULL);

	if (object == NULL) {
		operator_explain_silence(step, error);
		return RECOVERY_PROBE_UNKNOWN;
	}
	say_moved(step, object);
	for (guint i = 0; i < rd_api_length(nodes); i++) {
		JsonNode *status = json_array_get_element(nodes, i);
		g_autoptr(GString) line = g_string_new(NULL);

		if (!g_str_equal(rd_api_text(status, "nodeName", NULL), name))
			continue;
		if (latest > 0 && rd_api_int(status, 0, "currentRevision", NULL) == latest &&
		    rd_api_int(status, 0, "targetRevision", NULL) == 0)
			return witness(step, op, name, latest, error);
		add_node(line, status, 0);
		recovery_progress(step, "%s: the newest revision is %" G_GINT64_FORMAT "%s",
				  op->name, latest, line->str);
		return RECOVERY_PROBE_ABSENT;
	}
	recovery_progress(step, "%s: the operator does not know %s yet", op->name, name);
	return RECOVERY_PROBE_ABSENT;
}
