/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"
#include <string.h>

void
storage_audit_clear(StorageAudit *self)
{
	g_clear_pointer(&self->volumes, g_hash_table_unref);
	g_clear_pointer(&self->claims, g_hash_table_unref);
	g_clear_pointer(&self->drivers, g_hash_table_unref);
	g_clear_pointer(&self->users, g_hash_table_unref);
	g_clear_pointer(&self->attachments, g_hash_table_unref);
	g_clear_pointer(&self->findings, g_ptr_array_unref);
}

/* ---- index --------------------------------------------------------------------------------- */

static char *
full_name(const char *namespace, const char *name)
{
	return g_strdup_printf("%s/%s", namespace, name);
}

GHashTable *
storage_audit_index(JsonArray *list)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < rd_api_length(list); i++) {
		JsonNode *object = json_array_get_element(list, i);
		const char *namespace = rd_api_text(object, "metadata", "namespace", NULL);

		g_hash_table_replace(table,
				     *namespace != '\0' ? full_name(namespace, rd_api_name(object))
							: g_strdup(rd_api_name(object)),
				     object);
	}
	return table;
}

static void
add_to(GHashTable *table, char *key, JsonNode *object)
{
	GPtrArray *list = g_hash_table_lookup(table, key);

	if (list == NULL) {
		list = g_ptr_array_new();
		g_hash_table_insert(table, key, list);
	} else {
		g_free(key);
	}
	g_ptr_array_add(list, object);
}

static GHashTable *
lists_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
				     (GDestroyNotify)g_ptr_array_unref);
}

static void
index_pods(StorageAudit *self)
{
	JsonArray *pods = self->now->lists[STORAGE_PODS];

	for (guint i = 0; i < rd_api_length(pods); i++) {
		JsonNode *pod = json_array_get_element(pods, i);
		JsonArray *volumes = rd_api_items(pod, "spec", "volumes", NULL);
		const char *namespace = rd_api_text(pod, "metadata", "namespace", NULL);

		for (guint j = 0; j < rd_api_length(volumes); j++) {
			JsonNode *volume = json_array_get_element(volumes, j);
			const char *claim =
			    rd_api_text(volume, "persistentVolumeClaim", "claimName", NULL);
			gboolean own = rd_api_at(volume, "ephemeral", NULL) != NULL;
			/* a generic ephemeral volume's claim is called POD-VOLUME */
			g_autofree char *ephemeral = g_strdup_printf(
			    "%s-%s", rd_api_name(pod), rd_api_text(volume, "name", NULL));

			if (own || *claim != '\0')
				add_to(self->users, full_name(namespace, own ? ephemeral : claim),
				       pod);
		}
	}
}

static void
index_all(StorageAudit *self)
{
	JsonArray *attachments = self->now->lists[STORAGE_ATTACHMENTS];

	self->volumes = storage_audit_index(self->now->lists[STORAGE_VOLUMES]);
	self->claims = storage_audit_index(self->now->lists[STORAGE_CLAIMS]);
	self->drivers = storage_audit_index(self->now->lists[STORAGE_CSI_DRIVERS]);
	self->users = lists_new();
	self->attachments = lists_new();
	index_pods(self);
	for (guint i = 0; i < rd_api_length(attachments); i++) {
		JsonNode *attachment = json_array_get_element(attachments, i);

		add_to(self->attachments,
		       g_strdup(
			   rd_api_text(attachment, "spec", "source", "persistentVolumeName", NULL)),
		       attachment);
	}
}

/* ---- for the checks ------------------------------------------------------------------------ */

gboolean
storage_pod_ended(JsonNode *pod)
{
	const char *phase = rd_api_text(pod, "status", "phase", NULL);

	return g_str_equal(phase, "Succeeded") || g_str_equal(phase, "Failed");
}

GPtrArray *
storage_audit_users(const StorageAudit *self, JsonNode *volume, const char *node)
{
	g_autofree char *claim = storage_volume_claim(volume);
	GPtrArray *pods = claim != NULL ? g_hash_table_lookup(self->users, claim) : NULL;
	g_autoptr(GPtrArray) found = g_ptr_array_new();

	for (guint i = 0; pods != NULL && i < pods->len; i++) {
		const char *on = rd_api_text(pods->pdata[i], "spec", "nodeName", NULL);

		if (!storage_pod_ended(pods->pdata[i]) && (node == NULL || g_str_equal(on, node)))
			g_ptr_array_add(found, pods->pdata[i]);
	}
	return found->len > 0 ? g_steal_pointer(&found) : NULL;
}

const char *
storage_audit_node_of(const StorageAudit *self, JsonNode *volume)
{
	g_autoptr(GPtrArray) pods = storage_audit_users(self, volume, NULL);
	const char *node = "";

	for (guint i = 0; pods != NULL && i < pods->len; i++) {
		const char *on = rd_api_text(pods->pdata[i], "spec", "nodeName", NULL);

		if (*node != '\0' && *on != '\0' && !g_str_equal(node, on))
			return "";
		if (*on != '\0')
			node = on;
	}
	return node;
}

JsonNode *
storage_audit_attachment(const StorageAudit *self, const char *volume, const char *node)
{
	GPtrArray *all = g_hash_table_lookup(self->attachments, volume);

	for (guint i = 0; all != NULL && i < all->len; i++)
		if (g_str_equal(rd_api_text(all->pdata[i], "spec", "nodeName", NULL), node))
			return all->pdata[i];
	return NULL;
}

const char *
storage_audit_node_by_host(const StorageAudit *self, const char *host)
{
	JsonArray *nodes = self->now->lists[STORAGE_NODES];

	for (guint i = 0; i < rd_api_length(nodes); i++) {
		JsonNode *node = json_array_get_element(nodes, i);

		if (g_str_equal(rd_api_label(node, "kubernetes.io/hostname"), host))
			return rd_api_name(node);
	}
	return host;
}

gboolean
storage_audit_in_use(const StorageAudit *self, JsonNode *volume)
{
	return g_str_equal(rd_api_text(volume, "status", "phase", NULL), "Bound") ||
	       g_hash_table_contains(self->attachments, rd_api_name(volume));
}

gboolean
storage_audit_is_fresh(const StorageAudit *self, double time)
{
	return time > self->moment.since;
}

/* ---- all of it ----------------------------------------------------------------------------- */

GPtrArray *
storage_audit_nodes(const StorageAudit *self, gboolean looked)
{
	JsonArray *nodes = self->now->lists[STORAGE_NODES];
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < rd_api_length(nodes); i++) {
		const char *name = rd_api_name(json_array_get_element(nodes, i));

		if (g_hash_table_contains(self->hosts, name) == looked)
			g_ptr_array_add(names, g_strdup(name));
	}
	return names;
}

void
storage_audit_run(StorageAudit *self)
{
	self->findings = g_ptr_array_new_with_free_func((GDestroyNotify)storage_finding_free);
	index_all(self);
	storage_audit_volumes(self);
	storage_audit_claims(self);
	storage_audit_errors(self);
	storage_audit_attachments(self);
	storage_audit_mounts(self);
	storage_audit_credentials(self);
	storage_audit_devices(self);
	storage_audit_stuck(self);
	storage_findings_sort(self->findings);
}
