/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

void
clean_dir(const char *path, const char *keep)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);

		if (keep == NULL || !g_pattern_match_simple(keep, name))
			g_unlink(file);
	}
	if (dir != NULL)
		g_dir_close(dir);
}

void
remove_dir(const char *path)
{
	clean_dir(path, NULL);
	g_rmdir(path);
}

/* a file that was being written at the fork: from here on the child's own copy of it */
static void
reopen(const char *dir, int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *path = g_file_read_link(link, NULL);
	g_autofree char *base = NULL;
	int own;

	if (path == NULL || !g_str_has_prefix(path, dir))
		return;
	base = g_path_get_basename(path);
	own = open(base, fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND));
	if (own < 0 || lseek(own, lseek(fd, 0, SEEK_CUR), SEEK_SET) < 0 ||
	    dup3(own, fd, O_CLOEXEC) < 0)
		g_error("cannot reopen %s", path);
	close(own);
}

void
move_to_own_dir(const char *path, const char *old)
{
	GDir *dir = g_dir_open(".", 0, NULL);
	const char *name;

	remove_dir(path);
	g_mkdir(path, 0700);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *to = g_build_filename(path, name, NULL);
		g_autofree char *data = NULL;
		gsize size;

		if (g_file_get_contents(name, &data, &size, NULL))
			g_file_set_contents(to, data, (gssize)size, NULL);
	}
	g_dir_close(dir);
	if (g_chdir(path) != 0)
		g_error("cannot enter %s", path);
	for (int fd = 3; fd < 64; fd++)
		reopen(old, fd);
}
