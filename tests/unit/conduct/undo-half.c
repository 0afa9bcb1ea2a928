/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: after undo() m0:/etc/kubernetes/manifests/kube-scheduler-pod.yaml is gone */
#include "conduct.h"

#define POD "/etc/kubernetes/manifests/kube-scheduler-pod.yaml"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	g_autofree char *aside = NULL;

	return recovery_aside_path(step, POD, &aside, error) &&
	       (aside != NULL || recovery_move_aside(step, POD, error)) &&
	       honest_enter(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
