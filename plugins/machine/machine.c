/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Control-plane hosts that are lost for good, and who comes in their place (Amendment 9; F42). */

#include "machine.h"

static const RecoveryParam lost_params[] = {
    RD_API_SINCE,
    {0},
};

static const RecoveryParam machine_params[] = {
    {"machine", RECOVERY_PARAM_STRING, NULL, "the Machine: machine/lost's output"},
    {"uid", RECOVERY_PARAM_STRING, NULL, "its uid as it was seen: machine/lost's machine-uid"},
    {"node", RECOVERY_PARAM_STRING, NULL, "its Node: machine/lost's output"},
    RD_API_SINCE,
    {0},
};

static const RecoveryParam node_params[] = {
    {"node", RECOVERY_PARAM_STRING, NULL, "the Node: machine/lost's output"},
    {"uid", RECOVERY_PARAM_STRING, NULL, "its uid as it was seen: machine/lost's node-uid"},
    RD_API_SINCE,
    {0},
};

static const RecoveryParam arrived_params[] = {
    {"after", RECOVERY_PARAM_STRING, NULL,
     "when the lost one was deleted, in seconds of the recovery host's clock: the output `at`"},
    {"node", RECOVERY_PARAM_STRING, "", "the name it has to have; empty: any new one"},
    RD_API_SINCE,
    {0},
};

static const char *const lost_outcomes[] = {"none", "machine", "node", NULL};
static const char *const lost_outputs[] = {"node",	  "node-uid", "machine", "machine-uid",
					   "replacement", "all",      NULL};
static const char *const deleted_outcomes[] = {"deleted", NULL};
static const char *const deleted_outputs[] = {"at", NULL};
static const char *const arrived_outputs[] = {"node", NULL};

static const RecoveryState states[] = {
    {
	.name = "lost",
	.summary = "which control-plane host that is powered off for good the API still has",
	.kind = RECOVERY_KIND_QUERY,
	.params = lost_params,
	.outcomes = lost_outcomes,
	.outputs = lost_outputs,
	.timeout = 900,
	.enter = machine_lost,
    },
    {
	.name = "delete",
	.summary = "delete the Machine of a lost host, and wait until its Node is gone too",
	.kind = RECOVERY_KIND_CHANGE,
	.params = machine_params,
	.outcomes = deleted_outcomes,
	.outputs = deleted_outputs,
	.timeout = 1800,
	.undo_is = RECOVERY_UNDO_IRREVERSIBLE,
	.baseline = machine_baseline,
	.probe = machine_probe,
	.enter = machine_enter,
    },
    {
	.name = "delete-node",
	.summary = "note down the Node of a lost host that has no Machine, and delete it",
	.kind = RECOVERY_KIND_CHANGE,
	.params = node_params,
	.outcomes = deleted_outcomes,
	.outputs = deleted_outputs,
	.timeout = 300,
	.undo_is = RECOVERY_UNDO_IRREVERSIBLE,
	.baseline = node_baseline,
	.probe = node_probe,
	.enter = node_enter,
    },
    {
	.name = "arrived",
	.summary = "a new control-plane node is Ready in the place of the lost one",
	.kind = RECOVERY_KIND_WAIT,
	.params = arrived_params,
	.outputs = arrived_outputs,
	.timeout = 7200,
	.probe = arrived_probe,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "machine", .summary = "control-plane hosts that are lost for good",
		.states = states);
