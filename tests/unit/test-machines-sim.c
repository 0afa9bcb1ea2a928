/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/machines.h"
#include "rehearsal/scenery.h"

/* The simulated Machine API, and what operators make of hosts that go and come: on it the scenes of
 * tests/sim stand in which masters are lost for good. */

#define NODES  "/api/v1/nodes/"
#define ETCDS  "/apis/operator.openshift.io/v1/etcds/cluster"
#define LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"

typedef struct {
	RdSimCluster *cluster;
	RdSimApi *api;
	RdSimStore *store;
} Fixture;

/* m0 is all of etcd; the others are Nodes of the past that burnt */
static void
set_up(Fixture *self, gconstpointer data)
{
	self->cluster = rd_scenery_healthy(1, 1);
	rd_scenery_lose(rd_scenery_add_master(self->cluster));
	rd_scenery_lose(rd_scenery_add_master(self->cluster));
	self->api = rd_scenery_api(self->cluster, "m0");
	self->store = rd_sim_api_get_store(self->api);
}

static void
tear_down(Fixture *self, gconstpointer data)
{
	g_assert_cmpuint(self->cluster->violations->len, ==, 0);
	rd_sim_api_free(self->api);
	rd_sim_cluster_free(self->cluster);
}

/* somebody looks every ten seconds */
static void
pass(Fixture *self, guint seconds)
{
	RdTimeline *timeline = self->cluster->timeline;

	for (guint i = 0; i < seconds; i += 10) {
		rd_timeline_run_to(timeline, rd_timeline_now(timeline) + 10 * RD_SIM_SECOND);
		rd_sim_api_catch_up(self->api);
	}
}

static gboolean
has(Fixture *self, const char *collection, const char *name)
{
	g_autofree char *path = g_strconcat(collection, name, NULL);

	return rd_sim_store_find(self->store, path) != NULL;
}

static void
delete_object(Fixture *self, const char *path)
{
	JsonObject *meta =
	    json_object_get_object_member(rd_sim_store_find(self->store, path), "metadata");
	const RdKubeRequest request = {.verb = RD_KUBE_DELETE,
				       .path = path,
				       .uid = json_object_get_string_member(meta, "uid")};
	g_auto(RdKubeAnswer) answer = {0};

	rd_sim_store_answer(self->store, &request, rd_sim_api_get_time(self->api), &answer);
	g_assert_cmpint(answer.verdict, ==, RD_KUBE_DONE);
}

/* -1: the operator knows no such node */
static gint64
revision_of(Fixture *self, const char *name)
{
	JsonObject *status =
	    json_object_get_object_member(rd_sim_store_find(self->store, ETCDS), "status");
	JsonArray *nodes = json_object_get_array_member(status, "nodeStatuses");

	for (guint i = 0; i < json_array_get_length(nodes); i++) {
		JsonObject *node = json_array_get_object_element(nodes, i);

		if (g_str_equal(json_object_get_string_member(node, "nodeName"), name))
			return json_object_get_int_member(node, "currentRevision");
	}
	return -1;
}

static guint
count_members(Fixture *self)
{
	return rd_sim_cluster_find(self->cluster, "m0")->etcd->peers->len;
}

/* the Machine goes with its Node and what hangs on that; another host comes by itself, is let in by
 * the cluster's own approver, and gets etcd before it is added */
static void
test_machine_is_replaced(Fixture *self, gconstpointer data)
{
	rd_scenery_add_machines(self->cluster, self->store, TRUE, rd_sim_api_get_time(self->api));
	delete_object(self, RD_SIM_MACHINES "/kite-master-1");
	g_assert_true(has(self, RD_SIM_MACHINES, "/kite-master-1"));
	pass(self, 100);
	g_assert_false(has(self, RD_SIM_MACHINES, "/kite-master-1"));
	g_assert_false(has(self, NODES, "m1"));
	pass(self, 10);
	g_assert_false(has(self, LEASES, "m1"));
	g_assert_cmpint(revision_of(self, "m1"), ==, -1);
	pass(self, 500);
	g_assert_nonnull(rd_sim_cluster_find(self->cluster, "m3"));
	g_assert_true(has(self, NODES, "m3"));
	/* other nodes, another pod of etcd */
	g_assert_cmpint(revision_of(self, "m3"), ==, RD_SCENERY_REVISION + 1);
	g_assert_cmpuint(count_members(self), ==, 2);
	/* one came for the one that went */
	g_assert_null(rd_sim_cluster_find(self->cluster, "m4"));
}

/* F42: the hook stays as long as the host is in the member list */
static void
test_hook_holds_a_member(Fixture *self, gconstpointer data)
{
	rd_scenery_add_machines(self->cluster, self->store, TRUE, rd_sim_api_get_time(self->api));
	g_assert_true(rd_sim_etcd_add_learner(rd_sim_cluster_find(self->cluster, "m0"),
					      rd_sim_cluster_find(self->cluster, "m1")));
	delete_object(self, RD_SIM_MACHINES "/kite-master-1");
	pass(self, 600);
	g_assert_true(has(self, RD_SIM_MACHINES, "/kite-master-1"));
	g_assert_true(has(self, NODES, "m1"));
}

/* who reinstalls a host brings its Node back; nobody approves what it asks for but people */
static void
test_host_is_reinstalled(Fixture *self, gconstpointer data)
{
	RdSimHost *m1 = rd_sim_cluster_find(self->cluster, "m1");
	gboolean client = FALSE;
	JsonObject *request;

	delete_object(self, NODES "m1");
	rd_scenery_reinstall(m1);
	pass(self, 300);
	g_assert_false(has(self, NODES, "m1"));
	g_assert_nonnull(rd_sim_pki_asked(m1, &client));
	g_assert_true(client);
	request = rd_sim_store_find(self->store, rd_sim_pki_asked(m1, &client));
	rd_sim_set_condition(request, "Approved", "True", "Test", 0);
	pass(self, 300);
	g_assert_true(has(self, NODES, "m1"));
	/* the same nodes as before, the same pod */
	g_assert_cmpint(revision_of(self, "m1"), ==, RD_SCENERY_REVISION);
	g_assert_cmpuint(count_members(self), ==, 2);
}

#define ADD(name, func) g_test_add("/machines-sim/" name, Fixture, NULL, set_up, func, tear_down)

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("machine-is-replaced", test_machine_is_replaced);
	ADD("hook-holds-a-member", test_hook_holds_a_member);
	ADD("host-is-reinstalled", test_host_is_reinstalled);
	return g_test_run();
}
