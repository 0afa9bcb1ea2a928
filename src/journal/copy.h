/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "chain.h"
#include "machine/event.h"
G_BEGIN_DECLS

/* A journal as text, for its copies on the hosts: one event a line, in order,
 *
 *   SEQ CHAIN WALL CLOCK KIND STATE TARGET VISIT ATTEMPT WORD KEY VALUE NUMBER TEXT
 *
 * between tabs. CHAIN is the very link that the event has in journal.db (chain.h), so that a copy
 * proves itself and a journal made from it has the same head. "\N" is NULL; tab, line break,
 * carriage return and backslash in a text are "\t", "\n", "\r" and "\\". */

/* @event is the next behind @chain, which moves on by it */
void rd_copy_add_line(GString *out, RdChain *chain, const RdEvent *event);

/* what a copy says. (element-type RdEvent) @events; @torn: bytes of a last line that was cut off */
typedef struct {
	GPtrArray *events; /* (owned) */
	GArray *links;	   /* (owned) (element-type guint8[RD_CHAIN_SIZE]) of each */
	gsize torn;
} RdCopy;

/* NULL with RD_JOURNAL_ERROR_UNREADABLE and the first line that does not fit the chain; @where
 * names the copy in messages. A line without its end is the one that was being written: it is
 * left out. */
RdCopy *rd_copy_parse(const char *where, const char *data, gsize size, GError **error);
void rd_copy_free(RdCopy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdCopy, rd_copy_free)
/* hex, "" when it is empty (transfer full) */
char *rd_copy_head(const RdCopy *self);
/* one is the beginning of the other; *at (nullable) is the first event that differs if not */
gboolean rd_copy_agree(const RdCopy *a, const RdCopy *b, gint64 *at);
G_END_DECLS
