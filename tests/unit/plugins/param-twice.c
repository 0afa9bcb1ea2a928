/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: act: two parameters are named path */
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

static const RecoveryParam params[] = {
    {"path", RECOVERY_PARAM_PATH, NULL, "x"},
    {"path", RECOVERY_PARAM_FILE, NULL, "x"},
    {0},
};

static const RecoveryState states[] = {
    {.name = "act",
     .summary = "acts",
     .kind = RECOVERY_KIND_CHANGE,
     .undo_is = RECOVERY_UNDO_NOTHING,
     .probe = probe,
     .enter = enter,
     .params = params},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
