/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containers.h"
#include <json-glib/json-glib.h>
#include <recovery/plugin.h>
#include <string.h>

#define SPARE(pod) "/etc/kubernetes/static-pod-resources/" pod "-pod-REVISION/"

/* domain 4.1, 4.2: the file names and the namespaces are the operators' */
static const RdPod pods[] = {
    {"etcd", "etcd", "openshift-etcd", RD_MANIFESTS "/etcd-pod.yaml", SPARE("etcd"), FALSE},
    {"kube-apiserver", "kube-apiserver", "openshift-kube-apiserver",
     RD_MANIFESTS "/kube-apiserver-pod.yaml", SPARE("kube-apiserver"), FALSE},
    {"kube-controller-manager", "kube-controller-manager", "openshift-kube-controller-manager",
     RD_MANIFESTS "/kube-controller-manager-pod.yaml", SPARE("kube-controller-manager"), FALSE},
    {"kube-scheduler", "openshift-kube-scheduler", "openshift-kube-scheduler",
     RD_MANIFESTS "/kube-scheduler-pod.yaml", SPARE("kube-scheduler"), FALSE},
};

/* openshift-kni-infra, openshift-vsphere-infra, … (domain 2.6) */
const RdPod rd_pod_keepalived = {"keepalived",
				 "keepalived",
				 "openshift-*-infra",
				 RD_MANIFESTS "/keepalived.yaml",
				 "another control-plane host, where it is the same",
				 TRUE};

gboolean
rd_pod_lives_in(const RdPod *pod, const char *namespace)
{
	const char *star = strchr(pod->namespace, '*');
	gsize head, all = strlen(namespace);

	if (star == NULL)
		return g_str_equal(pod->namespace, namespace);
	head = star - pod->namespace;
	return all > head + strlen(star + 1) && strncmp(namespace, pod->namespace, head) == 0 &&
	       g_str_has_suffix(namespace, star + 1);
}

const RdPod *
rd_pod_find(const char *pod, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(pods); i++)
		if (g_str_equal(pods[i].pod, pod))
			return &pods[i];
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "there is no static pod '%s': etcd, kube-apiserver, kube-controller-manager "
		    "or kube-scheduler",
		    pod);
	return NULL;
}

static void
container_clear(gpointer data)
{
	RdContainer *container = data;

	g_free(container->id);
	g_free(container->name);
	g_free(container->pod);
	g_free(container->namespace);
}

/* one container may be in several lists */
static void
container_unref(RdContainer *container)
{
	g_rc_box_release_full(container, container_clear);
}

/* json-glib warns and returns NULL on a value of another type; this is silent */
static JsonObject *
object_member(JsonObject *object, const char *name)
{
	JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static const char *
string_member(JsonObject *object, const char *name)
{
	JsonNode *node = object == NULL ? NULL : json_object_get_member(object, name);

	if (node == NULL || json_node_get_value_type(node) != G_TYPE_STRING)
		return "";
	return json_node_get_string(node);
}

static RdContainer *
container_read(JsonObject *object)
{
	JsonObject *labels = object_member(object, "labels");
	RdContainer *container = g_rc_box_new0(RdContainer);

	container->id = g_strdup(string_member(object, "id"));
	container->name = g_strdup(string_member(object_member(object, "metadata"), "name"));
	container->pod = g_strdup(string_member(labels, "io.kubernetes.pod.name"));
	container->namespace = g_strdup(string_member(labels, "io.kubernetes.pod.namespace"));
	return container;
}

/* the list @member of what crictl printed, the @what. (transfer full) */
static JsonArray *
read_list(const char *json, const char *member, const char *what, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autoptr(JsonNode) root = json_from_string(json, &inner);
	JsonNode *list = root != NULL && JSON_NODE_HOLDS_OBJECT(root)
			     ? json_object_get_member(json_node_get_object(root), member)
			     : NULL;

	if (list != NULL && JSON_NODE_HOLDS_ARRAY(list))
		return json_array_ref(json_node_get_array(list));
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "'crictl %s%s%s", what,
		    inner != NULL ? ": " : "", inner != NULL ? inner->message : "");
	return NULL;
}

GPtrArray *
rd_containers_parse(const char *json, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    g_ptr_array_new_with_free_func((GDestroyNotify)container_unref);
	g_autoptr(JsonArray) array =
	    read_list(json, "containers", "ps -o json' did not print a list of containers", error);

	if (array == NULL)
		return NULL;
	for (guint i = 0; i < json_array_get_length(array); i++) {
		JsonNode *node = json_array_get_element(array, i);

		if (JSON_NODE_HOLDS_OBJECT(node) &&
		    g_str_equal(string_member(json_node_get_object(node), "state"),
				"CONTAINER_RUNNING"))
			g_ptr_array_add(containers, container_read(json_node_get_object(node)));
	}
	return g_steal_pointer(&containers);
}

/* "etcd-m0" is a pod of "etcd" */
static gboolean
is_named(const RdPod *pod, const char *name)
{
	gsize length = strlen(pod->name);

	return g_str_has_prefix(name, pod->name) && name[length] == '-';
}

/* A guard pod is etcd-guard-NODE with a container guard. Its name alone does not tell: a node
 * may be called guard-1, and then etcd-guard-1 is the real one. */
static gboolean
container_is_of(const RdContainer *container, const RdPod *pod)
{
	return rd_pod_lives_in(pod, container->namespace) && is_named(pod, container->pod) &&
	       !g_str_equal(container->name, "guard");
}

/* the kubelet says of each sandbox where its pod came from: a guard has the same name and
 * namespace, but no container yet by which to tell it */
static RdContainer *
sandbox_read(JsonObject *object, const RdPod *pod)
{
	JsonObject *meta = object_member(object, "metadata");
	const char *source =
	    string_member(object_member(object, "annotations"), "kubernetes.io/config.source");
	RdContainer *sandbox;

	if (!g_str_equal(string_member(object, "state"), "SANDBOX_READY") ||
	    g_str_equal(source, "api") || !is_named(pod, string_member(meta, "name")) ||
	    !rd_pod_lives_in(pod, string_member(meta, "namespace")))
		return NULL;
	sandbox = g_rc_box_new0(RdContainer);
	sandbox->id = g_strdup(string_member(object, "id"));
	sandbox->name = g_strdup("");
	sandbox->pod = g_strdup(string_member(meta, "name"));
	sandbox->namespace = g_strdup(string_member(meta, "namespace"));
	return sandbox;
}

GPtrArray *
rd_sandboxes_parse(const char *json, const RdPod *pod, GError **error)
{
	g_autoptr(JsonArray) array =
	    read_list(json, "items", "pods -o json' did not print a list of pods", error);
	GPtrArray *sandboxes;

	if (array == NULL)
		return NULL;
	sandboxes = g_ptr_array_new_with_free_func((GDestroyNotify)container_unref);
	for (guint i = 0; i < json_array_get_length(array); i++) {
		JsonNode *node = json_array_get_element(array, i);
		RdContainer *sandbox = JSON_NODE_HOLDS_OBJECT(node)
					   ? sandbox_read(json_node_get_object(node), pod)
					   : NULL;

		if (sandbox != NULL)
			g_ptr_array_add(sandboxes, sandbox);
	}
	return sandboxes;
}

GPtrArray *
rd_containers_of(GPtrArray *containers, const RdPod *pod)
{
	GPtrArray *of = g_ptr_array_new_with_free_func((GDestroyNotify)container_unref);

	for (guint i = 0; i < containers->len; i++)
		if (container_is_of(containers->pdata[i], pod))
			g_ptr_array_add(of, g_rc_box_acquire(containers->pdata[i]));
	return of;
}

const RdContainer *
rd_containers_find(GPtrArray *containers, const char *name)
{
	for (guint i = 0; i < containers->len; i++) {
		const RdContainer *container = containers->pdata[i];

		if (g_str_equal(container->name, name))
			return container;
	}
	return NULL;
}

char *
rd_containers_names(GPtrArray *containers)
{
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < containers->len; i++) {
		const RdContainer *container = containers->pdata[i];

		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", container->name);
	}
	return g_string_free(names, FALSE);
}
