/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: act: the output name "Member ID" is not [a-z0-9-] */
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

static const char *const outputs[] = {"Member ID", NULL};

static const RecoveryState states[] = {
    {.name = "act",
     .summary = "acts",
     .kind = RECOVERY_KIND_CHANGE,
     .undo_is = RECOVERY_UNDO_NOTHING,
     .probe = probe,
     .enter = enter,
     .outputs = outputs},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
