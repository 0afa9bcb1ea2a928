/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "identity.h"

#include "kube-objects.h"

#include <string.h>

#define OPENSHIFT      "/kubernetes.io/config.openshift.io/"
#define VERSION	       OPENSHIFT "clusterversions/version"
#define INFRASTRUCTURE OPENSHIFT "infrastructures/cluster"

/* OpenShift's prefix, and that of every other Kubernetes */
static const char *const node_prefixes[] = {"/kubernetes.io/minions/", "/registry/minions/"};

static JsonNode *
find_object(const RdKeyTable *table, const char *name)
{
	const RdKey *key = g_hash_table_lookup(table->keys, name);
	gsize size = 0;
	const guint8 *bytes = NULL;

	if (key == NULL || key->value == NULL)
		return NULL;
	bytes = g_bytes_get_data(key->value, &size);
	return rd_object_parse_json(bytes, size);
}

/* the node at "status/desired/version" below @node; a number is a place in a list */
static JsonNode *
follow(JsonNode *node, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (guint i = 0; node != NULL && parts[i] != NULL; i++) {
		if (JSON_NODE_HOLDS_OBJECT(node))
			node = json_object_get_member(json_node_get_object(node), parts[i]);
		else if (JSON_NODE_HOLDS_ARRAY(node) && strcmp(parts[i], "0") == 0 &&
			 json_array_get_length(json_node_get_array(node)) > 0)
			node = json_array_get_element(json_node_get_array(node), 0);
		else
			node = NULL;
	}
	return node;
}

static char *
text_at(JsonNode *node, const char *path)
{
	JsonNode *found = follow(node, path);

	return found != NULL && json_node_get_value_type(found) == G_TYPE_STRING
		   ? json_node_dup_string(found)
		   : NULL;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **
take_texts(GPtrArray *texts)
{
	gsize count = 0;

	g_ptr_array_sort(texts, compare_texts);
	g_ptr_array_add(texts, NULL);
	return (char **)g_ptr_array_steal(texts, &count);
}

static void
add_text(GPtrArray *texts, JsonNode *node)
{
	const char *text = node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
			       ? json_node_get_string(node)
			       : "";

	if (text[0] != '\0' && !g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
		g_ptr_array_add(texts, g_strdup(text));
}

/* platformStatus: {"type": "BareMetal", "baremetal": {"apiServerInternalIPs": […], …}}; the
 * fields in the singular are from before dual stack */
static char **
read_vips(JsonNode *infrastructure)
{
	static const char *const fields[] = {"apiServerInternalIP", "apiServerInternalIPs",
					     "ingressIP", "ingressIPs"};
	g_autoptr(GPtrArray) vips = g_ptr_array_new_with_free_func(g_free);
	JsonNode *status = follow(infrastructure, "status/platformStatus");
	g_autoptr(GList) kinds = status != NULL && JSON_NODE_HOLDS_OBJECT(status)
				     ? json_object_get_values(json_node_get_object(status))
				     : NULL;

	for (GList *l = kinds; l != NULL; l = l->next) {
		for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
			JsonNode *node = follow(l->data, fields[i]);
			JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY(node)
					      ? json_node_get_array(node)
					      : NULL;

			add_text(vips, node);
			for (guint j = 0; list != NULL && j < json_array_get_length(list); j++)
				add_text(vips, json_array_get_element(list, j));
		}
	}
	return take_texts(vips);
}

static char **
read_nodes(const RdKeyTable *table)
{
	g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer name = NULL;

	g_hash_table_iter_init(&iter, table->keys);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		for (guint i = 0; i < G_N_ELEMENTS(node_prefixes); i++)
			if (g_str_has_prefix(name, node_prefixes[i]))
				g_ptr_array_add(nodes,
						g_strdup((char *)name + strlen(node_prefixes[i])));
	return take_texts(nodes);
}

RdIdentity *
rd_identity_read(const char *path, GCancellable *cancellable, GError **error)
{
	static const char *const values[] = {VERSION, INFRASTRUCTURE, NULL};
	const RdKeyFilter filter = {.values = values};
	g_autoptr(RdKeyTable) table = rd_key_table_read(path, &filter, cancellable, error);
	g_autoptr(JsonNode) version = NULL;
	g_autoptr(JsonNode) infrastructure = NULL;
	g_autofree char *state = NULL;
	RdIdentity *self = NULL;

	if (table == NULL)
		return NULL;
	version = find_object(table, VERSION);
	infrastructure = find_object(table, INFRASTRUCTURE);
	self = g_new0(RdIdentity, 1);
	self->cluster_id = text_at(version, "spec/clusterID");
	self->version = text_at(version, "status/desired/version");
	state = text_at(version, "status/history/0/state");
	self->updating = g_strcmp0(state, "Partial") == 0;
	self->name = text_at(infrastructure, "status/infrastructureName");
	self->platform = text_at(infrastructure, "status/platformStatus/type");
	self->api_url = text_at(infrastructure, "status/apiServerURL");
	self->vips = read_vips(infrastructure);
	self->nodes = read_nodes(table);
	self->revision = table->revision;
	self->newest = g_strdup(table->newest);
	self->written = table->written;
	return self;
}

void
rd_identity_free(RdIdentity *self)
{
	if (self == NULL)
		return;
	g_free(self->cluster_id);
	g_free(self->version);
	g_free(self->name);
	g_free(self->platform);
	g_free(self->api_url);
	g_strfreev(self->vips);
	g_strfreev(self->nodes);
	g_free(self->newest);
	g_free(self);
}
