/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "inventory-private.h"

static void
add_text(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value == NULL)
		json_builder_add_null_value(builder);
	else
		json_builder_add_string_value(builder, value);
}

static void
add_words(JsonBuilder *builder, const char *name, char **words)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (guint i = 0; words[i] != NULL; i++)
		json_builder_add_string_value(builder, words[i]);
	json_builder_end_array(builder);
}

static void
add_login(JsonBuilder *builder, const char *name, const RdLogin *login)
{
	json_builder_set_member_name(builder, name);
	if (login == NULL) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	add_text(builder, "address", login->address);
	json_builder_set_member_name(builder, "port");
	json_builder_add_int_value(builder, login->port);
	add_text(builder, "user", login->user);
	add_text(builder, "key", login->key);
	json_builder_set_member_name(builder, "agent");
	json_builder_add_boolean_value(builder, login->agent);
	add_text(builder, "known-hosts", login->known_hosts);
	add_text(builder, "host-key", login->host_key);
	json_builder_end_object(builder);
}

JsonNode *
rd_inventory_to_json(const RdInventory *self)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_builder_begin_object(builder);
	add_text(builder, "cluster", self->cluster);
	add_text(builder, "digest", self->digest);
	add_text(builder, "kubeconfig", self->kubeconfig);
	add_words(builder, "api-vips", self->api_vips);
	add_words(builder, "ingress-vips", self->ingress_vips);
	json_builder_set_member_name(builder, "hosts");
	json_builder_begin_array(builder);
	for (guint i = 0; i < self->hosts->len; i++) {
		const RdInventoryHost *host = self->hosts->pdata[i];

		json_builder_begin_object(builder);
		add_text(builder, "name", host->name);
		add_text(builder, "role", host->role);
		json_builder_set_member_name(builder, "recovery");
		json_builder_add_boolean_value(builder, host->recovery);
		add_login(builder, "login", host->login);
		add_login(builder, "jump", host->jump);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	return json_builder_get_root(builder);
}

/* Every getter below leaves a mark in *broken instead of a message: what we read is what we wrote,
 * so which member it was helps nobody. */

static JsonNode *
get(JsonObject *object, const char *name, GType type, gboolean *broken)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL)
		*broken = TRUE;
	else if (json_node_get_value_type(node) == type)
		return node;
	else if (!JSON_NODE_HOLDS_NULL(node))
		*broken = TRUE;
	return NULL;
}

static char *
get_text(JsonObject *object, const char *name, gboolean needed, gboolean *broken)
{
	JsonNode *node = get(object, name, G_TYPE_STRING, broken);

	if (node == NULL && needed)
		*broken = TRUE;
	return node == NULL ? NULL : json_node_dup_string(node);
}

static gboolean
get_boolean(JsonObject *object, const char *name, gboolean *broken)
{
	JsonNode *node = get(object, name, G_TYPE_BOOLEAN, broken);

	return node != NULL && json_node_get_boolean(node);
}

static JsonArray *
get_list(JsonObject *object, const char *name, gboolean *broken)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node != NULL && JSON_NODE_HOLDS_ARRAY(node))
		return json_node_get_array(node);
	*broken = TRUE;
	return NULL;
}

static char **
get_words(JsonObject *object, const char *name, gboolean *broken)
{
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();
	JsonArray *list = get_list(object, name, broken);

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		JsonNode *node = json_array_get_element(list, i);

		if (json_node_get_value_type(node) == G_TYPE_STRING)
			g_strv_builder_add(words, json_node_get_string(node));
		else
			*broken = TRUE;
	}
	return g_strv_builder_end(words);
}

static RdLogin *
get_login(JsonObject *object, const char *name, gboolean needed, gboolean *broken)
{
	JsonNode *node = json_object_get_member(object, name);
	JsonNode *port = NULL;
	RdLogin *login = NULL;

	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node)) {
		*broken = *broken || needed || node == NULL || !JSON_NODE_HOLDS_NULL(node);
		return NULL;
	}
	object = json_node_get_object(node);
	login = g_new0(RdLogin, 1);
	login->address = get_text(object, "address", TRUE, broken);
	port = get(object, "port", G_TYPE_INT64, broken);
	login->port = port == NULL ? 0 : CLAMP(json_node_get_int(port), 0, 65536);
	*broken = *broken || login->port == 0 || login->port > 65535;
	login->user = get_text(object, "user", TRUE, broken);
	login->key = get_text(object, "key", FALSE, broken);
	login->agent = get_boolean(object, "agent", broken);
	login->known_hosts = get_text(object, "known-hosts", TRUE, broken);
	login->host_key = get_text(object, "host-key", FALSE, broken);
	return login;
}

static void
get_host(RdInventory *self, JsonNode *node, gboolean *broken)
{
	RdInventoryHost *host = NULL;
	JsonObject *object = NULL;

	if (!JSON_NODE_HOLDS_OBJECT(node)) {
		*broken = TRUE;
		return;
	}
	object = json_node_get_object(node);
	host = g_new0(RdInventoryHost, 1);
	host->name = get_text(object, "name", TRUE, broken);
	host->role = get_text(object, "role", TRUE, broken);
	host->recovery = get_boolean(object, "recovery", broken);
	host->login = get_login(object, "login", TRUE, broken);
	host->jump = get_login(object, "jump", FALSE, broken);
	*broken = *broken || (g_strcmp0(host->role, "worker") != 0 &&
			      g_strcmp0(host->role, "control-plane") != 0);
	g_ptr_array_add(self->hosts, host);
}

RdInventory *
rd_inventory_from_json(JsonNode *node, GError **error)
{
	g_autoptr(RdInventory) self = rd_inventory_new();
	gboolean broken = !JSON_NODE_HOLDS_OBJECT(node);

	if (!broken) {
		JsonObject *object = json_node_get_object(node);
		JsonArray *hosts = get_list(object, "hosts", &broken);

		self->cluster = get_text(object, "cluster", TRUE, &broken);
		self->digest = get_text(object, "digest", TRUE, &broken);
		self->kubeconfig = get_text(object, "kubeconfig", FALSE, &broken);
		g_strfreev(self->api_vips);
		self->api_vips = get_words(object, "api-vips", &broken);
		g_strfreev(self->ingress_vips);
		self->ingress_vips = get_words(object, "ingress-vips", &broken);
		for (guint i = 0; hosts != NULL && i < json_array_get_length(hosts); i++)
			get_host(self, json_array_get_element(hosts, i), &broken);
	}
	if (broken) {
		g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID,
			    "inventory as JSON: not in the form this version of recoveryd writes");
		return NULL;
	}
	return g_steal_pointer(&self);
}
