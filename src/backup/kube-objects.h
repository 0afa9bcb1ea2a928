/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* Kubernetes' objects as they lie in etcd. Custom resources and OpenShift's configuration are JSON;
 * what comes with Kubernetes is protobuf behind "k8s\0"; what is encrypted at rest begins with
 * "k8s:enc:". */

typedef enum {
	RD_OBJECT_JSON,
	RD_OBJECT_PROTOBUF,
	RD_OBJECT_ENCRYPTED,
	RD_OBJECT_OTHER,
} RdObjectEncoding;
const char *rd_object_encoding_to_string(RdObjectEncoding encoding);

typedef struct {
	RdObjectEncoding encoding;
	/* each (nullable) */
	char *api_version, *kind, *namespace, *name;
	/* seconds since 1970, of protobuf only; 0: not known. The newest of creation, managed
	 * fields and (Lease) renewal. */
	gint64 written;
} RdObject;

RdObject *rd_object_read(const guint8 *value, gsize size);
void rd_object_free(RdObject *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdObject, rd_object_free)

/* the newest time that a protobuf object says it was written; 0 for everything else */
gint64 rd_object_written(const guint8 *value, gsize size);
/* "aescbc/NAME" of what is encrypted, else NULL (transfer full) */
char *rd_object_encryption(const guint8 *value, gsize size);
/* a JSON object; NULL for everything else, also what is nested absurdly deep (transfer full) */
JsonNode *rd_object_parse_json(const guint8 *value, gsize size);

/* What a key says: /PREFIX/[GROUP/]RESOURCE/[NAMESPACE/]NAME. Every text points into nothing but
 * this struct. */
typedef struct {
	char *resource;	 /* "pods", "clusterversions.config.openshift.io", "services/specs" */
	char *namespace; /* (nullable) */
	char *name;
} RdObjectKey;

/* NULL for a key that is none of Kubernetes' */
RdObjectKey *rd_object_key_parse(const guint8 *key, gsize size);
void rd_object_key_free(RdObjectKey *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdObjectKey, rd_object_key_free)
G_END_DECLS
