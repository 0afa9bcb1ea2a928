/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: the process that tried it */
#include "conduct.h"

/* more than the half of a fiber's stack that is allowed */
#ifdef __SANITIZE_ADDRESS__
#define MUCH (600 * 1024)
#else
#define MUCH (140 * 1024)
#endif

static gboolean
enter(RecoveryStep *step, GError **error)
{
	volatile char much[MUCH];

	for (gsize i = 0; i < sizeof much; i += 1024)
		much[i] = 1;
	return much[1024] == 1 && honest_enter(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = enter, .undo = honest_undo);
