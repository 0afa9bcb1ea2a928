/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "webhook.h"
#include <string.h>

/* what a recovery writes, or makes others write */
static const struct {
	const char *group, *resource;
} needed[] = {
    {"", "pods"},
    {"", "nodes"},
    {"certificates.k8s.io", "certificatesigningrequests"},
};

static gboolean
lists(JsonArray *list, const char *word)
{
	for (guint i = 0; i < rd_api_length(list); i++) {
		const char *item = rd_api_text(json_array_get_element(list, i), NULL);

		if (g_str_equal(item, "*") || g_str_equal(item, word))
			return TRUE;
	}
	return FALSE;
}

/* "pods" of "pods", "pods/status", "pods/ *"; all of "*" and "* / *" */
static gboolean
lists_resource(JsonArray *list, const char *resource)
{
	gsize length = strlen(resource);

	for (guint i = 0; i < rd_api_length(list); i++) {
		const char *item = rd_api_text(json_array_get_element(list, i), NULL);

		if (*item == '*' ||
		    (strncmp(item, resource, length) == 0 && strchr("/", item[length]) != NULL))
			return TRUE;
	}
	return FALSE;
}

static gboolean
rule_matches(JsonNode *rule)
{
	JsonArray *groups = rd_api_items(rule, "apiGroups", NULL);
	JsonArray *resources = rd_api_items(rule, "resources", NULL);

	for (guint i = 0; i < G_N_ELEMENTS(needed); i++)
		if (lists(groups, needed[i].group) && lists_resource(resources, needed[i].resource))
			return TRUE;
	return FALSE;
}

gboolean
webhook_blocks(JsonNode *webhook)
{
	JsonArray *rules = rd_api_items(webhook, "rules", NULL);
	const char *policy = rd_api_text(webhook, "failurePolicy", NULL);

	if (*policy != '\0' && !g_str_equal(policy, "Fail"))
		return FALSE;
	for (guint i = 0; i < rd_api_length(rules); i++)
		if (rule_matches(json_array_get_element(rules, i)))
			return TRUE;
	return FALSE;
}

/* a key that the version operator or OLM puts on what they write */
static gboolean
has_managers_key(JsonNode *keys)
{
	g_autoptr(GList) names = NULL;

	if (keys == NULL || !JSON_NODE_HOLDS_OBJECT(keys))
		return FALSE;
	names = json_object_get_members(json_node_get_object(keys));
	for (GList *name = names; name != NULL; name = name->next)
		if (strstr(name->data, "release.openshift.io/") != NULL ||
		    g_str_has_prefix(name->data, "olm.") ||
		    g_str_has_prefix(name->data, "operators.coreos.com/"))
			return TRUE;
	return FALSE;
}

gboolean
webhook_is_managed(JsonNode *config, JsonNode *webhook)
{
	return g_str_has_suffix(rd_api_name(config), ".openshift.io") ||
	       g_str_has_suffix(rd_api_text(webhook, "name", NULL), ".openshift.io") ||
	       has_managers_key(rd_api_at(config, "metadata", "labels", NULL)) ||
	       has_managers_key(rd_api_at(config, "metadata", "annotations", NULL));
}
