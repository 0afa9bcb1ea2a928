/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* etcd of OpenShift 4.1 to 4.3, which has no operator (domain 1.1): one member from a snapshot by
 * the recovery host's own script, and masters that were made anew joined to it one by one. */

#include "etcd-member.h"

static const RecoveryParam unpack_params[] = {
    {"archive", RECOVERY_PARAM_FILE, NULL, "backup_*.snapshots.tgz here, or a snapshot by itself"},
    {0},
};
static const char *const unpack_outputs[] = {"snapshot", "sha256", NULL};

static const RecoveryParam scripts_params[] = {
    {"accepted", RECOVERY_PARAM_STRING, "none",
     "SHA-256 of files that a person has read, with commas"},
    {0},
};
static const char *const scripts_outputs[] = {"sums", "accepted", NULL};

static const char *const identity_outputs[] = {"name",	  "peer-url",	    "initial-cluster",
					       "members", "old-cluster-id", NULL};

static const RecoveryParam room_params[] = {
    {"snapshot", RECOVERY_PARAM_FILE, NULL, "the snapshot here: its size says what room it needs"},
    {0},
};

#define SCRIPTS                                                                                    \
	{                                                                                          \
		"scripts", RECOVERY_PARAM_STRING, NULL,                                            \
		    "etcd-member/scripts' output: what was examined"                               \
	}

static const RecoveryParam restore_params[] = {
    {"snapshot", RECOVERY_PARAM_PATH, NULL, "the snapshot on this host"},
    {"sha256", RECOVERY_PARAM_STRING, NULL, "what it has to be"},
    {"initial-cluster", RECOVERY_PARAM_STRING, NULL, "etcd-member/identity's output"},
    SCRIPTS,
    {0},
};
static const char *const restore_outputs[] = {"old-data", NULL};

static const RecoveryParam alone_params[] = {
    {"members", RECOVERY_PARAM_STRING, NULL, "etcd-member/identity's output: what it has to be"},
    {0},
};
static const char *const alone_outputs[] = {"cluster-id", NULL};

static const char *const lost_outputs[] = {"machine-ids", "names", NULL};

static const RecoveryParam rebuilt_params[] = {
    {"machine-ids", RECOVERY_PARAM_STRING, NULL, "of the lost ones: etcd-member/lost's output"},
    {0},
};
static const char *const rebuilt_outputs[] = {"dns-name", NULL};

static const char *const images_outputs[] = {"signer", "setup", "agent", "hostname", NULL};

static const RecoveryParam tokenize_params[] = {
    {"image", RECOVERY_PARAM_STRING, NULL, "of the signer: etcd-member/images' output"},
    {"hostname", RECOVERY_PARAM_STRING, NULL, "the recovery host's label kubernetes.io/hostname"},
    SCRIPTS,
    {0},
};

static const RecoveryParam signer_params[] = {
    {"image", RECOVERY_PARAM_STRING, NULL, "of the signer: etcd-member/images' output"},
    {"hostname", RECOVERY_PARAM_STRING, NULL, "the recovery host's label kubernetes.io/hostname"},
    {0},
};

static const RecoveryParam recover_params[] = {
    {"setup", RECOVERY_PARAM_STRING, NULL, "image: etcd-member/images' output"},
    {"agent", RECOVERY_PARAM_STRING, NULL, "image: etcd-member/images' output"},
    {"dns-name", RECOVERY_PARAM_STRING, "", "of this host's member: etcd-member/rebuilt's output"},
    SCRIPTS,
    {0},
};

static const RecoveryParam healthy_params[] = {
    {"cluster-id", RECOVERY_PARAM_STRING, NULL, "etcd-member/alone's output"},
    {0},
};
static const char *const healthy_outputs[] = {"members", NULL};

/* INV-2 */
static const char *const restore_guards[] = {"etcd/silent", NULL};

static const RecoveryState states[] = {
    {
	.name = "no-quorum",
	.summary = "no etcd of the control plane commits writes any more",
	.kind = RECOVERY_KIND_QUERY,
	.timeout = 300,
	.enter = member_no_quorum,
    },
    {
	.name = "unpack",
	.summary = "take this host's snapshot out of the archive, and prove it",
	.kind = RECOVERY_KIND_QUERY,
	.params = unpack_params,
	.outputs = unpack_outputs,
	.timeout = 1800,
	.enter = member_unpack,
    },
    {
	.name = "scripts",
	.summary = "etcd has no operator, and its recovery scripts are here",
	.kind = RECOVERY_KIND_QUERY,
	.params = scripts_params,
	.outputs = scripts_outputs,
	.timeout = 120,
	.enter = member_scripts,
    },
    {
	.name = "identity",
	.summary = "what this host's member is called, and the ids it has to get",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = identity_outputs,
	.timeout = 120,
	.enter = member_identity,
    },
    {
	.name = "room",
	.summary = "all that etcd-snapshot-restore.sh needs is on the recovery host",
	.kind = RECOVERY_KIND_QUERY,
	.params = room_params,
	.timeout = 120,
	.enter = member_room,
    },
    {
	.name = "restore",
	.summary = "run etcd-snapshot-restore.sh once, and see from the disk what came of it",
	.kind = RECOVERY_KIND_CHANGE,
	.params = restore_params,
	.outputs = restore_outputs,
	.timeout = 900,
	.baseline = member_restore_baseline,
	.probe = member_restore_probe,
	.enter = member_restore_enter,
	.undo = member_restore_undo,
	.guards = restore_guards,
    },
    {
	.name = "alone",
	.summary = "the restored etcd runs as the only member, with the ids that were predicted",
	.kind = RECOVERY_KIND_WAIT,
	.params = alone_params,
	.outputs = alone_outputs,
	.timeout = 600,
	.probe = member_alone_probe,
    },
    {
	.name = "lost",
	.summary = "who is stated to be lost, and which machines these were",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = lost_outputs,
	.timeout = 300,
	.enter = member_lost,
    },
    {
	.name = "replaced",
	.summary = "every host that was lost is back in the run",
	.kind = RECOVERY_KIND_QUERY,
	.timeout = 60,
	.enter = member_replaced,
    },
    {
	.name = "rebuilt",
	.summary = "this host is another machine than the lost one, empty, and DNS leads to it",
	.kind = RECOVERY_KIND_WAIT,
	.params = rebuilt_params,
	.outputs = rebuilt_outputs,
	.timeout = 7200,
	.probe = member_rebuilt_probe,
    },
    {
	.name = "credentials",
	.summary = "kube-apiserver's resources are here, with etcd's client certificate",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 1800,
	.probe = member_credentials_probe,
    },
    {
	.name = "images",
	.summary = "the signer's and two more images, out of the release image",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = images_outputs,
	.timeout = 600,
	.enter = member_images,
    },
    {
	.name = "tokenize",
	.summary = "run tokenize-signer.sh: the signer's manifest",
	.kind = RECOVERY_KIND_CHANGE,
	.params = tokenize_params,
	.timeout = 120,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = signer_token_probe,
	.enter = signer_token_enter,
    },
    {
	.name = "signer",
	.summary = "make the pod that signs certificates of etcd members",
	.kind = RECOVERY_KIND_CHANGE,
	.params = signer_params,
	.timeout = 300,
	.probe = signer_probe,
	.enter = signer_enter,
	.undo = signer_undo,
    },
    {
	.name = "signer-listens",
	.summary = "the signer listens on port 9943",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 300,
	.probe = signer_listens_probe,
	.by_hand = "ss -Htln | grep -q ':9943 '",
    },
    {
	.name = "recover",
	.summary = "run etcd-member-recover.sh once: this host becomes a member",
	.kind = RECOVERY_KIND_CHANGE,
	.params = recover_params,
	.timeout = 1200,
	.undo_is = RECOVERY_UNDO_IRREVERSIBLE,
	.probe = member_recover_probe,
	.enter = member_recover_enter,
	.alone = TRUE,
    },
    {
	.name = "joined",
	.summary = "this host's member has started",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 600,
	.probe = member_joined_probe,
    },
    {
	.name = "healthy",
	.summary = "the members of all hosts commit, as one cluster",
	.kind = RECOVERY_KIND_WAIT,
	.params = healthy_params,
	.outputs = healthy_outputs,
	.timeout = 600,
	.probe = member_healthy_probe,
    },
    {
	.name = "tidy",
	.summary = "move aside what etcd-member-recover.sh left",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 120,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = member_tidy_probe,
	.enter = member_tidy_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "etcd-member", .summary = "etcd of 4.1 to 4.3, which has no operator",
		.states = states);
