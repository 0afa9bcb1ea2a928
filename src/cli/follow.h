/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "engine/open.h"
G_BEGIN_DECLS

/* Looks over the engine's shoulder: a line for each step that comes to an end or to a halt, for
 * marks, for the lock, until the run rests (ended, held, paused) or its engine is gone. Ctrl-C ends
 * the looking, not the run, and says how to come back. What follows from it is the exit code.
 * @after: the last event that is known already, 0 for none. Takes @dir. */
RdExit rd_follow(const RdCli *cli, RdRundir *dir, gint64 after, GError **error);
G_END_DECLS
