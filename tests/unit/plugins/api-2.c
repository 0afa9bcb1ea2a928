/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: built for plugin API 2, this is 1 */
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
    {0},
};

G_MODULE_EXPORT const RecoveryPlugin recovery_plugin = {.api = 2,
							.name = "broken",
							.states = states};
