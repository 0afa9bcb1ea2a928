/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/call.h"
#include "kube/freshness.h"
#include <string.h>

/* For every kind of wait: a state from the snapshot's past that a naive check believes and ours
 * does not, and the true one, which both believe. The API came up at 03:00, it is 03:05. */

static const RdFreshMoment moment = {.api_up = 1767322800, .now = 1767323100};
static const RdFreshMoment unknown = {.api_up = 0, .now = 1767323100};

#define PAST   "2026-01-02T01:00:00Z"
#define JUST   "2026-01-02T03:00:10.000000Z"
#define RECENT "2026-01-02T03:04:50.123456Z"
#define AWAY   "2026-01-02T03:04:00.000000Z"
#define FUTURE "2026-01-02T04:04:00.000000Z"

/* JSON with single quotes; NULL for NULL */
static JsonNode *
json(const char *single)
{
	g_autofree char *text = g_strdup(single);
	g_autoptr(GError) error = NULL;
	JsonNode *node = NULL;

	if (single == NULL)
		return NULL;
	g_strdelimit(text, "'", '"');
	node = rd_kube_json_parse(text, strlen(text), &error);
	g_assert_no_error(error);
	return node;
}

static void
free_json(JsonNode **node)
{
	g_clear_pointer(node, json_node_unref);
}
#define json_auto __attribute__((cleanup(free_json))) JsonNode *

/* what others look at: a condition's status, a pod's phase, a revision that all nodes are at */
static gboolean
naive(JsonNode *object, const char *path, const char *wanted)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) found = json_path_query(path, object, &error);
	JsonArray *matches = NULL;

	g_assert_no_error(error);
	matches = json_node_get_array(found);
	return json_array_get_length(matches) == 1 &&
	       g_strcmp0(json_array_get_string_element(matches, 0), wanted) == 0;
}

static void
assert_fresh(const char *what, const RdFresh *fresh, RdFreshVerdict expected)
{
	if (fresh->verdict != expected)
		g_error("%s: expected %s, got %s: %s", what, rd_fresh_to_string(expected),
			rd_fresh_to_string(fresh->verdict), fresh->why);
	g_assert_nonnull(fresh->why);
}

/* ---- nodes ---- */

#define NODE(status)                                                                               \
	"{'metadata':{'name':'m1','uid':'u1'},'status':{'conditions':[{'type':'Ready','status':"   \
	"'" status "','reason':'KubeletReady','lastHeartbeatTime':'" PAST "'}]}}"
#define LEASE(name, holder, uid, time)                                                             \
	"{'metadata':{'name':'" name "','ownerReferences':[{'kind':'Node','uid':'" uid             \
	"'}]},'spec':{'holderIdentity':'" holder "','renewTime':'" time "'}}"

static void
test_node(void)
{
	const struct {
		const char *what, *node, *lease;
		double skew;
		gboolean naive;
		RdFreshVerdict expected;
	} cases[] = {
	    {"alive", NODE("True"), LEASE("m1", "m1", "u1", RECENT), 0, TRUE, RD_FRESH_TRUE},
	    {"from the snapshot", NODE("True"), LEASE("m1", "m1", "u1", PAST), 0, TRUE,
	     RD_FRESH_STALE},
	    {"without lease", NODE("True"), NULL, 0, TRUE, RD_FRESH_STALE},
	    {"came and went", NODE("True"), LEASE("m1", "m1", "u1", AWAY), 0, TRUE, RD_FRESH_STALE},
	    {"only just after", NODE("True"), LEASE("m1", "m1", "u1", JUST), 0, TRUE,
	     RD_FRESH_STALE},
	    {"named like another's", NODE("True"), LEASE("m2", "m1", "u1", RECENT), 0, TRUE,
	     RD_FRESH_STALE},
	    {"another's lease", NODE("True"), LEASE("m2", "m2", "u1", RECENT), 0, TRUE,
	     RD_FRESH_STALE},
	    {"held by another", NODE("True"), LEASE("m1", "m2", "u1", RECENT), 0, TRUE,
	     RD_FRESH_STALE},
	    {"of a Node before this", NODE("True"), LEASE("m1", "m1", "u0", RECENT), 0, TRUE,
	     RD_FRESH_STALE},
	    {"by a clock that is ahead", NODE("True"), LEASE("m1", "m1", "u1", FUTURE), 0, TRUE,
	     RD_FRESH_STALE},
	    {"by a clock known to be ahead", NODE("True"), LEASE("m1", "m1", "u1", FUTURE), 3550,
	     TRUE, RD_FRESH_TRUE},
	    {"the past by a clock known to be ahead", NODE("True"), LEASE("m1", "m1", "u1", RECENT),
	     3600, TRUE, RD_FRESH_STALE},
	    {"not ready", NODE("Unknown"), LEASE("m1", "m1", "u1", RECENT), 0, FALSE,
	     RD_FRESH_FALSE},
	    {"never said", "{'metadata':{'name':'m1','uid':'u1'}}", LEASE("m1", "m1", "u1", RECENT),
	     0, FALSE, RD_FRESH_FALSE},
	    {"being deleted",
	     "{'metadata':{'name':'m1','uid':'u1','deletionTimestamp':'" RECENT
	     "'},'status':{'conditions':[{'type':'Ready','status':'True'}]}}",
	     LEASE("m1", "m1", "u1", RECENT), 0, TRUE, RD_FRESH_FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		json_auto node = json(cases[i].node);
		json_auto lease = json(cases[i].lease);
		RdFreshMoment then = moment;
		g_auto(RdFresh) fresh = {0};

		then.skew = cases[i].skew;
		rd_fresh_node(node, lease, &then, &fresh);
		assert_fresh(cases[i].what, &fresh, cases[i].expected);
		g_assert_cmpint(naive(node, "$.status.conditions[0].status", "True"), ==,
				cases[i].naive);
		rd_fresh_node(node, lease, &unknown, &fresh);
		g_assert_cmpint(fresh.verdict, !=, RD_FRESH_TRUE);
	}
}

/* ---- conditions ---- */

#define OPERATOR(status, changed, manager, field, time)                                            \
	"{'metadata':{'name':'etcd','resourceVersion':'99','managedFields':[{'manager':'" manager  \
	"','time':'" time "','fieldsV1':{'" field                                                  \
	"':{}}}]},'status':{'conditions':[{'type':'Available','status':'" status                   \
	"','lastTransitionTime':'" changed "'}]}}"

/* a kubelet that is back this very moment has not yet had the time to say NotReady */
static void
test_node_settles(void)
{
	json_auto node = json(NODE("True"));
	json_auto lease = json(LEASE("m1", "m1", "u1", JUST));
	RdFreshMoment then = {.api_up = moment.api_up, .now = moment.api_up + 15};
	g_auto(RdFresh) fresh = {0};

	rd_fresh_node(node, lease, &then, &fresh);
	assert_fresh("after 10 s", &fresh, RD_FRESH_STALE);
	then.api_up -= RD_FRESH_SETTLE;
	rd_fresh_node(node, lease, &then, &fresh);
	assert_fresh("after 30 s", &fresh, RD_FRESH_TRUE);
}

static void
test_condition(void)
{
	const struct {
		const char *what, *object, *lease;
		gboolean naive;
		RdFreshVerdict expected;
	} cases[] = {
	    {"changed since", OPERATOR("True", RECENT, "op", "f:status", PAST), NULL, TRUE,
	     RD_FRESH_TRUE},
	    {"written since", OPERATOR("True", PAST, "op", "f:status", RECENT), NULL, TRUE,
	     RD_FRESH_TRUE},
	    {"another condition changed since",
	     "{'metadata':{'name':'etcd'},'status':{'conditions':[{'type':'Available','status':'"
	     "True',"
	     "'lastTransitionTime':'" PAST "'},{'type':'Other','status':'True',"
	     "'lastTransitionTime':'" RECENT "'}]}}",
	     NULL, TRUE, RD_FRESH_TRUE},
	    {"another will change",
	     "{'metadata':{'name':'etcd'},'status':{'conditions':[{'type':'Available','status':'"
	     "True',"
	     "'lastTransitionTime':'" PAST "'},{'type':'Other','status':'True',"
	     "'lastTransitionTime':'" FUTURE "'}]}}",
	     NULL, TRUE, RD_FRESH_STALE},
	    {"its operator is alive", OPERATOR("True", PAST, "op", "f:status", PAST),
	     LEASE("lock", "pod-1", "x", RECENT), TRUE, RD_FRESH_TRUE},
	    {"from the snapshot", OPERATOR("True", PAST, "op", "f:status", PAST), NULL, TRUE,
	     RD_FRESH_STALE},
	    {"its operator's lease too", OPERATOR("True", PAST, "op", "f:status", PAST),
	     LEASE("lock", "pod-1", "x", PAST), TRUE, RD_FRESH_STALE},
	    {"its operator let go", OPERATOR("True", PAST, "op", "f:status", PAST),
	     LEASE("lock", "", "x", RECENT), TRUE, RD_FRESH_STALE},
	    {"its operator is back for a moment", OPERATOR("True", PAST, "op", "f:status", PAST),
	     LEASE("lock", "pod-1", "x", JUST), TRUE, RD_FRESH_STALE},
	    {"we wrote it ourselves", OPERATOR("True", PAST, "recoveryd", "f:status", RECENT), NULL,
	     TRUE, RD_FRESH_STALE},
	    {"only its spec was written", OPERATOR("True", PAST, "op", "f:spec", RECENT), NULL,
	     TRUE, RD_FRESH_STALE},
	    {"changed in the future", OPERATOR("True", FUTURE, "op", "f:status", PAST), NULL, TRUE,
	     RD_FRESH_STALE},
	    {"false", OPERATOR("False", RECENT, "op", "f:status", RECENT), NULL, FALSE,
	     RD_FRESH_FALSE},
	    {"not said", "{'metadata':{'name':'etcd'}}", NULL, FALSE, RD_FRESH_FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		json_auto object = json(cases[i].object);
		json_auto lease = json(cases[i].lease);
		g_auto(RdFresh) fresh = {0};

		rd_fresh_condition(object, "Available", "True", lease, &moment, &fresh);
		assert_fresh(cases[i].what, &fresh, cases[i].expected);
		g_assert_cmpint(naive(object, "$.status.conditions[0].status", "True"), ==,
				cases[i].naive);
		rd_fresh_condition(object, "Available", "True", lease, &unknown, &fresh);
		g_assert_cmpint(fresh.verdict, !=, RD_FRESH_TRUE);
	}
}

/* ---- mirror pods ---- */

#define MIRROR(hash, id, ready)                                                                    \
	"{'metadata':{'name':'etcd-m1','annotations':{'kubernetes.io/config.hash':'" hash          \
	"'}},'spec':{'containers':[{'name':'etcd'}]},'status':{'phase':'Running',"                 \
	"'containerStatuses':[{'name':'etcd','ready':" ready ",'containerID':'cri-o://" id "'}]}}"
#define SANDBOX(state, hash)                                                                       \
	"{'items':[{'metadata':{'uid':'x'},'state':'" state                                        \
	"','annotations':{'kubernetes.io/config.hash':'" hash "'}}]}"
#define CONTAINER(state, id) "{'containers':[{'id':'" id "','state':'" state "'}]}"

static void
test_mirror(void)
{
	const struct {
		const char *what, *pod, *pods, *containers;
		RdFreshVerdict expected;
	} cases[] = {
	    {"runs", MIRROR("h1", "c1", "true"), SANDBOX("SANDBOX_READY", "h1"),
	     CONTAINER("CONTAINER_RUNNING", "c1"), RD_FRESH_TRUE},
	    {"by uid", MIRROR("h1", "c1", "true"),
	     "{'items':[{'metadata':{'uid':'h1'},'state':'SANDBOX_READY'}]}",
	     CONTAINER("CONTAINER_RUNNING", "c1"), RD_FRESH_TRUE},
	    {"nothing runs there", MIRROR("h1", "c1", "true"), "{'items':[]}", "{'containers':[]}",
	     RD_FRESH_STALE},
	    {"no word of the host", MIRROR("h1", "c1", "true"), NULL, NULL, RD_FRESH_STALE},
	    {"another revision runs", MIRROR("h1", "c1", "true"), SANDBOX("SANDBOX_READY", "h2"),
	     CONTAINER("CONTAINER_RUNNING", "c1"), RD_FRESH_STALE},
	    {"its sandbox has ended", MIRROR("h1", "c1", "true"), SANDBOX("SANDBOX_NOTREADY", "h1"),
	     CONTAINER("CONTAINER_RUNNING", "c1"), RD_FRESH_STALE},
	    {"its container was replaced", MIRROR("h1", "c1", "true"),
	     SANDBOX("SANDBOX_READY", "h1"), CONTAINER("CONTAINER_RUNNING", "c2"), RD_FRESH_STALE},
	    {"its container has ended", MIRROR("h1", "c1", "true"), SANDBOX("SANDBOX_READY", "h1"),
	     CONTAINER("CONTAINER_EXITED", "c1"), RD_FRESH_STALE},
	    {"no mirror", MIRROR("", "c1", "true"), SANDBOX("SANDBOX_READY", ""),
	     CONTAINER("CONTAINER_RUNNING", "c1"), RD_FRESH_STALE},
	    {"not ready", MIRROR("h1", "c1", "false"), SANDBOX("SANDBOX_READY", "h1"),
	     CONTAINER("CONTAINER_RUNNING", "c1"), RD_FRESH_FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		json_auto pod = json(cases[i].pod);
		json_auto pods = json(cases[i].pods);
		json_auto containers = json(cases[i].containers);
		g_auto(RdFresh) fresh = {0};

		rd_fresh_mirror_pod(pod, pods, containers, &fresh);
		assert_fresh(cases[i].what, &fresh, cases[i].expected);
		g_assert_true(naive(pod, "$.status.phase", "Running"));
	}
}

/* ---- ordinary pods ---- */

#define POD(uid, created, written, extra)                                                          \
	"{'metadata':{'name':'ovnkube-node-x','uid':'" uid "','creationTimestamp':'" created       \
	"'" extra ",'managedFields':[{'manager':'kubelet','time':'" written                        \
	"','fieldsV1':{'f:status':{}}}]},'spec':{'nodeName':'m1','containers':[{'name':'a'}]},"    \
	"'status':{'phase':'Running','containerStatuses':[{'name':'a','ready':true}]}}"

static void
test_pod(void)
{
	static const char *const before[] = {"p0", NULL};
	const struct {
		const char *what, *pod, *lease;
		RdFreshVerdict expected;
	} cases[] = {
	    {"new", POD("p1", RECENT, RECENT, ""), LEASE("m1", "m1", "u1", RECENT), RD_FRESH_TRUE},
	    {"old, but heard of", POD("p1", PAST, RECENT, ""), LEASE("m1", "m1", "u1", RECENT),
	     RD_FRESH_TRUE},
	    {"from the snapshot", POD("p1", PAST, PAST, ""), LEASE("m1", "m1", "u1", RECENT),
	     RD_FRESH_STALE},
	    {"its node is silent", POD("p1", PAST, RECENT, ""), LEASE("m1", "m1", "u1", PAST),
	     RD_FRESH_STALE},
	    {"another node's lease", POD("p1", RECENT, RECENT, ""), LEASE("m2", "m2", "u1", RECENT),
	     RD_FRESH_STALE},
	    {"no lease", POD("p1", RECENT, RECENT, ""), NULL, RD_FRESH_STALE},
	    {"the deleted one", POD("p0", RECENT, RECENT, ""), LEASE("m1", "m1", "u1", RECENT),
	     RD_FRESH_FALSE},
	    {"terminating", POD("p1", RECENT, RECENT, ",'deletionTimestamp':'" RECENT "'"),
	     LEASE("m1", "m1", "u1", RECENT), RD_FRESH_FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		json_auto pod = json(cases[i].pod);
		json_auto lease = json(cases[i].lease);
		g_auto(RdFresh) fresh = {0};

		rd_fresh_pod(pod, before, lease, &moment, &fresh);
		assert_fresh(cases[i].what, &fresh, cases[i].expected);
		g_assert_true(naive(pod, "$.status.phase", "Running"));
		rd_fresh_pod(pod, before, lease, &unknown, &fresh);
		g_assert_cmpint(fresh.verdict, !=, RD_FRESH_TRUE);
	}
}

/* ---- rollouts ---- */

#define ROLLOUT(latest, nodes, status, reason, degraded)                                           \
	"{'metadata':{'name':'cluster'},'status':{'latestAvailableRevision':" latest               \
	",'nodeStatuses':[" nodes                                                                  \
	"],'conditions':[{'type':'NodeInstallerProgressing','status':'" status                     \
	"','reason':'" reason "','message':'3 nodes'},{'type':'NodeInstallerDegraded',"            \
	"'status':'" degraded "'}]}}"
#define AT(revision)	     "{'nodeName':'x','currentRevision':" revision "}"
#define ON_THE_WAY(from, to) "{'currentRevision':" from ",'targetRevision':" to "}"
#define ALL		     "AllNodesAtLatestRevision"

static void
test_rollout(void)
{
	const struct {
		const char *what, *object;
		gboolean naive;
		RdFreshVerdict expected;
	} cases[] = {
	    {"done", ROLLOUT("8", AT("8") "," AT("8") "," AT("8"), "False", ALL, "False"), TRUE,
	     RD_FRESH_TRUE},
	    {"with targets of 0",
	     ROLLOUT("8", ON_THE_WAY("8", "0") "," AT("8") "," AT("8"), "False", ALL, "False"),
	     TRUE, RD_FRESH_TRUE},
	    {"before the operator has seen the request",
	     ROLLOUT("7", AT("7") "," AT("7") "," AT("7"), "False", ALL, "False"), TRUE,
	     RD_FRESH_STALE},
	    {"a new revision, conditions not yet",
	     ROLLOUT("8", AT("7") "," AT("7") "," AT("7"), "False", ALL, "False"), TRUE,
	     RD_FRESH_FALSE},
	    {"one to go", ROLLOUT("8", AT("8") "," AT("8") "," AT("7"), "False", ALL, "False"),
	     TRUE, RD_FRESH_FALSE},
	    {"one on the way",
	     ROLLOUT("8", AT("8") "," AT("8") "," ON_THE_WAY("8", "9"), "False", ALL, "False"),
	     TRUE, RD_FRESH_FALSE},
	    {"one node unknown to it", ROLLOUT("8", AT("8") "," AT("8"), "False", ALL, "False"),
	     TRUE, RD_FRESH_FALSE},
	    {"a dead node counted",
	     ROLLOUT("8", AT("8") "," AT("8") "," AT("8") "," AT("7"), "False", ALL, "False"), TRUE,
	     RD_FRESH_FALSE},
	    {"still progressing",
	     ROLLOUT("8", AT("8") "," AT("8") "," AT("8"), "True", "", "False"), FALSE,
	     RD_FRESH_FALSE},
	    {"for another reason",
	     ROLLOUT("8", AT("8") "," AT("8") "," AT("8"), "False", "Other", "False"), TRUE,
	     RD_FRESH_FALSE},
	    {"degraded", ROLLOUT("8", AT("8") "," AT("8") "," AT("8"), "False", ALL, "True"), TRUE,
	     RD_FRESH_FALSE},
	    {"no revision", "{'metadata':{'name':'cluster'}}", FALSE, RD_FRESH_FALSE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		json_auto object = json(cases[i].object);
		g_auto(RdFresh) fresh = {0};

		rd_fresh_rollout(object, 7, 3, &fresh);
		assert_fresh(cases[i].what, &fresh, cases[i].expected);
		g_assert_cmpint(naive(object, "$.status.conditions[0].status", "False"), ==,
				cases[i].naive);
	}
}

static void
test_rest(void)
{
	json_auto old = json("{'metadata':{'name':'csr-1','creationTimestamp':'" PAST "'}}");
	json_auto new = json("{'metadata':{'name':'csr-1','creationTimestamp':'" RECENT "'}}");
	json_auto none = json("{'metadata':{'name':'csr-1'}}");
	g_auto(RdFresh) fresh = {0};

	rd_fresh_created(old, moment.api_up, &fresh);
	assert_fresh("old", &fresh, RD_FRESH_STALE);
	rd_fresh_created(none, moment.api_up, &fresh);
	assert_fresh("none", &fresh, RD_FRESH_STALE);
	rd_fresh_created(new, moment.api_up, &fresh);
	assert_fresh("new", &fresh, RD_FRESH_TRUE);

	g_assert_true(rd_fresh_is_newer("10", "9"));
	g_assert_true(rd_fresh_is_newer("18446744073709551615", "9223372036854775808"));
	g_assert_false(rd_fresh_is_newer("9", "10"));
	g_assert_false(rd_fresh_is_newer("9", "9"));
	g_assert_false(rd_fresh_is_newer("0", "0"));
	g_assert_false(rd_fresh_is_newer("x", "9"));
	g_assert_false(rd_fresh_is_newer("9", ""));
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kube-freshness/node", test_node);
	g_test_add_func("/kube-freshness/node-settles", test_node_settles);
	g_test_add_func("/kube-freshness/condition", test_condition);
	g_test_add_func("/kube-freshness/mirror-pod", test_mirror);
	g_test_add_func("/kube-freshness/pod", test_pod);
	g_test_add_func("/kube-freshness/rollout", test_rollout);
	g_test_add_func("/kube-freshness/rest", test_rest);
	return g_test_run();
}
