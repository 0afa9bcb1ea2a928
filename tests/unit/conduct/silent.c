/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: enter ends as failed and does not say why */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	return honest_enter(step, NULL);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
