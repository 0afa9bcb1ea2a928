/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* refused: its table has no states */
#include <recovery/plugin.h>

static const RecoveryState states[] = {

    {0},
};

RECOVERY_PLUGIN(.name = "broken", .summary = "x", .states = states);
