/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/identity.h"
#include "backup/verdict.h"
#include "preflight/host-facts.h"
G_BEGIN_DECLS

/* What is known about a cluster before a run, put together. */

typedef struct {
	const RdInventory *inventory; /* (unowned) */
	gint64 now;		      /* seconds since the epoch */
	GPtrArray *hosts;	      /* RdHostFacts of the control plane, in order of the file */
	RdApiFacts api;
	RdBackupVerdict *backup; /* (owned) (nullable) none was named */
	RdIdentity *identity;	 /* (owned) (nullable) of the snapshot, when it can be read */
} RdClusterFacts;

RdClusterFacts *rd_cluster_facts_new(const RdInventory *inventory, gint64 now);
void rd_cluster_facts_free(RdClusterFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdClusterFacts, rd_cluster_facts_free)
/* (unowned) NULL when @name is none of the control plane */
RdHostFacts *rd_cluster_facts_find(const RdClusterFacts *self, const char *name);
/* NULL while none is chosen */
const RdHostFacts *rd_cluster_facts_recovery(const RdClusterFacts *self);

/* what several facts say together */
gboolean rd_facts_are_old(const RdClusterFacts *self); /* 4.1 to 4.3: etcd without operator */
gboolean rd_facts_are_tnf(const RdClusterFacts *self); /* two nodes with fencing */
/* the API servers write with another key than the backup's (F07) */
gboolean rd_facts_key_rotated(const RdClusterFacts *self);
/* runs whose old data return-to-old-data would bring back: every host that answered agrees, and one
 * has data of it. (transfer full) sorted */
char **rd_facts_returnable(const RdClusterFacts *self);
/* something lies on a host that only a restore leaves */
gboolean rd_facts_restored(const RdClusterFacts *self);
G_END_DECLS
