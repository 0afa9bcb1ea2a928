/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"
#include "pods.h"

/* How many workers may be away at a time, as the MachineConfigPools say it (domain 1.2, P2-40). It
 * is read as the node controller of machine-config-operator reads it: spec.maxUnavailable is a
 * number or a share of the pool's Nodes, rounded down, 1 where it is missing and never less. That
 * is configuration, not a report: there is no fresher one than the backup's.
 *
 * A Node that pools beside "worker" select belongs to that other pool; one that "master" selects is
 * none of ours, also where it is a worker as well. */

#define POOLS  "/apis/machineconfiguration.openshift.io/v1/machineconfigpools"
#define NODES  "/api/v1/nodes"
#define MASTER "master"
#define WORKER "worker"

/* a pool without a selector has no Nodes, not all of them */
static gboolean
selects(JsonNode *pool, JsonNode *node)
{
	JsonNode *selector = rd_api_at(pool, "spec", "nodeSelector", NULL);
	gboolean any = rd_api_at(selector, "matchLabels", NULL) != NULL ||
		       rd_api_length(rd_api_items(selector, "matchExpressions", NULL)) > 0;

	return any && rd_pod_selected(rd_api_at(node, "metadata", "labels", NULL), selector);
}

/* (nullable) (unowned) */
static JsonNode *
pool_of(JsonArray *pools, JsonNode *node)
{
	JsonNode *found = NULL;

	for (guint i = 0; i < rd_api_length(pools); i++) {
		JsonNode *pool = json_array_get_element(pools, i);

		if (!selects(pool, node))
			continue;
		if (g_str_equal(rd_api_name(pool), MASTER))
			return pool;
		if (found == NULL || g_str_equal(rd_api_name(found), WORKER))
			found = pool;
	}
	return found;
}

static guint
count_nodes(JsonArray *pools, JsonArray *nodes, JsonNode *pool)
{
	guint n = 0;

	for (guint i = 0; i < rd_api_length(nodes); i++)
		n += pool_of(pools, json_array_get_element(nodes, i)) == pool;
	return n;
}

/* 1 of what cannot be read, too */
static guint
allows(JsonNode *pool, guint nodes)
{
	const char *text = rd_api_text(pool, "spec", "maxUnavailable", NULL);
	gint64 n = rd_api_int(pool, 1, "spec", "maxUnavailable", NULL);
	g_autofree char *number = NULL;
	guint64 percent = 0;

	if (g_str_has_suffix(text, "%")) {
		number = g_strndup(text, strlen(text) - 1);
		if (g_ascii_string_to_unsigned(number, 10, 0, 100, &percent, NULL))
			n = (gint64)(nodes * percent / 100);
	}
	return (guint)CLAMP(n, 1, G_MAXINT);
}

static gboolean
tell(RecoveryStep *step, guint least, const char *said, GError **error)
{
	g_autofree char *number = g_strdup_printf("%u", least);
	g_autofree char *note =
	    *said != '\0' ? g_strdup_printf("so many workers may be away at a time: %s", said)
			  : g_strdup("no MachineConfigPool has workers: one at a time");

	return recovery_output(step, "allows", number, error) &&
	       recovery_output(step, "note", note, error);
}

/* the smallest counts: nobody asks which of the workers are away at a time */
gboolean
node_pools_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonArray) pools = rd_api_list_if_served(step, POOLS, NULL, error);
	g_autoptr(JsonArray) nodes = pools != NULL ? recovery_api_list(step, NODES, error) : NULL;
	g_autoptr(GString) said = g_string_new(NULL);
	guint least = 0;

	if (nodes == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(pools); i++) {
		JsonNode *pool = json_array_get_element(pools, i);
		const char *share = rd_api_text(pool, "spec", "maxUnavailable", NULL);
		guint n = count_nodes(pools, nodes, pool);

		if (n == 0 || g_str_equal(rd_api_name(pool), MASTER))
			continue;
		least = least == 0 ? allows(pool, n) : MIN(least, allows(pool, n));
		g_string_append_printf(said, "%s%s %u of %u", said->len > 0 ? ", " : "",
				       rd_api_name(pool), allows(pool, n), n);
		if (*share != '\0')
			g_string_append_printf(said, " (%s)", share);
	}
	return tell(step, MAX(least, 1), said->str, error);
}
