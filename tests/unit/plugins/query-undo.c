/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: act: a query has enter and no undo */
#include <recovery/plugin.h>

static gboolean
enter(RecoveryStep *step, GError **error)
{
	return TRUE;
}

static gboolean
undo_it(RecoveryStep *step, GError **error)
{
	return TRUE;
}

static const RecoveryState states[] = {
    {.name = "act",
     .summary = "acts",
     .kind = RECOVERY_KIND_QUERY,
     .undo_is = RECOVERY_UNDO_NOTHING,
     .enter = enter,
     .undo = undo_it},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
