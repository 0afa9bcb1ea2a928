/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Static pods: the kubelet runs what lies in its manifest directory and stops what leaves it. */

#include "../common/place.h"

/* ---- stop ---------------------------------------------------------------------------------- */

static RecoveryProbe
containers_gone(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);
	g_autoptr(GPtrArray) containers = NULL;
	g_autofree char *names = NULL;

	containers = pod == NULL ? NULL : rd_containers_ask(step, NULL, pod, error);
	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (containers->len == 0)
		return RECOVERY_PROBE_PRESENT;
	names = rd_containers_names(containers);
	recovery_progress(step, "%s on %s: the kubelet stops %s", pod->pod, recovery_target(step),
			  names);
	return RECOVERY_PROBE_ABSENT;
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
	g_auto(RdPlace) place = {0};

	if (pod == NULL || !rd_place_find(step, pod, &place, error))
		return RECOVERY_PROBE_UNKNOWN;
	return place.in_place ? RECOVERY_PROBE_ABSENT : containers_gone(step, error);
}

/* F18: what the kubelet did not stop by half-time. A container that ended between the list and the
 * command makes crictl fail; the wait afterwards tells. */
static gboolean
stop_leftovers(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_autoptr(GPtrArray) containers = rd_containers_ask(step, NULL, pod, error);

	if (containers == NULL)
		return FALSE;
	for (guint i = 0; i < containers->len; i++) {
		const RdContainer *container = containers->pdata[i];
		const char *argv[] = {"crictl", "stop", "-t", "30", container->id, NULL};
		const RecoveryCommand command = {.argv = argv};
		g_autoptr(GError) inner = NULL;

		recovery_progress(step, "%s on %s: stops %s with crictl", pod->pod,
				  recovery_target(step), container->name);
		if (recovery_run(step, &command, NULL, &inner))
			continue;
		if (!g_error_matches(inner, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return FALSE;
		}
		recovery_progress(step, "%s", inner->message);
	}
	return TRUE;
}

static gboolean
stop_enter(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);
	g_auto(RdPlace) place = {0};

	if (pod == NULL || !rd_place_find(step, pod, &place, error))
		return FALSE;
	if (place.in_place && !recovery_move_aside(step, pod->manifest, error))
		return FALSE;
	if (!recovery_wait(step, containers_gone_or_half_time, error) ||
	    !stop_leftovers(step, pod, error))
		return FALSE;
	if (recovery_wait(step, containers_gone, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: containers of %s still run although the manifest is aside and crictl "
		       "was asked to stop them ('systemctl restart crio' there helps, then decide "
		       "this step again): ",
		       recovery_target(step), pod->pod);
	return FALSE;
}

static gboolean
put_back(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);
	g_auto(RdPlace) place = {0};

	if (pod == NULL || !rd_place_find(step, pod, &place, error))
		return FALSE;
	return place.in_place || recovery_move(step, place.aside, pod->manifest, error);
}

/* ---- start and running --------------------------------------------------------------------- */

static RecoveryProbe
pod_runs(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_auto(RdPlace) place = {0};
	g_autoptr(RdManifest) manifest = NULL;
	g_autoptr(GPtrArray) containers = NULL;

	if (!rd_place_find(step, pod, &place, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!place.in_place) {
		recovery_progress(step, "%s on %s: the manifest is still at %s", pod->pod,
				  recovery_target(step), place.aside);
		return RECOVERY_PROBE_ABSENT;
	}
	manifest = rd_place_read(step, pod, &place, error);
	containers = manifest == NULL ? NULL : rd_containers_ask(step, NULL, pod, error);
	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	for (guint i = 0; i < manifest->containers->len; i++) {
		const RdManifestContainer *wanted = manifest->containers->pdata[i];

		if (rd_containers_find(containers, wanted->name) != NULL)
			continue;
		recovery_progress(step, "%s on %s: container %s does not run yet", pod->pod,
				  recovery_target(step), wanted->name);
		return RECOVERY_PROBE_ABSENT;
	}
	return RECOVERY_PROBE_PRESENT;
}

static RecoveryProbe
start_probe(RecoveryStep *step, GError **error)
{
	const RdPod *pod = rd_pod_find(recovery_string(step, "pod"), error);

	return pod == NULL ? RECOVERY_PROBE_UNKNOWN : pod_runs(step, pod, error);
}

static gboolean
start_enter(RecoveryStep *step, GError **error)
{
	if (!put_back(step, error))
		return FALSE;
	if (recovery_wait(step, start_probe, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: the manifest of %s is back, but not all of its containers run (see "
		       "'crictl ps -a' and 'journalctl -u kubelet' there; a kubelet that does not "
		       "notice the file needs 'systemctl restart kubelet'): ",
		       recovery_target(step), recovery_string(step, "pod"));
	return FALSE;
}

static RecoveryProbe
running_probe(RecoveryStep *step, GError **error)
{
	static const char *const kube[] = {"kube-apiserver", "kube-controller-manager",
					   "kube-scheduler"};

	for (guint i = 0; i < G_N_ELEMENTS(kube); i++) {
		RecoveryProbe probe = pod_runs(step, rd_pod_find(kube[i], NULL), error);

		if (probe != RECOVERY_PROBE_PRESENT)
			return probe;
	}
	return RECOVERY_PROBE_PRESENT;
}

static const RecoveryParam pod_params[] = {
    {"pod", RECOVERY_PARAM_STRING, NULL,
     "etcd, kube-apiserver, kube-controller-manager or kube-scheduler"},
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
	.undo = put_back,
    },
    {
	.name = "start",
	.summary = "put the manifest back and wait until all of its containers run",
	.kind = RECOVERY_KIND_CHANGE,
	.params = pod_params,
	.timeout = 600,
	.probe = start_probe,
	.enter = start_enter,
	.undo = stop_enter,
    },
    {
	.name = "running",
	.summary = "kube-apiserver, kube-controller-manager and kube-scheduler run",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 600,
	.probe = running_probe,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "static-pod", .summary = "static pods of a control-plane host",
		.states = states);
