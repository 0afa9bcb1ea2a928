/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: bad/act tried to put outside enter or undo */
#include "conduct.h"

static gboolean
enter(RecoveryStep *step, GError **error)
{
	return honest_enter(step, error);
}

CONDUCT(.kind = RECOVERY_KIND_QUERY, .enter = enter);
