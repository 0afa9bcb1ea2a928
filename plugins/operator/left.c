/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Operators that cannot become stable because of a worker that the run has left: a daemon set
 * wants a pod on each node that the API has, so the network and others stay Progressing, later
 * Degraded, for as long as one of them is dead.
 *
 * Their words do not say which node it is ("awaiting 1 nodes", "2 out of 3 updated"), each operator
 * has its own. What is counted does: in an operator's namespaces a daemon set lacks no more pods
 * than there are such nodes, and every pod elsewhere is Ready. Then nothing is wrong with the
 * recovery, and the run ends with that node among its leftovers. */

#include "../common/nodes.h"
#include "operator.h"

#define NODES	    "/api/v1/nodes"
#define DAEMON_SETS "/apis/apps/v1/daemonsets"

void
left_clear(RdLeft *self)
{
	g_clear_pointer(&self->nodes, g_ptr_array_unref);
	g_clear_pointer(&self->awaited, g_ptr_array_unref);
	g_clear_pointer(&self->daemon_sets, json_array_unref);
}

/* a control plane that lacks a host is no leftover, excused or not */
static gboolean
is_awaited(RecoveryStep *step, JsonNode *node)
{
	g_auto(GStrv) workers = recovery_hosts(step, "workers");

	return rd_node_is_control_plane(node) ||
	       g_strv_contains((const char *const *)workers, rd_api_name(node));
}

/* nodes that are not Ready; to be gone without are workers that were left, or are nobody's */
static gboolean
find_nodes(RecoveryStep *step, RdLeft *self, GError **error)
{
	g_autoptr(JsonArray) all = NULL;

	if (self->nodes != NULL)
		return TRUE;
	all = recovery_api_list(step, NODES, error);
	if (all == NULL)
		return FALSE;
	self->nodes = g_ptr_array_new_with_free_func(g_free);
	self->awaited = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < rd_api_length(all); i++) {
		JsonNode *node = json_array_get_element(all, i);

		if (!g_str_equal(rd_api_condition_status(node, "Ready"), "True"))
			g_ptr_array_add(is_awaited(step, node) ? self->awaited : self->nodes,
					g_strdup(rd_api_name(node)));
	}
	return TRUE;
}

/* How many pods the daemon sets of @namespace lack, the most that one of them does; one whose
 * newest template was not looked at yet lacks all. */
static gint64
lacking(const RdLeft *self, const char *namespace)
{
	gint64 most = 0;

	for (guint i = 0; i < rd_api_length(self->daemon_sets); i++) {
		JsonNode *one = json_array_get_element(self->daemon_sets, i);
		gint64 wanted = rd_api_int(one, 0, "status", "desiredNumberScheduled", NULL);
		gint64 there = MIN(rd_api_int(one, 0, "status", "numberAvailable", NULL),
				   rd_api_int(one, 0, "status", "updatedNumberScheduled", NULL));

		if (!g_str_equal(rd_api_text(one, "metadata", "namespace", NULL), namespace))
			continue;
		if (rd_api_int(one, 0, "status", "observedGeneration", NULL) <
		    rd_api_int(one, 0, "metadata", "generation", NULL))
			there = 0;
		most = MAX(most, wanted - there);
	}
	return most;
}

/* every pod of @namespace is Ready, or has ended well, or is on one of these nodes */
static gboolean
is_well_elsewhere(RecoveryStep *step, const RdLeft *self, const char *namespace, gboolean *well,
		  GError **error)
{
	g_autofree char *escaped = rd_api_escape(namespace);
	g_autofree char *path = g_strdup_printf("/api/v1/namespaces/%s/pods", escaped);
	g_autoptr(JsonArray) pods = recovery_api_list(step, path, error);

	if (pods == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(pods) && *well; i++) {
		JsonNode *pod = json_array_get_element(pods, i);

		*well = g_str_equal(rd_api_condition_status(pod, "Ready"), "True") ||
			g_str_equal(rd_api_text(pod, "status", "phase", NULL), "Succeeded") ||
			g_ptr_array_find_with_equal_func(self->nodes,
							 rd_api_text(pod, "spec", "nodeName", NULL),
							 g_str_equal, NULL);
	}
	return TRUE;
}

gboolean
left_explains(RecoveryStep *step, RdLeft *self, JsonNode *object, gboolean *explains,
	      GError **error)
{
	JsonArray *related = rd_api_items(object, "status", "relatedObjects", NULL);
	gboolean lacks = FALSE, well = TRUE;

	*explains = FALSE;
	if (!g_str_equal(rd_api_condition_status(object, "Available"), "True"))
		return TRUE;
	if (!find_nodes(step, self, error))
		return FALSE;
	if (self->nodes->len == 0)
		return TRUE;
	if (self->daemon_sets == NULL)
		self->daemon_sets = recovery_api_list(step, DAEMON_SETS, error);
	if (self->daemon_sets == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(related) && well; i++) {
		JsonNode *one = json_array_get_element(related, i);
		const char *namespace = rd_api_text(one, "name", NULL);
		gint64 n = lacking(self, namespace);

		if (!g_str_equal(rd_api_text(one, "resource", NULL), "namespaces"))
			continue;
		lacks |= n > 0;
		well = n <= self->nodes->len;
		if (well && !is_well_elsewhere(step, self, namespace, &well, error))
			return FALSE;
	}
	*explains = lacks && well;
	return TRUE;
}
