/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

typedef struct {
	const char *name, *type;
	RdKind kind;
	gboolean cluster;
	guint width, timeout, tries, delay;
	const char *with; /* "name=value name=value" */
	const char *guard;
	RdMark mark;
	const char *group;
} State;

static const State two_states[] = {
    {"stop", "static-pod/stop", RD_KIND_CHANGE, 0, 1, 300, 1, 0, "pod=kube-scheduler"},
    {"start", "static-pod/start", RD_KIND_CHANGE, 0, 1, 300, 1, 0, "pod=kube-scheduler"},
    {NULL},
};

#define C RD_KIND_CHANGE
#define W RD_KIND_WAIT
#define Q RD_KIND_QUERY
static const State manual_restore[] = {
    {"still-dead", "etcd/no-quorum", Q, 1, 1, 300, 1, 0, ""},
    {"parameters", "etcd/parameters", Q, 0, 9, 120, 3, 10, "snapshot=${input.backup.snapshot}"},
    {"agree", "etcd/agree", Q, 1, 1, 60, 1, 0,
     "names=${parameters.name} urls=${parameters.peer-url} images=${parameters.image} "
     "token=openshift-etcd-${run.uuid}"},
    {"rescue", "etcd/rescue-copy", C, 0, 1, 1200, 1, 0, "address=${parameters.address}",
     "etcd/no-quorum", RD_MARK_RESCUE_COPY},
    {"copy-backup", "file/copy", C, 0, 9, 1800, 3, 10,
     "from=${input.backup.snapshot} to=${parameters.backup-dir}/${input.backup.name} "
     "sha256=${input.backup.sha256} mode=0600"},
    {"stop-apiserver", "static-pod/stop", C, 0, 1, 360, 1, 0, "pod=kube-apiserver",
     .group = "stop"},
    {"stop-controller-manager", "static-pod/stop", C, 0, 1, 300, 1, 0,
     "pod=kube-controller-manager", .group = "stop"},
    {"stop-scheduler", "static-pod/stop", C, 0, 1, 300, 1, 0, "pod=kube-scheduler",
     .group = "stop"},
    {"stop-etcd", "static-pod/stop", C, 0, 1, 300, 1, 0, "pod=etcd", .group = "stop"},
    {"save-data", "etcd/save-data", C, 0, 1, 300, 1, 0, "", "etcd/silent"},
    {"restore", "etcd/restore-member", C, 0, 1, 1800, 3, 10,
     "name=${parameters.name} peer-url=${parameters.peer-url} image=${parameters.image} "
     "initial-cluster=${agree.initial-cluster} token=openshift-etcd-${run.uuid} "
     "snapshot=${parameters.backup-dir}/${input.backup.name} sha256=${input.backup.sha256}",
     "etcd/silent"},
    {"compare", "etcd/compare", Q, 1, 1, 60, 1, 0,
     "printed=${restore.members} predicted=${agree.members}"},
    {"place", "etcd/place", C, 0, 1, 300, 1, 0, "token=openshift-etcd-${run.uuid}", "etcd/silent",
     RD_MARK_HOST_UNDO_ENDS},
    {"start-etcd", "static-pod/start", C, 0, 1, 600, 1, 0, "pod=etcd"},
    {"healthy", "etcd/health", W, 1, 1, 600, 1, 0,
     "members=${agree.members} cluster-id=${agree.cluster-id}"},
    {"start-apiserver", "static-pod/start", C, 0, 1, 600, 1, 0, "pod=kube-apiserver", NULL,
     RD_MARK_POINT_OF_NO_RETURN},
    {"start-controller-manager", "static-pod/start", C, 0, 1, 300, 1, 0,
     "pod=kube-controller-manager", .group = "start-controllers"},
    {"start-scheduler", "static-pod/start", C, 0, 1, 300, 1, 0, "pod=kube-scheduler",
     .group = "start-controllers"},
    {"restart-kubelet", "kubelet/restart", C, 0, 1, 120, 1, 0, ""},
    {"running", "static-pod/running", W, 0, 9, 600, 1, 0, ""},
    {"status", "etcd/status", Q, 1, 1, 60, 1, 0,
     "members=${agree.members} cluster-id=${agree.cluster-id}"},
    {NULL},
};
#undef C
#undef W
#undef Q

static void
add_state(RdPlan *plan, const State *from)
{
	RdPlanState *state = rd_plan_add_state(plan, from->name, from->type, from->kind);
	g_auto(GStrv) with = g_strsplit(from->with, " ", -1);

	for (guint i = 0; with[i] != NULL && *with[i] != '\0'; i++) {
		g_auto(GStrv) pair = g_strsplit(with[i], "=", 2);

		g_hash_table_insert(state->with, g_strdup(pair[0]), g_strdup(pair[1]));
	}
	if (from->cluster)
		g_ptr_array_add(state->targets, g_strdup(RD_CLUSTER));
	for (guint i = 0; !from->cluster && i < plan->hosts->len; i++) {
		const RdPlanHost *host = g_ptr_array_index(plan->hosts, i);

		g_ptr_array_add(state->targets, g_strdup(host->name));
	}
	state->width = from->width;
	state->timeout_s = from->timeout;
	state->tries = from->tries;
	state->delay_s = from->delay;
	state->mark = from->mark;
	if (from->guard != NULL)
		rd_plan_state_add_guard(state, from->guard);
}

RdPlan *
sim_plan(const char *procedure, guint n_hosts)
{
	const State *states =
	    g_str_equal(procedure, "manual-restore") ? manual_restore : two_states;
	RdPlan *plan = rd_plan_new(procedure, "night");
	guint grouped = 0;

	for (guint i = 0; i < n_hosts; i++) {
		g_autofree char *name = g_strdup_printf("m%u", i);

		rd_plan_add_host(plan, name, i == 0 ? "recovery" : "control-plane")->locked = TRUE;
	}
	for (const State *state = states; state->name != NULL; state++) {
		add_state(plan, state);
		grouped++;
		if (state->group != NULL && g_strcmp0(state->group, state[1].group) == 0)
			continue;
		rd_plan_add_unit(plan, state->group != NULL ? state->group : state->name, grouped);
		grouped = 0;
	}
	return plan;
}
