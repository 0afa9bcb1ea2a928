/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/scenery.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* What a cluster has to be like when a whole restore is through, seen from the hosts and in
 * the API, not from anything that recoveryd says of itself. */

#define MHC                                                                                        \
	"/apis/machine.openshift.io/v1beta1/namespaces/openshift-machine-api/machinehealthchecks/"
#define BMH    "/apis/metal3.io/v1alpha1/namespaces/openshift-machine-api/baremetalhosts/"
#define PAUSED "cluster.x-k8s.io/paused"
#define ALIVE  60 /* seconds */

typedef struct {
	RdSimCluster *cluster;
	RdSimStore *store;
	double now;
	const char *const *without;
	GPtrArray *wrong;
	guint members;	/* that etcd has to have */
	guint given_up; /* control-plane hosts */
	guint64 id;	/* of its cluster, as the first host has it */
} Check;

G_GNUC_PRINTF(2, 3)
static void
wrong(Check *self, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(self->wrong, g_strdup_vprintf(format, args));
	va_end(args);
}

static gboolean
is_without(const Check *self, const char *name)
{
	return self->without != NULL && g_strv_contains(self->without, name);
}

/* "a.b.c" of an object, as text; NULL when there is none. (transfer full) */
static char *
field(const Check *self, const char *path, const char *key)
{
	JsonObject *object = rd_sim_store_find(self->store, path);

	return object != NULL ? rd_sim_select_field(object, key) : NULL;
}

/* ---- hosts ---- */

static void
check_etcd(Check *self, const RdSimHost *host)
{
	if (!rd_sim_etcd_has_quorum(host)) {
		wrong(self, "%s: its etcd has no quorum", host->name);
		return;
	}
	if (self->id == 0)
		self->id = host->etcd->cluster_id;
	if (host->etcd->cluster_id != self->id)
		wrong(self, "%s: its etcd is of another cluster", host->name);
	if (host->etcd->revision != RD_SCENERY_BACKUP_REVISION)
		wrong(self, "%s: its etcd is not of the backup", host->name);
}

static void
check_members(Check *self, const RdSimHost *host)
{
	if (host->etcd == NULL)
		return;
	/* one that was given up when all was done had its vote by then, and keeps it */
	if (host->etcd->peers->len < self->members ||
	    host->etcd->peers->len > self->members + self->given_up)
		wrong(self, "%s: etcd has %u members instead of %u", host->name,
		      host->etcd->peers->len, self->members);
	for (guint i = 0; i < host->etcd->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(host->etcd->peers, i);

		if (peer->learner || peer->unstarted)
			wrong(self, "%s: member %s is no voter that runs", host->name, peer->name);
	}
}

static void
check_master(Check *self, RdSimHost *host)
{
	RdSimNode *manifests = rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS);
	/* no keepalived comes with a reinstalled host (README.md) */
	guint expected = 4 + (self->cluster->vips != NULL && !host->anew ? 1 : 0);

	if (manifests == NULL || manifests->children->len != expected)
		wrong(self, "%s: not all manifests are back", host->name);
	if (host->original_inode != 0 && !rd_sim_tree_has_inode(host->tree, host->original_inode))
		wrong(self, "%s: the old data is gone", host->name);
	check_etcd(self, host);
}

/* OVN makes its databases anew from the API; those of before know a cluster that is no more */
static void
check_network(Check *self, RdSimHost *host)
{
	RdSimNode *database = rd_sim_tree_find(host->tree, RD_SIM_OVN_DIR "/ovnnb_db.db");
	g_autofree char *text = database != NULL ? rd_sim_node_text(database) : NULL;

	if (g_strcmp0(text, "old\n") == 0)
		wrong(self, "%s: its network still is the old one", host->name);
}

/* ---- the API ---- */

static void
check_node(Check *self, const RdSimHost *host)
{
	g_autofree char *path = g_strdup_printf("/api/v1/nodes/%s", host->name);
	g_autofree char *lease = g_strdup_printf(
	    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/%s", host->name);
	g_autofree char *renewed = field(self, lease, "spec.renewTime");
	g_autofree char *closed = field(self, path, "spec.unschedulable");
	JsonObject *node = rd_sim_store_find(self->store, path);
	g_autoptr(GDateTime) time =
	    renewed != NULL ? g_date_time_new_from_iso8601(renewed, NULL) : NULL;

	if (node == NULL || !g_str_equal(rd_sim_condition(node, "Ready"), "True"))
		wrong(self, "node %s is not Ready", host->name);
	if (time == NULL || self->now - (double)g_date_time_to_unix(time) > ALIVE)
		wrong(self, "node %s: its lease is of %s", host->name, renewed);
	if (g_strcmp0(closed, "true") == 0)
		wrong(self, "node %s is still cordoned", host->name);
}

static void
check_operator(Check *self, const char *plural)
{
	g_autofree char *path =
	    g_strdup_printf("/apis/operator.openshift.io/v1/%s/cluster", plural);
	JsonObject *object = rd_sim_store_find(self->store, path), *status;
	JsonArray *nodes;
	gint64 latest;

	if (object == NULL) {
		wrong(self, "there is no %s", path);
		return;
	}
	status = rd_sim_member(object, "status");
	latest = json_object_get_int_member(status, "latestAvailableRevision");
	nodes = json_object_get_array_member(status, "nodeStatuses");
	if (latest <= RD_SCENERY_REVISION)
		wrong(self, "%s is at no new revision", plural);
	for (guint i = 0; i < json_array_get_length(nodes); i++) {
		JsonObject *node = json_array_get_object_element(nodes, i);
		const char *name = json_object_get_string_member(node, "nodeName");

		if (!is_without(self, name) &&
		    json_object_get_int_member(node, "currentRevision") != latest)
			wrong(self, "%s: %s is not at revision %" G_GINT64_FORMAT, plural, name,
			      latest);
	}
}

static void
check_annotation(Check *self, const char *path, const char *name, gboolean wanted)
{
	JsonObject *object = rd_sim_store_find(self->store, path);
	JsonObject *notes =
	    object != NULL ? rd_sim_member(rd_sim_metadata(object), "annotations") : NULL;

	if (notes == NULL || json_object_has_member(notes, name) != wanted)
		wrong(self, "%s: %s is %s", path, name, wanted ? "gone" : "still there");
}

/* what was borrowed is as it was before (INV-28, INV-30) */
static void
check_borrowed(Check *self)
{
	static const char webhook[] = "/apis/admissionregistration.k8s.io/v1/"
				      "validatingwebhookconfigurations/" RD_SCENERY_WEBHOOK;
	JsonObject *hook = rd_sim_store_find(self->store, webhook);
	JsonObject *guard =
	    rd_sim_store_find(self->store, "/apis/operator.openshift.io/v1/etcds/cluster");
	JsonNode *overrides = guard != NULL ? json_object_get_member(rd_sim_member(guard, "spec"),
								     "unsupportedConfigOverrides")
					    : NULL;
	g_autofree char *text = overrides != NULL ? json_to_string(overrides, FALSE) : NULL;

	if (hook == NULL || g_strcmp0(json_object_get_string_member(
					  json_array_get_object_element(
					      json_object_get_array_member(hook, "webhooks"), 0),
					  "failurePolicy"),
				      "Fail") != 0)
		wrong(self, "webhook " RD_SCENERY_WEBHOOK " is not closed again");
	if (text != NULL && strstr(text, "UnstableEtcd") != NULL)
		wrong(self, "the quorum guard is still off: %s", text);
	check_annotation(self, MHC "kite-masters", PAUSED, TRUE);
	check_annotation(self, MHC "kite-workers", PAUSED, FALSE);
	check_annotation(self, BMH "kite-m1", "baremetalhost.metal3.io/paused", FALSE);
}

/* of keepalived: its manifest and its pod on every host, each VIP on one */
static void
check_keepalived(Check *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (!host->worker && !host->keepalived && !host->anew)
			wrong(self, "%s: keepalived does not run", host->name);
	}
	for (guint i = 0; self->cluster->vips[i] != NULL; i++) {
		guint owners = 0;

		for (guint j = 0; j < self->cluster->hosts->len; j++)
			owners += rd_sim_host_has_address(
			    g_ptr_array_index(self->cluster->hosts, j), self->cluster->vips[i]);
		if (owners != 1)
			wrong(self, "%s is on %u hosts", self->cluster->vips[i], owners);
	}
}

GPtrArray *
rd_scenery_check_borrowed(RdSimCluster *cluster, RdSimApi *api)
{
	Check self = {.cluster = cluster,
		      .store = rd_sim_api_get_store(api),
		      .wrong = g_ptr_array_new_with_free_func(g_free)};

	if (cluster->vips != NULL)
		check_keepalived(&self);
	check_borrowed(&self);
	return self.wrong;
}

GPtrArray *
rd_scenery_check_cluster_state(RdSimCluster *cluster, RdSimApi *api, const char *const *without,
			       gboolean rolled_out)
{
	static const char *const operators[] = {"etcds", "kubeapiservers", "kubecontrollermanagers",
						"kubeschedulers"};
	Check self = {.cluster = cluster,
		      .store = rd_sim_api_get_store(api),
		      .now = rd_sim_api_get_time(api),
		      .without = without,
		      .wrong = g_ptr_array_new_with_free_func(g_free)};

	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		self.members += !host->worker && !is_without(&self, host->name);
		self.given_up += !host->worker && is_without(&self, host->name);
	}
	for (guint i = 0; i < cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		if (is_without(&self, host->name))
			continue;
		if (!host->worker)
			check_master(&self, host);
		if (!host->worker && rolled_out)
			check_members(&self, host);
		check_node(&self, host);
		check_network(&self, host);
	}
	for (guint i = 0; rolled_out && i < G_N_ELEMENTS(operators); i++)
		check_operator(&self, operators[i]);
	check_borrowed(&self);
	if (rd_sim_store_find(self.store, RD_SCENERY_KEPT) == NULL)
		wrong(&self, "what was deleted after the backup is not back");
	if (rd_sim_store_find(self.store, RD_SCENERY_ADDED) != NULL)
		wrong(&self, "what was made after the backup is still there");
	return self.wrong;
}
