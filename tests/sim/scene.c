/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scene.h"
#include "rehearsal/machines.h"
#include "rehearsal/verbs.h"
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

/* two of five workers, rounded down */
static void
allow_two(Place *place, RdSimStore *store, double time)
{
	rd_sim_store_put(store, RD_SCENERY_POOL "worker",
			 "{\"spec\":{\"maxUnavailable\":\"50%\",\"nodeSelector\":{\"matchLabels\":{"
			 "\"node-role.kubernetes.io/worker\":\"\"}}}}",
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

/* all of it takes longer than a step that stands still is given */
static void
slow_rollout(Place *place)
{
	rd_sim_api_set_slow(place->api, "kubeapiservers", 25 * 60);
}

static void
go_away(gpointer data)
{
	rd_sim_api_set_mood(data, RD_SIM_API_REFUSED, 240);
}

/* Again and again, whatever is at work then, each time for longer than a host may be away: the
 * procedure goes on by itself when it is back (domain 2.1). */
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
lose_m2(Place *place)
{
	rd_sim_host_power_off(host_of(place, "m2"));
}

static void
return_m2(gpointer data)
{
	RdSimHost *m2 = rd_sim_cluster_find(data, "m2");

	m2->hears_nobody = TRUE;
	rd_sim_host_power_on(m2);
}

/* its member of the old cluster, whole */
static void
mend_data(Place *place, const char *name)
{
	static const char path[] = RD_SIM_ETCD_DATA "/member/snap/db";
	RdSimHost *from = host_of(place, "m0"), *to = host_of(place, name);
	g_autoptr(RdSimEtcdData) data =
	    rd_sim_etcd_data_parse(rd_sim_tree_find(from->tree, path)->content);
	g_autoptr(GBytes) content = NULL;

	g_free(data->name);
	data->name = g_strdup(name);
	for (guint i = 0; i < data->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(data->peers, i);

		if (g_str_equal(peer->name, name))
			data->member_id = peer->id;
	}
	content = rd_sim_etcd_data_print(data);
	rd_sim_tree_write(to->tree, path, content, 0600);
}

/* off when the run begins, and on again when the recovery host is restored: with its manifests and
 * its data, which are not damaged, and no connection to the others yet */
static void
lose_master(Place *place)
{
	rd_sim_host_power_off(host_of(place, "m2"));
	mend_data(place, "m2");
	rd_timeline_add(place->cluster->timeline, 650 * RD_SIM_SECOND, return_m2, place->cluster,
			NULL);
}

/* it runs, and under our lock; its etcd does not */
static char *
look_at_m2(RdSimCluster *cluster)
{
	RdSimHost *m2 = rd_sim_cluster_find(cluster, "m2");

	if (m2->power != RD_SIM_UP)
		return g_strdup("m2 never came back");
	if (m2->etcd != NULL)
		return g_strdup("m2 runs the etcd of before");
	return rd_sim_lock_read(m2)->number < 1 ? g_strdup("m2 was not fenced") : NULL;
}

/* two of three, for good: whoever begins says so */
static void
lose_two(Place *place)
{
	rd_scenery_lose(host_of(place, "m1"));
	rd_scenery_lose(host_of(place, "m2"));
}

static void
have_machines(Place *place, RdSimStore *store, double time)
{
	rd_scenery_add_machines(place->cluster, store, TRUE, time);
}

static void
have_machines_alone(Place *place, RdSimStore *store, double time)
{
	rd_scenery_add_machines(place->cluster, store, FALSE, time);
}

/* somebody finds the button of m1, as soon as its Node is deleted: the old one, with its old data
 */
static void
return_m1(gpointer data)
{
	Place *place = data;
	RdSimHost *m1 = host_of(place, "m1");

	if (rd_sim_store_find(rd_sim_api_get_store(place->api), "/api/v1/nodes/m1") != NULL) {
		rd_timeline_add(place->cluster->timeline, 5 * RD_SIM_SECOND, return_m1,
				g_memdup2(place, sizeof *place), g_free);
		return;
	}
	m1->hears_nobody = TRUE;
	rd_sim_host_power_on(m1);
}

static void
lose_two_and_find_one(Place *place)
{
	lose_two(place);
	mend_data(place, "m1");
	rd_timeline_add(place->cluster->timeline, 5 * RD_SIM_SECOND, return_m1,
			g_memdup2(place, sizeof *place), g_free);
}

/* how many voters etcd has; 0: it has no quorum, or one of them is none */
static guint
count_voters(RdSimCluster *cluster)
{
	const RdSimHost *m0 = rd_sim_cluster_find(cluster, "m0");

	if (!rd_sim_etcd_has_quorum(m0))
		return 0;
	for (guint i = 0; i < m0->etcd->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(m0->etcd->peers, i);

		if (peer->learner || peer->unstarted)
			return 0;
	}
	return m0->etcd->peers->len;
}

static char *
look_for_three(RdSimCluster *cluster)
{
	guint voters = count_voters(cluster);

	return voters != 3 ? g_strdup_printf("etcd has %u voters, not 3", voters) : NULL;
}

/* the same hosts, reinstalled, and nobody else */
static char *
look_for_same(RdSimCluster *cluster)
{
	if (rd_sim_cluster_find(cluster, "m3") != NULL)
		return g_strdup("somebody made another host");
	return look_for_three(cluster);
}

/* others in their place, the lost ones stay off */
static char *
look_for_others(RdSimCluster *cluster)
{
	static const char *const lost[] = {"m1", "m2"};

	for (guint i = 0; i < G_N_ELEMENTS(lost); i++)
		if (rd_sim_cluster_find(cluster, lost[i])->power != RD_SIM_OFF)
			return g_strdup_printf("%s is on again", lost[i]);
	if (rd_sim_cluster_find(cluster, "m4") == NULL ||
	    rd_sim_cluster_find(cluster, "m5") != NULL)
		return g_strdup("not two hosts came in the place of two");
	return look_for_three(cluster);
}

static char *
look_for_one(RdSimCluster *cluster)
{
	guint voters = count_voters(cluster);

	return voters != 1 ? g_strdup_printf("etcd has %u voters, not one", voters) : NULL;
}

/* a master that is lost a second time takes the quorum of two with it: no procedure's to mend */
static const char *const mendable[] = {
    "engine-killed", "runner-killed",  "worker-killed",	  "ssh-reset",
    "ssh-silent",    "host-reboot",    "host-away-10min", "api-conflict",
    "api-busy",	     "api-503",	       "api-unheard",	  "api-etcd-500",
    "api-stale",     "api-away-10min", "cancelled",	  NULL};

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
    {"batches", "five workers; three at a time are asked for, and their pool allows half of them: two",
     3, 5, .past = allow_two, .at_a_time = 3, .away = 2},
    {"one-by-one", "five workers; three at a time are asked for, and their pool says nothing: one", 3, 5,
     .at_a_time = 3, .away = 1},
    {"compact", "no workers", 3, 0, .keepalived = TRUE},
    {"five-masters", "five control-plane hosts", 5, 2, .keepalived = TRUE},
    {"go-back", "three healthy members, and somebody deleted something", 3, 2, .keepalived = TRUE,
     .healthy = TRUE, .purpose = "go-back", .helps = 1, .told = "go-back"},
    {"drill", "a rehearsal on a cluster that works", 3, 0, .healthy = TRUE, .purpose = "drill",
     .helps = 1, .told = "drill"},
    {"proxy", "a proxy with a password", 3, 2, .past = proxy_in_api, .now = use_proxy,
     .found = "password=yes"},
    {"stale-certificates", "no node can log in", 3, 2, .keepalived = TRUE, .now = rotate_all},
    {"stuck-pod", "an ovnkube-node that ends by force only", 3, 2, .past = hold_pod},
    {"stuck-rollout", "an operator does nothing for two hours", 3, 2, .now = hold_rollout, .helps = 1, .told = "apiserver-rolled-out"},
    {"slow-rollout", "an operator takes 25 minutes for each node", 3, 0, .now = slow_rollout},
    {"api-away", "the API is away for minutes, again and again", 3, 2, .now = come_and_go},
    {"csr-flood", "300 requests wait, and a kubelet needs one of them", 3, 0, .past = flood, .now = rotate_m2},
    {"dead-worker", "a worker does not come back", 3, 2, .keepalived = TRUE, .now = lose_worker,
     .end = "done with leftovers", .without = "w1"},
    {"manual", "all members at once, then nodes, OVN on all of them, operators", 3, 2, .keepalived = TRUE,
     .now = rotate_two, .procedure = "manual-restore"},
    {"manual-batches", "the like with five workers; their pool allows two at a time: nobody is drained", 3, 5,
     .past = allow_two, .at_a_time = 2, .procedure = "manual-restore"},
    {"manual-compact", "the like without workers and keepalived", 3, 0, .procedure = "manual-restore"},
    {"manual-dead-worker", "the like, and a worker does not come back", 3, 2, .now = lose_worker,
     .end = "done with leftovers", .without = "w1", .procedure = "manual-restore"},
    {"manual-host-lost", "the like, and a host is lost for good: it is left for replace-control-plane", 3, 2,
     .now = lose_m2, .excuses = "m2", .end = "done with leftovers", .helps = 1, .told = "m2",
     .procedure = "manual-restore"},
    {"lost-for-good-upi", "two masters are lost for good, and reinstalled one after the other", 3, 2,
     .now = lose_two, .helps = 6, .told = "gate reinstall#2", .before = "gate delete-node",
     .wrong = look_for_same, .replaces = TRUE, .faults = mendable},
    {"lost-for-good-ipi", "the like with Machines: their set makes others, of other names", 3, 2,
     .past = have_machines, .now = lose_two, .helps = 2, .told = "gate delete-machine#2",
     .wrong = look_for_others, .replaces = TRUE, .faults = mendable},
    {"lost-for-good-by-hand", "the like with Machines that no set makes anew: a person does", 3, 0,
     .past = have_machines_alone, .now = lose_two, .helps = 4, .told = "gate new-machine#2",
     .wrong = look_for_others, .replaces = TRUE, .faults = mendable},
    {"lost-for-good-denied", "their deletion is denied: one member is a result", 3, 2, .keepalived = TRUE,
     .now = lose_two, .helps = 1, .told = "gate delete-node", .denies = "delete-node",
     .end = "done with leftovers", .wrong = look_for_one},
    {"lost-for-good-found", "one of them comes back with its old data where a reinstalled host was expected", 3, 2,
     .now = lose_two_and_find_one, .helps = 7, .told = "gate reinstall#2", .before = "m1: an etcd of another cluster ran there",
     .wrong = look_for_same, .replaces = TRUE, .careless = TRUE, .faults = mendable},
    {"lost-for-good-late", "the gate is approved before the host is there, which is enrolled while the run waits", 3, 2,
     .now = lose_two, .helps = 5, .told = "gate reinstall#2", .before = "gate delete-node",
     .wrong = look_for_same, .replaces = TRUE, .careless = TRUE, .faults = mendable},
    {"lost-for-good-later-upi", "and replace-control-plane, which its end prints, brings them later", 3, 2,
     .now = lose_two, .helps = 7, .told = "gate reinstall#2", .denies = "delete-node",
     .end = "done with leftovers", .then = "replace-control-plane", .wrong = look_for_same,
     .replaces = TRUE, .faults = mendable},
    {"lost-for-good-later-ipi", "the like with Machines", 3, 2, .past = have_machines,
     .now = lose_two, .helps = 3, .told = "gate delete-machine#2", .denies = "delete-machine",
     .end = "done with leftovers", .then = "replace-control-plane", .wrong = look_for_others,
     .replaces = TRUE, .faults = mendable},
    {"host-returns", "one that was powered off comes back with its old data", 3, 2, .keepalived = TRUE,
     .now = lose_master, .excuses = "m2", .end = "held", .helps = 3,
     .before = "m2: an etcd of another cluster ran there",
     .told = "m2 is stated to be powered off, but its kubelet", .wrong = look_at_m2},
};
/* clang-format on */
const guint n_scenes = G_N_ELEMENTS(scenes);

/* requests as they were then; and a pod is made, which the dead webhook of last night must not be
 * asked about */
static void
as_of_4_2(Place *place, RdSimStore *store, double time)
{
	rd_sim_store_serve_old_requests(store);
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

static const Scene lost_masters = {
    .name = "lost-masters",
    .procedure = "replace-lost-masters",
    .summary = "two masters of 4.2 are lost for good, and made anew",
    .masters = 3,
    .past = as_of_4_2,
    .lost = TRUE,
    .faults = mendable,
};

const char *
scene_procedure(const Scene *scene)
{
	return scene->procedure != NULL ? scene->procedure : "restore-cluster-state";
}

const Scene *
scene_find(const char *name, const char *procedure)
{
	if (name == NULL && g_str_equal(procedure, scene_procedure(&lost_masters)))
		return &lost_masters;
	if (name == NULL)
		return g_str_equal(procedure, scene_procedure(&scenes[0])) ? &scenes[0] : NULL;
	for (guint i = 0; i < n_scenes; i++)
		if (g_str_equal(name, scenes[i].name))
			return &scenes[i];
	g_error("there is no scene %s", name);
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
