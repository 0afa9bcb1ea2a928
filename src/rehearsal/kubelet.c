/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/cluster.h"
#include <json-glib/json-glib.h>
#include <string.h>

/* The kubelet's static pod loop (domain 4.2): every file of the manifests directory that does not
 * begin with a dot runs; gone means a graceful stop; changed means stop, then start; a pod of the
 * same name waits until the old one has ended. */

static const struct {
	const char *pod;
	gint64 stop_low, stop_high; /* seconds; an apiserver without etcd takes 28 (lab.md) */
} paces[] = {
    {"etcd-", 1, 7},
    {"kube-apiserver-", 20, 29},
    {"", 1, 3},
};

typedef struct {
	RdSimHost *host;
	guint boots;
	guint64 serial; /* 0: the whole host */
} Later;

static void sync_now(gpointer data);

static void
container_free(RdSimContainer *container)
{
	g_free(container->name);
	g_free(container->id);
	g_free(container->json);
	g_free(container);
}

void
rd_sim_pod_free(RdSimPod *pod)
{
	g_free(pod->name);
	g_free(pod->namespace);
	g_free(pod->uid);
	g_ptr_array_unref(pod->containers);
	g_free(pod);
}

static void
later(RdSimHost *self, gint64 low, gint64 high, RdTimelineFunc func, const RdSimPod *pod)
{
	Later *event = g_new0(Later, 1);

	event->host = self;
	event->boots = self->boots;
	event->serial = pod != NULL ? pod->serial : 0;
	rd_timeline_add(self->cluster->timeline,
			rd_timeline_chance(self->cluster->timeline, low, high), func, event,
			g_free);
}

/* the pod an event was meant for, NULL when it is not there any more */
static RdSimPod *
later_pod(const Later *event)
{
	if (event->host->boots != event->boots)
		return NULL;
	for (guint i = 0; i < event->host->pods->len; i++) {
		RdSimPod *pod = g_ptr_array_index(event->host->pods, i);

		if (pod->serial == event->serial)
			return pod;
	}
	return NULL;
}

static gboolean
is_etcd(const RdSimPod *pod, const RdSimContainer *container)
{
	return (g_str_equal(container->name, "etcd") ||
		g_str_equal(container->name, "etcd-member")) &&
	       g_str_has_prefix(pod->name, "etcd-");
}

static gboolean
is_keepalived(const RdSimPod *pod, const RdSimContainer *container)
{
	return g_str_equal(container->name, "keepalived") &&
	       g_str_has_prefix(pod->name, "keepalived-");
}

static void restart_dead(gpointer data);

static char *
container_json(const RdSimPod *pod, const RdSimContainer *container)
{
	return g_strdup_printf(
	    "{\"id\":\"%s\",\"podSandboxId\":\"%s\",\"metadata\":{\"name\":\"%s\","
	    "\"attempt\":%u},\"state\":\"CONTAINER_RUNNING\",\"createdAt\":"
	    "\"%" G_GINT64_FORMAT "000\",\"labels\":{\"io.kubernetes.container.name\":\"%s\","
	    "\"io.kubernetes.pod.name\":\"%s\",\"io.kubernetes.pod.namespace\":\"%s\","
	    "\"io.kubernetes.pod.uid\":\"%s\"}}",
	    container->id, pod->uid, container->name, container->attempt, container->created,
	    container->name, pod->name, pod->namespace, pod->uid);
}

static void restored(gpointer data);

/* the restore pod is a running container long before it is an etcd */
static gboolean
etcd_start(RdSimHost *self, RdSimPod *pod)
{
	rd_sim_etcd_discover(self);
	if (!pod->restores)
		return rd_sim_etcd_start(self);
	if (!rd_sim_etcd_restore_begin(self))
		return FALSE;
	later(self, 6 * RD_SIM_SECOND, 12 * RD_SIM_SECOND, restored, pod);
	return TRUE;
}

static void
container_start(RdSimHost *self, RdSimPod *pod, RdSimContainer *container)
{
	g_autofree char *text = g_strdup_printf("%s %s %" G_GUINT64_FORMAT, self->name,
						container->name, ++self->cluster->serials);

	g_free(container->id);
	container->id = rd_sim_sha256(text, strlen(text));
	container->created = rd_timeline_now(self->cluster->timeline);
	g_free(container->json);
	container->json = container_json(pod, container);
	container->running = !is_etcd(pod, container) || etcd_start(self, pod);
	if (is_keepalived(pod, container))
		rd_sim_keepalived_start(self);
	if (container->running)
		rd_sim_host_count(self, "container started", container->name);
	else
		later(self, 10 * RD_SIM_SECOND, 20 * RD_SIM_SECOND, restart_dead, pod);
}

static void
container_end(RdSimHost *self, RdSimPod *pod, RdSimContainer *container)
{
	if (!container->running)
		return;
	container->running = FALSE;
	rd_sim_host_count(self, "container stopped", container->name);
	if (is_etcd(pod, container))
		rd_sim_etcd_stop(self);
	if (is_keepalived(pod, container))
		rd_sim_keepalived_stop(self);
}

static void
restored(gpointer data)
{
	const Later *event = data;
	RdSimPod *pod = later_pod(event);

	for (guint i = 0; pod != NULL && i < pod->containers->len; i++) {
		RdSimContainer *container = g_ptr_array_index(pod->containers, i);

		if (!is_etcd(pod, container) || !container->running ||
		    rd_sim_etcd_restore_end(event->host))
			continue;
		container_end(event->host, pod, container);
		later(event->host, 10 * RD_SIM_SECOND, 20 * RD_SIM_SECOND, restart_dead, pod);
	}
}

/* crash loop: what exited is started again */
static void
restart_dead(gpointer data)
{
	const Later *event = data;
	RdSimPod *pod = later_pod(event);

	if (pod == NULL || pod->ending)
		return;
	for (guint i = 0; i < pod->containers->len; i++) {
		RdSimContainer *container = g_ptr_array_index(pod->containers, i);

		if (container->running)
			continue;
		container->attempt++;
		container_start(event->host, pod, container);
	}
}

static gboolean
is_wanted(RdSimNode *dir, const RdSimPod *pod)
{
	for (guint i = 0; dir != NULL && i < dir->children->len; i++) {
		RdSimNode *file = g_ptr_array_index(dir->children, i);

		if (file->name[0] != '.' && file->content != NULL &&
		    strncmp(rd_sim_node_sha256(file), pod->uid, 32) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
pod_up(gpointer data)
{
	const Later *event = data;
	RdSimPod *pod = later_pod(event);

	/* its manifest went away while the sandbox was made: nothing is started any more */
	if (pod == NULL || pod->ending ||
	    !is_wanted(rd_sim_tree_find(event->host->tree, RD_SIM_MANIFESTS), pod))
		return;
	pod->started = TRUE;
	for (guint i = 0; i < pod->containers->len; i++)
		container_start(event->host, pod, g_ptr_array_index(pod->containers, i));
}

static void
pod_down(gpointer data)
{
	const Later *event = data;
	RdSimPod *pod = later_pod(event);
	gboolean gone = TRUE;

	if (pod == NULL)
		return;
	for (guint i = 0; i < pod->containers->len; i++) {
		RdSimContainer *container = g_ptr_array_index(pod->containers, i);

		if (g_strcmp0(container->name, event->host->stubborn) == 0 && container->running)
			gone = FALSE;
		else
			container_end(event->host, pod, container);
	}
	if (!gone)
		return;
	g_ptr_array_remove(event->host->pods, pod);
	rd_sim_kubelet_notice(event->host);
}

static void
pod_stop(RdSimHost *self, RdSimPod *pod)
{
	guint i = 0;

	while (!g_str_has_prefix(pod->name, paces[i].pod))
		i++;
	pod->ending = TRUE;
	if (self->cluster->brisk)
		later(self, 200 * RD_SIM_MS, 1500 * RD_SIM_MS, pod_down, pod);
	else
		later(self, paces[i].stop_low * RD_SIM_SECOND, paces[i].stop_high * RD_SIM_SECOND,
		      pod_down, pod);
}

static void
pod_add(RdSimPod *pod, const char *name)
{
	RdSimContainer *container = g_new0(RdSimContainer, 1);

	container->name = g_strdup(name);
	g_ptr_array_add(pod->containers, container);
}

/* of operators' manifests */
static gboolean
pod_read_json(RdSimHost *self, RdSimPod *pod, const char *text)
{
	g_autoptr(JsonNode) node = json_from_string(text, NULL);
	JsonObject *root, *metadata;
	JsonArray *containers;

	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return FALSE;
	root = json_node_get_object(node);
	metadata = json_object_get_object_member(root, "metadata");
	containers =
	    json_object_get_array_member(json_object_get_object_member(root, "spec"), "containers");
	pod->name =
	    g_strdup_printf("%s-%s", json_object_get_string_member(metadata, "name"), self->name);
	pod->namespace = g_strdup(json_object_get_string_member(metadata, "namespace"));
	for (guint i = 0; i < json_array_get_length(containers); i++)
		pod_add(pod, json_object_get_string_member(
				 json_array_get_object_element(containers, i), "name"));
	return TRUE;
}

/* of the restore pod, the one in YAML: whole, or it is none */
static gboolean
pod_read_yaml(RdSimHost *self, RdSimPod *pod, const char *text)
{
	if (strstr(text, "\nkind: Pod\n") == NULL || strstr(text, "snapshot restore") == NULL ||
	    !g_str_has_suffix(text, "\n# end\n"))
		return FALSE;
	pod->name = g_strdup_printf("etcd-%s", self->name);
	pod->namespace = g_strdup("openshift-etcd");
	pod->restores = TRUE;
	pod_add(pod, "etcd");
	return TRUE;
}

/* a pod object from a manifest, NULL when it is none */
static RdSimPod *
pod_new(RdSimHost *self, RdSimNode *file)
{
	g_autofree char *text = rd_sim_node_text(file);
	RdSimPod *pod = g_new0(RdSimPod, 1);

	pod->containers = g_ptr_array_new_with_free_func((GDestroyNotify)container_free);
	if (!pod_read_json(self, pod, text) && !pod_read_yaml(self, pod, text)) {
		rd_sim_pod_free(pod);
		return NULL;
	}
	pod->serial = ++self->cluster->serials;
	pod->uid = g_strndup(rd_sim_node_sha256(file), 32);
	return pod;
}

/* the pod of exactly this manifest runs, or is being started */
static gboolean
is_running(RdSimHost *self, RdSimNode *file)
{
	for (guint i = 0; i < self->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(self->pods, i);

		if (!pod->ending && strncmp(rd_sim_node_sha256(file), pod->uid, 32) == 0)
			return TRUE;
	}
	return FALSE;
}

/* a pod of this manifest, or an older one of its name that has to end first */
static gboolean
is_there(RdSimHost *self, const RdSimPod *wanted)
{
	for (guint i = 0; i < self->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(self->pods, i);

		if (g_str_equal(pod->name, wanted->name)) {
			if (!pod->ending && !g_str_equal(pod->uid, wanted->uid))
				rd_sim_cluster_violation(self->cluster, "%s: two manifests of %s",
							 self->name, pod->name);
			return TRUE;
		}
	}
	return FALSE;
}

static void
sync_now(gpointer data)
{
	const Later *event = data;
	RdSimHost *self = event->host;
	RdSimNode *dir;

	if (self->boots != event->boots)
		return;
	self->sync_due = FALSE;
	if (self->kubelet_stopped)
		return;
	dir = rd_sim_tree_find(self->tree, RD_SIM_MANIFESTS);
	for (guint i = 0; i < self->pods->len; i++) {
		RdSimPod *pod = g_ptr_array_index(self->pods, i);

		if (!pod->ending && !is_wanted(dir, pod))
			pod_stop(self, pod);
	}
	for (guint i = 0; dir != NULL && i < dir->children->len; i++) {
		RdSimNode *file = g_ptr_array_index(dir->children, i);
		RdSimPod *pod = NULL;

		if (file->name[0] == '.' || file->content == NULL || is_running(self, file))
			continue;
		pod = pod_new(self, file);
		if (pod == NULL)
			continue;
		if (is_there(self, pod)) {
			rd_sim_pod_free(pod);
			continue;
		}
		g_ptr_array_add(self->pods, pod);
		if (self->cluster->brisk)
			later(self, 100 * RD_SIM_MS, 800 * RD_SIM_MS, pod_up, pod);
		else
			later(self, 1 * RD_SIM_SECOND, 3 * RD_SIM_SECOND, pod_up, pod);
	}
}

void
rd_sim_kubelet_notice(RdSimHost *self)
{
	if (self->power != RD_SIM_UP || self->sync_due || self->kubelet_stopped)
		return;
	self->sync_due = TRUE;
	later(self, 100 * RD_SIM_MS, 1000 * RD_SIM_MS, sync_now, NULL);
}

void
rd_sim_kubelet_boot(RdSimHost *self)
{
	self->kubelet_since = rd_timeline_now(self->cluster->timeline) + 5 * RD_SIM_SECOND;
	rd_sim_kubelet_notice(self);
}

void
rd_sim_kubelet_restart(RdSimHost *self)
{
	/* containers live on: they belong to the runtime */
	self->kubelet_since = rd_timeline_now(self->cluster->timeline);
	rd_sim_host_count(self, "kubelet restarted", NULL);
	rd_sim_kubelet_notice(self);
}

void
rd_sim_kubelet_stop(RdSimHost *self)
{
	self->kubelet_stopped = TRUE;
	for (guint i = 0; i < self->pods->len; i++) {
		RdSimPod *pod = g_ptr_array_index(self->pods, i);

		for (guint j = 0; j < pod->containers->len; j++)
			container_end(self, pod, g_ptr_array_index(pod->containers, j));
	}
	g_ptr_array_set_size(self->pods, 0);
}

void
rd_sim_kubelet_start(RdSimHost *self)
{
	if (!self->kubelet_stopped)
		return;
	self->kubelet_stopped = FALSE;
	self->kubelet_since = rd_timeline_now(self->cluster->timeline);
	rd_sim_kubelet_notice(self);
}

RdSimContainer *
rd_sim_container_find(RdSimHost *self, const char *id, RdSimPod **pod)
{
	for (guint i = 0; i < self->pods->len; i++) {
		RdSimPod *candidate = g_ptr_array_index(self->pods, i);

		for (guint j = 0; j < candidate->containers->len; j++) {
			RdSimContainer *container = g_ptr_array_index(candidate->containers, j);

			/* crictl takes any prefix of an id */
			if (!container->running || !g_str_has_prefix(container->id, id))
				continue;
			*pod = candidate;
			return container;
		}
	}
	return NULL;
}

gboolean
rd_sim_container_named(RdSimHost *self, const char *name)
{
	for (guint i = 0; i < self->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(self->pods, i);

		for (guint j = 0; j < pod->containers->len; j++) {
			const RdSimContainer *container = g_ptr_array_index(pod->containers, j);

			if (container->running && g_str_equal(container->name, name))
				return TRUE;
		}
	}
	return FALSE;
}

/* the kubelet starts again what was stopped behind its back, unless it wanted it gone itself */
void
rd_sim_container_stop(RdSimHost *self, RdSimContainer *container)
{
	RdSimPod *pod = NULL;

	if (rd_sim_container_find(self, container->id, &pod) == NULL)
		return;
	container_end(self, pod, container);
	if (pod->ending)
		later(self, 100 * RD_SIM_MS, 500 * RD_SIM_MS, pod_down, pod);
	else
		later(self, 1 * RD_SIM_SECOND, 5 * RD_SIM_SECOND, restart_dead, pod);
}

void
rd_sim_container_list(RdSimHost *self, GString *out)
{
	const char *comma = "";
	gsize had = out->len;

	/* it is a few KiB: not by doubling from nothing */
	g_string_set_size(out, had + 8000);
	g_string_truncate(out, had);
	g_string_append(out, "{\"containers\":[");
	for (guint i = 0; i < self->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(self->pods, i);

		for (guint j = 0; j < pod->containers->len; j++) {
			const RdSimContainer *container = g_ptr_array_index(pod->containers, j);

			if (!container->running)
				continue;
			g_string_append(out, comma);
			g_string_append(out, container->json);
			comma = ",";
		}
	}
	g_string_append(out, "]}\n");
}

/* a pod has its sandbox from the moment the kubelet begins with it until it is through */
void
rd_sim_sandbox_list(RdSimHost *self, GString *out)
{
	g_string_append(out, "{\"items\":[");
	for (guint i = 0; i < self->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(self->pods, i);

		g_string_append_printf(
		    out,
		    "%s{\"id\":\"%s\",\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\","
		    "\"namespace\":\"%s\",\"attempt\":0},\"state\":\"SANDBOX_READY\","
		    "\"annotations\":{\"kubernetes.io/config.hash\":\"%s\","
		    "\"kubernetes.io/config.source\":\"file\"}}",
		    i > 0 ? "," : "", pod->uid, pod->name, pod->uid, pod->namespace, pod->uid);
	}
	g_string_append(out, "]}\n");
}

gboolean
rd_sim_sandbox_stop(RdSimHost *self, const char *id)
{
	for (guint i = 0; i < self->pods->len; i++) {
		RdSimPod *pod = g_ptr_array_index(self->pods, i);

		if (!g_str_has_prefix(pod->uid, id))
			continue;
		for (guint j = 0; j < pod->containers->len; j++)
			container_end(self, pod, g_ptr_array_index(pod->containers, j));
		g_ptr_array_remove_index(self->pods, i);
		/* who is still wanted gets another one */
		rd_sim_kubelet_notice(self);
		return TRUE;
	}
	return FALSE;
}
