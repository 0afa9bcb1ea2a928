/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/verdict.h"
#include "cli/command.h"
G_BEGIN_DECLS

/* A trial restore of what @verdict found sound: a run of the procedure of that name, with what the
 * file says of itself, followed to its end. What the run has to take, keep and give back on every
 * way out is the engine's matter. @inventory (nullable): -c was forgotten. @excuses (nullable):
 * HOST=REASON, as start takes it. */
RdExit rd_trial_restore(const RdCli *cli, const char *inventory, char **excuses,
			const RdBackupVerdict *verdict, GError **error);
G_END_DECLS
