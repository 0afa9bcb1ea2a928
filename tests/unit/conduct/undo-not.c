/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: after undo() it is not done: probe ends as present */
#include "conduct.h"

static gboolean
undo(RecoveryStep *step, GError **error)
{
	return TRUE;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = honest_enter, .undo = undo);
