/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "durable.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
	char *name; /* of the temporary file; removed by clear() unless renamed */
	int fd;
} Temp;

static void
temp_clear(Temp *temp)
{
	if (temp->fd >= 0)
		close(temp->fd);
	if (temp->name != NULL)
		unlink(temp->name);
	g_free(temp->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Temp, temp_clear)

static gboolean
fail(GError **error, const char *what, const char *path)
{
	int code = errno;

	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s: %s", path, what,
		    g_strerror(code));
	return FALSE;
}

static gboolean
temp_open(Temp *temp, const char *path, guint mode, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *base = g_path_get_basename(path);

	temp->name = g_strdup_printf("%s/.%s.XXXXXX", dir, base);
	temp->fd = g_mkstemp_full(temp->name, O_RDWR | O_CLOEXEC, 0600);
	if (temp->fd < 0) {
		fail(error, "cannot create", path);
		g_clear_pointer(&temp->name, g_free);
		return FALSE;
	}
	return fchmod(temp->fd, mode) == 0 || fail(error, "cannot set its mode", path);
}

static gboolean
write_all(int fd, const char *data, gsize size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return FALSE;
		data += n;
		size -= (gsize)n;
	}
	return TRUE;
}

gboolean
rd_dir_sync(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	gboolean synced = fd >= 0 && fsync(fd) == 0;

	if (!synced)
		fail(error, "cannot sync the directory", path);
	if (fd >= 0)
		close(fd);
	return synced;
}

static gboolean
temp_publish(Temp *temp, const char *path, RdDurableFlags flags, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path);
	gboolean sync = (flags & RD_DURABLE_ATOMIC) == 0;
	guint how = flags & RD_DURABLE_NOTHING_THERE ? RENAME_NOREPLACE : 0;

	if (sync && fsync(temp->fd) != 0)
		return fail(error, "cannot sync", path);
	if (renameat2(AT_FDCWD, temp->name, AT_FDCWD, path, how) != 0)
		return fail(error, "cannot rename into place", path);
	g_clear_pointer(&temp->name, g_free);
	return !sync || rd_dir_sync(dir, error);
}

gboolean
rd_file_write(const char *path, const void *data, gsize size, guint mode, RdDurableFlags flags,
	      GError **error)
{
	g_auto(Temp) temp = {NULL, -1};

	if (!temp_open(&temp, path, mode, error))
		return FALSE;
	if (!write_all(temp.fd, data, size))
		return fail(error, "cannot write", path);
	return temp_publish(&temp, path, flags, error);
}

static gboolean
copy_bytes(int from, int to, const char *source, const char *path, GError **error)
{
	g_autofree char *buffer = g_malloc(65536);
	ssize_t n;

	for (;;) {
		n = read(from, buffer, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(error, "cannot read", source);
		if (n == 0)
			return TRUE;
		if (!write_all(to, buffer, (gsize)n))
			return fail(error, "cannot write", path);
	}
}

gboolean
rd_file_copy(const char *source, const char *path, guint mode, RdDurableFlags flags, GError **error)
{
	g_auto(Temp) from = {NULL, -1};
	g_auto(Temp) temp = {NULL, -1};
	struct stat info;

	/* NONBLOCK: a FIFO must not hang us before it is refused */
	from.fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (from.fd < 0 || fstat(from.fd, &info) != 0)
		return fail(error, "cannot open", source);
	if (!S_ISREG(info.st_mode)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "%s: not a regular file, so it cannot be copied into the run", source);
		return FALSE;
	}
	return temp_open(&temp, path, mode, error) &&
	       copy_bytes(from.fd, temp.fd, source, path, error) &&
	       temp_publish(&temp, path, flags, error);
}

gboolean
rd_dir_is_shared(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && (info.st_mode & S_IWGRP) != 0;
}

gboolean
rd_dir_make(const char *path, guint mode, gint64 gid, GError **error)
{
	if (mkdir(path, 0700) != 0)
		return errno == EEXIST || fail(error, "cannot make the directory", path);
	if (gid >= 0 && chown(path, (uid_t)-1, (gid_t)gid) != 0)
		return fail(error, "cannot give it to the group recoveryd", path);
	return chmod(path, mode) == 0 || fail(error, "cannot set its mode", path);
}
