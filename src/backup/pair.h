/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/snapshot.h"
G_BEGIN_DECLS

/* One backup of a cluster: snapshot_STAMP.db and static_kuberesources_STAMP.tar.gz, as
 * cluster-backup.sh writes them into one directory (domain 4.5). */

#define RD_BACKUP_ERROR (rd_backup_error_quark())
GQuark rd_backup_error_quark(void);
typedef enum {
	RD_BACKUP_ERROR_CHOICE,	 /* none there, several, or halves that do not fit */
	RD_BACKUP_ERROR_DAMAGED, /* a file is not what it has to be */
	RD_BACKUP_ERROR_CANCELLED,
} RdBackupError;

typedef struct {
	char *dir;	  /* absolute */
	char *stamp;	  /* "2026-11-20_031502", perhaps with "__POSSIBLY_DIRTY__" behind it */
	char *snapshot;	  /* absolute path */
	char *resources;  /* absolute path */
	GDateTime *taken; /* (nullable) what the stamp says, read as UTC: hosts run in UTC */
	/* after rd_pair_prove() */
	RdSnapshot *proof;	/* (nullable) */
	goffset resources_size; /* bytes */
	char *resources_sha256; /* (nullable) hex */
} RdPair;

/* @path: a directory with exactly one pair, or the snapshot of the pair in a directory with
 * several. Only names are looked at. NULL says what was found instead. */
RdPair *rd_pair_choose(const char *path, GError **error);
/* Reads both files. TRUE when the snapshot is sound and the tar.gz is whole; also, with
 * @accept_no_hash, when only the snapshot's hash is missing. */
gboolean rd_pair_prove(RdPair *self, gboolean accept_no_hash, GCancellable *cancellable,
		       GError **error);
/* the second half of it alone */
gboolean rd_pair_prove_resources(RdPair *self, GCancellable *cancellable, GError **error);
void rd_pair_free(RdPair *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPair, rd_pair_free)

/* A snapshot out of a *.snapshots.tgz (plugins/common/archive.h), in a temporary file that is the
 * caller's to remove; NULL says what is wrong with the archive. (transfer full) */
char *rd_archive_unpack(const char *archive, GError **error);

/* What a procedure may refer to as ${input.NAME.FIELD}; ends with NULL. */
extern const char *const rd_pair_fields[];
/* NULL for what is not known before rd_pair_prove(), or no field (transfer full) */
char *rd_pair_get_field(const RdPair *self, const char *field);
/* every field as "@name.FIELD" into @inputs (element-type utf8 utf8, both owned by it), for
 * rd_procedure_expand() */
void rd_pair_add_inputs(const RdPair *self, const char *name, GHashTable *inputs);
G_END_DECLS
