/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: takes what it could not see for done */
#include "conduct.h"

/* no answer, no complaint */
static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"cat", FILE_HERE, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (recovery_ask_status(step, NULL, argv, &reply, NULL) &&
	    strstr(reply.err, "No such file or directory") != NULL)
		return RECOVERY_PROBE_ABSENT;
	return RECOVERY_PROBE_PRESENT;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = honest_enter, .undo = honest_undo);
