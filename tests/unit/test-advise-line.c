/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lines that advise prints are pasted at three in the morning: each is read here as `start`
 * reads its command line, and its inputs pass what `start` checks them with, against the shipped
 * procedure of that name. */

#include "backup/pair.h"
#include "cli/advise-line.h"
#include "cli/beginning.h"
#include "cli/prepare.h"
#include "procedure/expand.h"
#include "shipped-types.h"

#include <string.h>

#define OLD_RUN "r-20261120-owl-1"

static const char yaml[] = "cluster: kite\n"
			   "defaults: {user: core, agent: true, known-hosts: /dev/null}\n"
			   "hosts:\n"
			   "- {name: m0, address: 10.0.0.1, role: control-plane}\n"
			   "- {name: m1, address: 10.0.0.2, role: control-plane, recovery: true}\n"
			   "- {name: m2, address: 10.0.0.3, role: control-plane}\n"
			   "- {name: w1, address: 10.0.0.4, role: worker}\n"
			   "- {name: w2, address: 10.0.0.5, role: worker}\n";

static char *stated[] = {"m0=in flames", "m2=it's off", NULL};

typedef struct {
	RdInventory *inventory;
	RdClusterFacts *facts;
	RdAdviseOptions options;
	RdAdviseLine line;
	GPtrArray *choices; /* every row, whatever it says here */
} Fixture;

static char **
list(const char *text)
{
	return g_strsplit(text, ",", -1);
}

/* two hosts are off, two workers behind, and an earlier run's data is on the one that answers */
static void
setup(Fixture *f, gconstpointer data)
{
	const RdSituation anything = {.masters = 3};
	g_autoptr(GError) error = NULL;

	f->inventory = rd_inventory_parse("kite.yaml", yaml, strlen(yaml), NULL, &error);
	g_assert_no_error(error);
	f->facts = rd_cluster_facts_new(f->inventory, 0);
	rd_cluster_facts_find(f->facts, "m0")->excused = "in flames";
	rd_cluster_facts_find(f->facts, "m2")->excused = "it's off";
	rd_cluster_facts_find(f->facts, "m1")->asked = TRUE;
	rd_cluster_facts_find(f->facts, "m1")->old_runs = list(OLD_RUN);
	rd_cluster_facts_find(f->facts, "m1")->old_data = list(OLD_RUN);
	f->facts->api.stale = list("m0,w1,w2,m2");
	f->options = (RdAdviseOptions){.inventory = "night shift/kite.yaml",
				       .backup = "/back ups/2026-11-20",
				       .recovery_host = "m1",
				       .excuses = stated};
	f->line = (RdAdviseLine){&f->options, f->facts};
	f->choices = rd_choose(&anything);
}

static void
teardown(Fixture *f, gconstpointer data)
{
	g_ptr_array_unref(f->choices);
	rd_cluster_facts_free(f->facts);
	rd_inventory_free(f->inventory);
}

static const RdChoiceRow *
row(Fixture *f, const char *name)
{
	for (guint i = 0; i < f->choices->len; i++) {
		const RdChoiceRow *one = ((const RdChoice *)f->choices->pdata[i])->row;

		if (g_str_equal(one->name, name))
			return one;
	}
	g_error("there is no row %s", name);
}

/* ---- pasted -------------------------------------------------------------------------------- */

/* as a shell and then `start` read it; the procedure's name (transfer full) */
static char *
paste(const char *line)
{
	static const GOptionEntry entries[] = {RD_BEGINNING_ENTRIES, {NULL}};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) argv = NULL;

	rd_beginning_words = (RdBeginningWords){0};
	g_shell_parse_argv(line, NULL, &argv, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(argv[0], ==, "recoveryd");
	g_assert_cmpstr(argv[1], ==, "start");
	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse_strv(context, &argv, &error))
		g_error("%s: %s", line, error->message);
	g_assert_cmpuint(g_strv_length(argv), ==, 3);
	return g_strdup(argv[2]);
}

static void
words_clear(void)
{
	g_free(rd_beginning_words.inventory);
	g_free(rd_beginning_words.recovery_host);
	g_strfreev(rd_beginning_words.inputs);
	g_strfreev(rd_beginning_words.excuses);
	rd_beginning_words = (RdBeginningWords){0};
}

/* what rd_begin() makes of an input before it is checked: a backup becomes its files */
static void
take_backup(const RdProcedure *procedure, GHashTable *inputs)
{
	for (guint i = 0; i < procedure->inputs->len; i++) {
		const RdProcedureInput *input = procedure->inputs->pdata[i];
		const char *given = g_hash_table_lookup(inputs, input->name);

		if (input->type != RD_INPUT_BACKUP || given == NULL)
			continue;
		g_assert_cmpstr(given, ==, "/back ups/2026-11-20");
		g_hash_table_remove(inputs, input->name);
		for (guint j = 0; rd_pair_fields[j] != NULL; j++)
			g_hash_table_insert(
			    inputs, g_strdup_printf("%s.%s", input->name, rd_pair_fields[j]),
			    g_strdup("/b/x"));
	}
}

static void
assert_starts(Fixture *f, const RdTypes *types, const char *name, const char *line)
{
	g_autofree char *file = NULL, *path = NULL;
	g_autofree char *pasted = paste(line);
	g_autoptr(RdProcedure) procedure = NULL;
	g_autoptr(RdPlan) plan = NULL;
	g_autoptr(GHashTable) inputs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GError) error = NULL;

	g_test_message("%s", line);
	g_assert_cmpstr(pasted, ==, name);
	g_assert_cmpstr(rd_beginning_words.inventory, ==, f->options.inventory);
	g_assert_cmpstr(rd_beginning_words.recovery_host, ==, "m1");
	/* or it is held at the dead hosts before it begins, and nobody counts as lost */
	g_assert_nonnull(rd_beginning_words.excuses);
	g_assert_true(g_strv_equal((const char *const *)rd_beginning_words.excuses,
				   (const char *const *)stated));
	file = g_strconcat(name, ".yaml", NULL);
	path = g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", file, NULL);
	procedure = rd_procedure_load(path, types, &error);
	g_assert_no_error(error);
	g_assert_true(rd_prepare_pairs(rd_beginning_words.inputs, "input", inputs, &error));
	take_backup(procedure, inputs);
	plan = rd_procedure_expand(procedure, f->inventory, inputs, &error);
	if (plan == NULL)
		g_error("%s\nwould be refused: %s", line, error->message);
	words_clear();
}

static void
test_pasted(Fixture *f, gconstpointer data)
{
	g_autoptr(RdTypes) types = shipped_types();
	guint ours = 0;

	for (guint i = 0; i < f->choices->len; i++) {
		const RdChoiceRow *one = ((const RdChoice *)f->choices->pdata[i])->row;
		g_autofree char *how = NULL;
		g_autofree char *line = rd_advise_line_start(&f->line, one, &how);

		g_assert_null(how);
		g_assert_true((line != NULL) == (one->start != NULL));
		if (line == NULL)
			continue;
		assert_starts(f, types, one->name, line);
		ours++;
	}
	g_assert_cmpuint(ours, >=, 7);
}

/* what was found, and nothing else */
static void
test_found(Fixture *f, gconstpointer data)
{
	g_autofree char *how = NULL;
	g_autofree char *nodes = rd_advise_line_start(&f->line, row(f, "finish-nodes"), &how);
	g_autofree char *back = rd_advise_line_start(&f->line, row(f, "return-to-old-data"), &how);

	g_assert_nonnull(strstr(nodes, " -i nodes=w1,w2 "));
	g_assert_nonnull(strstr(back, " -i run=" OLD_RUN " "));
}

/* ---- what is not known --------------------------------------------------------------------- */

static void
assert_how(Fixture *f, const char *name, const char *words)
{
	g_autofree char *how = NULL;
	g_autofree char *line = rd_advise_line_start(&f->line, row(f, name), &how);

	g_assert_null(line);
	g_assert_nonnull(how);
	if (strstr(how, words) == NULL || strpbrk(how, "${}<>") != NULL)
		g_error("'%s' is not in: %s", words, how);
}

static void
test_not_known(Fixture *f, gconstpointer data)
{
	RdHostFacts *m1 = rd_cluster_facts_find(f->facts, "m1");

	g_strfreev(f->facts->api.stale);
	f->facts->api.stale = list("w7,w8");
	assert_how(f, "finish-nodes", "(w7,w8) are not among the hosts of");
	g_strfreev(f->facts->api.stale);
	f->facts->api.stale = list("m0,m2");
	assert_how(f, "finish-nodes", "stated to be off");
	g_strfreev(m1->old_data);
	g_strfreev(m1->old_runs);
	m1->old_data = list(OLD_RUN ",r-20261121-elk-1");
	m1->old_runs = list(OLD_RUN ",r-20261121-elk-1");
	assert_how(f, "return-to-old-data", OLD_RUN ", r-20261121-elk-1");
	/* a second host that was asked has only one of them */
	rd_cluster_facts_find(f->facts, "m2")->asked = TRUE;
	rd_cluster_facts_find(f->facts, "m2")->old_runs = list("r-1");
	rd_cluster_facts_find(f->facts, "m2")->old_data = list("r-1");
	assert_how(f, "return-to-old-data", "no run moved data aside");
	f->options.backup = NULL;
	assert_how(f, "restore-cluster-state", "-b");
}

/* ---- asked again --------------------------------------------------------------------------- */

static void
assert_again(Fixture *f, const RdChoice *choice, const char *wanted)
{
	g_autofree char *line = rd_advise_line_again(&f->line, choice);

	g_assert_cmpstr(line, ==, wanted);
}

static void
test_again(Fixture *f, gconstpointer data)
{
	RdChoice lacks = {.lacks = RD_LACK_BACKUP};

	f->options = (RdAdviseOptions){.inventory = "kite.yaml"};
	assert_again(f, NULL, "recoveryd advise -c kite.yaml");
	assert_again(f, &lacks, "recoveryd advise -c kite.yaml -b DIR");
	/* one that was named and is no good is not named again */
	f->options.backup = "/b";
	assert_again(f, &lacks, "recoveryd advise -c kite.yaml -b DIR");
	lacks.lacks = RD_LACK_RECOVERY;
	assert_again(f, &lacks, "recoveryd advise -c kite.yaml -b /b --recovery-host m1");
	rd_cluster_facts_find(f->facts, "m0")->excused = NULL;
	lacks.lacks = RD_LACK_STATEMENT;
	f->options.go_back = TRUE;
	assert_again(f, &lacks,
		     "recoveryd advise -c kite.yaml -b /b --go-back --excuse m0=\"...\"");
	f->options = (RdAdviseOptions){.inventory = "kite.yaml", .excuses = stated};
	lacks.lacks = RD_LACK_NO_BACKUP;
	assert_again(f, &lacks,
		     "recoveryd advise -c kite.yaml --no-backup --excuse 'm0=in flames' "
		     "--excuse 'm2=it'\\''s off'");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"/advise-line/pasted", test_pasted},
	    {"/advise-line/found", test_found},
	    {"/advise-line/not-known", test_not_known},
	    {"/advise-line/again", test_again},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, setup, tests[i].func, teardown);
	return g_test_run();
}
