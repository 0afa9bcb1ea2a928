/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* INV-1 by the API: nothing is restored over a cluster that works.
 *
 * The design asks for a read and a write that is only tried. A query may not write, and need not:
 * a GET without resourceVersion is answered by etcd itself, after a majority of its members has
 * confirmed it. Whoever gets an answer has a quorum. That somebody writes is seen by the leases,
 * which is more than a dry run tells: a full etcd passes that, and renews none. */

#include "api.h"

#define READ	    "/api/v1/namespaces/kube-system"
#define LEASES	    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
#define LEASE_FRESH 60 /* seconds; kubelets renew every 10 */

/* the newest renewal, seconds since the epoch; 0: none */
static double
newest_renewal(JsonArray *leases)
{
	double newest = 0;

	for (guint i = 0; i < rd_api_length(leases); i++)
		newest = MAX(newest, rd_api_time(json_array_get_element(leases, i), "spec",
						 "renewTime", NULL));
	return newest;
}

gboolean
api_dead(RecoveryStep *step, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) read = NULL;
	g_autoptr(JsonArray) leases = NULL;
	RecoveryMoment moment;
	double age;

	/* the way leads over the recovery host: only where that answers, silence is the API's */
	if (!recovery_moment(step, "1", &moment, error))
		return FALSE;
	read = recovery_api_get(step, READ, &local);
	if (local != NULL && (g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE) ||
			      g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_FAILED))) {
		recovery_progress(step, "the API answers no read: %s", local->message);
		return TRUE;
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	leases = recovery_api_list(step, LEASES, NULL);
	age = moment.now - newest_renewal(leases);
	if (age <= LEASE_FRESH)
		return rd_api_refuse(error,
				     "the cluster works: its API answers reads, and a node has "
				     "renewed its lease %.0f s ago. A restore would throw away "
				     "everything since the backup. Repair what is broken instead",
				     MAX(age, 0));
	return rd_api_refuse(error,
			     "etcd has a quorum: the API answers a read that only a majority of "
			     "its members can. Nobody was seen to write; look for a full etcd "
			     "('etcdctl alarm list') and for kubelets that cannot log in, before "
			     "anything is thrown away");
}
