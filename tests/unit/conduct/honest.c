/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keeps its promises */
#include "conduct.h"

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .probe = honest_probe, .enter = honest_enter,
	.undo = honest_undo);
