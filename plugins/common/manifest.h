/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What stands in a static-pod manifest. */

typedef struct {
	char *name, *image; /* (owned) image may be "" */
} RdManifestContainer;

typedef struct {
	char *name, *namespace; /* (owned) "" when it has none */
	GPtrArray *containers;	/* (element-type RdManifestContainer) without init containers */
} RdManifest;

/* Operators write JSON into files called .yaml; people and cluster-restore.sh write block YAML.
 * Reads both; NULL when it is neither or has no containers: the kubelet does not run that. Not a
 * YAML parser: flow style, anchors and several documents are not understood. */
RdManifest *rd_manifest_parse(const char *text);
void rd_manifest_free(RdManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdManifest, rd_manifest_free)
/* the image of container @name, or NULL. (unowned) */
const char *rd_manifest_image(const RdManifest *manifest, const char *name);

G_END_DECLS
