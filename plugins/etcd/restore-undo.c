/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Back to before cluster-restore.sh (P2-17 UNDO): what it started is stopped, what it made is kept
 * under a name of the run, what it moved comes back. The procedure's marks say whether anybody may
 * still want that: what was written into the new cluster meanwhile stays behind. */

#include "situation.h"
#include <string.h>

/* Out of the kubelet's directory, to a name that no second try can find taken. */
static gboolean
take_away(RecoveryStep *step, const Situation *situation, const char *pod, GError **error)
{
	g_autofree char *path = g_strdup_printf(RD_MANIFESTS "/%s-pod.yaml", pod);
	const char *inode = restore_files_inode(situation->files, path);
	g_autofree char *to =
	    g_strdup_printf("/etc/kubernetes/recoveryd/%s/undone-%s-%s-pod.yaml",
			    recovery_run_id(step), inode != NULL ? inode : "", pod);

	return inode == NULL || recovery_move(step, path, to, error);
}

static RecoveryProbe
all_gone(RecoveryStep *step, GError **error)
{
	g_autofree char *json = recovery_ask(step, NULL, error, "crictl", "ps", "-o", "json", NULL);
	g_autoptr(GPtrArray) all = json == NULL ? NULL : rd_containers_parse(json, error);

	if (all == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	for (guint i = 0; i < RESTORE_PODS; i++) {
		g_autoptr(GPtrArray) of = rd_containers_of(all, rd_pod_find(restore_pods[i], NULL));
		g_autofree char *names = rd_containers_names(of);

		if (of->len == 0)
			continue;
		recovery_progress(step, "%s: the kubelet stops %s", recovery_target(step), names);
		return RECOVERY_PROBE_ABSENT;
	}
	return RECOVERY_PROBE_PRESENT;
}

/* what was restored, whole or half */
static gboolean
keep_new_data(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_auto(GStrv) names = restore_files_names(situation->files, ETCD_DIR);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *from = g_build_filename(ETCD_DIR, names[i], NULL);
		g_autofree char *prefix =
		    g_strdup_printf("recoveryd-%s-restored-%s", recovery_run_id(step), names[i]);
		g_autofree char *to = restore_files_fresh(situation->files, RESTORE_SAVED, prefix);

		if (!recovery_move(step, from, to, error))
			return FALSE;
	}
	return TRUE;
}

/* Everything stops first: until then etcd writes into its directory. What the restore pod made
 * between the two looks is looked at again. */
static gboolean
stop_and_keep(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_auto(Situation) now = {0};

	if (situation->pod == RESTORE_POD_OTHER)
		return etcd_refuse(error,
				   "%s: the operator has replaced the restore pod: the new cluster "
				   "is at work, there is no way back for this host alone. The old "
				   "data is at %s",
				   recovery_target(step),
				   restore_files_saved(situation->files, situation->before));
	for (guint i = 0; i < RESTORE_PODS; i++)
		if (!take_away(step, situation, restore_pods[i], error))
			return FALSE;
	return recovery_wait(step, all_gone, error) && situation_find(step, &now, error) &&
	       keep_new_data(step, &now, error);
}

/* The copy that the script parked. It lies on another mount, so it is copied, and stays there. */
static gboolean
bring_manifest(RecoveryStep *step, const Situation *situation, const char *pod, GError **error)
{
	g_autofree char *path = g_strdup_printf(RD_MANIFESTS "/%s-pod.yaml", pod);
	g_autofree char *from = g_strdup_printf(RESTORE_STOPPED "/%s-pod.yaml", pod);
	g_autofree char *text = NULL;

	if (restore_files_inode(situation->files, path) != NULL)
		return TRUE;
	if (!rd_file_ask(step, NULL, from, &text, error))
		return FALSE;
	/* another state has it, or it never was there */
	return text == NULL || recovery_put_data(step, text, strlen(text), path, 0600, error);
}

static gboolean
bring_data(RecoveryStep *step, const Situation *situation, GError **error)
{
	const char *saved = restore_files_saved(situation->files, situation->before);

	return saved == NULL || restore_files_inode(situation->files, ETCD_MEMBER) != NULL ||
	       recovery_move(step, saved, ETCD_MEMBER, error);
}

static gboolean
bring_extras(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_auto(GStrv) extras = g_strsplit(situation->before->extras, ",", -1);

	for (guint i = 0; extras[i] != NULL && !g_str_equal(extras[i], "-"); i++) {
		g_autofree char *name = g_uri_unescape_string(extras[i], NULL);
		g_autofree char *path = g_build_filename(ETCD_DIR, name, NULL);
		g_autofree char *aside = NULL;

		if (restore_files_inode(situation->files, path) != NULL)
			continue;
		if (!recovery_aside_path(step, path, &aside, error) ||
		    (aside != NULL && !recovery_move(step, aside, path, error)))
			return FALSE;
	}
	return TRUE;
}

/* data first, then etcd, then who needs it */
static gboolean
bring_all(RecoveryStep *step, GError **error)
{
	g_auto(Situation) now = {0};

	if (!situation_find(step, &now, error) || !bring_data(step, &now, error) ||
	    !bring_extras(step, &now, error))
		return FALSE;
	for (guint i = RESTORE_PODS; i > 0; i--)
		if (!bring_manifest(step, &now, restore_pods[i - 1], error))
			return FALSE;
	return TRUE;
}

gboolean
etcd_cluster_restore_undo(RecoveryStep *step, GError **error)
{
	g_autofree char *record = situation_record(step);
	g_autofree char *text = NULL;
	g_auto(Situation) situation = {0};
	gboolean alive;

	if (!situation_is_alive(step, &alive, error) ||
	    (alive && !situation_refuse_alive(step, error)) ||
	    !rd_file_ask(step, NULL, record, &text, error))
		return FALSE;
	if (text == NULL) /* nothing was begun */
		return TRUE;
	if (!situation_find(step, &situation, error))
		return FALSE;
	if (situation.phase == RESTORE_PHASE_STRANGE)
		return situation_refuse(step, &situation, error);
	return (situation.phase == RESTORE_PHASE_BEFORE ||
		stop_and_keep(step, &situation, error)) &&
	       bring_all(step, error);
}
