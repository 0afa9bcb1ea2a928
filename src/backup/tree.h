/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/page.h"
G_BEGIN_DECLS

/* The walk through a whole bbolt file: every bucket of the root and every entry in it, in order.
 * On the way it is proven that the tree is one: each page is pointed to once and lies inside the
 * file, keys ascend within and across pages and fit to what the pages above say, and, where a list
 * of free pages was written, each page is either free or in use. Memory: two bits a page, and the
 * pages from the root to the leaf in work. */

typedef struct {
	/* FALSE with @error set ends the walk. What they are given lives until they return.
	 * A bucket inside a bucket (etcd has none) is walked too, but only told as an entry with
	 * an empty value. */
	gboolean (*bucket)(gpointer user, const guint8 *name, gsize size, GError **error);
	gboolean (*entry)(gpointer user, const RdElement *entry, GError **error);
} RdTreeVisitor;

typedef struct {
	guint64 pages;		  /* in use, with what follows them and both meta pages */
	guint64 free;		  /* below the high water mark, in no use */
	guint64 branches, leaves; /* pages of each kind, without what follows them */
	guint64 buckets;
	guint depth; /* of the deepest bucket, in pages */
	gboolean has_freelist;
} RdTreeCounts;

/* @counts (nullable) is filled as far as the walk came. FALSE: what is wrong, or
 * RD_BACKUP_ERROR_CANCELLED, or the visitor's error. */
gboolean rd_tree_walk(RdPager *pager, const RdTreeVisitor *visitor, gpointer user,
		      RdTreeCounts *counts, GCancellable *cancellable, GError **error);
G_END_DECLS
