/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: enter never ends */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	g_autofree char *text = NULL;

	do {
		g_free(text);
		text = recovery_ask(step, NULL, error, "cat", "/etc/acme/never", NULL);
		g_clear_error(error);
	} while (text == NULL);
	return TRUE;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
