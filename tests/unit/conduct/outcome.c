/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: the outcome "perhaps" is not in its table */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	recovery_outcome(step, "perhaps");
	return honest_enter(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
