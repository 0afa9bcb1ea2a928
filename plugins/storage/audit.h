/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "finding.h"
#include "host.h"
#include "objects.h"
G_BEGIN_DECLS

/* The audit: objects and what hosts say in, findings out. Pure, and the same from a tape, a table
 * test or a cluster. The kinds of findings stand in README.md. */

typedef struct {
	const StorageObjects *now;
	const StorageObjects *before; /* (nullable) a copy from before the restore */
	const char *before_file;      /* (nullable) where it is, for people */
	GHashTable *hosts;     /* Node name → StorageHost; who is not in it was not looked at */
	RecoveryMoment moment; /* events and errors from before `since` are the snapshot's past */

	/* made by storage_audit_run() */
	GHashTable *volumes;	 /* name → JsonNode; of now */
	GHashTable *claims;	 /* "NAMESPACE/NAME" → JsonNode */
	GHashTable *drivers;	 /* name → JsonNode (CSIDriver) */
	GHashTable *users;	 /* "NAMESPACE/NAME" of a claim → GPtrArray of pods that use it */
	GHashTable *attachments; /* PersistentVolume → GPtrArray of VolumeAttachments */
	GPtrArray *findings;	 /* (element-type StorageFinding) (owned), sorted at the end */
} StorageAudit;
void storage_audit_clear(StorageAudit *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(StorageAudit, storage_audit_clear)

/* @self->now, before, hosts and moment are given */
void storage_audit_run(StorageAudit *self);
/* names of Nodes that storage would be on and that were looked at, and were not.
 * (element-type utf8) (transfer full) */
GPtrArray *storage_audit_nodes(const StorageAudit *self, gboolean looked);

/* ---- for the checks ---- */

/* audit.c: "NAME" or "NAMESPACE/NAME" → JsonNode (unowned). (transfer full) */
GHashTable *storage_audit_index(JsonArray *list);
/* pods that use @volume through its claim and have not ended, on @node (NULL: anywhere),
 * or NULL when there are none. (transfer full) (element-type JsonNode) */
GPtrArray *storage_audit_users(const StorageAudit *self, JsonNode *volume, const char *node);
/* the one node that its pods are on, "" when there is none or there are several. (unowned) */
const char *storage_audit_node_of(const StorageAudit *self, JsonNode *volume);
/* the VolumeAttachment of @volume to @node, or NULL */
JsonNode *storage_audit_attachment(const StorageAudit *self, const char *volume, const char *node);
/* the Node whose kubernetes.io/hostname is @host, by default @host itself */
const char *storage_audit_node_by_host(const StorageAudit *self, const char *host);
/* Bound, or a VolumeAttachment names it: what gates a drain */
gboolean storage_audit_in_use(const StorageAudit *self, JsonNode *volume);
/* a time of an object since the restore */
gboolean storage_audit_is_fresh(const StorageAudit *self, double time);
gboolean storage_pod_ended(JsonNode *pod);

/* words.c: what a message of a provider or kubelet is about */
typedef enum {
	STORAGE_SAYS_NOTHING,
	STORAGE_SAYS_GONE,	  /* there is no such volume */
	STORAGE_SAYS_BUSY,	  /* another node has it */
	STORAGE_SAYS_CREDENTIALS, /* the provider does not know us any more */
	STORAGE_SAYS_OTHER,	  /* an error, of a sort that is not known here */
} StorageSays;
StorageSays storage_message_says(const char *message);

/* volumes.c */
void storage_audit_volumes(StorageAudit *self);
void storage_audit_claims(StorageAudit *self);
/* after all others: pods and StatefulSets that stand still because of what was found */
void storage_audit_stuck(StorageAudit *self);
/* errors.c: events, and errors in VolumeAttachments */
void storage_audit_errors(StorageAudit *self);
/* attachments.c */
void storage_audit_attachments(StorageAudit *self);
void storage_audit_mounts(StorageAudit *self);
/* Nobody uses it: no pod on its node, nothing mounted or mapped there, and the node is alive to say
 * so. *why (transfer full): what is not so, or could not be seen. Pure: the remedy asks again. */
gboolean storage_attachment_is_unused(const StorageAudit *self, JsonNode *attachment, char **why);
/* credentials.c */
void storage_audit_credentials(StorageAudit *self);
/* one finding for each driver: it says @what. @where: from which object that comes */
void storage_audit_add_credentials(StorageAudit *self, const char *driver, const char *where,
				   const char *what);
/* devices.c */
void storage_audit_devices(StorageAudit *self);
/* A link that may go, with its volume if it has one: dangling, under STORAGE_LINKS, nothing
 * mounted, and @volume (nullable) is Available without a claim, or Released and Retain.
 * *why as above */
gboolean storage_link_may_go(const StorageAudit *self, const StorageHost *host,
			     const StorageLink *link, JsonNode *volume, char **why);

G_END_DECLS
