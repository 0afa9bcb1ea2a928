/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/store-private.h"
#include <string.h>

/* Which objects a list is about. */

char *
rd_sim_select_query(const char *query, const char *key)
{
	g_auto(GStrv) parts = g_strsplit(query != NULL ? query : "", "&", -1);

	for (guint i = 0; parts[i] != NULL; i++) {
		gsize length = strlen(key);

		if (g_str_has_prefix(parts[i], key) && parts[i][length] == '=')
			return g_uri_unescape_string(parts[i] + length + 1, NULL);
	}
	return NULL;
}

static JsonNode *
find_node(JsonObject *object, const char *path)
{
	g_auto(GStrv) keys = g_strsplit(path, ".", -1);
	JsonNode *node = NULL;

	for (guint i = 0; keys[i] != NULL; i++) {
		node = json_object_get_member(object, keys[i]);
		if (node == NULL)
			return NULL;
		if (keys[i + 1] != NULL && !JSON_NODE_HOLDS_OBJECT(node))
			return NULL;
		object = keys[i + 1] != NULL ? json_node_get_object(node) : NULL;
	}
	return node;
}

char *
rd_sim_select_field(JsonObject *object, const char *path)
{
	JsonNode *node = find_node(object, path);

	if (node == NULL || !JSON_NODE_HOLDS_VALUE(node))
		return NULL;
	if (json_node_get_value_type(node) == G_TYPE_STRING)
		return g_strdup(json_node_get_string(node));
	return json_to_string(node, FALSE);
}

static const char *
label(JsonObject *object, const char *name)
{
	JsonNode *labels = find_node(object, "metadata.labels");

	if (labels == NULL || !JSON_NODE_HOLDS_OBJECT(labels))
		return NULL;
	return json_object_get_string_member_with_default(json_node_get_object(labels), name, NULL);
}

/* "a=b", "a==b", "a!=b"; of labels also "a" and "!a" */
static gboolean
term_matches(JsonObject *object, const char *term, gboolean labels)
{
	const char *equal = strchr(term, '=');
	gboolean unequal = equal != NULL && equal > term && equal[-1] == '!';
	g_autofree char *name = NULL, *value = NULL;
	const char *wanted;

	if (equal == NULL)
		return *term == '!' ? label(object, term + 1) == NULL : label(object, term) != NULL;
	name = g_strndup(term, (gsize)(equal - term) - (unequal ? 1 : 0));
	wanted = equal[1] == '=' ? equal + 2 : equal + 1;
	value = labels ? g_strdup(label(object, name)) : rd_sim_select_field(object, name);
	if (!labels && value == NULL)
		value = g_strdup("");
	return (g_strcmp0(value, wanted) == 0) != unequal;
}

static gboolean
all_match(JsonObject *object, char **terms, gboolean labels)
{
	for (guint i = 0; terms[i] != NULL; i++)
		if (*terms[i] != '\0' && !term_matches(object, terms[i], labels))
			return FALSE;
	return TRUE;
}

void
rd_sim_selector_parse(const char *query, RdSimSelector *selector)
{
	g_autofree char *labels = rd_sim_select_query(query, "labelSelector");
	g_autofree char *fields = rd_sim_select_query(query, "fieldSelector");

	selector->labels = g_strsplit(labels != NULL ? labels : "", ",", -1);
	selector->fields = g_strsplit(fields != NULL ? fields : "", ",", -1);
}

void
rd_sim_selector_clear(RdSimSelector *selector)
{
	g_strfreev(selector->labels);
	g_strfreev(selector->fields);
}

gboolean
rd_sim_select_matches(JsonObject *object, const RdSimSelector *selector)
{
	return all_match(object, selector->labels, TRUE) &&
	       all_match(object, selector->fields, FALSE);
}
