/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* INV-1 by the API: nothing is restored over a cluster that works.
 *
 * The design asks for a read and a write that is only tried. A query may not write, and need not:
 * a GET without resourceVersion is answered by etcd itself, after a majority of its members has
 * confirmed it. Whoever gets an answer has a quorum. That somebody writes is seen by the leases,
 * which is more than a dry run tells: a full etcd passes that, and renews none.
 *
 * A cluster is asked about that is most probably dead, so the answer must not take the patience
 * that a cluster on its way back deserves: where no control-plane host has anybody who listens for
 * it, there is no API. Where somebody does, the read is tried for as long as this step has time. */

#include "../common/ask.h"
#include "api.h"

#define READ	    "/api/v1/namespaces/kube-system"
#define LEASES	    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
#define PORT	    ":6443"
#define LEASE_FRESH 60 /* seconds; kubelets renew every 10 */

/* a line of `ss -Htln`: its fourth word is the local address */
static gboolean
listens(const char *out)
{
	g_auto(GStrv) lines = rd_lines(out);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_regex_split_simple(" +", lines[i], 0, 0);

		if (g_strv_length(words) > 3 && g_str_has_suffix(words[3], PORT))
			return TRUE;
	}
	return FALSE;
}

/* every host was asked, and on none there is an API server */
static gboolean
nobody_listens(RecoveryStep *step)
{
	static const char *const sockets[] = {"ss", "-Htln", NULL};
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, (const char *const *)hosts, sockets);

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];

		if (answer->error != NULL || answer->reply.status != 0 ||
		    listens(answer->reply.out))
			return FALSE;
	}
	return answers->len > 0;
}

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
	if (nobody_listens(step)) {
		recovery_progress(step, "no control-plane host has an API server that listens");
		return TRUE;
	}
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
