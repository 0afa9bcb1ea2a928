/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "pods.h"
G_BEGIN_DECLS

/* Static-pod manifests: what stands in them, and where this run has them. */

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

typedef struct {
	gboolean in_place; /* lies in the kubelet's directory */
	char *aside;	   /* (owned) (nullable) lies here instead, moved aside by this run */
} RdPlace;
void rd_place_clear(RdPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdPlace, rd_place_clear)

/* Where @pod's manifest is on the step's host: exactly one of both. PERMANENT when it is in
 * neither place, in both, or when another file of the directory defines the same pod (F20: the
 * kubelet runs every file that does not begin with a dot). */
gboolean rd_place_find(RecoveryStep *step, const RdPod *pod, RdPlace *place, GError **error);
/* the manifest wherever it is */
RdManifest *rd_place_read(RecoveryStep *step, const RdPod *pod, const RdPlace *place,
			  GError **error);

G_END_DECLS
