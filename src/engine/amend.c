/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "amend.h"

static char *
rd_amend_name(const char *digest)
{
	return g_strdup_printf("amended-%s.json", digest);
}

gboolean
rd_amend_offer(RdRundir *dir, const RdInventory *inventory, const char *path, GError **error)
{
	g_autofree char *name = rd_amend_name(inventory->digest);
	g_autoptr(JsonNode) node = json_node_alloc();
	g_autofree char *yaml = NULL;
	g_autofree char *text = NULL;
	JsonObject *object;

	if (!g_file_get_contents(path, &yaml, NULL, error))
		return FALSE;
	object = json_object_new();
	json_object_set_member(object, "inventory", rd_inventory_to_json(inventory));
	json_object_set_string_member(object, "yaml", yaml);
	json_node_init_object(node, object);
	json_object_unref(object);
	text = json_to_string(node, FALSE);
	return rd_rundir_put(dir, name, text, strlen(text), error);
}

/* NULL: it is not there, or not what rd_amend_offer() writes */
static JsonNode *
rd_amend_read(RdRundir *dir, const char *digest, GError **error)
{
	g_autofree char *name = rd_amend_name(digest);
	g_autofree char *path = rd_rundir_file(dir, name);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	node = json_from_string(text, error);
	if (node != NULL && JSON_NODE_HOLDS_OBJECT(node) &&
	    json_object_has_member(json_node_get_object(node), "inventory") &&
	    json_object_has_member(json_node_get_object(node), "yaml"))
		return g_steal_pointer(&node);
	if (node != NULL)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: not an inventory",
			    path);
	return NULL;
}

gboolean
rd_amend_take(RdRundir *dir, RdRunSetting *setting, const char *digest, GError **error)
{
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(RdInventory) inventory = NULL;
	const char *yaml;

	if (digest == NULL || strspn(digest, "0123456789abcdef") != 64 || strlen(digest) != 64) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "an inventory is named by its SHA-256");
		return FALSE;
	}
	node = rd_amend_read(dir, digest, error);
	if (node == NULL)
		return FALSE;
	inventory = rd_inventory_from_json(
	    json_object_get_member(json_node_get_object(node), "inventory"), error);
	if (inventory == NULL || !rd_inventory_check_amended(setting->inventory, inventory, error))
		return FALSE;
	yaml = json_object_get_string_member(json_node_get_object(node), "yaml");
	if (!rd_rundir_put(dir, "cluster.yaml", yaml, strlen(yaml), error))
		return FALSE;
	rd_inventory_free(setting->inventory);
	setting->inventory = g_steal_pointer(&inventory);
	return rd_run_setting_save(setting, dir, error);
}
