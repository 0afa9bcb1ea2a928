/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

#define RD_CSR_SIGNER_CLIENT  "kubernetes.io/kube-apiserver-client-kubelet"
#define RD_CSR_SIGNER_SERVING "kubernetes.io/kubelet-serving"

/* What of a CertificateSigningRequest object (certificates.k8s.io/v1, v1beta1) is judged. What is
 * missing is empty: then no rule passes. */
typedef struct {
	char *name, *signer, *username;
	GPtrArray *groups, *usages; /* (element-type utf8) */
	gint64 created;		    /* seconds since the epoch; 0: unknown */
	char *request;		    /* (nullable) spec.request, decoded */
	gsize request_size;
	const char *decided; /* (nullable) "approved", "denied", "failed", "issued" */
} RdCsrObject;

RdCsrObject *rd_csr_object_read(JsonNode *node);
void rd_csr_object_free(RdCsrObject *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdCsrObject, rd_csr_object_free)
G_END_DECLS
