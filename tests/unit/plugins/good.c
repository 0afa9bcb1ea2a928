/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loads */
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
     .kind = RECOVERY_KIND_CHANGE,
     .undo_is = RECOVERY_UNDO_NOTHING,
     .probe = probe,
     .enter = enter},
    {.name = "look", .summary = "looks", .kind = RECOVERY_KIND_QUERY, .enter = enter},
    {0},
};

RECOVERY_PLUGIN(.name = "good", .summary = "x", .states = states);
