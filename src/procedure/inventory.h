/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/plan.h"
#include "yaml/complaints.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* The cluster's file: which hosts there are, what each is for, and how they are reached. Read and
 * checked once, then passed around; handed to child processes as JSON. docs: data in the README
 * of this folder. */

/* How one machine is logged in to. */
typedef struct {
	char *address; /* IP address, or a DNS name */
	guint port;
	char *user;
	char *key;	   /* (nullable) absolute path of a private key */
	gboolean agent;	   /* keys of the ssh agent too */
	char *known_hosts; /* absolute path; consulted only when host_key is NULL */
	char *host_key;	   /* (nullable) pinned: "ssh-ed25519 AAAA…" */
} RdLogin;

typedef struct {
	char *name;	   /* RFC 1123, in lower case, as the kubelet names the node */
	char *role;	   /* "control-plane" | "worker" */
	gboolean recovery; /* at most one, a control-plane host */
	RdLogin *login;
	RdLogin *jump; /* (nullable) the host is reached through this one */
} RdInventoryHost;

typedef struct {
	char *cluster;
	char *digest;	  /* hex SHA-256 of the file's bytes */
	GPtrArray *hosts; /* (element-type RdInventoryHost) in order of the file */
	char **api_vips, **ingress_vips;
	char *kubeconfig; /* (nullable) absolute path */
} RdInventory;

/* NULL with every mistake of the file as "FILE:LINE:COLUMN: text". Relative paths in it are
 * relative to it, "~/" is the home of who runs this. Looks at key files (they must exist and be
 * private). *warnings: (element-type utf8) (out) (nullable) (transfer full). */
RdInventory *rd_inventory_load(const char *path, GPtrArray **warnings, GError **error);
/* from memory, as if it had stood at @path */
RdInventory *rd_inventory_parse(const char *path, const char *data, gsize size,
				GPtrArray **warnings, GError **error);
/* The file as it may change while a run of @old is under way: how hosts are reached, and workers
 * that have come. Any other difference is a mistake of the file, with its line. Hosts are in the
 * order of @old, and its recovery host stays. */
RdInventory *rd_inventory_load_amended(const char *path, const RdInventory *old,
				       GPtrArray **warnings, GError **error);
/* the same question about one that was loaded before; the first difference that may not be */
gboolean rd_inventory_check_amended(const RdInventory *old, const RdInventory *new, GError **error);
void rd_inventory_free(RdInventory *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdInventory, rd_inventory_free)

/* @name in any case; NULL when there is none (unowned) */
RdInventoryHost *rd_inventory_find(const RdInventory *self, const char *name);
/* start --recovery-host: instead of what the file says. FALSE names the control-plane hosts */
gboolean rd_inventory_set_recovery(RdInventory *self, const char *name, GError **error);
/* NULL when none is chosen */
const RdInventoryHost *rd_inventory_get_recovery(const RdInventory *self);

/* The words for sets of hosts in procedures. */
#define RD_ROLE_RECOVERY      "recovery"
#define RD_ROLE_OTHERS	      "others" /* control plane without recovery */
#define RD_ROLE_CONTROL_PLANE "control-plane"
#define RD_ROLE_WORKERS	      "workers"
/* all of them and RD_CLUSTER, ends with NULL */
extern const char *const rd_roles[];
/* hosts in @role in order of the file; RD_CLUSTER and unknown words have none.
 * (element-type RdInventoryHost) (transfer container) */
GPtrArray *rd_inventory_role(const RdInventory *self, const char *role);
/* compares numbers, not spelling: "::ffff:10.0.0.5" is 10.0.0.5; names are never one */
gboolean rd_inventory_is_vip(const RdInventory *self, const char *address);

JsonNode *rd_inventory_to_json(const RdInventory *self);
/* what to_json made: only its form is checked again */
RdInventory *rd_inventory_from_json(JsonNode *node, GError **error);
G_END_DECLS
