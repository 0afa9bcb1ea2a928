/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: afterwards */
#include "conduct.h"

/* two files; the first is taken for both */
static gboolean
enter(RecoveryStep *step, GError **error)
{
	return honest_enter(step, error) &&
	       recovery_move(step, FILE_HERE, "/etc/acme/there", error);
}

static RecoveryProbe
probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"cat", "/etc/acme/there", NULL};
	g_auto(RecoveryReply) reply = {0};
	RecoveryProbe here = honest_probe(step, error);

	if (here == RECOVERY_PROBE_UNKNOWN || !recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (here == RECOVERY_PROBE_ABSENT)
		return reply.status == 0 ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "afterwards: cannot tell");
	return RECOVERY_PROBE_UNKNOWN;
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = probe, .enter = enter,
	.undo_is = RECOVERY_UNDO_NOTHING);
