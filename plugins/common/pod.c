/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pod.h"

/* No container runs; but one may be about to: the kubelet makes the sandbox first, and a container
 * in it although the manifest has gone meanwhile. Nobody would ask a second time. */
static RecoveryProbe
sandboxes_gone(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_autoptr(GPtrArray) sandboxes = rd_sandboxes_ask(step, pod, error);

	if (sandboxes == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (sandboxes->len == 0)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "%s on %s: its containers are gone, its sandbox is still there",
			  pod->pod, recovery_target(step));
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
rd_pod_gone(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_autoptr(GPtrArray) containers = rd_containers_ask(step, NULL, pod, error);
	g_autofree char *names = NULL;

	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (containers->len == 0)
		return sandboxes_gone(step, pod, error);
	names = rd_containers_names(containers);
	recovery_progress(step, "%s on %s: the kubelet stops %s", pod->pod, recovery_target(step),
			  names);
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
rd_pod_stopped(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_auto(RdPlace) place = {0};

	if (!rd_place_find(step, pod, &place, error))
		return RECOVERY_PROBE_UNKNOWN;
	return place.in_place ? RECOVERY_PROBE_ABSENT : rd_pod_gone(step, pod, error);
}

/* what ended between the list and the command makes crictl fail; the wait afterwards tells */
static gboolean
stop_one(RecoveryStep *step, const RdPod *pod, const char *const *argv, const char *what,
	 GError **error)
{
	const RecoveryCommand command = {.argv = argv};
	g_autoptr(GError) inner = NULL;

	recovery_progress(step, "%s on %s: stops %s with crictl", pod->pod, recovery_target(step),
			  what);
	if (recovery_run(step, &command, NULL, &inner))
		return TRUE;
	if (!g_error_matches(inner, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return FALSE;
	}
	recovery_progress(step, "%s", inner->message);
	return TRUE;
}

/* F18: what the kubelet did not stop */
gboolean
rd_pod_stop_containers(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_autoptr(GPtrArray) containers = rd_containers_ask(step, NULL, pod, error);
	g_autoptr(GPtrArray) sandboxes = NULL;

	if (containers == NULL)
		return FALSE;
	for (guint i = 0; i < containers->len; i++) {
		const RdContainer *container = containers->pdata[i];
		const char *argv[] = {"crictl", "stop", "-t", "30", container->id, NULL};

		if (!stop_one(step, pod, argv, container->name, error))
			return FALSE;
	}
	sandboxes = rd_sandboxes_ask(step, pod, error);
	if (sandboxes == NULL)
		return FALSE;
	for (guint i = 0; i < sandboxes->len; i++) {
		const RdContainer *sandbox = sandboxes->pdata[i];
		const char *argv[] = {"crictl", "stopp", sandbox->id, NULL};

		if (!stop_one(step, pod, argv, "its sandbox", error))
			return FALSE;
	}
	return TRUE;
}

gboolean
rd_pod_stop(RecoveryStep *step, const RdPod *pod, RdPodProbe gone, RdPodProbe half, GError **error)
{
	g_auto(RdPlace) place = {0};

	if (!rd_place_find(step, pod, &place, error))
		return FALSE;
	if (place.in_place && !recovery_move_aside(step, pod->manifest, error))
		return FALSE;
	if (!recovery_wait(step, half, error) || !rd_pod_stop_containers(step, pod, error))
		return FALSE;
	if (recovery_wait(step, gone, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: containers of %s still run although the manifest is aside and crictl "
		       "was asked to stop them ('systemctl restart crio' there helps, then decide "
		       "this step again): ",
		       recovery_target(step), pod->pod);
	return FALSE;
}

gboolean
rd_pod_put_back(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_auto(RdPlace) place = {0};

	if (!rd_place_find(step, pod, &place, error))
		return FALSE;
	return place.aside == NULL || recovery_move(step, place.aside, pod->manifest, error);
}

RecoveryProbe
rd_pod_placed(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_auto(RdPlace) place = {0};

	if (!rd_place_find(step, pod, &place, error))
		return RECOVERY_PROBE_UNKNOWN;
	return place.aside == NULL ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
rd_pod_runs(RecoveryStep *step, const RdPod *pod, GError **error)
{
	g_auto(RdPlace) place = {0};
	g_autoptr(RdManifest) manifest = NULL;
	g_autoptr(GPtrArray) containers = NULL;

	if (!rd_place_find(step, pod, &place, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!place.in_place && place.aside == NULL)
		return RECOVERY_PROBE_PRESENT;
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

gboolean
rd_pod_start(RecoveryStep *step, const RdPod *pod, RdPodProbe runs, GError **error)
{
	if (!rd_pod_put_back(step, pod, error))
		return FALSE;
	if (recovery_wait(step, runs, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: the manifest of %s is back, but not all of its containers run (see "
		       "'crictl ps -a' and 'journalctl -u kubelet' there; a kubelet that does not "
		       "notice the file needs 'systemctl restart kubelet'): ",
		       recovery_target(step), pod->pod);
	return FALSE;
}
