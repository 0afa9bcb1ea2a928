/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A trial: the snapshot is really restored, by the tools of the cluster's own image, and an etcd
 * serves what came of it; then all of it is taken away again. It happens in one container without a
 * network, on sockets in a directory of ours below /var/lib/recoveryd: there is no port to collide
 * with, and no peer can be reached. The container's first process is bounded by timeout(1), and
 * whatever it started ends with it, whoever is killed meanwhile.
 *
 * The only state that deletes: nothing but this directory, which nobody else writes. */

#include "../common/etcd-parse.h"
#include "etcd.h"
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define JOB	 "trial"
#define TRIALS	 "/var/lib/recoveryd/trial"
#define SNAPSHOT "snapshot.db"
#define SCRIPT	 "trial.sh"
#define MARK	 "recoveryd-trial " /* begins what we read of the job's output */
#define LIMIT	 "3000"		    /* seconds in the container; below the state's own time */

/* $1: the directory, where the sockets trial:2379 and trial:2380 appear. Later tools first: in 3.6
 * etcdctl can no longer restore. The count is of all keys whatever the limit; --count-only is not
 * known before 3.5. */
static const char script[] =
    "set -eu\n"
    "cd \"$1\"\n"
    "tool=etcdctl\n"
    "! command -v etcdutl >/dev/null 2>&1 || tool=etcdutl\n"
    "peer=unix://trial:2380 client=unix://trial:2379\n"
    "status=$($tool snapshot status " SNAPSHOT " -w json)\n"
    "$tool snapshot restore " SNAPSHOT " --data-dir data --name trial"
    " --initial-cluster trial=$peer --initial-advertise-peer-urls $peer\n"
    "etcd --name trial --data-dir data --listen-peer-urls $peer"
    " --initial-advertise-peer-urls $peer --listen-client-urls $client"
    " --advertise-client-urls $client >etcd.log 2>&1 &\n"
    "until etcdctl --endpoints=$client endpoint health >/dev/null 2>&1; do\n"
    "\tkill -0 $! 2>/dev/null || { tail -n 5 etcd.log; exit 1; }\n"
    "\tsleep 1\n"
    "done\n"
    "count=$(etcdctl --endpoints=$client get '' --prefix --keys-only --limit=1 -w json)\n"
    "members=$(etcdctl --endpoints=$client member list -w simple | wc -l)\n"
    "echo\n"
    "echo \"" MARK "status $status\"\n"
    "echo \"" MARK "count $count\"\n"
    "echo \"" MARK "members $members\"\n";

static char *
trial_dir(RecoveryStep *step)
{
	return g_build_filename(TRIALS, recovery_run_id(step), NULL);
}

static char *
container_name(const char *run)
{
	return g_strconcat("recoveryd-trial-", run, NULL);
}

static gboolean
run(RecoveryStep *step, const char *const *argv, GError **error)
{
	const RecoveryCommand command = {.argv = argv};

	return recovery_run(step, &command, NULL, error);
}

/* what is left of the trial of @id, one of ours: its container, then its files */
static gboolean
take_away(RecoveryStep *step, const char *id, GError **error)
{
	g_autofree char *name = container_name(id);
	g_autofree char *dir = g_build_filename(TRIALS, id, NULL);

	return run(step, (const char *[]){"podman", "rm", "-f", "--ignore", name, NULL}, error) &&
	       run(step, (const char *[]){"rm", "-rf", "--one-file-system", "--", dir, NULL},
		   error);
}

/* The host is this run's alone, so whatever lies there was left by runs that are over, or by an
 * attempt of this one that died. */
static gboolean
clean_up(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, TRIALS, error);

	for (guint i = 0; names != NULL && names[i] != NULL; i++)
		if (!take_away(step, names[i], error))
			return FALSE;
	return names != NULL;
}

/* the snapshot, what is restored from it, and what a growing log takes */
static gboolean
check_room(RecoveryStep *step, GError **error)
{
	const char *from = recovery_string(step, "snapshot");
	GStatBuf info;

	if (g_stat(from, &info) != 0)
		return etcd_refuse(error, "%s here cannot be read: %s", from, g_strerror(errno));
	return rd_space_check(step, "/var/lib", (guint64)info.st_size * 3 + 512 * 1024 * 1024,
			      error);
}

static gboolean
run_job(RecoveryStep *step, const char *dir, GError **error)
{
	g_autofree char *name = g_strconcat("--name=recoveryd-trial-", recovery_run_id(step), NULL);
	g_autofree char *mount = g_strdup_printf("%s:%s:Z", dir, dir);
	g_autofree char *commands = g_build_filename(dir, SCRIPT, NULL);
	const char *argv[] = {"podman",
			      "run",
			      "--rm",
			      name,
			      "--network=none",
			      "--entrypoint=timeout",
			      "-e",
			      "ETCDCTL_API=3",
			      "-v",
			      mount,
			      recovery_recall(step, "image"),
			      "-k",
			      "10",
			      LIMIT,
			      "/bin/sh",
			      commands,
			      dir,
			      NULL};
	const RecoveryCommand command = {.argv = argv};
	g_autoptr(GError) local = NULL;

	recovery_progress(step, "%s: restores the snapshot aside and starts an etcd on it",
			  recovery_target(step));
	if (recovery_job(step, JOB, &command, NULL, &local) ||
	    g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_FAILED))
		return TRUE; /* how it ended is judged by the probe */
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* the directory first: what is unfit is undone like the rest */
static gboolean
prepare(RecoveryStep *step, const char *dir, GError **error)
{
	g_autofree char *to = g_build_filename(dir, SNAPSHOT, NULL);
	g_autofree char *commands = g_build_filename(dir, SCRIPT, NULL);
	g_autofree char *image = NULL, *arrived = NULL;

	if (!clean_up(step, error) ||
	    !run(step, (const char *[]){"mkdir", "-p", "-m", "700", dir, NULL}, error))
		return FALSE;
	image = etcd_env_image(step, error);
	if (image == NULL || !check_room(step, error) ||
	    !recovery_put(step, recovery_string(step, "snapshot"), to, 0600, error) ||
	    !rd_sum_ask(step, to, &arrived, error))
		return FALSE;
	if (g_strcmp0(arrived, recovery_string(step, "sha256")) != 0)
		return etcd_refuse(error,
				   "%s is no longer the file that was verified: its SHA-256 is %s. "
				   "Verify it again",
				   recovery_string(step, "snapshot"),
				   arrived != NULL ? arrived : "unknown");
	return recovery_put_data(step, script, strlen(script), commands, 0600, error) &&
	       recovery_remember(step, "image", image, error);
}

/* Whatever stands in its way is its result: a run that waited for a person would keep the lock. */
static gboolean
is_result(const GError *error)
{
	return g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED) ||
	       g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
}

gboolean
etcd_trial_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = trial_dir(step);
	g_autoptr(GError) local = NULL;

	/* noted by this attempt: its job may run */
	if (recovery_recall(step, "image") != NULL)
		return run_job(step, dir, error);
	if (recovery_recall(step, "unfit") != NULL)
		return TRUE;
	if (prepare(step, dir, &local))
		return run_job(step, dir, error);
	if (is_result(local))
		return recovery_remember(step, "unfit", local->message, error);
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* ---- what came of it ----------------------------------------------------------------------- */

/* (nullable) behind "recoveryd-trial WHAT " */
static char *
find_line(const char *out, const char *what)
{
	g_autofree char *head = g_strdup_printf(MARK "%s ", what);
	g_auto(GStrv) lines = rd_lines(out);

	for (guint i = 0; lines[i] != NULL; i++)
		if (g_str_has_prefix(lines[i], head))
			return g_strdup(lines[i] + strlen(head));
	return NULL;
}

/* member @path ("header/revision") of the object @text says; FALSE when there is none */
static gboolean
find_number(const char *text, const char *path, gint64 *number)
{
	g_autoptr(JsonNode) root = text != NULL ? json_from_string(text, NULL) : NULL;
	g_auto(GStrv) names = g_strsplit(path, "/", -1);
	JsonNode *node = root;

	for (guint i = 0; node != NULL && names[i] != NULL; i++)
		node = JSON_NODE_HOLDS_OBJECT(node)
			   ? json_object_get_member(json_node_get_object(node), names[i])
			   : NULL;
	if (node == NULL || json_node_get_value_type(node) != G_TYPE_INT64)
		return FALSE;
	*number = json_node_get_int(node);
	return TRUE;
}

static void
compare(RecoveryStep *step, GString *text, const char *param, gint64 found)
{
	const char *wanted = recovery_string(step, param);

	if (!g_str_equal(wanted, "any") && g_ascii_strtoll(wanted, NULL, 10) != found)
		g_string_append_printf(
		    text, "; %s: %" G_GINT64_FORMAT " is what etcd says, the file itself says %s",
		    param, found, wanted);
}

/* the last line that says anything: etcd's tools end with what is wrong */
static char *
last_words(const char *out)
{
	g_auto(GStrv) lines = rd_lines(out);

	for (guint i = g_strv_length(lines); i > 0; i--)
		if (*g_strstrip(lines[i - 1]) != '\0')
			return g_strdup(lines[i - 1]);
	return g_strdup("no reason given");
}

/* *differs says whether etcd does not agree; (transfer full) what it said */
static char *
judge(RecoveryStep *step, const RecoveryReply *reply, gboolean *differs)
{
	const char *out = reply->out != NULL ? reply->out : "";
	g_autofree char *status = find_line(out, "status"), *count = find_line(out, "count");
	g_autofree char *members = find_line(out, "members"), *last = NULL;
	g_autoptr(GString) text = g_string_new(NULL);
	gint64 hash = 0, revision = 0, snapshot = 0, keys = 0;

	*differs = TRUE;
	if (reply->status != 0) {
		last = last_words(out);
		return g_strdup_printf("its restore or its etcd ended with status %d: %s",
				       reply->status, last);
	}
	if (!find_number(status, "hash", &hash) || !find_number(status, "revision", &snapshot) ||
	    !find_number(count, "header/revision", &revision) || members == NULL)
		return g_strdup("etcd's tools said what nobody understands");
	(void)find_number(count, "count", &keys); /* none: it is left out */
	compare(step, text, "hash", hash);
	compare(step, text, "revision", revision);
	compare(step, text, "keys", keys);
	if (revision != snapshot)
		g_string_append_printf(text,
				       "; the snapshot is of revision %" G_GINT64_FORMAT
				       ", and etcd serves %" G_GINT64_FORMAT,
				       snapshot, revision);
	if (g_ascii_strtoll(members, NULL, 10) != 1)
		g_string_append_printf(text, "; it has %s members instead of one", members);
	*differs = text->len > 0;
	return *differs ? g_strdup(text->str + strlen("; "))
			: g_strdup_printf("etcd serves %" G_GINT64_FORMAT
					  " keys at revision %" G_GINT64_FORMAT
					  ", hash %" G_GINT64_FORMAT,
					  keys, revision, hash);
}

RecoveryProbe
etcd_trial_probe(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, TRIALS, error);
	g_auto(RecoveryReply) reply = {0};
	g_autofree char *text = NULL;
	const char *unfit = recovery_recall(step, "unfit");
	RecoveryJobState state;
	gboolean differs = TRUE;

	if (names == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (!g_strv_contains((const char *const *)names, recovery_run_id(step)))
		return RECOVERY_PROBE_ABSENT;
	if (unfit == NULL && !recovery_job_state(step, JOB, &state, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (unfit == NULL && state != RECOVERY_JOB_ENDED)
		return RECOVERY_PROBE_ABSENT;
	text = unfit != NULL ? g_strdup(unfit) : judge(step, &reply, &differs);
	if (differs)
		recovery_outcome(step, "differs");
	recovery_progress(step, "%s: %s", recovery_target(step), text);
	return recovery_output(step, "found", text, error) ? RECOVERY_PROBE_PRESENT
							   : RECOVERY_PROBE_UNKNOWN;
}

gboolean
etcd_trial_undo(RecoveryStep *step, GError **error)
{
	g_autofree char *name = container_name(recovery_run_id(step));
	g_auto(RecoveryReply) reply = {0};
	RecoveryJobState state;

	/* the container first: its job ends with it */
	if (!run(step, (const char *[]){"podman", "rm", "-f", "--ignore", name, NULL}, error) ||
	    !recovery_job_state(step, JOB, &state, &reply, error))
		return FALSE;
	if (state == RECOVERY_JOB_ALIVE) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: its container %s was stopped and still ends",
			    recovery_target(step), name);
		return FALSE;
	}
	return take_away(step, recovery_run_id(step), error);
}
