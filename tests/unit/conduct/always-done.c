/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: before enter() it is not done: check ends as present */
#include "conduct.h"

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	return RECOVERY_PROBE_PRESENT;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = honest_enter, .undo = honest_undo);
