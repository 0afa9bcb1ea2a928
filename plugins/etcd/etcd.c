/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* etcd members of the control plane: are they dead, what is saved of them, a new cluster of all of
 * them at once from one snapshot (domain 1.3), or of the recovery host alone with the script of the
 * operator (domain 1.2). */

#include "etcd.h"

gboolean
etcd_refuse(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, text);
	return FALSE;
}

const RdContainer *
etcd_container(GPtrArray *containers)
{
	const RdContainer *container = rd_containers_find(containers, "etcdctl");

	return container != NULL ? container : rd_containers_find(containers, "etcd");
}

static const RecoveryParam parameters_params[] = {
    {"snapshot", RECOVERY_PARAM_FILE, NULL, "the snapshot here: its size says what room it needs"},
    {0},
};
static const char *const parameters_outputs[] = {"name",  "peer-url",	"address",
						 "image", "backup-dir", NULL};

static const RecoveryParam agree_params[] = {
    {"names", RECOVERY_PARAM_STRING, NULL, "etcd names of all hosts"},
    {"urls", RECOVERY_PARAM_STRING, NULL, "peer URLs of all hosts"},
    {"images", RECOVERY_PARAM_STRING, NULL, "etcd images of all hosts"},
    {"token", RECOVERY_PARAM_STRING, NULL, "openshift-etcd-UUID, one for the run"},
    {0},
};
static const char *const agree_outputs[] = {"initial-cluster", "members", "cluster-id", NULL};

static const RecoveryParam rescue_params[] = {
    {"address", RECOVERY_PARAM_STRING, NULL, "client address of this host's member"},
    {0},
};
static const char *const rescue_outputs[] = {"path", "sha256", "stopped", "note", NULL};

static const RecoveryParam silent_params[] = {
    {"hosts", RECOVERY_PARAM_STRING, "control-plane",
     "whose: control-plane, or others for all but the recovery host"},
    {0},
};

static const RecoveryParam script_params[] = {
    {"accept", RECOVERY_PARAM_STRING, "4.11-4.17",
     "classes that the procedure is for, with commas"},
    {"accept-unknown", RECOVERY_PARAM_BOOL, "no",
     "also a script that nobody knows, if its content is of such a class: the procedure asks a "
     "person, unless it was accepted"},
    {"accepted", RECOVERY_PARAM_STRING, "none",
     "SHA-256 of scripts that a person has read, with commas"},
    {0},
};
static const char *const script_outcomes[] = {"since-4-11", "since-4-7", "since-4-18", "tnf", NULL};
static const char *const script_outputs[] = {"class",  "known",	   "accepted",
					     "sha256", "document", NULL};

static const RecoveryParam room_params[] = {
    {"snapshot", RECOVERY_PARAM_FILE, NULL, "the snapshot here: its size says what room it needs"},
    {0},
};
static const char *const room_outputs[] = {"image", "note", NULL};

static const RecoveryParam cluster_restore_params[] = {
    {"snapshot", RECOVERY_PARAM_PATH, NULL, "the snapshot on this host"},
    {"sha256", RECOVERY_PARAM_STRING, NULL, "what it has to be"},
    {"resources", RECOVERY_PARAM_PATH, NULL, "the static resources, in the same directory"},
    {"resources-sha256", RECOVERY_PARAM_STRING, NULL, "what they have to be"},
    {"script", RECOVERY_PARAM_STRING, NULL, "SHA-256 of the script that was examined"},
    {0},
};
static const char *const cluster_restore_outputs[] = {"old-data", "old-cluster-id", NULL};

static const RecoveryParam single_params[] = {
    {"old-cluster-id", RECOVERY_PARAM_STRING, "unknown", "of before the restore, hexadecimal"},
    {0},
};
static const RecoveryParam joined_params[] = {
    {"node", RECOVERY_PARAM_STRING, NULL, "the member's name, which is its Node's"},
    {0},
};
static const char *const single_outputs[] = {"cluster-id", "member-id", NULL};

static const RecoveryParam restore_params[] = {
    {"name", RECOVERY_PARAM_STRING, NULL, "etcd name of this host"},
    {"peer-url", RECOVERY_PARAM_STRING, NULL, "peer URL of this host"},
    {"image", RECOVERY_PARAM_STRING, NULL, "etcd's image"},
    {"initial-cluster", RECOVERY_PARAM_STRING, NULL,
     "NAME=URL of all members, the same everywhere"},
    {"token", RECOVERY_PARAM_STRING, NULL, "openshift-etcd-UUID, one for the run"},
    {"snapshot", RECOVERY_PARAM_PATH, NULL, "the snapshot on this host"},
    {"sha256", RECOVERY_PARAM_STRING, NULL, "what it has to be"},
    {0},
};
static const char *const restore_outputs[] = {"members", "tool", NULL};

static const RecoveryParam compare_params[] = {
    {"printed", RECOVERY_PARAM_STRING, NULL, "members that each host's restore printed"},
    {"predicted", RECOVERY_PARAM_STRING, NULL, "members as they have to be"},
    {0},
};

static const RecoveryParam place_params[] = {
    {"token", RECOVERY_PARAM_STRING, NULL, "openshift-etcd-UUID, one for the run"},
    {0},
};

static const RecoveryParam old_data_params[] = {
    {"run", RECOVERY_PARAM_STRING, NULL, "the run that moved the data aside"},
    {0},
};
static const char *const old_data_outputs[] = {"member", "copy", "address", NULL};

static const RecoveryParam return_params[] = {
    {"run", RECOVERY_PARAM_STRING, NULL, "the run that moved the data aside"},
    {"member", RECOVERY_PARAM_STRING, NULL, "where it is on this host; none where there was none"},
    {0},
};

static const RecoveryParam health_params[] = {
    {"members", RECOVERY_PARAM_STRING, NULL, "members as they have to be"},
    {"cluster-id", RECOVERY_PARAM_STRING, NULL, "the cluster they have to form, hexadecimal"},
    {"urls", RECOVERY_PARAM_STRING, NULL,
     "peer URLs of all present hosts: a member that is none of theirs is not demanded"},
    {0},
};
static const char *const status_outputs[] = {"summary", NULL};

static const RecoveryParam no_quorum_params[] = {
    {"purpose", RECOVERY_PARAM_STRING, "quorum-lost",
     "quorum-lost; with go-back or drill a cluster that works is what is restored"},
    {NULL},
};

static const RecoveryParam trial_params[] = {
    {"snapshot", RECOVERY_PARAM_FILE, NULL, "the snapshot here"},
    {"sha256", RECOVERY_PARAM_STRING, NULL, "of it"},
    {"revision", RECOVERY_PARAM_STRING, "any", "what etcd has to say"},
    {"keys", RECOVERY_PARAM_STRING, "any", "the like"},
    {"hash", RECOVERY_PARAM_STRING, "any", "the like"},
    {0},
};
static const char *const trial_outcomes[] = {"same", "differs", NULL};
static const char *const trial_outputs[] = {"found", NULL};

static const char *const cluster_id_outputs[] = {"cluster-id", NULL};

static const RecoveryParam one_cluster_params[] = {
    {"cluster-id", RECOVERY_PARAM_STRING, NULL, "the cluster that every etcd has to be of"},
    {0},
};

/* INV-2 */
static const char *const silent_first[] = {"etcd/silent", NULL};

static const RecoveryState states[] = {
    {
	.name = "no-quorum",
	.summary = "no etcd of the control plane commits writes any more",
	.kind = RECOVERY_KIND_QUERY,
	.params = no_quorum_params,
	.timeout = 300,
	.enter = etcd_no_quorum,
    },
    {
	.name = "parameters",
	.summary = "read what this host's member is called, and check image and room",
	.kind = RECOVERY_KIND_QUERY,
	.params = parameters_params,
	.outputs = parameters_outputs,
	.timeout = 120,
	.enter = etcd_parameters,
    },
    {
	.name = "agree",
	.summary = "one initial cluster for all hosts, and the ids it has to get",
	.kind = RECOVERY_KIND_QUERY,
	.params = agree_params,
	.outputs = agree_outputs,
	.timeout = 60,
	.enter = etcd_agree,
    },
    {
	.name = "rescue-copy",
	.summary = "a snapshot of the etcd that still runs here, fetched",
	.kind = RECOVERY_KIND_CHANGE,
	.params = rescue_params,
	.outputs = rescue_outputs,
	.timeout = 1200,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = etcd_rescue_probe,
	.enter = etcd_rescue_enter,
    },
    {
	.name = "silent",
	.summary = "no control-plane host has an etcd manifest, container or listener",
	.kind = RECOVERY_KIND_QUERY,
	.params = silent_params,
	.timeout = 60,
	.enter = etcd_silent,
    },
    {
	.name = "save-data",
	.summary = "move the old data aside",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 300,
	.baseline = etcd_save_baseline,
	.probe = etcd_save_probe,
	.enter = etcd_save_enter,
	.undo = etcd_save_undo,
	.guards = silent_first,
    },
    {
	.name = "restore-member",
	.summary = "restore the snapshot into a directory of its own",
	.kind = RECOVERY_KIND_CHANGE,
	.params = restore_params,
	.outputs = restore_outputs,
	.timeout = 1800,
	.probe = etcd_restore_probe,
	.enter = etcd_restore_enter,
	.undo = etcd_restore_undo,
	.guards = silent_first,
    },
    {
	.name = "compare",
	.summary = "all hosts restored the members that were predicted",
	.kind = RECOVERY_KIND_QUERY,
	.params = compare_params,
	.timeout = 60,
	.enter = etcd_compare,
    },
    {
	.name = "place",
	.summary = "put the restored data where etcd looks for it",
	.kind = RECOVERY_KIND_CHANGE,
	.params = place_params,
	.timeout = 300,
	.baseline = etcd_place_baseline,
	.probe = etcd_place_probe,
	.enter = etcd_place_enter,
	.undo = etcd_place_undo,
	.guards = silent_first,
    },
    {
	.name = "old-data",
	.summary = "where the data is that an earlier run moved aside",
	.kind = RECOVERY_KIND_QUERY,
	.params = old_data_params,
	.outputs = old_data_outputs,
	.timeout = 1800,
	.enter = etcd_old_data,
    },
    {
	.name = "return-data",
	.summary = "put the data back that an earlier run moved aside",
	.kind = RECOVERY_KIND_CHANGE,
	.params = return_params,
	.timeout = 300,
	.baseline = etcd_return_baseline,
	.probe = etcd_return_probe,
	.enter = etcd_return_enter,
	.undo = etcd_return_undo,
	.guards = silent_first,
    },
    {
	.name = "health",
	.summary = "the members of all present hosts run as one cluster with one leader",
	.kind = RECOVERY_KIND_WAIT,
	.params = health_params,
	.timeout = 600,
	.probe = etcd_health_probe,
	/* its endpoints are all members */
	.by_hand =
	    "crictl exec \"$(crictl ps -q --label io.kubernetes.pod.namespace=openshift-etcd "
	    "--name '^etcd$')\" etcdctl endpoint health",
    },
    {
	.name = "status",
	.summary = "what the restored etcd looks like",
	.kind = RECOVERY_KIND_QUERY,
	.params = health_params,
	.outputs = status_outputs,
	.timeout = 120,
	.enter = etcd_status,
    },
    {
	.name = "script",
	.summary = "which cluster-restore.sh is on the recovery host",
	.kind = RECOVERY_KIND_QUERY,
	.params = script_params,
	.outcomes = script_outcomes,
	.outputs = script_outputs,
	.timeout = 60,
	.enter = etcd_script,
    },
    {
	.name = "restore-room",
	.summary = "all that cluster-restore.sh needs is on the recovery host",
	.kind = RECOVERY_KIND_QUERY,
	.params = room_params,
	.outputs = room_outputs,
	.timeout = 120,
	.enter = etcd_restore_room,
    },
    {
	.name = "cluster-restore",
	.summary = "run cluster-restore.sh once, and see from the disk what came of it",
	.kind = RECOVERY_KIND_CHANGE,
	.params = cluster_restore_params,
	.outputs = cluster_restore_outputs,
	.timeout = 1200,
	.baseline = etcd_cluster_restore_baseline,
	.probe = etcd_cluster_restore_probe,
	.enter = etcd_cluster_restore_enter,
	.undo = etcd_cluster_restore_undo,
	.guards = silent_first,
    },
    {
	.name = "single-member",
	.summary = "the restored etcd runs as the only member of a new cluster",
	.kind = RECOVERY_KIND_WAIT,
	.params = single_params,
	.outputs = single_outputs,
	.timeout = 600,
	.probe = etcd_single_member_probe,
    },
    {
	.name = "joined",
	.summary = "a further member has been added, started, and has a vote",
	.kind = RECOVERY_KIND_WAIT,
	.params = joined_params,
	.timeout = 2400,
	.probe = etcd_joined_probe,
    },
    {
	.name = "voters",
	.summary = "every member of etcd is healthy, and each control-plane host has one",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 1800,
	.probe = etcd_voters_probe,
	/* its endpoints are all members */
	.by_hand =
	    "crictl exec \"$(crictl ps -q --label io.kubernetes.pod.namespace=openshift-etcd "
	    "--name '^etcd$')\" etcdctl endpoint health",
    },
    {
	.name = "trial-restore",
	.summary = "restore a snapshot aside, start an etcd on it, and compare what it says",
	.kind = RECOVERY_KIND_CHANGE,
	.params = trial_params,
	.outcomes = trial_outcomes,
	.outputs = trial_outputs,
	.timeout = 3600,
	.probe = etcd_trial_probe,
	.enter = etcd_trial_enter,
	.undo = etcd_trial_undo,
    },
    {
	.name = "cluster-id",
	.summary = "which cluster this host's etcd is of",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = cluster_id_outputs,
	.timeout = 60,
	.enter = etcd_cluster_id,
    },
    {
	.name = "one-cluster",
	.summary = "as long as others work, stop an etcd of another cluster than this run's",
	.kind = RECOVERY_KIND_CHANGE,
	.params = one_cluster_params,
	.timeout = 300,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = etcd_one_cluster_probe,
	.enter = etcd_one_cluster_enter,
    },
    {
	.name = "restored",
	.summary =
	    "as long as others work, tell when the restored etcd was started again and gave up",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 300,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = etcd_restored_probe,
	.enter = etcd_restored_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "etcd", .summary = "etcd members of the control plane", .states = states);
