/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "proc.h"
#include <sys/stat.h>

gint64
rd_proc_start(gint64 pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/stat", pid);
	g_autofree char *line = NULL;
	g_auto(GStrv) fields = NULL;
	const char *end;

	if (pid <= 0 || !g_file_get_contents(path, &line, NULL, NULL))
		return 0;
	/* the name may contain anything, also ") R 1"; what follows has no parenthesis */
	end = strrchr(line, ')');
	if (end == NULL || end[1] != ' ')
		return 0;
	/* state is field 3 of proc(5), starttime 22 */
	fields = g_strsplit(end + 2, " ", 22);
	if (g_strv_length(fields) < 20 || *fields[0] == 'Z' || *fields[0] == 'X')
		return 0;
	return g_ascii_strtoll(fields[19], NULL, 10);
}

gboolean
rd_proc_has_open(gint64 pid, const char *path)
{
	g_autofree char *fds = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/fd", pid);
	g_autoptr(GDir) dir = g_dir_open(fds, 0, NULL);
	struct stat wanted, found;
	const char *name;

	if (dir == NULL || stat(path, &wanted) != 0)
		return FALSE;
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *fd = g_build_filename(fds, name, NULL);

		if (stat(fd, &found) == 0 && found.st_dev == wanted.st_dev &&
		    found.st_ino == wanted.st_ino)
			return TRUE;
	}
	return FALSE;
}

char *
rd_proc_boot_id(void)
{
	char *id = NULL;

	if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &id, NULL, NULL))
		return g_strdup("");
	return g_strstrip(id);
}

char *
rd_proc_pid_namespace(void)
{
	char *name = g_file_read_link("/proc/self/ns/pid", NULL);

	return name != NULL ? name : g_strdup("");
}
