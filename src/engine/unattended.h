/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/engine.h"
#include "engine/open.h"
G_BEGIN_DECLS

/* A run that has come to rest, held or ended: what it loses is told, and gates that were approved
 * beforehand with conditions are opened where they hold. A gate whose conditions do not hold stays
 * shut, with a remark why, once for each time it is asked.
 *
 * To be called when that event has been stored, from the engine's hook, and when an engine begins;
 * a run that is at neither is left alone. Nothing is at work then, so that it may read whole
 * snapshots; the run goes on by itself afterwards. */
void rd_unattended_rest(RdEngine *engine, const RdOpenRun *open, const RdRunSetting *setting);
G_END_DECLS
