/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* The front of a bbolt file: two meta pages, of which the newer valid one counts (domain 4.6). */

typedef struct {
	guint page_size;
	guint64 transaction;
	guint64 root;	  /* page of the root bucket */
	guint64 freelist; /* page of the list of free pages, or RD_BBOLT_NO_FREELIST */
	guint64 pages;	  /* high water mark: the file has at least that many */
	gboolean big_endian;
} RdBboltMeta;

/* the most of a file's front that rd_bbolt_read_meta() looks at: a meta page 1 can begin at the
 * largest page size there is */
#define RD_BBOLT_FRONT (64 * 1024 + 80)

/* in place of a page number: the list was not written (etcd never writes it) */
#define RD_BBOLT_NO_FREELIST G_MAXUINT64
#define RD_BBOLT_PAGE_HEADER 16

/* numbers as the machine wrote them that made the file; @bytes need no alignment */
guint16 rd_bbolt_u16(const guint8 *bytes, gboolean big_endian);
guint32 rd_bbolt_u32(const guint8 *bytes, gboolean big_endian);
guint64 rd_bbolt_u64(const guint8 *bytes, gboolean big_endian);

/* FALSE when neither meta page in the first @size bytes is valid */
gboolean rd_bbolt_read_meta(const guint8 *front, gsize size, RdBboltMeta *meta);
G_END_DECLS
