/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/tree.h"
G_BEGIN_DECLS

/* What an etcd snapshot says of itself, from one walk through all of it. */

typedef struct {
	char *id;   /* hex, as etcdctl prints it */
	char *name; /* "" for one that was added and never started */
	char **peer_urls, **client_urls;
	gboolean learner;
} RdMember;

typedef struct {
	char *name;
	guint64 entries;
} RdBucketFacts;

typedef struct {
	RdTreeCounts tree;
	/* the four of `etcdctl snapshot status`. Its "total keys" are entries (all, in all
	 * buckets) up to 3.5 and keys (that live) from 3.6 on. */
	guint32 hash;
	gint64 revision; /* the newest main revision */
	guint64 entries, keys;
	guint64 size; /* bytes of all pages below the high water mark */

	guint64 revisions, tombstones; /* entries of bucket "key", and those of deletions */
	gint64 compacted;	       /* revision of the last compaction; 0: none */
	guint64 index, term;	       /* of Raft; 0: not written (term: before 3.5) */
	char *cluster_version;	       /* (nullable) "3.5.0" */
	GPtrArray *members;	       /* RdMember */
	guint64 members_removed, leases, users, roles;
	gboolean auth_enabled;
	GPtrArray *buckets;    /* RdBucketFacts */
	GHashTable *encrypted; /* "aescbc/NAME of the key" → guint64 *, values under it */
} RdFacts;

/* NULL: the first thing that is wrong, beginning with the path, or RD_BACKUP_ERROR_CANCELLED */
RdFacts *rd_facts_read(const char *path, GCancellable *cancellable, GError **error);
void rd_facts_free(RdFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdFacts, rd_facts_free)
G_END_DECLS
