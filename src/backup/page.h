/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/bbolt.h"
#include <gio/gio.h>
G_BEGIN_DECLS

/* A bbolt file, read page by page. Pages are checked before they are handed out: whoever has one
 * may follow every offset in it. All errors are RD_BACKUP_ERROR_DAMAGED, "page N: what is wrong",
 * without the file's name. */

typedef struct _RdPager RdPager;

/* NULL when the file cannot be read, has no valid meta page, or is shorter than that says. Does
 * not look at the SHA-256 behind a snapshot (rd_snapshot_check() does). */
RdPager *rd_pager_open(const char *path, GError **error);
void rd_pager_free(RdPager *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPager, rd_pager_free)
const RdBboltMeta *rd_pager_get_meta(RdPager *self);

typedef enum {
	RD_PAGE_BRANCH = 0x01,
	RD_PAGE_LEAF = 0x02,
	RD_PAGE_FREELIST = 0x10,
} RdPageKind; /* as bbolt writes it */

typedef struct {
	guint64 id;
	RdPageKind kind;
	guint count;	/* elements */
	guint overflow; /* how many pages behind this one belong to it */
	/* header and elements; of @pager, or (inline buckets) inside another page */
	const guint8 *bytes;
	gsize size;
	gboolean big_endian;
	RdPager *pager; /* (nullable) whose budget the bytes count against */
} RdPage;

/* Bytes that pages handed out and not cleared may have together. Far above what etcd writes (it
 * takes no request over some MiB), far below what would hurt. */
#define RD_PAGER_BUDGET (256 * 1024 * 1024)

/* @page is zeroed, or one that was cleared. TRUE: a branch, leaf or freelist page below the high
 * water mark, to be cleared by the caller. */
gboolean rd_pager_read(RdPager *self, guint64 id, RdPage *page, GError **error);
/* the page inside the value of the bucket element @value, in @bucket; nothing is copied */
gboolean rd_page_read_inline(RdPage *page, const RdPage *outer, const guint8 *value, gsize size,
			     GError **error);
void rd_page_clear(RdPage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdPage, rd_page_clear)

typedef struct {
	const guint8 *key, *value; /* inside the page */
	gsize key_size, value_size;
	gboolean
	    is_bucket; /* leaf: the value is a bucket's header, RD_BUCKET_HEADER bytes or more */
	guint64 child; /* branch: a page; leaf, bucket: its root page, 0 for an inline bucket */
} RdElement;
#define RD_BUCKET_HEADER 16

/* of a branch or leaf page; @index < count */
void rd_page_element(const RdPage *self, guint index, RdElement *element);

/* of a freelist page */
guint64 rd_page_count_free(const RdPage *self);
guint64 rd_page_free_id(const RdPage *self, guint64 index);
G_END_DECLS
