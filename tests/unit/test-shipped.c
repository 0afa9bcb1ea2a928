/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shipped procedures against the shipped plugins as they load: a parameter that one of them
 * has and the other does not would otherwise show up at three in the morning. */

#include "procedure/expand.h"
#include "shipped-types.h"

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

static const char yaml[] = "cluster: kite\n"
			   "defaults: {user: core, known-hosts: /dev/null}\n"
			   "hosts:\n"
			   "- {name: m0, address: 10.0.0.1, role: control-plane, recovery: true}\n"
			   "- {name: m1, address: 10.0.0.2, role: control-plane}\n"
			   "- {name: w0, address: 10.0.0.3, role: worker}\n"
			   "- {name: w1, address: 10.0.0.4, role: worker}\n";

/* what `start` makes of each input of type backup */
static void
give_backup(const RdProcedure *procedure, GHashTable *inputs)
{
	static const char *const parts[] = {"snapshot",	 "sha256",	     "name",
					    "resources", "resources-sha256", "resources-name"};

	for (guint i = 0; i < procedure->inputs->len; i++) {
		const RdProcedureInput *input = procedure->inputs->pdata[i];

		for (guint j = 0; input->type == RD_INPUT_BACKUP && j < G_N_ELEMENTS(parts); j++)
			g_hash_table_insert(inputs, g_strconcat(input->name, ".", parts[j], NULL),
					    g_strdup("/b/x"));
	}
}

typedef void (*Judge)(const char *procedure, const RdPlan *plan, const RdPlanState *state);

/* every state of every shipped procedure */
static void
judge_all(Judge judge)
{
	static const struct {
		const char *procedure;
		const char *inputs[6];
	} all[] = {
	    {"manual-restore", {NULL}},
	    {"restore-cluster-state", {NULL}},
	    {"finish-nodes", {"nodes", "m0,m1,w0,w1", "since", "1795000000.5"}},
	    {"return-to-old-data", {"run", "r-1"}},
	};
	g_autoptr(RdTypes) types = shipped_types();
	g_autoptr(GError) error = NULL;
	g_autoptr(RdInventory) inventory =
	    rd_inventory_parse("kite.yaml", yaml, strlen(yaml), NULL, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autoptr(RdProcedure) procedure = shipped(all[i].procedure, types);
		g_autoptr(GHashTable) inputs =
		    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		g_autoptr(RdPlan) plan = NULL;

		for (guint j = 0; all[i].inputs[j] != NULL; j += 2)
			g_hash_table_insert(inputs, g_strdup(all[i].inputs[j]),
					    g_strdup(all[i].inputs[j + 1]));
		give_backup(procedure, inputs);
		if (rd_procedure_find_input(procedure, "workers-at-a-time") != NULL)
			g_hash_table_insert(inputs, g_strdup("workers-at-a-time"), g_strdup("2"));
		plan = rd_procedure_expand(procedure, inventory, inputs, &error);
		g_assert_no_error(error);
		for (guint j = 0; j < plan->states->len; j++)
			judge(all[i].procedure, plan, plan->states->pdata[j]);
	}
}

static gboolean
has_guard(const RdPlanState *state, const char *type, const char *key, const char *value)
{
	for (guint i = 0; i < state->guards->len; i++) {
		const RdPlanGuard *guard = state->guards->pdata[i];

		if (g_str_equal(guard->type, type) &&
		    g_strcmp0(g_hash_table_lookup(guard->with, key), value) == 0)
			return TRUE;
	}
	return FALSE;
}

/* INV-2: whatever moves or restores data asks first whether etcd is silent; where all hosts get
 * new data all are asked, where the recovery host alone restores, the others */
static void
judge_silent(const char *procedure, const RdPlan *plan, const RdPlanState *state)
{
	static const char *const types[] = {"etcd/save-data",	"etcd/restore-member",
					    "etcd/place",	"etcd/cluster-restore",
					    "etcd/return-data", NULL};
	gboolean alone = g_str_equal(procedure, "restore-cluster-state");

	if (g_strv_contains(types, state->type) &&
	    !has_guard(state, "etcd/silent", "hosts", alone ? "others" : "control-plane"))
		g_error("%s: %s asks nobody whether etcd is silent", procedure, state->name);
}

static void
test_guards(void)
{
	judge_all(judge_silent);
}

/* INV-24, INV-34: what takes a control-plane host away for a while, or its network, is done on one
 * after the other; and no reboot without every member of etcd and every API server */
static void
judge_one(const char *procedure, const RdPlan *plan, const RdPlanState *state)
{
	gboolean reboots = g_str_equal(state->type, "node/reboot");
	gboolean masters = state->targets->len > 0 && *(char *)state->targets->pdata[0] == 'm';

	if (!masters || (!reboots && !g_str_equal(state->type, "ovn/wipe")))
		return;
	if (state->width != 1)
		g_error("%s: %s on %u hosts at a time", procedure, state->name, state->width);
	if (reboots && !has_guard(state, "operator/rolled-out", "operator", "etcds"))
		g_error("%s: %s does not ask for etcd's members", procedure, state->name);
	if (reboots && !has_guard(state, "api/serving", "", NULL))
		g_error("%s: %s does not ask for the API servers", procedure, state->name);
	if (reboots && !has_guard(state, "etcd/voters", "", NULL))
		g_error("%s: %s does not ask etcd itself", procedure, state->name);
}

static void
test_one_at_a_time(void)
{
	judge_all(judge_one);
}

/* P2-40: what takes workers away for a while is done to no more of them than their
 * MachineConfigPools allow, whatever a person asks for */
static void
judge_pools(const char *procedure, const RdPlan *plan, const RdPlanState *state)
{
	static const char *const types[] = {"node/cordon", "node/drain", "node/reboot", "ovn/wipe",
					    NULL};
	gboolean workers = state->targets->len > 0 && *(char *)state->targets->pdata[0] == 'w';

	if (workers && g_strv_contains(types, state->type) && state->width != 1 &&
	    g_strcmp0(state->at_most, "${pools.allows}") != 0)
		g_error("%s: %s on %u workers at a time, and nobody asks the pools", procedure,
			state->name, state->width);
}

static void
test_pools(void)
{
	judge_all(judge_pools);
}

/* F55: whoever waits for a rollout waits while it moves on, and not for ever */
static void
judge_rollout(const char *procedure, const RdPlan *plan, const RdPlanState *state)
{
	static const char *const types[] = {"operator/rolled-out", "operator/at-revision", NULL};

	if (g_strv_contains(types, state->type) && state->longest_s <= state->timeout_s)
		g_error("%s: %s has no longest", procedure, state->name);
}

static void
test_rollouts(void)
{
	judge_all(judge_rollout);
}

/* the command that a run with leftovers ends with: its procedure is there, and takes these inputs
 */
static void
test_leftovers(void)
{
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
	for (guint i = 0; i + 1 < first->rest_inputs->len; i += 2) {
		static const char *const values[] = {"m1,w1", "1795000000.5", "2"};

		g_assert_cmpuint(i / 2, <, G_N_ELEMENTS(values));
		g_hash_table_insert(inputs, g_strdup(first->rest_inputs->pdata[i]),
				    g_strdup(values[i / 2]));
	}
	plan = rd_procedure_expand(second, inventory, inputs, &error);
	g_assert_no_error(error);
	state = rd_plan_find_state(plan, "reboot-worker");
	g_assert_cmpuint(((RdPlanState *)plan->states->pdata[state])->targets->len, ==, 1);
	state = rd_plan_find_state(plan, "reboot");
	g_assert_cmpuint(((RdPlanState *)plan->states->pdata[state])->targets->len, ==, 1);
	/* and what is left over again is taken by the same */
	g_assert_cmpstr(second->rest, ==, first->rest);
}

/* INV-1: what lets a restore throw away a cluster that works is asked about by that cluster's name,
 * when the rescue copy has told what is lost, and before anything is stopped */
static void
test_purposes(void)
{
	static const char *const purposes[] = {"go-back", "drill"};
	g_autoptr(RdTypes) types = shipped_types();
	g_autoptr(RdProcedure) procedure = shipped("restore-cluster-state", types);

	for (guint i = 0; i < G_N_ELEMENTS(purposes); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(RdInventory) inventory =
		    rd_inventory_parse("kite.yaml", yaml, strlen(yaml), NULL, &error);
		g_autoptr(GHashTable) inputs =
		    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		g_autoptr(RdPlan) plan = NULL;
		const RdPlanState *state;
		int at;

		g_hash_table_insert(inputs, g_strdup("purpose"), g_strdup(purposes[i]));
		give_backup(procedure, inputs);
		plan = rd_procedure_expand(procedure, inventory, inputs, &error);
		g_assert_no_error(error);
		at = rd_plan_find_state(plan, purposes[i]);
		g_assert_cmpint(at, >, rd_plan_find_state(plan, "rescue"));
		g_assert_cmpint(at, <, rd_plan_find_state(plan, "stop-apiserver"));
		state = plan->states->pdata[at];
		g_assert_cmpuint(state->when->len, ==, 2);
		g_assert_cmpstr(state->when->pdata[0], ==, purposes[i]);
		g_assert_cmpstr(state->when->pdata[1], ==, purposes[i]);
		g_assert_true(state->gate->named);
		g_assert_false(state->skippable);
	}
}

/* INV-6: a script that nobody knows is asked about each time, but where its hash was given at the
 * start; no word says yes to whatever is there */
static void
test_scripts(void)
{
	static const struct {
		const char *procedure, *state, *unless;
	} all[] = {
	    {"restore-cluster-state", "script", "${script.accepted}"},
	    {"replace-lost-masters", "scripts", "${scripts.accepted}"},
	};
	g_autoptr(RdTypes) types = shipped_types();

	for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
		g_autoptr(RdProcedure) procedure = shipped(all[i].procedure, types);
		const RdProcedureInput *input =
		    rd_procedure_find_input(procedure, "accept-unknown-script");
		int looks = rd_procedure_find_state(procedure, all[i].state);
		int asks = rd_procedure_find_state(procedure, "unknown-script");
		const RdProcedureState *state;

		g_assert_nonnull(input);
		g_assert_cmpint(input->type, ==, RD_INPUT_STRING);
		g_assert_cmpstr(input->fallback, ==, "none");
		g_assert_cmpint(looks, >=, 0);
		g_assert_cmpint(asks, >, looks);
		state = procedure->states->pdata[looks];
		g_assert_cmpstr(g_hash_table_lookup(state->call->with, "accepted"), ==,
				"${input.accept-unknown-script}");
		state = procedure->states->pdata[asks];
		g_assert_cmpstr(state->gate, ==, "unknown-script");
		g_assert_true(state->gate_always);
		g_assert_cmpuint(state->when->len, ==, 2);
		g_assert_cmpstr(state->when->pdata[0], ==, all[i].unless);
		g_assert_cmpstr(state->when->pdata[1], ==, "no");
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shipped/procedures", test_procedures);
	g_test_add_func("/shipped/guards", test_guards);
	g_test_add_func("/shipped/one-at-a-time", test_one_at_a_time);
	g_test_add_func("/shipped/purposes", test_purposes);
	g_test_add_func("/shipped/pools", test_pools);
	g_test_add_func("/shipped/rollouts", test_rollouts);
	g_test_add_func("/shipped/leftovers", test_leftovers);
	g_test_add_func("/shipped/scripts", test_scripts);
	return g_test_run();
}
