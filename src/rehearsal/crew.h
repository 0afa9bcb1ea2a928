/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/crew.h"
#include "rehearsal/world.h"
#include "runner/step.h"
G_BEGIN_DECLS

/* A crew whose workers are fibers in this process: the same step bodies on the simulated network.
 * A killed worker is a fiber that is never resumed; what it had sent goes on without it. */

/* @setting and @catalogue are (unowned) and outlive it */
RdCrew *rd_sim_crew_new(RdNetwork *network, RdCatalogue *catalogue, const RdSetting *setting);
/* not from a fiber; the engine is told LOST. FALSE: nobody works on @target */
gboolean rd_sim_crew_kill_worker(RdCrew *crew, const char *target);
/* all of them at once */
void rd_sim_crew_kill_runner(RdCrew *crew);
G_END_DECLS
