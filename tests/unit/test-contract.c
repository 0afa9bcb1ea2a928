/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contract of plugins finds out who breaks it. tests/unit/conduct/ has a plugin for each way;
 * its second line says with which words. The shipped ones are tried by tests/sim/contract.c. */

#include "rehearsal/contract.h"
#include "rehearsal/scenery.h"
#include <string.h>

static RdSimCluster *cluster; /* children change it, we do not */
static RdSetting *setting;

/* what the second line of a plugin's source says (transfer full) */
static char *
second_line(const char *name)
{
	g_autofree char *path =
	    g_strdup_printf("%s/tests/unit/conduct/%s.c", g_getenv("SOURCE_ROOT"), name);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	char *words, *end;

	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	words = strstr(text, "\n/* ");
	g_assert_nonnull(words);
	end = strstr(words, " */");
	g_assert_nonnull(end);
	return g_strndup(words + strlen("\n/* "), end - words - strlen("\n/* "));
}

static char *
all_findings(const RdContractResult *result)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < result->findings->len; i++)
		g_string_append_printf(text, "%s\n",
				       (const char *)g_ptr_array_index(result->findings, i));
	return g_string_free(text, FALSE);
}

static void
try_conduct(const char *name, RdContractResult *result)
{
	g_autofree char *file =
	    g_strdup_printf("%s/tests/unit/conduct/conduct-%s.so", g_getenv("BUILD_ROOT"), name);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(RdContract) contract = rd_contract_new(cluster, catalogue, setting);
	g_autoptr(GHashTable) with = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GError) error = NULL;
	const RdContractStep step = {.state = "act",
				     .type = "bad/act",
				     .target = "m0",
				     .with = with,
				     .number = 1};

	rd_catalogue_load(catalogue, file, &error);
	g_assert_no_error(error);
	rd_contract_try(contract, &step, result);
}

static void
test_conduct(gconstpointer data)
{
	const char *name = data;
	g_autofree char *expected = second_line(name);
	g_autofree char *found = NULL;
	g_auto(RdContractResult) result = {0};

	try_conduct(name, &result);
	found = all_findings(&result);
	if (g_str_has_prefix(expected, "finds: ")) {
		if (strstr(found, expected + strlen("finds: ")) == NULL)
			g_error("expected \"%s\" among:\n%s", expected, found);
		g_assert_null(result.not_tried);
	} else if (g_str_has_prefix(expected, "not tried: ")) {
		g_assert_cmpstr(found, ==, "");
		g_assert_nonnull(result.not_tried);
		g_assert_nonnull(strstr(result.not_tried, expected + strlen("not tried: ")));
	} else {
		g_assert_cmpstr(expected, ==, "keeps its promises");
		g_assert_cmpstr(found, ==, "");
		g_assert_null(result.not_tried);
		g_assert_cmpuint(result.trials, >, 20);
	}
}

/* the cluster of the one who asks stays as it is */
static void
test_leaves_no_trace(void)
{
	gint64 before = rd_timeline_now(cluster->timeline);
	g_auto(RdContractResult) result = {0};

	try_conduct("honest", &result);
	g_assert_cmpint(rd_timeline_now(cluster->timeline), ==, before);
	g_assert_null(rd_sim_tree_find(rd_sim_cluster_find(cluster, "m0")->tree, "/etc/acme"));
	g_assert_cmpuint(cluster->violations->len, ==, 0);
}

static void
add_all(void)
{
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "tests/unit/conduct", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;
	guint n = 0;

	g_assert_nonnull(dir);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *test = NULL;
		char *stem;

		if (!g_str_has_suffix(name, ".c"))
			continue;
		stem = g_strndup(name, strlen(name) - 2);
		test = g_strconcat("/contract/", stem, NULL);
		g_test_add_data_func_full(test, stem, test_conduct, g_free);
		n++;
	}
	g_assert_cmpuint(n, >, 20);
}

int
main(int argc, char **argv)
{
	g_autoptr(RdContract) contract = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	cluster = rd_scenery_quorum_lost(1, 3);
	setting = rd_setting_new("r-rehearsal-1", "5ca1ab1e-0000-4000-8000-000000000001",
				 "alice@bastion", "/nonexistent");
	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		rd_setting_add_host(setting, host->name, i == 0 ? "recovery" : "control-plane",
				    host->address);
	}
	contract = rd_contract_new(cluster, NULL, setting);
	rd_contract_take_locks(contract);
	add_all();
	g_test_add_func("/contract/leaves-no-trace", test_leaves_no_trace);
	status = g_test_run();
	rd_setting_free(setting);
	rd_sim_cluster_free(cluster);
	return status;
}
