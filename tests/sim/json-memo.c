/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memo.h"
#include <json-glib/json-glib.h>

/* Half of a simulated recovery would be json-glib: while a pod stops, the same list of containers
 * is parsed again and again. In this program the same answer gives the same (immutable) tree; what
 * else is parsed may be edited, so each has its own. The definition in an executable wins over the
 * library's, also for plugins. */

#define SLOTS 4096

/* how crictl, etcdctl and manifests begin what is asked for every few seconds */
static const char *const begins[] = {
    "{\"containers\":", "{\"items\":", "[{\"Endpoint\":", "{\"kind\":\"Pod\","};

static gboolean
is_kept(const char *text)
{
	for (guint i = 0; i < G_N_ELEMENTS(begins); i++)
		if (g_str_has_prefix(text, begins[i]))
			return TRUE;
	return FALSE;
}

JsonNode *
json_from_string(const char *text, GError **error)
{
	static struct {
		char *text;
		JsonNode *node;
	} slots[SLOTS];
	gboolean kept = is_kept(text);
	guint64 slot = kept ? memo_hash(text, strlen(text)) % SLOTS : 0;
	g_autoptr(JsonParser) parser = NULL;

	if (!kept) {
		parser = json_parser_new();
		return json_parser_load_from_data(parser, text, -1, error)
			   ? json_parser_steal_root(parser)
			   : NULL;
	}
	if (slots[slot].text != NULL && strcmp(slots[slot].text, text) == 0)
		return json_node_ref(slots[slot].node);
	parser = json_parser_new_immutable();
	if (!json_parser_load_from_data(parser, text, -1, error) ||
	    json_parser_get_root(parser) == NULL)
		return NULL;
	if (slots[slot].text != NULL)
		json_node_unref(slots[slot].node);
	g_free(slots[slot].text);
	slots[slot].text = g_strdup(text);
	slots[slot].node = json_parser_steal_root(parser);
	return json_node_ref(slots[slot].node);
}
