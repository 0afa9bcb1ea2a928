/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Somebody new is there: a control-plane Node that was made after the lost one went, Ready, with a
 * lease that is renewed. */

#include "machine.h"
#include <string.h>

#define NODES  "/api/v1/nodes"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"

/* @why: of the newest candidate, what it lacks */
static gboolean
is_new_and_ready(JsonNode *node, JsonArray *leases, double after, const RecoveryMoment *moment,
		 const char *wanted, char **why)
{
	const RdNode one = {node, rd_api_find(leases, rd_api_name(node))};
	g_autofree char *made = NULL;

	if (!rd_node_is_control_plane(node) ||
	    (*wanted != '\0' && !g_str_equal(wanted, rd_api_name(node))) ||
	    recovery_fresh_created(node, after, &made) != RECOVERY_FRESH_TRUE)
		return FALSE;
	g_clear_pointer(why, g_free);
	return rd_node_fresh(&one, rd_api_name(node), moment, why) == RECOVERY_FRESH_TRUE;
}

RecoveryProbe
arrived_probe(RecoveryStep *step, GError **error)
{
	const char *wanted = recovery_string(step, "node");
	double after = g_ascii_strtod(recovery_string(step, "after"), NULL);
	g_autoptr(JsonArray) nodes = recovery_api_list(step, NODES, error);
	g_autoptr(JsonArray) leases = nodes != NULL ? recovery_api_list(step, LEASES, error) : NULL;
	g_autofree char *why = NULL, *name = g_strconcat("Node ", wanted, NULL);
	RecoveryMoment moment;

	if (leases == NULL || !rd_api_moment(step, &moment, error))
		return RECOVERY_PROBE_UNKNOWN;
	for (guint i = 0; i < rd_api_length(nodes); i++) {
		JsonNode *node = json_array_get_element(nodes, i);

		if (is_new_and_ready(node, leases, after, &moment, wanted, &why))
			return recovery_output(step, "node", rd_api_name(node), error)
				   ? RECOVERY_PROBE_PRESENT
				   : RECOVERY_PROBE_UNKNOWN;
	}
	if (why != NULL)
		recovery_progress(step, "%s", why);
	else
		recovery_progress(step,
				  "no %s has registered since the lost one was deleted: its host "
				  "boots, or waits for its certificate",
				  *wanted != '\0' ? name : "control-plane Node");
	return RECOVERY_PROBE_ABSENT;
}
