/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/tree.h"
G_BEGIN_DECLS

/* How etcd keeps history in its bucket "key": the name of an entry is a revision, its value says
 * which key got what value. */

typedef struct {
	gint64 main, sub;
	gboolean tombstone; /* the key was deleted */
	/* No key: an empty entry that `etcdutl snapshot restore --bump-revision` wrote, to have a
	 * high revision. What was restored so once has it until it is compacted. */
	gboolean bump;
	const guint8 *key; /* inside the entry */
	gsize key_size;
	gint64 created, modified, version, lease; /* 0 in a tombstone */
	const guint8 *value;
	gsize value_size;
} RdRevision;

/* FALSE: what is wrong, as RD_BACKUP_ERROR_DAMAGED */
gboolean rd_revision_read(RdRevision *self, const RdElement *entry, GError **error);
/* main and tombstone alone, of what etcd writes as a revision; also values in "meta" are such */
gboolean rd_revision_read_name(RdRevision *self, const guint8 *name, gsize size, GError **error);

/* ---- the keys of a snapshot, one after the other ---- */

/* Every change to a key that the snapshot has (no bumps), in order of revisions: the last one of a
 * key is what it is now. FALSE with @error set ends the walk. */
typedef gboolean (*RdRevisionFunc)(gpointer user, const RdRevision *revision, GError **error);
/* Walks the whole file at @path, so what is told is proven to be a sound tree only when TRUE is
 * returned. Errors begin with the path. */
gboolean rd_mvcc_walk(const char *path, RdRevisionFunc func, gpointer user,
		      GCancellable *cancellable, GError **error);
G_END_DECLS
