/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "setting.h"

RdRunSetting *
rd_run_setting_new(void)
{
	RdRunSetting *self = g_new0(RdRunSetting, 1);

	self->inputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return self;
}

void
rd_run_setting_free(RdRunSetting *self)
{
	g_free(self->run_id);
	g_free(self->uuid);
	g_free(self->who);
	g_free(self->notify);
	g_free(self->tapes);
	g_hash_table_unref(self->inputs);
	g_clear_pointer(&self->inventory, rd_inventory_free);
	g_free(self);
}

char *
rd_run_setting_to_text(const RdRunSetting *self)
{
	JsonObject *object = json_object_new();
	JsonObject *inputs = json_object_new();
	g_autoptr(JsonNode) node = json_node_alloc();
	GHashTableIter iter;
	gpointer key, value;

	json_object_set_string_member(object, "run", self->run_id);
	json_object_set_string_member(object, "uuid", self->uuid);
	json_object_set_string_member(object, "who", self->who);
	if (self->notify != NULL)
		json_object_set_string_member(object, "notify", self->notify);
	if (self->tapes != NULL)
		json_object_set_string_member(object, "tapes", self->tapes);
	g_hash_table_iter_init(&iter, self->inputs);
	while (g_hash_table_iter_next(&iter, &key, &value))
		json_object_set_string_member(inputs, key, value);
	json_object_set_object_member(object, "inputs", inputs);
	json_object_set_member(object, "inventory", rd_inventory_to_json(self->inventory));
	json_node_init_object(node, object);
	json_object_unref(object);
	return json_to_string(node, TRUE);
}

gboolean
rd_run_setting_save(const RdRunSetting *self, RdRundir *dir, GError **error)
{
	g_autofree char *text = rd_run_setting_to_text(self);

	return rd_rundir_put(dir, "setting.json", text, strlen(text), error);
}

static char *
rd_run_setting_string(JsonObject *object, const char *name)
{
	return g_strdup(json_object_has_member(object, name)
			    ? json_object_get_string_member(object, name)
			    : NULL);
}

RdRunSetting *
rd_run_setting_load(const char *path, GError **error)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, error))
		return NULL;
	return rd_run_setting_parse(path, text, error);
}

RdRunSetting *
rd_run_setting_parse(const char *path, const char *text, GError **error)
{
	g_autoptr(RdRunSetting) self = rd_run_setting_new();
	g_autoptr(JsonNode) node = NULL;
	JsonObject *object, *inputs;
	JsonObjectIter iter;
	const char *name;
	JsonNode *value;

	node = json_from_string(text, error);
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node) ||
	    !json_object_has_member(json_node_get_object(node), "inputs")) {
		g_prefix_error(error, "%s: ", path);
		if (error != NULL && *error == NULL)
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
				    "%s: not a run's setting", path);
		return NULL;
	}
	object = json_node_get_object(node);
	self->run_id = rd_run_setting_string(object, "run");
	self->uuid = rd_run_setting_string(object, "uuid");
	self->who = rd_run_setting_string(object, "who");
	self->notify = rd_run_setting_string(object, "notify");
	self->tapes = rd_run_setting_string(object, "tapes");
	inputs = json_object_get_object_member(object, "inputs");
	json_object_iter_init(&iter, inputs);
	while (json_object_iter_next(&iter, &name, &value))
		g_hash_table_insert(self->inputs, g_strdup(name), json_node_dup_string(value));
	self->inventory =
	    rd_inventory_from_json(json_object_get_member(object, "inventory"), error);
	if (self->inventory == NULL) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	return g_steal_pointer(&self);
}

RdSetting *
rd_run_setting_for_steps(const RdRunSetting *self, const char *who, const char *local_dir)
{
	RdSetting *setting = rd_setting_new(self->run_id, self->uuid, who, local_dir);

	for (guint i = 0; i < self->inventory->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(self->inventory->hosts, i);

		rd_setting_add_host(setting, host->name, host->recovery ? "recovery" : host->role,
				    host->login->address);
	}
	if (self->tapes != NULL)
		setting->tapes = rd_tapes_new(self->tapes);
	return setting;
}
