/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* The four static pods of the control plane and their containers, as crictl lists them. */

#define RD_MANIFESTS "/etc/kubernetes/manifests"

typedef struct {
	const char *pod;  /* "kube-scheduler": what procedures write */
	const char *name; /* "openshift-kube-scheduler": metadata.name; the kubelet appends -NODE */
	const char *namespace;
	const char *manifest; /* path in the kubelet's directory */
} RdPod;

/* NULL with PERMANENT that lists the known ones */
const RdPod *rd_pod_find(const char *pod, GError **error);

typedef struct {
	char *id, *name, *pod, *namespace; /* (owned) */
} RdContainer;

/* the RUNNING containers of `crictl ps -o json`. (element-type RdContainer) */
GPtrArray *rd_containers_parse(const char *json, GError **error);
/* those of @pod: guard pods live in the same namespace and begin with the same name, but are not
 * static pods; they stay when the manifest goes */
GPtrArray *rd_containers_of(GPtrArray *containers, const RdPod *pod);
const RdContainer *rd_containers_find(GPtrArray *containers, const char *name);
/* "etcd, etcd-metrics" */
char *rd_containers_names(GPtrArray *containers);

G_END_DECLS
