/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* The static pods of the control plane and their containers, as crictl lists them. */

#define RD_MANIFESTS "/etc/kubernetes/manifests"

typedef struct {
	const char *pod;  /* "kube-scheduler": what procedures write */
	const char *name; /* "openshift-kube-scheduler": metadata.name; the kubelet appends -NODE */
	const char *namespace; /* a star in it is any text */
	const char *manifest;  /* path in the kubelet's directory */
	const char *spare;     /* for people: where another copy of the manifest is */
	gboolean optional;     /* a host may be without it */
} RdPod;

/* one of the four that operators write; NULL with PERMANENT that lists them */
const RdPod *rd_pod_find(const char *pod, GError **error);
/* written by the machine configuration, in a namespace that is called after the platform */
extern const RdPod rd_pod_keepalived;
gboolean rd_pod_lives_in(const RdPod *pod, const char *namespace);

typedef struct {
	char *id, *name, *pod, *namespace; /* (owned) */
} RdContainer;

/* the RUNNING containers of `crictl ps -o json`. (element-type RdContainer) */
GPtrArray *rd_containers_parse(const char *json, GError **error);
/* The READY sandboxes of @pod in `crictl pods -o json`, as containers without a name; the id is the
 * sandbox's. A pod has one before its first container runs, and until the kubelet is through with
 * it. Pods that came by the API (guards) are not among them. (element-type RdContainer) */
GPtrArray *rd_sandboxes_parse(const char *json, const RdPod *pod, GError **error);
/* those of @pod: guard pods live in the same namespace and begin with the same name, but are not
 * static pods; they stay when the manifest goes */
GPtrArray *rd_containers_of(GPtrArray *containers, const RdPod *pod);
const RdContainer *rd_containers_find(GPtrArray *containers, const char *name);
/* "etcd, etcd-metrics" */
char *rd_containers_names(GPtrArray *containers);

G_END_DECLS
