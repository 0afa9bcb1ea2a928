/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manifest.h"
#include <json-glib/json-glib.h>
#include <string.h>

static void
container_free(RdManifestContainer *container)
{
	g_free(container->name);
	g_free(container->image);
	g_free(container);
}

void
rd_manifest_free(RdManifest *manifest)
{
	g_free(manifest->name);
	g_free(manifest->namespace);
	g_ptr_array_unref(manifest->containers);
	g_free(manifest);
}

static RdManifest *
manifest_new(void)
{
	RdManifest *manifest = g_new0(RdManifest, 1);

	manifest->name = g_strdup("");
	manifest->namespace = g_strdup("");
	manifest->containers = g_ptr_array_new_with_free_func((GDestroyNotify)container_free);
	return manifest;
}

static RdManifestContainer *
manifest_add(RdManifest *manifest)
{
	RdManifestContainer *container = g_new0(RdManifestContainer, 1);

	container->name = g_strdup("");
	container->image = g_strdup("");
	g_ptr_array_add(manifest->containers, container);
	return container;
}

static void
set_string(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value);
}

/* ---- JSON, as operators write it ----------------------------------------------------------- */

static JsonNode *
json_get(JsonNode *node, const char *name)
{
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return NULL;
	return json_object_get_member(json_node_get_object(node), name);
}

static void
json_set_string(char **field, JsonNode *node)
{
	if (node != NULL && json_node_get_value_type(node) == G_TYPE_STRING)
		set_string(field, json_node_get_string(node));
}

static RdManifest *
manifest_from_json(JsonNode *root)
{
	JsonNode *list = json_get(json_get(root, "spec"), "containers");
	RdManifest *manifest = manifest_new();

	json_set_string(&manifest->name, json_get(json_get(root, "metadata"), "name"));
	json_set_string(&manifest->namespace, json_get(json_get(root, "metadata"), "namespace"));
	if (list == NULL || !JSON_NODE_HOLDS_ARRAY(list))
		return manifest;
	for (guint i = 0; i < json_array_get_length(json_node_get_array(list)); i++) {
		JsonNode *node = json_array_get_element(json_node_get_array(list), i);
		RdManifestContainer *container = manifest_add(manifest);

		json_set_string(&container->name, json_get(node, "name"));
		json_set_string(&container->image, json_get(node, "image"));
	}
	return manifest;
}

/* ---- block YAML, line by line -------------------------------------------------------------- */

/* one "key: value" line; a list item "- key: value" counts as key at the column behind the dash */
typedef struct {
	guint column;
	gboolean item;
	char *key, *value; /* (owned) */
} Line;

static void
line_clear(Line *line)
{
	g_clear_pointer(&line->key, g_free);
	g_clear_pointer(&line->value, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Line, line_clear)

static char *
scalar(const char *text)
{
	g_autofree char *value = g_strstrip(g_strdup(text));
	gsize length = strlen(value);

	if (length >= 2 && (value[0] == '"' || value[0] == '\'') && value[length - 1] == value[0])
		return g_strndup(value + 1, length - 2);
	return g_steal_pointer(&value);
}

/* FALSE for blank lines, comments and what has no key */
static gboolean
line_read(const char *text, Line *line)
{
	const char *at = text + strspn(text, " ");
	const char *colon;

	line_clear(line);
	line->item = at[0] == '-' && (at[1] == ' ' || at[1] == '\0');
	if (line->item) {
		at++;
		at += strspn(at, " ");
	}
	line->column = at - text;
	colon = strstr(at, ":");
	if (*at == '\0' || *at == '#' || colon == NULL || (colon[1] != '\0' && colon[1] != ' '))
		return FALSE;
	line->key = g_strndup(at, colon - at);
	line->value = scalar(colon + 1);
	return TRUE;
}

/* `key: |` and `- |`: what follows deeper than the key, or the dash, is text */
static guint
block_begins(const char *text, const Line *line)
{
	guint indent = strspn(text, " ");
	const char *rest = text + indent;

	if (line != NULL)
		return line->value[0] == '|' || line->value[0] == '>' ? line->column : G_MAXUINT;
	if (*rest != '-')
		return G_MAXUINT;
	rest += 1 + strspn(rest + 1, " ");
	return *rest == '|' || *rest == '>' ? indent : G_MAXUINT;
}

static RdManifest *
manifest_from_yaml(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *top = g_strdup(""), *section = g_strdup("");
	RdManifest *manifest = manifest_new();
	RdManifestContainer *container = NULL;
	guint child = 0; /* column of the keys under the current top-level key; 0: not seen */
	guint item = 0;	 /* column of the keys of a container; 0: not seen */
	guint block = G_MAXUINT; /* inside a block scalar: deeper lines than this are text */

	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(Line) line = {0};
		gboolean read = line_read(g_strchomp(lines[i]), &line);

		if (block != G_MAXUINT && (*lines[i] == '\0' || strspn(lines[i], " ") > block))
			continue;
		block = block_begins(lines[i], read ? &line : NULL);
		if (!read)
			continue;
		if (line.column == 0) {
			set_string(&top, line.key);
			set_string(&section, "");
			child = 0;
			continue;
		}
		if (child == 0)
			child = line.column;
		if (line.column == child && !line.item) {
			set_string(&section, line.key);
			item = 0;
			if (g_str_equal(top, "metadata") && g_str_equal(line.key, "name"))
				set_string(&manifest->name, line.value);
			if (g_str_equal(top, "metadata") && g_str_equal(line.key, "namespace"))
				set_string(&manifest->namespace, line.value);
			continue;
		}
		if (!g_str_equal(top, "spec") || !g_str_equal(section, "containers"))
			continue;
		if (item == 0 && line.item)
			item = line.column;
		if (line.column != item)
			continue;
		if (line.item)
			container = manifest_add(manifest);
		if (g_str_equal(line.key, "name"))
			set_string(&container->name, line.value);
		if (g_str_equal(line.key, "image"))
			set_string(&container->image, line.value);
	}
	return manifest;
}

RdManifest *
rd_manifest_parse(const char *text)
{
	g_autoptr(JsonNode) root = json_from_string(text, NULL);
	g_autoptr(RdManifest) manifest = NULL;

	manifest = root != NULL ? manifest_from_json(root) : manifest_from_yaml(text);
	return manifest->containers->len > 0 ? g_steal_pointer(&manifest) : NULL;
}

const char *
rd_manifest_image(const RdManifest *manifest, const char *name)
{
	for (guint i = 0; i < manifest->containers->len; i++) {
		const RdManifestContainer *container = manifest->containers->pdata[i];

		if (g_str_equal(container->name, name) && *container->image != '\0')
			return container->image;
	}
	return NULL;
}
