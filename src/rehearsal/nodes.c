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

static void
renew_lease(RdSimBehind *self, RdSimObject *lease, const char *manager, double time)
{
	g_autofree char *whole = rd_sim_time_text(time);
	g_autofree char *text = NULL;

	/* "2026-11-20T03:00:00Z", and the lease's with microseconds */
	whole[strlen(whole) - 1] = '\0';
	text = g_strconcat(whole, ".000000Z", NULL);
	if (g_str_equal(rd_sim_facts(lease)->renewed, text))
		return;
	json_object_set_string_member(rd_sim_member(rd_sim_object_body(lease), "spec"), "renewTime",
				      text);
	rd_sim_store_written(self->store, lease->path, manager, NULL, time);
}

/* the last of a row of renewals that began at @begun */
static double
last_renewal(RdSimBehind *self, double begun)
{
	return begun + RENEW_S * (double)(gint64)((self->now - begun) / RENEW_S);
}

static void
silent(RdSimBehind *self, RdSimObject *node, const char *name)
{
	g_autofree char *gone = g_strdup_printf("gone %s", name);

	if (self->now >= rd_sim_behind_seen(self, gone) + GRACE_S &&
	    rd_sim_runs_somewhere(self->cluster, "kube-controller-manager") &&
	    rd_sim_set_condition(rd_sim_object_body(node), "Ready", "Unknown", "NodeStatusUnknown",
				 self->now))
		rd_sim_store_written(self->store, node->path, "kube-controller-manager", "status",
				     self->now);
}

/* a kubelet that has just started says of which boot it is, and is not Ready for a while */
static void
correct(RdSimBehind *self, RdSimObject *node, const RdSimHost *host, double begun)
{
	JsonObject *body = rd_sim_object_body(node);
	const RdSimFacts *facts = rd_sim_facts(node);
	double corrected = begun + rd_sim_cluster_takes(self->cluster, CORRECT_S);
	gboolean changed = FALSE;

	if (facts->boot != NULL && !g_str_equal(facts->boot, host->boot_id)) {
		JsonObject *info = rd_sim_member(rd_sim_member(body, "status"), "nodeInfo");

		json_object_set_string_member(info, "bootID", host->boot_id);
		rd_sim_set_condition(body, "Ready", "False", "KubeletNotReady", begun);
		changed = TRUE;
	}
	if (self->now >= corrected && (changed || !facts->ready))
		changed |= rd_sim_set_condition(body, "Ready", "True", "KubeletReady", corrected);
	if (changed)
		rd_sim_store_written(self->store, node->path, "kubelet", "status", self->now);
}

void
rd_sim_catch_up_node(RdSimBehind *self, RdSimObject *node)
{
	const char *name = node->name;
	RdSimHost *host = rd_sim_cluster_find(self->cluster, name);
	g_autofree char *lease_path = g_strconcat(LEASES, name, NULL);
	RdSimObject *lease = rd_sim_store_look_at(self->store, lease_path);
	g_autofree char *gone = g_strconcat("gone ", name, NULL);
	g_autofree char *in = g_strconcat("in ", name, NULL);
	double begun;

	if (host == NULL || host->power != RD_SIM_UP || !rd_sim_kubelet_logs_in(self, host)) {
		rd_sim_behind_forget(self, in);
		silent(self, node, name);
		return;
	}
	rd_sim_behind_forget(self, gone);
	begun = rd_sim_behind_seen(self, in);
	begun = MIN(begun, MAX(self->up, (double)host->kubelet_since / G_USEC_PER_SEC));
	if (lease != NULL)
		renew_lease(self, lease, "kubelet", last_renewal(self, begun));
	correct(self, node, host, begun);
}

gboolean
rd_sim_node_is_known(RdSimBehind *self, const char *name)
{
	g_autofree char *path = g_strconcat("/api/v1/nodes/", name, NULL);

	return rd_sim_store_look_at(self->store, path) != NULL;
}

gboolean
rd_sim_node_lives(RdSimBehind *self, const char *name)
{
	RdSimHost *host = rd_sim_cluster_find(self->cluster, name);

	return host != NULL && host->power == RD_SIM_UP && rd_sim_kubelet_logs_in(self, host);
}

/* those of kubelets are the nodes', and go with them */
void
rd_sim_catch_up_lease(RdSimBehind *self, RdSimObject *lease)
{
	double begun = self->up + rd_sim_cluster_takes(self->cluster, OPERATORS_S);

	if (rd_sim_object_is_in(lease, "kube-node-lease")) {
		if (!rd_sim_node_is_known(self, lease->name))
			rd_sim_store_remove(self->store, lease->path);
		return;
	}
	if (self->now >= begun && g_str_has_suffix(lease->name, "-operator-lock"))
		renew_lease(self, lease, lease->name, last_renewal(self, begun));
}
