/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: after enter() it is done: probe ends as absent */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	return recovery_put_data(step, "here", 4, "/etc/acme/elsewhere", 0600, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
