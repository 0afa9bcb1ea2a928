/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* The objects of the API that say where a cluster's data is (domain 6), and the copy of them that
 * is kept. */

typedef enum {
	STORAGE_VOLUMES,
	STORAGE_CLAIMS,
	STORAGE_ATTACHMENTS,
	STORAGE_CLASSES,
	STORAGE_CSI_NODES,
	STORAGE_CSI_DRIVERS,
	STORAGE_LOCAL_VOLUMES,
	STORAGE_LOCAL_SETS,
	STORAGE_COPIED, /* those above are in a copy */
	STORAGE_NODES = STORAGE_COPIED,
	STORAGE_LEASES,
	STORAGE_PODS,
	STORAGE_SETS,
	STORAGE_EVENTS,
	STORAGE_OPERATORS,
	STORAGE_CREDENTIALS,
	STORAGE_LISTS,
} StorageList;

/* Only a full list is an answer: what could not be listed ended the audit. A kind that the cluster
 * lacks for good is an empty list. In a copy, lists above STORAGE_COPIED are NULL. */
typedef struct {
	JsonArray *lists[STORAGE_LISTS]; /* (owned) */
	double taken;			 /* seconds of the recovery host's clock */
} StorageObjects;
StorageObjects *storage_objects_new(void);
void storage_objects_free(StorageObjects *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageObjects, storage_objects_free)

/* "persistentvolumes", as in the copy */
const char *storage_list_name(StorageList list);

/* The first @n lists. @cached: from the API server's memory, which also answers when its etcd has
 * lost the quorum, as long as the server lives. NULL with error. */
StorageObjects *storage_objects_get(RecoveryStep *step, guint n, gboolean cached, GError **error);

/* A copy as JSON, without what only the server needs (managedFields, last-applied-configuration).
 * There are no Secrets in it. (transfer full) */
char *storage_objects_to_json(const StorageObjects *self, const char *run);
/* NULL with PERMANENT that names @from. A file from before the restore; it is not trusted */
StorageObjects *storage_objects_from_json(const char *json, const char *from, GError **error);

/* ---- what stands in them ---- */

/* What the volume is at its provider, by which it is found again under another name:
 * "csi:DRIVER:HANDLE", "nfs:SERVER:PATH", "local:NODE:PATH", "" for what cannot be told.
 * (transfer full) */
char *storage_volume_source(JsonNode *volume);
/* the host name that a local volume is bound to, or "" */
const char *storage_volume_host(JsonNode *volume);
gboolean storage_volume_is_local(JsonNode *volume);
/* "NAMESPACE/NAME" of its claimRef, or NULL. (transfer full) */
char *storage_volume_claim(JsonNode *volume);

G_END_DECLS
