/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: undefined symbol: acme_missing */
#include <recovery/plugin.h>

gboolean acme_missing(RecoveryStep *step, GError **error);

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
     .enter = acme_missing},
    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
