/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "etcd-output.h"
#include <json-glib/json-glib.h>
#include <recovery/plugin.h>
#include <string.h>

/* ---- snapshot restore ---------------------------------------------------------------------- */

static const char *
get_string(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_get_string(node)
		   : NULL;
}

/* the URLs of one member as one text; in restores there is always one */
static char *
get_urls(JsonObject *object)
{
	JsonNode *node = json_object_get_member(object, "added-peer-peer-urls");
	g_autoptr(GPtrArray) urls = g_ptr_array_new();

	if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
		return NULL;
	for (guint i = 0; i < json_array_get_length(json_node_get_array(node)); i++) {
		JsonNode *url = json_array_get_element(json_node_get_array(node), i);

		if (json_node_get_value_type(url) != G_TYPE_STRING)
			return NULL;
		g_ptr_array_add(urls, (gpointer)json_node_get_string(url));
	}
	if (urls->len == 0)
		return NULL;
	g_ptr_array_add(urls, NULL);
	return g_strjoinv("+", (char **)urls->pdata);
}

static gboolean
added_member_read(const char *line, guint64 *cluster, guint64 *id, char **url)
{
	const char *brace = strchr(line, '{');
	g_autoptr(JsonNode) root = brace == NULL ? NULL : json_from_string(brace, NULL);
	JsonObject *object;
	const char *cluster_hex, *id_hex;

	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
		return FALSE;
	object = json_node_get_object(root);
	cluster_hex = get_string(object, "cluster-id");
	id_hex = get_string(object, "added-peer-id");
	*url = get_urls(object);
	return *url != NULL && cluster_hex != NULL && id_hex != NULL &&
	       rd_id_parse(cluster_hex, cluster) && rd_id_parse(id_hex, id);
}

RdMembers *
rd_output_added_members(const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(RdMembers) members = NULL;

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *url = NULL;
		guint64 cluster, id;

		if (strstr(lines[i], "added member") == NULL)
			continue;
		if (!added_member_read(lines[i], &cluster, &id, &url)) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "the restore printed a line that cannot be read: %s", lines[i]);
			return NULL;
		}
		if (members == NULL)
			members = rd_members_new(cluster);
		if (members->cluster != cluster) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "the restore printed members of two clusters: %s", lines[i]);
			return NULL;
		}
		rd_members_add(members, url, id);
	}
	if (members == NULL)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "the restore printed no 'added member' line");
	return g_steal_pointer(&members);
}

/* ---- endpoint health ----------------------------------------------------------------------- */

#define HEALTHY	  " is healthy: "
#define UNHEALTHY " is unhealthy: "

/* Of an endpoint that is unhealthy: what it was asked for after it had answered a read that takes a
 * quorum. (nullable) the alarm, or that nobody could be asked for alarms */
static const char *
alarm_of(const char *reason)
{
	static const char raised[] = "Active Alarm(s): ",
			  silent[] = "Unable to fetch the alarm list";
	const char *alarm = strstr(reason, raised);

	return alarm != NULL ? alarm + strlen(raised) : strstr(reason, silent);
}

gboolean
rd_output_health(const char *text, GPtrArray **committed, char **alarm)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GPtrArray) endpoints = g_ptr_array_new_with_free_func(g_free);
	const char *raised = NULL;
	gboolean any = FALSE;

	for (guint i = 0; lines[i] != NULL; i++) {
		const char *good = strstr(lines[i], HEALTHY), *bad = strstr(lines[i], UNHEALTHY);
		const char *now = bad != NULL ? alarm_of(bad) : NULL;

		if (good != NULL || now != NULL)
			g_ptr_array_add(
			    endpoints, g_strndup(lines[i], (good != NULL ? good : bad) - lines[i]));
		if (raised == NULL)
			raised = now;
		any = any || good != NULL || bad != NULL;
	}
	*alarm = raised != NULL ? g_strchomp(g_strdup(raised)) : NULL;
	if (any)
		*committed = g_steal_pointer(&endpoints);
	return any;
}

/* ---- endpoint status ----------------------------------------------------------------------- */

static void
endpoint_free(RdEndpoint *endpoint)
{
	g_free(endpoint->endpoint);
	g_free(endpoint->version);
	g_free(endpoint->errors);
	g_free(endpoint->term);
	g_free(endpoint);
}

static gboolean
is_bool(const char *text)
{
	return g_str_equal(text, "true") || g_str_equal(text, "false");
}

/* 3.4, 3.5: ep, id, version, size, leader, learner, term, index, applied, errors (perhaps with
 * ", " inside). 3.6 has four more columns before the leader and two behind the errors. */
static RdEndpoint *
endpoint_read(char **fields)
{
	guint count = g_strv_length(fields), leader = 4, tail = 0;
	g_autoptr(GString) errors = g_string_new(NULL);
	RdEndpoint *endpoint;
	guint64 id;

	if (count >= 16 && is_bool(fields[8]) && is_bool(fields[9])) {
		leader = 8;
		tail = 2;
	}
	if (count < leader + 6 + tail || !is_bool(fields[leader]) || !is_bool(fields[leader + 1]) ||
	    !rd_id_parse(fields[1], &id))
		return NULL;
	endpoint = g_new0(RdEndpoint, 1);
	endpoint->endpoint = g_strdup(fields[0]);
	endpoint->id = id;
	endpoint->version = g_strdup(fields[2]);
	endpoint->leader = g_str_equal(fields[leader], "true");
	endpoint->learner = g_str_equal(fields[leader + 1], "true");
	endpoint->term = g_strdup(fields[leader + 2]);
	for (guint i = leader + 5; i < count - tail; i++)
		g_string_append_printf(errors, "%s%s", errors->len > 0 ? ", " : "", fields[i]);
	endpoint->errors = g_strstrip(g_strdup(errors->str));
	return endpoint;
}

GPtrArray *
rd_output_endpoints(const char *text)
{
	GPtrArray *endpoints = g_ptr_array_new_with_free_func((GDestroyNotify)endpoint_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ", ", -1);
		RdEndpoint *endpoint = endpoint_read(fields);

		if (endpoint != NULL)
			g_ptr_array_add(endpoints, endpoint);
	}
	return endpoints;
}

/* ---- member list --------------------------------------------------------------------------- */

static void
listed_free(RdListed *listed)
{
	g_free(listed->status);
	g_free(listed->name);
	g_free(listed->peers);
	g_free(listed->clients);
	g_free(listed);
}

GPtrArray *
rd_output_member_list(const char *text)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)listed_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ", ", -1);
		guint count = g_strv_length(fields);
		RdListed *listed;
		guint64 id;

		/* 3.3 knows no learners */
		if ((count != 5 && count != 6) || !rd_id_parse(fields[0], &id) ||
		    (count == 6 && !is_bool(fields[5])))
			continue;
		listed = g_new0(RdListed, 1);
		listed->id = id;
		listed->status = g_strdup(fields[1]);
		listed->name = g_strdup(fields[2]);
		listed->peers = g_strdup(fields[3]);
		listed->clients = g_strdup(fields[4]);
		listed->learner = count == 6 && g_str_equal(fields[5], "true");
		g_ptr_array_add(list, listed);
	}
	return list;
}

/* header.cluster_id of an answer of etcd */
static gboolean
read_cluster_id(JsonNode *node, guint64 *id)
{
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return FALSE;
	node = json_object_get_member(json_node_get_object(node), "header");
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return FALSE;
	node = json_object_get_member(json_node_get_object(node), "cluster_id");
	if (node == NULL || !JSON_NODE_HOLDS_VALUE(node))
		return FALSE;
	if (json_node_get_value_type(node) == G_TYPE_STRING)
		return rd_id_parse(json_node_get_string(node), id);
	if (json_node_get_value_type(node) != G_TYPE_INT64)
		return FALSE;
	/* json-glib wraps above 2^63-1; the cast wraps it back */
	*id = (guint64)json_node_get_int(node);
	return TRUE;
}

gboolean
rd_output_cluster_id(const char *json, guint64 *id)
{
	g_autoptr(JsonNode) root = json_from_string(json, NULL);

	return read_cluster_id(root, id);
}

gboolean
rd_output_status_cluster_id(const char *json, guint64 *id)
{
	g_autoptr(JsonNode) root = json_from_string(json, NULL);
	JsonArray *array =
	    root != NULL && JSON_NODE_HOLDS_ARRAY(root) ? json_node_get_array(root) : NULL;
	JsonNode *node;

	if (array == NULL || json_array_get_length(array) == 0)
		return FALSE;
	node = json_array_get_element(array, 0);
	if (!JSON_NODE_HOLDS_OBJECT(node))
		return FALSE;
	return read_cluster_id(json_object_get_member(json_node_get_object(node), "Status"), id);
}
