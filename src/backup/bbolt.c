/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "bbolt.h"

#include <string.h>

/* page header: id u64, flags u16, count u16, overflow u32; then for a meta page: magic u32,
 * version u32, page size u32, flags u32, root page u64, root sequence u64, freelist u64, high
 * water u64, transaction u64, FNV-1a of the 56 bytes before it u64. In the byte order of the
 * machine that wrote it. */
#define PAGE_HEADER   RD_BBOLT_PAGE_HEADER
#define META_SIZE     64
#define META_SUMMED   56
#define META_FLAG     0x04
#define MAGIC	      0xED0CDAEDu
#define VERSION	      2
#define PAGE_SIZE_MIN 1024
#define PAGE_SIZE_MAX (64 * 1024)

guint16
rd_bbolt_u16(const guint8 *bytes, gboolean big_endian)
{
	guint16 value = 0;

	memcpy(&value, bytes, sizeof(value));
	return big_endian ? GUINT16_FROM_BE(value) : GUINT16_FROM_LE(value);
}

guint32
rd_bbolt_u32(const guint8 *bytes, gboolean big_endian)
{
	guint32 value = 0;

	memcpy(&value, bytes, sizeof(value));
	return big_endian ? GUINT32_FROM_BE(value) : GUINT32_FROM_LE(value);
}

guint64
rd_bbolt_u64(const guint8 *bytes, gboolean big_endian)
{
	guint64 value = 0;

	memcpy(&value, bytes, sizeof(value));
	return big_endian ? GUINT64_FROM_BE(value) : GUINT64_FROM_LE(value);
}

static guint64
fnv1a(const guint8 *bytes, gsize size)
{
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);

	for (gsize i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * G_GUINT64_CONSTANT(0x100000001b3);
	return sum;
}

/* the page at @page, of which PAGE_HEADER + META_SIZE bytes are there */
static gboolean
read_page(const guint8 *page, RdBboltMeta *meta)
{
	const guint8 *body = page + PAGE_HEADER;
	gboolean big = rd_bbolt_u32(body, FALSE) != MAGIC;

	if (rd_bbolt_u32(body, big) != MAGIC || rd_bbolt_u32(body + 4, big) != VERSION)
		return FALSE;
	if ((rd_bbolt_u16(page + 8, big) & META_FLAG) == 0)
		return FALSE;
	if (rd_bbolt_u64(body + META_SUMMED, big) != fnv1a(body, META_SUMMED))
		return FALSE;
	meta->page_size = rd_bbolt_u32(body + 8, big);
	meta->root = rd_bbolt_u64(body + 16, big);
	meta->freelist = rd_bbolt_u64(body + 32, big);
	meta->pages = rd_bbolt_u64(body + 40, big);
	meta->transaction = rd_bbolt_u64(body + 48, big);
	meta->big_endian = big;
	/* the sum is no protection against somebody who computes it */
	return meta->page_size >= PAGE_SIZE_MIN && meta->page_size <= PAGE_SIZE_MAX &&
	       (meta->page_size & (meta->page_size - 1)) == 0;
}

/* the meta page at @offset, if it says that it stands there */
static gboolean
read_second(const guint8 *front, gsize size, gsize offset, RdBboltMeta *meta)
{
	return offset + PAGE_HEADER + META_SIZE <= size && read_page(front + offset, meta) &&
	       meta->page_size == offset;
}

gboolean
rd_bbolt_read_meta(const guint8 *front, gsize size, RdBboltMeta *meta)
{
	RdBboltMeta first = {0}, second = {0};
	gboolean have_first = FALSE, have_second = FALSE;

	if (size < PAGE_HEADER + META_SIZE)
		return FALSE;
	have_first = read_page(front, &first);
	if (have_first)
		have_second = read_second(front, size, first.page_size, &second);
	for (gsize offset = PAGE_SIZE_MIN; !have_first && !have_second && offset <= PAGE_SIZE_MAX;
	     offset *= 2)
		have_second = read_second(front, size, offset, &second);
	if (!have_first && !have_second)
		return FALSE;
	*meta =
	    have_second && (!have_first || second.transaction > first.transaction) ? second : first;
	return TRUE;
}
