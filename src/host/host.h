/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/address.h"
#include "host/call.h"
G_BEGIN_DECLS

/* The real world of RdCall: one ssh connection to each host that is called, opened at the first
 * call and again when it was lost. A call that touches is never sent twice: once it may have left,
 * a failure is UNREACHABLE and the caller has to look. */

/* @addresses: (element-type RdHostAddress), kept by reference. @run: for calls that name none.
 * @cancel_fd: -1, or readable as soon as everything is to end; it is not read from. */
RdWorld *rd_host_world_new(GPtrArray *addresses, const char *run, int cancel_fd);
void rd_host_world_free(RdWorld *world);
/* Who makes the way to the Kubernetes API when a body first asks for it, and frees it with the
 * world: the inventory and kube/ are not host's to know. Without it the API is out of reach. */
typedef struct {
	RdKube *(*open)(RdWorld *world, gpointer data, GError **error);
	void (*close)(RdKube *kube);
	gpointer data;
} RdHostKube;
void rd_host_world_set_kube(RdWorld *world, const RdHostKube *kube);
/* for tests: the hosts' files are below @root instead of /var/lib/recoveryd */
void rd_host_world_set_root(RdWorld *world, const char *root);
G_END_DECLS
