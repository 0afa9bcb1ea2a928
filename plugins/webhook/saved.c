/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "webhook.h"

void
webhook_saved_free(WebhookSaved *saved)
{
	g_free(saved->kind);
	g_free(saved->config);
	g_free(saved->uid);
	g_free(saved->version);
	g_free(saved->webhook);
	g_free(saved->policy);
	g_free(saved);
}

WebhookSaved *
webhook_saved_new(const char *kind, JsonNode *config, guint index)
{
	JsonNode *webhook = json_array_get_element(rd_api_items(config, "webhooks", NULL), index);
	const char *policy = rd_api_text(webhook, "failurePolicy", NULL);
	WebhookSaved *saved = g_new0(WebhookSaved, 1);

	saved->kind = g_strdup(kind);
	saved->config = g_strdup(rd_api_name(config));
	saved->uid = g_strdup(rd_api_uid(config));
	saved->version = g_strdup(rd_api_text(config, "metadata", "resourceVersion", NULL));
	saved->webhook = g_strdup(rd_api_text(webhook, "name", NULL));
	saved->policy = *policy != '\0' ? g_strdup(policy) : NULL;
	saved->index = index;
	return saved;
}

char *
webhook_saved_to_note(GPtrArray *all)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_ARRAY);
	JsonArray *array = json_array_new();

	for (guint i = 0; i < all->len; i++) {
		const WebhookSaved *saved = all->pdata[i];
		JsonObject *object = json_object_new();

		json_object_set_string_member(object, "kind", saved->kind);
		json_object_set_string_member(object, "config", saved->config);
		json_object_set_string_member(object, "uid", saved->uid);
		json_object_set_string_member(object, "resourceVersion", saved->version);
		json_object_set_string_member(object, "webhook", saved->webhook);
		json_object_set_int_member(object, "index", saved->index);
		if (saved->policy != NULL)
			json_object_set_string_member(object, "failurePolicy", saved->policy);
		json_array_add_object_element(array, object);
	}
	json_node_take_array(root, array);
	return rd_api_json(root);
}

GPtrArray *
webhook_saved_from_note(const char *note)
{
	GPtrArray *all = g_ptr_array_new_with_free_func((GDestroyNotify)webhook_saved_free);
	g_autoptr(JsonNode) root = json_from_string(note, NULL);
	JsonArray *array = rd_api_items(root, NULL);

	for (guint i = 0; i < rd_api_length(array); i++) {
		JsonNode *node = json_array_get_element(array, i);
		const char *policy = rd_api_text(node, "failurePolicy", NULL);
		WebhookSaved *saved = g_new0(WebhookSaved, 1);

		saved->kind = g_strdup(rd_api_text(node, "kind", NULL));
		saved->config = g_strdup(rd_api_text(node, "config", NULL));
		saved->uid = g_strdup(rd_api_text(node, "uid", NULL));
		saved->version = g_strdup(rd_api_text(node, "resourceVersion", NULL));
		saved->webhook = g_strdup(rd_api_text(node, "webhook", NULL));
		saved->policy = *policy != '\0' ? g_strdup(policy) : NULL;
		saved->index = (guint)rd_api_int(node, 0, "index", NULL);
		g_ptr_array_add(all, saved);
	}
	return all;
}

char *
webhook_saved_name(const WebhookSaved *saved)
{
	return g_strdup_printf("%s/%s/%s", saved->kind, saved->config, saved->webhook);
}

char *
webhook_saved_path(const WebhookSaved *saved)
{
	g_autofree char *config = rd_api_escape(saved->config);

	return g_strdup_printf("/apis/admissionregistration.k8s.io/v1/%swebhookconfigurations/%s",
			       saved->kind, config);
}
