/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Space put aside beside a journal, so that "disk full" can still be written to it, and the lock
 * that keeps a second writer out (flock on the same file: it goes when the process goes). */
typedef struct _RdReserve RdReserve;

#define RD_RESERVE_SIZE (256 * 1024)

/* Locks and fills the reserve of the journal at @path. Errors: RD_JOURNAL_ERROR_WRITE when another
 * writer has it, _FULL when there is no room for it. @mode as for open(2). */
RdReserve *rd_reserve_take(const char *path, guint mode, GError **error);
/* Gives the space back to the file system and claims it for the journal's WAL before somebody else
 * does. Again: nothing happens. The lock stays. */
gboolean rd_reserve_release(RdReserve *self, GError **error);
void rd_reserve_free(RdReserve *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdReserve, rd_reserve_free)
G_END_DECLS
