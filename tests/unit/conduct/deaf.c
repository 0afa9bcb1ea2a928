/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: enter does not end when it is told to */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	while (!honest_enter(step, NULL))
		continue;
	return TRUE;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
