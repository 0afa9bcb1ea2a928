/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "situation.h"
#include "../common/ask.h"
#include "../common/etcd-output.h"
#include <string.h>

const char *const restore_pods[RESTORE_PODS] = {"kube-apiserver", "kube-controller-manager",
						"kube-scheduler", "etcd"};

void
situation_clear(Situation *self)
{
	g_clear_pointer(&self->before, restore_before_free);
	g_clear_pointer(&self->files, restore_files_free);
	g_clear_pointer(&self->why, g_free);
}

static gboolean
cannot(RecoveryStep *step, const char *what, const RecoveryReply *reply, GError **error)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s: %s",
		    recovery_target(step), what,
		    reply->err != NULL ? g_strchomp(reply->err) : "no reason given");
	return FALSE;
}

RestorePod
situation_compare(const char *text, const char *whole)
{
	if (text == NULL)
		return RESTORE_POD_ABSENT;
	if (g_str_equal(text, whole))
		return RESTORE_POD_RESTORE;
	return g_str_has_prefix(whole, text) ? RESTORE_POD_PARTIAL : RESTORE_POD_OTHER;
}

RestoreFiles *
situation_list(RecoveryStep *step, GError **error)
{
	static const char *const argv[] = {
	    "find",	  ETCD_DIR,    RESTORE_SAVED, RESTORE_ASSETS, RESTORE_STOPPED,
	    RD_MANIFESTS, "-mindepth", "1",	      "-maxdepth",    "1",
	    "-printf",	  "%i %p\\n",  NULL};
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) complaints = NULL;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return NULL;
	complaints = rd_lines(reply.err != NULL ? reply.err : "");
	for (guint i = 0; reply.status != 0 && complaints[i] != NULL; i++) {
		if (strstr(complaints[i], "No such file or directory") != NULL)
			continue;
		cannot(step, "cannot list what the script moves", &reply, error);
		return NULL;
	}
	return restore_files_parse(reply.out != NULL ? reply.out : "");
}

static gboolean
find_pod(RecoveryStep *step, RestorePod *pod, GError **error)
{
	g_autofree char *text = NULL, *whole = NULL;

	if (!rd_file_ask(step, NULL, ETCD_POD, &text, error) ||
	    !rd_file_ask(step, NULL, ETCD_RESTORE_POD, &whole, error))
		return FALSE;
	if (whole == NULL)
		return etcd_refuse(error,
				   "%s: " ETCD_RESTORE_POD " does not exist. The etcd operator "
				   "writes it; without it the script has nothing to start",
				   recovery_target(step));
	*pod = situation_compare(text, whole);
	return TRUE;
}

/* ---- before -------------------------------------------------------------------------------- */

char *
situation_record(RecoveryStep *step)
{
	g_autofree char *dir = recovery_work_dir(step);

	return g_strdup_printf("%s/%s.before", dir, recovery_state_name(step));
}

/* Asked of this host's member alone: that answers without a quorum, too. Unknown is no reason to
 * stop; then only the inodes tell old from new. */
static gboolean
ask_cluster(RecoveryStep *step, char **id, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	const RdContainer *container = containers == NULL ? NULL : etcd_container(containers);
	g_auto(RecoveryReply) reply = {0};
	guint64 number;

	if (containers == NULL)
		return FALSE;
	if (container != NULL) {
		const char *argv[] = {"crictl",
				      "exec",
				      container->id,
				      "env",
				      "ETCDCTL_ENDPOINTS=https://localhost:2379",
				      "etcdctl",
				      "endpoint",
				      "status",
				      "-w",
				      "json",
				      NULL};

		if (!recovery_ask_status(step, NULL, argv, &reply, error))
			return FALSE;
	}
	if (reply.out != NULL && rd_output_status_cluster_id(reply.out, &number))
		*id = g_strdup_printf("%" G_GINT64_MODIFIER "x", number);
	else
		*id = g_strdup("unknown");
	return TRUE;
}

/* by mount point: st_dev is equal where a rename is not possible (domain, amendment 1) */
static gboolean
ask_mounts(RecoveryStep *step, gboolean *one_mount, GError **error)
{
	g_autofree char *data =
	    recovery_ask(step, NULL, error, "findmnt", "-n", "-o", "TARGET", "-T", ETCD_DIR, NULL);
	g_autofree char *saved = data == NULL
				     ? NULL
				     : recovery_ask(step, NULL, error, "findmnt", "-n", "-o",
						    "TARGET", "-T", "/var/lib", NULL);

	if (saved == NULL)
		return FALSE;
	*one_mount = g_str_equal(g_strchomp(data), g_strchomp(saved));
	return TRUE;
}

/* "revision.json,…", escaped, or "-" */
static char *
find_extras(const RestoreFiles *files)
{
	g_auto(GStrv) names = restore_files_names(files, ETCD_DIR);
	g_autoptr(GString) all = g_string_new(NULL);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *escaped = g_uri_escape_string(names[i], NULL, FALSE);

		if (!g_str_equal(names[i], "member"))
			g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", escaped);
	}
	return g_strdup(all->len > 0 ? all->str : "-");
}

static RestoreBefore *
measure(RecoveryStep *step, GError **error)
{
	g_autoptr(RestoreBefore) self = g_new0(RestoreBefore, 1);
	g_autoptr(RestoreFiles) files = situation_list(step, error);
	const char *member = files == NULL ? NULL : restore_files_inode(files, ETCD_MEMBER);
	RestorePod pod;

	if (files == NULL || !etcd_inode(step, ETCD_MEMBER, &self->db, error) ||
	    !rd_sum_ask(step, RESTORE_SCRIPT, &self->script, error) ||
	    !ask_mounts(step, &self->one_mount, error) ||
	    !ask_cluster(step, &self->cluster, error) || !find_pod(step, &pod, error))
		return NULL;
	self->member = g_strdup(member != NULL ? member : "none");
	self->extras = find_extras(files);
	self->restore_pod = pod == RESTORE_POD_RESTORE;
	if (self->db == NULL)
		self->db = g_strdup("none");
	if (self->script == NULL)
		self->script = g_strdup("none");
	return g_steal_pointer(&self);
}

RestoreBefore *
situation_before(RecoveryStep *step, gboolean *recorded, GError **error)
{
	g_autofree char *path = situation_record(step);
	g_autofree char *text = NULL;
	RestoreBefore *before;

	if (!rd_file_ask(step, NULL, path, &text, error))
		return NULL;
	*recorded = text != NULL;
	if (text == NULL)
		return measure(step, error);
	before = restore_before_parse(text);
	if (before == NULL)
		etcd_refuse(
		    error, "%s: cannot read %s, which says what was there before the restore: '%s'",
		    recovery_target(step), path, text);
	return before;
}

gboolean
situation_find(RecoveryStep *step, Situation *self, GError **error)
{
	const char *note = recovery_recall(step, "before");
	gboolean recorded;

	self->before =
	    note != NULL ? restore_before_parse(note) : situation_before(step, &recorded, error);
	if (self->before == NULL)
		return note == NULL ? FALSE
				    : etcd_refuse(error,
						  "%s: the note '%s' of this attempt cannot "
						  "be read",
						  recovery_target(step), note);
	self->files = situation_list(step, error);
	if (self->files == NULL || !find_pod(step, &self->pod, error))
		return FALSE;
	self->phase = restore_phase(self->files, self->before, self->pod, &self->why);
	return TRUE;
}

gboolean
situation_is_alive(RecoveryStep *step, gboolean *alive, GError **error)
{
	g_auto(RecoveryReply) reply = {0};
	RecoveryJobState state;

	if (!recovery_job_state(step, RESTORE_JOB, &state, &reply, error))
		return FALSE;
	*alive = state == RECOVERY_JOB_ALIVE;
	return TRUE;
}

gboolean
situation_refuse_alive(RecoveryStep *step, GError **error)
{
	g_set_error(
	    error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
	    "%s: " RESTORE_SCRIPT " still runs. It waits for containers to stop, as long as "
	    "it takes ('crictl ps' there shows them, 'crictl stop -t 30 ID' ends one); it is "
	    "never started beside itself",
	    recovery_target(step));
	return FALSE;
}

gboolean
situation_refuse(RecoveryStep *step, const Situation *situation, GError **error)
{
	return etcd_refuse(error, "%s: %s", recovery_target(step), situation->why);
}
