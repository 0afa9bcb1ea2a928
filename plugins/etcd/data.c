/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lies in /var/lib/etcd: the old member out, the new one in. Nothing is deleted or copied;
 * an inode that is the same before and after proves that it is the same data. */

#include "etcd.h"
#include <string.h>

#define NONE "none" /* the note's word for: there was no database */

gboolean
etcd_inode(RecoveryStep *step, const char *member, char **inode, GError **error)
{
	g_autofree char *db = g_strconcat(member, ETCD_DB, NULL);
	const char *argv[] = {"stat", "-c", "%i %s", db, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status == 0)
		*inode = g_strndup(reply.out, strcspn(reply.out, " \n"));
	else if (reply.err == NULL || strstr(reply.err, "No such file or directory") == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: cannot look at %s: %s", recovery_target(step), db,
			    reply.err != NULL ? g_strchomp(reply.err) : "");
		return FALSE;
	}
	return TRUE;
}

/* Data that will be, or was already, moved from @from to @to (nullable): remember which it is. A
 * second attempt may find it at its new place. */
static gboolean
remember_inode(RecoveryStep *step, const char *from, const char *to, GError **error)
{
	g_autofree char *inode = NULL;

	if (!etcd_inode(step, from, &inode, error) ||
	    (inode == NULL && to != NULL && !etcd_inode(step, to, &inode, error)))
		return FALSE;
	return recovery_remember(step, "inode", inode != NULL ? inode : NONE, error);
}

/* ---- save-data ----------------------------------------------------------------------------- */

/* Everything goes (F21: revision.json, member-removed-archive-*, etcd_perf, somebody's copies),
 * but what this tool moved aside here, what it restored, and a file system's own. */
static gboolean
is_ours(RecoveryStep *step, const char *name)
{
	g_autofree char *restored = g_strdup_printf("restore-%s", recovery_run_uuid(step));

	return g_str_has_prefix(name, "recoveryd-") || g_str_equal(name, "lost+found") ||
	       g_str_equal(name, restored);
}

gboolean
etcd_save_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *aside = NULL, *entries = NULL;
	g_auto(GStrv) names = NULL;
	g_autoptr(GPtrArray) strangers = g_ptr_array_new();

	if (!recovery_aside_path(step, ETCD_MEMBER, &aside, error))
		return FALSE;
	names = rd_list_dir(step, NULL, ETCD_DIR, error);
	if (names == NULL)
		return FALSE;
	for (guint i = 0; names[i] != NULL; i++)
		if (!is_ours(step, names[i]))
			g_ptr_array_add(strangers, names[i]);
	g_ptr_array_add(strangers, NULL);
	entries = g_strjoinv("/", (char **)strangers->pdata); /* no name has a slash */
	return recovery_remember(step, "entries", entries, error) &&
	       remember_inode(step, ETCD_MEMBER, aside, error);
}

RecoveryProbe
etcd_save_probe(RecoveryStep *step, GError **error)
{
	const char *before = recovery_recall(step, "inode");
	g_auto(GStrv) names = rd_list_dir(step, NULL, ETCD_DIR, error);
	g_autofree char *aside = NULL, *inode = NULL;

	if (names == NULL || !recovery_aside_path(step, ETCD_MEMBER, &aside, error) ||
	    (aside != NULL && !etcd_inode(step, aside, &inode, error)))
		return RECOVERY_PROBE_UNKNOWN;
	for (guint i = 0; names[i] != NULL; i++)
		if (!is_ours(step, names[i]))
			return RECOVERY_PROBE_ABSENT;
	/* without a note: nothing of this attempt, so only what is aside can count */
	if (inode != NULL && (before == NULL || g_str_equal(inode, before))) {
		recovery_progress(step, "the old data of %s is at %s", recovery_target(step),
				  aside);
		return RECOVERY_PROBE_PRESENT;
	}
	if (inode == NULL && (before == NULL || g_str_equal(before, NONE))) {
		recovery_progress(step, "%s has no old etcd data", recovery_target(step));
		return RECOVERY_PROBE_PRESENT;
	}
	etcd_refuse(error,
		    "%s: the old etcd data (inode %s) is neither in %s nor, as that inode, at %s: "
		    "somebody moved it. Find it before going on",
		    recovery_target(step), before, ETCD_MEMBER,
		    aside != NULL ? aside : "any place");
	return RECOVERY_PROBE_UNKNOWN;
}

gboolean
etcd_save_enter(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, ETCD_DIR, error);

	if (names == NULL)
		return FALSE;
	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *path = g_build_filename(ETCD_DIR, names[i], NULL);

		if (!is_ours(step, names[i]) && !recovery_move_aside(step, path, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
bring_back(RecoveryStep *step, const char *name, char **names, GError **error)
{
	g_autofree char *path = g_build_filename(ETCD_DIR, name, NULL);
	g_autofree char *aside = NULL;

	if (g_strv_contains((const char *const *)names, name))
		return TRUE;
	return recovery_aside_path(step, path, &aside, error) &&
	       (aside == NULL || recovery_move(step, aside, path, error));
}

gboolean
etcd_save_undo(RecoveryStep *step, GError **error)
{
	const char *entries = recovery_recall(step, "entries");
	g_auto(GStrv) mine = g_strsplit(entries != NULL ? entries : "", "/", -1);
	g_auto(GStrv) names = rd_list_dir(step, NULL, ETCD_DIR, error);

	/* the first two also when an earlier attempt moved them */
	if (names == NULL || !bring_back(step, "member", names, error) ||
	    !bring_back(step, "revision.json", names, error))
		return FALSE;
	for (guint i = 0; mine[i] != NULL; i++)
		if (!g_str_equal(mine[i], "member") && !g_str_equal(mine[i], "revision.json") &&
		    !bring_back(step, mine[i], names, error))
			return FALSE;
	return TRUE;
}

/* ---- place --------------------------------------------------------------------------------- */

static char *
restored_member(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = etcd_restore_dir(step, error);

	return dir == NULL ? NULL : g_build_filename(dir, "member", NULL);
}

gboolean
etcd_place_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *restored = restored_member(step, error);

	return restored != NULL && remember_inode(step, restored, ETCD_MEMBER, error);
}

static RecoveryProbe
check_listing(RecoveryStep *step, char **names, const char *dir, GError **error)
{
	g_autofree char *base = g_path_get_basename(dir);

	if (g_strv_contains((const char *const *)names, base) ||
	    !g_strv_contains((const char *const *)names, "member"))
		return RECOVERY_PROBE_ABSENT;
	for (guint i = 0; names[i] != NULL; i++) {
		if (g_str_equal(names[i], "member") || is_ours(step, names[i]))
			continue;
		etcd_refuse(error,
			    "%s: %s/%s appeared since the old data was moved aside, and etcd wants "
			    "only 'member' there. Find out whose it is and move it away",
			    recovery_target(step), ETCD_DIR, names[i]);
		return RECOVERY_PROBE_UNKNOWN;
	}
	return RECOVERY_PROBE_PRESENT;
}

/* where there is none, there are no labels */
static gboolean
has_restorecon(RecoveryStep *step, gboolean *has, GError **error)
{
	static const char *const which[] = {"which", "restorecon", NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, which, &reply, error))
		return FALSE;
	*has = reply.status == 0;
	return TRUE;
}

gboolean
etcd_restore_labels(RecoveryStep *step, GError **error)
{
	static const char *const relabel[] = {"restorecon", "-R", ETCD_MEMBER, NULL};
	const RecoveryCommand command = {.argv = relabel};
	gboolean has;

	return has_restorecon(step, &has, error) &&
	       (!has || recovery_run(step, &command, NULL, error));
}

/* INV-11: what it would still change. A wrong label, and etcd may not read its own data. */
static RecoveryProbe
check_labels(RecoveryStep *step, GError **error)
{
	static const char *const try[] = {"restorecon", "-R", "-n", "-v", ETCD_MEMBER, NULL};
	g_auto(RecoveryReply) reply = {0};
	gboolean has;

	if (!has_restorecon(step, &has, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!has)
		return RECOVERY_PROBE_PRESENT;
	if (!recovery_ask_status(step, NULL, try, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (reply.status != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: 'restorecon -R -n -v " ETCD_MEMBER "' ended with status %d: %s",
			    recovery_target(step), reply.status, g_strchomp(reply.err));
		return RECOVERY_PROBE_UNKNOWN;
	}
	if (*g_strstrip(reply.out) == '\0')
		return RECOVERY_PROBE_PRESENT;
	reply.out[strcspn(reply.out, "\n")] = '\0';
	recovery_progress(step, "%s: %s", recovery_target(step), reply.out);
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
etcd_place_probe(RecoveryStep *step, GError **error)
{
	const char *before = recovery_recall(step, "inode");
	g_autofree char *dir = etcd_restore_dir(step, error);
	g_auto(GStrv) names = dir == NULL ? NULL : rd_list_dir(step, NULL, ETCD_DIR, error);
	g_autofree char *inode = NULL;
	RecoveryProbe probe;

	if (names == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	probe = check_listing(step, names, dir, error);
	if (probe != RECOVERY_PROBE_PRESENT)
		return probe;
	if (!etcd_inode(step, ETCD_MEMBER, &inode, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (inode != NULL && (before == NULL || g_str_equal(inode, before)))
		return check_labels(step, error);
	etcd_refuse(error,
		    "%s: %s is not the data that was restored (its snap/db has inode %s, the "
		    "restored one had %s)",
		    recovery_target(step), ETCD_MEMBER, inode != NULL ? inode : NONE, before);
	return RECOVERY_PROBE_UNKNOWN;
}

gboolean
etcd_place_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = etcd_restore_dir(step, error);
	g_autofree char *restored = dir == NULL ? NULL : g_build_filename(dir, "member", NULL);
	g_autofree char *base = dir == NULL ? NULL : g_path_get_basename(dir);
	g_auto(GStrv) names = dir == NULL ? NULL : rd_list_dir(step, NULL, ETCD_DIR, error);
	g_autofree char *inode = NULL;

	if (names == NULL || !etcd_inode(step, restored, &inode, error))
		return FALSE;
	/* refused when there is a member already */
	if (inode != NULL && !recovery_move(step, restored, ETCD_MEMBER, error))
		return FALSE;
	if (!etcd_restore_labels(step, error))
		return FALSE;
	if (g_strv_contains((const char *const *)names, base)) {
		const char *argv[] = {"rmdir", dir, NULL};
		const RecoveryCommand command = {.argv = argv};

		return recovery_run(step, &command, NULL, error);
	}
	return TRUE;
}

/* Which data is in place? The old one is known to be aside; without old data the inode tells, but
 * only then: a member that lagged behind got a whole new snap/db from its leader. */
static gboolean
is_restored(RecoveryStep *step, const char *inode, gboolean *restored, GError **error)
{
	const char *before = recovery_recall(step, "inode");
	g_autofree char *aside = NULL, *old = NULL;

	if (!recovery_aside_path(step, ETCD_MEMBER, &aside, error) ||
	    (aside != NULL && !etcd_inode(step, aside, &old, error)))
		return FALSE;
	*restored = old != NULL || g_strcmp0(inode, before) == 0;
	return TRUE;
}

/* Only while nothing runs on it: a running etcd would go on writing into the moved directory. */
gboolean
etcd_place_undo(RecoveryStep *step, GError **error)
{
	g_autofree char *restored = restored_member(step, error);
	g_autofree char *waiting = NULL, *inode = NULL;
	g_autoptr(GPtrArray) containers = NULL;
	gboolean ours = FALSE;

	if (restored == NULL || !etcd_inode(step, restored, &waiting, error) ||
	    !etcd_inode(step, ETCD_MEMBER, &inode, error))
		return FALSE;
	if (waiting != NULL || inode == NULL)
		return TRUE;
	containers = rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	if (containers == NULL || !is_restored(step, inode, &ours, error))
		return FALSE;
	if (!ours)
		return TRUE;
	if (rd_containers_find(containers, "etcd") != NULL)
		return etcd_refuse(error, "%s: etcd runs on %s: stop it on every host first",
				   recovery_target(step), ETCD_MEMBER);
	return recovery_move(step, ETCD_MEMBER, restored, error);
}
