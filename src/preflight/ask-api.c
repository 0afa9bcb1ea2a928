/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <string.h>

#include "kube/objects.h"
#include "preflight/ask.h"

#define READ	       "/api/v1/namespaces/kube-system"
#define LEASES	       "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
#define INFRASTRUCTURE "/apis/config.openshift.io/v1/infrastructures/cluster"
#define VERSION	       "/apis/config.openshift.io/v1/clusterversions/version"
#define MACHINES       "/apis/machine.openshift.io/v1beta1/machines"
#define LEASE_FRESH    60 /* seconds; kubelets renew every 10 */

/* the text at "status/desired/version", or NULL */
static const char *
text_at(JsonNode *node, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (guint i = 0; node != NULL && parts[i] != NULL; i++)
		node = JSON_NODE_HOLDS_OBJECT(node)
			   ? json_object_get_member(json_node_get_object(node), parts[i])
			   : NULL;
	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_get_string(node)
		   : NULL;
}

static JsonArray *
items_of(JsonNode *list)
{
	JsonNode *items = list != NULL && JSON_NODE_HOLDS_OBJECT(list)
			      ? json_object_get_member(json_node_get_object(list), "items")
			      : NULL;

	return items != NULL && JSON_NODE_HOLDS_ARRAY(items) ? json_node_get_array(items) : NULL;
}

static gboolean
is_master(GPtrArray *masters, const char *name)
{
	for (guint i = 0; i < masters->len; i++)
		if (g_strcmp0(((RdInventoryHost *)masters->pdata[i])->name, name) == 0)
			return TRUE;
	return FALSE;
}

/* That somebody writes is seen by the leases, which tells more than a write that is only tried: a
 * full etcd passes that one, and renews none. */
static void
ask_leases(RdKube *kube, GPtrArray *masters, double now, RdApiFacts *facts)
{
	g_autoptr(JsonNode) list = rd_kube_list(kube, LEASES, 0, NULL, NULL);
	JsonArray *items = items_of(list);
	g_autoptr(GStrvBuilder) stale = g_strv_builder_new();

	for (guint i = 0; items != NULL && i < json_array_get_length(items); i++) {
		JsonNode *lease = json_array_get_element(items, i);
		const char *text = text_at(lease, "spec/renewTime");
		g_autoptr(GDateTime) when =
		    text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;
		const char *name = text_at(lease, "metadata/name");
		gint64 age;

		if (when == NULL || name == NULL)
			continue;
		age = MAX((gint64)now - g_date_time_to_unix(when), 0);
		if (facts->lease_age < 0 || age < facts->lease_age)
			facts->lease_age = age;
		if (age > LEASE_FRESH)
			g_strv_builder_add(stale, name);
		else if (is_master(masters, name))
			facts->masters_ready++;
	}
	/* if nobody renews, it is not the nodes */
	if (facts->lease_age >= 0 && facts->lease_age <= LEASE_FRESH)
		facts->stale = g_strv_builder_end(stale);
}

/* by node, never by whether the kind is served: without the Machine API it is, and empty */
static void
ask_machines(RdKube *kube, GPtrArray *masters, RdApiFacts *facts)
{
	gboolean unserved = FALSE;
	g_autoptr(JsonNode) list = rd_kube_list(kube, MACHINES, 0, &unserved, NULL);
	JsonArray *items = items_of(list);

	for (guint i = 0; items != NULL && i < json_array_get_length(items); i++)
		if (is_master(masters,
			      text_at(json_array_get_element(items, i), "status/nodeRef/name")))
			facts->machines = TRUE;
}

void
rd_ask_api(RdKube *kube, GPtrArray *masters, double now, RdApiFacts *facts)
{
	g_autoptr(GError) error = NULL;
	/* without resourceVersion a majority of etcd has to confirm it */
	g_autoptr(JsonNode) read = rd_kube_get(kube, READ, 0, NULL, &error);
	g_autoptr(JsonNode) infrastructure = NULL, version = NULL;
	gboolean unserved = FALSE;

	facts->lease_age = -1;
	if (error != NULL) {
		facts->silence = g_strdup(error->message);
		return;
	}
	facts->reads = TRUE;
	infrastructure = rd_kube_get(kube, INFRASTRUCTURE, 0, &unserved, NULL);
	version = rd_kube_get(kube, VERSION, 0, &unserved, NULL);
	facts->topology = g_strdup(text_at(infrastructure, "status/controlPlaneTopology"));
	facts->cluster_id = g_strdup(text_at(version, "spec/clusterID"));
	facts->version = g_strdup(text_at(version, "status/desired/version"));
	ask_leases(kube, masters, now, facts);
	ask_machines(kube, masters, facts);
}
