/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "restore-phase.h"
#include <string.h>

#define NONE "none" /* for: there was no data */

/* ---- before -------------------------------------------------------------------------------- */

void
restore_before_free(RestoreBefore *self)
{
	g_free(self->member);
	g_free(self->db);
	g_free(self->script);
	g_free(self->cluster);
	g_free(self->extras);
	g_free(self);
}

char *
restore_before_print(const RestoreBefore *self)
{
	return g_strdup_printf("member=%s db=%s script=%s cluster=%s mounts=%s pod=%s extras=%s",
			       self->member, self->db, self->script, self->cluster,
			       self->one_mount ? "one" : "two",
			       self->restore_pod ? "restore" : "other", self->extras);
}

static char *
word_of(char **words, const char *key)
{
	for (guint i = 0; words[i] != NULL; i++)
		if (g_str_has_prefix(words[i], key) && words[i][strlen(key)] == '=')
			return g_strdup(words[i] + strlen(key) + 1);
	return NULL;
}

RestoreBefore *
restore_before_parse(const char *text)
{
	g_autofree char *line = g_strchomp(g_strdup(text));
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_autoptr(RestoreBefore) self = g_new0(RestoreBefore, 1);
	g_autofree char *mounts = word_of(words, "mounts");
	g_autofree char *pod = word_of(words, "pod");

	self->member = word_of(words, "member");
	self->db = word_of(words, "db");
	self->script = word_of(words, "script");
	self->cluster = word_of(words, "cluster");
	self->extras = word_of(words, "extras");
	if (self->member == NULL || self->db == NULL || self->script == NULL ||
	    self->cluster == NULL || self->extras == NULL || mounts == NULL || pod == NULL)
		return NULL;
	self->one_mount = g_str_equal(mounts, "one");
	self->restore_pod = g_str_equal(pod, "restore");
	return g_steal_pointer(&self);
}

/* ---- files --------------------------------------------------------------------------------- */

RestoreFiles *
restore_files_parse(const char *text)
{
	RestoreFiles *self = g_new0(RestoreFiles, 1);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	self->inodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *path = strstr(lines[i], " /");

		if (path != NULL)
			g_hash_table_insert(self->inodes, g_strdup(path + 1),
					    g_strndup(lines[i], path - lines[i]));
	}
	return self;
}

void
restore_files_free(RestoreFiles *self)
{
	g_hash_table_unref(self->inodes);
	g_free(self);
}

const char *
restore_files_inode(const RestoreFiles *self, const char *path)
{
	return g_hash_table_lookup(self->inodes, path);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
restore_files_names(const RestoreFiles *self, const char *dir)
{
	GPtrArray *names = g_ptr_array_new();
	gsize length = strlen(dir);
	GHashTableIter iter;
	gpointer path;

	g_hash_table_iter_init(&iter, self->inodes);
	while (g_hash_table_iter_next(&iter, &path, NULL)) {
		const char *rest = (const char *)path + length;

		if (g_str_has_prefix(path, dir) && *rest == '/' && strchr(rest + 1, '/') == NULL)
			g_ptr_array_add(names, g_strdup(rest + 1));
	}
	g_ptr_array_sort(names, compare_names);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

const char *
restore_files_saved(const RestoreFiles *self, const RestoreBefore *before)
{
	const char *newest = NULL;
	GHashTableIter iter;
	gpointer path, inode;

	if (g_str_equal(before->member, NONE))
		return NULL;
	g_hash_table_iter_init(&iter, self->inodes);
	while (g_hash_table_iter_next(&iter, &path, &inode)) {
		if (!g_str_has_prefix(path, RESTORE_SAVED "/"))
			continue;
		if (before->one_mount && g_str_equal(inode, before->member))
			return path;
		/* a copy across mounts has another inode; the newest name is as good as any */
		if (!before->one_mount &&
		    (g_str_equal(path, RESTORE_SAVED "/member") ||
		     g_str_has_prefix(path, RESTORE_SAVED "/recoveryd-")) &&
		    (newest == NULL || strcmp(path, newest) > 0))
			newest = path;
	}
	return newest;
}

char *
restore_files_fresh(const RestoreFiles *self, const char *dir, const char *prefix)
{
	for (guint i = 1;; i++) {
		g_autofree char *path = g_strdup_printf("%s/%s.%u", dir, prefix, i);

		if (restore_files_inode(self, path) == NULL)
			return g_steal_pointer(&path);
	}
}

/* ---- phase --------------------------------------------------------------------------------- */

static RestorePhase
strange(char **why, const char *text)
{
	*why = g_strdup(text);
	return RESTORE_PHASE_STRANGE;
}

/* the data of now is not the old one, which is @saved */
static RestorePhase
phase_of_new_data(const char *saved, gboolean had_data, RestorePod pod, char **why)
{
	if (had_data && saved == NULL)
		return strange(why, "the old data is neither in its place nor in " RESTORE_SAVED
				    ": somebody moved or deleted it. Find it before going on");
	/* whoever put another manifest there since did so because the restored etcd ran: only the
	 * restore pod makes a member directory out of nothing */
	if (pod == RESTORE_POD_RESTORE || (had_data && pod == RESTORE_POD_OTHER))
		return RESTORE_PHASE_STARTED;
	if (had_data && pod == RESTORE_POD_ABSENT) {
		*why = g_strdup("there is new data in " ETCD_DIR ", and no etcd-pod.yaml: somebody "
				"stopped the restored etcd. Put the newest "
				"/etc/kubernetes/static-pod-resources/etcd-pod-REVISION/"
				"etcd-pod.yaml in " RD_MANIFESTS);
		return RESTORE_PHASE_STOPPED;
	}
	return strange(why, "there is new data in " ETCD_DIR ", but no etcd-pod.yaml that would "
			    "have made it. Find out who restored here");
}

static RestorePhase
phase_of_no_data(const char *saved, gboolean had_data, RestorePod pod, char **why)
{
	if (had_data && saved == NULL)
		return strange(why, "the old data is neither in its place nor in " RESTORE_SAVED
				    ": somebody moved or deleted it. Find it before going on");
	if (pod == RESTORE_POD_RESTORE)
		return RESTORE_PHASE_STARTED;
	if (pod == RESTORE_POD_OTHER && had_data)
		return strange(why, "the data was moved away, and an etcd-pod.yaml that is not the "
				    "restore pod lies in " RD_MANIFESTS ". Move it out of there");
	return had_data ? RESTORE_PHASE_MOVED : RESTORE_PHASE_BEFORE;
}

/* Inodes say nothing across mounts. The script moves data only after etcd-pod.yaml is gone, and
 * only the restore pod makes new data. */
static RestorePhase
phase_across_mounts(const char *saved, RestorePod pod, char **why)
{
	if (pod == RESTORE_POD_RESTORE)
		return RESTORE_PHASE_STARTED;
	if (pod == RESTORE_POD_OTHER && saved != NULL)
		return strange(why, "a copy of the data is in " RESTORE_SAVED ", and etcd-pod.yaml "
				    "is not the restore pod: it cannot be told which data is new");
	return RESTORE_PHASE_BEFORE;
}

RestorePhase
restore_phase(const RestoreFiles *files, const RestoreBefore *before, RestorePod pod, char **why)
{
	const char *member = restore_files_inode(files, ETCD_MEMBER);
	const char *saved = restore_files_saved(files, before);
	gboolean had_data = !g_str_equal(before->member, NONE);

	*why = NULL;
	if (before->restore_pod && (!had_data || !before->one_mount))
		return strange(why, "the restore pod of an earlier restore was in " RD_MANIFESTS
				    " already, so it cannot be told from that of this one. Move it "
				    "out of there");
	if (member == NULL)
		return phase_of_no_data(saved, had_data, pod, why);
	if (had_data && !before->one_mount)
		return phase_across_mounts(saved, pod, why);
	if (had_data && g_str_equal(member, before->member))
		return RESTORE_PHASE_BEFORE;
	return phase_of_new_data(saved, had_data, pod, why);
}

/* ---- static resources ---------------------------------------------------------------------- */

char *
restore_tar_member(const char *listing, const char *pod)
{
	g_autofree char *start = g_strdup_printf("static-pod-resources/%s-pod-", pod);
	g_autofree char *end = g_strdup_printf("/%s-pod.yaml", pod);
	g_auto(GStrv) lines = g_strsplit(listing, "\n", -1);
	const char *best = NULL;
	guint64 best_revision = 0;

	for (guint i = 0; lines[i] != NULL; i++) {
		char *rest = NULL;
		guint64 revision;

		if (!g_str_has_prefix(lines[i], start) || !g_ascii_isdigit(lines[i][strlen(start)]))
			continue;
		revision = g_ascii_strtoull(lines[i] + strlen(start), &rest, 10);
		if (g_str_equal(rest, end) && (best == NULL || revision > best_revision)) {
			best = lines[i];
			best_revision = revision;
		}
	}
	return g_strdup(best);
}
