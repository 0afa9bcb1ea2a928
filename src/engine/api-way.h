/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/host.h"
#include "procedure/inventory.h"
G_BEGIN_DECLS

/* The way to the Kubernetes API of a real cluster: the inventory's kubeconfig, directly; without
 * one localhost-recovery.kubeconfig of the recovery host, through a forward by ssh to the API
 * server of that very host, which needs neither a VIP nor a load balancer (domain 2.1). Whatever
 * is read stays in memory. */

#define RD_API_KUBECONFIG                                                                          \
	"/etc/kubernetes/static-pod-resources/kube-apiserver-certs/secrets/node-kubeconfigs/"      \
	"localhost-recovery.kubeconfig"

typedef struct {
	const RdInventory *inventory;
	GPtrArray *addresses; /* (element-type RdHostAddress) of its hosts */
	int cancel_fd;	      /* as the world's */
} RdApiWay;

/* an RdKube as client.h makes it. UNREACHABLE when the recovery host does not answer, FAILED when
 * it has no such file (yet), PERMANENT when what is there is no way in. */
RdKube *rd_api_way_open(RdWorld *world, gpointer way, GError **error);
void rd_api_way_close(RdKube *kube);
G_END_DECLS
