/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Persistent storage after a restore: what is in volumes is not in the backup, so the two do not
 * agree any more (domain 6). */

#include "storage.h"

#define SINCE                                                                                      \
	{                                                                                          \
		"since", RECOVERY_PARAM_STRING, "",                                                \
		    "since when the API answers: api/up's output; what was said before it is "     \
		    "the past. \"\": what was said in the last half hour counts"                   \
	}
#define BEFORE                                                                                     \
	{                                                                                          \
		"before", RECOVERY_PARAM_STRING, "none",                                           \
		    "a copy from before the restore: storage/copy's output, or a path here"        \
	}

static const RecoveryParam audit_params[] = {
    SINCE,
    BEFORE,
    {0},
};

static const RecoveryParam remedy_params[] = {
    SINCE,
    {0},
};

static const RecoveryParam drainable_params[] = {
    SINCE,
    BEFORE,
    {"accept", RECOVERY_PARAM_STRING, "none",
     "nodes that may be drained whatever is found there: \"w0,w1\", or all"},
    {0},
};

static const RecoveryParam local_params[] = {
    SINCE,
    {"kind", RECOVERY_PARAM_STRING, "LocalVolume", "LocalVolume or LocalVolumeSet"},
    {"name", RECOVERY_PARAM_STRING, NULL, "NAMESPACE/NAME of it"},
    {0},
};

static const char *const copy_outputs[] = {"file", NULL};
static const char *const copy_outcomes[] = {"done", "silent", NULL};
static const char *const audit_outputs[] = {"findings",	  "critical", "warnings", "gated",
					    "detachable", "dangling", NULL};

static const RecoveryState states[] = {
    {
	.name = "copy",
	.summary = "a copy of the storage objects in the run's directory, if the API answers",
	.kind = RECOVERY_KIND_QUERY,
	.outcomes = copy_outcomes,
	.outputs = copy_outputs,
	.timeout = 120,
	.enter = storage_copy,
    },
    {
	.name = "audit",
	.summary = "what does not agree: volumes, claims, attachments, devices, credentials",
	.kind = RECOVERY_KIND_QUERY,
	.params = audit_params,
	.outputs = audit_outputs,
	.timeout = 600,
	.enter = storage_audit,
    },
    {
	.name = "drainable",
	.summary = "nothing was found about volumes that are attached to this node or bound",
	.kind = RECOVERY_KIND_QUERY,
	.params = drainable_params,
	.timeout = 300,
	.enter = storage_drainable,
    },
    {
	.name = "detach-unused",
	.summary = "delete VolumeAttachments that provably nobody uses",
	.kind = RECOVERY_KIND_CHANGE,
	.params = remedy_params,
	.timeout = 900,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = storage_detach_baseline,
	.probe = storage_detach_probe,
	.enter = storage_detach_enter,
    },
    {
	.name = "remove-dangling",
	.summary = "unclaimed local volumes whose device is gone: the PV, then the host's link",
	.kind = RECOVERY_KIND_CHANGE,
	.params = remedy_params,
	.timeout = 900,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = storage_dangling_baseline,
	.probe = storage_dangling_probe,
	.enter = storage_dangling_enter,
    },
    {
	.name = "remove-local-volume",
	.summary = "delete a LocalVolume that has neither volumes nor links any more",
	.kind = RECOVERY_KIND_CHANGE,
	.params = local_params,
	.timeout = 900,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = storage_local_baseline,
	.probe = storage_local_probe,
	.enter = storage_local_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "storage", .summary = "persistent storage", .states = states);
