/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/path.h"

#include <string.h>

void
rd_kube_path_clear(RdKubePath *path)
{
	g_clear_pointer(&path->group, g_free);
	g_clear_pointer(&path->version, g_free);
	g_clear_pointer(&path->space, g_free);
	g_clear_pointer(&path->plural, g_free);
	g_clear_pointer(&path->name, g_free);
	g_clear_pointer(&path->subresource, g_free);
}

/* the next word, unescaped; NULL at the end, or when it is none */
static char *
take_word(char ***words)
{
	char *word = **words != NULL ? g_uri_unescape_string(**words, NULL) : NULL;

	if (**words != NULL)
		++*words;
	if (word != NULL && *word == '\0')
		g_clear_pointer(&word, g_free);
	return word;
}

/* what stands behind /api or /apis */
static gboolean
take_rest(RdKubePath *path, char **words)
{
	path->version = take_word(&words);
	/* /namespaces/NAME alone is a namespace itself */
	if (words[0] != NULL && g_str_equal(words[0], "namespaces") && words[1] != NULL &&
	    words[2] != NULL) {
		words++;
		path->space = take_word(&words);
		if (path->space == NULL)
			return FALSE;
	}
	path->plural = take_word(&words);
	path->name = take_word(&words);
	path->subresource = take_word(&words);
	return path->version != NULL && path->plural != NULL && *words == NULL;
}

gboolean
rd_kube_path_parse(const char *text, RdKubePath *path)
{
	g_autofree char *plain = g_strndup(text, strcspn(text, "?"));
	g_auto(GStrv) words = g_strsplit(plain, "/", -1);
	guint n = g_strv_length(words);
	gboolean ok = FALSE;

	memset(path, 0, sizeof *path);
	if (n > 3 && *words[0] == '\0' && g_str_equal(words[1], "api")) {
		path->group = g_strdup("");
		ok = take_rest(path, words + 2);
	} else if (n > 4 && *words[0] == '\0' && g_str_equal(words[1], "apis")) {
		path->group = g_strdup(words[2]);
		ok = take_rest(path, words + 3);
	}
	if (!ok)
		rd_kube_path_clear(path);
	return ok;
}

char *
rd_kube_path_resource(const RdKubePath *path)
{
	if (*path->group == '\0')
		return g_strdup(path->plural);
	return g_strdup_printf("%s.%s.%s", path->plural, path->version, path->group);
}

gboolean
rd_kube_path_equal(const RdKubePath *path, const RdKubePath *other)
{
	return g_str_equal(path->group, other->group) &&
	       g_str_equal(path->version, other->version) &&
	       g_strcmp0(path->space, other->space) == 0 &&
	       g_str_equal(path->plural, other->plural) &&
	       g_strcmp0(path->name, other->name) == 0 &&
	       g_strcmp0(path->subresource, other->subresource) == 0;
}
