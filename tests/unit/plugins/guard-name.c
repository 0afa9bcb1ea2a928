/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: act: "silent": guards are state types, PLUGIN/NAME, and stand before a change */
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

static const char *const guards[] = {"silent", NULL};

static const RecoveryState states[] = {
    {.name = "act",
     .summary = "acts",
     .kind = RECOVERY_KIND_CHANGE,
     .undo_is = RECOVERY_UNDO_NOTHING,
     .probe = probe,
     .enter = enter,
     .guards = guards},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
