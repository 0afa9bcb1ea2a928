/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "webhook.h"

#define SLICES "/apis/discovery.k8s.io/v1/"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"

void
webhook_reach_clear(WebhookReach *reach)
{
	g_clear_pointer(&reach->nodes, g_hash_table_unref);
}

/* NULL without error: there is none */
static gboolean
get(RecoveryStep *step, const char *base, const char *name, JsonNode **object, GError **error)
{
	g_autofree char *escaped = rd_api_escape(name);
	g_autofree char *path = g_strconcat(base, escaped, NULL);
	g_autoptr(GError) local = NULL;

	*object = recovery_api_get(step, path, &local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean
node_lives(RecoveryStep *step, WebhookReach *reach, const char *name, gboolean *lives,
	   GError **error)
{
	g_autoptr(JsonNode) node = NULL, lease = NULL;
	g_autofree char *why = NULL;
	gpointer known = NULL;

	if (reach->nodes == NULL)
		reach->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (g_hash_table_lookup_extended(reach->nodes, name, NULL, &known)) {
		*lives = GPOINTER_TO_INT(known);
		return TRUE;
	}
	if (!get(step, "/api/v1/nodes/", name, &node, error) ||
	    !get(step, LEASES, name, &lease, error))
		return FALSE;
	*lives = node != NULL &&
		 recovery_fresh_node(&reach->moment, node, lease, &why) == RECOVERY_FRESH_TRUE;
	g_hash_table_insert(reach->nodes, g_strdup(name), GINT_TO_POINTER(*lives));
	return TRUE;
}

/* whether one that is said to be ready answers. Without a node it is nobody's pod: its word counts
 */
static gboolean
endpoint_answers(RecoveryStep *step, WebhookReach *reach, JsonNode *endpoint, gboolean *answers,
		 GError **error)
{
	const char *node = rd_api_text(endpoint, "nodeName", NULL);

	if (*answers)
		return TRUE;
	*answers = *node == '\0';
	return *answers || node_lives(step, reach, node, answers, error);
}

static gboolean
slices_answer(RecoveryStep *step, WebhookReach *reach, const char *namespace, const char *service,
	      gboolean *answers, GError **error)
{
	g_autofree char *path = g_strdup_printf(
	    SLICES "namespaces/%s/endpointslices?labelSelector=kubernetes.io%%2Fservice-name%%3D%s",
	    namespace, service);
	g_autoptr(JsonArray) slices = recovery_api_list(step, path, error);

	if (slices == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(slices); i++) {
		JsonArray *endpoints =
		    rd_api_items(json_array_get_element(slices, i), "endpoints", NULL);

		for (guint j = 0; j < rd_api_length(endpoints); j++) {
			JsonNode *endpoint = json_array_get_element(endpoints, j);
			JsonNode *ready = rd_api_at(endpoint, "conditions", "ready", NULL);

			/* what is not said counts as ready */
			if (ready != NULL && !rd_api_true(ready, NULL))
				continue;
			if (!endpoint_answers(step, reach, endpoint, answers, error))
				return FALSE;
		}
	}
	return TRUE;
}

/* older clusters: only those that are ready stand under addresses */
static gboolean
endpoints_answer(RecoveryStep *step, WebhookReach *reach, const char *namespace,
		 const char *service, gboolean *answers, GError **error)
{
	g_autofree char *base = g_strdup_printf("/api/v1/namespaces/%s/endpoints/", namespace);
	g_autoptr(JsonNode) object = NULL;
	JsonArray *subsets;

	if (!get(step, base, service, &object, error))
		return FALSE;
	subsets = rd_api_items(object, "subsets", NULL);
	for (guint i = 0; i < rd_api_length(subsets); i++) {
		JsonArray *addresses =
		    rd_api_items(json_array_get_element(subsets, i), "addresses", NULL);

		for (guint j = 0; j < rd_api_length(addresses); j++)
			if (!endpoint_answers(step, reach, json_array_get_element(addresses, j),
					      answers, error))
				return FALSE;
	}
	return TRUE;
}

gboolean
webhook_is_broken(RecoveryStep *step, WebhookReach *reach, JsonNode *webhook, gboolean *broken,
		  GError **error)
{
	const char *name = rd_api_text(webhook, "clientConfig", "service", "name", NULL);
	const char *in = rd_api_text(webhook, "clientConfig", "service", "namespace", NULL);
	g_autofree char *service = rd_api_escape(name), *namespace = rd_api_escape(in);
	gboolean answers = FALSE;

	*broken = FALSE;
	/* a URL: nobody here can tell */
	if (*name == '\0' || *in == '\0')
		return TRUE;
	if (!reach->asked_slices &&
	    !recovery_api_serves(step, SLICES "endpointslices", &reach->has_slices, error))
		return FALSE;
	reach->asked_slices = TRUE;
	if (reach->has_slices ? !slices_answer(step, reach, namespace, service, &answers, error)
			      : !endpoints_answer(step, reach, namespace, name, &answers, error))
		return FALSE;
	*broken = !answers;
	return TRUE;
}
