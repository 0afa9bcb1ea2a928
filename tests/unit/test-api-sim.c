/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api-script.h"
#include "kube/freshness.h"
#include "kube/objects.h"
#include "rehearsal/api.h"
#include "rehearsal/scenery.h"
#include "rehearsal/world.h"
#include <recovery/plugin.h>

/* The API of the simulated cluster: when it is there, what may become of a request, and what those
 * who work behind it do meanwhile. */

#define LEASE "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/m0"
#define CSR   "/apis/certificates.k8s.io/v1/certificatesigningrequests/c1"

typedef struct {
	RdSimCluster *cluster;
	RdSimApi *api;
	RdSimStore *store;
	RdNetwork network;
	RdWorld *world;
	RdKube *kube;
	guint moments[RD_MOMENT_LAST + 1];
	RdMoment cut_at;
	gboolean cut, silent;
} Fixture;

static void
moment(RdMoment when, const char *target, const char *host, const RdCall *call,
       RdSimRequest *request, gpointer data)
{
	Fixture *self = data;

	g_assert_cmpstr(host, ==, "m0");
	g_assert_nonnull(call->argv[1]);
	self->moments[when]++;
	if (self->cut && when == self->cut_at) {
		self->cut = FALSE;
		rd_sim_request_cut(request, self->silent);
	}
}

/* one host: its etcd is a quorum */
static void
set_up(Fixture *self, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	self->cluster = rd_scenery_quorum_lost(1, 1);
	self->api = rd_sim_api_new(self->cluster, "m0");
	self->store = rd_sim_api_get_store(self->api);
	rd_sim_store_serve(self->store, "/api/v1/configmaps", "ConfigMap");
	rd_sim_store_serve(self->store, "/api/v1/nodes", "Node");
	rd_sim_store_serve(self->store, "/apis/coordination.k8s.io/v1/leases", "Lease");
	rd_sim_store_serve(self->store, "/apis/operator.openshift.io/v1/etcds", "Etcd");
	rd_sim_store_serve(self->store, "/apis/certificates.k8s.io/v1/certificatesigningrequests",
			   "CertificateSigningRequest");
	self->network = (RdNetwork){.cluster = self->cluster,
				    .api = self->api,
				    .moment = moment,
				    .data = self,
				    .punctual = TRUE};
	self->world = rd_sim_world_new(&self->network, "cluster", NULL, NULL);
	self->kube = self->world->klass->kube(self->world, &error);
	g_assert_no_error(error);
}

static void
tear_down(Fixture *self, gconstpointer data)
{
	g_assert_cmpuint(self->cluster->violations->len, ==, 0);
	rd_sim_world_free(self->world);
	rd_sim_api_free(self->api);
	rd_sim_cluster_free(self->cluster);
}

static void
wait_s(Fixture *self, guint seconds)
{
	g_assert_true(self->world->klass->pause(self->world, seconds * 1000));
}

static void
put(Fixture *self, const char *path, const char *json)
{
	g_autoptr(GString) text = g_string_new(json);

	g_string_replace(text, "'", "\"", 0);
	rd_sim_store_put(self->store, path, text->str, rd_sim_api_get_time(self->api) - 3600);
}

static JsonNode *
get(Fixture *self, const char *path)
{
	g_autoptr(GError) error = NULL;
	JsonNode *node = rd_kube_get(self->kube, path, 0, NULL, &error);

	g_assert_no_error(error);
	g_assert_nonnull(node);
	return node;
}

static RdKubeVerdict
ask(Fixture *self, RdKubeVerb verb, const char *path, const char *body)
{
	RdKubeRequest request = {.verb = verb, .path = path, .body = body, .uid = "u"};
	g_auto(RdKubeAnswer) answer = {0};

	self->kube->klass->send(self->kube, &request, 1, 1, 30, &answer);
	return answer.verdict;
}

/* ---- ---- */

static void
test_script(Fixture *self, gconstpointer data)
{
	api_play(self->kube);
	g_assert_cmpuint(self->moments[RD_MOMENT_SEND], ==, G_N_ELEMENTS(api_script));
	g_assert_cmpuint(self->moments[RD_MOMENT_ACTED], ==, G_N_ELEMENTS(api_script));
}

static void
test_text(Fixture *self, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *text = rd_kube_text(self->kube, "/readyz", 0, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, "ok");
}

static void
test_there_with_etcd(Fixture *self, gconstpointer data)
{
	RdSimHost *host = rd_sim_cluster_find(self->cluster, "m0");

	g_assert_true(rd_sim_api_is_up(self->api));
	rd_sim_host_reboot(host);
	g_assert_false(rd_sim_api_is_up(self->api));
	g_assert_cmpint(ask(self, RD_KUBE_GET, "/api/v1/nodes", NULL), ==, RD_KUBE_NOT_YET);
	/* it comes back with the host */
	for (guint i = 0; i < 600 && !rd_sim_api_is_up(self->api); i++)
		wait_s(self, 1);
	g_assert_cmpint(ask(self, RD_KUBE_GET, "/api/v1/nodes", NULL), ==, RD_KUBE_DONE);
}

/* at each moment: is it known whether it was done, and was it */
static void
test_lost(Fixture *self, gconstpointer data)
{
	static const struct {
		RdMoment at;
		RdKubeVerdict verdict;
		guint done;
	} cases[] = {{RD_MOMENT_SEND, RD_KUBE_NOT_YET, 0},
		     {RD_MOMENT_SENT, RD_KUBE_DOUBT, 0},
		     {RD_MOMENT_ACTED, RD_KUBE_DOUBT, 1}};

	put(self, API_ONE, "{}");
	for (guint i = 0; i < G_N_ELEMENTS(cases) * 2; i++) {
		guint before = rd_sim_store_tally(self->store, "PATCH " API_ONE);

		self->cut = TRUE;
		/* before anything left a reset would look like a later one */
		self->silent = i % 2 == 1 || cases[i / 2].at == RD_MOMENT_SEND;
		self->cut_at = cases[i / 2].at;
		g_assert_cmpint(ask(self, RD_KUBE_PATCH_MERGE, API_ONE, "{\"data\":{}}"), ==,
				cases[i / 2].verdict);
		wait_s(self, 60);
		g_assert_cmpuint(rd_sim_store_tally(self->store, "PATCH " API_ONE) - before, ==,
				 cases[i / 2].done);
		self->cut = TRUE;
		g_assert_cmpint(ask(self, RD_KUBE_GET, API_ONE, NULL), ==, RD_KUBE_NOT_YET);
	}
}

static void
test_moods(Fixture *self, gconstpointer data)
{
	static const struct {
		RdSimApiMood mood;
		RdKubeVerdict look, change;
		guint done;
	} cases[] = {
	    {RD_SIM_API_WELL, RD_KUBE_DONE, RD_KUBE_DONE, 1},
	    {RD_SIM_API_REFUSED, RD_KUBE_NOT_YET, RD_KUBE_NOT_YET, 0},
	    {RD_SIM_API_BUSY, RD_KUBE_NOT_YET, RD_KUBE_NOT_YET, 0},
	    {RD_SIM_API_UNAVAILABLE, RD_KUBE_NOT_YET, RD_KUBE_DOUBT, 0},
	    {RD_SIM_API_UNHEARD, RD_KUBE_NOT_YET, RD_KUBE_DOUBT, 1},
	    {RD_SIM_API_ETCD, RD_KUBE_NOT_YET, RD_KUBE_DOUBT, 1},
	    {RD_SIM_API_CONFLICT, RD_KUBE_DONE, RD_KUBE_CONFLICT, 0},
	    {RD_SIM_API_WEBHOOK, RD_KUBE_DONE, RD_KUBE_FAILED, 0},
	};

	put(self, API_ONE, "{}");
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		guint before = rd_sim_store_tally(self->store, "PATCH " API_ONE);

		rd_sim_api_set_mood(self->api, cases[i].mood, 10);
		g_assert_cmpint(ask(self, RD_KUBE_GET, API_ONE, NULL), ==, cases[i].look);
		g_assert_cmpint(ask(self, RD_KUBE_PATCH_MERGE, API_ONE, "{\"data\":{}}"), ==,
				cases[i].change);
		g_assert_cmpuint(rd_sim_store_tally(self->store, "PATCH " API_ONE) - before, ==,
				 cases[i].done);
		wait_s(self, 11);
		g_assert_cmpint(ask(self, RD_KUBE_GET, API_ONE, NULL), ==, RD_KUBE_DONE);
	}
}

static void
test_stale(Fixture *self, gconstpointer data)
{
	g_autoptr(JsonNode) past = NULL, today = NULL;

	put(self, API_ONE, "{'data':{'a':'1'}}");
	rd_sim_api_take_snapshot(self->api);
	g_assert_cmpint(ask(self, RD_KUBE_PATCH_MERGE, API_ONE, "{\"data\":{\"a\":\"2\"}}"), ==,
			RD_KUBE_DONE);
	rd_sim_api_set_mood(self->api, RD_SIM_API_STALE, 5);
	past = get(self, API_ONE);
	api_assert_has(0, past, "data.a=1");
	wait_s(self, 6);
	today = get(self, API_ONE);
	api_assert_has(1, today, "data.a=2");
}

/* the restored past says Ready with a lease of last night; the kubelet that lives corrects it */
static void
test_node_becomes_fresh(Fixture *self, gconstpointer data)
{
	RdSimHost *host = rd_sim_cluster_find(self->cluster, "m0");
	RdFreshMoment when = {0};
	g_autoptr(JsonNode) node = NULL, lease = NULL, gone = NULL;
	g_auto(RdFresh) old = {0}, fresh = {0}, dead = {0};

	put(self, "/api/v1/nodes/m0",
	    "{'metadata':{'uid':'u-m0'},'status':{'conditions':[{'type':'Ready','status':'True'}]}"
	    "}");
	put(self, LEASE,
	    "{'metadata':{'ownerReferences':[{'kind':'Node','name':'m0','uid':'u-m0'}]},'spec':"
	    "{'holderIdentity':'m0','leaseDurationSeconds':40,'renewTime':"
	    "'2020-01-01T00:00:00.000000Z'}}");
	when.api_up = rd_sim_api_get_time(self->api);
	node = get(self, "/api/v1/nodes/m0");
	lease = get(self, LEASE);
	when.now = rd_sim_api_get_time(self->api);
	rd_fresh_node(node, lease, &when, &old);
	g_test_message("%s", old.why);
	g_assert_cmpint(old.verdict, ==, RD_FRESH_STALE);
	wait_s(self, 35);
	json_node_unref(lease);
	lease = get(self, LEASE);
	when.now = rd_sim_api_get_time(self->api);
	rd_fresh_node(node, lease, &when, &fresh);
	g_test_message("%s", fresh.why);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_TRUE);
	/* a node whose host there is not is found out */
	put(self, "/api/v1/nodes/m9",
	    "{'status':{'conditions':[{'type':'Ready','status':'True'}]}}");
	json_node_unref(get(self, "/api/v1/nodes/m9"));
	wait_s(self, 60);
	gone = get(self, "/api/v1/nodes/m9");
	rd_fresh_node(gone, NULL, &when, &dead);
	g_assert_cmpint(dead.verdict, ==, RD_FRESH_FALSE);
	g_assert_cmpint(host->power, ==, RD_SIM_UP);
}

static void
test_csr_is_issued_after_approval(Fixture *self, gconstpointer data)
{
	g_autoptr(JsonNode) before = NULL, after = NULL;

	put(self, CSR, "{'spec':{'request':'x'},'status':{}}");
	wait_s(self, 60);
	before = get(self, CSR);
	g_assert_false(json_object_has_member(
	    json_object_get_object_member(json_node_get_object(before), "status"), "certificate"));
	g_assert_cmpint(
	    ask(self, RD_KUBE_PUT, CSR "/approval",
		"{\"status\":{\"conditions\":[{\"type\":\"Approved\",\"status\":\"True\"}]}}"),
	    ==, RD_KUBE_DONE);
	json_node_unref(get(self, CSR));
	wait_s(self, 5);
	after = get(self, CSR);
	api_assert_has(0, after, "status.certificate=LS0tLS1CRUdJTg==");
}

/* asked for and asked again with the same word: one revision, written to the host by an installer
 * that only starts where the network works */
static void
test_rollout(void)
{
	static const char path[] = "/apis/operator.openshift.io/v1/kubeschedulers/cluster";
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(3, 1);
	g_autoptr(RdSimApi) api = rd_scenery_api(cluster, "m0");
	RdNetwork network = {.cluster = cluster, .api = api, .punctual = TRUE};
	RdWorld *world = rd_sim_world_new(&network, "cluster", NULL, NULL);
	RdKube *kube = world->klass->kube(world, NULL);
	RdSimHost *host = rd_sim_cluster_find(cluster, "m0");
	const RdKubeRequest patch = {.verb = RD_KUBE_PATCH_MERGE,
				     .path = path,
				     .body = "{\"spec\":{\"forceRedeploymentReason\":\"r-1\"}}"};
	g_autoptr(JsonNode) middle = NULL, end = NULL;
	g_auto(RdFresh) half = {0}, whole = {0};

	for (guint i = 0; i < 2; i++) {
		g_auto(RdKubeAnswer) answer = {0};

		g_assert_true(world->klass->pause(world, 60000));
		kube->klass->send(kube, &patch, 1, 1, 30, &answer);
		g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	}
	g_assert_true(world->klass->pause(world, 120000));
	middle = rd_kube_get(kube, path, 0, NULL, NULL);
	rd_fresh_rollout(middle, RD_SCENERY_REVISION, 1, &half);
	g_test_message("%s", half.why);
	g_assert_cmpint(half.verdict, ==, RD_FRESH_FALSE);
	rd_sim_tree_write_text(host->tree, RD_SIM_OVN_DIR "/ovnnb_db.db", "new\n", 0600);
	/* nobody asks meanwhile */
	g_assert_true(world->klass->pause(world, 120000));
	end = rd_kube_get(kube, path, 0, NULL, NULL);
	rd_fresh_rollout(end, RD_SCENERY_REVISION, 1, &whole);
	g_test_message("%s", whole.why);
	g_assert_cmpint(whole.verdict, ==, RD_FRESH_TRUE);
	g_assert_cmpuint(rd_sim_host_tally(host, "revision written kube-scheduler"), ==, 1);
	g_assert_cmpint(json_object_get_int_member(
			    json_object_get_object_member(json_node_get_object(end), "status"),
			    "latestAvailableRevision"),
			==, RD_SCENERY_REVISION + 1);
	rd_sim_world_free(world);
}

/* an installed cluster before its etcd is restored, and after; two of three are damaged */
static void
test_scenery(void)
{
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(3, 3);
	g_autoptr(RdSimApi) api = rd_scenery_api(cluster, "m0");
	RdNetwork network = {.cluster = cluster, .api = api, .punctual = TRUE};
	RdWorld *world = rd_sim_world_new(&network, "cluster", NULL, NULL);
	RdKube *kube = world->klass->kube(world, NULL);
	RdKubeRequest look = {.verb = RD_KUBE_GET, .path = "/api/v1/nodes"};
	g_autoptr(GPtrArray) nodes = NULL;
	g_auto(RdKubeAnswer) answer = {0};

	g_assert_false(rd_sim_api_is_up(api));
	kube->klass->send(kube, &look, 1, 1, 30, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_NOT_YET);
	nodes = rd_sim_store_paths(rd_sim_api_get_store(api), "/api/v1/nodes");
	g_assert_cmpuint(nodes->len, ==, 3);
	rd_sim_world_free(world);
}

static void
test_pod_is_replaced(void)
{
	static const char pods[] = "/api/v1/namespaces/openshift-ovn-kubernetes/pods";
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(3, 1);
	g_autoptr(RdSimApi) api = rd_scenery_api(cluster, "m0");
	RdNetwork network = {.cluster = cluster, .api = api, .punctual = TRUE};
	RdWorld *world = rd_sim_world_new(&network, "cluster", NULL, NULL);
	RdKube *kube = world->klass->kube(world, NULL);
	g_autofree char *path = g_strdup_printf("%s/ovnkube-node-m0", pods);
	g_autofree char *ours = g_strdup_printf("%s?labelSelector=app%%3Dovnkube-node", pods);
	g_autoptr(JsonNode) old = NULL, gap = NULL, list = NULL, pod = NULL, lease = NULL;
	g_autofree char *uid = NULL, *new_uid = NULL, *version = NULL, *body = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	g_auto(RdFresh) fresh = {0};
	RdKubeRequest delete = {.verb = RD_KUBE_DELETE, .path = path};
	RdFreshMoment when = {0};
	const char *before[2] = {NULL, NULL};
	JsonArray *items;

	when.api_up = rd_sim_api_get_time(api);
	old = rd_kube_get(kube, path, 0, NULL, NULL);
	before[0] = delete.uid = uid = api_meta(old, "uid");
	delete.body = "{\"resourceVersion\":\"1\"}";
	kube->klass->send(kube, &delete, 1, 1, 30, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_CONFLICT);
	rd_kube_answer_clear(&answer);
	version = api_meta(old, "resourceVersion");
	delete.body = body = g_strdup_printf("{\"resourceVersion\":\"%s\"}", version);
	kube->klass->send(kube, &delete, 1, 1, 30, &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
	gap = rd_kube_list(kube, ours, 0, NULL, NULL);
	/* it has its time to end, and another one comes when it has gone */
	items = json_object_get_array_member(json_node_get_object(gap), "items");
	g_assert_true(json_object_has_member(
	    json_object_get_object_member(json_array_get_object_element(items, 0), "metadata"),
	    "deletionTimestamp"));
	g_assert_true(world->klass->pause(world, 30000));
	list = rd_kube_list(kube, ours, 0, NULL, NULL);
	items = json_object_get_array_member(json_node_get_object(list), "items");
	g_assert_cmpuint(json_array_get_length(items), ==, 1);
	pod = json_array_dup_element(items, 0);
	new_uid = api_meta(pod, "uid");
	g_assert_cmpstr(uid, !=, new_uid);
	when.now = rd_sim_api_get_time(api);
	lease = rd_kube_get(kube, LEASE, 0, NULL, NULL);
	rd_fresh_pod(pod, before, lease, &when, &fresh);
	g_test_message("%s", fresh.why);
	g_assert_cmpint(fresh.verdict, ==, RD_FRESH_TRUE);
	rd_sim_world_free(world);
}

#define ADD(name, func) g_test_add("/api-sim/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("script", test_script);
	ADD("text", test_text);
	ADD("there-with-etcd", test_there_with_etcd);
	ADD("lost", test_lost);
	ADD("moods", test_moods);
	ADD("stale", test_stale);
	ADD("node-becomes-fresh", test_node_becomes_fresh);
	ADD("csr-is-issued-after-approval", test_csr_is_issued_after_approval);
	g_test_add_func("/api-sim/rollout", test_rollout);
	g_test_add_func("/api-sim/scenery", test_scenery);
	g_test_add_func("/api-sim/pod-is-replaced", test_pod_is_replaced);
	return g_test_run();
}
