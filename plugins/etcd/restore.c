/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `snapshot restore` into a directory of its own beside the data, in a container of etcd's image:
 * etcdutl where the image has it (in 3.6 etcdctl can no longer), else etcdctl. Done is what ended
 * well and is complete on disk; what a cut left behind is renamed, never deleted (INV-8). */

#include "../common/etcd-output.h"
#include "../common/etcd-parse.h"
#include "etcd.h"
#include <string.h>

#define JOB "restore"

char *
etcd_restore_dir(RecoveryStep *step, GError **error)
{
	const char *token = recovery_string(step, "token");

	if (!rd_token_is_valid(token)) {
		etcd_refuse(error, "'%s' is not a token of the form openshift-etcd-UUID", token);
		return NULL;
	}
	return g_strdup_printf(ETCD_DIR "/restore-%s", token + strlen("openshift-etcd-"));
}

gboolean
etcd_is_complete(RecoveryStep *step, const char *member, gboolean *complete, GError **error)
{
	const char *argv[] = {"find", member, "-maxdepth", "2", "-type", "f", NULL};
	g_autofree char *db = g_strconcat(member, ETCD_DB, NULL);
	g_autofree char *wal = g_strconcat(member, "/wal/", NULL);
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) files = NULL;
	gboolean has_db, has_wal = FALSE;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status != 0 &&
	    (reply.err == NULL || strstr(reply.err, "No such file or directory") == NULL)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot list %s: %s",
			    recovery_target(step), member,
			    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
		return FALSE;
	}
	files = rd_lines(reply.out != NULL ? reply.out : "");
	has_db = g_strv_contains((const char *const *)files, db);
	for (guint i = 0; files[i] != NULL; i++)
		has_wal = has_wal ||
			  (g_str_has_prefix(files[i], wal) && g_str_has_suffix(files[i], ".wal"));
	*complete = has_db && has_wal;
	return TRUE;
}

/* the restored member, still in its own directory or placed already; *complete is FALSE when
 * there is none */
static gboolean
find_restored(RecoveryStep *step, gboolean *complete, GError **error)
{
	g_autofree char *dir = etcd_restore_dir(step, error);
	g_autofree char *base = dir == NULL ? NULL : g_path_get_basename(dir);
	g_autofree char *member = dir == NULL ? NULL : g_build_filename(dir, "member", NULL);
	g_auto(GStrv) names = dir == NULL ? NULL : rd_list_dir(step, NULL, ETCD_DIR, error);

	*complete = FALSE;
	if (names == NULL)
		return FALSE;
	if (g_strv_contains((const char *const *)names, base) &&
	    (!etcd_is_complete(step, member, complete, error)))
		return FALSE;
	if (*complete || !g_strv_contains((const char *const *)names, "member"))
		return TRUE;
	return etcd_is_complete(step, ETCD_MEMBER, complete, error);
}

RecoveryProbe
etcd_restore_probe(RecoveryStep *step, GError **error)
{
	RecoveryJobState state;
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(RdMembers) members = NULL;
	g_autofree char *text = NULL;
	gboolean complete;

	if (!recovery_job_state(step, JOB, &state, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (state != RECOVERY_JOB_ENDED || reply.status != 0)
		return RECOVERY_PROBE_ABSENT;
	if (!find_restored(step, &complete, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!complete)
		return RECOVERY_PROBE_ABSENT;
	members = rd_output_added_members(reply.out, error);
	if (members == NULL) {
		g_prefix_error(error, "%s: ", recovery_target(step));
		return RECOVERY_PROBE_UNKNOWN;
	}
	text = rd_members_to_string(members);
	return recovery_output(step, "members", text, error) ? RECOVERY_PROBE_PRESENT
							     : RECOVERY_PROBE_UNKNOWN;
}

/* ---- before it ----------------------------------------------------------------------------- */

/* to a name that nothing has yet; etcd and place know it by its beginning */
static gboolean
rename_half(RecoveryStep *step, const char *dir, char **names, GError **error)
{
	g_autofree char *base = g_path_get_basename(dir);

	if (!g_strv_contains((const char *const *)names, base))
		return TRUE;
	for (guint i = 1;; i++) {
		g_autofree char *name =
		    g_strdup_printf("recoveryd-%s-%s.%u", recovery_run_id(step), base, i);
		g_autofree char *path = g_build_filename(ETCD_DIR, name, NULL);

		if (!g_strv_contains((const char *const *)names, name))
			return recovery_move(step, dir, path, error);
	}
}

static gboolean
check_snapshot(RecoveryStep *step, GError **error)
{
	const char *snapshot = recovery_string(step, "snapshot");
	const char *wanted = recovery_string(step, "sha256");
	g_autofree char *shown = recovery_ask(step, NULL, error, "sha256sum", snapshot, NULL);
	g_autofree char *found = shown == NULL ? NULL : g_strndup(shown, strcspn(shown, " \n"));

	if (found == NULL)
		return FALSE;
	if (g_ascii_strcasecmp(found, wanted) == 0)
		return TRUE;
	return etcd_refuse(error,
			   "%s: %s is no longer the snapshot that was copied there: its SHA-256 is "
			   "%s, not %s. Copy it again before going on",
			   recovery_target(step), snapshot, found, wanted);
}

static gboolean
check_image(RecoveryStep *step, GError **error)
{
	const char *image = recovery_string(step, "image");
	const char *argv[] = {"podman", "image", "exists", image, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!rd_image_is_valid(image))
		return etcd_refuse(error, "'%s' is not an image", image);
	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	return reply.status == 0 ||
	       etcd_refuse(
		   error,
		   "%s: the image %s is no longer on this host. Fetch it with podman pull "
		   "--authfile=/var/lib/kubelet/config.json, or podman load it from another "
		   "control-plane host",
		   recovery_target(step), image);
}

/* podman run … IMAGE, to be continued with the tool's arguments. (element-type utf8) */
static GPtrArray *
podman_run(RecoveryStep *step, const char *tool)
{
	g_autofree char *backup = g_path_get_dirname(recovery_string(step, "snapshot"));
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	static const char *const start[] = {"podman", "run", "--rm", "--network=none",
					    "--authfile=/var/lib/kubelet/config.json"};

	for (guint i = 0; i < G_N_ELEMENTS(start); i++)
		g_ptr_array_add(argv, g_strdup(start[i]));
	g_ptr_array_add(argv, g_strconcat("--entrypoint=", tool, NULL));
	g_ptr_array_add(argv, g_strdup("-e"));
	g_ptr_array_add(argv, g_strdup("ETCDCTL_API=3"));
	g_ptr_array_add(argv, g_strdup("-v"));
	g_ptr_array_add(argv, g_strdup(ETCD_DIR ":" ETCD_DIR ":z"));
	g_ptr_array_add(argv, g_strdup("-v"));
	g_ptr_array_add(argv, g_strdup_printf("%s:%s:ro,z", backup, backup));
	g_ptr_array_add(argv, g_strdup(recovery_string(step, "image")));
	return argv;
}

/* a container that starts is no look: it is written down like every change */
static gboolean
try_tool(RecoveryStep *step, const char *tool, char **version, GError **error)
{
	g_autoptr(GPtrArray) argv = podman_run(step, tool);
	RecoveryCommand command = {0};
	g_auto(RecoveryReply) reply = {0};

	g_ptr_array_add(argv, g_strdup("version"));
	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	if (!recovery_run(step, &command, &reply, error))
		return FALSE;
	*version = g_strndup(reply.out != NULL ? reply.out : "",
			     reply.out != NULL ? strcspn(reply.out, "\n") : 0);
	return TRUE;
}

static const char *
choose_tool(RecoveryStep *step, GError **error)
{
	g_autofree char *version = NULL;
	g_autoptr(GError) inner = NULL;
	const char *tool = "etcdutl";

	if (!try_tool(step, "etcdutl", &version, &inner)) {
		if (!g_error_matches(inner, RECOVERY_ERROR, RECOVERY_ERROR_FAILED)) {
			g_propagate_error(error, g_steal_pointer(&inner));
			return NULL;
		}
		tool = "etcdctl";
		if (!try_tool(step, "etcdctl", &version, error)) {
			g_prefix_error(error, "%s: neither etcdutl nor etcdctl runs in %s: ",
				       recovery_target(step), recovery_string(step, "image"));
			return NULL;
		}
	}
	return recovery_output(step, "tool", version, error) ? tool : NULL;
}

/* Everything that has to hold before the job starts. The order matters: the hash comes last, as
 * close to the use as it gets (INV-4). */
static const char *
prepare(RecoveryStep *step, const char *dir, GError **error)
{
	g_auto(GStrv) names = NULL;
	RecoveryJobState state;
	g_auto(RecoveryReply) reply = {0};
	const char *tool;

	if (!recovery_job_state(step, JOB, &state, &reply, error))
		return NULL;
	if (state == RECOVERY_JOB_ALIVE) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: the restore of an earlier attempt still runs",
			    recovery_target(step));
		return NULL;
	}
	names = rd_list_dir(step, NULL, ETCD_DIR, error);
	if (names == NULL)
		return NULL;
	if (g_strv_contains((const char *const *)names, "member")) {
		etcd_refuse(error,
			    "%s: %s is still there: the old data has to be moved aside first",
			    recovery_target(step), ETCD_MEMBER);
		return NULL;
	}
	if (!rename_half(step, dir, names, error) || !check_image(step, error))
		return NULL;
	tool = choose_tool(step, error);
	return tool != NULL && check_snapshot(step, error) ? tool : NULL;
}

/* ---- it ------------------------------------------------------------------------------------ */

static gboolean
run_job(RecoveryStep *step, const char *tool, const char *dir, GError **error)
{
	g_autoptr(GPtrArray) argv = podman_run(step, tool);
	const char *const arguments[] = {"snapshot",
					 "restore",
					 recovery_string(step, "snapshot"),
					 "--name",
					 recovery_string(step, "name"),
					 "--initial-cluster",
					 recovery_string(step, "initial-cluster"),
					 "--initial-cluster-token",
					 recovery_string(step, "token"),
					 "--initial-advertise-peer-urls",
					 recovery_string(step, "peer-url"),
					 "--data-dir",
					 dir};
	RecoveryCommand command = {0};

	for (guint i = 0; i < G_N_ELEMENTS(arguments); i++)
		g_ptr_array_add(argv, g_strdup(arguments[i]));
	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	recovery_progress(step, "%s restores the snapshot into %s", recovery_target(step), dir);
	return recovery_job(step, JOB, &command, NULL, error);
}

gboolean
etcd_restore_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = etcd_restore_dir(step, error);
	/* noted by this attempt: its job may run, and what it writes must stay where it is */
	const char *tool = recovery_recall(step, "tool");

	if (dir == NULL)
		return FALSE;
	if (tool == NULL) {
		tool = prepare(step, dir, error);
		if (tool == NULL || !recovery_remember(step, "tool", tool, error))
			return FALSE;
	}
	return run_job(step, tool, dir, error);
}

gboolean
etcd_restore_undo(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = etcd_restore_dir(step, error);
	g_auto(GStrv) names = NULL;
	RecoveryJobState state;
	g_auto(RecoveryReply) reply = {0};

	if (dir == NULL || !recovery_job_state(step, JOB, &state, &reply, error))
		return FALSE;
	if (state == RECOVERY_JOB_ALIVE) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: the restore still runs; it ends by itself, then undo again",
			    recovery_target(step));
		return FALSE;
	}
	names = rd_list_dir(step, NULL, ETCD_DIR, error);
	return names != NULL && rename_half(step, dir, names, error);
}
