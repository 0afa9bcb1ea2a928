/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse.h"
#include <json-glib/json-glib.h>
#include <string.h>

static gboolean
add_list(RdVips *vips, RdVipKind kind, const char *source, const char *list, GError **error)
{
	g_autoptr(GArray) set = rd_addresses_parse(list, error);

	if (set == NULL) {
		g_prefix_error(error, "%s: ", source);
		return FALSE;
	}
	rd_vips_add(vips, kind, source, set);
	return TRUE;
}

/* ---- manifest ------------------------------------------------------------------------------ */

/* all strings of all arrays: arguments stand beside each other there */
static void
collect_json(JsonNode *node, GPtrArray *words)
{
	if (JSON_NODE_HOLDS_ARRAY(node)) {
		g_autoptr(GList) list = json_array_get_elements(json_node_get_array(node));

		for (GList *at = list; at != NULL; at = at->next) {
			if (json_node_get_value_type(at->data) == G_TYPE_STRING)
				g_ptr_array_add(words, g_strdup(json_node_get_string(at->data)));
			else
				collect_json(at->data, words);
		}
	} else if (JSON_NODE_HOLDS_OBJECT(node)) {
		g_autoptr(GList) list = json_object_get_values(json_node_get_object(node));

		for (GList *at = list; at != NULL; at = at->next)
			collect_json(at->data, words);
	}
}

/* the text of each "- item" line */
static void
collect_yaml(const char *text, GPtrArray *words)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		char *word = g_strstrip(lines[i]);
		gsize length;

		if (word[0] != '-' || (word[1] != ' ' && word[1] != '\t'))
			continue;
		word = g_strchug(word + 1);
		length = strlen(word);
		if (length >= 2 && (*word == '"' || *word == '\'') && word[length - 1] == *word) {
			word[length - 1] = '\0';
			word++;
		}
		g_ptr_array_add(words, g_strdup(word));
	}
}

/* "--api-vips" with the list as the next word, or behind "="; NULL when it is another word */
static const char *
option_value(const char *option, const char *word, const char *next)
{
	gsize length = strlen(option);

	if (strncmp(word, option, length) != 0)
		return NULL;
	if (word[length] == 's')
		length++;
	if (word[length] == '=')
		return word + length + 1;
	return word[length] == '\0' ? next : NULL;
}

gboolean
rd_keepalived_read_manifest(RdVips *vips, const char *source, const char *text, GError **error)
{
	static const char *const options[RD_VIP_KINDS] =
	    {[RD_VIP_API] = "--api-vip", [RD_VIP_INGRESS] = "--ingress-vip"};
	g_autoptr(JsonNode) root = json_from_string(text, NULL);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	if (root != NULL)
		collect_json(root, words);
	else
		collect_yaml(text, words);
	g_ptr_array_add(words, NULL);
	for (guint i = 0; words->pdata[i] != NULL; i++)
		for (guint kind = 0; kind < RD_VIP_KINDS; kind++) {
			const char *list =
			    option_value(options[kind], words->pdata[i], words->pdata[i + 1]);

			if (list != NULL && !add_list(vips, kind, source, list, error))
				return FALSE;
		}
	return TRUE;
}

/* ---- keepalived.conf ----------------------------------------------------------------------- */

typedef struct {
	const char *source;
	GArray *sets[RD_VIP_KINDS];
	guint depth;	    /* open braces */
	gboolean named;	    /* "vrrp_instance" was read, its name comes next */
	int kind;	    /* of the instance we are in; -1: none, or somebody's own */
	gboolean announced; /* "virtual_ipaddress" was read, its brace comes next */
	guint block;	    /* depth inside of the addresses; 0: not there */
} Conf;

/* "NAME_API", "NAME_API_0" */
static int
instance_kind(const char *name)
{
	static const char *const endings[RD_VIP_KINDS] =
	    {[RD_VIP_API] = "_API", [RD_VIP_INGRESS] = "_INGRESS"};
	g_autofree char *stem = g_strdup(name);
	char *digits = strrchr(stem, '_');

	if (digits != NULL && digits[1] != '\0' &&
	    digits[1 + strspn(digits + 1, "0123456789")] == '\0')
		*digits = '\0';
	for (int kind = 0; kind < RD_VIP_KINDS; kind++)
		if (g_str_has_suffix(stem, endings[kind]))
			return kind;
	return -1;
}

static gboolean
conf_address(Conf *self, const char *word, GError **error)
{
	g_autofree char *address = g_strndup(word, strcspn(word, "/"));
	g_autoptr(GArray) set = NULL;

	if (self->kind < 0)
		return TRUE;
	set = rd_addresses_parse(address, error);
	if (set == NULL) {
		g_prefix_error(error, "%s: ", self->source);
		return FALSE;
	}
	for (guint i = 0; i < set->len; i++)
		rd_addresses_add(self->sets[self->kind], &g_array_index(set, RdAddress, i));
	return TRUE;
}

static void
conf_open(Conf *self)
{
	self->depth++;
	if (self->announced)
		self->block = self->depth;
	self->announced = self->named = FALSE;
}

static void
conf_close(Conf *self)
{
	if (self->block == self->depth)
		self->block = 0;
	if (self->depth > 0)
		self->depth--;
	if (self->depth == 0)
		self->kind = -1;
}

static void
conf_word(Conf *self, const char *word)
{
	if (self->named) {
		self->kind = instance_kind(word);
		self->named = FALSE;
	} else if (self->depth == 0) {
		self->named = g_str_equal(word, "vrrp_instance");
	} else if (self->depth == 1) {
		self->announced = g_str_equal(word, "virtual_ipaddress") ||
				  g_str_equal(word, "virtual_ipaddress_excluded");
	}
}

/* among the addresses the first word of a line is one, the rest tells where and how */
static gboolean
conf_line(Conf *self, char *line, GError **error)
{
	g_auto(GStrv) words = NULL;
	gboolean first = TRUE;

	line[strcspn(line, "#!")] = '\0';
	words = g_strsplit_set(line, " \t\r", -1);
	for (guint i = 0; words[i] != NULL; i++) {
		if (*words[i] == '\0')
			continue;
		if (g_str_equal(words[i], "{")) {
			conf_open(self);
		} else if (g_str_equal(words[i], "}")) {
			conf_close(self);
		} else if (self->block == 0 || self->depth != self->block) {
			conf_word(self, words[i]);
		} else if (first) {
			if (!conf_address(self, words[i], error))
				return FALSE;
			first = FALSE;
		}
	}
	return TRUE;
}

gboolean
rd_keepalived_read_conf(RdVips *vips, const char *source, const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autoptr(GArray) api = rd_addresses_new(), ingress = rd_addresses_new();
	Conf conf = {.source = source, .sets = {api, ingress}, .kind = -1};

	for (guint i = 0; lines[i] != NULL; i++)
		if (!conf_line(&conf, lines[i], error))
			return FALSE;
	rd_vips_add(vips, RD_VIP_API, source, api);
	rd_vips_add(vips, RD_VIP_INGRESS, source, ingress);
	return TRUE;
}
