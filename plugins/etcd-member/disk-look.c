/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../common/api.h"
#include "restore.h"
#include <string.h>

#define KEPT_DIR "/var/lib/etcd-backup"

void
disk_clear(Disk *self)
{
	g_clear_pointer(&self->before, disk_before_free);
	g_clear_pointer(&self->files, restore_files_free);
	g_clear_pointer(&self->why, g_free);
}

/* The inode by itself would not tell old from new: the script deletes the old directory, and a file
 * system gives its number to the new one at once. The time is when wal and snap were made in it. */
static RestoreFiles *
list_files(RecoveryStep *step, GError **error)
{
	static const char *const argv[] = {
	    "find",	  MEMBER_DATA, MEMBER_ASSETS,  MEMBER_BACKUP, MEMBER_STOPPED,
	    RD_MANIFESTS, KEPT_DIR,    "-mindepth",    "1",	      "-maxdepth",
	    "1",	  "-printf",   "%i-%T@ %p\\n", NULL};
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) complaints = NULL;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return NULL;
	complaints = rd_lines(reply.err != NULL ? reply.err : "");
	for (guint i = 0; reply.status != 0 && complaints[i] != NULL; i++) {
		if (strstr(complaints[i], "No such file or directory") != NULL)
			continue;
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: cannot list what the script moves: %s", recovery_target(step),
			    complaints[i]);
		return NULL;
	}
	return restore_files_parse(reply.out != NULL ? reply.out : "");
}

static char *
record_path(RecoveryStep *step)
{
	g_autofree char *dir = recovery_work_dir(step);

	return g_strdup_printf("%s/%s.before", dir, recovery_state_name(step));
}

gboolean
disk_find(RecoveryStep *step, Disk *self, gboolean *recorded, GError **error)
{
	g_autofree char *path = record_path(step), *text = NULL;

	if (!rd_file_ask(step, NULL, path, &text, error))
		return FALSE;
	*recorded = text != NULL;
	self->files = list_files(step, error);
	if (self->files == NULL)
		return FALSE;
	self->before = text != NULL ? disk_before_parse(text) : disk_before_of(self->files);
	if (self->before == NULL)
		return rd_api_refuse(
		    error, "%s: cannot read %s, which says what was there before the restore: '%s'",
		    recovery_target(step), path, text);
	self->phase = disk_phase(self->files, self->before, recovery_run_id(step), &self->why);
	return TRUE;
}

gboolean
disk_record(RecoveryStep *step, const Disk *disk, GError **error)
{
	g_autofree char *path = record_path(step);
	g_autofree char *line = disk_before_print(disk->before);
	g_autofree char *text = g_strconcat(line, "\n", NULL);

	return recovery_put_data(step, text, strlen(text), path, 0600, error);
}

gboolean
disk_check_idle(RecoveryStep *step, GError **error)
{
	static const char *const jobs[] = {RESTORE_JOB, "by-hand", "copy-back"};

	for (guint i = 0; i < G_N_ELEMENTS(jobs); i++) {
		g_auto(RecoveryReply) reply = {0};
		RecoveryJobState state;

		if (!recovery_job_state(step, jobs[i], &state, &reply, error))
			return FALSE;
		if (state != RECOVERY_JOB_ALIVE)
			continue;
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: the restore (%s) still runs; it is never started beside itself. "
			    "It waits for containers to stop, as long as it takes ('crictl ps' "
			    "there shows them, 'crictl stop -t 30 ID' ends one)",
			    recovery_target(step), jobs[i]);
		return FALSE;
	}
	return TRUE;
}

gboolean
disk_refuse(RecoveryStep *step, const Disk *disk, GError **error)
{
	return rd_api_refuse(error, "%s: %s", recovery_target(step), disk->why);
}

gboolean
disk_kubelet_runs(RecoveryStep *step, gboolean *runs, GError **error)
{
	g_autofree char *shown =
	    recovery_ask(step, NULL, error, "systemctl", "show", "-p", "ActiveState", "-p",
			 "ActiveEnterTimestampMonotonic", "kubelet.service", NULL);

	*runs = shown != NULL && strstr(shown, "ActiveState=active\n") != NULL;
	return shown != NULL;
}

gboolean
disk_keep_member(RecoveryStep *step, const Disk *disk, GError **error)
{
	g_autofree char *prefix = g_strdup_printf("recoveryd-%s-restored", recovery_run_id(step));
	g_autofree char *to = restore_files_fresh(disk->files, KEPT_DIR, prefix);

	return restore_files_inode(disk->files, MEMBER_DIR) == NULL ||
	       recovery_move(step, MEMBER_DIR, to, error);
}

/* ---- starting ------------------------------------------------------------------------------ */

/* The script's directory is on another mount than the kubelet's: the text is copied to a dot name
 * and renamed, and what was parked goes aside, for a later restore would start whatever lies there
 * (P1-19). */
static gboolean
bring(RecoveryStep *step, const Disk *disk, const char *name, GError **error)
{
	g_autofree char *path = g_build_filename(RD_MANIFESTS, name, NULL);
	g_autofree char *stopped = g_build_filename(MEMBER_STOPPED, name, NULL);
	g_autofree char *text = NULL;

	if (restore_files_inode(disk->files, stopped) == NULL)
		return TRUE;
	if (restore_files_inode(disk->files, path) == NULL) {
		if (!rd_file_ask(step, NULL, stopped, &text, error))
			return FALSE;
		if (text == NULL)
			return rd_api_refuse(error, "%s: %s vanished", recovery_target(step),
					     stopped);
		recovery_progress(step, "%s: places %s", recovery_target(step), name);
		if (!recovery_put_data(step, text, strlen(text), path, 0600, error))
			return FALSE;
	}
	return recovery_move_aside(step, stopped, error);
}

static gboolean
start_kubelet(RecoveryStep *step, GError **error)
{
	const char *reload[] = {"systemctl", "daemon-reload", NULL};
	const char *start[] = {"systemctl", "start", "kubelet.service", NULL};
	const RecoveryCommand first = {.argv = reload}, second = {.argv = start};
	gboolean runs;

	if (!disk_kubelet_runs(step, &runs, error))
		return FALSE;
	return runs || (recovery_run(step, &first, NULL, error) &&
			recovery_run(step, &second, NULL, error));
}

gboolean
disk_start(RecoveryStep *step, const Disk *disk, GError **error)
{
	if (!bring(step, disk, MEMBER_FILE, error))
		return FALSE;
	for (guint i = 0; disk->before->manifests[i] != NULL; i++)
		if (!g_str_equal(disk->before->manifests[i], MEMBER_FILE) &&
		    !bring(step, disk, disk->before->manifests[i], error))
			return FALSE;
	return start_kubelet(step, error);
}
