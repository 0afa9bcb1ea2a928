/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Certificate requests of kubelets. */

#include "csr.h"

#define API                                                                                        \
	{                                                                                          \
		"api", RECOVERY_PARAM_STRING, "v1", "of the requests: v1, or v1beta1 below 4.6"    \
	}

static const RecoveryParam approve_params[] = {
    RD_API_SINCE,
    API,
    {"vips", RECOVERY_PARAM_STRING, "", "VIPs, with commas, besides those that the API knows"},
    {0},
};

static const RecoveryParam quiet_params[] = {
    RD_API_SINCE,
    API,
    {"vips", RECOVERY_PARAM_STRING, "", "VIPs, with commas, besides those that the API knows"},
    {"quiet", RECOVERY_PARAM_DURATION, "2m", "how long nothing may have been approved"},
    {"workers", RECOVERY_PARAM_BOOL, "yes", "workers have to be Ready, too"},
    {0},
};
static const char *const quiet_outcomes[] = {"quiet", "refused", NULL};
static const char *const quiet_outputs[] = {"refused", NULL};

static const RecoveryState states[] = {
    {
	.name = "approve",
	.summary = "approve what kubelets ask for, by the rules, as long as others work",
	.kind = RECOVERY_KIND_CHANGE,
	.params = approve_params,
	.timeout = 1200,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = csr_approve_probe,
	.enter = csr_approve_enter,
    },
    {
	.name = "quiet",
	.summary = "no certificate request waits any more, and all nodes are Ready",
	.kind = RECOVERY_KIND_WAIT,
	.params = quiet_params,
	.outcomes = quiet_outcomes,
	.outputs = quiet_outputs,
	.timeout = 1200,
	.probe = csr_quiet_probe,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "csr", .summary = "certificate requests of kubelets", .states = states);
