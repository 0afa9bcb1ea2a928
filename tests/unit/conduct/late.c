/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: its time is 60 s: wait with recovery_wait() */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	for (guint i = 0; i < 100000; i++) {
		g_autofree char *text = recovery_ask(step, NULL, error, "ls", "-A1", "/etc", NULL);

		if (text == NULL)
			return FALSE;
	}
	return honest_enter(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
