/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cluster's operators: the four that roll static pods out, and all of them at the end. */

#include "operator.h"

#define BASE "/apis/operator.openshift.io/v1/"

static const RdOperator operators[] = {
    {"etcds", BASE "etcds/cluster", "openshift-etcd", "etcd"},
    {"kubeapiservers", BASE "kubeapiservers/cluster", "openshift-kube-apiserver", "kube-apiserver"},
    {"kubecontrollermanagers", BASE "kubecontrollermanagers/cluster",
     "openshift-kube-controller-manager", "kube-controller-manager"},
    {"kubeschedulers", BASE "kubeschedulers/cluster", "openshift-kube-scheduler",
     "openshift-kube-scheduler"},
};

const RdOperator *
operator_find(const char *name, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(operators); i++)
		if (g_str_equal(operators[i].name, name))
			return &operators[i];
	rd_api_refuse(error,
		      "there is no static-pod operator '%s'; there are etcds, kubeapiservers, "
		      "kubecontrollermanagers and kubeschedulers",
		      name);
	return NULL;
}

JsonNode *
operator_get(RecoveryStep *step, const RdOperator *op, GError **error)
{
	g_autoptr(GError) local = NULL;
	JsonNode *object = recovery_api_get(step, op->path, &local);

	if (local != NULL)
		g_propagate_error(error, g_steal_pointer(&local));
	else if (object == NULL)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "there is no %s: is this OpenShift or OKD, 4.4 or later, and is its "
			    "snapshot the one that was restored?",
			    op->path);
	return object;
}

static const RecoveryParam redeploy_params[] = {
    {"operator", RECOVERY_PARAM_STRING, NULL,
     "etcds, kubeapiservers, kubecontrollermanagers or kubeschedulers"},
    RD_API_SINCE,
    {0},
};

static const RecoveryParam rolled_out_params[] = {
    {"operator", RECOVERY_PARAM_STRING, NULL,
     "etcds, kubeapiservers, kubecontrollermanagers or kubeschedulers"},
    {"recorded", RECOVERY_PARAM_INT, NULL,
     "the newest revision before the rollout was asked for: operator/redeploy's output"},
    RD_API_SINCE,
    {0},
};

static const RecoveryParam at_revision_params[] = {
    {"operator", RECOVERY_PARAM_STRING, NULL,
     "etcds, kubeapiservers, kubecontrollermanagers or kubeschedulers"},
    {"node", RECOVERY_PARAM_STRING, NULL, "the Node, one that is new to the cluster"},
    RD_API_SINCE,
    {0},
};

static const RecoveryParam stable_params[] = {
    {"known", RECOVERY_PARAM_STRING, NULL,
     "operators that have to be there, names with spaces between: operator/known's output"},
    {"before", RECOVERY_PARAM_STRING, "",
     "operators that were unstable in the backup, names with spaces between: operator/known's "
     "output; they are waited for no longer than the others"},
    {"accept", RECOVERY_PARAM_STRING, "",
     "operators that a person accepts as they are, names with spaces between"},
    {"period", RECOVERY_PARAM_DURATION, "5m", "how long all of them have to stay stable"},
    RD_API_SINCE,
    {0},
};

static const char *const redeploy_outputs[] = {"recorded", "reason", NULL};
static const char *const stable_outcomes[] = {"stable", "unstable-before", NULL};
static const char *const stable_outputs[] = {"unstable", NULL};
static const char *const known_outputs[] = {"names", "unstable", NULL};

/* "9 9:0 9: 8:9": the newest revision, then that of each node and where it is on its way to. A
 * revision that is newer than the recorded one is not of the snapshot's past. */
static const char rolled_out_by_hand[] =
    "nodes=$($oc get nodes -l node-role.kubernetes.io/master -o name | wc -l) && "
    "$oc get \"$operator.operator.openshift.io\" cluster -o jsonpath='"
    "{.status.latestAvailableRevision}{range .status.nodeStatuses[*]} "
    "{.currentRevision}:{.targetRevision}{end}{\"\\n\"}' | "
    "awk -v nodes=\"$nodes\" -v recorded=\"$recorded\" "
    "'NF > 1 { print; for (i = 2; i <= NF; i++) "
    "{ split($i, at, \":\"); there += at[1] == $1 && at[2] + 0 == 0 } "
    "done = $1 > recorded + 0 && nodes > 0 && there == NF - 1 && there >= nodes } "
    "END { exit !done }'";

static const RecoveryState states[] = {
    {
	.name = "guard-off",
	.summary = "let the etcd operator roll out although quorum is not fault tolerant",
	.kind = RECOVERY_KIND_CHANGE,
	.timeout = 300,
	.baseline = guard_baseline,
	.probe = guard_probe,
	.enter = guard_enter,
	.undo = guard_undo,
    },
    {
	.name = "redeploy",
	.summary = "ask a static-pod operator for a new revision on every node",
	.kind = RECOVERY_KIND_CHANGE,
	.params = redeploy_params,
	.outputs = redeploy_outputs,
	.timeout = 600,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = redeploy_baseline,
	.probe = redeploy_probe,
	.enter = redeploy_enter,
    },
    {
	.name = "rolled-out",
	.summary = "a static-pod operator has brought every control-plane node to a new revision",
	.kind = RECOVERY_KIND_WAIT,
	.params = rolled_out_params,
	.timeout = 2400,
	.probe = rolled_out_probe,
	.by_hand = rolled_out_by_hand,
    },
    {
	.name = "at-revision",
	.summary = "a static-pod operator has brought one node to its newest revision",
	.kind = RECOVERY_KIND_WAIT,
	.params = at_revision_params,
	.timeout = 2400,
	.probe = at_revision_probe,
    },
    {
	.name = "known",
	.summary = "which operators there are, and which of them were unstable when it was saved",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = known_outputs,
	.timeout = 300,
	.enter = known_enter,
    },
    {
	.name = "stable",
	.summary = "all operators are available and stay so",
	.kind = RECOVERY_KIND_WAIT,
	.params = stable_params,
	.outcomes = stable_outcomes,
	.outputs = stable_outputs,
	.timeout = 3600,
	.probe = stable_probe,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "operator", .summary = "the cluster's operators", .states = states);
