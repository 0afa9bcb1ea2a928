/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "nodes.h"

#define NODES  "/api/v1/nodes"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

void
rd_node_clear(RdNode *self)
{
	g_clear_pointer(&self->node, json_node_unref);
	g_clear_pointer(&self->lease, json_node_unref);
}

char *
rd_node_path(const char *name)
{
	g_autofree char *escaped = rd_api_escape(name);

	return g_strconcat(NODES "/", escaped, NULL);
}

gboolean
rd_node_get(RecoveryStep *step, const char *name, RdNode *self, GError **error)
{
	g_autofree char *escaped = rd_api_escape(name), *node = rd_node_path(name);
	g_autofree char *lease = g_strconcat(LEASES "/", escaped, NULL);
	g_autoptr(GError) local = NULL;

	self->node = recovery_api_get(step, node, &local);
	if (local == NULL)
		self->lease = recovery_api_get(step, lease, &local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

RecoveryFresh
rd_node_fresh(const RdNode *self, const char *name, const RecoveryMoment *moment, char **why)
{
	if (self->node != NULL)
		return recovery_fresh_node(moment, self->node, self->lease, why);
	*why = g_strdup_printf("there is no Node %s: its kubelet has not registered it", name);
	return RECOVERY_FRESH_FALSE;
}

gboolean
rd_nodes_ready(RecoveryStep *step, const char *const *names, gboolean *ready, char **why,
	       GError **error)
{
	g_autoptr(JsonArray) nodes = recovery_api_list(step, NODES, error);
	g_autoptr(JsonArray) leases = nodes != NULL ? recovery_api_list(step, LEASES, error) : NULL;
	g_autofree char *first = NULL;
	RecoveryMoment moment;
	guint there = 0, n = 0;

	/* behind the lists, so that no lease in them is of the future */
	if (leases == NULL || !rd_api_moment(step, &moment, error))
		return FALSE;
	for (; names[n] != NULL; n++) {
		const RdNode one = {rd_api_find(nodes, names[n]), rd_api_find(leases, names[n])};
		g_autofree char *reason = NULL;

		if (rd_node_fresh(&one, names[n], &moment, &reason) == RECOVERY_FRESH_TRUE)
			there++;
		else if (first == NULL)
			first = g_steal_pointer(&reason);
	}
	*ready = n > 0 && there == n;
	*why = g_strdup_printf("%u of %u nodes are Ready%s%s", there, n, first != NULL ? "; " : "",
			       first != NULL ? first : "");
	return TRUE;
}

gboolean
rd_node_is_control_plane(JsonNode *node)
{
	JsonNode *labels = rd_api_at(node, "metadata", "labels", NULL);

	return rd_api_at(labels, "node-role.kubernetes.io/control-plane", NULL) != NULL ||
	       rd_api_at(labels, "node-role.kubernetes.io/master", NULL) != NULL;
}

#define ALIVE 40 /* seconds; kubelets renew every 10 */

gboolean
rd_node_is_alive(JsonNode *lease, const RecoveryMoment *moment)
{
	double renewed = rd_api_time(lease, "spec", "renewTime", NULL);

	return renewed > moment->since && moment->now - renewed <= ALIVE;
}

/* How long its kubelet has been silent, in seconds. One that lives needs the API to say so: time
 * without it counts for nothing, and neither does a lease that came out of the backup. */
static double
silence(JsonNode *lease, const RecoveryMoment *moment)
{
	double renewed = rd_api_time(lease, "spec", "renewTime", NULL);

	return moment->now - MAX(renewed, moment->since);
}

gboolean
rd_node_check_lost(RecoveryStep *step, const char *name, const RdNode *self, GError **error)
{
	g_auto(GStrv) excused = recovery_excused(step), recovery = recovery_hosts(step, "recovery");
	RecoveryMoment moment;

	if (recovery[0] != NULL && g_str_equal(recovery[0], name))
		return rd_api_refuse(error, "%s is the recovery host: its Node stays", name);
	if (!g_strv_contains((const char *const *)excused, name))
		return rd_api_refuse(
		    error,
		    "nobody has stated that %s is powered off for good: 'recoveryd "
		    "excuse' does, for a control-plane host of the inventory",
		    name);
	if (!rd_api_moment(step, &moment, error))
		return FALSE;
	if (silence(self->lease, &moment) >= RD_NODE_SILENT)
		return TRUE;
	if (rd_api_time(self->lease, "spec", "renewTime", NULL) > moment.since)
		return rd_api_refuse(
		    error,
		    "%s is stated to be powered off, but its kubelet has renewed its lease "
		    "%.0f s ago: it runs. Nothing is deleted",
		    name, MAX(silence(self->lease, &moment), 0));
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s has been silent since the API answers, but that is %.0f s only: after %d s "
		    "it counts as lost. Nothing is deleted",
		    name, silence(self->lease, &moment), RD_NODE_SILENT);
	return FALSE;
}

char *
rd_node_marker(RecoveryStep *step)
{
	g_autofree char *dir = recovery_work_dir(step);

	return g_build_filename(dir, "kubelet-certificates-moved", NULL);
}
