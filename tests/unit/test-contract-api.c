/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contract of plugins (rehearsal/contract.h), kept by the shipped states that change what is in
 * the API: on one host, whose etcd is whole, so that it answers. */

#include "rehearsal/contract.h"
#include "rehearsal/scenery.h"
#include <string.h>

#define ADMISSION "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/"

typedef struct {
	RdSimCluster *cluster;
	RdSimApi *api;
	RdCatalogue *catalogue;
	RdSetting *setting;
	RdContract *contract;
	char *since;
	const char *excused; /* (nullable) */
} Fixture;

static void
fixture_open(Fixture *self)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autoptr(GError) error = NULL;

	self->cluster = rd_scenery_quorum_lost(1, 1);
	self->api = rd_scenery_api(self->cluster, "m0");
	self->catalogue = rd_catalogue_new();
	rd_catalogue_load_dir(self->catalogue, plugins, &error);
	g_assert_no_error(error);
	self->setting = rd_setting_new("r-rehearsal-1", "5ca1ab1e-0000-4000-8000-000000000001",
				       "alice@bastion", "/nonexistent");
	rd_setting_add_host(self->setting, "m0", "recovery", "10.0.0.1");
	self->contract = rd_contract_new(self->cluster, self->catalogue, self->setting);
	rd_contract_set_api(self->contract, self->api);
	rd_contract_take_locks(self->contract);
	g_assert_true(rd_sim_api_is_up(self->api));
	self->since = g_strdup_printf("%.3f", rd_sim_api_get_time(self->api));
}

static void
fixture_close(Fixture *self)
{
	rd_contract_free(self->contract);
	rd_setting_free(self->setting);
	rd_catalogue_free(self->catalogue);
	rd_sim_api_free(self->api);
	rd_sim_cluster_free(self->cluster);
	g_free(self->since);
}

static void
keeps_promises(Fixture *self, const char *type, const char *key, const char *value)
{
	g_autoptr(GHashTable) with = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(RdContractResult) result = {0};
	const RdContractStep step = {.state = "state",
				     .type = type,
				     .target = "m0",
				     .with = with,
				     .number = 1,
				     .excused = self->excused};

	g_hash_table_insert(with, (gpointer) "since", self->since);
	g_hash_table_insert(with, (gpointer) "node",
			    (gpointer)(self->excused != NULL ? self->excused : "m0"));
	g_hash_table_insert(with, (gpointer) "all", (gpointer) "no");
	if (key != NULL)
		g_hash_table_insert(with, (gpointer)key, (gpointer)value);
	rd_contract_try(self->contract, &step, &result);
	for (guint i = 0; i < result.findings->len; i++)
		g_test_message("%s", (const char *)result.findings->pdata[i]);
	g_assert_cmpstr(result.not_tried, ==, NULL);
	g_assert_cmpuint(result.findings->len, ==, 0);
	g_assert_cmpuint(result.trials, >, 10);
	g_test_message("%s: %u histories", type, result.trials);
}

static void
test_operator(void)
{
	Fixture self = {0};

	fixture_open(&self);
	keeps_promises(&self, "operator/guard-off", NULL, NULL);
	keeps_promises(&self, "operator/redeploy", "operator", "kubeschedulers");
	fixture_close(&self);
}

/* a customer's, whose service has no endpoints */
static void
test_webhook(void)
{
	Fixture self = {0};

	fixture_open(&self);
	rd_sim_store_put(rd_sim_api_get_store(self.api), ADMISSION "acme",
			 "{\"webhooks\":[{\"name\":\"a.acme\",\"failurePolicy\":\"Fail\",\"rules\":"
			 "[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"]}],\"clientConfig\":"
			 "{\"service\":{\"namespace\":\"acme\",\"name\":\"hook\"}}}]}",
			 rd_sim_api_get_time(self.api));
	rd_sim_store_serve(rd_sim_api_get_store(self.api), "/api/v1/endpoints", "Endpoints");
	keeps_promises(&self, "webhook/relax", NULL, NULL);
	fixture_close(&self);
}

static void
test_ovn(void)
{
	Fixture self = {0};

	fixture_open(&self);
	keeps_promises(&self, "ovn/pod", NULL, NULL);
	keeps_promises(&self, "ovn/wipe", "dir", "/var/lib/ovn-ic/etc");
	fixture_close(&self);
}

/* a host without Machine that was lost, and whose Node is there as the backup has it. Another
 * Machine goes with its Node only where somebody controls them, so that one is for the lab. */
static void
test_machine(void)
{
	Fixture self = {0};

	fixture_open(&self);
	rd_setting_add_host(self.setting, "m9", "control-plane", "10.0.0.9");
	rd_sim_store_put(rd_sim_api_get_store(self.api), "/api/v1/nodes/m9",
			 "{\"metadata\":{\"uid\":\"u-m9\",\"labels\":{\"rack\":\"7\"}}}", 1);
	self.excused = "m9";
	/* it has been silent for long enough */
	g_free(self.since);
	self.since = g_strdup_printf("%.3f", rd_sim_api_get_time(self.api) - 400);
	keeps_promises(&self, "machine/delete-node", "uid", "u-m9");
	fixture_close(&self);
}

/* and the contract notices who does not: each request is lost once as each call is */
static void
test_noticed(void)
{
	g_autofree char *path = g_build_filename(g_getenv("BUILD_ROOT"),
						 "tests/unit/conduct/conduct-api-blind.so", NULL);
	g_autoptr(GHashTable) with = g_hash_table_new(g_str_hash, g_str_equal);
	g_auto(RdContractResult) result = {0};
	const RdContractStep step = {.state = "state",
				     .type = "bad/act",
				     .target = "m0",
				     .with = with,
				     .number = 1};
	g_autoptr(GError) error = NULL;
	Fixture self = {0};
	gboolean found = FALSE;

	fixture_open(&self);
	(void)rd_catalogue_load(self.catalogue, path, &error);
	g_assert_no_error(error);
	rd_sim_store_put(rd_sim_api_get_store(self.api), "/api/v1/namespaces/acme/configmaps/here",
			 "{\"metadata\":{\"uid\":\"u-acme\"}}", 1);
	rd_contract_try(self.contract, &step, &result);
	for (guint i = 0; i < result.findings->len; i++) {
		const char *finding = result.findings->pdata[i];

		g_test_message("%s", finding);
		found = found ||
			(strstr(finding, "GET /api/v1/namespaces/acme/configmaps/here") != NULL &&
			 strstr(finding, "takes what it could not see for done") != NULL);
	}
	g_assert_true(found);
	fixture_close(&self);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/contract-api/operator", test_operator);
	g_test_add_func("/contract-api/webhook", test_webhook);
	g_test_add_func("/contract-api/ovn", test_ovn);
	g_test_add_func("/contract-api/machine", test_machine);
	g_test_add_func("/contract-api/noticed", test_noticed);
	return g_test_run();
}
