/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scene.h"
#include "rehearsal/controllers.h"
#include <string.h>

#define TODAY "csr-signer of today" /* whom the restored API does not know (F34) */
#define OVN   "/api/v1/namespaces/openshift-ovn-kubernetes/pods/ovnkube-node-"

static RdSimHost *
host_of(Place *place, const char *name)
{
	return rd_sim_cluster_find(place->cluster, name);
}

/* ---- what is different ---------------------------------------------------------------------- */

static void
rotate_two(Place *place)
{
	rd_sim_pki_plant(host_of(place, "m2"), TODAY);
	rd_sim_pki_plant(host_of(place, "w0"), TODAY);
}

static void
rotate_m2(Place *place)
{
	rd_sim_pki_plant(host_of(place, "m2"), TODAY);
}

static void
rotate_all(Place *place)
{
	for (guint i = 0; i < place->cluster->hosts->len; i++)
		rd_sim_pki_plant(g_ptr_array_index(place->cluster->hosts, i), TODAY);
}

static void
balance_elsewhere(Place *place, RdSimStore *store, double time)
{
	rd_sim_store_put(
	    store, "/apis/config.openshift.io/v1/infrastructures/cluster",
	    "{\"status\":{\"platformStatus\":{\"type\":\"BareMetal\",\"baremetal\":{"
	    "\"apiServerInternalIPs\":[\"10.0.0.100\"],\"ingressIPs\":[\"10.0.0.101\"],"
	    "\"loadBalancer\":{\"type\":\"UserManaged\"}}},\"controlPlaneTopology\":"
	    "\"HighlyAvailable\",\"infrastructureTopology\":\"HighlyAvailable\","
	    "\"infrastructureName\":\"kite-x1y2z\"}}",
	    time);
}

static void
be_single(Place *place, RdSimStore *store, double time)
{
	rd_sim_store_put(store, "/apis/config.openshift.io/v1/infrastructures/cluster",
			 "{\"status\":{\"platformStatus\":{\"type\":\"None\"},"
			 "\"controlPlaneTopology\":\"SingleReplica\",\"infrastructureTopology\":"
			 "\"SingleReplica\",\"infrastructureName\":\"kite-x1y2z\"}}",
			 time);
}

static void
use_proxy(Place *place)
{
	for (guint i = 0; i < place->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(place->cluster->hosts, i);

		rd_sim_tree_mkdirs(host->tree, "/etc/mco");
		rd_sim_tree_write_text(host->tree, "/etc/mco/proxy.env",
				       "HTTPS_PROXY=http://alice:canary-7d1f@proxy:3128\n"
				       "NO_PROXY=.cluster.local\n",
				       0644);
	}
}

static void
proxy_in_api(Place *place, RdSimStore *store, double time)
{
	rd_sim_store_put(store, "/apis/config.openshift.io/v1/proxies/cluster",
			 "{\"spec\":{},\"status\":{\"httpsProxy\":"
			 "\"http://alice:canary-7d1f@proxy:3128\",\"noProxy\":\".cluster.local\"}}",
			 time);
}

static void
hold_pod(Place *place, RdSimStore *store, double time)
{
	JsonObject *pod = rd_sim_store_find(store, OVN "m1");
	JsonObject *meta = json_object_get_object_member(pod, "metadata");

	json_object_set_string_member(rd_sim_member(meta, "annotations"), RD_SIM_STUCK, "yes");
}

static void
hold_rollout(Place *place)
{
	rd_sim_api_set_stuck(place->api, "kubeapiservers", 2 * 3600);
}

static void
go_away(gpointer data)
{
	rd_sim_api_set_mood(data, RD_SIM_API_REFUSED, 150);
}

/* Again and again, whatever is at work then, each time for less than the reconnect window: longer
 * than that a change whose outcome is unknown is a person's to see. */
static void
come_and_go(Place *place)
{
	for (guint i = 1; i <= 4; i++)
		rd_timeline_add(place->cluster->timeline, i * 700 * RD_SIM_SECOND, go_away,
				place->api, NULL);
}

static void
flood(Place *place, RdSimStore *store, double time)
{
	for (guint i = 0; i < place->cluster->hosts->len; i++)
		rd_sim_pki_flood(place->cluster, store, g_ptr_array_index(place->cluster->hosts, i),
				 100, time);
}

static void
lose_worker(Place *place)
{
	rd_sim_host_power_off(host_of(place, "w1"));
}

static void
return_m2(gpointer data)
{
	rd_sim_host_power_on(rd_sim_cluster_find(data, "m2"));
}

/* off when the run begins, and on again when the others are restored: with its manifests and its
 * data, which are not damaged */
static void
lose_master(Place *place)
{
	rd_sim_host_power_off(host_of(place, "m2"));
	rd_timeline_add(place->cluster->timeline, 1800 * RD_SIM_SECOND, return_m2, place->cluster,
			NULL);
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* clang-format off */
const Scene scenes[] = {
    {"usual", "three masters, two workers, keepalived; node certificates rotated on two of them; webhooks that nobody answers",
     3, 2, .keepalived = TRUE, .now = rotate_two},
    {"no-keepalived", "no VIPs of its own", 3, 2},
    {"user-managed-vips", "VIPs of a balancer that is not the cluster's", 3, 2, .past = balance_elsewhere},
    {"single-node", "one host is all of the cluster", 1, 0, .past = be_single, .healthy = TRUE,
     .purpose = "go-back", .helps = 1, .told = "go-back"},
    {"one-worker", "a budget lets no pod leave the only worker: it is left", 3, 1,
     .end = "done with leftovers", .without = "w0"},
    {"compact", "no workers", 3, 0, .keepalived = TRUE},
    {"five-masters", "five control-plane hosts", 5, 2, .keepalived = TRUE},
    {"go-back", "three healthy members, and somebody deleted something", 3, 2, .keepalived = TRUE,
     .healthy = TRUE, .purpose = "go-back", .helps = 1, .told = "go-back"},
    {"proxy", "a proxy with a password", 3, 2, .past = proxy_in_api, .now = use_proxy},
    {"stale-certificates", "no node can log in", 3, 2, .keepalived = TRUE, .now = rotate_all},
    {"stuck-pod", "an ovnkube-node that ends by force only", 3, 2, .past = hold_pod},
    {"stuck-rollout", "an operator does nothing for two hours", 3, 2, .now = hold_rollout, .helps = 1, .told = "apiserver-rolled-out"},
    {"api-away", "the API is away for minutes, again and again", 3, 2, .now = come_and_go},
    {"csr-flood", "300 requests wait, and a kubelet needs one of them", 3, 0, .past = flood, .now = rotate_m2},
    {"dead-worker", "a worker does not come back", 3, 2, .keepalived = TRUE, .now = lose_worker,
     .end = "done with leftovers", .without = "w1"},
    {"host-returns", "one that was powered off comes back with its old data", 3, 2, .keepalived = TRUE,
     .now = lose_master, .excuses = "m2", .end = "held", .helps = 2, .told = "no Node m2 has registered"},
};
/* clang-format on */
const guint n_scenes = G_N_ELEMENTS(scenes);

/* a pod is made, which the dead webhook of last night must not be asked about */
static void
without_webhook(Place *place, RdSimStore *store, double time)
{
	rd_sim_store_put(
	    store,
	    "/apis/admissionregistration.k8s.io/v1/"
	    "validatingwebhookconfigurations/" RD_SCENERY_WEBHOOK,
	    "{\"webhooks\":[{\"name\":\"audit.example.com\",\"failurePolicy\":\"Fail\",\"rules\":[{"
	    "\"apiGroups\":[\"\"],\"apiVersions\":[\"v1\"],\"operations\":[\"CREATE\"],"
	    "\"resources\":[\"secrets\"]}],\"clientConfig\":{\"service\":{\"namespace\":\"audit\","
	    "\"name\":\"audit\"}}}]}",
	    time);
}

/* a master that is lost a second time takes the quorum of two with it: no procedure's to mend */
static const char *const mendable[] = {
    "engine-killed", "runner-killed",  "worker-killed",	  "ssh-reset",
    "ssh-silent",    "host-reboot",    "host-away-10min", "api-conflict",
    "api-busy",	     "api-503",	       "api-unheard",	  "api-etcd-500",
    "api-stale",     "api-away-10min", "cancelled",	  NULL};

static const Scene lost_masters = {
    .name = "lost-masters",
    .summary = "two masters of 4.2 are lost for good, and made anew",
    .masters = 3,
    .past = without_webhook,
    .lost = TRUE,
    .faults = mendable,
};

const Scene *
scene_of(const char *procedure)
{
	if (g_str_equal(procedure, "replace-lost-masters"))
		return &lost_masters;
	return g_str_equal(procedure, "restore-cluster-state") ? &scenes[0] : NULL;
}

typedef struct {
	const Scene *scene;
	Place *place;
} Past;

static void
make_past(RdSimStore *store, double time, gpointer data)
{
	const Past *past = data;

	past->scene->past(past->place, store, time);
}

void
scene_make(const Scene *scene, const char *procedure, guint32 seed, Place *place)
{
	Past past = {scene, place};

	place->cluster = scene != NULL && scene->lost ? rd_scenery_lost_masters(seed)
			 : scene != NULL && scene->healthy
			     ? rd_scenery_healthy(seed, scene->masters)
			     : rd_scenery_quorum_lost(seed, scene != NULL ? scene->masters : 3);
	if (scene == NULL) {
		if (g_str_equal(procedure, "vip"))
			rd_scenery_add_keepalived(place->cluster);
		return;
	}
	rd_scenery_add_workers(place->cluster, scene->workers);
	place->api = rd_scenery_api_with(place->cluster, "m0",
					 scene->past != NULL ? make_past : NULL, &past);
	if (scene->keepalived)
		rd_scenery_add_keepalived(place->cluster);
	if (scene->now != NULL)
		scene->now(place);
}
