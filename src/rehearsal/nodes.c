/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* Nodes: what their kubelets write while they log in (kubelet-pki.c), what the node controller
 * writes of those that are silent; and leases, which tell who is at home. */

#define LEASES	    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"
#define RENEW_S	    10.0 /* a kubelet's lease, and an operator's (domain 2.2) */
#define GRACE_S	    40.0 /* without a renewal: NotReady */
#define CORRECT_S   20.0 /* until a kubelet that lives has corrected a false status */
#define OPERATORS_S 30.0 /* until operators lead again: their leases of the past run out */

void
rd_sim_renew_lease(RdSimBehind *self, const char *path, JsonObject *lease, const char *manager,
		   double time)
{
	JsonObject *spec = rd_sim_member(lease, "spec");
	g_autofree char *whole = rd_sim_time_text(time);
	g_autofree char *text = g_strdup_printf("%.19s.000000Z", whole);

	if (g_strcmp0(json_object_get_string_member_with_default(spec, "renewTime", ""), text) == 0)
		return;
	json_object_set_string_member(spec, "renewTime", text);
	rd_sim_store_written(self->store, path, manager, NULL, time);
}

/* the last of a row of renewals that began at @begun */
static double
last_renewal(RdSimBehind *self, double begun)
{
	return begun + RENEW_S * (double)(gint64)((self->now - begun) / RENEW_S);
}

static void
silent(RdSimBehind *self, const char *path, JsonObject *node, const char *name)
{
	g_autofree char *gone = g_strdup_printf("gone %s", name);

	if (self->now >= rd_sim_behind_seen(self, gone) + GRACE_S &&
	    rd_sim_runs_somewhere(self->cluster, "kube-controller-manager") &&
	    rd_sim_set_condition(node, "Ready", "Unknown", "NodeStatusUnknown", self->now))
		rd_sim_store_written(self->store, path, "kube-controller-manager", "status",
				     self->now);
}

/* a kubelet that has just started says of which boot it is, and is not Ready for a while */
static void
correct(RdSimBehind *self, const char *path, JsonObject *node, const RdSimHost *host, double begun)
{
	JsonObject *info = rd_sim_peek(rd_sim_peek(node, "status"), "nodeInfo");
	const char *said = json_object_get_string_member_with_default(info, "bootID", NULL);
	gboolean changed = FALSE;

	if (said != NULL && !g_str_equal(said, host->boot_id)) {
		json_object_set_string_member(info, "bootID", host->boot_id);
		rd_sim_set_condition(node, "Ready", "False", "KubeletNotReady", begun);
		changed = TRUE;
	}
	if (self->now >= begun + CORRECT_S)
		changed |=
		    rd_sim_set_condition(node, "Ready", "True", "KubeletReady", begun + CORRECT_S);
	if (changed)
		rd_sim_store_written(self->store, path, "kubelet", "status", self->now);
}

void
rd_sim_catch_up_node(RdSimBehind *self, const char *path, JsonObject *node)
{
	const char *name = strrchr(path, '/') + 1;
	RdSimHost *host = rd_sim_cluster_find(self->cluster, name);
	g_autofree char *lease_path = g_strconcat(LEASES, name, NULL);
	JsonObject *lease = rd_sim_store_look(self->store, lease_path);
	g_autofree char *gone = g_strdup_printf("gone %s", name);
	g_autofree char *in = g_strdup_printf("in %s", name);
	double begun;

	if (host == NULL || host->power != RD_SIM_UP || !rd_sim_kubelet_logs_in(self, host)) {
		rd_sim_behind_forget(self, in);
		silent(self, path, node, name);
		return;
	}
	rd_sim_behind_forget(self, gone);
	begun = rd_sim_behind_seen(self, in);
	begun = MIN(begun, MAX(self->up, (double)host->kubelet_since / G_USEC_PER_SEC));
	if (lease != NULL)
		rd_sim_renew_lease(self, lease_path, lease, "kubelet", last_renewal(self, begun));
	correct(self, path, node, host, begun);
}

gboolean
rd_sim_node_lives(RdSimBehind *self, const char *name)
{
	RdSimHost *host = rd_sim_cluster_find(self->cluster, name);

	return host != NULL && host->power == RD_SIM_UP && rd_sim_kubelet_logs_in(self, host);
}

/* those of kubelets are the nodes' */
void
rd_sim_catch_up_lease(RdSimBehind *self, const char *path, JsonObject *lease)
{
	const char *name = strrchr(path, '/') + 1;
	double begun = self->up + OPERATORS_S;

	if (self->now >= begun && g_str_has_suffix(name, "-operator-lock"))
		rd_sim_renew_lease(self, path, lease, name, last_renewal(self, begun));
}
