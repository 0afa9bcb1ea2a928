/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cluster-restore.sh, run once (domain 1.2 P2-17, 4.4).
 *
 * It stops the static pods, moves the old data to /var/lib/etcd-backup, and starts a pod that
 * restores the snapshot into the empty directory. Run a second time it deletes what it moved the
 * first time, which then is the only copy of the old data (F22). So before each start whatever lies
 * there is renamed to a name of this run, and whether it may start at all is decided from the disk:
 * what it prints says nothing (it prints "stopping X" for an X that is not there).
 *
 * What was there before its first start is kept in a record on the host, which outlives attempts,
 * engines and boots. After the restore pod was started the script is never run again: what it left
 * undone is done by hand (finish.c). */

#include "../common/ask.h"
#include "situation.h"
#include <string.h>

/* The script's podman may have to fetch an image through the cluster's proxy (P2-16). The file has
 * lines as systemd reads them; a shell would take a password apart. */
static const char with_proxy[] =
    "if [ -r /etc/mco/proxy.env ]; then "
    "while IFS= read -r line || [ -n \"$line\" ]; do "
    "case $line in HTTP_PROXY=*|HTTPS_PROXY=*|NO_PROXY=*) value=${line#*=}; "
    "case $value in '\"'*'\"') value=${value#?}; value=${value%?};; esac; "
    "export \"${line%%=*}=$value\";; esac; "
    "done </etc/mco/proxy.env; fi; exec \"$@\"";

/* ---- looking ------------------------------------------------------------------------------- */

gboolean
etcd_cluster_restore_baseline(RecoveryStep *step, GError **error)
{
	gboolean recorded;
	g_autoptr(RestoreBefore) before = situation_before(step, &recorded, error);
	g_autofree char *text = before == NULL ? NULL : restore_before_print(before);

	return text != NULL && recovery_remember(step, "before", text, error);
}

static gboolean
say_outcome(RecoveryStep *step, const Situation *situation, GError **error)
{
	const char *saved = restore_files_saved(situation->files, situation->before);

	recovery_progress(step, "%s: the restore pod is in place, the old data is at %s",
			  recovery_target(step),
			  saved != NULL ? saved : "no place, there was none");
	return recovery_output(step, "old-data", saved != NULL ? saved : "", error) &&
	       recovery_output(step, "old-cluster-id", situation->before->cluster, error);
}

static RecoveryProbe
probe_started(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_auto(GStrv) missing = finish_missing(step, situation, error);
	g_autofree char *names = NULL;

	if (missing == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (missing[0] == NULL)
		return say_outcome(step, situation, error) ? RECOVERY_PROBE_PRESENT
							   : RECOVERY_PROBE_UNKNOWN;
	names = g_strjoinv(", ", missing);
	recovery_progress(step, "%s: etcd was restored, the manifests of %s are missing",
			  recovery_target(step), names);
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
etcd_cluster_restore_probe(RecoveryStep *step, GError **error)
{
	g_auto(Situation) situation = {0};
	gboolean alive;

	if (!situation_is_alive(step, &alive, error))
		return RECOVERY_PROBE_UNKNOWN;
	if ((alive && !situation_refuse_alive(step, error)) ||
	    !situation_find(step, &situation, error))
		return RECOVERY_PROBE_UNKNOWN;
	switch (situation.phase) {
	case RESTORE_PHASE_BEFORE:
	case RESTORE_PHASE_MOVED:
		return RECOVERY_PROBE_ABSENT;
	case RESTORE_PHASE_STARTED:
		return probe_started(step, &situation, error);
	case RESTORE_PHASE_STOPPED:
	case RESTORE_PHASE_STRANGE:
	default:
		situation_refuse(step, &situation, error);
		return RECOVERY_PROBE_UNKNOWN;
	}
}

/* ---- out of its way ------------------------------------------------------------------------ */

/* INV-8: the script deletes this; from now on it is not there */
static gboolean
rename_saved(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_autofree char *prefix = g_strdup_printf("recoveryd-%s-member", recovery_run_id(step));
	g_autofree char *to = NULL;

	if (restore_files_inode(situation->files, RESTORE_SAVED "/member") == NULL)
		return TRUE;
	to = restore_files_fresh(situation->files, RESTORE_SAVED, prefix);
	recovery_progress(step, "%s: keeps an earlier " RESTORE_SAVED "/member as %s",
			  recovery_target(step), to);
	return recovery_move(step, RESTORE_SAVED "/member", to, error);
}

/* The script's mv would replace what lies there. File by file: what this run's script put there
 * stays, undo finds it. */
static gboolean
rename_stopped(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_autofree char *prefix =
	    g_strdup_printf("manifests-stopped.recoveryd-%s", recovery_run_id(step));
	g_autofree char *dir = restore_files_fresh(situation->files, RESTORE_ASSETS, prefix);

	for (guint i = 0; i < RESTORE_PODS; i++) {
		g_autofree char *name = g_strconcat(restore_pods[i], "-pod.yaml", NULL);
		g_autofree char *stopped = g_build_filename(RESTORE_STOPPED, name, NULL);
		g_autofree char *manifest = g_build_filename(RD_MANIFESTS, name, NULL);
		g_autofree char *to = g_build_filename(dir, name, NULL);

		if (restore_files_inode(situation->files, stopped) == NULL ||
		    restore_files_inode(situation->files, manifest) == NULL)
			continue;
		/* half a restore pod: it goes aside itself, what is parked is the operator's */
		if (g_str_equal(restore_pods[i], "etcd") && situation->pod == RESTORE_POD_PARTIAL)
			continue;
		if (!recovery_move(step, stopped, to, error))
			return FALSE;
	}
	return TRUE;
}

/* F21: the restore pod wants an empty directory, and one single leftover stops it for ever. On a
 * mount of its own there is no place aside that would not lie in the same directory. */
static gboolean
clear_data_dir(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_auto(GStrv) names = restore_files_names(situation->files, ETCD_DIR);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *path = g_build_filename(ETCD_DIR, names[i], NULL);

		if (g_str_equal(names[i], "member"))
			continue;
		if (!situation->before->one_mount)
			return etcd_refuse(error,
					   "%s: %s lies in " ETCD_DIR ", which is a mount of its "
					   "own and has to be empty for the restore. Move it to "
					   "another file system, then decide this step again",
					   recovery_target(step), path);
		if (!recovery_move_aside(step, path, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
clear_the_way(RecoveryStep *step, const Situation *situation, GError **error)
{
	return rename_saved(step, situation, error) && rename_stopped(step, situation, error) &&
	       clear_data_dir(step, situation, error) &&
	       (situation->pod != RESTORE_POD_PARTIAL ||
		recovery_move_aside(step, ETCD_POD, error));
}

/* ---- what has to hold ---------------------------------------------------------------------- */

static gboolean
is_file(RecoveryStep *step, const char *path, const char *wanted, GError **error)
{
	g_autofree char *found = NULL;

	if (!rd_sum_ask(step, path, &found, error))
		return FALSE;
	return (found != NULL && g_ascii_strcasecmp(found, wanted) == 0) ||
	       etcd_refuse(error,
			   "%s: %s is not the file that was copied there: its SHA-256 is %s, not "
			   "%s. Copy it again before going on",
			   recovery_target(step), path, found != NULL ? found : "that of no file",
			   wanted);
}

/* INV-4, P2-05. The script takes the last of each pattern by itself: a second backup there and it
 * might restore the halves of two. */
static gboolean
check_pair(RecoveryStep *step, const char *dir, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, dir, error);
	guint snapshots = 0, resources = 0;

	if (names == NULL)
		return FALSE;
	for (guint i = 0; names[i] != NULL; i++) {
		snapshots +=
		    g_str_has_prefix(names[i], "snapshot") && g_str_has_suffix(names[i], ".db");
		resources += g_str_has_prefix(names[i], "static_kuberesources") &&
			     g_str_has_suffix(names[i], ".tar.gz");
	}
	if (snapshots != 1 || resources != 1)
		return etcd_refuse(error,
				   "%s: %s has %u snapshots and %u static resources instead of one "
				   "pair, and the script chooses by itself",
				   recovery_target(step), dir, snapshots, resources);
	return is_file(step, recovery_string(step, "snapshot"), recovery_string(step, "sha256"),
		       error) &&
	       is_file(step, recovery_string(step, "resources"),
		       recovery_string(step, "resources-sha256"), error);
}

static char *
backup_dir(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(recovery_string(step, "snapshot"));
	g_autofree char *other = g_path_get_dirname(recovery_string(step, "resources"));

	if (g_str_equal(dir, other))
		return g_steal_pointer(&dir);
	etcd_refuse(error,
		    "the snapshot is in %s and the static resources in %s: the script takes "
		    "one directory",
		    dir, other);
	return NULL;
}

/* once: attempts that come later read it */
static gboolean
write_record(RecoveryStep *step, const Situation *situation, GError **error)
{
	g_autofree char *path = situation_record(step);
	g_autofree char *line = restore_before_print(situation->before);
	g_autofree char *text = g_strconcat(line, "\n", NULL);
	g_autofree char *there = NULL;

	if (!rd_file_ask(step, NULL, path, &there, error))
		return FALSE;
	return there != NULL || recovery_put_data(step, text, strlen(text), path, 0600, error);
}

/* In this order: looks that may refuse, the record, what may be lost out of the way, and the hashes
 * last, as close to the use as it gets. */
static gboolean
prepare(RecoveryStep *step, const Situation *situation, const char *dir, GError **error)
{
	return script_is_same(step, error) && check_pair(step, dir, error) &&
	       write_record(step, situation, error) && clear_the_way(step, situation, error) &&
	       script_is_same(step, error) && check_pair(step, dir, error) &&
	       recovery_remember(step, "started", "yes", error);
}

/* ---- running it ---------------------------------------------------------------------------- */

/* Containers of the pods whose manifests the script took away: it waits for them without end. Who
 * cannot look says nothing: the script goes on. */
static GPtrArray *
list_waited_for(RecoveryStep *step)
{
	GPtrArray *waited = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	g_auto(GStrv) names = rd_list_dir(step, NULL, RD_MANIFESTS, NULL);
	g_autofree char *json =
	    names == NULL ? NULL
			  : recovery_ask(step, NULL, NULL, "crictl", "ps", "-o", "json", NULL);
	g_autoptr(GPtrArray) all = json == NULL ? NULL : rd_containers_parse(json, NULL);

	for (guint i = 0; all != NULL && i < RESTORE_PODS; i++) {
		g_autofree char *file = g_strconcat(restore_pods[i], "-pod.yaml", NULL);
		g_autoptr(GPtrArray) of = rd_containers_of(all, rd_pod_find(restore_pods[i], NULL));

		if (of->len > 0 && !g_strv_contains((const char *const *)names, file))
			g_ptr_array_add(waited, g_steal_pointer(&of));
	}
	return waited;
}

/* F18: what the kubelet did not stop by half-time */
static void
stop_containers(RecoveryStep *step, GPtrArray *containers)
{
	for (guint i = 0; i < containers->len; i++) {
		const RdContainer *container = containers->pdata[i];
		const char *argv[] = {"crictl", "stop", "-t", "30", container->id, NULL};
		const RecoveryCommand command = {.argv = argv};
		g_autoptr(GError) error = NULL;

		if (!recovery_run(step, &command, NULL, &error))
			recovery_progress(step, "%s", error->message);
	}
}

static void
watch_script(RecoveryStep *step)
{
	g_autoptr(GPtrArray) waited = list_waited_for(step);
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < waited->len; i++) {
		g_autofree char *words = rd_containers_names(waited->pdata[i]);

		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", words);
	}
	if (waited->len == 0) {
		recovery_progress(step, "%s: cluster-restore.sh is at work", recovery_target(step));
		return;
	}
	recovery_progress(step, "%s: cluster-restore.sh waits for %s to stop",
			  recovery_target(step), names->str);
	if (recovery_time_used(step) < 50)
		return;
	for (guint i = 0; i < waited->len; i++)
		stop_containers(step, waited->pdata[i]);
}

static gboolean
run_script(RecoveryStep *step, const char *dir, GError **error)
{
	const char *argv[] = {"/bin/sh",      "-c", with_proxy, "cluster-restore",
			      RESTORE_SCRIPT, dir,  NULL};
	const RecoveryCommand command = {.argv = argv};

	recovery_progress(step, "%s: " RESTORE_SCRIPT " %s", recovery_target(step), dir);
	return recovery_job_watched(step, RESTORE_JOB, &command, watch_script, NULL, error);
}

/* It ended with 1: before it changed anything, or after half of its work. The disk tells. */
static gboolean
after_failure(RecoveryStep *step, GError *failure, GError **error)
{
	g_autoptr(GError) owned = failure;
	g_auto(Situation) now = {0};

	if (!g_error_matches(owned, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
		g_propagate_error(error, g_steal_pointer(&owned));
		return FALSE;
	}
	if (!situation_find(step, &now, error))
		return FALSE;
	if (now.phase == RESTORE_PHASE_STARTED)
		return finish_by_hand(step, &now, error);
	g_propagate_prefixed_error(error, g_steal_pointer(&owned), "%s",
				   now.phase == RESTORE_PHASE_MOVED
				       ? "the old data is in " RESTORE_SAVED
					 ", nothing was restored: "
				       : "the old data is untouched: ");
	return FALSE;
}

gboolean
etcd_cluster_restore_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = backup_dir(step, error);
	g_auto(Situation) situation = {0};
	g_autoptr(GError) failure = NULL;
	gboolean alive;

	if (dir == NULL)
		return FALSE;
	/* noted by this attempt: all is prepared, and its job may run already */
	if (recovery_recall(step, "started") == NULL) {
		if (!situation_is_alive(step, &alive, error) ||
		    (alive && !situation_refuse_alive(step, error)) ||
		    !situation_find(step, &situation, error))
			return FALSE;
		if (situation.why != NULL)
			return situation_refuse(step, &situation, error);
		if (situation.phase == RESTORE_PHASE_STARTED)
			return finish_by_hand(step, &situation, error);
		if (!prepare(step, &situation, dir, error))
			return FALSE;
	}
	return run_script(step, dir, &failure) ||
	       after_failure(step, g_steal_pointer(&failure), error);
}
