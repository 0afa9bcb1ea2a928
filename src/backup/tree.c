/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "tree.h"

#include "pair.h"

#include <string.h>

/* A branch has two children or more when bbolt wrote it, so that many pages could not be in any
 * file; and a walk that goes deeper is led around. */
#define DEPTH_MAX   64
#define NESTING_MAX 8

typedef struct {
	RdPager *pager;
	const RdTreeVisitor *visitor;
	gpointer user;
	RdTreeCounts *counts;
	GCancellable *cancellable;
	guint64 pages;
	guint8 *used; /* (owned) a bit a page */
} Walk;

/* what is walked at the moment: a bucket */
typedef struct {
	guint nesting;	      /* 0: the root, 1: etcd's buckets */
	GByteArray *previous; /* (owned) the key before, across pages */
	gboolean started;     /* there is one */
} Bucket;

/* between what keys a page's own must lie; NULL: no limit */
typedef struct {
	const RdElement *from, *below;
} Range;

static void
walk_clear(Walk *self)
{
	g_free(self->used);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Walk, walk_clear)

static void
bucket_clear(Bucket *self)
{
	g_byte_array_unref(self->previous);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Bucket, bucket_clear)

static gboolean G_GNUC_PRINTF(3, 4) damaged(guint64 page, GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED,
		    "page %" G_GUINT64_FORMAT ": %s", page, text);
	return FALSE;
}

static int
compare_bytes(const guint8 *a, gsize a_size, const guint8 *b, gsize b_size)
{
	gsize common = MIN(a_size, b_size);
	int order = common > 0 ? memcmp(a, b, common) : 0;

	return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int
compare_keys(const RdElement *a, const RdElement *b)
{
	return compare_bytes(a->key, a->key_size, b->key, b->key_size);
}

/* ---- which pages are in use ---------------------------------------------------------------- */

/* TRUE when it was already */
static gboolean
mark(guint8 *bits, guint64 id)
{
	guint8 bit = 1 << (id % 8);
	gboolean was = (bits[id / 8] & bit) != 0;

	bits[id / 8] |= bit;
	return was;
}

static gboolean
use_page(Walk *self, const RdPage *page, GError **error)
{
	for (guint64 id = page->id; id <= page->id + page->overflow; id++) {
		if (mark(self->used, id))
			return damaged(id, error,
				       "is used twice, the second time from page %" G_GUINT64_FORMAT
				       " on",
				       page->id);
		self->counts->pages++;
	}
	return TRUE;
}

/* @page is to be cleared in any case */
static gboolean
read_page(Walk *self, guint64 id, guint kinds, RdPage *page, GError **error)
{
	if (g_cancellable_is_cancelled(self->cancellable)) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CANCELLED,
			    "interrupted after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
			    " pages",
			    self->counts->pages, self->pages);
		return FALSE;
	}
	/* before it is read: a ring of large pages is not read again and again */
	if (id < self->pages && (self->used[id / 8] & (1 << (id % 8))) != 0)
		return damaged(id, error, "is used twice");
	if (!rd_pager_read(self->pager, id, page, error))
		return FALSE;
	if ((page->kind & kinds) == 0)
		return damaged(id, error, "is of another kind (flags %#x) than what points to it",
			       page->kind);
	return use_page(self, page, error);
}

/* ---- down the tree ------------------------------------------------------------------------- */

static gboolean walk_page(Walk *self, Bucket *bucket, guint64 id, const Range *range, guint depth,
			  GError **error);
static gboolean walk_bucket(Walk *self, const RdPage *outer, const RdElement *entry, guint nesting,
			    GError **error);

static gboolean
walk_branch(Walk *self, Bucket *bucket, const RdPage *page, const Range *range, guint depth,
	    GError **error)
{
	RdElement element = {0}, next = {0};

	if (page->count == 0)
		return damaged(page->id, error, "is a branch without children");
	rd_page_element(page, 0, &element);
	if (range->from != NULL && compare_keys(&element, range->from) < 0)
		return damaged(page->id, error,
			       "begins before the key that the page above it says");
	for (guint i = 0; i < page->count; i++) {
		gboolean last = i + 1 == page->count;
		Range inner = {.from = &element, .below = last ? range->below : &next};

		if (!last)
			rd_page_element(page, i + 1, &next);
		if (inner.below != NULL && compare_keys(&element, inner.below) >= 0)
			return damaged(page->id, error, "child %u of %u is out of order", i,
				       page->count);
		if (!walk_page(self, bucket, element.child, &inner, depth + 1, error))
			return FALSE;
		element = next;
	}
	return TRUE;
}

static gboolean
visit(Walk *self, Bucket *bucket, const RdPage *page, const RdElement *element, GError **error)
{
	RdElement entry = *element;

	if (bucket->nesting == 0) {
		if (!element->is_bucket)
			return damaged(page->id, error, "has an entry where only buckets can be");
		if (!self->visitor->bucket(self->user, element->key, element->key_size, error))
			return FALSE;
	} else if (bucket->nesting == 1) {
		if (entry.is_bucket)
			entry.value_size = 0;
		if (!self->visitor->entry(self->user, &entry, error))
			return FALSE;
	}
	return !element->is_bucket || walk_bucket(self, page, element, bucket->nesting + 1, error);
}

static gboolean
walk_leaf(Walk *self, Bucket *bucket, const RdPage *page, const Range *range, GError **error)
{
	RdElement element = {.key = bucket->previous->data, .key_size = bucket->previous->len};
	RdElement previous;

	for (guint i = 0; i < page->count; i++) {
		previous = element;
		rd_page_element(page, i, &element);
		if (bucket->started && compare_keys(&previous, &element) >= 0)
			return damaged(page->id, error, "entry %u of %u is out of order", i,
				       page->count);
		bucket->started = TRUE;
		if ((range->from != NULL && compare_keys(&element, range->from) < 0) ||
		    (range->below != NULL && compare_keys(&element, range->below) >= 0))
			return damaged(page->id, error,
				       "entry %u of %u does not belong below the page that "
				       "points to it",
				       i, page->count);
		if (!visit(self, bucket, page, &element, error))
			return FALSE;
	}
	if (page->count > 0) {
		g_byte_array_set_size(bucket->previous, 0);
		g_byte_array_append(bucket->previous, element.key, element.key_size);
	}
	return TRUE;
}

static gboolean
walk_page(Walk *self, Bucket *bucket, guint64 id, const Range *range, guint depth, GError **error)
{
	g_auto(RdPage) page = {0};

	if (depth > DEPTH_MAX)
		return damaged(id, error, "lies more than %u pages deep", DEPTH_MAX);
	if (!read_page(self, id, RD_PAGE_BRANCH | RD_PAGE_LEAF, &page, error))
		return FALSE;
	self->counts->depth = MAX(self->counts->depth, depth);
	if (page.kind == RD_PAGE_BRANCH)
		self->counts->branches++;
	else
		self->counts->leaves++;
	return page.kind == RD_PAGE_BRANCH ? walk_branch(self, bucket, &page, range, depth, error)
					   : walk_leaf(self, bucket, &page, range, error);
}

static gboolean
walk_inline(Walk *self, Bucket *bucket, const RdPage *outer, const RdElement *entry, GError **error)
{
	const Range all = {0};
	RdPage page = {0};

	if (!rd_page_read_inline(&page, outer, entry->value, entry->value_size, error))
		return FALSE;
	return walk_leaf(self, bucket, &page, &all, error);
}

/* the bucket whose header is the value of @entry in @outer */
static gboolean
walk_bucket(Walk *self, const RdPage *outer, const RdElement *entry, guint nesting, GError **error)
{
	g_auto(Bucket) bucket = {.nesting = nesting, .previous = g_byte_array_new()};
	const Range all = {0};

	if (nesting > NESTING_MAX)
		return damaged(outer->id, error, "has buckets inside buckets, %u deep", nesting);
	self->counts->buckets++;
	return entry->child == 0 ? walk_inline(self, &bucket, outer, entry, error)
				 : walk_page(self, &bucket, entry->child, &all, 1, error);
}

/* ---- the list of free pages ---------------------------------------------------------------- */

static gboolean
check_free(Walk *self, const RdPage *page, GError **error)
{
	guint64 count = rd_page_count_free(page);
	g_autofree guint8 *free_pages = g_malloc0(self->pages / 8 + 1);

	for (guint64 i = 0; i < count; i++) {
		guint64 id = rd_page_free_id(page, i);

		if (id >= self->pages)
			return damaged(page->id, error,
				       "lists page %" G_GUINT64_FORMAT
				       " as free, which is behind the last one",
				       id);
		if (mark(free_pages, id))
			return damaged(id, error, "is listed as free twice");
		if (mark(self->used, id))
			return damaged(id, error, "is listed as free, and is in use");
	}
	for (guint64 id = 0; id < self->pages; id++)
		if ((self->used[id / 8] & (1 << (id % 8))) == 0)
			return damaged(id, error, "is neither in use nor listed as free");
	return TRUE;
}

gboolean
rd_tree_walk(RdPager *pager, const RdTreeVisitor *visitor, gpointer user, RdTreeCounts *counts,
	     GCancellable *cancellable, GError **error)
{
	const RdBboltMeta *meta = rd_pager_get_meta(pager);
	RdTreeCounts own = {0};
	g_auto(Walk) walk = {.pager = pager,
			     .visitor = visitor,
			     .user = user,
			     .counts = counts != NULL ? counts : &own,
			     .cancellable = cancellable,
			     .pages = meta->pages,
			     .used = g_malloc0(meta->pages / 8 + 1)};
	g_auto(Bucket) root = {.previous = g_byte_array_new()};
	g_auto(RdPage) freelist = {0};
	const Range all = {0};

	*walk.counts = (RdTreeCounts){.pages = 2};
	mark(walk.used, 0);
	mark(walk.used, 1);
	walk.counts->has_freelist = meta->freelist != RD_BBOLT_NO_FREELIST;
	if (walk.counts->has_freelist &&
	    !read_page(&walk, meta->freelist, RD_PAGE_FREELIST, &freelist, error))
		return FALSE;
	if (!walk_page(&walk, &root, meta->root, &all, 1, error))
		return FALSE;
	if (walk.counts->has_freelist && !check_free(&walk, &freelist, error))
		return FALSE;
	walk.counts->free = meta->pages - walk.counts->pages;
	return TRUE;
}
