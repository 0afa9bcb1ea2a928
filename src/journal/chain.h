/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* The hash chain over a journal's rows: link_n = SHA-256(link_n-1 || row_n), link_0 all zero.
 *
 * A row is the columns in the order of the table, each as it is stored: 'i' and eight bytes
 * (integer, big endian), 't', eight bytes of length and the bytes (text), or 'n' (NULL). No two
 * different rows share an encoding. A column that a later format appends is hashed only where it is
 * not NULL, so that old links stay valid. */

#define RD_CHAIN_SIZE 32

typedef struct {
	guint8 link[RD_CHAIN_SIZE]; /* of the row before; of this one after rd_chain_close() */
	GByteArray *row;	    /* (owned) */
} RdChain;

void rd_chain_init(RdChain *chain, const guint8 *link);
void rd_chain_clear(RdChain *chain);
void rd_chain_int(RdChain *chain, gint64 number);
/* @text NULL is NULL; @size in bytes, without the NUL */
void rd_chain_text(RdChain *chain, const char *text, gsize size);
/* the row is complete: its link replaces the one before */
void rd_chain_close(RdChain *chain);
void rd_chain_to_hex(const guint8 *link, char hex[RD_CHAIN_SIZE * 2 + 1]);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdChain, rd_chain_clear)
G_END_DECLS
