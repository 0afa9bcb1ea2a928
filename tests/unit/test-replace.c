/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shipped procedure replace-control-plane in the machine, as it stands in its file: which way a
 * lost host goes, that one is through before the next one's turn, and what a no to a gate leads to.
 * What the states themselves do is on the plugins' tapes. */

#include "machine-fixture.h"

#include "procedure/expand.h"
#include "runner/catalogue.h"

/* one answer of machine/lost each time it is asked */
typedef struct {
	const char *outcome, *node, *machine, *replacement;
} Lost;

static RdPlan *
make_plan(void)
{
	static const char yaml[] =
	    "cluster: kite\n"
	    "defaults: {user: core, known-hosts: /dev/null}\n"
	    "hosts:\n"
	    "- {name: m0, address: 10.0.0.1, role: control-plane, recovery: true}\n"
	    "- {name: m1, address: 10.0.0.2, role: control-plane}\n"
	    "- {name: m2, address: 10.0.0.3, role: control-plane}\n";
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autofree char *path = g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures",
						 "replace-control-plane.yaml", NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(GHashTable) inputs = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdInventory) inventory =
	    rd_inventory_parse("kite.yaml", yaml, strlen(yaml), NULL, &error);
	g_autoptr(JsonNode) description = NULL;
	g_autoptr(RdTypes) types = NULL;
	g_autoptr(RdProcedure) procedure = NULL;
	RdPlan *plan;

	g_assert_no_error(error);
	rd_catalogue_load_dir(catalogue, plugins, &error);
	g_assert_no_error(error);
	description = rd_catalogue_describe(catalogue);
	types = rd_types_new(description, &error);
	g_assert_no_error(error);
	procedure = rd_procedure_load(path, types, &error);
	g_assert_no_error(error);
	plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	g_assert_no_error(error);
	return plan;
}

static void
replace_setup(Fixture *f, gconstpointer data)
{
	setup(f, data);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	f->plan = make_plan();
	f->run = rd_run_new(f->plan);
	script(f, "survey m1", "unreachable:no route");
	script(f, "survey m2", "unreachable:no route");
	/* it goes on until it is told to end */
	script(f, "enter approve-csrs@cluster", "stay");
	script(f, "probe approve-csrs@cluster", "absent");
	script(f, "enter one-etcd@m2", "stay");
	script(f, "probe one-etcd@m2", "absent");
	decide(f);
	person(f, "excuse", NULL, "m1");
	person(f, "excuse", NULL, "m2");
}

static void
give(Fixture *f, const RdOrder *order, const char *key, const char *value)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_OUTPUT, order->lane, NULL);
	g_autoptr(GPtrArray) events = NULL;

	report->key = g_strdup(key);
	report->value = g_strdup(value);
	events = rd_run_digest(f->run, report);
	store(f, events);
}

/* what later states refer to */
static void
give_outputs(Fixture *f, const RdOrder *order, const Lost *lost)
{
	static const char *const outputs[][3] = {
	    {"api/up", "since", "1795000000"},		 {"keepalived/facts", "vips", ""},
	    {"keepalived/facts", "used", "no"},		 {"operator/known", "names", "dns"},
	    {"operator/known", "unstable", ""},		 {"operator/redeploy", "recorded", "6"},
	    {"operator/stable", "unstable", ""},	 {"machine/delete", "at", "1795000900"},
	    {"machine/delete-node", "at", "1795000900"}, {"etcd/cluster-id", "cluster-id", "77"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(outputs); i++)
		if (g_strcmp0(order->type, outputs[i][0]) == 0 && order->what != RD_DO_CHECK)
			give(f, order, outputs[i][1], outputs[i][2]);
	if (g_strcmp0(order->type, "machine/arrived") == 0)
		give(f, order, "node", "kite-9");
	if (g_strcmp0(order->type, "machine/lost") != 0)
		return;
	give(f, order, "node", lost->node);
	give(f, order, "node-uid", "u-1");
	give(f, order, "machine", lost->machine);
	give(f, order, "machine-uid", "u-2");
	give(f, order, "replacement", lost->replacement);
	give(f, order, "all", "m1,m2");
}

static const char *
outcome_of(Fixture *f, const RdOrder *order, const Lost *lost)
{
	int index = order->state != NULL ? rd_plan_find_state(f->plan, order->state) : -1;

	if (index < 0)
		return NULL;
	if (g_str_equal(order->type, "machine/lost"))
		return lost->outcome;
	return ((RdPlanState *)g_ptr_array_index(f->plan->states, index))->outcome;
}

/* until only a person could say more; each visit of machine/lost takes the next of @lost */
static void
play(Fixture *f, const Lost **lost)
{
	decide(f);
	for (;;) {
		g_autoptr(RdOrder) order = next_answered(f);
		g_autoptr(RdReport) report = NULL;
		g_autoptr(GPtrArray) events = NULL;

		if (order == NULL)
			return;
		give_outputs(f, order, *lost);
		report = answer(f, order);
		if (g_strcmp0(report->word, "stay") == 0) {
			g_free(report->word);
			report->word = g_strdup("cancelled");
		} else {
			report->outcome = g_strdup(outcome_of(f, order, *lost));
		}
		if (g_strcmp0(order->state, "lost") == 0)
			(*lost)++;
		g_hash_table_remove(f->stopped, order->lane);
		f->clock += 1000;
		rd_run_tick(f->run, f->clock);
		events = rd_run_digest(f->run, report);
		store(f, events);
		decide(f);
	}
}

static void
assert_asks(Fixture *f, const char *what)
{
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), what));
}

/* one by its Machine, which nobody makes anew by itself; then one without; then the operators */
static void
test_both_ways(Fixture *f, gconstpointer data)
{
	static const Lost answers[] = {{"machine", "m1", "kite-1", "by-hand"},
				       {"node", "m2", "", "by-hand"},
				       {"none", "", "", "by-hand"}};
	const Lost *lost = answers;

	/* asked again behind the gate for the new Machine: still the first one's */
	play(f, &lost);
	assert_asks(f, "Machine kite-1 (uid u-2) of m1 is deleted");
	g_assert_cmpuint(count(f, "enter replace"), ==, 0);
	person(f, "approve", NULL, "delete-machine");
	play(f, &lost);
	assert_asks(f, "no ControlPlaneMachineSet makes another Machine for kite-1");
	g_assert_cmpuint(count(f, "enter replace-machine@cluster"), ==, 1);
	person(f, "approve", NULL, "new-machine");
	play(f, &lost);
	/* the first is through, a voter at the newest revision, before the second is asked about */
	g_assert_cmpuint(count(f, "look joined@m0"), ==, 1);
	g_assert_cmpuint(count(f, "look at-revision@cluster"), ==, 1);
	assert_asks(f, "Node m2 (uid u-1) is deleted");
	person(f, "approve", NULL, "delete-node");
	play(f, &lost);
	assert_asks(f, "reinstall m2");
	g_assert_cmpuint(count(f, "enter replace-node@cluster"), ==, 1);
	g_assert_cmpuint(count(f, "enter guard-off"), ==, 0);
	script(f, "survey m2", "finished");
	person(f, "enrol", NULL, "m2");
	person(f, "approve", NULL, "reinstall");
	play(f, &lost);
	g_assert_cmpuint(count(f, "look joined-again@m0"), ==, 1);
	g_assert_cmpuint(count(f, "enter guard-off@cluster"), ==, 1);
	g_assert_cmpuint(count(f, "undo guard-off@cluster"), ==, 1);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
}

/* fewer members are a result: named, what was borrowed is back, and no operator is asked for what
 * it could not do */
static void
test_denied(Fixture *f, gconstpointer data)
{
	static const Lost answers[] = {{"machine", "m1", "kite-1", "automatic"},
				       {"machine", "m1", "kite-1", "automatic"}};
	const Lost *lost = answers;

	play(f, &lost);
	person(f, "deny", NULL, "delete-machine");
	play(f, &lost);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done with leftovers");
	g_assert_nonnull(
	    strstr(rd_run_get_end_text(f->run), "left for later: replace-machine@cluster"));
	g_assert_cmpuint(count(f, "enter replace"), ==, 0);
	g_assert_cmpuint(count(f, "look fewer-members@cluster"), ==, 1);
	g_assert_cmpuint(count(f, "enter guard-off"), ==, 0);
	g_assert_cmpuint(count(f, "enter redeploy-etcd"), ==, 0);
	g_assert_cmpuint(count(f, "undo guardian@cluster"), ==, 1);
}

static void
test_denied_node(Fixture *f, gconstpointer data)
{
	static const Lost answers[] = {{"node", "m1", "", "by-hand"},
				       {"node", "m1", "", "by-hand"}};
	const Lost *lost = answers;

	play(f, &lost);
	person(f, "deny", NULL, "delete-node");
	play(f, &lost);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done with leftovers");
	g_assert_nonnull(
	    strstr(rd_run_get_end_text(f->run), "left for later: replace-node@cluster"));
	/* the hosts that are well are without static pods, too: what goes on is said */
	g_assert_nonnull(
	    strstr(rd_run_get_end_text(f->run), "next: recoveryd start replace-control-plane -c "));
	g_assert_cmpuint(count(f, "enter replace"), ==, 0);
	g_assert_cmpuint(count(f, "look reinstalled"), ==, 0);
}

/* a set that makes the Machine by itself needs nobody */
static void
test_automatic(Fixture *f, gconstpointer data)
{
	static const Lost answers[] = {{"machine", "m1", "kite-1", "automatic"},
				       {"none", "", "", "by-hand"}};
	const Lost *lost = answers;

	play(f, &lost);
	person(f, "approve", NULL, "delete-machine");
	play(f, &lost);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "look arrived@cluster"), ==, 1);
	g_assert_cmpuint(count(f, "enter redeploy-etcd@cluster"), ==, 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *f, gconstpointer data);
	} tests[] = {
	    {"/replace/both-ways", test_both_ways},
	    {"/replace/denied", test_denied},
	    {"/replace/denied-node", test_denied_node},
	    {"/replace/automatic", test_automatic},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, replace_setup, tests[i].func, teardown);
	return g_test_run();
}
