/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/open.h"
G_BEGIN_DECLS

/* What a run loses by its restore: its backup held against its newest rescue copy, for the gate,
 * the policy and the report. */

/* The remark that tells it (machine/event.h), to be stored; NULL while it is too early, because
 * rescue copies are still made, when it was told before, or when the run has no backup. Reads whole
 * snapshots: to be called only while nothing is at work. (transfer full) */
RdEvent *rd_losses_tell(const RdOpenRun *open, const RdRunSetting *setting);
G_END_DECLS
