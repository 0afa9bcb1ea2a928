/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/api.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* Who works behind the API, as far as a recovery waits for it: kubelets, the node controller, the
 * CSR signer, the static-pod operators. Each looks at the objects and at the time, and writes what
 * it would have written by now. */

#define RENEW_S	    10.0 /* a kubelet's lease (domain 2.2) */
#define GRACE_S	    40.0 /* without a renewal: NotReady */
#define CORRECT_S   20.0 /* until a kubelet that lives has corrected a false status */
#define SIGN_S	    2.0	 /* from approval to certificate */
#define REPLACE_S   5.0	 /* from a pod's deletion to the next one, running */
#define ROLL_NODE_S 90.0 /* one node's static pod to a new revision */

/* when @what was first seen */
static double
first_seen(RdSimBehind *self, const char *what)
{
	double *at = g_hash_table_lookup(self->seen, what);

	if (at == NULL) {
		at = g_memdup2(&self->now, sizeof self->now);
		g_hash_table_insert(self->seen, g_strdup(what), at);
	}
	return *at;
}

static JsonObject *
member(JsonObject *object, const char *name)
{
	if (!json_object_has_member(object, name))
		json_object_set_object_member(object, name, json_object_new());
	return json_object_get_object_member(object, name);
}

/* TRUE: it was not so before */
static gboolean
set_condition(JsonObject *object, const char *type, const char *status, const char *reason,
	      double time)
{
	JsonObject *holder = member(object, "status");
	JsonObject *condition = NULL;
	g_autofree char *text = rd_sim_time_text(time);
	JsonArray *all;

	if (!json_object_has_member(holder, "conditions"))
		json_object_set_array_member(holder, "conditions", json_array_new());
	all = json_object_get_array_member(holder, "conditions");
	for (guint i = 0; i < json_array_get_length(all); i++) {
		JsonObject *one = json_array_get_object_element(all, i);

		if (g_str_equal(json_object_get_string_member_with_default(one, "type", ""), type))
			condition = one;
	}
	if (condition == NULL) {
		condition = json_object_new();
		json_object_set_string_member(condition, "type", type);
		json_array_add_object_element(all, condition);
	}
	if (g_str_equal(json_object_get_string_member_with_default(condition, "status", ""),
			status))
		return FALSE;
	json_object_set_string_member(condition, "status", status);
	json_object_set_string_member(condition, "reason", reason);
	json_object_set_string_member(condition, "lastTransitionTime", text);
	json_object_set_string_member(condition, "lastHeartbeatTime", text);
	return TRUE;
}

/* ---- kubelets and nodes ---- */

static void
renew(RdSimBehind *self, const char *path, JsonObject *spec, double time)
{
	g_autofree char *whole = rd_sim_time_text(time);
	g_autofree char *text = g_strdup_printf("%.19s.000000Z", whole);

	if (g_strcmp0(json_object_get_string_member_with_default(spec, "renewTime", ""), text) == 0)
		return;
	json_object_set_string_member(spec, "renewTime", text);
	rd_sim_store_written(self->store, path, "kubelet", NULL, time);
}

static void
catch_up_node(RdSimBehind *self, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	RdSimHost *host = rd_sim_cluster_find(self->cluster, name);
	g_autofree char *lease_path = g_strdup_printf(
	    "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/%s", name);
	JsonObject *lease = rd_sim_store_find(self->store, lease_path);
	g_autofree char *gone = g_strdup_printf("gone %s", name);
	gboolean alive = host != NULL && host->power == RD_SIM_UP;
	double begun = self->up;

	if (!alive) {
		if (self->now >= first_seen(self, gone) + GRACE_S &&
		    set_condition(rd_sim_store_find(self->store, path), "Ready", "Unknown",
				  "NodeStatusUnknown", self->now))
			rd_sim_store_written(self->store, path, "kube-controller-manager", "status",
					     self->now);
		return;
	}
	g_hash_table_remove(self->seen, gone);
	begun = MAX(begun, (double)host->kubelet_since / G_USEC_PER_SEC);
	if (lease != NULL && self->now >= begun)
		renew(self, lease_path, member(lease, "spec"),
		      begun + RENEW_S * (double)(gint64)((self->now - begun) / RENEW_S));
	if (self->now >= begun + CORRECT_S &&
	    set_condition(rd_sim_store_find(self->store, path), "Ready", "True", "KubeletReady",
			  begun + CORRECT_S))
		rd_sim_store_written(self->store, path, "kubelet", "status", begun + CORRECT_S);
}

/* ---- the signer ---- */

static gboolean
is_approved(JsonObject *csr)
{
	JsonObject *status = member(csr, "status");
	JsonArray *all = json_object_has_member(status, "conditions")
			     ? json_object_get_array_member(status, "conditions")
			     : NULL;
	gboolean approved = FALSE;

	for (guint i = 0; all != NULL && i < json_array_get_length(all); i++) {
		const char *type = json_object_get_string_member_with_default(
		    json_array_get_object_element(all, i), "type", "");

		if (g_str_equal(type, "Denied") || g_str_equal(type, "Failed"))
			return FALSE;
		approved |= g_str_equal(type, "Approved");
	}
	return approved;
}

static void
catch_up_csr(RdSimBehind *self, const char *path)
{
	JsonObject *csr = rd_sim_store_find(self->store, path);

	if (!is_approved(csr) || json_object_has_member(member(csr, "status"), "certificate") ||
	    self->now < first_seen(self, path) + SIGN_S)
		return;
	json_object_set_string_member(member(csr, "status"), "certificate", "LS0tLS1CRUdJTg==");
	rd_sim_store_written(self->store, path, "kube-controller-manager", "status", self->now);
}

/* ---- static-pod operators (domain 2.8) ---- */

static void
begin_rollout(RdSimBehind *self, const char *path, const char *reason)
{
	JsonObject *status = member(rd_sim_store_find(self->store, path), "status");
	gint64 latest =
	    json_object_get_int_member_with_default(status, "latestAvailableRevision", 1);
	g_autofree char *key = g_strdup_printf("%s for %s", path, reason);

	if (g_hash_table_contains(self->seen, key))
		return;
	(void)first_seen(self, key);
	json_object_set_int_member(status, "latestAvailableRevision", latest + 1);
	set_condition(rd_sim_store_find(self->store, path), "NodeInstallerProgressing", "True",
		      "NewRevision", self->now);
	rd_sim_store_written(self->store, path, "cluster-operator", "status", self->now);
}

static void
catch_up_operator(RdSimBehind *self, const char *path)
{
	JsonObject *object = rd_sim_store_find(self->store, path);
	const char *reason = json_object_get_string_member_with_default(
	    member(object, "spec"), "forceRedeploymentReason", "");
	g_autofree char *known = g_strdup_printf("known %s", path);
	g_autofree char *key = g_strdup_printf("%s for %s", path, reason);
	JsonObject *status = member(object, "status");
	gint64 latest =
	    json_object_get_int_member_with_default(status, "latestAvailableRevision", 1);
	gboolean changed = FALSE, all = TRUE;
	JsonArray *nodes;
	double begun;

	/* the reason that stands there at first was rolled out long ago */
	if (!g_hash_table_contains(self->seen, known)) {
		(void)first_seen(self, known);
		(void)first_seen(self, key);
		return;
	}
	if (!g_hash_table_contains(self->seen, key)) {
		begin_rollout(self, path, reason);
		return;
	}
	if (!json_object_has_member(status, "nodeStatuses"))
		return;
	begun = first_seen(self, key);
	nodes = json_object_get_array_member(status, "nodeStatuses");
	for (guint i = 0; i < json_array_get_length(nodes); i++) {
		JsonObject *node = json_array_get_object_element(nodes, i);

		if (json_object_get_int_member_with_default(node, "currentRevision", 0) >= latest)
			continue;
		/* one after the other, in order */
		if (self->now < begun + ROLL_NODE_S * (i + 1)) {
			all = FALSE;
			json_object_set_int_member(node, "targetRevision", latest);
			continue;
		}
		json_object_set_int_member(node, "currentRevision", latest);
		json_object_set_int_member(node, "targetRevision", 0);
		changed = TRUE;
	}
	if (all) {
		changed |= set_condition(object, "NodeInstallerProgressing", "False",
					 "AllNodesAtLatestRevision", self->now);
		changed |= set_condition(object, "NodeInstallerDegraded", "False", "AsExpected",
					 self->now);
	}
	if (changed)
		rd_sim_store_written(self->store, path, "cluster-operator", "status", self->now);
}

/* ---- daemon sets: a pod on each node, another one when it was deleted ---- */

char *
rd_sim_daemon_pod(const char *app, const char *node)
{
	return g_strdup_printf(
	    "{\"metadata\":{\"labels\":{\"app\":\"%s\"},\"ownerReferences\":[{\"kind\":"
	    "\"DaemonSet\",\"name\":\"%s\",\"controller\":true}]},\"spec\":{\"nodeName\":\"%s\","
	    "\"containers\":[{\"name\":\"%s\"}]},\"status\":{\"phase\":\"Running\","
	    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"containerStatuses\":[{"
	    "\"name\":\"%s\",\"ready\":true,\"state\":{\"running\":{}}}]}}",
	    app, app, node, app, app);
}

static gboolean
has_pod(RdSimBehind *self, const char *namespace, const char *app, const char *node)
{
	g_autofree char *query = g_strdup_printf(
	    "labelSelector=app%%3D%s&fieldSelector=spec.nodeName%%3D%s,metadata.namespace%%3D%s",
	    app, node, namespace);
	g_autoptr(GPtrArray) paths = rd_sim_store_paths(self->store, "/api/v1/pods");

	for (guint i = 0; i < paths->len; i++)
		if (rd_sim_select_matches(rd_sim_store_find(self->store, paths->pdata[i]), query))
			return TRUE;
	return FALSE;
}

static void
replace_pod(RdSimBehind *self, const char *namespace, const char *app, const char *node)
{
	g_autofree char *missing = g_strdup_printf("no %s/%s on %s", namespace, app, node);
	g_autofree char *path = NULL, *json = NULL;
	const RdSimHost *host = rd_sim_cluster_find(self->cluster, node);
	double begun;

	if (has_pod(self, namespace, app, node)) {
		g_hash_table_remove(self->seen, missing);
		return;
	}
	begun = first_seen(self, missing);
	if (host == NULL || host->power != RD_SIM_UP || self->now < begun + REPLACE_S)
		return;
	path = g_strdup_printf("/api/v1/namespaces/%s/pods/%s-%" G_GUINT64_FORMAT, namespace, app,
			       ++self->cluster->serials);
	json = rd_sim_daemon_pod(app, node);
	rd_sim_store_put(self->store, path, json, begun + REPLACE_S);
	g_hash_table_remove(self->seen, missing);
}

static void
catch_up_daemon_set(RdSimBehind *self, const char *path)
{
	JsonObject *meta = rd_sim_metadata(rd_sim_store_find(self->store, path));
	g_autoptr(GPtrArray) nodes = rd_sim_store_paths(self->store, "/api/v1/nodes");

	for (guint i = 0; i < nodes->len; i++)
		replace_pod(self, json_object_get_string_member(meta, "namespace"),
			    json_object_get_string_member(meta, "name"),
			    strrchr(nodes->pdata[i], '/') + 1);
}

/* ---- ---- */

static const struct {
	const char *collection;
	void (*catch_up)(RdSimBehind *self, const char *path);
} controllers[] = {
    {"/api/v1/nodes", catch_up_node},
    {"/apis/apps/v1/daemonsets", catch_up_daemon_set},
    {"/apis/certificates.k8s.io/v1/certificatesigningrequests", catch_up_csr},
    {"/apis/operator.openshift.io/v1/etcds", catch_up_operator},
    {"/apis/operator.openshift.io/v1/kubeapiservers", catch_up_operator},
    {"/apis/operator.openshift.io/v1/kubecontrollermanagers", catch_up_operator},
    {"/apis/operator.openshift.io/v1/kubeschedulers", catch_up_operator},
};

void
rd_sim_controllers_catch_up(RdSimBehind *self)
{
	for (guint i = 0; i < G_N_ELEMENTS(controllers); i++) {
		g_autoptr(GPtrArray) paths =
		    rd_sim_store_paths(self->store, controllers[i].collection);

		for (guint j = 0; j < paths->len; j++)
			controllers[i].catch_up(self, paths->pdata[j]);
	}
}
