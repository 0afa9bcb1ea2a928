/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/call.h"
#include "memo.h"
#include <string.h>

/* What the API answers is text, and the product's own parser reads it. It is asked for the same
 * objects every few seconds, though, and of a list nothing but its version and one lease is another
 * one: a third of a simulated recovery would be json-glib. Here a text that was read before is not
 * read again; of a list (as the simulated server prints one) that holds for each item. The trees
 * are immutable, so nobody can tell; one in CHECKED is nevertheless read anew and compared. */

#define SLOTS	4096
#define CHECKED 64

JsonNode *__real_rd_kube_json_parse(const char *data, gsize size, GError **error);
JsonNode *__wrap_rd_kube_json_parse(const char *data, gsize size, GError **error);

typedef struct {
	char *text;
	gsize size;
	JsonNode *node;
} Slot;

static JsonNode *
parse(const char *data, gsize size, GError **error)
{
	static Slot slots[SLOTS];
	Slot *slot = &slots[memo_hash(data, size) % SLOTS];
	JsonNode *node;

	if (slot->text != NULL && slot->size == size && memcmp(slot->text, data, size) == 0)
		return json_node_ref(slot->node);
	node = __real_rd_kube_json_parse(data, size, error);
	if (node == NULL)
		return NULL;
	g_clear_pointer(&slot->node, json_node_unref);
	g_free(slot->text);
	slot->text = g_memdup2(data, size);
	slot->size = size;
	slot->node = json_node_ref(node);
	return node;
}

/* at the quote that ends the string that begins at @at; @end: none does. What is long in these
 * texts is in strings */
static const char *
string_end(const char *at, const char *end)
{
	const char *quote = at;

	while ((quote = memchr(quote + 1, '"', (size_t)(end - quote - 1))) != NULL) {
		const char *slash = quote;

		while (slash[-1] == '\\')
			slash--;
		if ((quote - slash) % 2 == 0)
			return quote;
	}
	return end;
}

/* behind the bracket that closes the one at @at; NULL: none does */
static const char *
span(const char *at, const char *end)
{
	guint depth = 0;

	for (; at < end; at++) {
		if (*at == '"') {
			at = string_end(at, end);
		} else if (*at == '{' || *at == '[') {
			depth++;
		} else if ((*at == '}' || *at == ']') && --depth == 0) {
			return at + 1;
		}
	}
	return NULL;
}

static gboolean
skip(const char **at, const char *end, const char *word)
{
	gsize length = strlen(word);

	if ((gsize)(end - *at) < length || memcmp(*at, word, length) != 0)
		return FALSE;
	*at += length;
	return TRUE;
}

/* one object at *@at, which is moved behind it; NULL: there is none */
static JsonNode *
take(const char **at, const char *end)
{
	const char *from = *at, *to = from < end && *from == '{' ? span(from, end) : NULL;

	if (to == NULL)
		return NULL;
	*at = to;
	return parse(from, (gsize)(to - from), NULL);
}

/* {"metadata":{…},"items":[{…},…]}; NULL: it is not of that kind */
static JsonNode *
parse_list(const char *at, const char *end)
{
	g_autoptr(JsonNode) list = NULL, meta = NULL;
	JsonObject *object;
	JsonArray *items;

	if (!skip(&at, end, "{\"metadata\":"))
		return NULL;
	meta = take(&at, end);
	if (meta == NULL || !skip(&at, end, ",\"items\":["))
		return NULL;
	object = json_object_new();
	list = json_node_init_object(json_node_alloc(), object);
	json_object_unref(object);
	items = json_array_new();
	json_object_set_member(object, "metadata", g_steal_pointer(&meta));
	json_object_set_array_member(object, "items", items);
	while (at < end && *at != ']') {
		JsonNode *item = take(&at, end);

		if (item == NULL)
			return NULL;
		json_array_add_element(items, item);
		if (!skip(&at, end, ",") && (at == end || *at != ']'))
			return NULL;
	}
	if (!skip(&at, end, "]}") || at != end)
		return NULL;
	json_node_seal(list);
	return g_steal_pointer(&list);
}

JsonNode *
__wrap_rd_kube_json_parse(const char *data, gsize size, GError **error)
{
	static guint n;
	g_autoptr(JsonNode) anew = NULL;
	JsonNode *node = parse_list(data, data + size);

	if (node == NULL)
		node = parse(data, size, error);
	if (node == NULL || ++n % CHECKED != 0)
		return node;
	anew = __real_rd_kube_json_parse(data, size, NULL);
	if (anew == NULL || !json_node_equal(anew, node))
		g_error("a memorized tree is not that of %.*s", (int)size, data);
	return node;
}
