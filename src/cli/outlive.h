/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/command.h"
#include "journal/rundir.h"
#include "procedure/inventory.h"
G_BEGIN_DECLS

/* A run outlives who typed its name. What of it may not: an ssh agent that ends with this login, a
 * certificate that ends tonight, an engine that is a process of this login. All of it is said
 * before. */

/* a line on each credential that may end before the run does; @now: seconds since 1970.
 * (element-type utf8) (transfer full) */
GPtrArray *rd_outlive_doubts(const RdInventory *inventory, const char *agent, gint64 now);

/* Leaves the way to this login's agent in the run directory, where the run finds it, also when it
 * is at work already. FALSE when there is none that answers, or the run knows it. */
gboolean rd_outlive_lend_agent(const RdCli *cli, RdRundir *dir);

/* rd_ensure_engine(), with this login's agent, and said before what that does not survive */
gboolean rd_outlive_ensure_engine(const RdCli *cli, RdRundir *dir, char **how, GError **error);
G_END_DECLS
