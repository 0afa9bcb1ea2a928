/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "template.h"

#include <string.h>

gboolean
rd_template_has(const char *text)
{
	return strstr(text, "${") != NULL;
}

GPtrArray *
rd_template_names(const char *text, const char **wrong)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

	for (const char *from = strstr(text, "${"); from != NULL; from = strstr(from, "${")) {
		gsize size = strspn(from + 2, "abcdefghijklmnopqrstuvwxyz0123456789.-");

		if (from[2 + size] == '\0') {
			*wrong = "“${” without “}”";
			return NULL;
		}
		if (size == 0 || from[2 + size] != '}') {
			*wrong = "between “${” and “}” stands a name of [a-z0-9.-]";
			return NULL;
		}
		g_ptr_array_add(names, g_strndup(from + 2, size));
		from += 2 + size;
	}
	return g_steal_pointer(&names);
}

char *
rd_template_fill(const char *text, GHashTable *values)
{
	GString *filled = g_string_new(NULL);
	const char *from = NULL;

	while ((from = strstr(text, "${")) != NULL) {
		const char *end = strchr(from, '}');
		g_autofree char *name = end == NULL ? NULL : g_strndup(from + 2, end - from - 2);
		const char *value = name == NULL ? NULL : g_hash_table_lookup(values, name);

		if (end == NULL)
			break;
		g_string_append_len(filled, text, from - text);
		if (value != NULL)
			g_string_append(filled, value);
		else
			g_string_append_len(filled, from, end + 1 - from);
		text = end + 1;
	}
	g_string_append(filled, text);
	return g_string_free(filled, FALSE);
}
