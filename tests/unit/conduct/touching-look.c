/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: check: m0: a look that touches: rmdir */
#include "conduct.h"

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"rmdir", "/home/core/assets", NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	return honest_probe(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = honest_enter, .undo = honest_undo);
