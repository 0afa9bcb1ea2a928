/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kubelet's service: common/kubelet.h. */

#include "../common/kubelet.h"

static const RecoveryState states[] = {
    {
	.name = "restart",
	.summary = "restart the kubelet and wait until it is active again",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 120,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = rd_kubelet_baseline,
	.probe = rd_kubelet_restarted,
	.enter = rd_kubelet_restart,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "kubelet", .summary = "the kubelet service", .states = states);
