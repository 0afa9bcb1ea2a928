/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/restore-phase.h"
G_BEGIN_DECLS

/* How far etcd-snapshot-restore.sh came (P1-05): decided from what lies where, never from what was
 * printed. Pure: restore.c asks the host. */

/* before this run started the script for the first time */
typedef struct {
	char *member;	  /* /var/lib/etcd/member as INODE-MTIME, "none" without data */
	char **manifests; /* what the kubelet ran, sorted */
} DiskBefore;
DiskBefore *disk_before_parse(const char *text); /* NULL when it is not whole */
char *disk_before_print(const DiskBefore *self); /* one line */
DiskBefore *disk_before_of(const RestoreFiles *files);
void disk_before_free(DiskBefore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DiskBefore, disk_before_free)

typedef enum {
	/* the old data is in place, whatever was stopped: the script may run, once what it would
	 * take for a copy of that data is out of its way */
	DISK_OLD,
	/* it was removed, after a copy; nothing was restored, or half of it. The script must not
	 * run: its remaining steps are done one by one */
	DISK_REMOVED,
	/* restored; not all manifests are back */
	DISK_STARTING,
	/* restored, and all manifests are back */
	DISK_STARTED,
	/* nothing of these */
	DISK_STRANGE,
} DiskPhase;
/* *why: one sentence for the last. (transfer full) */
DiskPhase disk_phase(const RestoreFiles *files, const DiskBefore *before, const char *run,
		     char **why);

/* copies of the old data that the script made in @run: paths. (transfer full) */
char **disk_copies(const RestoreFiles *files, const char *run);
#define DISK_COPY "etcd" /* in ./assets/backup, as the script calls it */

G_END_DECLS
