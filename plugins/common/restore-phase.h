/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "containers.h"
G_BEGIN_DECLS

/* How far cluster-restore.sh came, or the script of 4.1 to 4.3 (domain 1.1, 1.2, P2-17): decided
 * from what lies where, never from what was printed. Pure: who runs the script asks the host. */

#define ETCD_DIR	"/var/lib/etcd"
#define ETCD_MEMBER	ETCD_DIR "/member"
#define ETCD_DB		"/snap/db"	       /* behind a member directory */
#define RESTORE_SAVED	"/var/lib/etcd-backup" /* where the script moves the old data */
#define RESTORE_STOPPED "/home/core/assets/manifests-stopped"
#define RESTORE_ASSETS	"/home/core/assets"

/* What was there before this run started the script for the first time. */
typedef struct {
	char *member;	      /* inode of the member directory, "none" without data. Not of snap/db:
			       * etcd may still run here, and a defragmentation replaces that */
	char *db;	      /* inode of snap/db, for the record */
	char *script;	      /* SHA-256 of the script */
	char *cluster;	      /* id of the old cluster, hexadecimal; "unknown" */
	char *extras;	      /* what else lay beside it: names, escaped, with commas; "-" */
	gboolean one_mount;   /* the data moves by rename: its inode stays */
	gboolean restore_pod; /* the restore pod of an earlier restore was in place */
} RestoreBefore;
RestoreBefore *restore_before_parse(const char *text); /* NULL when it is not whole */
char *restore_before_print(const RestoreBefore *self); /* one line */
void restore_before_free(RestoreBefore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestoreBefore, restore_before_free)

/* what etcd-pod.yaml in the kubelet's directory is */
typedef enum {
	RESTORE_POD_ABSENT,
	RESTORE_POD_PARTIAL, /* the beginning of the restore pod: its copy was cut short */
	RESTORE_POD_RESTORE, /* the restore pod, byte for byte */
	RESTORE_POD_OTHER,
} RestorePod;

typedef enum {
	/* the old data is in place: (a) and (b) of P2-17. The script may run */
	RESTORE_PHASE_BEFORE,
	/* it was moved, nothing started: (c). What was saved goes out of the way first */
	RESTORE_PHASE_MOVED,
	/* the restore pod was started: (d). The script must not run again */
	RESTORE_PHASE_STARTED,
	/* the same, but its manifest is gone: somebody stopped it, perhaps undo, half-way */
	RESTORE_PHASE_STOPPED,
	/* nothing of these */
	RESTORE_PHASE_STRANGE,
} RestorePhase;

typedef struct {
	GHashTable *inodes; /* (element-type utf8 utf8) path to inode */
} RestoreFiles;
/* `find … -printf '%i %p\n'` */
RestoreFiles *restore_files_parse(const char *text);
void restore_files_free(RestoreFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RestoreFiles, restore_files_free)
const char *restore_files_inode(const RestoreFiles *self, const char *path); /* (nullable) */
/* names in @dir, sorted. (transfer full) */
char **restore_files_names(const RestoreFiles *self, const char *dir);
/* where the old data is when it is not in place; NULL when it is nowhere. (unowned) */
const char *restore_files_saved(const RestoreFiles *self, const RestoreBefore *before);
/* DIR/PREFIX.N with the first N that is free. (transfer full) */
char *restore_files_fresh(const RestoreFiles *self, const char *dir, const char *prefix);

/* *why: one sentence for the last two. (transfer full) */
RestorePhase restore_phase(const RestoreFiles *files, const RestoreBefore *before, RestorePod pod,
			   char **why);

/* In a listing of the static resources the newest "static-pod-resources/POD-pod-N/POD-pod.yaml", or
 * NULL. (transfer full) */
char *restore_tar_member(const char *listing, const char *pod);

G_END_DECLS
