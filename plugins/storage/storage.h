/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "audit.h"
G_BEGIN_DECLS

/* Bodies of the states, see README.md */

gboolean storage_copy(RecoveryStep *step, GError **error);
gboolean storage_audit(RecoveryStep *step, GError **error);
gboolean storage_drainable(RecoveryStep *step, GError **error);

gboolean storage_detach_baseline(RecoveryStep *step, GError **error);
RecoveryProbe storage_detach_probe(RecoveryStep *step, GError **error);
gboolean storage_detach_enter(RecoveryStep *step, GError **error);

gboolean storage_dangling_baseline(RecoveryStep *step, GError **error);
RecoveryProbe storage_dangling_probe(RecoveryStep *step, GError **error);
gboolean storage_dangling_enter(RecoveryStep *step, GError **error);

gboolean storage_local_baseline(RecoveryStep *step, GError **error);
RecoveryProbe storage_local_probe(RecoveryStep *step, GError **error);
gboolean storage_local_enter(RecoveryStep *step, GError **error);

/* ---- gather.c: everything an audit needs, asked now ---- */

typedef struct {
	StorageObjects *now, *before; /* (owned) before (nullable) */
	char *before_file;	      /* (owned) (nullable) */
	GHashTable *hosts;	      /* (owned) */
	GHashTable *silent; /* (owned) (element-type utf8 utf8) hosts of the inventory that could
			     * not be looked at, and why */
	StorageAudit audit;
} StorageLook;
void storage_look_clear(StorageLook *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StorageLook, storage_look_clear)

/* reads the API, the hosts (@only NULL: all of the inventory; else that one) and the copy @before
 * ("none"; storage_copy_path()), and audits */
gboolean storage_look(RecoveryStep *step, const char *only, const char *before, StorageLook *self,
		      GError **error);

/* FALSE with UNREACHABLE when @node is a host that was asked and did not say: what it has is not
 * known, which is not to say that it has nothing */
gboolean storage_look_has(const StorageLook *self, const char *node, GError **error);

/* the word for: no copy. An input's default cannot be empty */
#define NO_COPY "none"
/* a copy's place: as it is if absolute, else in the run's directory. (transfer full) */
char *storage_copy_path(RecoveryStep *step, const char *name);

/* ---- gone.c: deleting, and seeing that it is gone ---- */

/* Deletes the object at @path, if it is still @uid and nobody changed it since @version was read.
 * *end as recovery_api_change() */
gboolean storage_delete(RecoveryStep *step, const char *path, const char *uid, const char *version,
			RecoveryApiEnd *end, GError **error);
/* PRESENT when there is no object @uid at @path any more; while it is on its way out its
 * finalizers are told, which are others' to take away: they stand for work on the node */
RecoveryProbe storage_gone(RecoveryStep *step, const char *path, const char *uid, GError **error);

G_END_DECLS
