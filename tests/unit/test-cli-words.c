/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program as a person meets it: words to a run, its journal, files, plugins, completion. */

#include <sqlite3.h>
#include <string.h>

#include "cli-fixture.h"
#include "cli/exit.h"

/* ---- the journal --------------------------------------------------------------------------- */

static void
test_journal(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	sqlite3 *db = NULL;

	cli_run(f, "journal verify %s", 0, &result);
	cli_assert_has(result.out, "11 events, the chain holds");
	/* somebody makes another command of it */
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "UPDATE event SET text = 'true' WHERE text LIKE 'crictl%'",
				     NULL, NULL, NULL),
			==, SQLITE_OK);
	g_assert_cmpint(sqlite3_changes(db), ==, 1);
	sqlite3_close(db);
	cli_run(f, "journal verify %s", RD_EXIT_JOURNAL, &result);
	cli_assert_has(result.err, "event 9");
	g_assert_true(g_file_set_contents(path, "not a data base at all", -1, NULL));
	cli_run(f, "status %s", RD_EXIT_JOURNAL, &result);
	cli_run(f, "journal show %s", RD_EXIT_JOURNAL, &result);
	cli_run(f, "pause %s", RD_EXIT_JOURNAL, &result);
}

/* ---- a person's word ----------------------------------------------------------------------- */

/* what makes no sense is refused here, and nothing is left for an engine to find */
static void
test_refused(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
	    {"decide %s stop@m0 done --reason because", "nothing to decide"},
	    {"decide %s stop@m1 done", "needs a reason"},
	    {"decide %s stop@m1 maybe --reason because", "done, redo or abort"},
	    {"decide %s stop@m9 done --reason because", "no step stop@m9"},
	    {"pause %s", "held, not running"},
	    {"excuse %s m9 --reason because", "no host m9"},
	    {"excuse %s m0 --reason because", "recovery host"},
	    {"excuse %s m2", "needs a reason"},
	    {"enrol %s m2", "needs a reason"},
	};
	g_auto(Result) result = {0};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		cli_run(f, cases[i].words, RD_EXIT_USAGE, &result);
		cli_assert_has(result.err, cases[i].says);
		g_assert_cmpuint(cli_count_requests(f), ==, 0);
	}
}

/* with an engine: started by the word where there is none, asked where it is at work */
static void
test_engine(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	cli_run(f, "note %s the rack is dark", 0, &result);
	cli_assert_has(result.err, "noted");
	cli_run(f, "logs %s", 0, &result);
	cli_assert_has(result.out, "the rack is dark");
	cli_run(f, "cancel %s --reason wrong-cluster", 0, &result);
	cli_assert_has(result.err, "cancelling");
	cli_run(f, "wait %s --timeout 90s", RD_EXIT_CANCELLED, &result);
	cli_run(f, "cancel %s", RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "has ended");
	cli_run(f, "status %s", 0, &result);
	cli_assert_has(result.out, "CANCELLED");
	g_assert_cmpuint(cli_count_requests(f), ==, 0);
}

/* it is said first what will be undone; then it is; again is harmless */
static void
test_rollback(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autoptr(JsonNode) root = NULL;
	JsonObject *status;

	cli_run(f, "rollback %s --plan", 0, &result);
	cli_assert_has(result.out, "stop                     m1   (static-pod/stop)");
	g_assert_cmpuint(cli_count_requests(f), ==, 0);
	cli_run(f, "rollback %s", RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "needs a reason");
	g_assert_cmpuint(cli_count_requests(f), ==, 0);
	cli_run(f, "status %s", 0, &result);
	cli_assert_has(result.out, "rollback");
	cli_run(f, "rollback %s --reason wrong-backup", 0, &result);
	cli_assert_has(result.err, "rolling back");
	/* its hosts do not answer: it waits for them, and says so */
	cli_run(f, "status %s", 0, &result);
	cli_assert_has(result.out, "ROLLING BACK");
	cli_assert_has(result.out, "0 steps undone, 1 to go: stop is next");
	cli_run(f, "status %s -o json", 0, &result);
	root = cli_parse_json(result.out);
	status = json_node_get_object(root);
	g_assert_cmpstr(json_object_get_string_member(status, "state"), ==, "rolling back");
	g_assert_true(json_object_get_boolean_member(status, "goes_back"));
	g_assert_cmpint(json_object_get_int_member(status, "to_undo"), ==, 1);
	cli_run(f, "rollback %s --reason again", 0, &result);
	cli_run(f, "cancel %s", 0, &result);
}

static void
test_rollback_ended(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	cli_run(f, "rollback %s --reason again", RD_EXIT_ROLLED_BACK, &result);
	cli_assert_has(result.err, "already");
	cli_run(f, "status %s", 0, &result);
	cli_assert_has(result.out, "ROLLED BACK");
	cli_run(f, "status %s --exit-status", RD_EXIT_ROLLED_BACK, &result);
}

/* ---- files, plugins, completion ------------------------------------------------------------- */

static void
test_procedures(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *bad = g_build_filename(f->base, "bad.yaml", NULL);
	g_autofree char *check = g_strdup_printf("procedure check %s", bad);

	cli_run(f, "procedure list", 0, &result);
	cli_assert_has(result.out, "manual-restore");
	cli_run(f, "procedure check manual-restore", 0, &result);
	cli_run(f, "procedure show manual-restore", 0, &result);
	cli_assert_has(result.out, "guard etcd/silent");
	cli_assert_has(result.out, "point-of-no-return");
	cli_run(f, "procedure graph manual-restore", 0, &result);
	cli_assert_has(result.out, "digraph");
	cli_run(f, "procedure graph manual-restore --format=mermaid", 0, &result);
	cli_assert_has(result.out, "flowchart");
	cli_run(f, "procedure check nosuch", RD_EXIT_USAGE, &result);
	g_assert_true(g_file_set_contents(bad,
					  "procedure: bad\nformat: 1\nsummary: bad\nstates:\n"
					  "- {state: a, type: no/such}\n",
					  -1, NULL));
	cli_run(f, check, RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "bad.yaml:5:");
}

static void
test_plugins(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *good = cli_build_path("plugins/kubelet.so");
	g_autofree char *check_good = g_strdup_printf("plugin check %s", good);
	g_autofree char *guardian = cli_build_path("plugins/guardian.so");
	g_autofree char *check_plain = g_strdup_printf("plugin check %s", guardian);
	g_autofree char *check_api = g_strdup_printf("plugin check --api %s", guardian);
	g_autofree char *careless = cli_build_path("tests/unit/conduct/conduct-api-blind.so");
	g_autofree char *check_careless = g_strdup_printf("plugin check --api %s", careless);
	g_autofree char *check_bad = g_strdup_printf("plugin check %s", f->file);

	cli_run(f, "plugin list", 0, &result);
	cli_assert_has(result.out, "static-pod/stop");
	cli_run(f, "plugin show etcd/restore-member", 0, &result);
	cli_assert_has(result.out, "initial-cluster");
	cli_assert_lacks(result.out, "rescue");
	cli_run(f, "plugin show etcd", 0, &result);
	cli_assert_has(result.out, "etcd/rescue-copy");
	cli_run(f, "plugin show nosuch", RD_EXIT_USAGE, &result);
	cli_run(f, check_good, 0, &result);
	/* what needs the API is tried where there is one */
	cli_run(f, check_plain, 0, &result);
	cli_assert_has(result.out, "guardian/pause: not tried: it needs the Kubernetes API: --api");
	cli_run(f, check_api, 0, &result);
	cli_assert_has(result.out, "guardian/pause: keeps its promises in ");
	cli_run(f, check_careless, RD_EXIT_FAILED, &result);
	cli_assert_has(result.out, "before enter() it is not done");
	cli_run(f, check_bad, RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "cluster.yaml");
	/* one line */
	g_assert_true(strchr(result.err, '\n') == result.err + strlen(result.err) - 1);
}

static void
test_inventory(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *check = g_strdup_printf("inventory check %s", f->file);
	g_autofree char *offline = g_strdup_printf("inventory check --offline %s", f->file);
	g_autoptr(GString) wrong = g_string_new(NULL);
	g_autofree char *text = NULL;

	cli_run(f, offline, 0, &result);
	cli_assert_has(result.out, "3 hosts, 3 of them control plane, recovery host m0");
	/* nobody listens on port 1 */
	cli_run(f, check, RD_EXIT_REFUSED, &result);
	cli_assert_has(result.out, "reachable (m0)");
	cli_assert_has(result.out, "reachable (m2)");
	cli_assert_has(result.err, "3 findings");
	g_assert_true(g_file_get_contents(f->file, &text, NULL, NULL));
	g_string_assign(wrong, text);
	g_string_replace(wrong, "role: control-plane", "role: master", 1);
	g_assert_true(g_file_set_contents(f->file, wrong->str, -1, NULL));
	cli_run(f, check, RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "cluster.yaml:4:");
}

/* on hosts that do not answer; what it says of those that do is the lab's to show */
static void
test_plan(Fixture *f, gconstpointer data)
{
	g_autofree char *path = g_build_filename(f->base, "plan.json", NULL);
	g_autofree char *make = g_strdup_printf("plan two-states -c %s -o %s", f->file, path);
	g_autofree char *full = g_strdup_printf("plan two-states -c %s --full", f->file);
	g_autofree char *begin = g_strdup_printf("start %s --detach", path);
	g_autofree char *twice = g_strdup_printf("start %s -c %s", path, f->file);
	g_auto(Result) result = {0};
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) plan = NULL;
	JsonObject *object;

	cli_run(f, make, RD_EXIT_REFUSED, &result);
	cli_assert_has(result.out, "two-states for");
	cli_assert_has(result.out, "would be refused");
	cli_assert_has(result.out, "0 changes in 6 steps");
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	plan = cli_parse_json(text);
	object = json_node_get_object(plan);
	g_assert_cmpuint(strlen(json_object_get_string_member(object, "digest")), ==, 64);
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(object, "steps")), ==,
			 6);
	cli_run(f, full, RD_EXIT_REFUSED, &result);
	cli_assert_has(result.out, "m2");
	/* nothing is left of the walk, and it was no run */
	cli_run(f, "list -o name", 0, &result);
	g_assert_cmpstr(g_strstrip(result.out), ==, f->id);
	cli_run(f, twice, RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "is a plan");
	cli_run(f, "plan two-states", RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "-c FILE");
	g_assert_true(g_file_set_contents(path, "{\"format\": 1,\n \"steps\" []}", -1, NULL));
	cli_run(f, begin, RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "plan.json:2:");
}

/* how many hosts at a time, as far as anybody knows before */
static void
test_plan_width(Fixture *f, gconstpointer data)
{
	static const char text[] = "procedure: batches\nformat: 1\nsummary: s\n"
				   "inputs: {many: {type: int}}\nstates:\n"
				   "- {state: facts, type: api/facts, on: cluster}\n"
				   "- {state: some, type: proxy/facts, order: \"parallel "
				   "${input.many}\", at-most: 2}\n"
				   "- {state: others, type: proxy/facts, order: \"parallel "
				   "${input.many}\", at-most: \"${facts.nodes}\"}\n";
	g_autofree char *path = g_build_filename(f->base, "batches.yaml", NULL);
	g_autofree char *make = g_strdup_printf("plan %s -c %s -i many=7", path, f->file);
	g_autofree char *none = g_strdup_printf("plan %s -c %s -i many=0", path, f->file);
	g_autofree char *show = g_strdup_printf("procedure show %s", path);
	g_auto(Result) result = {0};

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	cli_run(f, make, RD_EXIT_REFUSED, &result);
	cli_assert_has(result.out, "some: 3 at a time, no more than 2");
	cli_assert_has(result.out, "others: 3 at a time, no more than ${facts.nodes}");
	cli_run(f, none, RD_EXIT_USAGE, &result);
	cli_assert_has(result.err, "1 or more");
	cli_run(f, show, 0, &result);
	cli_assert_has(result.out, "as many at a time as input many says, no more than 2");
}

/* nobody answers: said with everything that a person can do next, and nothing is begun */
static void
test_before(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *words;
		int code;
		const char *out, *err;
	} table[] = {
	    {"check", RD_EXIT_USAGE, NULL, "which cluster?"},
	    {"check -c FILE -o yaml", RD_EXIT_USAGE, NULL, "-o is json"},
	    {"check -c FILE --procedure nosuch", RD_EXIT_USAGE, NULL, "nosuch"},
	    {"check -c FILE --excuse m1", RD_EXIT_USAGE, NULL, "NAME=VALUE"},
	    {"check -c FILE", RD_EXIT_REFUSED, "block  reachable (m0): ", "(reachable)"},
	    {"check -c FILE", RD_EXIT_REFUSED, "again:\n  recoveryd check -c", NULL},
	    {"check -c FILE -b /nonexistent", RD_EXIT_REFUSED, "block  backup: pair", NULL},
	    {"check -c FILE --excuse m1=off --excuse m2=off --excuse m0=off", 0,
	     "recoveryd advise -c", NULL},
	    {"check -c FILE --excuse m1=off --excuse m2=off --excuse m0=off --metrics /none/x",
	     RD_EXIT_FAILED, NULL, "/none/x"},
	    {"advise", RD_EXIT_USAGE, NULL, "which cluster?"},
	    {"advise -c FILE", RD_EXIT_REFUSED, "etcd     nobody could be asked", NULL},
	    {"advise -c FILE", RD_EXIT_REFUSED, "no procedure fits what was seen", NULL},
	    {"start -c FILE", RD_EXIT_USAGE, "no procedure fits", "nothing was started"},
	    {"start two-states -c FILE", RD_EXIT_REFUSED, NULL,
	     "refused, nothing was changed: 3 findings"},
	    {"start two-states -c FILE --override clocks=", RD_EXIT_USAGE, NULL, "needs a reason"},
	    {"start two-states -c FILE --override lock=x", RD_EXIT_USAGE, NULL, "--override lock"},
	    {"start two-states -c FILE --override lok=x", RD_EXIT_USAGE, NULL, "no such check"},
	};
	g_autofree char *runs = g_build_filename(f->base, "runs", NULL);
	g_autoptr(GDir) dir = NULL;
	guint n = 0;

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		g_auto(Result) result = {0};
		g_autoptr(GString) words = g_string_new(table[i].words);

		g_string_replace(words, "FILE", f->file, 0);
		cli_run(f, words->str, table[i].code, &result);
		if (table[i].out != NULL)
			cli_assert_has(result.out, table[i].out);
		if (table[i].err != NULL)
			cli_assert_has(result.err, table[i].err);
	}
	/* but the fixture's own */
	dir = g_dir_open(runs, 0, NULL);
	while (dir != NULL && g_dir_read_name(dir) != NULL)
		n++;
	g_assert_cmpuint(n, ==, 1);
}

static void
test_before_json(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *check = g_strdup_printf("check -c %s -o json", f->file);
	g_autofree char *advise = g_strdup_printf("advise -c %s -o json", f->file);
	g_autoptr(JsonNode) checked = NULL, advised = NULL;
	JsonObject *object;

	cli_run(f, check, RD_EXIT_REFUSED, &result);
	checked = cli_parse_json(result.out);
	object = json_node_get_object(checked);
	g_assert_false(json_object_get_boolean_member(object, "ok"));
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(object, "findings")),
			 >=, 3);
	cli_run(f, advise, RD_EXIT_REFUSED, &result);
	advised = cli_parse_json(result.out);
	object = json_node_get_object(advised);
	g_assert_true(json_object_get_null_member(object, "best"));
	object = json_object_get_object_member(object, "situation");
	g_assert_cmpint(json_object_get_int_member(object, "controlPlane"), ==, 3);
}

static void
complete(Fixture *f, const char *line, Result *result)
{
	g_autofree char *program = cli_build_path("src/recoveryd");
	g_autoptr(GString) words = g_string_new(line);
	const char *argv[] = {program, "complete", "--", NULL, NULL};

	g_string_replace(words, "%s", f->id, 0);
	argv[3] = words->str;
	cli_spawn(f, (char **)argv, result);
	g_assert_cmpint(result->code, ==, 0);
}

static void
test_completion(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *line, *offers, *not ;
	} cases[] = {
	    {"recoveryd st", "status\n", "logs"},
	    {"recoveryd procedure ", "graph\n", "status"},
	    {"recoveryd status --br", "--brief\n", "--watch"},
	    {"recoveryd status -o ", "yaml\n", "-w"},
	    {"recoveryd status --output=y", "--output=yaml\n", "json"},
	    {"recoveryd --color ", "never\n", "status"},
	    {"recoveryd decide %s ", "stop@m1\n", "stop@m0"},
	    {"recoveryd decide --reason x %s stop@", "stop@m1\n", "start"},
	    {"recoveryd decide %s stop@m1 ", "redo\n", "stop"},
	    {"recoveryd logs %s --step ", "start@m2\n", "--"},
	    {"recoveryd logs --host ", "m2\n", "--"},
	    {"recoveryd excuse %s ", "m1\n", "--"},
	    {"recoveryd procedure show ", "two-states\n", "yaml"},
	    {"recoveryd start --override c", "clocks=\n", "room"},
	    {"recoveryd --plain pro", "procedure\n", "status"},
	};
	g_auto(Result) result = {0};
	g_autofree char *path = cli_source_path("data/completions/recoveryd");
	g_autofree char *stored = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		complete(f, cases[i].line, &result);
		g_test_message("%s", cases[i].line);
		cli_assert_has(result.out, cases[i].offers);
		cli_assert_lacks(result.out, cases[i].not );
	}
	complete(f, "recoveryd status ", &result);
	cli_assert_has(result.out, f->id);
	g_assert_true(g_file_get_contents(path, &stored, NULL, NULL));
	cli_run(f, "completion bash", 0, &result);
	g_assert_cmpstr(result.out, ==, stored);
}

/* bash itself, because it splits words at "@" */
static void
test_bash(Fixture *f, gconstpointer data)
{
	g_autofree char *script = cli_source_path("data/completions/recoveryd");
	g_autofree char *program = cli_build_path("src/recoveryd");
	g_autofree char *line = g_strdup_printf("recoveryd decide %s stop@", f->id);
	g_autofree char *text = g_strdup_printf(
	    ". %s; COMP_LINE='%s'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(%s); _recoveryd; "
	    "printf '<%%s>' \"${COMPREPLY[@]}\"",
	    script, line, program);
	const char *argv[] = {"/bin/bash", "-c", text, NULL};
	g_auto(Result) result = {0};

	cli_spawn(f, (char **)argv, &result);
	g_assert_cmpstr(result.err, ==, "");
	g_assert_cmpstr(result.out, ==, "<m1>");
}

static void
test_man(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_auto(GStrv) lines = NULL;

	cli_run(f, "man", 0, &result);
	cli_assert_has(result.out, ".SH EXIT STATUS");
	cli_assert_has(result.out, "recoveryd decide");
	cli_assert_lacks(result.out, "the runner process");
	/* no line begins with a dot or quote that is no request */
	lines = g_strsplit(result.out, "\n", 0);
	for (guint i = 0; lines[i] != NULL; i++)
		if (*lines[i] == '.' || *lines[i] == '\'')
			g_assert_true(
			    g_regex_match_simple("^\\.(TH|SH|SS|PP|TP)( |$)", lines[i], 0, 0));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *f, gconstpointer data);
		void (*more)(GPtrArray *events); /* after what make_events() made */
	} tests[] = {
	    {"journal", test_journal, cli_hold},
	    {"refused", test_refused, cli_hold},
	    {"engine", test_engine, cli_hold},
	    {"rollback", test_rollback, cli_hold},
	    {"rollback/ended", test_rollback_ended, cli_roll_back},
	    {"procedures", test_procedures, cli_hold},
	    {"plugins", test_plugins, cli_hold},
	    {"inventory", test_inventory, cli_hold},
	    {"plan", test_plan, cli_hold},
	    {"plan-width", test_plan_width, cli_hold},
	    {"before", test_before, cli_hold},
	    {"before-json", test_before_json, cli_hold},
	    {"completion", test_completion, cli_hold},
	    {"bash", test_bash, cli_hold},
	    {"man", test_man, cli_hold},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/cli-words/%s", tests[i].name);

		g_test_add(path, Fixture, tests[i].more, cli_setup, tests[i].func, cli_teardown);
	}
	return g_test_run();
}
