/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Is it a whole snapshot (domain 4.6)? The server sends a SHA-256 behind the database: with it the
 * bytes are those that it sent. */

#include "etcd-member.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BLOCK  65536 /* bytes; longer than two pages of any size that etcd uses */
#define DIGEST 32    /* bytes of a SHA-256 */
#define SECTOR 512
/* bbolt's meta page: behind a header of 16 bytes */
#define META	 16
#define META_SUM 56
#define MAGIC	 0xED0CDAEDU
#define VERSION	 2

static gboolean G_GNUC_PRINTF(2, 3) wrong(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, text);
	return FALSE;
}

static guint32
get_u32(const guchar *at)
{
	guint32 value;

	memcpy(&value, at, sizeof(value));
	return GUINT32_FROM_LE(value);
}

static guint64
get_u64(const guchar *at)
{
	return get_u32(at) | (guint64)get_u32(at + 4) << 32;
}

/* FNV-1a over what stands before it */
static gboolean
is_meta(const guchar *page)
{
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);

	for (guint i = 0; i < META_SUM; i++)
		sum = (sum ^ page[META + i]) * G_GUINT64_CONSTANT(0x100000001b3);
	return get_u32(page + META) == MAGIC && get_u32(page + META + 4) == VERSION &&
	       get_u64(page + META + META_SUM) == sum;
}

/* one of the first two pages, whatever their size, is a meta page */
static gboolean
is_bbolt(const guchar *block, gsize size)
{
	if (size < SECTOR)
		return FALSE;
	if (is_meta(block))
		return TRUE;
	for (gsize page = 1024; page + SECTOR <= size; page *= 2)
		if (is_meta(block + page))
			return TRUE;
	return FALSE;
}

typedef struct {
	GChecksum *whole, *body; /* (owned) */
	guint64 left;		 /* of the body */
	guchar tail[DIGEST];
	gsize tail_size;
	gboolean bbolt;
} Proof;

static void
proof_add(Proof *self, const guchar *block, gsize size)
{
	gsize body = MIN(size, self->left);

	g_checksum_update(self->whole, block, (gssize)size);
	g_checksum_update(self->body, block, (gssize)body);
	self->left -= body;
	for (gsize i = body; i < size && self->tail_size < DIGEST; i++)
		self->tail[self->tail_size++] = block[i];
}

static gboolean
proof_read(Proof *self, FILE *file)
{
	g_autofree guchar *block = g_malloc(BLOCK);
	gboolean first = TRUE;
	gsize got;

	while ((got = fread(block, 1, BLOCK, file)) > 0) {
		if (first)
			self->bbolt = is_bbolt(block, got);
		first = FALSE;
		proof_add(self, block, got);
	}
	return ferror(file) == 0;
}

static gboolean
proof_fits(const Proof *self)
{
	g_autoptr(GChecksum) body = g_checksum_copy(self->body);
	guint8 digest[DIGEST];
	gsize size = sizeof(digest);

	g_checksum_get_digest(body, digest, &size);
	return self->tail_size == DIGEST && memcmp(digest, self->tail, DIGEST) == 0;
}

gboolean
snapshot_prove(const char *path, char **sha256, GError **error)
{
	g_autoptr(GChecksum) whole = g_checksum_new(G_CHECKSUM_SHA256);
	g_autoptr(GChecksum) body = g_checksum_new(G_CHECKSUM_SHA256);
	Proof proof = {.whole = whole, .body = body};
	FILE *file = fopen(path, "rbe");
	struct stat status;
	gboolean read;

	if (file == NULL)
		return wrong(error, "cannot read %s: %s", path, g_strerror(errno));
	if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode) ||
	    status.st_size % SECTOR != DIGEST) {
		fclose(file);
		return wrong(error,
			     "%s has no SHA-256 of etcd behind it: cut short, or a copy of "
			     "member/snap/db. Take a snapshot that 'etcdctl snapshot save' wrote",
			     path);
	}
	proof.left = (guint64)status.st_size - DIGEST;
	read = proof_read(&proof, file);
	fclose(file);
	if (!read)
		return wrong(error, "reading %s failed half-way: check that disk", path);
	if (!proof.bbolt)
		return wrong(error, "%s is no database of etcd", path);
	if (!proof_fits(&proof))
		return wrong(error,
			     "%s is damaged: its SHA-256 is not the one that etcd wrote behind it. "
			     "Take another backup",
			     path);
	*sha256 = g_strdup(g_checksum_get_string(whole));
	return TRUE;
}
