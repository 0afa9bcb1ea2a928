/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shipped procedures against the shipped plugins as they load: a parameter that one of them
 * has and the other does not would otherwise show up at three in the morning. */

#include "procedure/expand.h"
#include "runner/catalogue.h"

static RdTypes *
shipped_types(void)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(JsonNode) description = NULL;
	g_autoptr(GError) error = NULL;
	RdTypes *types;

	rd_catalogue_load_dir(catalogue, plugins, &error);
	g_assert_no_error(error);
	description = rd_catalogue_describe(catalogue);
	types = rd_types_new(description, &error);
	g_assert_no_error(error);
	return types;
}

static RdProcedure *
shipped(const char *name, const RdTypes *types)
{
	g_autofree char *file = g_strconcat(name, ".yaml", NULL);
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", file, NULL);
	g_autoptr(GError) error = NULL;
	RdProcedure *procedure = rd_procedure_load(path, types, &error);

	g_assert_no_error(error);
	return procedure;
}

static void
test_procedures(void)
{
	g_autofree char *data =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", NULL);
	g_autoptr(RdTypes) types = shipped_types();
	g_autoptr(GDir) dir = g_dir_open(data, 0, NULL);
	guint count = 0;

	g_assert_nonnull(dir);
	for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir)) {
		g_autofree char *stem = NULL;
		g_autoptr(RdProcedure) procedure = NULL;

		if (!g_str_has_suffix(name, ".yaml"))
			continue;
		stem = g_strndup(name, strlen(name) - strlen(".yaml"));
		procedure = shipped(stem, types);
		count++;
	}
	g_assert_cmpuint(count, >=, 2);
}

/* the command that a run with leftovers ends with: its procedure is there, and takes these inputs
 */
static void
test_leftovers(void)
{
	static const char yaml[] =
	    "cluster: kite\n"
	    "defaults: {user: core, known-hosts: /dev/null}\n"
	    "hosts:\n"
	    "- {name: m0, address: 10.0.0.1, role: control-plane, recovery: true}\n"
	    "- {name: m1, address: 10.0.0.2, role: control-plane}\n"
	    "- {name: w0, address: 10.0.0.3, role: worker}\n"
	    "- {name: w1, address: 10.0.0.4, role: worker}\n";
	g_autoptr(RdTypes) types = shipped_types();
	g_autoptr(GError) error = NULL;
	g_autoptr(RdInventory) inventory =
	    rd_inventory_parse("kite.yaml", yaml, strlen(yaml), NULL, &error);
	g_autoptr(RdProcedure) first = shipped("restore-cluster-state", types);
	g_autoptr(RdProcedure) second = NULL;
	g_autoptr(GHashTable) inputs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(RdPlan) plan = NULL;
	int state;

	g_assert_no_error(error);
	g_assert_nonnull(first->rest);
	second = shipped(first->rest, types);
	for (guint i = 0; i + 1 < first->rest_inputs->len; i += 2)
		g_hash_table_insert(inputs, g_strdup(first->rest_inputs->pdata[i]),
				    g_strdup(i == 0 ? "m1,w1" : "1795000000.5"));
	plan = rd_procedure_expand(second, inventory, inputs, &error);
	g_assert_no_error(error);
	state = rd_plan_find_state(plan, "reboot-worker");
	g_assert_cmpuint(((RdPlanState *)plan->states->pdata[state])->targets->len, ==, 1);
	state = rd_plan_find_state(plan, "reboot");
	g_assert_cmpuint(((RdPlanState *)plan->states->pdata[state])->targets->len, ==, 1);
	/* and what is left over again is taken by the same */
	g_assert_cmpstr(second->rest, ==, first->rest);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shipped/procedures", test_procedures);
	g_test_add_func("/shipped/leftovers", test_leftovers);
	return g_test_run();
}
