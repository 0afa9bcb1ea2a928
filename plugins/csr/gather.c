/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gather.h"
#include "hosts.h"
#include "object.h"
#include <string.h>

#define NODES	 "/api/v1/nodes"
#define MACHINES "/apis/machine.openshift.io/v1beta1/machines"
#define APPROVER                                                                                   \
	"/api/v1/namespaces/openshift-cluster-machine-approver/configmaps/machine-approver-config"
/* who signs the kubelets' serving certificates */
#define SIGNER_CA      "/api/v1/namespaces/openshift-config-managed/configmaps/csr-controller-ca"
#define PORT	       10250 /* of a Node that does not say */
#define INFRASTRUCTURE "/apis/config.openshift.io/v1/infrastructures/cluster"
#define SERVICE	       "/api/v1/namespaces/default/services/kubernetes"

struct _CsrGather {
	RdCsrFacts facts;	     /* points into what follows */
	JsonArray *nodes, *machines; /* (owned) */
	GPtrArray *hosts; /* (element-type CsrHost) (owned), in the order of facts.nodes */
	GPtrArray *lists; /* (element-type GPtrArray) (owned) the lists of names */
	GPtrArray *never_ips, *never_dns; /* (element-type utf8) (owned) end with NULL */
	char **names;			  /* (owned) the hosts' */
};

void
csr_gather_free(CsrGather *self)
{
	if (self == NULL)
		return;
	g_clear_pointer(&self->nodes, json_array_unref);
	g_clear_pointer(&self->machines, json_array_unref);
	g_clear_pointer(&self->hosts, g_ptr_array_unref);
	g_clear_pointer(&self->lists, g_ptr_array_unref);
	g_clear_pointer(&self->never_ips, g_ptr_array_unref);
	g_clear_pointer(&self->never_dns, g_ptr_array_unref);
	g_strfreev(self->names);
	g_free((gpointer)self->facts.nodes);
	g_free((gpointer)self->facts.machines);
	g_free(self);
}

char *
csr_path(RecoveryStep *step, GError **error)
{
	const char *api = recovery_string(step, "api");

	if (g_str_equal(api, "v1") || g_str_equal(api, "v1beta1"))
		return g_strdup_printf("/apis/certificates.k8s.io/%s/certificatesigningrequests",
				       api);
	rd_api_refuse(error, "api: v1 or v1beta1, not '%s'", api);
	return NULL;
}

static gboolean
is_ours(const RdCsrObject *object)
{
	return g_str_equal(object->signer, RD_CSR_SIGNER_CLIENT) ||
	       g_str_equal(object->signer, RD_CSR_SIGNER_SERVING);
}

gboolean
csr_is_ours(JsonNode *request)
{
	g_autoptr(RdCsrObject) object = rd_csr_object_read(request);

	return is_ours(object);
}

gboolean
csr_is_pending(JsonNode *request)
{
	g_autoptr(RdCsrObject) object = rd_csr_object_read(request);

	return object->decided == NULL && is_ours(object);
}

/* ---- from the API ---- */

/* the addresses of a Node or Machine whose type is one of @types; kept by @self */
static const char *const *
addresses(CsrGather *self, JsonNode *object, const char *const *types)
{
	GPtrArray *list = g_ptr_array_new();
	JsonArray *items = rd_api_items(object, "status", "addresses", NULL);

	for (guint i = 0; i < rd_api_length(items); i++) {
		JsonNode *item = json_array_get_element(items, i);
		const char *address = rd_api_text(item, "address", NULL);

		if (*address != '\0' && g_strv_contains(types, rd_api_text(item, "type", NULL)))
			g_ptr_array_add(list, (gpointer)address);
	}
	g_ptr_array_add(list, NULL);
	g_ptr_array_add(self->lists, list);
	return (const char *const *)list->pdata;
}

static const char *const any_dns[] = {"InternalDNS", "ExternalDNS", "Hostname", NULL};
static const char *const any_ip[] = {"InternalIP", "ExternalIP", NULL};
static const char *const internal_dns[] = {"InternalDNS", NULL};

static void
take_machines(CsrGather *self)
{
	guint n = rd_api_length(self->machines);
	RdCsrMachine *machines = g_new0(RdCsrMachine, MAX(n, 1));

	for (guint i = 0; i < n; i++) {
		JsonNode *object = json_array_get_element(self->machines, i);
		const char *node = rd_api_text(object, "status", "nodeRef", "name", NULL);

		machines[i] = (RdCsrMachine){
		    .name = rd_api_name(object),
		    .node = *node != '\0' ? node : NULL,
		    .created = (gint64)rd_api_time(object, "metadata", "creationTimestamp", NULL),
		    .internal_dns = addresses(self, object, internal_dns),
		    .dns = addresses(self, object, any_dns),
		    .ips = addresses(self, object, any_ip),
		};
	}
	self->facts.machines = machines;
	self->facts.n_machines = n;
}

/* hosts of the inventory that are present */
static void
take_hosts(RecoveryStep *step, CsrGather *self)
{
	g_auto(GStrv) control = recovery_hosts(step, "control-plane");
	g_auto(GStrv) workers = recovery_hosts(step, "workers");
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();
	RdCsrNode *nodes;
	guint n;

	g_strv_builder_addv(names, (const char **)control);
	g_strv_builder_addv(names, (const char **)workers);
	self->names = g_strv_builder_end(names);
	n = g_strv_length(self->names);
	nodes = g_new0(RdCsrNode, MAX(n, 1));
	for (guint i = 0; i < n; i++) {
		JsonNode *object = rd_api_find(self->nodes, self->names[i]);
		CsrHost *host = g_new0(CsrHost, 1);

		host->name = self->names[i];
		g_ptr_array_add(self->hosts, host);
		nodes[i] = (RdCsrNode){
		    .name = self->names[i],
		    .exists = object != NULL,
		    .node_dns = addresses(self, object, any_dns),
		    .node_ips = addresses(self, object, any_ip),
		};
	}
	self->facts.nodes = nodes;
	self->facts.n_nodes = n;
	self->facts.nodes_in_cluster = rd_api_length(self->nodes);
}

static void
add_texts(GPtrArray *list, JsonArray *items)
{
	for (guint i = 0; i < rd_api_length(items); i++) {
		const char *text = rd_api_text(json_array_get_element(items, i), NULL);

		if (*text != '\0')
			g_ptr_array_add(list, g_strdup(text));
	}
}

/* "https://api.kite.example.com:6443" */
static void
add_url_host(GPtrArray *list, const char *url)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);

	if (uri != NULL && g_uri_get_host(uri) != NULL && *g_uri_get_host(uri) != '\0')
		g_ptr_array_add(list, g_strdup(g_uri_get_host(uri)));
}

/* Names and addresses of the API, its VIPs and its service: no node's own (domain 3.3). Whoever
 * cannot read them judges nothing. */
static gboolean
take_never(RecoveryStep *step, CsrGather *self, GError **error)
{
	static const char *const platforms[] = {"baremetal", "openstack", "vsphere",
						"nutanix",   "ovirt",	  NULL};
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) infrastructure = recovery_api_get(step, INFRASTRUCTURE, &local);
	g_autoptr(JsonNode) service =
	    local == NULL ? recovery_api_get(step, SERVICE, &local) : NULL;
	g_auto(GStrv) known = g_strsplit(recovery_string(step, "vips"), ",", -1);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	for (guint i = 0; platforms[i] != NULL; i++) {
		JsonNode *platform =
		    rd_api_at(infrastructure, "status", "platformStatus", platforms[i], NULL);

		add_texts(self->never_ips, rd_api_items(platform, "apiServerInternalIPs", NULL));
		add_texts(self->never_ips, rd_api_items(platform, "ingressIPs", NULL));
		g_ptr_array_add(self->never_ips,
				g_strdup(rd_api_text(platform, "apiServerInternalIP", NULL)));
		g_ptr_array_add(self->never_ips,
				g_strdup(rd_api_text(platform, "ingressIP", NULL)));
	}
	add_texts(self->never_ips, rd_api_items(service, "spec", "clusterIPs", NULL));
	g_ptr_array_add(self->never_ips, g_strdup(rd_api_text(service, "spec", "clusterIP", NULL)));
	for (guint i = 0; known[i] != NULL; i++)
		g_ptr_array_add(self->never_ips, g_strdup(g_strstrip(known[i])));
	add_url_host(self->never_dns, rd_api_text(infrastructure, "status", "apiServerURL", NULL));
	add_url_host(self->never_dns,
		     rd_api_text(infrastructure, "status", "apiServerInternalURI", NULL));
	g_ptr_array_add(self->never_ips, NULL);
	g_ptr_array_add(self->never_dns, NULL);
	self->facts.never_ips = (const char *const *)self->never_ips->pdata;
	self->facts.never_dns = (const char *const *)self->never_dns->pdata;
	return TRUE;
}

/* nodeClientCert.disabled of the approver's YAML. Not parsed: whatever could mean it switches the
 * rule off, and then the host itself is asked instead */
static gboolean
take_approver(RecoveryStep *step, CsrGather *self, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) config = recovery_api_get(step, APPROVER, &local);
	const char *text = rd_api_text(config, "data", "config.yaml", NULL);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	self->facts.machine_rule_disabled =
	    strstr(text, "disabled") != NULL && strstr(text, "true") != NULL;
	return TRUE;
}

static CsrGather *
gather(RecoveryStep *step, const RecoveryMoment *moment, GError **error)
{
	g_autoptr(CsrGather) self = g_new0(CsrGather, 1);

	self->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)csr_host_free);
	self->lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	self->never_ips = g_ptr_array_new_with_free_func(g_free);
	self->never_dns = g_ptr_array_new_with_free_func(g_free);
	self->facts.now = (gint64)moment->now;
	self->nodes = recovery_api_list(step, NODES, error);
	if (self->nodes != NULL)
		self->machines = rd_api_list_if_served(step, MACHINES, NULL, error);
	if (self->machines == NULL || !take_never(step, self, error) ||
	    !take_approver(step, self, error))
		return NULL;
	take_machines(self);
	take_hosts(step, self);
	return g_steal_pointer(&self);
}

/* ---- from the hosts ---- */

/* the hosts whom a verdict at one of @rules is about, each once; @kind: only such, -1: any.
 * (unowned elements) */
static GPtrArray *
find_asked(CsrGather *self, GPtrArray *verdicts, const char *const *rules, int kind)
{
	GPtrArray *asked = g_ptr_array_new();

	for (guint i = 0; i < self->hosts->len; i++) {
		CsrHost *host = self->hosts->pdata[i];
		gboolean needed = FALSE;

		for (guint j = 0; j < verdicts->len && !needed; j++) {
			const RdCsrVerdict *verdict = verdicts->pdata[j];

			needed = g_strv_contains(rules, verdict->rule) &&
				 (kind < 0 || (int)verdict->kind == kind) &&
				 g_strcmp0(verdict->node, host->name) == 0;
		}
		if (needed)
			g_ptr_array_add(asked, host);
	}
	return asked;
}

/* TRUE when there is more to judge by than before */
static gboolean
ask_hosts(RecoveryStep *step, CsrGather *self, GPtrArray *verdicts)
{
	static const char *const key_rules[] = {"client.need", "client.possession", NULL};
	static const char *const name_rules[] = {"serving.host", NULL};
	g_autoptr(GPtrArray) keys = find_asked(self, verdicts, key_rules, -1);
	g_autoptr(GPtrArray) names = find_asked(self, verdicts, name_rules, -1);
	g_autofree char *marker = rd_node_marker(step);

	if (keys->len > 0)
		csr_hosts_ask_keys(step, keys, marker, self->facts.now);
	if (names->len > 0)
		csr_hosts_ask_names(step, names);
	for (guint i = 0; i < self->hosts->len; i++) {
		RdCsrNode *node = (RdCsrNode *)&self->facts.nodes[i];
		const CsrHost *host = self->hosts->pdata[i];

		node->needs_since = host->needs_since;
		node->pending_key = host->pending_key;
		if (host->dns != NULL)
			node->host_dns = (const char *const *)host->dns->pdata;
		if (host->ips != NULL)
			node->host_ips = (const char *const *)host->ips->pdata;
	}
	return keys->len + names->len > 0;
}

/* "10.0.0.1:10250" of Node @name: its first InternalIP. NULL when it does not say. (transfer full)
 */
static char *
kubelet_address(CsrGather *self, const char *name)
{
	static const char *const internal[] = {"InternalIP", NULL};
	JsonNode *node = rd_api_find(self->nodes, name);
	const char *ip = node != NULL ? addresses(self, node, internal)[0] : NULL;
	gint64 port =
	    rd_api_int(node, PORT, "status", "daemonEndpoints", "kubeletEndpoint", "Port", NULL);

	if (ip == NULL)
		return NULL;
	return g_strdup_printf(
	    strchr(ip, ':') != NULL ? "[%s]:%" G_GINT64_FORMAT : "%s:%" G_GINT64_FORMAT, ip, port);
}

/* What nobody else vouches for, the kubelet's own certificate may: asked last, because a connection
 * that hangs takes ten seconds. TRUE when there is more to judge by. */
static gboolean
ask_kubelets(RecoveryStep *step, CsrGather *self, GPtrArray *verdicts)
{
	static const char *const rules[] = {"serving.host", NULL};
	g_autoptr(GPtrArray) asked = find_asked(self, verdicts, rules, RD_CSR_REFUSE);
	g_autoptr(GPtrArray) at = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(JsonNode) map = NULL;
	const char *ca;

	if (asked->len == 0)
		return FALSE;
	/* without it nothing is proven, which is what there was before */
	map = recovery_api_get(step, SIGNER_CA, NULL);
	ca = rd_api_text(map, "data", "ca-bundle.crt", NULL);
	if (*ca == '\0')
		return FALSE;
	for (guint i = 0; i < asked->len; i++)
		g_ptr_array_add(at, kubelet_address(self, ((CsrHost *)asked->pdata[i])->name));
	csr_hosts_ask_presented(step, asked, (const char *const *)at->pdata, ca, self->facts.now);
	for (guint i = 0; i < self->hosts->len; i++)
		((RdCsrNode *)&self->facts.nodes[i])->presented =
		    ((CsrHost *)self->hosts->pdata[i])->presented;
	return TRUE;
}

GPtrArray *
csr_judge(RecoveryStep *step, JsonArray *requests, const RecoveryMoment *moment, GError **error)
{
	g_autoptr(CsrGather) self = gather(step, moment, error);
	g_autoptr(GPtrArray) verdicts = NULL;

	if (self == NULL)
		return NULL;
	verdicts = rd_csr_judge(requests, &self->facts);
	if (ask_hosts(step, self, verdicts)) {
		g_ptr_array_unref(verdicts);
		verdicts = rd_csr_judge(requests, &self->facts);
	}
	if (ask_kubelets(step, self, verdicts)) {
		g_ptr_array_unref(verdicts);
		verdicts = rd_csr_judge(requests, &self->facts);
	}
	return g_steal_pointer(&verdicts);
}
