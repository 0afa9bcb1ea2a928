/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal/rundir.h"
#include <gio/gio.h>
G_BEGIN_DECLS

/* The engine process of one run, from its lock to its end: opens the run, starts the crew, takes
 * requests as they come, keeps status.json, notifies. Blocks until the run has ended, is held or
 * paused, or SIGTERM asks the engine to end (what is in hand is lost, which a resume sorts out).
 * Takes @dir. FALSE: it could not begin, or the journal failed. */
gboolean rd_session_run(RdRundir *dir, GError **error);

/* the runner process of the run at @run_dir, its socket and the lock being open (runner-crew.h) */
int rd_session_runner(const char *run_dir, const char *who);

/* "alice@bastion" */
char *rd_session_who(void);
G_END_DECLS
