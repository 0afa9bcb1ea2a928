/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Back to before etcd-snapshot-restore.sh (P1-05 UNDO): what it started is stopped, what it
 * restored is kept under a name of the run, and the copy that it made of the old data comes back.
 * The procedure's marks say whether anybody may still want that. */

#include "../common/api.h"
#include "restore.h"
#include <string.h>

#define BACK MEMBER_DATA "/recoveryd-back" /* half a copy, until it is renamed */

static gboolean
stop_kubelet(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"systemctl", "stop", "kubelet.service", NULL};
	const RecoveryCommand command = {.argv = argv};

	return recovery_run(step, &command, NULL, error);
}

/* until then etcd writes into its directory */
static gboolean
stop_etcd(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) running = rd_containers_ask(step, NULL, &member_pod, error);

	if (running == NULL)
		return FALSE;
	for (guint i = 0; i < running->len; i++) {
		const RdContainer *container = running->pdata[i];
		const char *argv[] = {"crictl", "stop", "-t", "30", container->id, NULL};
		const RecoveryCommand command = {.argv = argv};

		if (!recovery_run(step, &command, NULL, error))
			return FALSE;
	}
	g_clear_pointer(&running, g_ptr_array_unref);
	running = rd_containers_ask(step, NULL, &member_pod, error);
	if (running != NULL && running->len > 0)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: etcd-member still runs, its data stays where it is",
			    recovery_target(step));
	return running != NULL && running->len == 0;
}

/* bytes below @path */
static gboolean
ask_size(RecoveryStep *step, const char *path, guint64 *size, GError **error)
{
	g_autofree char *shown = recovery_ask(step, NULL, error, "du", "-sb", path, NULL);

	*size = shown != NULL ? g_ascii_strtoull(shown, NULL, 10) : 0;
	return shown != NULL;
}

/* Of several copies the one with the most bytes: a later one may be of data that was half removed.
 */
static gboolean
choose_copy(RecoveryStep *step, const Disk *disk, char **best, GError **error)
{
	g_auto(GStrv) copies = disk_copies(disk->files, recovery_run_id(step));
	guint64 most = 0;

	for (guint i = 0; copies[i] != NULL; i++) {
		guint64 size;

		if (!ask_size(step, copies[i], &size, error))
			return FALSE;
		if (size <= most)
			continue;
		most = size;
		g_free(*best);
		*best = g_strdup(copies[i]);
	}
	return TRUE;
}

static gboolean
bring_data(RecoveryStep *step, const Disk *disk, GError **error)
{
	g_autofree char *copy = NULL, *from = NULL;
	const char *argv[] = {"cp", "-aT", NULL, BACK, NULL};
	const RecoveryCommand command = {.argv = argv};

	if (g_str_equal(disk->before->member, "none"))
		return TRUE;
	if (!choose_copy(step, disk, &copy, error))
		return FALSE;
	if (copy == NULL)
		return rd_api_refuse(error,
				     "%s: no copy of the old data is in " MEMBER_BACKUP
				     ": it cannot be brought back",
				     recovery_target(step));
	argv[2] = from = g_build_filename(copy, "member", NULL);
	return recovery_job(step, "copy-back", &command, NULL, error) &&
	       recovery_move(step, BACK, MEMBER_DIR, error);
}

/* once: what lies there afterwards is the old data, which a second try must not put away */
static gboolean
return_data(RecoveryStep *step, const Disk *disk, GError **error)
{
	g_autofree char *dir = recovery_work_dir(step), *there = NULL;
	g_autofree char *path = g_strdup_printf("%s/%s.undone", dir, recovery_state_name(step));

	if (!rd_file_ask(step, NULL, path, &there, error))
		return FALSE;
	return there != NULL ||
	       (stop_kubelet(step, error) && stop_etcd(step, error) &&
		disk_keep_member(step, disk, error) && bring_data(step, disk, error) &&
		recovery_put_data(step, "yes\n", strlen("yes\n"), path, 0600, error));
}

gboolean
member_restore_undo(RecoveryStep *step, GError **error)
{
	g_auto(Disk) disk = {0}, now = {0};
	gboolean recorded;

	if (!disk_check_idle(step, error) || !disk_find(step, &disk, &recorded, error))
		return FALSE;
	if (!recorded) /* nothing was begun */
		return TRUE;
	if (disk.phase == DISK_STRANGE)
		return disk_refuse(step, &disk, error);
	if (disk.phase != DISK_OLD && !return_data(step, &disk, error))
		return FALSE;
	return disk_find(step, &now, &recorded, error) && disk_start(step, &now, error);
}
