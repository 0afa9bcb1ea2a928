/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Names of runs that survive a telephone: r-YYYYMMDD-WORD-N. */

gboolean rd_runid_is_valid(const char *id);
/* (transfer full) @day_us: microseconds since the epoch, of which the day is taken, UTC */
char *rd_runid_new(gint64 day_us, const char *word, guint64 number);
/* N, 0 when @id is not valid */
guint64 rd_runid_get_number(const char *id);
/* newest first: by day, then by number; for g_ptr_array_sort() */
int rd_runid_compare(gconstpointer a, gconstpointer b);
/* @part is @id or some of its parts between dashes, in order and complete */
gboolean rd_runid_matches(const char *id, const char *part);

/* short words that are not mistaken for each other, for a command, or for bad news */
const char *rd_runid_random_word(void);
const char *const *rd_runid_words(void);
G_END_DECLS
