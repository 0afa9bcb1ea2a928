/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "place.h"

void
rd_place_clear(RdPlace *place)
{
	g_clear_pointer(&place->aside, g_free);
	g_clear_pointer(&place->lost, g_free);
	place->in_place = FALSE;
}

static gboolean
refuse_double(RecoveryStep *step, const RdPod *pod, const char *file, GError **error)
{
	g_autofree char *path = g_build_filename(RD_MANIFESTS, file, NULL);
	const char *argv[] = {"cat", path, NULL};
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(RdManifest) manifest = NULL;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	/* a directory, or gone meanwhile: the kubelet does not run it either */
	manifest = reply.status == 0 ? rd_manifest_parse(reply.out) : NULL;
	if (manifest == NULL || !g_str_equal(manifest->name, pod->name) ||
	    !rd_pod_lives_in(pod, manifest->namespace))
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s: %s defines the pod %s/%s a second time, and the kubelet runs every file "
		    "of that directory: move it out of %s, then decide this step again",
		    recovery_target(step), path, manifest->namespace, pod->name, RD_MANIFESTS);
	return FALSE;
}

/* the index remembers a move aside also after the manifest went back: the file decides */
static gboolean
find_aside(RecoveryStep *step, const RdPod *pod, RdPlace *place, GError **error)
{
	g_autofree char *aside = NULL, *dir = NULL, *base = NULL;
	g_auto(GStrv) names = NULL;

	if (!recovery_aside_path(step, pod->manifest, &aside, error))
		return FALSE;
	if (aside == NULL)
		return TRUE;
	dir = g_path_get_dirname(aside);
	base = g_path_get_basename(aside);
	names = rd_list_dir(step, NULL, dir, error);
	if (names == NULL)
		return FALSE;
	if (g_strv_contains((const char *const *)names, base))
		place->aside = g_steal_pointer(&aside);
	else
		place->lost = g_steal_pointer(&aside);
	return TRUE;
}

static gboolean
refuse_both(RecoveryStep *step, const RdPod *pod, const RdPlace *place, GError **error)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s: %s was moved aside to %s, but is there again: somebody or an operator "
		    "wrote it. Compare both, move one away, then decide this step again",
		    recovery_target(step), pod->manifest, place->aside);
	return FALSE;
}

static gboolean
refuse_neither(RecoveryStep *step, const RdPod *pod, const RdPlace *place, GError **error)
{
	if (place->lost != NULL)
		g_set_error(
		    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s: %s does not exist, and %s, where this run moved it aside, neither. "
		    "Put it back from where somebody moved it, or from %s, then decide "
		    "this step again",
		    recovery_target(step), pod->manifest, place->lost, pod->spare);
	else
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: %s does not exist and this run did not move it aside. Put the "
			    "newest one back from %s, or from where somebody moved it, then decide "
			    "this step again",
			    recovery_target(step), pod->manifest, pod->spare);
	return FALSE;
}

gboolean
rd_place_find(RecoveryStep *step, const RdPod *pod, RdPlace *place, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, RD_MANIFESTS, error);
	g_autofree char *base = g_path_get_basename(pod->manifest);

	rd_place_clear(place);
	if (names == NULL || !find_aside(step, pod, place, error))
		return FALSE;
	for (guint i = 0; names[i] != NULL; i++) {
		if (g_str_equal(names[i], base))
			place->in_place = TRUE;
		else if (names[i][0] != '.' && !refuse_double(step, pod, names[i], error))
			return FALSE;
	}
	if (place->in_place && place->aside != NULL)
		return refuse_both(step, pod, place, error);
	if (place->in_place || place->aside != NULL || (pod->optional && place->lost == NULL))
		return TRUE;
	return refuse_neither(step, pod, place, error);
}

RdManifest *
rd_place_read(RecoveryStep *step, const RdPod *pod, const RdPlace *place, GError **error)
{
	const char *path = place->in_place ? pod->manifest : place->aside;
	g_autofree char *text = recovery_ask(step, NULL, error, "cat", path, NULL);
	RdManifest *manifest;

	if (text == NULL)
		return NULL;
	manifest = rd_manifest_parse(text);
	if (manifest == NULL)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: %s is not a pod with containers. Put the right one in its place, "
			    "from %s",
			    recovery_target(step), path, pod->spare);
	return manifest;
}
