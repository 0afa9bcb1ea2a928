/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "place.h"
G_BEGIN_DECLS

/* Stopping and starting a static pod on the step's host: by its manifest, which moves aside and
 * back. An optional pod that the host does not have counts as stopped, and as running. */

/* no container of the pod is left, and none is about to be started */
RecoveryProbe rd_pod_gone(RecoveryStep *step, const RdPod *pod, GError **error);
/* the manifest is aside, or the host has none, and no container is left */
RecoveryProbe rd_pod_stopped(RecoveryStep *step, const RdPod *pod, GError **error);
/* the manifest is in place, or the host has none */
RecoveryProbe rd_pod_placed(RecoveryStep *step, const RdPod *pod, GError **error);
/* the manifest is in place and all containers that it names run */
RecoveryProbe rd_pod_runs(RecoveryStep *step, const RdPod *pod, GError **error);

typedef RecoveryProbe (*RdPodProbe)(RecoveryStep *step, GError **error);

/* Moves the manifest aside and waits for @gone, which is the caller's rd_pod_gone(); @half is the
 * same but PRESENT after half of the time, when crictl is asked to stop what is left. */
gboolean rd_pod_stop(RecoveryStep *step, const RdPod *pod, RdPodProbe gone, RdPodProbe half,
		     GError **error);
/* asks crictl to stop what still runs of the pod, containers first, for these get their grace */
gboolean rd_pod_stop_containers(RecoveryStep *step, const RdPod *pod, GError **error);
/* Undo of it: back by rename(2), so mode, owner and label stay and the kubelet sees all or nothing
 * (F20, INV-10, INV-11). Nothing where it is in place, or the host has none. */
gboolean rd_pod_put_back(RecoveryStep *step, const RdPod *pod, GError **error);
/* puts it back and waits for @runs, which ends with rd_pod_runs() */
gboolean rd_pod_start(RecoveryStep *step, const RdPod *pod, RdPodProbe runs, GError **error);

G_END_DECLS
