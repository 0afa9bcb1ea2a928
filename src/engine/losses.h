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

/* The same before there is a run, for `plan`: the backup's newest write and its age at @now
 * (seconds since 1970), and when the rest will be told; held against @newer (nullable), the path of
 * a newer snapshot of the same cluster, the difference. As `loss` in docs/plan.md. NULL without
 * error: the run has no backup of which it could be told. Reads whole snapshots. (transfer full) */
JsonObject *rd_losses_foretell(const RdRunSetting *setting, const RdPlan *plan, const char *newer,
			       gint64 now, GError **error);
G_END_DECLS
