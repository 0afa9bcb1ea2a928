/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nodes, as the API has them and as hosts: Ready, a new certificate, no pods, a reboot. */

#include "node.h"

static const RecoveryParam ready_params[] = {
    RD_API_SINCE,
    {"workers", RECOVERY_PARAM_BOOL, "yes", "on the cluster: workers, too"},
    {0},
};

static const RecoveryParam pems_params[] = {
    RD_API_SINCE,
    {"after", RECOVERY_PARAM_DURATION, "10m",
     "how long the API has to be up before a node that is silent counts as one without a "
     "certificate"},
    {0},
};

#define NODE_PARAM                                                                                 \
	{                                                                                          \
		"node", RECOVERY_PARAM_STRING, "", "the Node; on a host, by default, its own"      \
	}

static const RecoveryParam cordon_params[] = {
    NODE_PARAM,
    {0},
};

static const RecoveryParam uncordon_params[] = {
    NODE_PARAM,
    {"whose", RECOVERY_PARAM_STRING, "run",
     "run: what this run has closed; any: what any run of recoveryd has, and nobody else"},
    {0},
};

static const RecoveryParam drain_params[] = {
    RD_API_SINCE,
    NODE_PARAM,
    {"bare-pods", RECOVERY_PARAM_STRING, "refuse",
     "pods that nobody makes anew: refuse, leave, or evict (they are gone then)"},
    {0},
};

static const char *const pools_outputs[] = {"allows", "note", NULL};

/* INV-18, INV-34: not on the restore's own pod, and nobody else is down */
static const char *const reboot_guards[] = {"operator/rolled-out", "api/serving", "etcd/voters",
					    NULL};

/* ---- by hand ------------------------------------------------------------------------------- */

/* "w0 2026-…Z", "w0 True 5f0d…": one a line */
#define LIST_LEASES                                                                                \
	"$oc get leases -n kube-node-lease -o jsonpath='{range .items[*]}{.metadata.name} "        \
	"{.spec.renewTime}{\"\\n\"}{end}'"
#define LIST_READY                                                                                 \
	"$oc get nodes \"$@\" -o jsonpath='{range .items[*]}{.metadata.name} "                     \
	"{.status.conditions[?(@.type==\"Ready\")].status} "                                       \
	"{.status.nodeInfo.bootID}{\"\\n\"}{end}'"

/* What a Node says of itself may be the snapshot's past. A kubelet that lives renews its lease
 * every ten seconds: two looks, and no clock; the first when a reboot that was told just now has
 * begun (reboot.c). The nodes are last, so that they said it after that. A list that fails has
 * lines that are missing. Of which boot a node speaks is told: who rebooted it has read that of
 * before. */
static const char ready_by_hand[] =
    "{ case \"$target/$workers\" in "
    "cluster/yes) set -- ;; "
    "cluster/*) set -- -l node-role.kubernetes.io/master ;; "
    "*) set -- --field-selector \"metadata.name=$target\" ;; esac; "
    "{ sleep 10; " LIST_LEASES "; echo then; sleep 25; " LIST_LEASES "; echo nodes; " LIST_READY
    "; } | "
    "awk 'NF == 1 && ($1 == \"then\" || $1 == \"nodes\") { part = $1; next } "
    "part == \"\" { was[$1] = $2; next } "
    "part == \"then\" { if ($1 in was && $2 != was[$1]) lives[$1] = 1; next } "
    "{ is = $2 == \"True\" && $1 in lives; all++; ready += is; "
    "print $1 \": \" (is ? \"Ready\" : \"not Ready\") \", of boot \" $3 } "
    "END { exit !(all > 0 && ready == all) }'; }";

/* as pods.c sorts them. Nothing is left when the list came and has no such line. */
static const char drain_by_hand[] =
    "pods=$($oc get pods -A --field-selector \"spec.nodeName=${node:-$target},"
    "status.phase!=Succeeded,status.phase!=Failed\" "
    "-o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name}|"
    "{.metadata.ownerReferences[?(@.controller==true)].kind}|"
    "{.metadata.annotations.kubernetes\\.io/config\\.mirror}{\"\\n\"}{end}') && "
    "printf %s \"$pods\" | awk -F'|' -v bare=\"$bare_pods\" "
    "'$2 != \"DaemonSet\" && $3 == \"\" && ($2 != \"\" || bare != \"leave\") { left = 1; print "
    "\"left: \" $1 } "
    "END { exit left }'";

static const RecoveryState states[] = {
    {
	.name = "ready",
	.summary = "the node is Ready (on the cluster: all of them), and its kubelet lives",
	.kind = RECOVERY_KIND_WAIT,
	.params = ready_params,
	.timeout = 600,
	.probe = node_ready_probe,
	.by_hand = ready_by_hand,
    },
    {
	.name = "purge-pems",
	.summary = "where the node does not become Ready: the kubelet asks for a new certificate",
	.kind = RECOVERY_KIND_CHANGE,
	.params = pems_params,
	.timeout = 1200,
	.baseline = node_pems_baseline,
	.probe = node_pems_probe,
	.enter = node_pems_enter,
	.undo = node_pems_undo,
    },
    {
	.name = "pools",
	.summary = "how many workers may be away at a time, by their MachineConfigPools",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = pools_outputs,
	.timeout = 120,
	.enter = node_pools_enter,
    },
    {
	.name = "cordon",
	.summary = "the node takes no new pods",
	.kind = RECOVERY_KIND_CHANGE,
	.params = cordon_params,
	.timeout = 300,
	.baseline = node_cordon_baseline,
	.probe = node_cordon_probe,
	.enter = node_cordon_enter,
	.undo = node_uncordon,
    },
    {
	.name = "uncordon",
	.summary = "the node takes pods again, if it was this run (or any) that closed it",
	.kind = RECOVERY_KIND_CHANGE,
	.params = uncordon_params,
	.timeout = 300,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = node_uncordon_probe,
	.enter = node_uncordon_enter,
    },
    {
	.name = "drain",
	.summary = "pods leave the node, as PodDisruptionBudgets allow",
	.kind = RECOVERY_KIND_CHANGE,
	.params = drain_params,
	.timeout = 1800,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = node_drain_probe,
	.enter = node_drain_enter,
	.by_hand = drain_by_hand,
    },
    {
	.name = "reboot",
	.summary = "reboot the host, once, and wait until it is back",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 1800,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = node_reboot_baseline,
	.probe = node_reboot_probe,
	.enter = node_reboot_enter,
	.guards = reboot_guards,
	.alone = TRUE,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "node", .summary = "nodes of the cluster", .states = states);
