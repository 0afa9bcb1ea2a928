/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* keepalived and the virtual addresses it moves between hosts: out of the way of the hosts that
 * are being repaired, and back (domain P2-12 … P2-15, P2-36). */

#include "keepalived.h"

static const RecoveryParam vips_params[] = {
    {"vips", RECOVERY_PARAM_STRING, NULL, "API and ingress VIPs, with commas between"},
    {0},
};

static const RecoveryParam owner_params[] = {
    {"vips", RECOVERY_PARAM_STRING, NULL, "VIPs of the API or of ingress, with commas between"},
    {"host", RECOVERY_PARAM_STRING, "any", "who has to have them: recovery, any, or a name"},
    {"workers", RECOVERY_PARAM_BOOL, "no", "they may be on workers, too (ingress)"},
    {0},
};

static const RecoveryParam start_params[] = {
    {"vips", RECOVERY_PARAM_STRING, NULL, "API VIPs, with commas between"},
    {0},
};

static const char *const facts_outputs[] = {"used", "api-vips", "ingress-vips", "ingress", "vips",
					    "note", NULL};

static const RecoveryState states[] = {
    {
	.name = "facts",
	.summary = "whether keepalived is used, and for which addresses, without the API",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = facts_outputs,
	.timeout = 60,
	.enter = keepalived_facts,
    },
    {
	.name = "stop",
	.summary = "move keepalived's manifest aside and wait until it is gone",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 180,
	.probe = keepalived_stop_probe,
	.enter = keepalived_stop_enter,
	.undo = keepalived_stop_undo,
    },
    {
	.name = "remove-vips",
	.summary = "take VIPs that were left behind off the interfaces",
	.kind = RECOVERY_KIND_CHANGE,
	.params = vips_params,
	.timeout = 120,
	.undo_is = RECOVERY_UNDO_NOTHING, /* keepalived adds them again */
	.probe = keepalived_remove_probe,
	.enter = keepalived_remove_enter,
    },
    {
	.name = "owner",
	.summary = "each VIP is on exactly one host",
	.kind = RECOVERY_KIND_WAIT,
	.params = owner_params,
	.timeout = 120,
	.probe = keepalived_owner_probe,
    },
    {
	.name = "start",
	.summary = "put keepalived's manifest back and wait until each API VIP has one owner",
	.kind = RECOVERY_KIND_CHANGE,
	.params = start_params,
	.timeout = 300,
	.probe = keepalived_start_probe,
	.enter = keepalived_start_enter,
	.undo = keepalived_stop_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "keepalived", .summary = "keepalived and the VIPs it moves",
		.states = states);
