/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* not tried: no such command here: acmectl status */
#include "conduct.h"

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	g_autofree char *text = recovery_ask(step, NULL, error, "acmectl", "status", NULL);

	return text != NULL ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_UNKNOWN;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = honest_enter, .undo = honest_undo);
