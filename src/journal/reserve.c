/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "reserve.h"
#include "journal.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct _RdReserve {
	int fd;
	char *path;
	char *wal; /* the journal's write-ahead log */
};

static gboolean
fail(GError **error, int code, const char *path, const char *what)
{
	gboolean full = code == ENOSPC || code == EDQUOT;

	g_set_error(error, RD_JOURNAL_ERROR, full ? RD_JOURNAL_ERROR_FULL : RD_JOURNAL_ERROR_WRITE,
		    "%s: %s: %s%s", path, what, g_strerror(code),
		    full ? "; free some space on that file system, then resume" : "");
	return FALSE;
}

static gboolean
fill(RdReserve *self, GError **error)
{
	int code = posix_fallocate(self->fd, 0, RD_RESERVE_SIZE);

	if (code != 0)
		return fail(error, code, self->path, "cannot put 256 KiB aside");
	if (fsync(self->fd) != 0)
		return fail(error, errno, self->path, "cannot put 256 KiB aside");
	return TRUE;
}

RdReserve *
rd_reserve_take(const char *path, guint mode, GError **error)
{
	g_autoptr(RdReserve) self = g_new0(RdReserve, 1);
	g_autofree char *stem = g_strdup(path);

	if (g_str_has_suffix(stem, ".db"))
		stem[strlen(stem) - 3] = '\0';
	self->path = g_strconcat(stem, ".reserve", NULL);
	self->wal = g_strconcat(path, "-wal", NULL);
	self->fd = open(self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
	if (self->fd < 0) {
		fail(error, errno, self->path, "cannot open");
		return NULL;
	}
	if (flock(self->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE,
				    "%s is being written by another process (it holds %s)", path,
				    self->path);
		else
			fail(error, errno, self->path, "cannot lock");
		return NULL;
	}
	if (!fill(self, error))
		return NULL;
	return g_steal_pointer(&self);
}

/* Between giving the space back and the next append anybody may eat it. Blocks behind the end of
 * the WAL are ours, do not change its size, and SQLite writes its next frames into them. Best
 * effort: a file system without fallocate merely leaves the window open. */
static void
claim(RdReserve *self)
{
	int fd = open(self->wal, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat info;

	if (fd < 0)
		return;
	if (fstat(fd, &info) == 0 &&
	    fallocate(fd, FALLOC_FL_KEEP_SIZE, info.st_size, RD_RESERVE_SIZE / 2) != 0)
		g_debug("%s: cannot claim the reserve: %s", self->wal, g_strerror(errno));
	close(fd);
}

gboolean
rd_reserve_release(RdReserve *self, GError **error)
{
	struct stat info;

	if (fstat(self->fd, &info) == 0 && info.st_size == 0)
		return TRUE;
	if (ftruncate(self->fd, 0) != 0)
		return fail(error, errno, self->path, "cannot release");
	claim(self);
	return TRUE;
}

void
rd_reserve_free(RdReserve *self)
{
	if (self->fd >= 0)
		close(self->fd);
	g_free(self->path);
	g_free(self->wal);
	g_free(self);
}
