/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* What a host itself says of its volumes: what is mounted, which devices it has, and the links of
 * the Local Storage Operator. This is today's; what the API says may be the snapshot's past. */

#define STORAGE_LINKS "/mnt/local-storage" /* below: a directory per storage class, links in it */

typedef struct {
	char *path;   /* (owned) "/mnt/local-storage/CLASS/NAME" */
	char *target; /* (owned) as it stands in the link; "" when it is no link */
	gboolean is_link;
	gboolean dangles; /* where it points to there is nothing */
} StorageLink;

typedef struct {
	char *target, *source; /* (owned) */
} StorageMount;

typedef struct {
	GPtrArray *links;   /* (element-type StorageLink) by path */
	GPtrArray *mounts;  /* (element-type StorageMount) */
	GHashTable *by_id;  /* "wwn-0x5…" → "/dev/sdb", what /dev/disk/by-id has */
	GHashTable *blocks; /* set of "/dev/sdb": block devices right under /dev */
} StorageHost;
StorageHost *storage_host_new(void);
void storage_host_free(StorageHost *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorageHost, storage_host_free)

/* ---- pure ---- */

/* find's lines "TYPE<TAB>TYPE-BEHIND-LINK<TAB>PATH<TAB>TARGET" below STORAGE_LINKS; FALSE with
 * FAILED on a line that cannot be read: it may be the one that matters */
gboolean storage_host_read_links(StorageHost *self, const char *text, GError **error);
/* the like of /dev and /dev/disk/by-id; what cannot be read there is left out */
void storage_host_read_devices(StorageHost *self, const char *text);
/* findmnt -rn -o TARGET,SOURCE */
void storage_host_read_mounts(StorageHost *self, const char *text);

/* NULL: there is none. (unowned) */
const StorageLink *storage_host_find_link(const StorageHost *self, const char *path);
/* The device that @link leads to, followed through by-id; NULL when that is not known. (unowned) */
const char *storage_host_device(const StorageHost *self, const StorageLink *link);
/* Where the kubelet has @volume (a PersistentVolume) mounted or mapped, NULL: nowhere. Also what
 * somebody else mounted from its device. (unowned) */
const char *storage_host_mount_of(const StorageHost *self, JsonNode *volume);
/* the name under /dev/disk/by-id that carries @volume's handle, NULL: none. (unowned) */
const char *storage_host_disk_of(const StorageHost *self, JsonNode *volume);

/* ---- asking ---- */

/* One StorageHost for each of @names that answered: name → StorageHost (transfer full). Who did not
 * is told with recovery_progress(), and is in @silent (element-type utf8 utf8) with the reason.
 * NULL with error when the step is to end. */
GHashTable *storage_hosts_ask(RecoveryStep *step, const char *const *names, GHashTable *silent,
			      GError **error);

G_END_DECLS
