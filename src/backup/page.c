/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "page.h"

#include "pair.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

/* Header: id u64, flags u16, count u16, overflow u32. Then the elements, then what they point to:
 *   branch   position u32, key size u32, page u64
 *   leaf     flags u32 (1: bucket), position u32, key size u32, value size u32
 * where a position counts from the element itself. A freelist page has page numbers behind its
 * header; when they are 0xffff or more, the first of them is how many follow. A bucket is a value
 * of root page u64, sequence u64; with root page 0 its only page follows in the value.
 *
 * Read with pread, not mapped: a file that is cut while it is read must not end the process. */

#define HEADER	       RD_BBOLT_PAGE_HEADER
#define ELEMENT	       16 /* both kinds */
#define BUCKET_FLAG    1
#define MANY	       0xffff
#define FIRST_PAGE     2 /* behind the meta pages */
#define SNAPSHOT_HASH  32
#define SNAPSHOT_BLOCK 512 /* pages are multiples of it: the rest shows a hash */

struct _RdPager {
	int fd;
	RdBboltMeta meta;
	gsize in_use; /* bytes of the pages that are out */
};

static gboolean G_GNUC_PRINTF(2, 3) damaged(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED, text);
	return FALSE;
}

/* as many of @size bytes as the file has there; -1 with errno */
static gssize
read_at(int fd, guint8 *to, gsize size, goffset offset)
{
	gsize have = 0;

	while (have < size) {
		gssize n = pread(fd, to + have, size - have, offset + have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += n;
	}
	return have;
}

static gboolean
pager_start(RdPager *self, const char *path, GError **error)
{
	g_autofree guint8 *front = g_malloc(RD_BBOLT_FRONT);
	struct stat info;
	goffset body = 0;
	gssize size = 0;

	/* a pipe is not waited for */
	self->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (self->fd < 0 || fstat(self->fd, &info) != 0)
		return damaged(error, "%s", g_strerror(errno));
	if (!S_ISREG(info.st_mode))
		return damaged(error, "not a regular file");
	size = read_at(self->fd, front, RD_BBOLT_FRONT, 0);
	if (size < 0)
		return damaged(error, "reading its front: %s", g_strerror(errno));
	if (!rd_bbolt_read_meta(front, size, &self->meta))
		return damaged(error, "neither of its two bbolt meta pages is valid");
	body = info.st_size % SNAPSHOT_BLOCK == SNAPSHOT_HASH ? info.st_size - SNAPSHOT_HASH
							      : info.st_size;
	if (self->meta.pages > (guint64)body / self->meta.page_size)
		return damaged(error,
			       "%" G_GUINT64_FORMAT " pages of %u bytes should be there, "
			       "%" G_GUINT64_FORMAT " are",
			       self->meta.pages, self->meta.page_size,
			       (guint64)body / self->meta.page_size);
	return TRUE;
}

RdPager *
rd_pager_open(const char *path, GError **error)
{
	g_autoptr(RdPager) self = g_new0(RdPager, 1);

	self->fd = -1;
	return pager_start(self, path, error) ? g_steal_pointer(&self) : NULL;
}

void
rd_pager_free(RdPager *self)
{
	if (self == NULL)
		return;
	if (self->fd >= 0)
		g_close(self->fd, NULL);
	g_free(self);
}

const RdBboltMeta *
rd_pager_get_meta(RdPager *self)
{
	return &self->meta;
}

/* ---- what a page says of itself ------------------------------------------------------------ */

static void
read_header(RdPage *page)
{
	page->kind = rd_bbolt_u16(page->bytes + 8, page->big_endian);
	page->count = rd_bbolt_u16(page->bytes + 10, page->big_endian);
	page->overflow = rd_bbolt_u32(page->bytes + 12, page->big_endian);
}

static gboolean
check_element(const RdPage *page, guint index, gsize *together, GError **error)
{
	gsize table = HEADER + (gsize)page->count * ELEMENT;
	gsize at = HEADER + (gsize)index * ELEMENT;
	const guint8 *element = page->bytes + at;
	gboolean leaf = page->kind == RD_PAGE_LEAF;
	guint flags = leaf ? rd_bbolt_u32(element, page->big_endian) : 0;
	gsize position = rd_bbolt_u32(element + (leaf ? 4 : 0), page->big_endian);
	gsize key = rd_bbolt_u32(element + (leaf ? 8 : 4), page->big_endian);
	gsize value = leaf ? rd_bbolt_u32(element + 12, page->big_endian) : 0;

	if (flags > BUCKET_FLAG)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT ": element %u of %u has unknown flags %#x",
			       page->id, index, page->count, flags);
	if (at + position < table || at + position > page->size ||
	    key + value > page->size - at - position)
		return damaged(
		    error, "page %" G_GUINT64_FORMAT ": element %u of %u points out of the page",
		    page->id, index, page->count);
	/* elements that share their bytes would make a small file endless to read */
	*together += key + value;
	if (*together > page->size - table)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT ": elements up to %u of %u are more than "
			       "fits into the page",
			       page->id, index, page->count);
	if (flags == BUCKET_FLAG && value < RD_BUCKET_HEADER)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT
			       ": element %u is a bucket of %" G_GSIZE_FORMAT " bytes",
			       page->id, index, value);
	return TRUE;
}

static gboolean
check_freelist(const RdPage *page, GError **error)
{
	guint64 room = (page->size - HEADER) / sizeof(guint64);
	gboolean many = page->count == MANY;
	guint64 count = 0;

	/* a page has room for one number at least: it is 1024 bytes or more */
	count = rd_page_count_free(page);
	if (count > room - (many ? 1 : 0))
		return damaged(error,
			       "page %" G_GUINT64_FORMAT ": a list of %" G_GUINT64_FORMAT
			       " free pages does not fit into it",
			       page->id, count);
	return TRUE;
}

static gboolean
check_elements(const RdPage *page, GError **error)
{
	gsize together = 0;

	if (page->kind == RD_PAGE_FREELIST)
		return check_freelist(page, error);
	if (page->count > (page->size - HEADER) / ELEMENT)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT
			       ": %u elements do not fit into %" G_GSIZE_FORMAT " bytes",
			       page->id, page->count, page->size);
	for (guint i = 0; i < page->count; i++)
		if (!check_element(page, i, &together, error))
			return FALSE;
	return TRUE;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* @size bytes from the front of page @id on */
static gboolean
fill(RdPager *self, guint64 id, guint8 *to, gsize size, goffset offset, GError **error)
{
	gssize n = read_at(self->fd, to, size, offset);

	if (n < 0)
		return damaged(error, "page %" G_GUINT64_FORMAT ": %s", id, g_strerror(errno));
	if ((gsize)n < size)
		return damaged(
		    error, "page %" G_GUINT64_FORMAT ": the file became shorter while it was read",
		    id);
	return TRUE;
}

static gboolean
take_budget(RdPager *self, guint64 id, gsize size, GError **error)
{
	if (size > RD_PAGER_BUDGET - self->in_use)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT ": %" G_GSIZE_FORMAT
			       " bytes in one piece: no etcd writes that",
			       id, size);
	self->in_use += size;
	return TRUE;
}

/* the pages behind @page that belong to it */
static gboolean
read_overflow(RdPager *self, RdPage *page, GError **error)
{
	guint page_size = self->meta.page_size;
	guint64 id = page->id;
	guint8 *bytes = NULL;
	gsize rest = (gsize)page->overflow * page_size;

	if (page->overflow >= self->meta.pages - id)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT ": with the %u pages behind it that it "
			       "claims it ends behind the last page",
			       id, page->overflow);
	if (rest == 0)
		return TRUE;
	if (!take_budget(self, id, rest, error))
		return FALSE;
	page->size += rest;
	bytes = g_realloc((guint8 *)page->bytes, page->size);
	page->bytes = bytes;
	return fill(self, id, bytes + page_size, rest, (goffset)(id + 1) * page_size, error);
}

static gboolean
read_whole(RdPager *self, guint64 id, RdPage *page, GError **error)
{
	guint8 *bytes = NULL;
	guint64 own = 0;

	if (id < FIRST_PAGE || id >= self->meta.pages)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT " is pointed to, the file has pages %u to "
			       "%" G_GUINT64_FORMAT,
			       id, FIRST_PAGE, self->meta.pages - 1);
	if (!take_budget(self, id, self->meta.page_size, error))
		return FALSE;
	bytes = g_malloc(self->meta.page_size);
	page->pager = self;
	page->bytes = bytes;
	page->size = self->meta.page_size;
	if (!fill(self, id, bytes, page->size, (goffset)id * page->size, error))
		return FALSE;
	read_header(page);
	own = rd_bbolt_u64(bytes, page->big_endian);
	if (own != id)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT ": calls itself page %" G_GUINT64_FORMAT,
			       id, own);
	if (page->kind != RD_PAGE_BRANCH && page->kind != RD_PAGE_LEAF &&
	    page->kind != RD_PAGE_FREELIST)
		return damaged(error, "page %" G_GUINT64_FORMAT ": no page has the flags %#x", id,
			       page->kind);
	return read_overflow(self, page, error) && check_elements(page, error);
}

gboolean
rd_pager_read(RdPager *self, guint64 id, RdPage *page, GError **error)
{
	*page = (RdPage){.id = id, .big_endian = self->meta.big_endian};
	if (read_whole(self, id, page, error))
		return TRUE;
	rd_page_clear(page);
	return FALSE;
}

gboolean
rd_page_read_inline(RdPage *page, const RdPage *outer, const guint8 *value, gsize size,
		    GError **error)
{
	*page = (RdPage){.id = outer->id,
			 .big_endian = outer->big_endian,
			 .bytes = value + RD_BUCKET_HEADER,
			 .size = size - RD_BUCKET_HEADER};
	if (page->size < HEADER)
		return damaged(error, "page %" G_GUINT64_FORMAT ": a bucket inside it is cut off",
			       outer->id);
	read_header(page);
	if (page->kind != RD_PAGE_LEAF || page->overflow != 0)
		return damaged(error,
			       "page %" G_GUINT64_FORMAT
			       ": a bucket inside it is no leaf (flags %#x, %u pages behind it)",
			       outer->id, page->kind, page->overflow);
	return check_elements(page, error);
}

void
rd_page_clear(RdPage *self)
{
	if (self->pager != NULL) {
		self->pager->in_use -= self->size;
		g_free((guint8 *)self->bytes);
	}
	*self = (RdPage){0};
}

/* ---- what is in it ------------------------------------------------------------------------- */

void
rd_page_element(const RdPage *self, guint index, RdElement *element)
{
	const guint8 *at = self->bytes + HEADER + (gsize)index * ELEMENT;
	gboolean big = self->big_endian;

	*element = (RdElement){0};
	if (self->kind == RD_PAGE_BRANCH) {
		element->key = at + rd_bbolt_u32(at, big);
		element->key_size = rd_bbolt_u32(at + 4, big);
		element->child = rd_bbolt_u64(at + 8, big);
		return;
	}
	element->key = at + rd_bbolt_u32(at + 4, big);
	element->key_size = rd_bbolt_u32(at + 8, big);
	element->value = element->key + element->key_size;
	element->value_size = rd_bbolt_u32(at + 12, big);
	element->is_bucket = rd_bbolt_u32(at, big) == BUCKET_FLAG;
	if (element->is_bucket)
		element->child = rd_bbolt_u64(element->value, big);
}

guint64
rd_page_count_free(const RdPage *self)
{
	return self->count == MANY ? rd_bbolt_u64(self->bytes + HEADER, self->big_endian)
				   : self->count;
}

guint64
rd_page_free_id(const RdPage *self, guint64 index)
{
	gsize first = HEADER + (self->count == MANY ? sizeof(guint64) : 0);

	return rd_bbolt_u64(self->bytes + first + index * sizeof(guint64), self->big_endian);
}
