/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/key-table.h"
G_BEGIN_DECLS

/* What a restore of a backup loses: what was written between it and a newer snapshot of the same
 * cluster, such as the rescue copy of a run. */

typedef struct {
	const char *resource; /* as RdDifference has it, over all namespaces */
	guint64 lost;	      /* objects that only the newer one has */
	guint64 changed;      /* that go back to what they were */
	guint64 returns;      /* that were deleted since, and rise again */
} RdLossKind;

typedef struct {
	gint64 revision, written; /* of the backup: as RdKeyTable has them */
	gboolean compared;	  /* there was a newer one; else the rest is 0 */
	gint64 newer_revision, newer_written;
	/* Without events and leases, which are made anew by themselves. */
	guint64 lost, changed, returns;
	GPtrArray *kinds; /* (element-type RdLossKind) every kind with a difference, by name */
} RdLoss;

/* @newer (nullable): path of the newer snapshot. Walks both files. Errors begin with the path. */
RdLoss *rd_loss_read(const char *backup, const char *newer, GError **error);
void rd_loss_free(RdLoss *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdLoss, rd_loss_free)
/* seconds of writes that are lost; -1: not known */
gint64 rd_loss_get_window(const RdLoss *self);
G_END_DECLS
