/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: act: kind 0 is unknown */
#include <recovery/plugin.h>

static gboolean
enter(RecoveryStep *step, GError **error)
{
	return TRUE;
}

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	return RECOVERY_PROBE_PRESENT;
}

static const RecoveryState states[] = {
    {.name = "act",
     .summary = "acts",
     .undo_is = RECOVERY_UNDO_NOTHING,
     .probe = probe,
     .enter = enter},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
