/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "procedure/expand.h"
#include "yaml/yaml.h"

#include "backup/pair.h"
#include "expected.h"
#include "procedure/template.h"
#include "runner/catalogue.h"

static RdTypes *types, *shipped;

static RdTypes *
load_types(void)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *path = fixture_dir("types.json");
	g_autoptr(GError) error = NULL;
	RdTypes *loaded = NULL;

	json_parser_load_from_file(parser, path, &error);
	g_assert_no_error(error);
	loaded = rd_types_new(json_parser_get_root(parser), &error);
	g_assert_no_error(error);
	return loaded;
}

/* of the plugins that we ship: types.json is only what the other tests need */
static RdTypes *
load_shipped_types(void)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) description = NULL;
	RdTypes *loaded;

	rd_catalogue_load_dir(catalogue, plugins, &error);
	g_assert_no_error(error);
	description = rd_catalogue_describe(catalogue);
	loaded = rd_types_new(description, &error);
	g_assert_no_error(error);
	return loaded;
}

static RdProcedure *
load_shipped(const char *name)
{
	g_autofree char *dir =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", NULL);
	const char *const dirs[] = {"/nonexistent", dir, NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *path = rd_procedure_locate(name, dirs, &error);
	RdProcedure *procedure = NULL;

	g_assert_no_error(error);
	procedure = rd_procedure_load(path, shipped, &error);
	g_assert_no_error(error);
	return procedure;
}

static RdInventory *
make_inventory(const char *recovery)
{
	static const char text[] = "cluster: kite\n"
				   "hosts:\n"
				   "- {name: m0, address: 10.0.0.1, role: control-plane}\n"
				   "- {name: m1, address: 10.0.0.2, role: control-plane}\n"
				   "- {name: m2, address: 10.0.0.3, role: control-plane}\n"
				   "- {name: w0, address: 10.0.0.4, role: worker}\n"
				   "- {name: w1, address: 10.0.0.5, role: worker}\n"
				   "- {name: w2, address: 10.0.0.6, role: worker}\n";
	g_autoptr(GError) error = NULL;
	RdInventory *inventory =
	    rd_inventory_parse("/tmp/cluster.yaml", text, strlen(text), NULL, &error);

	g_assert_no_error(error);
	if (recovery != NULL)
		rd_inventory_set_recovery(inventory, recovery, &error);
	g_assert_no_error(error);
	return inventory;
}

static GHashTable *
make_inputs(const char *name, ...)
{
	GHashTable *inputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	va_list args;

	va_start(args, name);
	for (; name != NULL; name = va_arg(args, const char *))
		g_hash_table_insert(inputs, g_strdup(name), g_strdup(va_arg(args, const char *)));
	va_end(args);
	return inputs;
}

static GHashTable *
make_backup_inputs(void)
{
	return make_inputs("backup.snapshot", "/b/snapshot_x.db", "backup.name", "snapshot_x.db",
			   "backup.sha256", "abc", NULL);
}

/* a file without .expected must be right; else these are the complaints */
static void
test_fixture(gconstpointer data)
{
	const char *path = data;
	g_autofree char *expected = g_strconcat(path, ".expected", NULL);
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(RdProcedure) procedure = rd_procedure_load(path, types, &error);

	if (g_str_has_prefix(name, "good")) {
		g_assert_no_error(error);
		g_assert_nonnull(procedure);
		return;
	}
	g_assert_null(procedure);
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID);
	text = without_dir(error->message, dir);
	assert_expected(expected, text);
}

static RdPlanState *
find_state(RdPlan *plan, const char *name)
{
	int index = rd_plan_find_state(plan, name);

	g_assert_cmpint(index, >=, 0);
	return plan->states->pdata[index];
}

static void
assert_param(RdPlanState *state, const char *name, const char *value)
{
	g_assert_cmpstr(g_hash_table_lookup(state->with, name), ==, value);
}

static char *
join_targets(RdPlanState *state)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < state->targets->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
				       (char *)state->targets->pdata[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
assert_targets(RdPlan *plan, const char *name, const char *targets, guint width)
{
	RdPlanState *state = find_state(plan, name);
	g_autofree char *joined = join_targets(state);

	g_assert_cmpstr(joined, ==, targets);
	g_assert_cmpuint(state->width, ==, width);
}

static void
test_manual_restore(void)
{
	g_autoptr(RdProcedure) procedure = load_shipped("manual-restore");
	g_autoptr(RdInventory) inventory = make_inventory(NULL);
	g_autoptr(GHashTable) inputs = make_backup_inputs();
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPlan) plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	RdPlanState *state = NULL;
	RdPlanUnit *unit = NULL;

	g_assert_no_error(error);
	g_assert_cmpstr(plan->procedure, ==, "manual-restore");
	g_assert_cmpstr(plan->cluster, ==, "kite");
	g_assert_cmpuint(plan->states->len, ==, 57);
	g_assert_cmpuint(plan->units->len, ==, 49);
	g_assert_cmpuint(plan->hosts->len, ==, 6);
	g_assert_true(rd_plan_find_host(plan, "m2")->locked);
	g_assert_false(rd_plan_find_host(plan, "w0")->locked);

	/* inputs are put in, run and outputs stay, what is left out has its fallback */
	state = find_state(plan, "copy-backup");
	g_assert_cmpuint(g_hash_table_size(state->with), ==, 4);
	assert_param(state, "from", "/b/snapshot_x.db");
	assert_param(state, "to", "${parameters.backup-dir}/snapshot_x.db");
	assert_param(state, "sha256", "abc");
	assert_param(state, "mode", "0600");
	g_assert_cmpuint(state->tries, ==, 3);
	g_assert_cmpuint(state->delay_s, ==, 10);
	g_assert_cmpuint(state->timeout_s, ==, 1800);
	g_assert_cmpint(state->kind, ==, RD_KIND_CHANGE);
	assert_param(find_state(plan, "agree"), "token", "openshift-etcd-${run.uuid}");

	assert_targets(plan, "still-dead", "cluster", 1);
	assert_targets(plan, "parameters", "m0 m1 m2", 3);
	assert_targets(plan, "rescue", "m0 m1 m2", 1);

	unit = plan->units->pdata[rd_plan_find_unit(plan, "stop-scheduler")];
	g_assert_cmpstr(unit->name, ==, "stop");
	g_assert_cmpuint(unit->first, ==, (guint)rd_plan_find_state(plan, "stop-apiserver"));
	g_assert_cmpuint(unit->count, ==, 4);

	state = find_state(plan, "place");
	g_assert_cmpint(state->mark, ==, RD_MARK_HOST_UNDO_ENDS);
	g_assert_cmpuint(state->guards->len, ==, 1);
	g_assert_cmpstr(((RdPlanGuard *)state->guards->pdata[0])->type, ==, "etcd/silent");
	g_assert_cmpint(find_state(plan, "start-apiserver")->mark, ==, RD_MARK_POINT_OF_NO_RETURN);
	g_assert_cmpint(find_state(plan, "rescue")->mark, ==, RD_MARK_RESCUE_COPY);
}

/* the procedures we ship, against the plugins we ship */
static void
test_shipped(void)
{
	g_autofree char *dir =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) entries = g_dir_open(dir, 0, &error);
	const char *name = NULL;
	guint n = 0;

	g_assert_no_error(error);
	while ((name = g_dir_read_name(entries)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".yaml"));
		g_autoptr(RdProcedure) procedure = rd_procedure_load(path, shipped, &error);

		g_assert_no_error(error);
		/* it is found by the name of its file */
		g_assert_cmpstr(procedure->name, ==, stem);
		n++;
	}
	g_assert_cmpuint(n, >=, 2);
}

static void
test_two_states(void)
{
	g_autoptr(RdProcedure) procedure = load_shipped("two-states");
	g_autoptr(RdInventory) inventory = make_inventory("m1");
	g_autoptr(GHashTable) inputs = make_inputs(NULL, NULL);
	g_autoptr(GHashTable) other = make_inputs("pod", "etcd", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPlan) plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	g_autoptr(RdPlan) second = NULL;

	g_assert_no_error(error);
	assert_param(find_state(plan, "stop"), "pod", "kube-scheduler");
	g_assert_cmpuint(find_state(plan, "stop")->timeout_s, ==, 300);
	g_assert_cmpstr(rd_plan_find_host(plan, "m1")->role, ==, "recovery");
	g_assert_true(rd_plan_find_host(plan, "m1")->locked);
	g_assert_cmpstr(rd_plan_find_host(plan, "m0")->role, ==, "control-plane");
	second = rd_procedure_expand(procedure, inventory, other, &error);
	g_assert_no_error(error);
	assert_param(find_state(second, "start"), "pod", "etcd");
}

static RdProcedure *
load_good_graph(void)
{
	g_autofree char *dir = fixture_dir("procedures");
	g_autofree char *path = g_build_filename(dir, "good-graph.yaml", NULL);
	g_autoptr(GError) error = NULL;
	RdProcedure *procedure = rd_procedure_load(path, types, &error);

	g_assert_no_error(error);
	return procedure;
}

/* what lasts longer than a step reaches the plan; a group stands for its first state */
static void
test_spans(void)
{
	g_autofree char *dir = fixture_dir("procedures");
	g_autofree char *path = g_build_filename(dir, "good-spans.yaml", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdProcedure) procedure = rd_procedure_load(path, types, &error);
	g_autoptr(RdInventory) inventory = make_inventory("m1");
	g_autoptr(GHashTable) inputs = make_inputs(NULL, NULL);
	g_autoptr(RdPlan) plan = NULL;
	const RdPlanState *state = NULL;

	g_assert_no_error(error);
	plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(find_state(plan, "watch")->beside, ==, "drain");
	state = find_state(plan, "lend");
	g_assert_true(state->single);
	g_assert_cmpstr(state->borrow, ==, "mend");
	g_assert_cmpuint(state->returns->len, ==, 1);
	g_assert_cmpstr(find_state(plan, "keep")->borrow, ==, RD_UNTIL_END);
	state = find_state(plan, "drain");
	g_assert_cmpstr(state->gate->name, ==, "roll-workers");
	g_assert_cmpstr(state->gate->text, ==, "all of them");
	g_assert_true(state->gate->always && state->leftover && state->skippable);
	g_assert_false(find_state(plan, "mend")->gate->always);
	g_assert_cmpuint(find_state(plan, "boot")->when->len, ==, 2);
}

/* which hosts, and who takes what is left */
static void
test_leftovers(void)
{
	g_autofree char *dir = fixture_dir("procedures");
	g_autofree char *path = g_build_filename(dir, "good-leftovers.yaml", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdProcedure) procedure = rd_procedure_load(path, types, &error);
	g_autoptr(RdInventory) inventory = make_inventory("m1");
	g_autoptr(GHashTable) inputs = make_inputs(NULL, NULL);
	g_autoptr(RdPlan) plan = NULL, none = NULL;
	const RdPlanState *state = NULL;

	g_assert_no_error(error);
	g_hash_table_remove_all(inputs);
	g_hash_table_insert(inputs, g_strdup("nodes"), g_strdup("M1, m2"));
	plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	g_assert_no_error(error);
	state = find_state(plan, "some");
	g_assert_cmpuint(state->targets->len, ==, 2);
	g_assert_cmpstr(state->targets->pdata[0], ==, "m2");
	g_assert_cmpstr(state->targets->pdata[1], ==, "m1");
	g_assert_cmpuint(find_state(plan, "workers")->targets->len, ==, 0);
	g_assert_cmpuint(find_state(plan, "second")->targets->len, ==, 2);
	state = find_state(plan, "later");
	g_assert_true(state->postponable);
	g_assert_cmpstr(state->gate->text, ==, "${look.value} and m1,m2");
	g_assert_cmpuint(state->targets->len, >, 2);
	g_assert_cmpstr(plan->rest->procedure, ==, "p");
	g_assert_cmpuint(plan->rest->inputs->len, ==, 4);

	g_hash_table_insert(inputs, g_strdup("nodes"), g_strdup("m1,w9"));
	none = rd_procedure_expand(procedure, inventory, inputs, &error);
	g_assert_null(none);
	g_assert_nonnull(strstr(error->message, "the inventory has no host “w9”"));
}

static void
test_releases(void)
{
	static const struct {
		const char *release;
		gboolean fits;
	} rows[] = {
	    {"4.9.0", TRUE},   {"4.10.3", TRUE},   {"4.17.41", TRUE},  {"4.18.0-rc.1", FALSE},
	    {"4.8.57", FALSE}, {"5.0.0", FALSE},   {"4.100.1", FALSE}, {NULL, TRUE},
	    {"unknown", TRUE}, {"4.17-okd", TRUE},
	};
	g_autofree char *dir = fixture_dir("procedures");
	g_autofree char *path = g_build_filename(dir, "good-releases.yaml", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdProcedure) procedure = rd_procedure_load(path, types, &error);

	g_assert_no_error(error);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *why = NULL;

		g_assert_cmpint(rd_procedure_is_for(procedure, rows[i].release, &why), ==,
				rows[i].fits);
		if (!rows[i].fits)
			g_assert_nonnull(strstr(why, "read the other document"));
	}
}

static void
test_targets(void)
{
	g_autoptr(RdProcedure) procedure = load_good_graph();
	g_autoptr(RdInventory) inventory = make_inventory("m1");
	g_autoptr(GHashTable) inputs = make_inputs("full", "false", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPlan) plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	RdPlanState *again = NULL;

	g_assert_no_error(error);
	/* half of two is one; two at a time of three; the recovery host last */
	assert_targets(plan, "whole", "m0 m2", 1);
	assert_targets(plan, "mend", "m0 m2 m1", 1);
	assert_targets(plan, "burn", "m0 m1 m2", 2);
	assert_targets(plan, "wipe", "m0 m1 m2", 3);

	assert_param(find_state(plan, "settle"), "settle", "120");
	again = find_state(plan, "again");
	assert_param(again, "count", "7");
	assert_param(again, "loud", "no");
	assert_param(again, "pause", "300");
	assert_param(again, "password", "");
	g_assert_cmpuint(again->when->len, ==, 4);
	/* false reaches the comparison as no */
	g_assert_cmpstr(again->when->pdata[0], ==, "no");
	g_assert_cmpstr(again->when->pdata[1], ==, "yes");
	g_assert_cmpstr(again->when->pdata[2], ==, "${look.value}");
	g_assert_cmpuint(again->edges->len, ==, 1);
	g_assert_cmpstr(((RdPlanEdge *)again->edges->pdata[0])->outcome, ==, "half");
	g_assert_cmpstr(((RdPlanEdge *)again->edges->pdata[0])->to, ==, "look");
	g_assert_cmpstr(
	    g_hash_table_lookup(((RdPlanGuard *)find_state(plan, "burn")->guards->pdata[0])->with,
				"members"),
	    ==, "${again.value}");
}

/* An input says how many at a time, and never more than there are; what is found out on the way
 * stays a template. */
static void
test_width(void)
{
	g_autofree char *dir = fixture_dir("procedures");
	g_autofree char *path = g_build_filename(dir, "good-at-most.yaml", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdProcedure) procedure = rd_procedure_load(path, types, &error);
	g_autoptr(RdInventory) inventory = make_inventory("m1");
	static const struct {
		const char *many;
		guint width;
	} rows[] = {{"1", 1}, {"2", 2}, {"3", 3}, {"99999999999", 3}, {"0", 0}, {"-1", 0}};

	g_assert_no_error(error);
	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GHashTable) inputs = make_inputs("many", rows[i].many, NULL);
		g_autoptr(RdPlan) plan = rd_procedure_expand(procedure, inventory, inputs, &error);

		if (rows[i].width == 0) {
			g_assert_null(plan);
			g_assert_cmpstr(error->message, ==,
					"input many is how many of workers are worked on at a "
					"time: 1 or more");
			g_clear_error(&error);
			continue;
		}
		g_assert_no_error(error);
		assert_targets(plan, "some", "w0 w1 w2", rows[i].width);
		g_assert_cmpstr(find_state(plan, "some")->at_most, ==, "${look.value}");
		assert_targets(plan, "two", "w0 w1 w2", 3);
		g_assert_cmpstr(find_state(plan, "two")->at_most, ==, rows[i].many);
		g_assert_cmpstr(find_state(plan, "all")->at_most, ==, "2");
	}
}

static void
assert_not_expanded(const RdProcedure *procedure, const RdInventory *inventory, GHashTable *inputs,
		    const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdPlan) plan = rd_procedure_expand(procedure, inventory, inputs, &error);

	g_assert_null(plan);
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INPUT);
	g_assert_cmpstr(error->message, ==, message);
}

static void
test_wrong_inputs(void)
{
	g_autoptr(RdProcedure) restore = load_shipped("manual-restore");
	g_autoptr(RdProcedure) two = load_shipped("two-states");
	g_autoptr(RdProcedure) graph = load_good_graph();
	g_autoptr(RdInventory) inventory = make_inventory(NULL);
	g_autoptr(GHashTable) none = make_inputs(NULL, NULL);
	g_autoptr(GHashTable) whole = make_inputs("backup", "/b", NULL);
	g_autoptr(GHashTable) unproven = make_inputs("backup.name", "snapshot_x.db",
						     "backup.snapshot", "/b/snapshot_x.db", NULL);
	g_autoptr(GHashTable) mistyped = make_inputs("pdo", "etcd", NULL);
	g_autoptr(GHashTable) sneaky = make_inputs("pod", "x${run.uuid}", NULL);
	g_autoptr(GHashTable) maybe = make_inputs("full", "maybe", NULL);
	g_autoptr(GHashTable) relative =
	    make_inputs("backup.name", "n", "backup.snapshot", "b.db", "backup.sha256", "a", NULL);

	assert_not_expanded(restore, inventory, none,
			    "input backup is missing: directory with snapshot_*.db and "
			    "static_kuberesources_*.tar.gz of one backup");
	assert_not_expanded(restore, inventory, whole,
			    "input backup is missing: directory with snapshot_*.db and "
			    "static_kuberesources_*.tar.gz of one backup\n"
			    "manual-restore has no input backup; did you mean backup?");
	assert_not_expanded(restore, inventory, unproven,
			    "copy-backup: parameter sha256: “${input.backup.sha256}” is not known\n"
			    "restore: parameter sha256: “${input.backup.sha256}” is not known");
	assert_not_expanded(restore, inventory, relative,
			    "parameters: parameter snapshot must be an absolute path on this "
			    "machine, not “b.db”\n"
			    "copy-backup: parameter from must be an absolute path on this machine, "
			    "not “b.db”");
	assert_not_expanded(two, inventory, mistyped,
			    "two-states has no input pdo; did you mean pod?");
	assert_not_expanded(two, inventory, sneaky, "input pod must not contain “${”");
	assert_not_expanded(
	    graph, inventory, maybe,
	    "input full must be yes or no, not “maybe”\n"
	    "whole runs on: others, and the inventory names no recovery host: give "
	    "recovery: true to one control-plane host, or --recovery-host\n"
	    "mending runs on: recovery, others, and the inventory names no recovery "
	    "host: give recovery: true to one control-plane host, or "
	    "--recovery-host");
}

static void
test_graph(void)
{
	g_autoptr(RdProcedure) procedure = load_good_graph();
	g_autofree char *dir = fixture_dir("procedures");
	g_autofree char *dot_path = g_build_filename(dir, "good-graph.dot", NULL);
	g_autofree char *mermaid_path = g_build_filename(dir, "good-graph.mermaid", NULL);
	g_autofree char *dot = rd_procedure_graph(procedure, RD_GRAPH_DOT);
	g_autofree char *mermaid = rd_procedure_graph(procedure, RD_GRAPH_MERMAID);

	assert_expected(dot_path, dot);
	assert_expected(mermaid_path, mermaid);
}

static void
test_locate(void)
{
	g_autofree char *dir =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", NULL);
	const char *const dirs[] = {"/nonexistent", dir, NULL};
	const char *const nowhere[] = {NULL};
	g_autoptr(GError) error = NULL;
	g_autofree char *path = rd_procedure_locate("./own", dirs, &error);

	g_assert_cmpstr(path, ==, "./own");
	g_assert_null(rd_procedure_locate("two-state", dirs, &error));
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE);
	g_assert_nonnull(strstr(error->message, "did you mean two-states? (there are: "));
	g_clear_error(&error);
	g_assert_null(rd_procedure_locate("x", nowhere, &error));
	g_assert_nonnull(strstr(error->message, "(there are: none;"));
}

static void
test_template(void)
{
	g_autoptr(GHashTable) values = make_inputs("input.a", "A", "input.b", "${input.a}", NULL);
	g_autofree char *filled = rd_template_fill("${input.a}/$x/${run.id}${input.b}$", values);

	/* what was put in is not looked at again */
	g_assert_cmpstr(filled, ==, "A/$x/${run.id}${input.a}$");
}

static void
test_positions(void)
{
	static const char text[] = "a: 1\n"
				   "b:\n"
				   "- 'x'\n"
				   "- {c: \"d\", é: 0640, z: 4.10}\n"
				   "s: &l [p, q]\n"
				   "t: *l\n"
				   "big: 99999999999999999999\n"
				   "yes: yes\n"
				   "on: true\n"
				   "nil:\n";
	g_autoptr(RdComplaints) complaints = rd_complaints_new("f");
	g_autoptr(GError) error = NULL;
	g_autoptr(RdYaml) yaml = rd_yaml_parse(text, strlen(text), complaints, &error);
	static const struct {
		const char *path;
		guint line, column, key_line, key_column;
		const char *text;
		const char *json;
	} nodes[] = {
	    {"", 1, 1, 1, 1, NULL, NULL},
	    {"/a", 1, 4, 1, 1, "1", "1"},
	    {"/b", 3, 1, 2, 1, NULL, NULL},
	    {"/b/0", 3, 3, 3, 3, "x", "\"x\""},
	    {"/b/1/c", 4, 7, 4, 4, "d", "\"d\""},
	    {"/b/1/é", 4, 15, 4, 12, "0640", "640"},
	    {"/b/1/z", 4, 24, 4, 21, "4.10", NULL},
	    {"/t", 6, 4, 6, 1, NULL, "[\"p\",\"q\"]"},
	    {"/t/1", 5, 11, 5, 11, "q", "\"q\""},
	    {"/big", 7, 6, 7, 1, "99999999999999999999", "\"99999999999999999999\""},
	    {"/yes", 8, 6, 8, 1, "yes", "\"yes\""},
	    {"/on", 9, 5, 9, 1, "true", "true"},
	};

	g_assert_no_error(error);
	for (guint i = 0; i < G_N_ELEMENTS(nodes); i++) {
		JsonNode *node = rd_yaml_find(yaml, nodes[i].path);
		g_autofree char *json = NULL;
		guint line = 0, column = 0;

		g_test_message("%s", nodes[i].path);
		g_assert_nonnull(node);
		rd_yaml_get_position(yaml, node, &line, &column);
		g_assert_cmpuint(line, ==, nodes[i].line);
		g_assert_cmpuint(column, ==, nodes[i].column);
		rd_yaml_get_key_position(yaml, node, &line, &column);
		g_assert_cmpuint(line, ==, nodes[i].key_line);
		g_assert_cmpuint(column, ==, nodes[i].key_column);
		g_assert_cmpstr(rd_yaml_get_text(yaml, node), ==, nodes[i].text);
		json = json_to_string(node, FALSE);
		if (nodes[i].json != NULL)
			g_assert_cmpstr(json, ==, nodes[i].json);
	}
	g_assert_true(JSON_NODE_HOLDS_NULL(rd_yaml_find(yaml, "/nil")));
	g_assert_null(rd_yaml_find(yaml, "/b/2"));
	g_assert_null(rd_yaml_find(yaml, "/a/x"));
	g_assert_null(rd_yaml_find(yaml, "/none"));
}

static void
assert_refused(const char *text, gsize size, const char *message)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new("f");
	g_autoptr(GError) error = NULL;
	g_autoptr(RdYaml) yaml = rd_yaml_parse(text, size, complaints, &error);

	g_assert_null(yaml);
	g_assert_nonnull(strstr(error->message, message));
}

/* files made to cost us: each is refused, quickly */
static void
test_hostile_yaml(void)
{
	g_autoptr(GString) laughs = g_string_new("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	g_autoptr(GString) deep = g_string_new("a: ");
	g_autoptr(GString) flat = g_string_new("a: {");

	for (guint i = 1; i < 12; i++)
		g_string_append_printf(laughs,
				       "a%u: &a%u [*a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, *a%u, "
				       "*a%u, *a%u]\n",
				       i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1,
				       i - 1, i - 1);
	assert_refused(laughs->str, laughs->len, "with aliases written out");
	for (guint i = 0; i < 60; i++)
		g_string_append(deep, "[");
	for (guint i = 0; i < 60; i++)
		g_string_append(deep, "]");
	assert_refused(deep->str, deep->len, "nested more than");
	for (guint i = 0; i < 100000; i++)
		g_string_append(flat, "{");
	assert_refused(flat->str, flat->len, "f:1:");
	assert_refused("a: \"x\\0y\"\n", 10, "f:1:4: a NUL byte inside a text");
	assert_refused("a: x\0y\n", 7, "f:1:5: byte 0x00: the file is not UTF-8 text");
	assert_refused("? [a]\n: b\n", 10, "a key must be plain text");
}

static void
test_large_file(void)
{
	g_autofree char *path = NULL;
	g_autofree char *data = g_malloc(RD_YAML_MAX_SIZE + 2);
	g_autoptr(RdComplaints) complaints = rd_complaints_new("f");
	g_autoptr(GError) error = NULL;
	g_autoptr(RdYaml) yaml = NULL;
	int fd = g_file_open_tmp("rd-XXXXXX.yaml", &path, &error);

	g_assert_no_error(error);
	g_close(fd, NULL);
	memset(data, '#', RD_YAML_MAX_SIZE + 2);
	memcpy(data, "a: 1\n", 5);
	g_file_set_contents(path, data, RD_YAML_MAX_SIZE, &error);
	g_assert_no_error(error);
	yaml = rd_yaml_load(path, complaints, &error);
	g_assert_no_error(error);
	g_file_set_contents(path, data, RD_YAML_MAX_SIZE + 1, &error);
	g_assert_no_error(error);
	g_assert_null(rd_yaml_load(path, complaints, &error));
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE);
	g_clear_error(&error);
	g_assert_null(rd_yaml_load("/dev/zero", complaints, &error));
	g_assert_nonnull(strstr(error->message, "/dev/zero: not a regular file"));
	g_clear_error(&error);
	g_assert_null(rd_yaml_load("/nonexistent", complaints, &error));
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE);
	g_unlink(path);
}

static void
test_spelling(void)
{
	static const char *const known[] = {"timeout", "retry", "on", "static-pod/stop", NULL};

	g_assert_cmpstr(rd_spell_nearest("timout", known), ==, "timeout");
	g_assert_cmpstr(rd_spell_nearest("tiemout", known), ==, "timeout");
	g_assert_cmpstr(rd_spell_nearest("no", known), ==, "on");
	g_assert_cmpstr(rd_spell_nearest("static-pod/stopp", known), ==, "static-pod/stop");
	g_assert_null(rd_spell_nearest("guards", known));
	g_assert_null(rd_spell_nearest("", known));
}

static void
test_durations(void)
{
	static const struct {
		const char *text;
		gint64 seconds; /* -1: refused */
	} table[] = {
	    {"90s", 90},	 {"5m", 300},	{"1h", 3600},  {"0s", 0},
	    {"8784h", 31622400}, {"8785h", -1}, {"", -1},      {"s", -1},
	    {"5", -1},		 {"5 m", -1},	{"-5m", -1},   {"5min", -1},
	    {"1.5h", -1},	 {"5M", -1},	{"1h30m", -1}, {"9999999999999999999999s", -1}};

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		gint64 seconds = -1;

		g_test_message("%s", table[i].text);
		g_assert_cmpint(rd_parse_duration(table[i].text, &seconds), ==,
				table[i].seconds >= 0);
		g_assert_cmpint(seconds, ==, table[i].seconds);
	}
}

static void
assert_types_refused(const char *json, const char *message)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) node = json_from_string(json, &error);
	g_autoptr(RdTypes) made = NULL;

	g_assert_no_error(error);
	made = rd_types_new(node, &error);
	g_assert_null(made);
	g_assert_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, message));
}

static void
test_types(void)
{
	const RdType *type = rd_types_find(types, "demo/choose");

	g_assert_nonnull(type);
	g_assert_cmpint(type->kind, ==, RD_KIND_QUERY);
	g_assert_cmpstr(type->outcomes[0], ==, "whole");
	/* the fallback is kept as it will be passed */
	g_assert_cmpstr(rd_type_find_param(type, "pause")->fallback, ==, "300");
	g_assert_null(rd_type_find_param(type, "paus"));
	g_assert_null(rd_types_find(types, "demo"));
	g_assert_cmpint(rd_types_find(types, "demo/wipe")->undo_is, ==, RECOVERY_UNDO_IRREVERSIBLE);

	assert_types_refused("[]", "an object with plugins");
	assert_types_refused("{\"plugins\": {}}", "not a list");
	assert_types_refused("{\"plugins\": [{\"name\": \"x\", \"states\": [{\"name\": \"y\"}]}]}",
			     "x/y: kind is");
	assert_types_refused("{\"plugins\": [{\"name\": \"x\", \"states\": [{\"name\": \"y\", "
			     "\"kind\": \"change\"}]}]}",
			     "x/y: undo is");
	assert_types_refused("{\"plugins\": [{\"name\": \"x\", \"states\": [{\"name\": \"y\", "
			     "\"kind\": \"wait\"}, {\"name\": \"y\", \"kind\": \"wait\"}]}]}",
			     "twice");
	assert_types_refused("{\"plugins\": [{\"name\": \"x\", \"states\": [{\"name\": \"y\", "
			     "\"kind\": \"wait\", \"timeout\": {}, \"params\": [{\"name\": \"p\", "
			     "\"type\": \"duration\", \"fallback\": \"5\"}]}]}]}",
			     "fallback “5” of parameter p is not a duration");
}

int
main(int argc, char **argv)
{
	int status = 0;

	g_setenv("HOME", "/nonexistent", TRUE);
	g_test_init(&argc, &argv, NULL);
	types = load_types();
	shipped = load_shipped_types();
	g_test_add_func("/yaml/positions", test_positions);
	g_test_add_func("/yaml/hostile", test_hostile_yaml);
	g_test_add_func("/yaml/large", test_large_file);
	g_test_add_func("/procedure/spelling", test_spelling);
	g_test_add_func("/procedure/durations", test_durations);
	g_test_add_func("/procedure/types", test_types);
	g_test_add_func("/procedure/template", test_template);
	g_test_add_func("/procedure/locate", test_locate);
	g_test_add_func("/procedure/manual-restore", test_manual_restore);
	g_test_add_func("/procedure/shipped", test_shipped);
	g_test_add_func("/procedure/two-states", test_two_states);
	g_test_add_func("/procedure/targets", test_targets);
	g_test_add_func("/procedure/width", test_width);
	g_test_add_func("/procedure/spans", test_spans);
	g_test_add_func("/procedure/leftovers", test_leftovers);
	g_test_add_func("/procedure/releases", test_releases);
	g_test_add_func("/procedure/wrong-inputs", test_wrong_inputs);
	g_test_add_func("/procedure/graph", test_graph);
	add_fixtures("procedures", test_fixture);
	status = g_test_run();
	rd_types_free(types);
	rd_types_free(shipped);
	return status;
}
