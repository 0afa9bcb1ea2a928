/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: done twice is not as done once: m0:/etc/acme/extra-1 is new */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	g_autofree char *listing = recovery_ask(step, NULL, error, "ls", "-A1", "/etc", NULL);
	g_autofree char *inside = NULL, *path = NULL;

	if (listing == NULL)
		return FALSE;
	if (strstr(listing, "acme") != NULL)
		inside = recovery_ask(step, NULL, error, "ls", "-A1", "/etc/acme", NULL);
	path = g_strdup_printf("/etc/acme/extra-%d", inside != NULL && *inside != 0);
	return recovery_put_data(step, "x", 1, path, 0600, error) && honest_enter(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter,
	.undo_is = RECOVERY_UNDO_NOTHING);
