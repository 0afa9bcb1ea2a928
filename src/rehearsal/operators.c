/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* The operators of the four static pods (domain 2.8, 4.2), as tests/lab/kube/operators.py has them
 * for the lab. A changed forceRedeploymentReason makes a revision; it is brought to one node after
 * the other, whose manifest is written as an installer pod writes it, and the next one waits until
 * the pod of that revision is sound. Their status has who is a Node: one that is deleted is gone
 * there, one that is new comes first. etcd has more: another node is another revision; no new
 * revision unless it could lose a member or is told to dare, and hosts that are nodes but no
 * members become learners, one at a time, then voters. What was handled last stands in ConfigMaps,
 * so that a restored past is taken as it is. */

#define BASE	     "/apis/operator.openshift.io/v1/"
#define RESOURCES    "/etc/kubernetes/static-pod-resources"
#define CERTIFICATES RESOURCES "/kube-apiserver-certs"
#define DARE	     "useUnsupportedUnsafeNonHANonProductionUnstableEtcd"
#define SETTLE_S     30.0 /* until it leads again */
#define INSTALL_S    30.0 /* an installer pod waits so long before it writes */
#define JOIN_S	     10.0 /* from one change of members to the next */

#define OPERATOR(plural, pod)                                                                      \
	{                                                                                          \
		plural, pod, "/api/v1/namespaces/openshift-" pod "/configmaps/" pod "-pod-",       \
		    "/apis/config.openshift.io/v1/clusteroperators/" pod                           \
	}

typedef struct {
	const char *plural, *pod;  /* "etcds", "etcd" */
	const char *map, *cluster; /* paths: of its ConfigMaps, to the revision; ClusterOperator */
} Operator;

static const Operator operators[] = {
    OPERATOR("etcds", "etcd"),
    OPERATOR("kubeapiservers", "kube-apiserver"),
    OPERATOR("kubecontrollermanagers", "kube-controller-manager"),
    OPERATOR("kubeschedulers", "kube-scheduler"),
};

static gboolean
is_etcd(const Operator *one)
{
	return one == &operators[0];
}

/* ---- members -------------------------------------------------------------------------------- */

/* a member whose word counts, to change the list through */
static RdSimHost *
find_voter(RdSimBehind *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (!host->worker && rd_sim_etcd_has_quorum(host))
			return host;
	}
	return NULL;
}

static guint
count_sound(RdSimBehind *self, const RdSimHost *voter)
{
	guint sound = 0;

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		sound +=
		    rd_sim_etcd_serves(host) && host->etcd->cluster_id == voter->etcd->cluster_id;
	}
	return sound;
}

static gboolean
is_stuck(RdSimBehind *self, const char *plural)
{
	return g_strcmp0(self->stuck, plural) == 0;
}

/* its etcd pod is there and asks for its place: whoever has none would be waited for (domain 4.2)
 */
static gboolean
has_etcd_pod(const RdSimHost *host)
{
	for (guint i = 0; i < host->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(host->pods, i);

		if (pod->started && !pod->ending && g_str_has_prefix(pod->name, "etcd-"))
			return TRUE;
	}
	return FALSE;
}

/* a learner that runs gets its vote, else the next host that lives is added, if all are sound */
static gboolean
change_members(RdSimBehind *self, RdSimHost *voter)
{
	guint members = voter->etcd->peers->len;

	for (guint i = 0; i < self->cluster->hosts->len; i++)
		if (rd_sim_etcd_promote(voter, g_ptr_array_index(self->cluster->hosts, i)))
			return TRUE;
	if (count_sound(self, voter) < members)
		return FALSE;
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *node = g_strdup_printf("/api/v1/nodes/%s", host->name);

		if (!host->worker && has_etcd_pod(host) &&
		    rd_sim_store_look(self->store, node) != NULL &&
		    rd_sim_node_lives(self, host->name) && rd_sim_etcd_add_learner(voter, host))
			return TRUE;
	}
	return FALSE;
}

void
rd_sim_catch_up_members(RdSimBehind *self)
{
	RdSimHost *voter = find_voter(self);

	if (voter == NULL || voter->dns_name != NULL || is_stuck(self, "etcds") ||
	    self->now < self->up + rd_sim_cluster_takes(self->cluster, SETTLE_S) ||
	    rd_sim_store_look(self->store, BASE "etcds/cluster") == NULL ||
	    self->now <
		rd_sim_behind_seen(self, "members") + rd_sim_cluster_takes(self->cluster, JOIN_S))
		return;
	if (change_members(self, voter)) {
		rd_sim_behind_forget(self, "members");
		(void)rd_sim_behind_seen(self, "members");
		self->under_way = TRUE;
	}
}

/* ---- revisions ------------------------------------------------------------------------------ */

typedef struct {
	RdSimBehind *behind;
	const Operator *kind;
	const char *path;
	JsonObject *object, *status;
	gint64 latest;
} Rollout;

/* ---- who is a node --------------------------------------------------------------------------- */

/* names of the control plane's Nodes, "m0,m1". (transfer full) */
static char *
list_nodes(RdSimBehind *self)
{
	g_autoptr(GPtrArray) nodes = rd_sim_store_list(self->store, "/api/v1/nodes");
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < nodes->len; i++) {
		const RdSimObject *node = nodes->pdata[i];
		JsonObject *labels =
		    rd_sim_peek(rd_sim_peek(rd_sim_object_body(node), "metadata"), "labels");

		if (json_object_has_member(labels, "node-role.kubernetes.io/master"))
			g_string_append_printf(names, "%s%s", names->len > 0 ? "," : "",
					       node->name);
	}
	return g_string_free(names, FALSE);
}

/* Its status has one entry for each of them: who was deleted is gone, who is new has no revision
 * yet. TRUE: it is another one now */
static gboolean
follow_nodes(Rollout *self)
{
	g_autofree char *names = list_nodes(self->behind);
	g_auto(GStrv) nodes = g_strsplit(names, ",", -1);
	JsonArray *old = json_object_get_array_member(self->status, "nodeStatuses");
	JsonArray *kept = NULL;
	guint known = 0;

	for (guint i = 0; i < json_array_get_length(old); i++)
		known += g_strv_contains((const char *const *)nodes,
					 json_object_get_string_member(
					     json_array_get_object_element(old, i), "nodeName"));
	if (known == json_array_get_length(old) && known == g_strv_length(nodes))
		return FALSE;
	kept = json_array_new();
	for (guint i = 0; i < json_array_get_length(old); i++) {
		JsonObject *status = json_array_get_object_element(old, i);
		const char *name = json_object_get_string_member(status, "nodeName");

		for (char **node = nodes; *node != NULL; node++)
			if (g_str_equal(*node, name)) {
				json_array_add_object_element(kept, json_object_ref(status));
				**node = '\0';
			}
	}
	for (char **node = nodes; *node != NULL; node++) {
		JsonObject *status = **node != '\0' ? json_object_new() : NULL;

		if (status == NULL)
			continue;
		json_object_set_string_member(status, "nodeName", *node);
		json_object_set_int_member(status, "currentRevision", 0);
		json_object_set_int_member(status, "targetRevision", 0);
		json_array_add_object_element(kept, status);
	}
	json_object_set_array_member(self->status, "nodeStatuses", kept);
	return TRUE;
}

/* ---- a new revision ------------------------------------------------------------------------- */

static char *
map_path(const Rollout *self, gint64 revision)
{
	return g_strdup_printf("%s%" G_GINT64_FORMAT, self->kind->map, revision);
}

/* etcd's pod has the names of all nodes in it: another node is another pod */
static gboolean
is_handled(const Rollout *self, const char *reason)
{
	g_autofree char *path = map_path(self, self->latest);
	JsonObject *map = rd_sim_store_look(self->behind->store, path);
	JsonObject *data = map != NULL ? rd_sim_peek(map, "data") : NULL;
	const char *nodes =
	    data != NULL ? json_object_get_string_member_with_default(data, "nodes", NULL) : NULL;
	g_autofree char *now = nodes != NULL ? list_nodes(self->behind) : NULL;

	return g_strcmp0(nodes, now) == 0 &&
	       g_strcmp0(reason, data != NULL ? json_object_get_string_member_with_default(
						    data, "forceRedeploymentReason", "")
					      : "") == 0;
}

static guint
count_masters(RdSimBehind *self)
{
	guint n = 0;

	for (guint i = 0; i < self->cluster->hosts->len; i++)
		n += !((const RdSimHost *)g_ptr_array_index(self->cluster->hosts, i))->worker;
	return n;
}

static gboolean
dares(JsonObject *spec)
{
	JsonNode *node = json_object_get_member(spec, "unsupportedConfigOverrides");
	JsonNode *value = node != NULL && JSON_NODE_HOLDS_OBJECT(node)
			      ? json_object_get_member(json_node_get_object(node), DARE)
			      : NULL;
	g_autofree char *text = value != NULL ? json_to_string(value, FALSE) : NULL;

	return text != NULL && strstr(text, "true") != NULL;
}

static gboolean
is_rolling(const Rollout *self)
{
	JsonArray *nodes = json_object_get_array_member(self->status, "nodeStatuses");

	for (guint i = 0; i < json_array_get_length(nodes); i++)
		if (json_object_get_int_member(json_array_get_object_element(nodes, i),
					       "currentRevision") != self->latest)
			return TRUE;
	return FALSE;
}

/* the quorum guard; the others have none */
static gboolean
may_render(const Rollout *self)
{
	RdSimHost *voter = find_voter(self->behind);

	if (!is_etcd(self->kind) || count_masters(self->behind) == 1 || is_rolling(self) ||
	    dares(rd_sim_peek(self->object, "spec")))
		return TRUE;
	return voter != NULL && voter->etcd->peers->len >= 3 &&
	       count_sound(self->behind, voter) == voter->etcd->peers->len;
}

static gboolean
render(Rollout *self)
{
	const char *reason = json_object_get_string_member_with_default(
	    rd_sim_peek(self->object, "spec"), "forceRedeploymentReason", "");
	g_autofree char *path = NULL, *json = NULL, *text = NULL, *nodes = NULL;
	g_autoptr(JsonNode) quoted = NULL;

	if (is_handled(self, reason) || !may_render(self))
		return FALSE;
	quoted = json_node_init_string(json_node_alloc(), reason);
	text = json_to_string(quoted, FALSE);
	json_object_set_int_member(self->status, "latestAvailableRevision", ++self->latest);
	path = map_path(self, self->latest);
	nodes = list_nodes(self->behind);
	json = is_etcd(self->kind)
		   ? g_strdup_printf("{\"data\":{\"forceRedeploymentReason\":%s,\"nodes\":\"%s\"}}",
				     text, nodes)
		   : g_strdup_printf("{\"data\":{\"forceRedeploymentReason\":%s}}", text);
	rd_sim_store_put(self->behind->store, path, json, self->behind->now);
	return TRUE;
}

/* ---- one node ------------------------------------------------------------------------------- */

/* the newest revision of the pod that the host has resources of; 0: none */
static gint64
newest_on(RdSimHost *host, const char *pod)
{
	RdSimNode *dir = rd_sim_tree_find(host->tree, RESOURCES);
	g_autofree char *prefix = g_strdup_printf("%s-pod-", pod);
	gint64 newest = 0;

	for (guint i = 0; dir != NULL && dir->children != NULL && i < dir->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(dir->children, i);

		if (g_str_has_prefix(child->name, prefix))
			newest =
			    MAX(newest, g_ascii_strtoll(child->name + strlen(prefix), NULL, 10));
	}
	return newest;
}

static char *
label_of(gint64 revision)
{
	return g_strdup_printf("\"revision\":\"%" G_GINT64_FORMAT "\"", revision);
}

/* whose resources say what the pod is like: its own, or those of a host that has some, in the place
 * of the ConfigMaps that every installer pod reads */
static RdSimHost *
find_model(RdSimHost *host, const char *pod)
{
	const GPtrArray *hosts = host->cluster->hosts;

	for (guint i = 0; newest_on(host, pod) == 0 && i < hosts->len; i++)
		if (newest_on(g_ptr_array_index(hosts, i), pod) > 0)
			return g_ptr_array_index(hosts, i);
	return host;
}

/* what an installer pod does: the resources of the newest revision as those of @revision, then the
 * manifest. FALSE: there is nothing to begin with, or no room */
static gboolean
install(RdSimHost *host, const char *pod, gint64 revision)
{
	RdSimHost *model = find_model(host, pod);
	gint64 newest = newest_on(model, pod);
	g_autofree char *from =
	    g_strdup_printf(RESOURCES "/%s-pod-%" G_GINT64_FORMAT "/%s-pod.yaml", pod, newest, pod);
	g_autofree char *dir =
	    g_strdup_printf(RESOURCES "/%s-pod-%" G_GINT64_FORMAT, pod, revision);
	g_autofree char *to = g_strdup_printf("%s/%s-pod.yaml", dir, pod);
	g_autofree char *manifest = g_strdup_printf(RD_SIM_MANIFESTS "/%s-pod.yaml", pod);
	g_autofree char *old = label_of(newest), *new = label_of(revision);
	RdSimNode *node = rd_sim_tree_find(model->tree, from);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;
	g_autoptr(GString) changed = g_string_new(text);

	if (text == NULL)
		return FALSE;
	g_string_replace(changed, old, new, 0);
	if (rd_sim_tree_mkdirs(host->tree, dir) != 0 ||
	    (model != host && rd_sim_tree_mkdirs(host->tree, CERTIFICATES) != 0) ||
	    rd_sim_tree_write_text(host->tree, to, changed->str, 0600) != 0 ||
	    rd_sim_tree_write_text(host->tree, manifest, changed->str, 0600) != 0)
		return FALSE;
	rd_sim_host_count(host, "revision written", pod);
	return TRUE;
}

/* its network: OVN has made its databases anew, else installer pods do not start (domain 5.1) */
static gboolean
has_network(RdSimHost *host)
{
	g_autofree char *text = NULL;
	RdSimNode *node;

	if (host->ovs_waits)
		rd_sim_ovs_serve(host);
	node = rd_sim_tree_find(host->tree, RD_SIM_OVN_DIR "/ovnnb_db.db");
	text = node != NULL ? rd_sim_node_text(node) : NULL;
	return g_strcmp0(text, "new\n") == 0;
}

/* the pod of that very manifest runs, and etcd's answers */
static gboolean
is_sound(RdSimHost *host, const Operator *kind, gint64 revision)
{
	g_autofree char *path = g_strdup_printf(RD_SIM_MANIFESTS "/%s-pod.yaml", kind->pod);
	g_autofree char *label = label_of(revision);
	RdSimNode *node = rd_sim_tree_find(host->tree, path);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;

	if (text == NULL || strstr(text, label) == NULL ||
	    (is_etcd(kind) && !rd_sim_etcd_has_quorum(host)))
		return FALSE;
	for (guint i = 0; i < host->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(host->pods, i);
		gboolean runs = pod->started && !pod->ending;

		if (strncmp(rd_sim_node_sha256(node), pod->uid, 32) != 0)
			continue;
		for (guint j = 0; j < pod->containers->len; j++)
			runs &= ((RdSimContainer *)g_ptr_array_index(pod->containers, j))->running;
		return runs;
	}
	return FALSE;
}

/* The pod that the kubelet makes in the API for its static one, as its own Node's (kubelet,
 * mirror pods). Made when the operator has heard of it. */
static void
mirror(Rollout *self, const char *node)
{
	const char *pod = self->kind->pod;
	gboolean scheduler = g_str_equal(pod, "kube-scheduler");
	g_autofree char *of = g_strdup_printf("/api/v1/nodes/%s", node);
	JsonObject *meta = rd_sim_peek(rd_sim_store_look(self->behind->store, of), "metadata");
	g_autofree char *path = g_strdup_printf("/api/v1/namespaces/openshift-%s/pods/%s%s-%s", pod,
						scheduler ? "openshift-" : "", pod, node);
	g_autofree char *json = g_strdup_printf(
	    "{\"metadata\":{\"labels\":{\"app\":\"%s%s\",\"revision\":\"%" G_GINT64_FORMAT
	    "\"},\"annotations\":{\"kubernetes.io/config.mirror\":\"%" G_GINT64_FORMAT "\"},"
	    "\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"%s\",\"uid\":"
	    "\"%s\",\"controller\":true}]},\"spec\":{\"nodeName\":\"%s\",\"containers\":[{\"name\":"
	    "\"%s\"}]},\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\","
	    "\"status\":"
	    "\"True\"}],\"containerStatuses\":[{\"name\":\"%s\",\"ready\":true,\"state\":{"
	    "\"running\":"
	    "{}}}]}}",
	    scheduler ? "openshift-" : "", pod, self->latest, self->latest, node,
	    json_object_get_string_member_with_default(meta, "uid", ""), node, pod, pod);

	rd_sim_store_put(self->behind->store, path, json, self->behind->now);
}

static double
install_s(const RdSimBehind *self, const char *plural)
{
	return rd_sim_cluster_takes(self->cluster, INSTALL_S) +
	       (g_strcmp0(self->slow, plural) == 0 ? self->slow_s : 0);
}

/* TRUE: its status is another one now */
static gboolean
bring(Rollout *self, JsonObject *node)
{
	RdSimBehind *behind = self->behind;
	const char *name = json_object_get_string_member(node, "nodeName");
	RdSimHost *host = rd_sim_cluster_find(behind->cluster, name);
	g_autofree char *key =
	    g_strdup_printf("install %s %s %" G_GINT64_FORMAT, self->kind->pod, name, self->latest);
	g_autofree char *label = NULL, *path = NULL, *text = NULL;
	RdSimNode *manifest = NULL;

	if (json_object_get_int_member(node, "targetRevision") != self->latest) {
		json_object_set_int_member(node, "targetRevision", self->latest);
		(void)rd_sim_behind_seen(behind, key);
		return TRUE;
	}
	if (host == NULL || !rd_sim_node_lives(behind, name) ||
	    behind->now < rd_sim_behind_seen(behind, key) + install_s(behind, self->kind->plural))
		return FALSE;
	label = label_of(self->latest);
	path = g_strdup_printf(RD_SIM_MANIFESTS "/%s-pod.yaml", self->kind->pod);
	manifest = rd_sim_tree_find(host->tree, path);
	text = manifest != NULL ? rd_sim_node_text(manifest) : NULL;
	if (text == NULL || strstr(text, label) == NULL) {
		if (has_network(host))
			(void)install(host, self->kind->pod, self->latest);
		return FALSE;
	}
	if (!is_sound(host, self->kind, self->latest))
		return FALSE;
	mirror(self, name);
	json_object_set_int_member(node, "currentRevision", self->latest);
	json_object_set_int_member(node, "targetRevision", 0);
	return TRUE;
}

/* one at a time: the one in work, else one that never had the pod, else the first that is behind */
static gboolean
roll(Rollout *self)
{
	JsonArray *nodes = json_object_get_array_member(self->status, "nodeStatuses");
	JsonObject *next = NULL;

	for (guint i = 0; i < json_array_get_length(nodes); i++) {
		JsonObject *node = json_array_get_object_element(nodes, i);

		if (json_object_get_int_member(node, "targetRevision") != 0) {
			next = node;
			break;
		}
		if (json_object_get_int_member(node, "currentRevision") != self->latest &&
		    (next == NULL || (json_object_get_int_member(node, "currentRevision") == 0 &&
				      json_object_get_int_member(next, "currentRevision") != 0)))
			next = node;
	}
	return next != NULL && bring(self, next);
}

/* ---- conditions ----------------------------------------------------------------------------- */

static gboolean
tell_members(Rollout *self)
{
	RdSimHost *voter = find_voter(self->behind);

	return rd_sim_set_condition(self->object, "EtcdMembersAvailable",
				    voter != NULL ? "True" : "False",
				    voter != NULL ? "EtcdQuorate" : "NoQuorum", self->behind->now);
}

static void
tell_cluster_operator(Rollout *self, gboolean rolling)
{
	RdSimObject *object = rd_sim_store_look_at(self->behind->store, self->kind->cluster);
	const char *word = rolling ? "True" : "False";

	if (object == NULL || g_str_equal(rd_sim_facts(object)->progressing, word))
		return;
	(void)rd_sim_set_condition(rd_sim_object_body(object), "Progressing", word,
				   rolling ? "NodeInstaller" : "AsExpected", self->behind->now);
	rd_sim_store_written(self->behind->store, object->path, self->kind->pod, "status",
			     self->behind->now);
}

/* 4.2, where a master that is made anew brings its static pods with it (scenery-lost.c) */
static gboolean
is_old(RdSimBehind *self)
{
	return ((const RdSimHost *)g_ptr_array_index(self->cluster->hosts, 0))->dns_name != NULL;
}

void
rd_sim_catch_up_operator(RdSimBehind *behind, RdSimObject *object)
{
	Rollout self = {.behind = behind,
			.path = object->path,
			.object = rd_sim_object_body(object)};
	gboolean changed, rolling = FALSE, settled;

	for (guint i = 0; i < G_N_ELEMENTS(operators); i++)
		if (g_str_has_prefix(object->path + strlen(BASE), operators[i].plural))
			self.kind = &operators[i];
	self.status = rd_sim_member(self.object, "status");
	self.latest = json_object_get_int_member(self.status, "latestAvailableRevision");
	if (is_stuck(behind, self.kind->plural) ||
	    behind->now < behind->up + rd_sim_cluster_takes(behind->cluster, SETTLE_S))
		return;
	settled = rd_sim_facts(object)->settled;
	changed = !is_old(behind) && follow_nodes(&self);
	changed |= render(&self);
	if (changed || !settled) {
		changed |= roll(&self);
		rolling = is_rolling(&self);
		changed |= rd_sim_set_condition(
		    self.object, "NodeInstallerProgressing", rolling ? "True" : "False",
		    rolling ? "" : "AllNodesAtLatestRevision", behind->now);
	}
	if (is_etcd(self.kind))
		changed |= tell_members(&self);
	if (changed)
		rd_sim_store_written(behind->store, self.path, "cluster-operator", "status",
				     behind->now);
	tell_cluster_operator(&self, rolling);
	behind->under_way |= rolling;
}
