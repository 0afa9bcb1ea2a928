/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"
#include "etcd-member.h"
#include <string.h>

#define NONE "none"

void
disk_before_free(DiskBefore *self)
{
	g_free(self->member);
	g_strfreev(self->manifests);
	g_free(self);
}

DiskBefore *
disk_before_of(const RestoreFiles *files)
{
	DiskBefore *self = g_new0(DiskBefore, 1);
	const char *member = restore_files_inode(files, MEMBER_DIR);

	self->member = g_strdup(member != NULL ? member : NONE);
	self->manifests = restore_files_names(files, RD_MANIFESTS);
	return self;
}

char *
disk_before_print(const DiskBefore *self)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; self->manifests[i] != NULL; i++) {
		g_autofree char *escaped = g_uri_escape_string(self->manifests[i], NULL, FALSE);

		g_string_append_printf(names, "%s%s", i > 0 ? "," : "", escaped);
	}
	return g_strdup_printf("member=%s manifests=%s", self->member, names->str);
}

DiskBefore *
disk_before_parse(const char *text)
{
	g_autofree char *line = g_strchomp(g_strdup(text));
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	g_autoptr(DiskBefore) self = NULL;

	if (g_strv_length(words) != 2 || !g_str_has_prefix(words[0], "member=") ||
	    !g_str_has_prefix(words[1], "manifests=") || words[1][strlen("manifests=")] == '\0')
		return NULL;
	self = g_new0(DiskBefore, 1);
	self->member = g_strdup(words[0] + strlen("member="));
	self->manifests = g_strsplit(words[1] + strlen("manifests="), ",", -1);
	for (guint i = 0; self->manifests[i] != NULL; i++) {
		g_autofree char *escaped = self->manifests[i];

		self->manifests[i] = g_uri_unescape_string(escaped, NULL);
		if (self->manifests[i] == NULL)
			self->manifests[i] = g_strdup(escaped);
	}
	return g_steal_pointer(&self);
}

char **
disk_copies(const RestoreFiles *files, const char *run)
{
	/* renamed, for another to be made */
	g_autofree char *kept = g_strdup_printf("recoveryd-%s-" DISK_COPY ".", run);
	g_auto(GStrv) names = restore_files_names(files, MEMBER_BACKUP);
	GPtrArray *copies = g_ptr_array_new();

	for (guint i = 0; names[i] != NULL; i++)
		if (g_str_equal(names[i], DISK_COPY) || g_str_has_prefix(names[i], kept))
			g_ptr_array_add(copies, g_build_filename(MEMBER_BACKUP, names[i], NULL));
	g_ptr_array_add(copies, NULL);
	return (char **)g_ptr_array_free(copies, FALSE);
}

static gboolean
is_in(const RestoreFiles *files, const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	return restore_files_inode(files, path) != NULL;
}

static DiskPhase
strange(char **why, const char *text)
{
	*why = g_strdup(text);
	return DISK_STRANGE;
}

static DiskPhase
phase_of_no_data(const RestoreFiles *files, gboolean had_data, char **copies, char **why)
{
	if (had_data && copies[0] == NULL)
		return strange(why, "the old data is neither in its place nor in " MEMBER_BACKUP
				    "/" DISK_COPY ": somebody moved or deleted it. Find it before "
				    "going on");
	if (is_in(files, RD_MANIFESTS, MEMBER_FILE))
		return strange(why, "there is no data, and " MEMBER_FILE " lies in " RD_MANIFESTS
				    ", where the script puts it only after the restore. Move it "
				    "to " MEMBER_STOPPED);
	return DISK_REMOVED;
}

DiskPhase
disk_phase(const RestoreFiles *files, const DiskBefore *before, const char *run, char **why)
{
	const char *member = restore_files_inode(files, MEMBER_DIR);
	gboolean had_data = !g_str_equal(before->member, NONE);
	g_auto(GStrv) copies = disk_copies(files, run);
	guint placed = 0, all = g_strv_length(before->manifests);

	*why = NULL;
	for (guint i = 0; i < all; i++) {
		const char *name = before->manifests[i];

		if (is_in(files, RD_MANIFESTS, name)) {
			placed++;
		} else if (!is_in(files, MEMBER_STOPPED, name)) {
			*why = g_strdup_printf("%s is neither in " RD_MANIFESTS
					       " nor in " MEMBER_STOPPED
					       ": somebody moved it. Put it back before going on",
					       name);
			return DISK_STRANGE;
		}
	}
	if (member == NULL && !had_data && placed == all)
		return DISK_OLD;
	if (member == NULL)
		return phase_of_no_data(files, had_data, copies, why);
	if (had_data && g_str_equal(member, before->member))
		return DISK_OLD;
	if (placed == all)
		return DISK_STARTED;
	/* etcd's own may be the last that comes back; until then nobody has used what is there, and
	 * nobody knows whether it is whole */
	return is_in(files, RD_MANIFESTS, MEMBER_FILE) ? DISK_STARTING : DISK_REMOVED;
}
