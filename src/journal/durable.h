/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Files that are whole or not there, whatever happens in between. GLib's
 * g_file_set_contents_full() is not used for this: it returns TRUE although syncing the directory
 * failed. Errors are GFileError with the path and what was tried. */

typedef enum {
	RD_DURABLE_SYNC = 0,	    /* on disk when it returns TRUE */
	RD_DURABLE_ATOMIC = 1 << 0, /* old or new, but perhaps neither synced: may be redone */
	RD_DURABLE_NOTHING_THERE = 1 << 1, /* fails when @path exists */
} RdDurableFlags;

/* a dot-temp beside @path, written, synced, renamed, directory synced; @mode regardless of umask */
gboolean rd_file_write(const char *path, const void *data, gsize size, guint mode,
		       RdDurableFlags flags, GError **error);
/* the like with the content of @source, a regular file */
gboolean rd_file_copy(const char *source, const char *path, guint mode, RdDurableFlags flags,
		      GError **error);
gboolean rd_dir_sync(const char *path, GError **error);
/* TRUE for a directory that its group may write: files and directories made in it are shared, too
 */
gboolean rd_dir_is_shared(const char *path);
/* mkdir with exactly @mode and, unless -1, group @gid; an existing directory is left as it is */
gboolean rd_dir_make(const char *path, guint mode, gint64 gid, GError **error);
G_END_DECLS
