/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: check ends as permanent: m0: bad/act tried to move outside enter or undo */
#include "conduct.h"

static gboolean
baseline(RecoveryStep *step, GError **error)
{
	return recovery_move(step, "/etc/kubernetes/manifests/etcd-pod.yaml", "/etc/x", error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .baseline = baseline, .probe = honest_probe,
	.enter = honest_enter, .undo = honest_undo);
