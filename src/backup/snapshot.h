/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* Is this file a whole etcd snapshot? Read once, from front to back, in bounded memory; never
 * believed: whatever the bytes are, the answer is a verdict (domain 4.6). What is proven is that
 * the bytes are those the server sent, and that they begin as a bbolt file does; whether every
 * key in it is sound is asked of etcd's own tool, on a host. */

typedef enum {
	RD_SNAPSHOT_SOUND,	 /* bbolt, complete, and its own SHA-256 fits */
	RD_SNAPSHOT_NO_HASH,	 /* bbolt and complete, but ends without a SHA-256: a copy of
				  * member/snap/db. Restore refuses it by default */
	RD_SNAPSHOT_TRUNCATED,	 /* bbolt, and shorter than it says */
	RD_SNAPSHOT_CORRUPT,	 /* its own SHA-256 does not fit */
	RD_SNAPSHOT_NOT_BBOLT,	 /* no valid meta page: something else, or damaged at its front */
	RD_SNAPSHOT_EMPTY,	 /* no bytes */
	RD_SNAPSHOT_UNREADABLE,	 /* missing, no permission, no regular file, I/O error */
	RD_SNAPSHOT_CHANGED,	 /* grew, shrank or was written while it was read */
	RD_SNAPSHOT_INTERRUPTED, /* @cancellable */
} RdSnapshotVerdict;
#define RD_SNAPSHOT_LAST RD_SNAPSHOT_INTERRUPTED
const char *rd_snapshot_verdict_to_string(RdSnapshotVerdict verdict);

typedef struct {
	RdSnapshotVerdict verdict;
	char *text;	     /* one sentence: the file, what was found, what a person can do */
	gboolean dirty;	     /* named __POSSIBLY_DIRTY__: taken with --force, amid a rollout */
	goffset size;	     /* bytes of the file */
	char *sha256;	     /* hex, of the whole file; NULL when it was not read to its end */
	char *body_sha256;   /* hex, of all but the last 32 bytes; NULL without a hash */
	guint page_size;     /* of bbolt; the rest is 0 when no meta page is valid */
	guint64 transaction; /* bbolt's, the newest */
	guint64 pages;	     /* bbolt's high water mark */
	gboolean big_endian; /* written on s390x */
} RdSnapshot;

/* never NULL; @cancellable is looked at between blocks */
RdSnapshot *rd_snapshot_check(const char *path, GCancellable *cancellable);
void rd_snapshot_free(RdSnapshot *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdSnapshot, rd_snapshot_free)
G_END_DECLS
