/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: act: a change needs probe and enter */
#include <recovery/plugin.h>

static gboolean
enter(RecoveryStep *step, GError **error)
{
	return TRUE;
}

static const RecoveryState states[] = {
    {.name = "act",
     .summary = "acts",
     .kind = RECOVERY_KIND_CHANGE,
     .undo_is = RECOVERY_UNDO_NOTHING,
     .enter = enter},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
