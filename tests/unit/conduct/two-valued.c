/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: takes what it could not see for not done */
#include "conduct.h"

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	g_autofree char *text = recovery_ask(step, NULL, NULL, "cat", FILE_HERE, NULL);

	return text != NULL ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = honest_enter, .undo = honest_undo);
