/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* The static resources of a backup (domain 4.5): a tar.gz of static-pod-resources/, read without
 * unpacking anything to anywhere. It holds private keys: what is kept of it is listed here, and
 * no secret is among it. */

typedef struct {
	char *file; /* in the tar: the first one that has it */
	char *subject;
	char *sha256; /* hex, of the certificate */
	gboolean authority;
	gint64 begins, ends; /* seconds since 1970 */
} RdCertificate;

typedef struct {
	const char *name; /* "etcd" (static) */
	guint revision;	  /* of etcd-pod-7 */
	gboolean found;	  /* its manifest is there */
	char **images;	  /* by digest, sorted, each once: "quay.io/…@sha256:…" */
	gboolean tagged;  /* an image is named by a tag: it may be another tomorrow */
} RdStaticPod;
#define RD_STATIC_PODS 4

typedef struct {
	guint64 members; /* of the tar */
	guint64 bytes;	 /* unpacked */
	RdStaticPod pods[RD_STATIC_PODS];
	GPtrArray *certificates; /* RdCertificate, each once */
	guint unreadable;	 /* files with the marks of a certificate, and none inside */
	char **hosts;		 /* that etcd's manifest names, sorted */
	gboolean encryption;	 /* there is an encryption configuration */
	char *encryption_key;	 /* (nullable) "aescbc/NAME": what new values are written with */
	char **encryption_keys;	 /* all that it can read, sorted */
} RdResources;

/* the tar unpacks to more, or has more members: a bomb */
#define RD_RESOURCES_BYTES   (G_GINT64_CONSTANT(1) << 30)
#define RD_RESOURCES_MEMBERS 100000

/* NULL: @path is no such tar.gz, or one that must not be unpacked (a member is absolute, has "..",
 * is a link or a device, stands outside static-pod-resources/), as RD_BACKUP_ERROR_DAMAGED; or
 * RD_BACKUP_ERROR_CANCELLED. Errors begin with the path. */
RdResources *rd_resources_read(const char *path, GCancellable *cancellable, GError **error);
void rd_resources_free(RdResources *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdResources, rd_resources_free)
G_END_DECLS
