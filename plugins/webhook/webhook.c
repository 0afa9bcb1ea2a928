/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Admission webhooks that nobody answers keep pods and nodes from being written (F49). */

#include "webhook.h"

static const RecoveryParam relax_params[] = {
    {"all", RECOVERY_PARAM_BOOL, "no", "also those that seem to be answered"},
    RD_API_SINCE,
    {0},
};

static const char *const relax_outputs[] = {"relaxed", "managed", NULL};

static const RecoveryState states[] = {
    {
	.name = "relax",
	.summary = "let pods and nodes be written although a webhook does not answer",
	.kind = RECOVERY_KIND_CHANGE,
	.params = relax_params,
	.outputs = relax_outputs,
	.timeout = 300,
	.baseline = relax_baseline,
	.probe = relax_probe,
	.enter = relax_enter,
	.undo = relax_undo,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "webhook", .summary = "admission webhooks", .states = states);
