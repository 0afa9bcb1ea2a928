/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is printed, and how: text that drives no terminal, lines that fit, times, exit codes. */

#include <gio/gio.h>
#include <string.h>

#include "cli/event-text.h"
#include "cli/exit.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/screen.h"
#include "journal/journal.h"
#include "preflight/inspect.h"
#include "yaml/complaints.h"

static void
test_clean(void)
{
	static const struct {
		const char *dirty, *clean;
	} cases[] = {
	    {"plain", "plain"},
	    {"two\nlines\r\n", "two lines"},
	    {"\033[2Jgone", "?[2Jgone"},
	    {"tab\tand   spaces", "tab and spaces"},
	    {"c1 \xc2\x9b"
	     "2J",
	     "c1 ?2J"},
	    {"\xe2\x80\xae"
	     "desrever",
	     "?desrever"},
	    {"bad \xff utf-8", "bad \xef\xbf\xbd utf-8"},
	    {"inks \001\016\017 too", "inks ??? too"},
	    {"", ""},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *clean = rd_screen_clean(cases[i].dirty);

		g_assert_cmpstr(clean, ==, cases[i].clean);
	}
}

static void
test_page(void)
{
	RdScreen screen = {.utf8 = TRUE, .width = 20};
	g_autoptr(GString) page = g_string_new(NULL);

	rd_page_add(page, &screen, 2, 4, "one two three four five");
	g_assert_cmpstr(page->str, ==, "  one two three four\n    five\n");
	/* longer than a line */
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 2, "0123456789012345678901234");
	g_assert_cmpstr(page->str, ==, "01234567890123456789\n  01234\n");
	/* columns, not bytes, and double width */
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, "ääääääääää ääääääääää 漢字漢字漢字漢字漢字");
	g_assert_cmpstr(page->str, ==, "ääääääääää\nääääääääää\n漢字漢字漢字漢字漢字\n");
	/* a command stays in one piece where a line can hold it, else it breaks at its spaces */
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, "you can: do" RD_SPACE "this" RD_SPACE "now");
	g_assert_cmpstr(page->str, ==, "you can: do this now\n");
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, "you all can: do" RD_SPACE "this" RD_SPACE "now");
	g_assert_cmpstr(page->str, ==, "you all can:\ndo this now\n");
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, "do" RD_SPACE "this" RD_SPACE "now,at" RD_SPACE "once");
	g_assert_cmpstr(page->str, ==, "do this now,at once\n");
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, "do" RD_SPACE "this" RD_SPACE "now,at" RD_SPACE "oncely");
	g_assert_cmpstr(page->str, ==, "do this now,at\noncely\n");
	/* without a limit nothing is broken; without UTF-8 it is ASCII */
	screen.width = 0;
	screen.utf8 = FALSE;
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, RD_INK_GOOD "käse" RD_INK_END " 0123456789 0123456789 …");
	g_assert_cmpstr(page->str, ==, "kase 0123456789 0123456789 ...\n");
	screen.color = TRUE;
	g_string_truncate(page, 0);
	rd_page_add(page, &screen, 0, 0, RD_INK_GOOD "ok" RD_INK_END " then");
	g_assert_cmpstr(page->str, ==, "\033[32mok\033[0m then\n");
}

static void
test_cut(void)
{
	RdScreen screen = {.utf8 = TRUE};
	g_autofree char *fits = rd_screen_cut(&screen, "0123456789", 10);
	g_autofree char *cut = rd_screen_cut(&screen, RD_INK_BAD "0123456789" RD_INK_END, 5);
	g_autofree char *ascii = NULL;

	g_assert_cmpstr(fits, ==, "0123456789");
	g_assert_cmpstr(cut, ==, RD_INK_BAD "0123…" RD_INK_END);
	screen.utf8 = FALSE;
	ascii = rd_screen_cut(&screen, "0123456789", 5);
	g_assert_cmpstr(ascii, ==, "012..");
}

static void
test_look(void)
{
	RdScreen screen;
	g_autofree char *columns = g_strdup(g_getenv("COLUMNS"));

	/* a pipe: no colour, whole lines */
	g_unsetenv("COLUMNS");
	rd_screen_look(&screen, 0, RD_COLOR_NEVER);
	g_assert_false(screen.color);
	g_setenv("COLUMNS", "40", TRUE);
	rd_screen_look(&screen, 0, RD_COLOR_ALWAYS);
	g_assert_true(screen.color);
	g_assert_cmpuint(screen.width, ==, 40);
	g_setenv("COLUMNS", "nonsense", TRUE);
	rd_screen_look(&screen, 0, RD_COLOR_NEVER);
	g_assert_cmpuint(screen.width, !=, 40);
	if (columns != NULL)
		g_setenv("COLUMNS", columns, TRUE);
	else
		g_unsetenv("COLUMNS");
}

static void
test_durations(void)
{
	static const struct {
		gint64 seconds;
		const char *text;
	} cases[] = {{-5, "0s"},	{0, "0s"},	  {59, "59s"},
		     {60, "1m00s"},	{3599, "59m59s"}, {3600, "1h00m"},
		     {86399, "23h59m"}, {86400, "1d00h"}, {400 * 86400, "400d00h"}};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = rd_format_duration(cases[i].seconds * G_TIME_SPAN_SECOND);

		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

static void
test_times(void)
{
	const gint64 wall = G_GINT64_CONSTANT(1795160460123456); /* 2026-11-20 07:41:00 UTC */
	const gint64 day = 24 * G_TIME_SPAN_HOUR;
	g_autofree char *rfc = rd_format_rfc3339(wall);
	g_autofree char *same = rd_format_time(wall, wall + G_TIME_SPAN_HOUR);
	g_autofree char *other = rd_format_time(wall, wall + day);
	gint64 found = 0;

	g_assert_cmpstr(rfc, ==, "2026-11-20T07:41:00.123456Z");
	g_assert_cmpstr(same, ==, "07:41:00");
	g_assert_cmpstr(other, ==, "2026-11-20 07:41:00");
	g_assert_true(rd_format_parse_since("10m", wall, &found));
	g_assert_cmpint(wall - found, ==, 10 * G_TIME_SPAN_MINUTE);
	g_assert_true(rd_format_parse_since("07:30", wall, &found));
	g_assert_cmpint(found, ==, G_GINT64_CONSTANT(1795159800000000));
	g_assert_true(rd_format_parse_since("2026-11-20 07:30", wall, &found));
	g_assert_cmpint(found, ==, G_GINT64_CONSTANT(1795159800000000));
	g_assert_true(rd_format_parse_since("2026-11-20T08:30:00+01:00", wall, &found));
	g_assert_cmpint(found, ==, G_GINT64_CONSTANT(1795159800000000));
	g_assert_false(rd_format_parse_since("yesterday", wall, &found));
	g_assert_false(rd_format_parse_since("", wall, &found));
}

/* docs/exit-codes.md is what the program prints, and no code is used twice */
static void
test_exit_codes(void)
{
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "docs", "exit-codes.md", NULL);
	g_autofree char *text = NULL;
	g_autoptr(GString) printed = g_string_new(NULL);
	int before = -1;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	rd_exit_print_markdown(printed);
	g_assert_cmpstr(text, ==, printed->str);
	for (const RdExitRow *row = rd_exit_rows(); row->name != NULL; row++) {
		g_assert_cmpint(row->code, >, before);
		before = row->code;
	}
}

static void
test_exit_of_error(void)
{
	static const struct {
		GQuark (*domain)(void);
		int code;
		RdExit exit;
	} cases[] = {
	    {rd_journal_error_quark, RD_JOURNAL_ERROR_UNREADABLE, RD_EXIT_JOURNAL},
	    {rd_journal_error_quark, RD_JOURNAL_ERROR_FULL, RD_EXIT_JOURNAL},
	    {rd_procedure_error_quark, RD_PROCEDURE_ERROR_INVALID, RD_EXIT_USAGE},
	    {rd_exit_error_quark, RD_EXIT_LOCKED, RD_EXIT_LOCKED},
	    {g_option_error_quark, G_OPTION_ERROR_BAD_VALUE, RD_EXIT_USAGE},
	    {g_io_error_quark, G_IO_ERROR_NO_SPACE, RD_EXIT_FAILED},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error =
		    g_error_new_literal(cases[i].domain(), cases[i].code, "x");

		g_assert_cmpint(rd_exit_of_error(error), ==, cases[i].exit);
	}
}

/* whatever the journal holds, there is a line for it */
static void
test_events(void)
{
	for (guint kind = 0; kind <= RD_EVENT_LAST; kind++) {
		g_autoptr(RdEvent) empty = rd_event_new(kind, NULL);
		g_autoptr(RdEvent) full = rd_event_new(kind, "word");
		g_autofree char *line = rd_event_describe(empty);
		g_autofree char *other = NULL;
		g_autoptr(JsonNode) node = NULL;

		rd_event_step(full, "state", "m1", 1, 2);
		rd_event_text(rd_event_number(rd_event_pair(full, "key", "value"), G_MAXINT64),
			      "text");
		other = rd_event_describe(full);
		g_assert_cmpuint(strlen(line), >, 0);
		g_assert_cmpuint(strlen(other), >, 0);
		g_assert_nonnull(rd_event_ink(full));
		node = rd_event_to_json(full);
		/* 64 bits survive */
		g_assert_cmpstr(json_object_get_string_member(json_node_get_object(node), "number"),
				==, "9223372036854775807");
	}
}

static void
test_matches(void)
{
	g_autoptr(RdEvent) event = rd_event_new(RD_EVENT_TOUCH, "run");
	g_autoptr(RdEvent) visit = rd_event_new(RD_EVENT_VISIT, NULL);
	g_autoptr(RdEvent) granted = rd_event_new(RD_EVENT_GRANTED, NULL);

	rd_event_step(event, "stop", "m1", 1, 1);
	rd_event_step(visit, "stop", NULL, 1, 0);
	rd_event_step(granted, NULL, "m1", 0, 0);
	g_assert_true(rd_event_matches(event, NULL, NULL));
	g_assert_true(rd_event_matches(event, "stop", NULL));
	g_assert_true(rd_event_matches(event, "stop@m1", NULL));
	g_assert_false(rd_event_matches(event, "stop@m10", NULL));
	g_assert_false(rd_event_matches(event, "sto", NULL));
	g_assert_false(rd_event_matches(event, "stop", "m10"));
	g_assert_true(rd_event_matches(visit, "stop@m1", NULL));
	g_assert_false(rd_event_matches(visit, NULL, "m1"));
	g_assert_true(rd_event_matches(granted, NULL, "m1"));
	g_assert_false(rd_event_matches(granted, "stop", NULL));
}

/* ---- inventory check: what is said about what was found -------------------------------------- */

static GHashTable *
good_facts(void)
{
	static const char *const facts[][2] = {
	    {"space./var/lib", "64424509440"},
	    {"space./etc", "1073741824"},
	    {"inodes./var/lib", "1000000"},
	    {"inodes./etc", "1000000"},
	    {"mount./var/lib", "rw,noexec,nodev"},
	    {"mount./etc", "rw,relatime"},
	    {"machine-id", "yes"},
	    {"systemd", "yes"},
	    {"manifests", "yes"},
	};
	static const char *const tools[] = {"flock",	 "findmnt", "sync",  "stat", "sha256sum",
					    "mktemp",	 "setsid",  "dd",    "df",   "date",
					    "systemctl", "crictl",  "podman"};
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; i < G_N_ELEMENTS(facts); i++)
		g_hash_table_insert(table, g_strdup(facts[i][0]), g_strdup(facts[i][1]));
	for (guint i = 0; i < G_N_ELEMENTS(tools); i++)
		g_hash_table_insert(table, g_strdup_printf("tool.%s", tools[i]), g_strdup("yes"));
	return table;
}

static RdLevel
worst(GPtrArray *findings, const char *check)
{
	RdLevel level = RD_LEVEL_OK;
	gboolean found = FALSE;

	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = g_ptr_array_index(findings, i);

		if (!g_str_equal(finding->check, check))
			continue;
		found = TRUE;
		level = MAX(level, finding->level);
		if (finding->level != RD_LEVEL_OK)
			g_assert_cmpuint(strlen(finding->text), >, 0);
	}
	g_assert_true(found);
	return level;
}

static void
test_judge(void)
{
	static const struct {
		const char *role, *fact, *value, *check;
		RdLevel level;
	} cases[] = {
	    {"control-plane", "systemd", "yes", "tools", RD_LEVEL_OK},
	    {"control-plane", "tool.flock", "no", "tools", RD_LEVEL_BLOCK},
	    {"control-plane", "tool.crictl", "no", "tools", RD_LEVEL_BLOCK},
	    {"worker", "tool.crictl", "no", "tools", RD_LEVEL_OK},
	    {"control-plane", "tool.systemctl", "no", "tools", RD_LEVEL_WARN},
	    {"control-plane", "space./var/lib", "64424509440", "space", RD_LEVEL_OK},
	    {"control-plane", "space./var/lib", "5368709120", "space", RD_LEVEL_WARN},
	    {"control-plane", "space./var/lib", "1048576", "space", RD_LEVEL_BLOCK},
	    {"control-plane", "space./etc", "", "space", RD_LEVEL_BLOCK},
	    {"control-plane", "inodes./etc", "3", "space", RD_LEVEL_WARN},
	    {"control-plane", "inodes./etc", "-", "space", RD_LEVEL_OK},
	    {"control-plane", "mount./var/lib", "rw,noexec", "mounts", RD_LEVEL_OK},
	    {"control-plane", "mount./var/lib", "ro,nodev", "mounts", RD_LEVEL_BLOCK},
	    /* errors=remount-ro is an option, not a state */
	    {"control-plane", "mount./etc", "rw,errors=remount-ro", "mounts", RD_LEVEL_OK},
	    {"control-plane", "machine-id", "no", "machine-id", RD_LEVEL_BLOCK},
	    {"control-plane", "systemd", "no", "systemd", RD_LEVEL_WARN},
	    {"control-plane", "manifests", "no", "manifests", RD_LEVEL_WARN},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GHashTable) facts = good_facts();
		g_autoptr(GPtrArray) findings =
		    g_ptr_array_new_with_free_func((GDestroyNotify)rd_finding_free);

		g_hash_table_replace(facts, g_strdup(cases[i].fact), g_strdup(cases[i].value));
		rd_inspect_judge(findings, "m1", cases[i].role, facts);
		g_test_message("%s=%s", cases[i].fact, cases[i].value);
		g_assert_cmpint(worst(findings, cases[i].check), ==, cases[i].level);
	}
}

static void
test_judge_survey(void)
{
	static const struct {
		double time;
		gint64 took;
		RdLevel level;
	} clocks[] = {
	    {1000.0, 20000, RD_LEVEL_OK},
	    {1000.9, 20000, RD_LEVEL_OK},
	    {1002.0, 20000, RD_LEVEL_WARN},
	    {998.0, 20000, RD_LEVEL_WARN},
	    /* an answer that took ten seconds proves nothing about two */
	    {1002.0, 10000000, RD_LEVEL_OK},
	};
	RdSurvey survey = {.number = -1};
	g_autoptr(GPtrArray) findings =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_finding_free);

	for (guint i = 0; i < G_N_ELEMENTS(clocks); i++) {
		g_ptr_array_set_size(findings, 0);
		survey.time = clocks[i].time;
		rd_inspect_judge_survey(findings, "m1", &survey, 1000000000 - clocks[i].took / 2,
					1000000000 + clocks[i].took / 2);
		g_assert_cmpint(worst(findings, "clock"), ==, clocks[i].level);
		g_assert_cmpint(worst(findings, "lock"), ==, RD_LEVEL_OK);
	}
	survey.time = 1000;
	survey.number = 7;
	survey.run = (char *)"r-20261120-owl-1";
	survey.who = (char *)"bob@bastion-b";
	survey.since = (char *)"2026-11-20T07:30:00Z";
	g_ptr_array_set_size(findings, 0);
	rd_inspect_judge_survey(findings, "m1", &survey, 1000000000, 1000000000);
	g_assert_cmpint(worst(findings, "lock"), ==, RD_LEVEL_OK);
	survey.held = TRUE;
	g_ptr_array_set_size(findings, 0);
	rd_inspect_judge_survey(findings, "m1", &survey, 1000000000, 1000000000);
	g_assert_cmpint(worst(findings, "lock"), ==, RD_LEVEL_BLOCK);
}

static void
test_judge_machines(void)
{
	g_autoptr(GHashTable) machines = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GPtrArray) findings =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_finding_free);
	const RdFinding *only;

	g_hash_table_insert(machines, (char *)"m0", (char *)"aaaa");
	g_hash_table_insert(machines, (char *)"m1", (char *)"bbbb");
	rd_inspect_judge_machines(findings, machines);
	g_assert_cmpuint(findings->len, ==, 0);
	g_hash_table_insert(machines, (char *)"m2", (char *)"aaaa");
	rd_inspect_judge_machines(findings, machines);
	g_assert_cmpuint(findings->len, ==, 1);
	only = g_ptr_array_index(findings, 0);
	g_assert_cmpstr(only->host, ==, "m2");
	g_assert_nonnull(strstr(only->text, "m0"));
}

static void
test_judge_api(void)
{
	static const struct {
		const char *api, *bash;
		gboolean forwarding;
		RdLevel level;
		const char *text;
	} cases[] = {
	    {"yes", "no", TRUE, RD_LEVEL_OK, "through a forward"},
	    {"yes", "yes", FALSE, RD_LEVEL_OK, "through a bash"},
	    {"yes", "no", FALSE, RD_LEVEL_WARN, "forwards nothing"},
	    {"no", "yes", TRUE, RD_LEVEL_WARN, "localhost-recovery.kubeconfig is missing"},
	    {NULL, NULL, TRUE, RD_LEVEL_WARN, "localhost-recovery.kubeconfig is missing"},
	};
	static const struct {
		gint64 expires;
		RdLevel level;
		const char *text;
	} certificates[] = {
	    {0, RD_LEVEL_OK, "https://api:6443/"},
	    {2000000000, RD_LEVEL_OK, "until 2033-05-18"},
	    {1000086400, RD_LEVEL_WARN, "ends 2001-09-10"},
	    {999999999, RD_LEVEL_WARN, "ended 2001-09-09"},
	};
	g_autoptr(GPtrArray) findings =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_finding_free);
	const RdFinding *only;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GHashTable) facts = g_hash_table_new(g_str_hash, g_str_equal);

		g_hash_table_insert(facts, (char *)"api", (char *)cases[i].api);
		g_hash_table_insert(facts, (char *)"tool.bash", (char *)cases[i].bash);
		rd_inspect_judge_api(findings, "m1", cases[i].forwarding, facts);
		g_assert_cmpuint(findings->len, ==, 1);
		only = g_ptr_array_index(findings, 0);
		g_assert_cmpint(only->level, ==, cases[i].level);
		g_assert_nonnull(strstr(only->text, cases[i].text));
		g_assert_true((only->remedy == NULL) == (only->level == RD_LEVEL_OK));
		g_ptr_array_set_size(findings, 0);
	}
	for (guint i = 0; i < G_N_ELEMENTS(certificates); i++) {
		RdKubeconfig config = {.file = (char *)"auth/kubeconfig",
				       .server = (char *)"https://api:6443/",
				       .expires = certificates[i].expires};

		rd_inspect_judge_kubeconfig(findings, &config, 1000000000);
		only = g_ptr_array_index(findings, 0);
		g_assert_cmpint(only->level, ==, certificates[i].level);
		g_assert_nonnull(strstr(only->text, certificates[i].text));
		g_ptr_array_set_size(findings, 0);
	}
	rd_inspect_kubeconfig(findings, "/nowhere/kubeconfig");
	only = g_ptr_array_index(findings, 0);
	g_assert_cmpint(only->level, ==, RD_LEVEL_WARN);
	g_assert_nonnull(strstr(only->text, "/nowhere/kubeconfig"));
}

/* the script as it is sent gives an answer to everything that is judged */
static void
test_script(void)
{
	const char *argv[] = {"sh", "-c", rd_inspect_script, NULL};
	g_autoptr(GHashTable) good = good_facts();
	g_autofree char *out = NULL;
	g_autofree char *err = NULL;
	GHashTableIter iter;
	gpointer key;
	int status = -1;

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
				   &err, &status, NULL));
	g_assert_cmpstr(err, ==, "");
	g_hash_table_iter_init(&iter, good);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		g_autofree char *line = g_strdup_printf("%s=", (char *)key);

		if (strstr(out, line) == NULL)
			g_error("the script does not say %s", line);
	}
}

int
main(int argc, char **argv)
{
	g_setenv("TZ", "UTC", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/screen/clean", test_clean);
	g_test_add_func("/screen/page", test_page);
	g_test_add_func("/screen/cut", test_cut);
	g_test_add_func("/screen/look", test_look);
	g_test_add_func("/format/durations", test_durations);
	g_test_add_func("/format/times", test_times);
	g_test_add_func("/exit/codes", test_exit_codes);
	g_test_add_func("/exit/errors", test_exit_of_error);
	g_test_add_func("/event/all", test_events);
	g_test_add_func("/event/matches", test_matches);
	g_test_add_func("/inspect/host", test_judge);
	g_test_add_func("/inspect/survey", test_judge_survey);
	g_test_add_func("/inspect/machines", test_judge_machines);
	g_test_add_func("/inspect/api", test_judge_api);
	g_test_add_func("/inspect/script", test_script);
	return g_test_run();
}
