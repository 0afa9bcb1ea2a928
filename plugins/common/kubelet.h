/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* Restarts of the kubelet on the step's host. A restart leaves nothing behind that could be looked
 * for: it shows only against what was there before, so the baseline is the postcondition's other
 * half. */

/* notes boot id and since when the service is active: "boot-id", "active-since" */
gboolean rd_kubelet_baseline(RecoveryStep *step, GError **error);
/* active, and since later than the baseline, or in another boot. Without one: ABSENT */
RecoveryProbe rd_kubelet_restarted(RecoveryStep *step, GError **error);
/* for how long it has been active; 0: it is not */
gboolean rd_kubelet_active_for(RecoveryStep *step, guint64 *seconds, GError **error);
/* a job "restart", and waits for it */
gboolean rd_kubelet_restart(RecoveryStep *step, GError **error);

G_END_DECLS
