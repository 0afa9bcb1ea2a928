/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* A backup of 4.1 to 4.3 (domain P1-01): HOST/assets/backup/ of each master in one
 * *.snapshots.tgz. Nothing but names is believed; nothing is unpacked but one snapshot. */

gboolean rd_archive_is(const char *path); /* by its name */
/* The snapshot of @host (NULL: of any) out of the archive @path into the file @to, which is whole
 * whenever it is there. PERMANENT when one of the host's five files is missing, there twice or a
 * link, or the archive cannot be read. */
gboolean rd_archive_take_snapshot(const char *path, const char *host, const char *to,
				  GError **error);

G_END_DECLS
