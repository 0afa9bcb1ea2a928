/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: its table has no summary or no states */
#include <recovery/plugin.h>

RECOVERY_PLUGIN(.name = "broken", .summary = "x");
