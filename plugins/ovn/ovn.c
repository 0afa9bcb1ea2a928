/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* OVN-Kubernetes after a restore (domain 5): its databases know a cluster that is no more. They are
 * removed, and OVN makes them again from the API. */

#include "ovn.h"

static const RecoveryParam control_plane_params[] = {
    {"app", RECOVERY_PARAM_STRING, "ovnkube-control-plane",
     "label of the pods: ovn/facts' output control-plane"},
    RD_API_SINCE,
    {0},
};

static const RecoveryParam wipe_params[] = {
    {"dir", RECOVERY_PARAM_PATH, NULL, "where the databases are: ovn/facts' output dir"},
    {0},
};

static const RecoveryParam pod_params[] = {
    {"node", RECOVERY_PARAM_STRING, NULL, "this host's name as a Node of the cluster"},
    RD_API_SINCE,
    {0},
};

static const char *const facts_outcomes[] = {"ovn", "central", "other-network", "migration", NULL};
static const char *const facts_outputs[] = {"network", "layout", "dir", "control-plane", NULL};
static const char *const behind_outputs[] = {"behind", NULL};
static const char *const pod_outputs[] = {"terminating", NULL};
static const char *const pod_outcomes[] = {"done", "terminating", NULL};

static const RecoveryState states[] = {
    {
	.name = "facts",
	.summary = "which network the cluster has, and where its databases are",
	.kind = RECOVERY_KIND_QUERY,
	.outcomes = facts_outcomes,
	.outputs = facts_outputs,
	.timeout = 300,
	.enter = facts_enter,
    },
    {
	.name = "control-plane-pods",
	.summary = "replace the pods that manage the network for the whole cluster",
	.kind = RECOVERY_KIND_CHANGE,
	.params = control_plane_params,
	.timeout = 600,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = control_plane_baseline,
	.probe = control_plane_probe,
	.enter = control_plane_enter,
    },
    {
	.name = "behind",
	.summary = "whether this host's network still is what it was before the restore",
	.kind = RECOVERY_KIND_QUERY,
	.params = pod_params,
	.outputs = behind_outputs,
	.timeout = 300,
	.enter = behind_enter,
    },
    {
	.name = "wipe",
	.summary = "remove the OVN databases of this host and restart Open vSwitch",
	.kind = RECOVERY_KIND_CHANGE,
	.params = wipe_params,
	.timeout = 300,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = wipe_baseline,
	.probe = wipe_probe,
	.enter = wipe_enter,
	.alone = TRUE,
    },
    {
	.name = "pod",
	.summary = "replace this host's ovnkube-node pod",
	.kind = RECOVERY_KIND_CHANGE,
	.params = pod_params,
	.outcomes = pod_outcomes,
	.outputs = pod_outputs,
	.timeout = 600,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = pod_baseline,
	.probe = pod_probe,
	.enter = pod_enter,
    },
    {
	.name = "force-pod",
	.summary = "remove an ovnkube-node pod that does not end, without waiting for it",
	.kind = RECOVERY_KIND_CHANGE,
	.params = pod_params,
	.timeout = 600,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = force_pod_baseline,
	.probe = force_pod_probe,
	.enter = force_pod_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "ovn", .summary = "OVN-Kubernetes, the cluster's network",
		.states = states);
