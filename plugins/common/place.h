/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ask.h"
#include "manifest.h"
G_BEGIN_DECLS

/* Where this run has a static pod's manifest. */

typedef struct {
	gboolean in_place; /* lies in the kubelet's directory */
	char *aside;	   /* (owned) (nullable) lies here instead, moved aside by this run */
	char *lost;	   /* (owned) (nullable) this run moved it there once, and it is gone */
} RdPlace;
void rd_place_clear(RdPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdPlace, rd_place_clear)

/* Where @pod's manifest is on the step's host: exactly one of both, or neither when it is optional
 * and this run never had it. PERMANENT when it is in neither place, in both, or when another file
 * of the directory defines the same pod (F20: the kubelet runs every file that does not begin with
 * a dot). */
gboolean rd_place_find(RecoveryStep *step, const RdPod *pod, RdPlace *place, GError **error);
/* the manifest wherever it is */
RdManifest *rd_place_read(RecoveryStep *step, const RdPod *pod, const RdPlace *place,
			  GError **error);

G_END_DECLS
