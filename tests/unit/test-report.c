/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `report`: the evidence of runs made by hand, read by the built program. */

#include <gio/gio.h>
#include <sqlite3.h>
#include <string.h>

#include "report-fixture.h"

#define SECRET "hunter2-canary-0815"
/* would end a table, a code block, a tag; would turn the line round; would hide */
#define HOSTILE                                                                                    \
	"a|b ``` <script>alert(1)</script> [x](javascript:y) \033[2J \u202e \n# heading "          \
	"http://x.y"

static RdEvent *
step(const char *target, const char *word, const char *text)
{
	return touch("stop", target, RD_EVENT_STEP, word, 0, text);
}

/* ---- runs ---------------------------------------------------------------------------------- */

/* an engine dies while stop@m1 is at work; the next one finds that it is done */
static void
interrupted(GPtrArray *events)
{
	RdEvent *event = rd_event_pair(rd_event_new(RD_EVENT_ENGINE, "started"), "bastion-b", "x");

	g_ptr_array_add(events, rd_event_number(event, 815));
	g_ptr_array_add(events, step("m1", "lost", "the engine died"));
	g_ptr_array_add(events, step("m1", "settled", NULL));
	g_ptr_array_add(events, rd_event_pair(touch("stop", "m1", RD_EVENT_OUTPUT, NULL, 0, NULL),
					      "note", "it was stopped long ago"));
	g_ptr_array_add(events, step("m1", "present", NULL));
	event = rd_event_new(RD_EVENT_REMARK, NULL);
	rd_event_pair(event, "alice", NULL);
	g_ptr_array_add(events, rd_event_text(event, "the bastion was moved to another rack"));
}

static void
hostile(GPtrArray *events)
{
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCH, "run", 2, HOSTILE));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_OUTPUT, NULL, 0, NULL));
	rd_event_pair(g_ptr_array_index(events, events->len - 1), HOSTILE, HOSTILE);
	g_ptr_array_add(events, step("m1", "deadline", HOSTILE));
	g_ptr_array_add(events, rd_event_new(RD_EVENT_RUN, "held"));
	g_ptr_array_add(events, rd_event_text(rd_event_new(RD_EVENT_REMARK, NULL), HOSTILE));
}

static void
secrets(GPtrArray *events)
{
	g_ptr_array_add(events,
			touch("stop", "m1", RD_EVENT_TOUCH, "run", 2, "tool --password " SECRET));
	g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCHED, "refused", 2,
				      "Authorization: Bearer " SECRET));
	g_ptr_array_add(events, step("m1", "deadline", "password=" SECRET));
}

static void
many(GPtrArray *events)
{
	for (guint i = 2; events->len < 10000; i++) {
		g_autofree char *text = g_strdup_printf("crictl stop -t 30 %08x", i);

		g_ptr_array_add(events, touch("stop", "m1", RD_EVENT_TOUCH, "run", i, text));
		g_ptr_array_add(events,
				touch("stop", "m1", RD_EVENT_TOUCHED, "done", i, "status 0"));
	}
}

/* ---- helpers ------------------------------------------------------------------------------- */

static void
edit_journal(Fixture *f, const char *sql)
{
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	sqlite3 *db = NULL;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_changes(db), >, 0);
	sqlite3_close(db);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
a_run_at_work_is_told_as_far_as_it_has_come(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *summary = json_object_get_object_member(report, "summary");
	JsonObject *row = find(report, "timeline", "step", "stop@m1");
	JsonArray *changes = json_object_get_array_member(row, "changes");
	JsonObject *change = json_array_get_object_element(changes, 0);
	JsonObject *integrity = json_object_get_object_member(report, "integrity");

	g_assert_cmpstr(json_object_get_string_member(report, "run"), ==, f->id);
	g_assert_cmpstr(json_object_get_string_member(summary, "state"), ==, "running");
	g_assert_cmpstr(json_object_get_string_member(summary, "created_by"), ==,
			"alice@bastion-a");
	g_assert_cmpstr(json_object_get_string_member(row, "result"), ==, "not at its end");
	g_assert_cmpuint(json_array_get_length(changes), ==, 1);
	g_assert_cmpstr(json_object_get_string_member(change, "what"), ==, TYPED);
	g_assert_true(json_object_get_null_member(change, "ended"));
	g_assert_cmpstr(
	    json_object_get_string_member(find(report, "timeline", "step", "stop@m0"), "result"),
	    ==, "already true");
	find(json_object_get_object_member(report, "inputs"), "files", "name", "procedure.yaml");
	g_assert_true(json_object_get_boolean_member(integrity, "holds"));
}

static void
markdown_and_html_are_views_of_the_json(Fixture *f, gconstpointer data)
{
	g_auto(Result) md = {0}, html = {0}, standard = {0};

	cli_run(f, "report %s -o md", 0, &md);
	cli_run(f, "report %s", 0, &standard);
	cli_run(f, "report --format html %s", 0, &html);
	g_assert_cmpstr(md.out, ==, standard.out);
	cli_assert_has(md.out, "# Recovery of kite, run ");
	cli_assert_has(md.out, "`" TYPED "`");
	cli_assert_has(html.out, "<code>" TYPED "</code>");
	cli_assert_has(html.out, "default-src 'none'");
	cli_assert_lacks(html.out, "<script");
	cli_assert_lacks(html.out, " src=");
	cli_assert_lacks(html.out, " href=");
}

static void
it_goes_into_a_file_whose_name_says_what_it_is(Fixture *f, gconstpointer data)
{
	static const char *const forms[] = {"md", "html", "json"};
	g_auto(Result) wrong = {0};

	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree char *file = g_strdup_printf("%s/out.%s", f->base, forms[i]);
		g_autofree char *words = g_strdup_printf("report %%s -o %s", file);
		g_autofree char *print = g_strdup_printf("report %%s -o %s", forms[i]);
		g_autofree char *text = NULL;
		g_auto(Result) filed = {0}, printed = {0};

		cli_run(f, words, 0, &filed);
		cli_run(f, print, 0, &printed);
		g_assert_cmpstr(filed.out, ==, "");
		g_assert_true(g_file_get_contents(file, &text, NULL, NULL));
		g_assert_cmpstr(text, ==, printed.out);
	}
	cli_run(f, "report %s -o /tmp/report.pdf", 2, &wrong);
	cli_assert_has(wrong.err, ".md, .html or .json");
	cli_run(f, "report %s --format pdf", 2, &wrong);
}

/* from a copy under another name, without a state directory that knows it */
static void
the_same_journal_gives_the_same_bytes(Fixture *f, gconstpointer data)
{
	static const char *const forms[] = {"md", "html", "json"};
	g_autofree char *copy =
	    g_strdup_printf("cp -a %s %s/elsewhere && rm -rf %s", f->path, f->base, f->path);

	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree char *words = g_strdup_printf("report %%s -o %s", forms[i]);
		g_autofree char *path = g_build_filename(f->base, "elsewhere", NULL);
		g_autofree char *other = g_strdup_printf("report %s -o %s", path, forms[i]);
		g_auto(Result) first = {0}, second = {0}, copied = {0};

		if (i == 0) {
			cli_run(f, words, 0, &first);
			cli_run(f, words, 0, &second);
			g_assert_cmpstr(first.out, ==, second.out);
			shell(copy);
			cli_run(f, other, 0, &copied);
			g_assert_cmpstr(first.out, ==, copied.out);
			g_clear_pointer(&copy, g_free);
			copy = g_strdup_printf("cp -a %s %s", path, f->path);
			shell(copy);
			continue;
		}
		cli_run(f, words, 0, &first);
		cli_run(f, other, 0, &copied);
		g_assert_cmpstr(first.out, ==, copied.out);
	}
}

static void
a_dead_engine_is_told_with_how_it_was_settled(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *engine = find(report, "disturbances", "what", "the engine died without a word");
	JsonObject *lost = find(report, "disturbances", "step", "stop@m1");

	g_assert_true(json_object_get_boolean_member(engine, "resolved"));
	g_assert_cmpstr(json_object_get_string_member(engine, "how"), ==, "resumed on bastion-b");
	g_assert_true(json_object_get_boolean_member(lost, "resolved"));
	cli_assert_has(json_object_get_string_member(lost, "how"), "It was not done again");
	/* what a state type has found in words of its own */
	g_assert_cmpstr(
	    json_object_get_string_member(find(report, "timeline", "step", "stop@m1"), "text"), ==,
	    "it was stopped long ago");
	g_assert_cmpstr(
	    json_object_get_string_member(find(report, "people", "who", "alice"), "reason"), ==,
	    "the bastion was moved to another rack");
}

static void
what_was_moved_is_told_with_where_it_is(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *a = find(report, "moved", "from", "/etc/a.yaml");
	JsonObject *b = find(report, "moved", "from", "/etc/b.yaml");
	JsonObject *c = find(report, "moved", "from", "/etc/c.yaml");

	g_assert_true(json_object_get_boolean_member(a, "back"));
	g_assert_true(json_object_get_null_member(a, "put_back"));
	g_assert_false(json_object_get_boolean_member(b, "back"));
	g_assert_true(g_str_has_suffix(json_object_get_string_member(b, "put_back"),
				       " '/etc/aside/b.yaml' '/etc/b.yaml'"));
	/* the answer was lost: nothing is made up, the host's index is asked */
	g_assert_false(json_object_get_boolean_member(c, "certain"));
	g_assert_true(json_object_get_null_member(c, "to"));
	/* what the host refused did not happen */
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(report, "moved")), ==,
			 3);
	find(report, "left", "what", "/etc/aside/b.yaml, which was /etc/b.yaml");
	find(report, "disturbances", "what", "a change was sent and not answered");
}

/* ---- a damaged one ------------------------------------------------------------------------- */

static void
a_changed_event_is_named_and_the_rest_is_told(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0}, md = {0};
	g_autoptr(JsonNode) node = NULL;
	JsonObject *integrity;

	edit_journal(f, "UPDATE event SET text = 'crictl ps' WHERE seq = 10");
	cli_run(f, "report %s -o json", 10, &r);
	node = cli_parse_json(r.out);
	integrity = json_object_get_object_member(json_node_get_object(node), "integrity");
	g_assert_false(json_object_get_boolean_member(integrity, "holds"));
	g_assert_cmpint(json_object_get_int_member(integrity, "proven"), ==, 9);
	cli_assert_has(
	    json_array_get_string_element(json_object_get_array_member(integrity, "faults"), 0),
	    "event 10 does not fit the chain");
	find(json_node_get_object(node), "timeline", "step", "stop@m1");
	cli_run(f, "report %s", 10, &md);
	cli_assert_has(md.out, "What this tells is not whole");
	cli_assert_has(md.err, "event 10 does not fit");
}

static void
a_missing_event_ends_what_can_be_told(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0};
	g_autoptr(JsonNode) node = NULL;
	JsonObject *integrity;

	edit_journal(f, "DELETE FROM event WHERE seq = 7");
	cli_run(f, "report %s -o json", 10, &r);
	node = cli_parse_json(r.out);
	integrity = json_object_get_object_member(json_node_get_object(node), "integrity");
	g_assert_cmpint(json_object_get_int_member(integrity, "events"), ==, 6);
	g_assert_cmpint(json_object_get_int_member(integrity, "proven"), ==, 6);
	cli_assert_has(r.err, "event 7 is missing");
}

/* every column of every row made nonsense: something is told, nothing falls over */
static void
no_damage_makes_it_fall_over(Fixture *f, gconstpointer data)
{
	static const char *const edits[] = {
	    "UPDATE event SET state = NULL WHERE kind IN ('visit', 'step')",
	    "UPDATE event SET target = NULL",
	    "UPDATE event SET word = NULL",
	    "UPDATE event SET word = 'nonsense'",
	    "UPDATE event SET key = NULL",
	    "UPDATE event SET visit = -1",
	    "UPDATE event SET attempt = 4294967297",
	    "UPDATE event SET wall = -9223372036854775808 WHERE seq % 2 = 0",
	    "UPDATE event SET wall = 9223372036854775807 WHERE seq % 2 = 1",
	    "UPDATE event SET number = -1",
	    "UPDATE event SET text = CAST(x'ff3c00' AS TEXT)",
	    "UPDATE event SET kind = 'nonsense' WHERE seq = 1",
	};
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	g_autofree char *text = NULL;
	gsize size;

	g_assert_true(g_file_get_contents(path, &text, &size, NULL));
	for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
		g_auto(Result) json = {0}, html = {0};
		g_autoptr(JsonNode) node = NULL;
		g_autofree char *parts = g_strdup_printf("rm -f %s-wal %s-shm", path, path);

		shell(parts);
		g_assert_true(g_file_set_contents(path, text, size, NULL));
		edit_journal(f, edits[i]);
		cli_run(f, "report %s -o json", 10, &json);
		node = cli_parse_json(json.out);
		cli_run(f, "report %s -o html", 10, &html);
		cli_assert_has(html.out, "</html>");
	}
}

static void
without_the_plan_what_was_done_is_told(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0};
	g_autoptr(JsonNode) node = NULL;
	g_autofree char *command =
	    g_strdup_printf("rm %s/types.json %s/setting.json", f->path, f->path);

	shell(command);
	cli_run(f, "report %s -o json", 10, &r);
	node = cli_parse_json(r.out);
	find(json_node_get_object(node), "timeline", "step", "stop@m1");
	g_assert_true(json_object_get_null_member(json_node_get_object(node), "next"));
	cli_assert_has(r.err, "what the run was to do cannot be read");
}

static void
a_directory_without_a_journal_is_no_run(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0};
	g_autofree char *words = g_strdup_printf("report %s/", f->base);

	cli_run(f, words, 3, &r);
	cli_assert_has(r.err, "there is no journal.db in it");
	cli_run(f, "report nobody", 3, &r);
}

/* ---- what must not be in it ---------------------------------------------------------------- */

static void
hostile_text_stays_text(Fixture *f, gconstpointer data)
{
	g_auto(Result) md = {0}, html = {0};
	g_auto(GStrv) lines = NULL;
	guint columns = 0;

	cli_run(f, "report %s -o html", 0, &html);
	cli_assert_lacks(html.out, "<script");
	cli_assert_lacks(html.out, "<a ");
	cli_assert_lacks(html.out, "\033");
	cli_assert_lacks(html.out, "\u202e");
	cli_assert_has(html.out, "&lt;script&gt;alert(1)&lt;/script&gt;");
	cli_assert_has(html.out, "\\x1b[2J \\u{202e}");
	cli_run(f, "report %s -o md", 0, &md);
	cli_assert_lacks(md.out, "\033");
	cli_assert_lacks(md.out, "\u202e");
	cli_assert_lacks(md.out, "\n# heading");
	/* outside of code nothing opens a tag or a link */
	lines = g_strsplit(md.out, "\n", 0);
	for (guint i = 0; lines[i] != NULL; i++) {
		const char *line = lines[i];
		g_autoptr(GRegex) code =
		    g_regex_new("(?<!`)(`+)(?!`).*?(?<!`)\\1(?!`)", 0, 0, NULL);
		g_autofree char *bare = g_regex_replace_literal(code, line, -1, 0, "", 0, NULL);
		g_autoptr(GRegex) pipes = g_regex_new("(?<!\\\\)\\|", 0, 0, NULL);
		g_auto(GStrv) cells = g_regex_split(pipes, line, 0);

		if (line[0] != '|') {
			columns = 0;
			continue;
		}
		cli_assert_lacks(bare, "<script");
		g_assert_false(g_regex_match_simple("(?<!\\\\)\\]\\(", bare, 0, 0));
		cli_assert_lacks(bare, "://");
		/* a row has as many cells as its table */
		if (columns == 0)
			columns = g_strv_length(cells);
		g_assert_cmpuint(g_strv_length(cells), ==, columns);
	}
}

static void
nothing_secret_is_in_it(Fixture *f, gconstpointer data)
{
	static const char *const forms[] = {"md", "html", "json"};
	g_autofree char *path = g_build_filename(f->path, "setting.json", NULL);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;
	g_autofree char *edited = NULL;

	/* what the journal's redaction never saw: the setting, and a journal by another program */
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	node = cli_parse_json(text);
	json_object_set_string_member(json_node_get_object(node), "notify",
				      "curl -H 'X-Key: " SECRET "' https://x");
	edited = json_to_string(node, TRUE);
	g_assert_true(g_file_set_contents(path, edited, -1, NULL));
	edit_journal(f, "UPDATE event SET text = 'tool --password " SECRET "' WHERE text LIKE "
			"'%redacted%'");
	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree char *words = g_strdup_printf("report %%s -o %s", forms[i]);
		g_auto(Result) r = {0};

		cli_run(f, words, 10, &r);
		cli_assert_lacks(r.out, SECRET);
		cli_assert_lacks(r.err, SECRET);
		cli_assert_has(r.out, "redacted");
	}
}

/* ---- checking it --------------------------------------------------------------------------- */

static void
the_chain_can_be_checked_without_this_program(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *integrity = json_object_get_object_member(report, "integrity");
	JsonArray *ways = json_object_get_array_member(integrity, "verify");
	const char *python =
	    json_object_get_string_member(json_array_get_object_element(ways, 1), "command");
	g_autofree char *dir = g_path_get_dirname(f->path);
	g_autofree char *command = g_strdup_printf("cd %s; %s\n) > %s/links", dir, python, f->base);
	g_autofree char *whole = g_strdup_printf("(%s", command);
	g_autofree char *links = g_build_filename(f->base, "links", NULL);
	g_autofree char *text = NULL;
	const char *recoveryd =
	    json_object_get_string_member(json_array_get_object_element(ways, 0), "command");
	g_auto(Result) r = {0};

	shell(whole);
	g_assert_true(g_file_get_contents(links, &text, NULL, NULL));
	g_strchomp(text);
	g_assert_cmpstr(strrchr(text, ' ') + 1, ==,
			json_object_get_string_member(integrity, "head"));
	/* and with it: "recoveryd journal verify ./RUN", there where the copy is */
	g_assert_true(g_str_has_prefix(recoveryd, "recoveryd journal verify ./"));
	g_free(command);
	command = g_strdup_printf("journal verify %s/%s", dir,
				  recoveryd + strlen("recoveryd journal verify ./"));
	cli_run(f, command, 0, &r);
	cli_assert_has(r.out, json_object_get_string_member(integrity, "head"));
	/* an event that was changed is found by it */
	edit_journal(f, "UPDATE event SET text = 'crictl ps' WHERE seq = 10");
	g_free(whole);
	whole = g_strdup_printf("exec >/dev/null 2>&1; cd %s; ! %s", dir, python);
	shell(whole);
}

static void
ten_thousand_events_are_told_in_seconds(Fixture *f, gconstpointer data)
{
	static const char *const forms[] = {"md", "html", "json"};

	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		g_autofree char *words = g_strdup_printf("report %%s -o %s", forms[i]);
		gint64 began = g_get_monotonic_time();
		g_auto(Result) r = {0};

		cli_run(f, words, 0, &r);
		g_test_message("%s: %.1f s, %" G_GSIZE_FORMAT " bytes", forms[i],
			       (double)(g_get_monotonic_time() - began) / G_USEC_PER_SEC,
			       strlen(r.out));
		/* a square of it would be minutes, with sanitizers and on a busy machine */
		g_assert_cmpint(g_get_monotonic_time() - began, <, 60 * G_USEC_PER_SEC);
	}
}

static void
lost(GPtrArray *events)
{
	RdEvent *event = rd_event_new(RD_EVENT_REMARK, RD_REMARK_LOSS);

	rd_event_pair(
	    event, "recoveryd",
	    "{\"revision\": \"900\", \"written\": \"2026-11-20T03:00:00.000000Z\", "
	    "\"rescue_host\": \"m0\", \"rescue_revision\": \"950\", "
	    "\"rescue_written\": \"2026-11-20T04:30:00.000000Z\", \"window_s\": 5400, "
	    "\"lost\": 7, \"changed\": 2, \"returns\": 1, \"kinds\": [{\"kind\": \"pods\", "
	    "\"lost\": 7, \"changed\": 2, \"returns\": 1}]}");
	g_ptr_array_add(events, rd_event_text(event, "seven objects are lost"));
}

static void
lost_for_good(GPtrArray *events)
{
	lost(events);
	g_ptr_array_add(events, rd_event_new(RD_EVENT_MARK, "point-of-no-return"));
}

static void
the_window_of_lost_data_is_told(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	JsonObject *loss = json_object_get_object_member(report, "loss");
	JsonArray *people = json_object_get_array_member(report, "people");
	gboolean final = data == lost_for_good;
	g_auto(Result) md = {0}, html = {0};

	g_assert_cmpint(json_object_get_int_member(loss, "lost"), ==, 7);
	g_assert_cmpint(json_object_get_int_member(loss, "window_s"), ==, 5400);
	g_assert_cmpint(json_object_get_boolean_member(loss, "final"), ==, final);
	/* nobody said that */
	for (guint i = 0; i < json_array_get_length(people); i++)
		g_assert_cmpstr(
		    json_object_get_string_member(json_array_get_object_element(people, i), "who"),
		    !=, "recoveryd");
	cli_run(f, "report %s -o md", 0, &md);
	cli_assert_has(md.out, "## Data-loss window");
	cli_assert_has(md.out, "seven objects are lost");
	cli_assert_has(md.out, "| Window | 1h30m |");
	cli_assert_has(md.out, "| `pods` | 7 | 2 | 1 |");
	cli_assert_has(md.out, final ? "Restored: " : "This would be lost");
	cli_run(f, "report %s -o html", 0, &html);
	cli_assert_has(html.out, "Data-loss window");
	cli_assert_has(html.out, "seven objects are lost");
}

static void
what_nobody_counted_is_not_made_up(Fixture *f, gconstpointer data)
{
	g_autoptr(JsonNode) node = NULL;
	JsonObject *report = report_of(f, &node);
	g_auto(Result) md = {0};

	g_assert_true(json_object_get_null_member(report, "loss"));
	cli_run(f, "report %s -o md", 0, &md);
	cli_assert_has(md.out, "Not known: ");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*more)(GPtrArray *events);
		void (*test)(Fixture *f, gconstpointer data);
	} tests[] = {
	    {"/report/at-work", NULL, a_run_at_work_is_told_as_far_as_it_has_come},
	    {"/report/views", NULL, markdown_and_html_are_views_of_the_json},
	    {"/report/file", NULL, it_goes_into_a_file_whose_name_says_what_it_is},
	    {"/report/same-bytes", interrupted, the_same_journal_gives_the_same_bytes},
	    {"/report/dead-engine", interrupted, a_dead_engine_is_told_with_how_it_was_settled},
	    {"/report/moved", moved, what_was_moved_is_told_with_where_it_is},
	    {"/report/loss", lost, the_window_of_lost_data_is_told},
	    {"/report/loss/final", lost_for_good, the_window_of_lost_data_is_told},
	    {"/report/loss/unknown", NULL, what_nobody_counted_is_not_made_up},
	    {"/report/changed-event", cli_end, a_changed_event_is_named_and_the_rest_is_told},
	    {"/report/missing-event", NULL, a_missing_event_ends_what_can_be_told},
	    {"/report/damage", interrupted, no_damage_makes_it_fall_over},
	    {"/report/no-plan", NULL, without_the_plan_what_was_done_is_told},
	    {"/report/no-run", NULL, a_directory_without_a_journal_is_no_run},
	    {"/report/hostile", hostile, hostile_text_stays_text},
	    {"/report/secrets", secrets, nothing_secret_is_in_it},
	    {"/report/verify", interrupted, the_chain_can_be_checked_without_this_program},
	    {"/report/10000-events", many, ten_thousand_events_are_told_in_seconds},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, tests[i].more, cli_setup, tests[i].test,
			   cli_teardown);
	return g_test_run();
}
