/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Static pods: the kubelet runs what lies in its manifest directory and stops what leaves it. */

#include "../common/pod.h"

/* ---- stop ---------------------------------------------------------------------------------- */

static RecoveryProbe
containers_gone(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	return pod == NULL ? RECOVERY_PROBE_UNKNOWN : rd_pod_gone(step, pod, error);
}

static RecoveryProbe
containers_gone_or_half_time(RecoveryStep *step, GError **error)
{
	if (recovery_time_used(step) >= 50)
		return RECOVERY_PROBE_PRESENT;
	return containers_gone(step, error);
}

static RecoveryProbe
stop_probe(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	return pod == NULL ? RECOVERY_PROBE_UNKNOWN : rd_pod_stopped(step, pod, error);
}

static gboolean
stop_enter(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	return pod != NULL &&
	       rd_pod_stop(step, pod, containers_gone, containers_gone_or_half_time, error);
}

static gboolean
stop_undo(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	return pod != NULL && rd_pod_put_back(step, pod, error);
}

/* ---- start and running --------------------------------------------------------------------- */

static RecoveryProbe
start_probe(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	if (pod == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return recovery_bool(step, "wait") ? rd_pod_runs(step, pod, error)
					   : rd_pod_placed(step, pod, error);
}

static gboolean
start_enter(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	return pod != NULL && rd_pod_start(step, pod, start_probe, error);
}

static RecoveryProbe
running_probe(RecoveryStep *step, GError **error)
{
	static const char *const kube[] = {"kube-apiserver", "kube-controller-manager",
					   "kube-scheduler"};

	for (guint i = 0; i < G_N_ELEMENTS(kube); i++) {
		RecoveryProbe probe = rd_pod_runs(step, rd_pod_find(kube[i], NULL), error);

		if (probe != RECOVERY_PROBE_PRESENT)
			return probe;
	}
	return RECOVERY_PROBE_PRESENT;
}

/* ---- by hand ------------------------------------------------------------------------------- */

/* The kubelet calls a static pod NAME-NODE; the scheduler's name is the only one that is not its
 * file's. Guard pods and installers have other names. A crictl that fails has shown nothing. */
#define SHOWS(pod)                                                                                 \
	"printf %s \"$all\" | grep -Eq \"io.kubernetes.pod.name.: *.(openshift-)?" pod             \
	"-$target[^a-z0-9.-]\""
#define ALL "all=$(crictl ps -o json) && "

static const char stop_by_hand[] = ALL "! " SHOWS("$pod");
static const char start_by_hand[] = ALL SHOWS("$pod");
static const char running_by_hand[] = ALL SHOWS("kube-apiserver") " && " SHOWS(
    "kube-controller-manager") " && " SHOWS("kube-scheduler");

static const RecoveryParam pod_params[] = {
    {"pod", RECOVERY_PARAM_STRING, NULL,
     "etcd, kube-apiserver, kube-controller-manager or kube-scheduler"},
    {0},
};

static const RecoveryParam start_params[] = {
    {"pod", RECOVERY_PARAM_STRING, NULL,
     "etcd, kube-apiserver, kube-controller-manager or kube-scheduler"},
    {"wait", RECOVERY_PARAM_BOOL, "yes",
     "until all of its containers run; no: where it did not run before either"},
    {0},
};

static const RecoveryState states[] = {
    {
	.name = "stop",
	.summary = "move the manifest aside and wait until no container of the pod is left",
	.kind = RECOVERY_KIND_CHANGE,
	.params = pod_params,
	.timeout = 300,
	.probe = stop_probe,
	.enter = stop_enter,
	.undo = stop_undo,
	.by_hand = stop_by_hand,
    },
    {
	.name = "start",
	.summary = "put the manifest back and wait until all of its containers run",
	.kind = RECOVERY_KIND_CHANGE,
	.params = start_params,
	.timeout = 600,
	.probe = start_probe,
	.enter = start_enter,
	.undo = stop_enter,
	.by_hand = start_by_hand,
    },
    {
	.name = "running",
	.summary = "kube-apiserver, kube-controller-manager and kube-scheduler run",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 600,
	.probe = running_probe,
	.by_hand = running_by_hand,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "static-pod", .summary = "static pods of a control-plane host",
		.states = states);
