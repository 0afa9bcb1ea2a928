/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is left of cluster-restore.sh once it has started the restore pod: the manifests of the
 * other three pods, from the static resources. The script must not run a second time for them, it
 * would stop the new etcd and move its data over the old (P2-17 CUT (d)). */

#include "situation.h"
#include <string.h>

static const char *const pods[] = {"kube-apiserver", "kube-controller-manager", "kube-scheduler"};

static char *
tar_list(RecoveryStep *step, GError **error)
{
	return recovery_ask(step, NULL, error, "tar", "-tzf", recovery_string(step, "resources"),
			    NULL);
}

/* A file that is the beginning of the backup's was cut off. Any other one is left alone: the
 * operator writes newer ones as soon as its API is back. */
static gboolean
is_whole(RecoveryStep *step, const char *pod, const char *listing, gboolean *whole, GError **error)
{
	g_autofree char *member = restore_tar_member(listing, pod);
	g_autofree char *path = g_strdup_printf(RD_MANIFESTS "/%s-pod.yaml", pod);
	g_autofree char *text = NULL, *wanted = NULL;

	*whole = FALSE;
	if (!rd_file_ask(step, NULL, path, &text, error))
		return FALSE;
	if (text == NULL)
		return TRUE;
	if (member != NULL) {
		wanted = recovery_ask(step, NULL, error, "tar", "-xOzf",
				      recovery_string(step, "resources"), member, NULL);
		if (wanted == NULL)
			return FALSE;
	}
	*whole = wanted == NULL || situation_compare(text, wanted) != RESTORE_POD_PARTIAL;
	return TRUE;
}

char **
finish_missing(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_autoptr(GPtrArray) missing = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *listing = tar_list(step, error);

	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		gboolean whole;

		if (listing == NULL || !is_whole(step, pods[i], listing, &whole, error))
			return NULL;
		if (!whole)
			g_ptr_array_add(missing, g_strdup(pods[i]));
	}
	g_ptr_array_add(missing, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&missing), FALSE);
}

static gboolean
place_one(RecoveryStep *step, const Situation *situation, const char *pod, const char *listing,
	  GError **error)
{
	g_autofree char *member = restore_tar_member(listing, pod);
	g_autofree char *path = g_strdup_printf(RD_MANIFESTS "/%s-pod.yaml", pod);
	g_autofree char *text = NULL;

	if (member == NULL)
		return etcd_refuse(
		    error,
		    "%s: etcd was restored, but the backup has no manifest of %s, so the script "
		    "could not start it. Copy the newest one there by hand, from " RESTORE_STOPPED
		    "/%s-pod.yaml or /etc/kubernetes/static-pod-resources/%s-pod-REVISION/, to a "
		    "name with a leading dot and then rename it to %s; then decide this step again",
		    recovery_target(step), pod, pod, pod, path);
	text = recovery_ask(step, NULL, error, "tar", "-xOzf", recovery_string(step, "resources"),
			    member, NULL);
	if (text == NULL)
		return FALSE;
	recovery_progress(step, "%s: places %s-pod.yaml from the backup", recovery_target(step),
			  pod);
	return (restore_files_inode(situation->files, path) == NULL ||
		recovery_move_aside(step, path, error)) &&
	       recovery_put_data(step, text, strlen(text), path, 0600, error);
}

gboolean
finish_by_hand(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_auto(GStrv) missing = finish_missing(step, situation, error);
	g_autofree char *listing = missing == NULL ? NULL : tar_list(step, error);

	if (listing == NULL)
		return FALSE;
	for (guint i = 0; missing[i] != NULL; i++)
		if (!place_one(step, situation, missing[i], listing, error))
			return FALSE;
	return TRUE;
}
