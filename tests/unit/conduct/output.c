/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* finds: it is done and the output size is not set */
#include "conduct.h"

static const char *const outputs[] = {"size", NULL};

CONDUCT(.kind = RECOVERY_KIND_CHANGE, .outputs = outputs, .probe = honest_probe,
	.enter = honest_enter, .undo = honest_undo);
