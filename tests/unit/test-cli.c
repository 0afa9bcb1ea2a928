/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program as a person meets it: help, mistakes, and everything that reads a run. */

#include <glib/gstdio.h>
#include <string.h>

#include "cli-fixture.h"
#include "cli/exit.h"

/* ---- the frame ----------------------------------------------------------------------------- */

/* every command that completion offers explains itself */
static void
check_help(Fixture *f, const char *words, guint *count)
{
	g_autofree char *line = g_strdup_printf("recoveryd %s%s", words, *words != '\0' ? " " : "");
	g_autofree char *program = cli_build_path("src/recoveryd");
	const char *argv[] = {program, "complete", line, NULL};
	g_auto(GStrv) offered = NULL;
	g_auto(Result) result = {0};

	cli_spawn(f, (char **)argv, &result);
	g_assert_cmpint(result.code, ==, 0);
	offered = g_strsplit(g_strstrip(result.out), "\n", 0);
	for (guint i = 0; offered[i] != NULL && *offered[i] != '\0'; i++) {
		g_autofree char *command =
		    g_strdup_printf("%s%s%s", words, *words != '\0' ? " " : "", offered[i]);
		g_autofree char *help = g_strdup_printf("%s --help", command);
		g_auto(Result) page = {0};

		cli_run(f, help, 0, &page);
		g_assert_cmpstr(page.err, ==, "");
		cli_assert_has(page.out, command);
		(*count)++;
		/* a group has no page of its own but that of its commands */
		if (g_str_has_prefix(page.out, "recoveryd COMMAND") && *words == '\0')
			check_help(f, command, count);
	}
}

static void
test_help(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	guint count = 0;

	check_help(f, "", &count);
	g_assert_cmpuint(count, >=, 25);
	cli_run(f, "--help", 0, &result);
	cli_assert_has(result.out, "journal verify");
	cli_assert_lacks(result.out, "the runner process");
	cli_run(f, "help status", 0, &result);
	cli_assert_has(result.out, "--exit-status");
	cli_run(f, "--version", 0, &result);
	cli_assert_has(result.out, "recoveryd ");
	f->environment->len = 0;
	g_ptr_array_add(f->environment, g_strdup("COLUMNS=50"));
	cli_run(f, "decide --help", 0, &result);
	cli_assert_lines(result.out, 50, 0);
}

static void
test_usage(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
	    {"stauts", "did you mean status?"},
	    {"procedure chek", "did you mean procedure check?"},
	    {"procedure", "needs another word"},
	    {"status --brif", "did you mean --brief?"},
	    {"--colour=never status", "did you mean --color?"},
	    {"status --color=pink", "--color is auto, always or never"},
	    {"status -o xml", "-o is wide, json, yaml or name"},
	    {"status %s another", "too many words"},
	    {"decide %s", "something is missing"},
	    {"logs --step nosuch", "there is no step nosuch"},
	    {"logs --host m9", "there is no host m9"},
	    {"logs --since yesterday", "--since yesterday"},
	    {"wait %s --timeout soon", "--timeout soon"},
	    {"procedure graph two-states --format png", "--format is dot or mermaid"},
	    {"completion fish", "completion for bash"},
	};
	g_auto(Result) result = {0};

	cli_run(f, "", 2, &result);
	g_clear_pointer(&result.out, g_free);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		cli_run(f, cases[i].words, 2, &result);
		g_assert_cmpstr(result.out, ==, "");
		cli_assert_has(result.err, cases[i].says);
	}
}

static void
test_no_run(Fixture *f, gconstpointer data)
{
	static const char *const words[] = {
	    "status nosuch", "logs nosuch",	    "wait nosuch",   "pause nosuch",
	    "note nosuch x", "journal show nosuch", "cancel nosuch", "journal verify nosuch"};
	g_auto(Result) result = {0};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		cli_run(f, words[i], RD_EXIT_NO_RUN, &result);
		cli_assert_has(result.err, "nosuch");
	}
	cli_run(f, "--state-dir=/nonexistent/place status", RD_EXIT_NO_RUN, &result);
	cli_assert_has(result.err, "/nonexistent/place");
}

/* ---- reading ------------------------------------------------------------------------------- */

static void
test_status(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *decide = NULL;

	/* by id, and the newest without one */
	cli_run(f, "status", 0, &result);
	cli_assert_has(result.out, f->id);
	cli_assert_has(result.out, "HELD");
	decide = g_strdup_printf("recoveryd decide %s stop@m1 redo", f->id);
	cli_assert_has(result.out, decide);
	cli_assert_lacks(result.out, "\033");
	cli_run(f, "status %s --exit-status", RD_EXIT_HELD, &result);
	cli_run(f, "wait %s", RD_EXIT_HELD, &result);
	cli_run(f, "status -o name", 0, &result);
	g_assert_cmpstr(g_strstrip(result.out), ==, f->id);
	cli_run(f, "status --color=always", 0, &result);
	cli_assert_has(result.out, "\033[");
	cli_run(f, "status --brief", 0, &result);
	cli_assert_lines(result.out, 40, 8);
	g_ptr_array_add(f->environment, g_strdup("COLUMNS=40"));
	cli_run(f, "status %s", 0, &result);
	cli_assert_lines(result.out, 40, 0);
	cli_run(f, "logs %s", 0, &result);
	cli_assert_lines(result.out, 40, 0);
	cli_run(f, "list", 0, &result);
	cli_assert_lines(result.out, 40, 0);
	/* without UTF-8 it is ASCII */
	g_ptr_array_add(f->environment, g_strdup("LC_ALL=C"));
	cli_run(f, "status %s", 0, &result);
	for (const char *p = result.out; *p != '\0'; p++)
		g_assert_cmpint((guchar)*p, <, 0x80);
}

static void
test_terminal(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	cli_run_on_terminal(f, "status %s", &result);
	g_assert_cmpint(result.code, ==, 0);
	cli_assert_has(result.out, "\033[31m");
	cli_run_on_terminal(f, "status %s --color=never", &result);
	cli_assert_lacks(result.out, "\033");
	g_ptr_array_add(f->environment, g_strdup("NO_COLOR=1"));
	cli_run_on_terminal(f, "status %s", &result);
	cli_assert_lacks(result.out, "\033");
	cli_assert_has(result.out, "HELD");
	g_ptr_array_set_size(f->environment, 0);
	g_ptr_array_add(f->environment, g_strdup("TERM=dumb"));
	cli_run_on_terminal(f, "status %s", &result);
	cli_assert_lacks(result.out, "\033");
}

/* of a run that has ended, -w shows the end and ends */
static void
test_watch(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	cli_run(f, "status %s -w", 0, &result);
	/* one line */
	g_assert_true(strchr(result.out, '\n') == result.out + strlen(result.out) - 1);
	cli_assert_has(result.out, "CANCELLED");
	cli_run(f, "status %s -w -o json", 0, &result);
	json_node_unref(cli_parse_json(result.out));
	cli_run(f, "logs %s -f", 0, &result);
	cli_assert_has(result.out, TYPED);
	cli_run_on_terminal(f, "status %s -w", &result);
	cli_assert_has(result.out, "\033[H");
	cli_assert_has(result.out, "CANCELLED");
	cli_run_on_terminal(f, "status %s -w --plain", &result);
	cli_assert_lacks(result.out, "\033[H");
	cli_run(f, "wait %s", RD_EXIT_CANCELLED, &result);
}

static void
test_no_engine(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *resume = g_strdup_printf("recoveryd resume %s", f->id);
	g_autoptr(JsonNode) node = NULL;

	cli_run(f, "status", 0, &result);
	cli_assert_has(result.out, "NO ENGINE");
	cli_assert_has(result.out, resume);
	cli_run(f, "status -o json", 0, &result);
	node = cli_parse_json(result.out);
	g_assert_true(json_object_get_boolean_member(json_node_get_object(node), "engine_missing"));
	cli_run(f, "status --exit-status", RD_EXIT_NOT_YET, &result);
	cli_run(f, "wait %s --timeout 1s", RD_EXIT_NOT_YET, &result);
}

static void
test_json(Fixture *f, gconstpointer data)
{
	static const char *const whole[] = {"status -o json", "list -o json",
					    "plugin list -o json"};
	static const char *const lines[] = {"logs -o json", "journal show -o json"};
	g_auto(Result) result = {0};
	g_autofree char *inventory =
	    g_strdup_printf("inventory check %s --offline -o json", f->file);

	for (guint i = 0; i < G_N_ELEMENTS(whole); i++) {
		g_autoptr(JsonNode) node = NULL;

		cli_run(f, whole[i], 0, &result);
		node = cli_parse_json(result.out);
	}
	for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_auto(GStrv) events = NULL;

		cli_run(f, lines[i], 0, &result);
		events = g_strsplit(g_strstrip(result.out), "\n", 0);
		g_assert_cmpuint(g_strv_length(events), ==, 11);
		for (guint j = 0; events[j] != NULL; j++) {
			g_autoptr(JsonNode) node = cli_parse_json(events[j]);
			g_autofree char *seq = g_strdup_printf("%u", j + 1);

			g_assert_cmpstr(
			    json_object_get_string_member(json_node_get_object(node), "seq"), ==,
			    seq);
		}
	}
	cli_run(f, inventory, 0, &result);
	json_node_unref(cli_parse_json(result.out));
	cli_run(f, "status -o yaml", 0, &result);
	cli_assert_has(result.out, "\"state\": \"held\"");
}

static void
test_logs(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	cli_run(f, "logs", 0, &result);
	cli_assert_has(result.out, TYPED);
	cli_assert_has(result.out, "created by alice@bastion-a");
	cli_run(f, "logs --step stop@m0", 0, &result);
	cli_assert_lacks(result.out, TYPED);
	cli_assert_lacks(result.out, "alice");
	cli_assert_has(result.out, "stop@m0");
	cli_run(f, "logs --host m1", 0, &result);
	cli_assert_has(result.out, TYPED);
	cli_assert_lacks(result.out, "stop@m0");
	cli_run(f, "logs --since 2099-01-01T00:00:00Z", 0, &result);
	g_assert_cmpstr(result.out, ==, "");
	cli_run(f, "logs --since 1h", 0, &result);
	cli_assert_has(result.out, TYPED);
}

static void
test_list(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *broken = g_build_filename(f->base, "runs", "r-20200101-owl-99", NULL);

	g_assert_cmpint(g_mkdir(broken, 0700), ==, 0);
	cli_run(f, "list", 0, &result);
	cli_assert_has(result.out, f->id);
	cli_assert_has(result.out, "HELD");
	cli_assert_has(result.out, "UNREADABLE");
	cli_run(f, "list -o name", 0, &result);
	cli_assert_has(result.out, f->id);
	cli_run(f, "list -o json", 0, &result);
	cli_assert_has(result.out, "\"unreadable\"");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *f, gconstpointer data);
		void (*more)(GPtrArray *events); /* after what make_events() made */
	} tests[] = {
	    {"help", test_help, cli_hold},	   {"usage", test_usage, cli_hold},
	    {"no-run", test_no_run, cli_hold},	   {"status", test_status, cli_hold},
	    {"terminal", test_terminal, cli_hold}, {"watch", test_watch, cli_end},
	    {"no-engine", test_no_engine, NULL},   {"json", test_json, cli_hold},
	    {"logs", test_logs, cli_hold},	   {"list", test_list, cli_hold},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/cli/%s", tests[i].name);

		g_test_add(path, Fixture, tests[i].more, cli_setup, tests[i].func, cli_teardown);
	}
	return g_test_run();
}
