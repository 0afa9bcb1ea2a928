/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* Pods, and those who make them: a daemon set one on each node, a deployment as many as it says on
 * nodes that may have them. A pod that is told to end goes when its kubelet lives; one with the
 * annotation RD_SIM_STUCK only by force (F46). */

#define PODS	  "/api/v1/pods"
#define END_S	  3.0 /* until a pod that was told to end has */
#define REPLACE_S 5.0 /* from a pod's end to the next one, running */

gboolean
rd_sim_runs_somewhere(RdSimCluster *cluster, const char *container)
{
	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		for (guint j = 0; j < host->pods->len; j++) {
			const RdSimPod *pod = g_ptr_array_index(host->pods, j);

			for (guint k = 0; pod->started && k < pod->containers->len; k++) {
				const RdSimContainer *one = g_ptr_array_index(pod->containers, k);

				if (one->running && g_str_equal(one->name, container))
					return TRUE;
			}
		}
	}
	return FALSE;
}

char *
rd_sim_pod_json(const char *kind, const char *app, const char *node)
{
	return g_strdup_printf(
	    "{\"metadata\":{\"labels\":{\"app\":\"%s\"},\"ownerReferences\":[{\"kind\":"
	    "\"%s\",\"name\":\"%s\",\"controller\":true}]},\"spec\":{\"nodeName\":\"%s\","
	    "\"containers\":[{\"name\":\"%s\"}]},\"status\":{\"phase\":\"Running\","
	    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"containerStatuses\":[{"
	    "\"name\":\"%s\",\"ready\":true,\"state\":{\"running\":{}}}]}}",
	    app, kind, app, node, app, app);
}

/* the pods of @app. (element-type RdSimObject, unowned) (transfer full) */
static GPtrArray *
find_pods(RdSimBehind *self, const char *app, const char *namespace)
{
	g_autoptr(GPtrArray) all = rd_sim_store_list(self->store, PODS);
	GPtrArray *pods = g_ptr_array_new();

	for (guint i = 0; i < all->len; i++) {
		if (g_str_equal(rd_sim_facts(all->pdata[i])->app, app) &&
		    rd_sim_object_is_in(all->pdata[i], namespace))
			g_ptr_array_add(pods, all->pdata[i]);
	}
	return pods;
}

/* those that @meta tells of */
static GPtrArray *
find_own_pods(RdSimBehind *self, JsonObject *meta)
{
	return find_pods(self, json_object_get_string_member(meta, "name"),
			 json_object_get_string_member(meta, "namespace"));
}

/* those on @node (NULL: anywhere), those that are ending counted apart */
static guint
count_pods(GPtrArray *pods, const char *node, guint *ending)
{
	guint n = 0;

	*ending = 0;
	for (guint i = 0; i < pods->len; i++) {
		const RdSimFacts *pod = rd_sim_facts(pods->pdata[i]);

		if (node != NULL && !g_str_equal(pod->node, node))
			continue;
		if (pod->ending)
			(*ending)++;
		else
			n++;
	}
	return n;
}

static void
make_pod(RdSimBehind *self, const char *kind, JsonObject *meta, const char *node, double time)
{
	const char *app = json_object_get_string_member(meta, "name");
	g_autofree char *json = rd_sim_pod_json(kind, app, node);
	g_autofree char *path = g_strdup_printf("/api/v1/namespaces/%s/pods/%s-%" G_GUINT64_FORMAT,
						json_object_get_string_member(meta, "namespace"),
						app, ++self->cluster->serials);

	rd_sim_store_put(self->store, path, json, time);
}

void
rd_sim_catch_up_pod(RdSimBehind *self, RdSimObject *pod)
{
	const RdSimFacts *facts = rd_sim_facts(pod);
	JsonObject *meta;
	g_autofree char *key = NULL;

	if (*facts->node != '\0' && !rd_sim_node_is_known(self, facts->node)) {
		rd_sim_store_remove(self->store, pod->path);
		return;
	}
	if (!facts->ending || !rd_sim_node_lives(self, facts->node))
		return;
	meta = rd_sim_metadata(rd_sim_object_body(pod));
	if (json_object_has_member(rd_sim_peek(meta, "annotations"), RD_SIM_STUCK))
		return;
	self->under_way = TRUE;
	key = g_strconcat("ending ", pod->path, NULL);
	if (self->now < rd_sim_behind_seen(self, key) + END_S)
		return;
	rd_sim_behind_forget(self, key);
	rd_sim_store_remove(self->store, pod->path);
}

/* one more on @node when it has been missing long enough; TRUE: it is missing still */
static gboolean
fill(RdSimBehind *self, const char *kind, JsonObject *meta, const char *node)
{
	g_autofree char *missing =
	    g_strdup_printf("no %s on %s", json_object_get_string_member(meta, "name"), node);
	double begun = rd_sim_behind_seen(self, missing);

	if (!rd_sim_node_lives(self, node) ||
	    !rd_sim_runs_somewhere(self->cluster, "kube-controller-manager") ||
	    self->now < begun + REPLACE_S)
		return TRUE;
	make_pod(self, kind, meta, node, self->now);
	rd_sim_behind_forget(self, missing);
	return FALSE;
}

/* the daemon set controller says how many there are */
static void
tell_counts(RdSimBehind *self, RdSimObject *set, guint wanted, guint available)
{
	JsonObject *status = rd_sim_member(rd_sim_object_body(set), "status");

	if (json_object_get_int_member_with_default(status, "desiredNumberScheduled", -1) ==
		wanted &&
	    json_object_get_int_member_with_default(status, "numberAvailable", -1) == available)
		return;
	json_object_set_int_member(status, "desiredNumberScheduled", wanted);
	json_object_set_int_member(status, "updatedNumberScheduled", wanted);
	json_object_set_int_member(status, "numberAvailable", available);
	rd_sim_store_written(self->store, set->path, "kube-controller-manager", "status",
			     self->now);
}

/* the network operator says of its daemon set whether all of it is there */
static void
tell_network(RdSimBehind *self, gboolean whole)
{
	static const char path[] = "/apis/config.openshift.io/v1/clusteroperators/network";
	JsonObject *object = rd_sim_store_look(self->store, path);

	if (object != NULL && rd_sim_set_condition(object, "Progressing", whole ? "False" : "True",
						   whole ? "AsExpected" : "Deploying", self->now))
		rd_sim_store_written(self->store, path, "network-operator", "status", self->now);
}

void
rd_sim_catch_up_daemon_set(RdSimBehind *self, RdSimObject *set)
{
	JsonObject *meta = rd_sim_metadata(rd_sim_object_body(set));
	g_autoptr(GPtrArray) nodes = rd_sim_store_list(self->store, "/api/v1/nodes");
	g_autoptr(GPtrArray) pods = find_own_pods(self, meta);
	guint available = 0;

	/* one that is made on the way is on a node that had none, and is counted next time */
	for (guint i = 0; i < nodes->len; i++) {
		RdSimObject *node = nodes->pdata[i];
		guint ending = 0, there = count_pods(pods, node->name, &ending);

		if (there == 0 && ending == 0 && fill(self, "DaemonSet", meta, node->name))
			self->under_way = TRUE;
		available += there > 0 && rd_sim_facts(node)->ready;
	}
	if (self->now < self->up + END_S)
		return;
	tell_counts(self, set, nodes->len, available);
	tell_network(self, available == nodes->len);
}

/* the label that its nodes have to have */
static const char *
node_label(JsonObject *spec)
{
	JsonObject *pod = rd_sim_peek(rd_sim_peek(spec, "template"), "spec");
	JsonObjectIter iter;
	const char *label = "kubernetes.io/hostname";

	json_object_iter_init(&iter, rd_sim_peek(pod, "nodeSelector"));
	(void)json_object_iter_next(&iter, &label, NULL);
	return label;
}

/* the node with the fewest of them that may have one; NULL: none */
static const char *
choose_node(RdSimBehind *self, GPtrArray *pods, const char *label, GPtrArray *nodes)
{
	const char *best = NULL;
	guint fewest = G_MAXUINT;

	for (guint i = 0; i < nodes->len; i++) {
		const RdSimObject *node = nodes->pdata[i];
		JsonObject *object = rd_sim_object_body(node);
		guint ending = 0, there = count_pods(pods, node->name, &ending);

		if (!json_object_has_member(rd_sim_peek(rd_sim_metadata(object), "labels"),
					    label) ||
		    json_object_get_boolean_member_with_default(rd_sim_peek(object, "spec"),
								"unschedulable", FALSE) ||
		    !g_str_equal(rd_sim_condition(object, "Ready"), "True") ||
		    !rd_sim_node_lives(self, node->name) || there >= fewest)
			continue;
		best = node->name;
		fewest = there;
	}
	return best;
}

void
rd_sim_catch_up_deployment(RdSimBehind *self, RdSimObject *deployment)
{
	JsonObject *object = rd_sim_object_body(deployment);
	JsonObject *meta = rd_sim_metadata(object), *spec = rd_sim_peek(object, "spec");
	g_autoptr(GPtrArray) nodes = rd_sim_store_list(self->store, "/api/v1/nodes");
	g_autoptr(GPtrArray) pods = find_own_pods(self, meta);
	guint ending = 0, there = count_pods(pods, NULL, &ending);
	const char *node;

	if (there >= json_object_get_int_member(spec, "replicas") ||
	    !rd_sim_runs_somewhere(self->cluster, "kube-scheduler"))
		return;
	node = choose_node(self, pods, node_label(spec), nodes);
	if (node != NULL && fill(self, "ReplicaSet", meta, node))
		self->under_way = TRUE;
}

/* ---- who is reached, who may go ------------------------------------------------------------- */

/* the pod is there, and the node controller believes in it */
static gboolean
is_reached(RdSimBehind *self, RdSimObject *pod)
{
	const RdSimFacts *facts = rd_sim_facts(pod);
	g_autofree char *node = g_strconcat("/api/v1/nodes/", facts->node, NULL);
	RdSimObject *home = rd_sim_store_look_at(self->store, node);

	return !facts->ending && home != NULL && rd_sim_facts(home)->ready;
}

/* @endpoints (nullable) tells of @pods as they are */
static gboolean
tells_of(RdSimBehind *self, JsonNode *endpoints, GPtrArray *pods)
{
	JsonArray *all = endpoints != NULL ? json_node_get_array(endpoints) : NULL;

	if (all == NULL || json_array_get_length(all) != pods->len)
		return FALSE;
	for (guint i = 0; i < pods->len; i++) {
		JsonObject *one = json_array_get_object_element(all, i);
		JsonObject *conditions = rd_sim_peek(one, "conditions");

		if (g_strcmp0(json_object_get_string_member_with_default(one, "nodeName", NULL),
			      rd_sim_facts(pods->pdata[i])->node) != 0 ||
		    json_object_get_boolean_member_with_default(conditions, "ready", FALSE) !=
			is_reached(self, pods->pdata[i]))
			return FALSE;
	}
	return TRUE;
}

/* the pods of the service, and which of them are reached */
void
rd_sim_catch_up_slice(RdSimBehind *self, RdSimObject *slice)
{
	JsonObject *object = rd_sim_object_body(slice);
	JsonObject *meta = rd_sim_metadata(object);
	const char *service = json_object_get_string_member_with_default(
	    rd_sim_peek(meta, "labels"), "kubernetes.io/service-name", "");
	g_autoptr(GPtrArray) pods =
	    find_pods(self, service, json_object_get_string_member(meta, "namespace"));
	JsonArray *endpoints;

	if (self->now < self->up + REPLACE_S ||
	    tells_of(self, json_object_get_member(object, "endpoints"), pods))
		return;
	endpoints = json_array_new();
	for (guint i = 0; i < pods->len; i++) {
		JsonObject *one = json_object_new();

		json_object_set_string_member(one, "nodeName", rd_sim_facts(pods->pdata[i])->node);
		json_object_set_boolean_member(rd_sim_member(one, "conditions"), "ready",
					       is_reached(self, pods->pdata[i]));
		json_array_add_object_element(endpoints, one);
	}
	json_object_set_array_member(object, "endpoints", endpoints);
	rd_sim_store_written(self->store, slice->path, "endpointslice-controller", NULL, self->now);
}

void
rd_sim_catch_up_budget(RdSimBehind *self, RdSimObject *budget)
{
	JsonObject *object = rd_sim_object_body(budget);
	JsonObject *meta = rd_sim_metadata(object), *status = rd_sim_member(object, "status");
	gint64 least =
	    json_object_get_int_member_with_default(rd_sim_peek(object, "spec"), "minAvailable", 0);
	g_autoptr(GPtrArray) pods = find_own_pods(self, meta);
	guint ending = 0, there = count_pods(pods, NULL, &ending);
	gint64 allowed = MAX((gint64)there - least, 0);

	if (json_object_get_int_member_with_default(status, "disruptionsAllowed", -1) == allowed)
		return;
	json_object_set_int_member(status, "disruptionsAllowed", allowed);
	rd_sim_store_written(self->store, budget->path, "kube-controller-manager", "status",
			     self->now);
}
