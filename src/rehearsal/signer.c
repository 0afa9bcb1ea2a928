/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/scenery.h"
#include "rehearsal/store-private.h"
#include <string.h>

#define START_S 8.0 /* from the pod's creation until it listens */

static const char *
wanted_node(JsonObject *pod)
{
	JsonObject *spec = rd_sim_peek(pod, "spec");

	return json_object_get_string_member_with_default(rd_sim_peek(spec, "nodeSelector"),
							  "kubernetes.io/hostname", "");
}

/* one host has it, or none */
static void
listen_on(RdSimCluster *cluster, const char *name)
{
	for (guint i = 0; i < cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		host->signs = g_str_equal(host->name, name);
	}
}

void
rd_sim_catch_up_signer(RdSimBehind *self)
{
	JsonObject *pod = rd_sim_store_look(self->store, RD_SIM_SIGNER_POD);
	const char *node = pod != NULL ? wanted_node(pod) : "";

	if (pod == NULL) {
		rd_sim_behind_forget(self, "signer");
		listen_on(self->cluster, "");
		return;
	}
	if (!rd_sim_node_lives(self, node))
		return;
	if (!json_object_has_member(rd_sim_peek(pod, "spec"), "nodeName")) {
		json_object_set_string_member(rd_sim_member(pod, "spec"), "nodeName", node);
		rd_sim_store_written(self->store, RD_SIM_SIGNER_POD, "kube-scheduler", NULL,
				     self->now);
	}
	if (self->now >= rd_sim_behind_seen(self, "signer") + START_S)
		listen_on(self->cluster, node);
	else
		self->under_way = TRUE;
}

/* A kubelet registers when it starts. One that runs while its Node is deleted does not, but for
 * those of hosts that were made anew: somebody restarts them. */
static gboolean
starts_since(const RdSimHost *host, double gone)
{
	return host->anew || (double)host->kubelet_since / G_USEC_PER_SEC >= gone;
}

void
rd_sim_catch_up_new_nodes(RdSimBehind *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *key = NULL, *uid = NULL;

		if (rd_sim_node_is_known(self, host->name))
			continue;
		key = g_strconcat("no node ", host->name, NULL);
		if (!starts_since(host, rd_sim_behind_seen(self, key)) || host->power != RD_SIM_UP)
			continue;
		self->under_way = TRUE;
		if (!rd_sim_kubelet_logs_in(self, host))
			continue;
		uid = g_strdup_printf("node-%s-%" G_GUINT64_FORMAT, host->name,
				      ++self->cluster->serials);
		rd_scenery_put_node(self->store, host, uid, self->now);
	}
}
