/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does the recovery host have what cluster-restore.sh needs (P2-06)? Asked while everything still
 * runs: the script finds out when all of it is stopped. */

#include "../common/etcd-parse.h"
#include "situation.h"
#include <glib/gstdio.h>
#include <string.h>

#define GIB (G_GUINT64_CONSTANT(1) << 30)

/* F14: the script's podman would fetch it, perhaps from a registry on the cluster that is down */
char *
etcd_env_image(RecoveryStep *step, GError **error)
{
	g_autofree char *env = NULL, *image = NULL;
	g_auto(RecoveryReply) reply = {0};

	if (!rd_file_ask(step, NULL, ETCD_ENV, &env, error))
		return NULL;
	image = rd_env_get(env != NULL ? env : "", "ETCD_IMAGE", error);
	if (image == NULL) {
		g_prefix_error(error, "%s: " ETCD_ENV ": ", recovery_target(step));
		return NULL;
	}
	if (!rd_image_is_valid(image)) {
		etcd_refuse(error, "%s: " ETCD_ENV ": '%s' is not an image", recovery_target(step),
			    image);
		return NULL;
	}
	if (!recovery_ask_status(step, NULL,
				 (const char *[]){"podman", "image", "exists", image, NULL}, &reply,
				 error))
		return NULL;
	if (reply.status == 0)
		return g_steal_pointer(&image);
	etcd_refuse(error,
		    "%s: the image %s is not on this host. Fetch it now, while nothing is stopped: "
		    "podman pull --authfile=/var/lib/kubelet/config.json %s",
		    recovery_target(step), image, image);
	return NULL;
}

/* bytes of the old database, 0 when there is none */
static gboolean
ask_db_size(RecoveryStep *step, guint64 *size, GError **error)
{
	const char *argv[] = {"stat", "-c", "%i %s", ETCD_MEMBER ETCD_DB, NULL};
	g_auto(RecoveryReply) reply = {0};

	*size = 0;
	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status == 0 && strchr(reply.out, ' ') != NULL)
		*size = g_ascii_strtoull(strchr(reply.out, ' '), NULL, 10);
	return TRUE;
}

/* F11: the script's copy, the restored data, the old one where it is moved by copying, and the logs
 * of the first minutes */
static gboolean
check_room(RecoveryStep *step, GError **error)
{
	const char *snapshot = recovery_string(step, "snapshot");
	guint64 db, needed;
	GStatBuf status;

	if (g_stat(snapshot, &status) != 0)
		return etcd_refuse(error, "cannot look at %s here", snapshot);
	if (!ask_db_size(step, &db, error))
		return FALSE;
	needed = 2 * (guint64)status.st_size + db + GIB;
	return rd_space_check(step, ETCD_DIR, needed, error) &&
	       rd_space_check(step, "/var/lib", needed, error);
}

/* the runtime has to answer, and the kubelet to live: it alone stops and starts pods */
static gboolean
check_services(RecoveryStep *step, GError **error)
{
	g_autofree char *shown =
	    recovery_ask(step, NULL, error, "systemctl", "show", "-p", "ActiveState", "-p",
			 "ActiveEnterTimestampMonotonic", "kubelet.service", NULL);
	g_autoptr(GPtrArray) containers = NULL;

	if (shown == NULL)
		return FALSE;
	if (strstr(shown, "ActiveState=active\n") == NULL)
		return etcd_refuse(error,
				   "%s: the kubelet does not run, so nothing would stop the static "
				   "pods: systemctl start kubelet.service",
				   recovery_target(step));
	containers = rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	return containers != NULL;
}

/* what is in the way, and what will become of it: (F21, F22) */
static gboolean
look_around(RecoveryStep *step, GString *note, GError **error)
{
	g_autoptr(RestoreFiles) files = situation_list(step, error);
	g_auto(GStrv) data = NULL, stopped = NULL;

	if (files == NULL)
		return FALSE;
	data = restore_files_names(files, ETCD_DIR);
	stopped = restore_files_names(files, RESTORE_STOPPED);
	for (guint i = 0; data[i] != NULL; i++)
		if (!g_str_equal(data[i], "member"))
			g_string_append_printf(note, "; " ETCD_DIR "/%s will be moved aside",
					       data[i]);
	if (restore_files_inode(files, RESTORE_SAVED "/member") != NULL)
		g_string_append(note, "; " RESTORE_SAVED "/member is there of an earlier restore "
				      "and will be renamed, the script would delete it");
	if (stopped[0] != NULL)
		g_string_append(note, "; " RESTORE_STOPPED " has manifests of an earlier restore, "
				      "which will be renamed");
	return TRUE;
}

gboolean
etcd_restore_room(RecoveryStep *step, GError **error)
{
	g_autofree char *image = etcd_env_image(step, error);
	g_autofree char *pod = NULL;
	g_autoptr(GString) note = g_string_new(NULL);

	if (image == NULL || !rd_file_ask(step, NULL, ETCD_RESTORE_POD, &pod, error))
		return FALSE;
	if (pod == NULL)
		return etcd_refuse(error,
				   "%s: " ETCD_RESTORE_POD " does not exist. The etcd operator "
				   "writes it; choose a recovery host that was a member",
				   recovery_target(step));
	if (!check_room(step, error) || !check_services(step, error) ||
	    !look_around(step, note, error))
		return FALSE;
	if (note->len > 0)
		g_string_erase(note, 0, strlen("; "));
	return recovery_output(step, "image", image, error) &&
	       recovery_output(step, "note", note->str, error);
}
