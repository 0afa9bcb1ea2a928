/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "page-private.h"
#include "yaml/format.h"

/* What stands in one cell of a page's tables. */

const char *
rd_page_string(JsonObject *object, const char *key)
{
	return json_object_get_string_member_with_default(object, key, NULL);
}

gboolean
rd_page_is(JsonObject *object, const char *key, const char *value)
{
	return g_strcmp0(rd_page_string(object, key), value) == 0;
}

gboolean
rd_page_true(JsonObject *object, const char *key)
{
	return json_object_get_boolean_member_with_default(object, key, FALSE);
}

/* "2026-11-20T07:41:00.123456Z" is "2026-11-20 07:41:00.123 UTC" */
static char *
rd_page_time(const char *rfc3339)
{
	GString *text;

	if (rfc3339 == NULL || strlen(rfc3339) < strlen("2026-11-20T07:41:00.123"))
		return g_strdup(rfc3339);
	text = g_string_new_len(rfc3339, strlen("2026-11-20T07:41:00.123"));
	text->str[strlen("2026-11-20")] = ' ';
	return g_string_free(text, FALSE);
}

static char *
rd_page_ms(gint64 ms)
{
	return ms < 60000 ? g_strdup_printf("%d.%03d s", (int)(ms / 1000), (int)(ms % 1000))
			  : rd_format_duration(ms * 1000);
}

char *
rd_page_cell(JsonObject *object, const char *key, RdCell cell)
{
	JsonNode *node = json_object_get_member(object, key);
	char *brief = NULL;

	if (node == NULL || JSON_NODE_HOLDS_NULL(node))
		return NULL;
	if (json_node_get_value_type(node) == G_TYPE_BOOLEAN)
		return g_strdup(json_node_get_boolean(node) ? "yes" : "no");
	if (json_node_get_value_type(node) == G_TYPE_INT64)
		return cell == RD_CELL_MS
			   ? rd_page_ms(json_node_get_int(node))
			   : g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
	if (cell == RD_CELL_OUTPUT)
		brief = rd_page_storage_brief(object);
	if (brief != NULL)
		return brief;
	if (cell == RD_CELL_TIME)
		return rd_page_time(json_node_get_string(node));
	return json_node_dup_string(node);
}
