/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Data that an earlier run moved aside, found by its index on the host and put back in place
 * (Amendment 3). What is in place by then was moved aside before, by save-data. */

#include "etcd.h"
#include <string.h>

#define INDEX_DIR "/var/lib/recoveryd/aside/"
#define WORK_DIR  "/var/lib/recoveryd/work/"
#define NONE	  "none" /* the output's word for: this host had no data then */

/* one line "FROM<TAB>TO" */
typedef struct {
	char *from, *to;
} Moved;

static void
moved_free(gpointer data)
{
	Moved *moved = data;

	g_free(moved->from);
	g_free(moved->to);
	g_free(moved);
}

static gboolean
is_run_id(const char *text)
{
	return g_str_has_prefix(text, "r-") && strlen(text) < 128 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		   strlen(text);
}

/* what that run moved out of /var/lib/etcd, in its order. (element-type Moved) */
static GPtrArray *
read_index(RecoveryStep *step, GError **error)
{
	const char *run = recovery_string(step, "run");
	g_autofree char *path = g_strdup_printf(INDEX_DIR "%s/index", run);
	const char *argv[] = {"cat", path, NULL};
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) lines = NULL;
	GPtrArray *all;

	if (!is_run_id(run)) {
		etcd_refuse(error, "'%s' is not a run: 'recoveryd list' shows them", run);
		return NULL;
	}
	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return NULL;
	if (reply.status != 0) {
		etcd_refuse(
		    error,
		    "%s: run %s has moved nothing aside here: %s. Which runs have: ls " INDEX_DIR,
		    recovery_target(step), run,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
		return NULL;
	}
	all = g_ptr_array_new_with_free_func(moved_free);
	lines = rd_lines(reply.out);
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *tab = strchr(lines[i], '\t');
		g_autofree char *from = tab != NULL ? g_strndup(lines[i], tab - lines[i]) : NULL;
		g_autofree char *dir = from != NULL ? g_path_get_dirname(from) : NULL;
		Moved *moved;

		if (g_strcmp0(dir, ETCD_DIR) != 0)
			continue;
		moved = g_new0(Moved, 1);
		moved->from = g_steal_pointer(&from);
		moved->to = g_strdup(tab + 1);
		g_ptr_array_add(all, moved);
	}
	return all;
}

/* Where cluster-restore.sh was started its record lies (situation.c), and it was the script that
 * moved the data. */
static gboolean
refuse_script(RecoveryStep *step, GError **error)
{
	g_autofree char *dir = g_strconcat(WORK_DIR, recovery_string(step, "run"), NULL);
	const char *argv[] = {"ls", "-A1", dir, NULL};
	g_auto(RecoveryReply) reply = {0};
	g_auto(GStrv) names = NULL;

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status != 0 && strstr(reply.err, "No such file or directory") == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot list %s: %s",
			    recovery_target(step), dir, g_strchomp(reply.err));
		return FALSE;
	}
	names = rd_lines(reply.status == 0 ? reply.out : "");
	for (guint i = 0; names[i] != NULL; i++)
		if (g_str_has_suffix(names[i], ".before"))
			return etcd_refuse(
			    error,
			    "%s: run %s started cluster-restore.sh here, which moved the old data "
			    "to /var/lib/etcd-backup itself: this procedure is for data that "
			    "recoveryd moved. Nothing was changed",
			    recovery_target(step), recovery_string(step, "run"));
	return TRUE;
}

/* in *member where the old data is; NULL when that run found none here */
static gboolean
find_member(RecoveryStep *step, char **member, GError **error)
{
	g_autoptr(GPtrArray) index = read_index(step, error);
	gboolean moved = FALSE;

	for (guint i = 0; index != NULL && i < index->len; i++) {
		const Moved *one = index->pdata[i];
		g_autofree char *inode = NULL;

		if (!g_str_equal(one->from, ETCD_MEMBER))
			continue;
		moved = TRUE;
		if (!etcd_inode(step, one->to, &inode, error))
			return FALSE;
		if (inode == NULL)
			continue;
		if (*member != NULL)
			return etcd_refuse(error,
					   "%s: run %s has two data directories aside, %s and %s. "
					   "Find out which is right, and move the other one away",
					   recovery_target(step), recovery_string(step, "run"),
					   *member, one->to);
		*member = g_strdup(one->to);
	}
	if (index == NULL || !refuse_script(step, error))
		return FALSE;
	return *member != NULL || !moved ||
	       etcd_refuse(
		   error,
		   "%s: the old data that run %s moved aside is no longer where it was put: "
		   "it went back already, or somebody moved it",
		   recovery_target(step), recovery_string(step, "run"));
}

/* ---- old-data ------------------------------------------------------------------------------ */

/* a copy here of what the recovery host had, for `recoveryd backup diff` */
static gboolean
fetch_copy(RecoveryStep *step, const char *member, char **copy, GError **error)
{
	g_auto(GStrv) recovery = recovery_hosts(step, "recovery");
	g_autofree char *db = g_strconcat(member, ETCD_DB, NULL);
	g_autofree char *dir = recovery_local_dir(step);
	g_autofree char *sha256 = NULL;

	*copy = g_strdup("");
	if (!g_strv_contains((const char *const *)recovery, recovery_target(step)))
		return TRUE;
	g_free(*copy);
	*copy = g_strdup_printf("%s/old-%s.db", dir, recovery_target(step));
	recovery_progress(step, "%s: fetches %s, to compare it", recovery_target(step), db);
	return recovery_fetch(step, recovery_target(step), db, *copy, &sha256, error);
}

gboolean
etcd_old_data(RecoveryStep *step, GError **error)
{
	g_autofree char *member = NULL, *copy = NULL;
	g_autofree char *address = etcd_own_address(step, error);

	if (address == NULL || !find_member(step, &member, error) ||
	    (member != NULL && !fetch_copy(step, member, &copy, error)))
		return FALSE;
	return recovery_output(step, "member", member != NULL ? member : NONE, error) &&
	       recovery_output(step, "copy", copy != NULL ? copy : "", error) &&
	       recovery_output(step, "address", address, error);
}

/* ---- return-data --------------------------------------------------------------------------- */

static const char *
wanted_member(RecoveryStep *step)
{
	const char *member = recovery_string(step, "member");

	return g_str_equal(member, NONE) ? NULL : member;
}

gboolean
etcd_return_baseline(RecoveryStep *step, GError **error)
{
	const char *member = wanted_member(step);
	g_autofree char *inode = NULL;

	if (member != NULL && (!etcd_inode(step, member, &inode, error) ||
			       (inode == NULL && !etcd_inode(step, ETCD_MEMBER, &inode, error))))
		return FALSE;
	return recovery_remember(step, "inode", inode != NULL ? inode : NONE, error);
}

static gboolean
exists(RecoveryStep *step, const char *path, gboolean *there, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(path);
	g_auto(GStrv) names = rd_list_dir(step, NULL, dir, error);

	if (names == NULL)
		return FALSE;
	*there = g_strv_contains((const char *const *)names, base);
	return TRUE;
}

/* What lay beside the member. @back: from where it is aside to its place, else the other way. What
 * is not there has gone already, and what is in the way stays. */
static gboolean
move_extras(RecoveryStep *step, gboolean back, gboolean dry, gboolean *open, GError **error)
{
	g_autoptr(GPtrArray) index = read_index(step, error);

	*open = FALSE;
	if (index == NULL)
		return FALSE;
	for (guint i = 0; i < index->len; i++) {
		const Moved *one = index->pdata[i];
		const char *from = back ? one->to : one->from, *to = back ? one->from : one->to;
		gboolean have, taken;

		if (g_str_equal(one->from, ETCD_MEMBER))
			continue;
		if (!exists(step, from, &have, error) || !exists(step, to, &taken, error))
			return FALSE;
		if (!have || taken)
			continue;
		*open = TRUE;
		if (!dry && !recovery_move(step, from, to, error))
			return FALSE;
	}
	return TRUE;
}

RecoveryProbe
etcd_return_probe(RecoveryStep *step, GError **error)
{
	const char *member = wanted_member(step), *before = recovery_recall(step, "inode");
	g_autofree char *aside = NULL, *here = NULL;
	gboolean open;

	if ((member != NULL && !etcd_inode(step, member, &aside, error)) ||
	    !etcd_inode(step, ETCD_MEMBER, &here, error) ||
	    !move_extras(step, TRUE, TRUE, &open, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (aside != NULL || open)
		return RECOVERY_PROBE_ABSENT;
	if (member == NULL ? here == NULL
			   : here != NULL && (before == NULL || g_str_equal(here, before)))
		return RECOVERY_PROBE_PRESENT;
	etcd_refuse(error,
		    "%s: %s is not the old data: its snap/db has inode %s, the one that was moved "
		    "aside had %s",
		    recovery_target(step), ETCD_MEMBER, here != NULL ? here : NONE,
		    before != NULL ? before : NONE);
	return RECOVERY_PROBE_UNKNOWN;
}

gboolean
etcd_return_enter(RecoveryStep *step, GError **error)
{
	const char *member = wanted_member(step);
	g_autofree char *aside = NULL;
	gboolean open;

	/* refused when there is a member already */
	return (member == NULL ||
		(etcd_inode(step, member, &aside, error) &&
		 (aside == NULL || recovery_move(step, member, ETCD_MEMBER, error)))) &&
	       move_extras(step, TRUE, FALSE, &open, error) &&
	       (member == NULL || etcd_restore_labels(step, error));
}

/* Only while nothing runs on it: a running etcd would go on writing into the moved directory. */
gboolean
etcd_return_undo(RecoveryStep *step, GError **error)
{
	const char *member = wanted_member(step), *before = recovery_recall(step, "inode");
	g_autofree char *aside = NULL, *here = NULL;
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	gboolean open;

	if (containers == NULL || (member != NULL && !etcd_inode(step, member, &aside, error)) ||
	    !etcd_inode(step, ETCD_MEMBER, &here, error))
		return FALSE;
	if (rd_containers_find(containers, "etcd") != NULL)
		return etcd_refuse(error, "%s: etcd runs on %s: stop it on every host first",
				   recovery_target(step), ETCD_MEMBER);
	/* another's data is in place: this was never begun, or is undone */
	if (member != NULL && aside == NULL && here != NULL &&
	    (before == NULL || g_str_equal(before, here)) &&
	    !recovery_move(step, ETCD_MEMBER, member, error))
		return FALSE;
	return move_extras(step, FALSE, FALSE, &open, error);
}
