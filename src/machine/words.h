/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Stored values are words: an enum and the table of its names, looked up here. */

/* the index of @word in @table, or -1 */
static inline int
rd_words_find(const char *const *table, guint n, const char *word)
{
	/* the first letter tells most of them apart */
	for (guint i = 0; i < n && word != NULL; i++)
		if (table[i] != NULL && table[i][0] == word[0] && g_strcmp0(table[i], word) == 0)
			return (int)i;
	return -1;
}

/* defines NAME_to_string() and NAME_from_string() over a static table */
#define RD_WORDS(Type, name, table)                                                                \
	const char *name##_to_string(Type value)                                                   \
	{                                                                                          \
		return (guint)value < G_N_ELEMENTS(table) ? table[value] : "?";                    \
	}                                                                                          \
	gboolean name##_from_string(const char *word, Type *value)                                 \
	{                                                                                          \
		int i = rd_words_find(table, G_N_ELEMENTS(table), word);                           \
		if (i < 0)                                                                         \
			return FALSE;                                                              \
		*value = (Type)i;                                                                  \
		return TRUE;                                                                       \
	}
G_END_DECLS
