/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stale truth (domain 0.2, F33): right after a restore the API answers with what the snapshot held,
 * and all of it says that everything is well. For each kind of wait on the API: what a naive check
 * reads is there, and the shipped state does not go on. */

#include "rehearsal/api.h"
#include "rehearsal/controllers.h"
#include "rehearsal/scenery.h"
#include "rehearsal/store-private.h"
#include "rehearsal/world.h"
#include "runner/step.h"
#include <string.h>

#define NODES	 "/api/v1/nodes/"
#define OPERATOR "/apis/operator.openshift.io/v1/"
#define PODS	 "/api/v1/namespaces/openshift-ovn-kubernetes/pods/"
#define SLICE	 "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/shop-x"

typedef struct {
	RdSimCluster *cluster;
	RdSimApi *api;
	RdSimStore *store;
	RdCatalogue *catalogue;
	RdSetting *setting;
	RdNetwork network;
	RdWorld *world;
	char *since;
	GHashTable *notes; /* of the attempt, as a journal would keep them */
	char *word, *text; /* of the result */
} Fixture;

/* nobody leads them: their leases are not renewed */
static void
kill_operators(RdSimStore *store)
{
	g_autoptr(GPtrArray) paths =
	    rd_sim_store_paths(store, "/apis/coordination.k8s.io/v1/leases");

	for (guint i = 0; i < paths->len; i++)
		if (g_str_has_suffix(paths->pdata[i], "-operator-lock"))
			rd_sim_store_remove(store, paths->pdata[i]);
}

/* m0 alone answers; whoever else there is has been dead since the snapshot. @alive: m0's own
 * kubelet can log in */
static void
open_past(Fixture *self, gboolean alive)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autoptr(GError) error = NULL;

	self->cluster = rd_scenery_quorum_lost(1, 1);
	rd_scenery_add_workers(self->cluster, 2);
	self->api = rd_scenery_api(self->cluster, "m0");
	self->store = rd_sim_api_get_store(self->api);
	rd_sim_host_power_off(rd_sim_cluster_find(self->cluster, "w0"));
	rd_sim_host_power_off(rd_sim_cluster_find(self->cluster, "w1"));
	if (!alive)
		rd_sim_pki_plant(rd_sim_cluster_find(self->cluster, "m0"), "somebody else");
	kill_operators(self->store);
	self->catalogue = rd_catalogue_new();
	rd_catalogue_load_dir(self->catalogue, plugins, &error);
	g_assert_no_error(error);
	self->setting = rd_setting_new("r-1", "5ca1ab1e-0000-4000-8000-000000000001", "alice@b",
				       "/nonexistent");
	rd_setting_add_host(self->setting, "m0", "recovery", "10.0.0.1");
	rd_setting_add_host(self->setting, "w0", "worker", "10.0.0.11");
	self->network = (RdNetwork){.cluster = self->cluster, .api = self->api, .punctual = TRUE};
	self->world = rd_sim_world_new(&self->network, "cluster", NULL, NULL);
	self->notes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->since = g_strdup_printf("%.3f", rd_sim_api_get_time(self->api));
	g_assert_true(rd_sim_api_is_up(self->api));
}

static void
close_past(Fixture *self)
{
	g_free(self->word);
	g_free(self->text);
	g_free(self->since);
	g_hash_table_unref(self->notes);
	rd_sim_world_free(self->world);
	rd_setting_free(self->setting);
	rd_catalogue_free(self->catalogue);
	rd_sim_api_free(self->api);
	rd_sim_cluster_free(self->cluster);
}

static gboolean
tell(const RdReport *report, gpointer data)
{
	Fixture *self = data;

	if (report->kind == RD_REPORT_NOTE)
		g_hash_table_replace(self->notes, g_strdup(report->key), g_strdup(report->value));
	if (report->kind != RD_REPORT_RESULT && report->kind != RD_REPORT_PROGRESS)
		return TRUE;
	g_free(self->text);
	self->text = g_strdup(report->text);
	if (report->kind == RD_REPORT_RESULT) {
		g_free(self->word);
		self->word = g_strdup(report->word);
	}
	return TRUE;
}

/* @with: "key=value;key=value" beside the defaults */
static const char *
carry_out(Fixture *self, RdDo what, const char *type, const char *target, const char *with)
{
	const RecoveryState *state = rd_catalogue_find(self->catalogue, type);
	g_autoptr(RdOrder) order = rd_order_new(what, target);
	g_auto(GStrv) pairs = g_strsplit(with, ";", -1);
	GHashTableIter iter;
	gpointer key, value;

	g_assert_nonnull(state);
	order->state = g_strdup("state");
	order->type = g_strdup(type);
	order->visit = order->attempt = 1;
	order->timeout_ms =
	    500; /* it is asked again for a while: whoever lives has said so by then */
	for (const RecoveryParam *p = state->params; p != NULL && p->name != NULL; p++)
		g_hash_table_insert(order->with, g_strdup(p->name),
				    g_strdup(p->fallback != NULL ? p->fallback : ""));
	g_hash_table_insert(order->with, g_strdup("since"), g_strdup(self->since));
	for (guint i = 0; pairs[i] != NULL; i++) {
		char *equal = strchr(pairs[i], '=');

		if (equal != NULL)
			g_hash_table_insert(order->with, g_strndup(pairs[i], equal - pairs[i]),
					    g_strdup(equal + 1));
	}
	g_hash_table_iter_init(&iter, self->notes);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		g_hash_table_insert(order->notes, g_strdup(key), g_strdup(value));
		g_hash_table_insert(order->first, g_strdup(key), g_strdup(value));
	}
	rd_order_carry_out(order, self->catalogue, self->world, self->setting, tell, self);
	return self->word;
}

/* ---- what is awaited, what fools, what does not ---------------------------------------------- */

typedef struct {
	const char *type, *target, *with;
	RdDo what;
	const char *note; /* (nullable) "key=value" from an earlier life of the attempt */
	/* what a naive check asks for is there: a condition of @object has this status, or a field
	 * has this value */
	const char *object, *condition, *value;
} Row;

static const Row rows[] = {
    {"node/ready", "cluster", "workers=yes", RD_DO_LOOK, NULL, NODES "m0", "Ready", "True"},
    {"node/ready", "m0", "", RD_DO_LOOK, NULL, NODES "m0", "Ready", "True"},
    {"node/purge-pems", "m0", "", RD_DO_PROBE, NULL, NODES "m0", "Ready", "True"},
    {"node/drain", "cluster", "node=w0", RD_DO_PROBE, NULL, NODES "w0", "Ready", "True"},
    {"csr/quiet", "cluster", "quiet=0", RD_DO_LOOK, NULL, NODES "m0", "Ready", "True"},
    {"operator/rolled-out", "cluster", "operator=etcds;recorded=7", RD_DO_LOOK, NULL,
     OPERATOR "etcds/cluster", "NodeInstallerProgressing", "False"},
    /* above what was recorded, on all nodes, and yet of the past: another restore's */
    {"operator/rolled-out", "cluster", "operator=etcds;recorded=6", RD_DO_LOOK, NULL,
     OPERATOR "etcds/cluster", "EtcdMembersAvailable", "True"},
    {"operator/rolled-out", "cluster", "operator=kubeapiservers;recorded=7", RD_DO_LOOK, NULL,
     OPERATOR "kubeapiservers/cluster", "NodeInstallerProgressing", "False"},
    /* of a host that is to be replaced, and had its name and its revision then */
    {"operator/at-revision", "cluster", "operator=etcds;node=m0", RD_DO_LOOK, NULL,
     OPERATOR "etcds/cluster", "NodeInstallerProgressing", "False"},
    {"machine/arrived", "cluster", "after=1;node=m0", RD_DO_LOOK, NULL, NODES "m0", "Ready",
     "True"},
    {"operator/stable", "cluster", "known=etcd network;accept=;period=0", RD_DO_LOOK, NULL,
     "/apis/config.openshift.io/v1/clusteroperators/network", "Available", "True"},
    {"ovn/pod", "m0", "node=m0", RD_DO_PROBE, "pods=gone=another-uid", PODS "ovnkube-node-m0",
     "Ready", "True"},
    {"ovn/control-plane-pods", "cluster", "app=ovnkube-control-plane", RD_DO_PROBE,
     "pods=gone=another-uid", PODS "ovnkube-control-plane-m0", "Ready", "True"},
    {"api/up", "cluster", "", RD_DO_PROBE, NULL, NODES "m0", "Ready", "True"},
};

static gboolean
fools(RdSimStore *store, const Row *row)
{
	JsonObject *object = rd_sim_store_find(store, row->object);
	JsonArray *all = json_object_get_array_member(
	    json_object_get_object_member(object, "status"), "conditions");

	for (guint i = 0; i < json_array_get_length(all); i++) {
		JsonObject *one = json_array_get_object_element(all, i);

		if (g_str_equal(json_object_get_string_member(one, "type"), row->condition))
			return g_str_equal(json_object_get_string_member(one, "status"),
					   row->value);
	}
	return FALSE;
}

/* no pod is left on w0 in this past: nothing to drain, a naive check would say */
static void
clear_w0(RdSimStore *store)
{
	rd_sim_store_remove(store, "/api/v1/namespaces/shop/pods/shop-w0");
}

static void
test_waits(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const Row *row = &rows[i];
		g_auto(GStrv) note = g_strsplit(row->note != NULL ? row->note : "", "=", 2);
		Fixture self = {0};
		const char *word;

		open_past(&self, FALSE);
		clear_w0(self.store);
		if (note[0] != NULL)
			g_hash_table_insert(self.notes, g_strdup(note[0]), g_strdup(note[1]));
		g_assert_true(fools(self.store, row));
		word = carry_out(&self, row->what, row->type, row->target, row->with);
		g_test_message("%s %s: %s: %s", row->type, row->with, word, self.text);
		if (g_strcmp0(word, "finished") == 0 || g_strcmp0(word, "present") == 0)
			g_error("%s %s believed the past: %s", row->type, row->with, self.text);
		/* and the past was still there to be believed */
		g_assert_true(fools(self.store, row));
		close_past(&self);
	}
}

/* the endpoint of a webhook is ready, says the past, on a node that is dead */
static void
test_webhook(void)
{
	Fixture self = {0};
	g_autoptr(JsonNode) ends =
	    json_from_string("[{\"nodeName\":\"w0\",\"conditions\":{\"ready\":true}}]", NULL);
	const char *saved;

	open_past(&self, FALSE);
	json_object_set_member(rd_sim_store_find(self.store, SLICE), "endpoints",
			       json_node_ref(ends));
	(void)carry_out(&self, RD_DO_CHECK, "webhook/relax", "cluster", "all=no");
	saved = g_hash_table_lookup(self.notes, "saved");
	g_assert_nonnull(saved);
	g_assert_nonnull(strstr(saved, "pods.shop.example.com"));
	close_past(&self);
}

/* the same wait ends when there is a witness of today */
static void
test_witness(void)
{
	Fixture self = {0};

	open_past(&self, TRUE);
	g_assert_cmpstr(carry_out(&self, RD_DO_LOOK, "node/ready", "m0", ""), ==, "finished");
	close_past(&self);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stale/waits", test_waits);
	g_test_add_func("/stale/webhook", test_webhook);
	g_test_add_func("/stale/witness", test_witness);
	return g_test_run();
}
