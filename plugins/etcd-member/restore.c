/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* etcd-snapshot-restore.sh, run once (P1-05).
 *
 * It stops all static pods and the kubelet, copies the data to ./assets/backup/etcd unless there is
 * such a copy, removes it, restores, and starts everything again. Run a second time it takes the
 * copy of the first time for one of today and deletes what is there; so what it made before is
 * renamed before each start, and it is started only while the old data is in place. Later its
 * remaining steps are done one by one. Which of these it is, is decided from the disk (disk.c);
 * what was there before its first start is kept in a record on the host, which outlives attempts,
 * engines and boots. */

#include "restore.h"
#include "../common/api.h"
#include <string.h>

/* ---- looking ------------------------------------------------------------------------------- */

gboolean
member_restore_baseline(RecoveryStep *step, GError **error)
{
	g_auto(Disk) disk = {0};
	g_autofree char *text = NULL;
	gboolean recorded;

	if (!disk_find(step, &disk, &recorded, error))
		return FALSE;
	text = disk_before_print(disk.before);
	return recovery_remember(step, "before", text, error);
}

static RecoveryProbe
probe_started(RecoveryStep *step, const Disk *disk, GError **error)
{
	g_auto(GStrv) copies = disk_copies(disk->files, recovery_run_id(step));
	g_autofree char *all = g_strjoinv(",", copies);
	gboolean runs;

	if (!disk_kubelet_runs(step, &runs, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!runs) {
		recovery_progress(step, "%s: restored, the kubelet does not run yet",
				  recovery_target(step));
		return RECOVERY_PROBE_ABSENT;
	}
	recovery_progress(step, "%s: restored; copies of the old data: %s", recovery_target(step),
			  all);
	return recovery_output(step, "old-data", all, error) ? RECOVERY_PROBE_PRESENT
							     : RECOVERY_PROBE_UNKNOWN;
}

RecoveryProbe
member_restore_probe(RecoveryStep *step, GError **error)
{
	g_auto(Disk) disk = {0};
	gboolean recorded;

	if (!disk_check_idle(step, error) || !disk_find(step, &disk, &recorded, error))
		return RECOVERY_PROBE_UNKNOWN;
	/* without a record nothing was begun, whatever it looks like */
	if (!recorded && disk.phase != DISK_STRANGE)
		return RECOVERY_PROBE_ABSENT;
	if (disk.phase == DISK_STARTED)
		return probe_started(step, &disk, error);
	if (disk.phase != DISK_STRANGE)
		return RECOVERY_PROBE_ABSENT;
	disk_refuse(step, &disk, error);
	return RECOVERY_PROBE_UNKNOWN;
}

/* ---- out of its way ------------------------------------------------------------------------ */

/* INV-8: with this in place the script would make no copy before it deletes. One from before this
 * run is called another name than those of its own */
static gboolean
rename_copy(RecoveryStep *step, const Disk *disk, gboolean recorded, GError **error)
{
	g_autofree char *prefix = g_strdup_printf("recoveryd-%s-%s", recovery_run_id(step),
						  recorded ? DISK_COPY : "earlier");
	g_autofree char *to = NULL;

	if (restore_files_inode(disk->files, MEMBER_BACKUP "/" DISK_COPY) == NULL)
		return TRUE;
	to = restore_files_fresh(disk->files, MEMBER_BACKUP, prefix);
	recovery_progress(step, "%s: keeps an earlier " MEMBER_BACKUP "/" DISK_COPY " as %s",
			  recovery_target(step), to);
	return recovery_move(step, MEMBER_BACKUP "/" DISK_COPY, to, error);
}

/* F31, P1-19: it starts every file that lies there at the end, and its mv replaces what is there.
 * What its first start parked, and nothing has taken the place of, stays for it to start. */
static gboolean
clear_stopped(RecoveryStep *step, const Disk *disk, gboolean recorded, GError **error)
{
	g_auto(GStrv) names = restore_files_names(disk->files, MEMBER_STOPPED);
	g_autofree char *prefix =
	    g_strdup_printf("manifests-stopped.recoveryd-%s", recovery_run_id(step));
	g_autofree char *dir = restore_files_fresh(disk->files, MEMBER_ASSETS, prefix);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *from = g_build_filename(MEMBER_STOPPED, names[i], NULL);
		g_autofree char *to = g_build_filename(dir, names[i], NULL);
		g_autofree char *placed = g_build_filename(RD_MANIFESTS, names[i], NULL);
		gboolean ours =
		    recorded &&
		    g_strv_contains((const char *const *)disk->before->manifests, names[i]);

		if (ours && restore_files_inode(disk->files, placed) == NULL)
			continue;
		if (!recovery_move(step, from, to, error))
			return FALSE;
	}
	return TRUE;
}

/* INV-4 */
static gboolean
check_snapshot(RecoveryStep *step, GError **error)
{
	const char *path = recovery_string(step, "snapshot");
	const char *wanted = recovery_string(step, "sha256");
	g_autofree char *found = NULL;

	if (!rd_sum_ask(step, path, &found, error))
		return FALSE;
	return (found != NULL && g_ascii_strcasecmp(found, wanted) == 0) ||
	       rd_api_refuse(error,
			     "%s: %s is not the snapshot that was copied there: its SHA-256 is %s, "
			     "not %s. Copy it again before going on",
			     recovery_target(step), path, found != NULL ? found : "that of no file",
			     wanted);
}

/* looks that may refuse, what may be lost out of the way, the record of what was there, and the
 * hashes last */
static gboolean
prepare(RecoveryStep *step, const Disk *disk, gboolean recorded, GError **error)
{
	return script_is_same(step, SCRIPT_RESTORE, error) && check_snapshot(step, error) &&
	       rename_copy(step, disk, recorded, error) &&
	       (recorded || disk_record(step, disk, error)) &&
	       clear_stopped(step, disk, recorded, error) &&
	       script_is_same(step, SCRIPT_RESTORE, error) && check_snapshot(step, error) &&
	       recovery_remember(step, "started", "yes", error);
}

/* ---- running it ---------------------------------------------------------------------------- */

/* It waits for etcd to end, without end; who cannot look says nothing, the script goes on */
static void
watch_script(RecoveryStep *step)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, RD_MANIFESTS, NULL);
	g_autoptr(GPtrArray) running =
	    names != NULL ? rd_containers_ask(step, NULL, &member_pod, NULL) : NULL;
	g_autofree char *words = NULL;

	if (running == NULL || running->len == 0 ||
	    g_strv_contains((const char *const *)names, MEMBER_FILE)) {
		recovery_progress(step, "%s: " SCRIPT_RESTORE " is at work", recovery_target(step));
		return;
	}
	words = rd_containers_names(running);
	recovery_progress(step, "%s: " SCRIPT_RESTORE " waits for %s to stop",
			  recovery_target(step), words);
	if (recovery_time_used(step) < 50)
		return;
	for (guint i = 0; i < running->len; i++) {
		const RdContainer *container = running->pdata[i];
		const char *argv[] = {"crictl", "stop", "-t", "30", container->id, NULL};
		const RecoveryCommand command = {.argv = argv};
		g_autoptr(GError) error = NULL;

		if (!recovery_run(step, &command, NULL, &error))
			recovery_progress(step, "%s", error->message);
	}
}

static gboolean
run_script(RecoveryStep *step, GError **error)
{
	const char *argv[] = {SCRIPT_RESTORE, recovery_string(step, "snapshot"),
			      recovery_string(step, "initial-cluster"), NULL};
	const RecoveryCommand command = {.argv = argv, .cwd = MEMBER_HOME};

	recovery_progress(step, "%s: " SCRIPT_RESTORE, recovery_target(step));
	return recovery_job_watched(step, RESTORE_JOB, &command, watch_script, NULL, error);
}

/* ---- what is left of it, one by one --------------------------------------------------------- */

/* the script's own command, but with the hash checked */
static gboolean
restore_data(RecoveryStep *step, GError **error)
{
	const char *cluster = recovery_string(step, "initial-cluster");
	const char *equals = strchr(cluster, '=');
	g_autofree char *name = equals != NULL ? g_strndup(cluster, equals - cluster) : NULL;
	const char *argv[] = {MEMBER_ASSETS "/bin/etcdctl",
			      "snapshot",
			      "restore",
			      recovery_string(step, "snapshot"),
			      "--name",
			      name,
			      "--initial-cluster",
			      cluster,
			      "--initial-cluster-token",
			      MEMBER_TOKEN,
			      "--initial-advertise-peer-urls",
			      equals != NULL ? equals + 1 : "",
			      "--data-dir",
			      MEMBER_DATA,
			      NULL};
	const char *env[] = {"ETCDCTL_API=3", NULL};
	const RecoveryCommand command = {.argv = argv, .env = env};

	if (name == NULL)
		return rd_api_refuse(error, "'%s' is not NAME=URL", cluster);
	return recovery_job(step, "by-hand", &command, NULL, error);
}

/* Noted by this attempt, its job may have ended already: it is not done again then, and what it
 * restored is what lies there. */
static gboolean
restore_by_hand(RecoveryStep *step, const Disk *disk, GError **error)
{
	if (recovery_recall(step, "by-hand") == NULL &&
	    (!check_snapshot(step, error) || !disk_keep_member(step, disk, error) ||
	     !recovery_remember(step, "by-hand", "yes", error)))
		return FALSE;
	return restore_data(step, error);
}

static gboolean
go_on(RecoveryStep *step, const Disk *disk, GError **error)
{
	g_auto(Disk) now = {0};
	gboolean recorded;

	recovery_progress(step, "%s: what " SCRIPT_RESTORE " left undone is done one by one",
			  recovery_target(step));
	if (disk->phase == DISK_REMOVED && !restore_by_hand(step, disk, error))
		return FALSE;
	if (!disk_find(step, &now, &recorded, error))
		return FALSE;
	/* an etcd that starts on nothing would be nobody's */
	if (restore_files_inode(now.files, MEMBER_DIR) != NULL)
		return disk_start(step, &now, error);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: there is no data in " MEMBER_DIR " after the restore; nothing was started",
		    recovery_target(step));
	return FALSE;
}

/* It ended with 1: before it changed anything, or after half of its work. The disk tells. */
static gboolean
after_failure(RecoveryStep *step, GError *failure, GError **error)
{
	g_autoptr(GError) owned = failure;
	g_auto(Disk) now = {0};
	gboolean recorded;

	if (!g_error_matches(owned, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
		g_propagate_error(error, g_steal_pointer(&owned));
		return FALSE;
	}
	if (!disk_find(step, &now, &recorded, error))
		return FALSE;
	if (now.phase != DISK_OLD && now.phase != DISK_STRANGE)
		return go_on(step, &now, error);
	g_propagate_prefixed_error(error, g_steal_pointer(&owned), "the old data is untouched: ");
	return FALSE;
}

gboolean
member_restore_enter(RecoveryStep *step, GError **error)
{
	g_auto(Disk) disk = {0};
	g_autoptr(GError) failure = NULL;
	gboolean recorded;

	/* noted by this attempt: all is prepared, and its job may run already */
	if (recovery_recall(step, "started") == NULL) {
		if (!disk_check_idle(step, error) || !disk_find(step, &disk, &recorded, error))
			return FALSE;
		if (disk.phase == DISK_STRANGE)
			return disk_refuse(step, &disk, error);
		if (recorded && disk.phase != DISK_OLD)
			return go_on(step, &disk, error);
		if (!prepare(step, &disk, recorded, error))
			return FALSE;
	}
	return run_script(step, &failure) || after_failure(step, g_steal_pointer(&failure), error);
}
