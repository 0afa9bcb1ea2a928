/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: check ends as permanent: m0: bad/act tried to put outside enter or undo */
#include "conduct.h"

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	return recovery_put_data(step, "x", 1, "/etc/x", 0600, error) ? honest_probe(step, error)
								      : RECOVERY_PROBE_UNKNOWN;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = honest_enter, .undo = honest_undo);
