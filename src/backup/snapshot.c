/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "snapshot.h"

#include "bbolt.h"
#include "machine/words.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/stat.h>

/* One pass: the sum over all but the last 32 bytes is taken from a copy of the hash's state, and
 * the hash goes on over the rest. The front is judged first: a file that is no bbolt is not worth
 * an hour of reading (it may be a hole of a terabyte). */

#define HASH_SIZE 32
#define SECTOR	  512 /* bbolt pages are multiples of it: the remainder shows a hash */
#define BLOCK	  (1024 * 1024)
G_STATIC_ASSERT(BLOCK >= RD_BBOLT_FRONT);

static const char *const verdict_words[] = {
    [RD_SNAPSHOT_SOUND] = "sound",
    [RD_SNAPSHOT_NO_HASH] = "no hash",
    [RD_SNAPSHOT_TRUNCATED] = "truncated",
    [RD_SNAPSHOT_CORRUPT] = "corrupt",
    [RD_SNAPSHOT_NOT_BBOLT] = "not bbolt",
    [RD_SNAPSHOT_EMPTY] = "empty",
    [RD_SNAPSHOT_UNREADABLE] = "unreadable",
    [RD_SNAPSHOT_CHANGED] = "changed",
    [RD_SNAPSHOT_INTERRUPTED] = "interrupted",
};
G_STATIC_ASSERT(G_N_ELEMENTS(verdict_words) == RD_SNAPSHOT_LAST + 1);

const char *
rd_snapshot_verdict_to_string(RdSnapshotVerdict verdict)
{
	return (guint)verdict < G_N_ELEMENTS(verdict_words) ? verdict_words[verdict] : "?";
}

typedef struct {
	const char *path;
	int fd;
	struct stat before;
	GCancellable *cancellable;
	RdSnapshot *result;
	gnutls_hash_hd_t hash;
	guint8 *block;		/* (owned) BLOCK bytes */
	guint8 tail[HASH_SIZE]; /* the last bytes of the file */
} Check;

static void
check_clear(Check *self)
{
	if (self->hash != NULL)
		gnutls_hash_deinit(self->hash, NULL);
	if (self->fd >= 0)
		g_close(self->fd, NULL);
	g_free(self->block);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)

/* always FALSE, so that checks can end with it */
static gboolean G_GNUC_PRINTF(3, 4)
    conclude(Check *self, RdSnapshotVerdict verdict, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	self->result->verdict = verdict;
	g_free(self->result->text);
	self->result->text = g_strdup_printf("%s: %s", self->path, what);
	return FALSE;
}

static gboolean
check_open(Check *self)
{
	/* a pipe is not waited for */
	self->fd = open(self->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (self->fd < 0 || fstat(self->fd, &self->before) != 0)
		return conclude(self, RD_SNAPSHOT_UNREADABLE, "%s", g_strerror(errno));
	if (!S_ISREG(self->before.st_mode))
		return conclude(self, RD_SNAPSHOT_UNREADABLE, "not a regular file");
	self->result->size = self->before.st_size;
	if (self->before.st_size == 0)
		return conclude(self, RD_SNAPSHOT_EMPTY,
				"the file is empty: the backup was interrupted. Use another one");
	return TRUE;
}

/* up to @size bytes at @offset; -1 with errno */
static gssize
read_at(Check *self, void *to, gsize size, goffset offset)
{
	gsize have = 0;

	while (have < size) {
		gssize n = pread(self->fd, (guint8 *)to + have, size - have, offset + have);

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
check_front(Check *self, RdBboltMeta *meta)
{
	gssize size = read_at(self, self->block, RD_BBOLT_FRONT, 0);

	if (size < 0)
		return conclude(self, RD_SNAPSHOT_UNREADABLE, "reading its front: %s",
				g_strerror(errno));
	if (!rd_bbolt_read_meta(self->block, size, meta))
		return conclude(
		    self, RD_SNAPSHOT_NOT_BBOLT,
		    "neither of its two bbolt meta pages is valid: not an etcd snapshot, "
		    "or damaged at its front. Use another backup");
	self->result->page_size = meta->page_size;
	self->result->transaction = meta->transaction;
	self->result->pages = meta->pages;
	self->result->big_endian = meta->big_endian;
	return TRUE;
}

static char *
to_hex(const guint8 *bytes)
{
	char *text = g_malloc(2 * HASH_SIZE + 1);

	for (guint i = 0; i < HASH_SIZE; i++)
		g_snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return text;
}

static void
hash_add(Check *self, const guint8 *bytes, gsize size)
{
	if (size > 0 && gnutls_hash(self->hash, bytes, size) != 0)
		g_error("gnutls: SHA-256 failed");
}

/* the whole file through the hash; at @body, what it is until there goes to body_sha256 */
static gboolean
check_bytes(Check *self, goffset body)
{
	goffset size = self->before.st_size;
	guint8 sum[HASH_SIZE];

	if (gnutls_hash_init(&self->hash, GNUTLS_DIG_SHA256) != 0)
		g_error("gnutls: no SHA-256");
	(void)posix_fadvise(self->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (goffset offset = 0; offset < size;) {
		/* blocks end at the body's end, so that the sum can be taken there */
		goffset end = offset < body ? body : size;
		gssize n = read_at(self, self->block, MIN(BLOCK, end - offset), offset);

		if (g_cancellable_is_cancelled(self->cancellable))
			return conclude(self, RD_SNAPSHOT_INTERRUPTED,
					"interrupted after %" G_GOFFSET_FORMAT
					" of %" G_GOFFSET_FORMAT " bytes",
					offset, size);
		if (n < 0)
			return conclude(self, RD_SNAPSHOT_UNREADABLE,
					"reading at byte %" G_GOFFSET_FORMAT ": %s", offset,
					g_strerror(errno));
		if (n == 0)
			return conclude(self, RD_SNAPSHOT_CHANGED,
					"became shorter while it was read");
		hash_add(self, self->block, n);
		offset += n;
		if (offset == body && body < size) {
			gnutls_hash_hd_t copy = gnutls_hash_copy(self->hash);

			if (copy == NULL)
				g_error("gnutls: a SHA-256 cannot be copied");
			gnutls_hash_deinit(copy, sum);
			self->result->body_sha256 = to_hex(sum);
		}
		if (offset == size && n >= HASH_SIZE)
			memcpy(self->tail, self->block + n - HASH_SIZE, HASH_SIZE);
	}
	gnutls_hash_output(self->hash, sum);
	self->result->sha256 = to_hex(sum);
	return TRUE;
}

static gboolean
check_unchanged(Check *self)
{
	struct stat after;

	if (fstat(self->fd, &after) != 0)
		return conclude(self, RD_SNAPSHOT_UNREADABLE, "%s", g_strerror(errno));
	if (after.st_size == self->before.st_size &&
	    after.st_mtim.tv_sec == self->before.st_mtim.tv_sec &&
	    after.st_mtim.tv_nsec == self->before.st_mtim.tv_nsec)
		return TRUE;
	g_clear_pointer(&self->result->sha256, g_free);
	g_clear_pointer(&self->result->body_sha256, g_free);
	return conclude(self, RD_SNAPSHOT_CHANGED,
			"was written to while it was read: let what copies it finish first");
}

/* what the meta page says of the file's size, against @body bytes of pages */
static gboolean
check_complete(Check *self, const RdBboltMeta *meta, goffset body, gsize rest)
{
	guint64 pages = (guint64)body / meta->page_size;

	if (meta->pages > pages)
		return conclude(self, RD_SNAPSHOT_TRUNCATED,
				"%" G_GUINT64_FORMAT
				" pages of %u bytes should be there, %" G_GUINT64_FORMAT
				" are: it was cut off. Copy it again, or use "
				"another backup",
				meta->pages, meta->page_size, pages);
	if (body % meta->page_size != 0 || (rest != 0 && rest != HASH_SIZE))
		return conclude(self, RD_SNAPSHOT_TRUNCATED,
				"%" G_GOFFSET_FORMAT " bytes are not a number of pages of %u bytes "
				"and a hash of 32: it was cut off. Copy it again, or use another "
				"backup",
				self->before.st_size, meta->page_size);
	if (meta->root >= meta->pages)
		return conclude(self, RD_SNAPSHOT_CORRUPT,
				"its meta page points behind its end. Use another backup");
	return TRUE;
}

static void
check_all(Check *self)
{
	RdBboltMeta meta = {0};
	goffset body = 0;
	gsize rest = 0;
	g_autofree char *tail = NULL;

	if (!check_open(self) || !check_front(self, &meta))
		return;
	rest = self->before.st_size % SECTOR;
	body = self->before.st_size - rest;
	if (!check_bytes(self, rest == HASH_SIZE ? body : self->before.st_size) ||
	    !check_unchanged(self) || !check_complete(self, &meta, body, rest))
		return;
	if (rest == 0) {
		conclude(self, RD_SNAPSHOT_NO_HASH,
			 "ends without the SHA-256 that etcd writes behind a snapshot: a copy of "
			 "member/snap/db, or cut off by 32 bytes. Nothing proves that it is whole. "
			 "Use another backup, or say explicitly that this one is to be used");
		return;
	}
	tail = to_hex(self->tail);
	if (g_strcmp0(tail, self->result->body_sha256) != 0) {
		conclude(self, RD_SNAPSHOT_CORRUPT,
			 "its content has SHA-256 %s, and etcd wrote %s behind it: it was damaged. "
			 "Copy it again, or use another backup",
			 self->result->body_sha256, tail);
		return;
	}
	conclude(self, RD_SNAPSHOT_SOUND, "sound: %" G_GUINT64_FORMAT " pages, SHA-256 %s%s",
		 meta.pages, self->result->sha256,
		 self->result->dirty ? ". Taken with --force while operators were at work "
				       "(__POSSIBLY_DIRTY__): what it holds may be half of a change"
				     : "");
}

RdSnapshot *
rd_snapshot_check(const char *path, GCancellable *cancellable)
{
	RdSnapshot *result = g_new0(RdSnapshot, 1);
	g_autofree char *name = g_path_get_basename(path);
	g_auto(Check) check = {.path = path,
			       .fd = -1,
			       .cancellable = cancellable,
			       .result = result,
			       .block = g_malloc(BLOCK)};

	result->dirty = strstr(name, "__POSSIBLY_DIRTY__") != NULL;
	check_all(&check);
	return result;
}

void
rd_snapshot_free(RdSnapshot *self)
{
	if (self == NULL)
		return;
	g_free(self->text);
	g_free(self->sha256);
	g_free(self->body_sha256);
	g_free(self);
}
