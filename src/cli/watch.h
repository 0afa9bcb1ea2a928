/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal/rundir.h"
#include <gio/gio.h>
G_BEGIN_DECLS

/* Looks again whenever something changes in a run directory. */

/* FALSE ends the watching: with @error it failed, without it there is nothing more to see */
typedef gboolean (*RdWatchLook)(gpointer data, GError **error);

/* Calls @look at once, after changes (inotify; never more often than four times a second), and at
 * least every @tick_ms. Blocks until @look says FALSE. TRUE unless it failed. */
gboolean rd_watch(RdRundir *dir, guint tick_ms, RdWatchLook look, gpointer data, GError **error);
G_END_DECLS
