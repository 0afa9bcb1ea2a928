/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "disk.h"
#include "etcd-member.h"
G_BEGIN_DECLS

/* The recovery host between old and new, looked at. */

#define RESTORE_JOB "script"

typedef struct {
	DiskBefore *before;  /* (owned) */
	RestoreFiles *files; /* (owned) */
	DiskPhase phase;
	char *why; /* (owned) (nullable) */
} Disk;
void disk_clear(Disk *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Disk, disk_clear)

/* what was there before: of this run's record on the host, or as it is now; *recorded tells which.
 * @self is zeroed */
/* writes the record; the script may run from then on */
gboolean disk_record(RecoveryStep *step, const Disk *disk, GError **error);
gboolean disk_find(RecoveryStep *step, Disk *self, gboolean *recorded, GError **error);
/* FALSE with an error while the script or what replaces it runs, of whichever attempt */
gboolean disk_check_idle(RecoveryStep *step, GError **error);
/* the kubelet's manifests that the script moved come back, etcd's first, then the kubelet */
gboolean disk_start(RecoveryStep *step, const Disk *disk, GError **error);
gboolean disk_kubelet_runs(RecoveryStep *step, gboolean *runs, GError **error);
/* whatever was restored, whole or half, to a name of this run beside it */
gboolean disk_keep_member(RecoveryStep *step, const Disk *disk, GError **error);
gboolean disk_refuse(RecoveryStep *step, const Disk *disk, GError **error); /* FALSE */

G_END_DECLS
