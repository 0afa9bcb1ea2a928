/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: undo() where nothing was done: undo ends as failed */
#include "conduct.h"

static gboolean
undo(RecoveryStep *step, GError **error)
{
	return recovery_move_aside(step, FILE_HERE, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = honest_enter, .undo = undo);
