/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object.h"
#include <string.h>

static JsonNode *
get(JsonNode *node, const char *key)
{
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return NULL;
	return json_object_get_member(json_node_get_object(node), key);
}

static const char *
get_text(JsonNode *node, const char *key)
{
	JsonNode *value = get(node, key);

	return value != NULL && json_node_get_value_type(value) == G_TYPE_STRING
		   ? json_node_get_string(value)
		   : "";
}

static GPtrArray *
get_list(JsonNode *node, const char *key)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	JsonNode *value = get(node, key);

	if (value == NULL || !JSON_NODE_HOLDS_ARRAY(value))
		return list;
	for (guint i = 0; i < json_array_get_length(json_node_get_array(value)); i++) {
		JsonNode *item = json_array_get_element(json_node_get_array(value), i);

		g_ptr_array_add(list, g_strdup(json_node_get_value_type(item) == G_TYPE_STRING
						   ? json_node_get_string(item)
						   : ""));
	}
	return list;
}

static gint64
get_time(JsonNode *node, const char *key)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(get_text(node, key), NULL);

	return time == NULL ? 0 : g_date_time_to_unix(time);
}

/* any condition of these types decides, whatever its status: they cannot be taken back */
static const char *
get_decided(JsonNode *status)
{
	static const struct {
		const char *type, *word;
	} types[] = {{"Denied", "denied"}, {"Failed", "failed"}, {"Approved", "approved"}};
	JsonNode *conditions = get(status, "conditions");

	if (*get_text(status, "certificate") != '\0')
		return "issued";
	if (conditions == NULL || !JSON_NODE_HOLDS_ARRAY(conditions))
		return NULL;
	for (guint t = 0; t < G_N_ELEMENTS(types); t++)
		for (guint i = 0; i < json_array_get_length(json_node_get_array(conditions)); i++)
			if (g_str_equal(
				get_text(json_array_get_element(json_node_get_array(conditions), i),
					 "type"),
				types[t].type))
				return types[t].word;
	return NULL;
}

/* As the API server fills it in where nobody named one (Kubernetes 1.18,
 * pkg/apis/certificates/v1beta1/defaults.go), but by the usages alone: who asks, for which names
 * and with which key is judged by the rules of that signer. */
static const char *
get_signer(JsonNode *spec, GPtrArray *usages)
{
	gboolean client = FALSE, serving = FALSE;

	for (guint i = 0; i < usages->len; i++) {
		client |= g_str_equal(usages->pdata[i], "client auth");
		serving |= g_str_equal(usages->pdata[i], "server auth");
	}
	if (get(spec, "signerName") != NULL)
		return get_text(spec, "signerName");
	if (client == serving)
		return "kubernetes.io/legacy-unknown";
	return client ? RD_CSR_SIGNER_CLIENT : RD_CSR_SIGNER_SERVING;
}

RdCsrObject *
rd_csr_object_read(JsonNode *node)
{
	RdCsrObject *self = g_new0(RdCsrObject, 1);
	JsonNode *meta = get(node, "metadata"), *spec = get(node, "spec");
	const char *request = get_text(spec, "request");

	self->name = g_strdup(get_text(meta, "name"));
	self->created = get_time(meta, "creationTimestamp");
	self->username = g_strdup(get_text(spec, "username"));
	self->groups = get_list(spec, "groups");
	self->usages = get_list(spec, "usages");
	self->signer = g_strdup(get_signer(spec, self->usages));
	self->decided = get_decided(get(node, "status"));
	if (*request != '\0')
		self->request = (char *)g_base64_decode(request, &self->request_size);
	return self;
}

void
rd_csr_object_free(RdCsrObject *self)
{
	if (self == NULL)
		return;
	g_free(self->name);
	g_free(self->signer);
	g_free(self->username);
	g_ptr_array_unref(self->groups);
	g_ptr_array_unref(self->usages);
	g_free(self->request);
	g_free(self);
}
