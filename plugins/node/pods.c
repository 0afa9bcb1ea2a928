/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pods.h"

#define MIRROR "kubernetes.io/config.mirror"

/* the owner that would make it anew, or "" */
static const char *
controller_kind(JsonNode *pod)
{
	JsonArray *owners = rd_api_items(pod, "metadata", "ownerReferences", NULL);

	for (guint i = 0; i < rd_api_length(owners); i++) {
		JsonNode *owner = json_array_get_element(owners, i);

		if (rd_api_true(owner, "controller", NULL))
			return rd_api_text(owner, "kind", NULL);
	}
	return "";
}

RdPodSort
rd_pod_sort(JsonNode *pod)
{
	const char *phase = rd_api_text(pod, "status", "phase", NULL);
	const char *owner = controller_kind(pod);

	if (rd_api_has_annotation(pod, MIRROR) || g_str_equal(owner, "DaemonSet") ||
	    g_str_equal(phase, "Succeeded") || g_str_equal(phase, "Failed"))
		return RD_POD_STAYS;
	if (rd_api_is_terminating(pod))
		return RD_POD_LEAVING;
	return *owner != '\0' ? RD_POD_MOVES : RD_POD_BARE;
}

/* ---- selectors ---- */

static gboolean
text_in(JsonArray *values, const char *text)
{
	for (guint i = 0; i < rd_api_length(values); i++)
		if (g_str_equal(rd_api_text(json_array_get_element(values, i), NULL), text))
			return TRUE;
	return FALSE;
}

static gboolean
expression_fits(JsonNode *labels, JsonNode *expression)
{
	const char *key = rd_api_text(expression, "key", NULL);
	const char *operator= rd_api_text(expression, "operator", NULL);
	JsonArray *values = rd_api_items(expression, "values", NULL);
	gboolean has = rd_api_at(labels, key, NULL) != NULL;
	gboolean in = has && text_in(values, rd_api_text(labels, key, NULL));

	if (g_str_equal(operator, "In"))
		return in;
	if (g_str_equal(operator, "NotIn"))
		return !in;
	if (g_str_equal(operator, "Exists"))
		return has;
	return !g_str_equal(operator, "DoesNotExist") || !has;
}

gboolean
rd_pod_selected(JsonNode *labels, JsonNode *selector)
{
	JsonNode *wanted = rd_api_at(selector, "matchLabels", NULL);
	JsonArray *expressions = rd_api_items(selector, "matchExpressions", NULL);

	if (wanted != NULL && JSON_NODE_HOLDS_OBJECT(wanted)) {
		g_autoptr(GList) keys = json_object_get_members(json_node_get_object(wanted));

		for (GList *at = keys; at != NULL; at = at->next)
			if (rd_api_at(labels, (const char *)at->data, NULL) == NULL ||
			    !g_str_equal(rd_api_text(labels, (const char *)at->data, NULL),
					 rd_api_text(wanted, (const char *)at->data, NULL)))
				return FALSE;
	}
	for (guint i = 0; i < rd_api_length(expressions); i++)
		if (!expression_fits(labels, json_array_get_element(expressions, i)))
			return FALSE;
	return TRUE;
}

/* ---- budgets ---- */

/* As the API server decides: a budget without room holds a pod, but one that is not ready anyway
 * may go where the policy says so, or where enough others are healthy. */
static gboolean
holds(JsonNode *budget, JsonNode *pod)
{
	gint64 desired = rd_api_int(budget, 0, "status", "desiredHealthy", NULL);

	if (rd_api_int(budget, 0, "status", "disruptionsAllowed", NULL) > 0)
		return FALSE;
	if (g_str_equal(rd_api_condition_status(pod, "Ready"), "True"))
		return TRUE;
	if (g_str_equal(rd_api_text(budget, "spec", "unhealthyPodEvictionPolicy", NULL),
			"AlwaysAllow"))
		return FALSE;
	return desired <= 0 || rd_api_int(budget, 0, "status", "currentHealthy", NULL) < desired;
}

JsonNode *
rd_pod_held_by(JsonNode *pod, JsonArray *budgets)
{
	const char *namespace = rd_api_text(pod, "metadata", "namespace", NULL);
	JsonNode *labels = rd_api_at(pod, "metadata", "labels", NULL);

	for (guint i = 0; i < rd_api_length(budgets); i++) {
		JsonNode *budget = json_array_get_element(budgets, i);
		JsonNode *selector = rd_api_at(budget, "spec", "selector", NULL);

		if (selector != NULL &&
		    g_str_equal(rd_api_text(budget, "metadata", "namespace", NULL), namespace) &&
		    rd_pod_selected(labels, selector) && holds(budget, pod))
			return budget;
	}
	return NULL;
}
