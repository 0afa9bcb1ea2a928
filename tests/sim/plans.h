/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#define SIM_RUN	   "r-night-1" /* the first run in a simulated cluster */
#define SIM_UUID   "11111111-1111-4111-8111-111111111111"
#define SIM_RUN_2  "r-night-2" /* and that of who comes beside it */
#define SIM_UUID_2 "22222222-2222-4222-8222-222222222222"
#include "machine/plan.h"
#include "runner/catalogue.h"

/* The shipped procedure @name, as it stands in data/procedures, or the file @name (with a "/"), for
 * m0 (recovery) to m<n_hosts-1>, with the backup @snapshot on the bastion. */
/* The like with workers w0, w1, …; @given: (nullable) pairs of an input and its value (nullable:
 * left as it is), NULL behind them */
RdPlan *sim_plan_of(RdCatalogue *catalogue, const char *name, guint n_masters, guint n_workers,
		    const char *snapshot, const char *sha256, const char *const *given);
RdPlan *sim_plan(RdCatalogue *catalogue, const char *name, guint n_hosts, const char *snapshot,
		 const char *sha256);
/* last night's backup into @dir: the snapshot, and the static resources beside it; @lost: of 4.2 */
void sim_write_backup(const char *dir, gboolean lost, char **snapshot, char **sha256);
