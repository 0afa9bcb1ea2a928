/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every end that is not success says what to type next, and what it says works: each line that
 * status prints about a run is typed into the built program, with a real engine behind it, and the
 * run moves. */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli-fixture.h"
#include "engine/plan-file.h"
#include "engine/policy.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "machine/event.h"

#define PATIENCE (60 * G_USEC_PER_SEC)

/* ---- events -------------------------------------------------------------------------------- */

static void
add(GPtrArray *events, RdEvent *event)
{
	g_ptr_array_add(events, event);
}

static void
step(GPtrArray *events, const char *target, const char *word, const char *text)
{
	RdEvent *event = rd_event_new(RD_EVENT_STEP, word);

	rd_event_step(event, "stop", target, 1, 1);
	add(events, rd_event_text(event, text));
}

static void
run_is(GPtrArray *events, const char *word, const char *end, const char *text)
{
	RdEvent *event = rd_event_pair(rd_event_new(RD_EVENT_RUN, word), NULL, end);

	add(events, rd_event_text(event, text));
}

static void
stop_is_through(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	step(events, "m2", "begin", NULL);
	step(events, "m2", "present", NULL);
}

static void
trouble(GPtrArray *events, const char *word, const char *text)
{
	RdEvent *event = rd_event_new(RD_EVENT_REFUSED, word);

	rd_event_step(event, NULL, "m2", 0, 0);
	add(events, rd_event_text(event, text));
}

/* ---- the ends ------------------------------------------------------------------------------ */

static void
unknown_outcome(GPtrArray *events)
{
	step(events, "m1", "deadline", "not done within 300 s");
	run_is(events, "held", NULL, NULL);
}

static void
untouched(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	step(events, "m2", "begin", NULL);
	step(events, "m2", "refused", "m2: there are two manifests");
	run_is(events, "held", NULL, NULL);
}

static void
silent(GPtrArray *events)
{
	step(events, "m1", "unreachable", "m1: no answer");
	step(events, "m1", "exhausted", "m1: no answer for 180 s");
	run_is(events, "held", NULL, NULL);
}

static void
fenced(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	trouble(events, "fenced", "held by r-20261120-owl-9");
	run_is(events, "held", NULL, NULL);
}

static void
busy(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	trouble(events, "busy", "a job of an older run");
	run_is(events, "held", NULL, NULL);
}

static void
unreachable(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	trouble(events, "unreachable", "m2: connection refused");
	run_is(events, "held", NULL, NULL);
}

static void
rebuilt(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	trouble(events, "rebuilt", "m2: no lock file");
	run_is(events, "held", NULL, NULL);
}

static void
gated(GPtrArray *events)
{
	RdEvent *event = rd_event_number(rd_event_new(RD_EVENT_VISIT, NULL), 1);

	stop_is_through(events);
	add(events, rd_event_step(event, "start", NULL, 1, 0));
	run_is(events, "held", NULL, NULL);
}

/* a policy was there, its condition does not hold */
static void
left_to_a_person(GPtrArray *events)
{
	RdEvent *event = rd_event_new(RD_EVENT_REMARK, RD_REMARK_POLICY);

	add(events, rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL), RD_RUN_INPUT_PLAN,
				  "3f2a1b9c04de55aa"));
	add(events, rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL), RD_POLICY_INPUT_GATE "go-on",
				  "max-objects-lost=3"));
	gated(events);
	add(events, rd_event_text(rd_event_pair(event, "recoveryd", "go-on"), "4, at most 3"));
}

/* the machine itself: a full disk under the journal */
static void
machine_trouble(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	run_is(events, "held", NULL, "the disk under the journal is full");
}

static void
owing(GPtrArray *events)
{
	stop_is_through(events);
	run_is(events, "ending", "cancelled", NULL);
	step(events, "m2", "undo", NULL);
	step(events, "m2", "refused", "m2: the manifest is gone");
	run_is(events, "ended", "owing", "stop@m2: the manifest is gone");
}

static void
paused(GPtrArray *events)
{
	step(events, "m1", "finished", NULL);
	step(events, "m1", "present", NULL);
	run_is(events, "pausing", NULL, NULL);
	run_is(events, "paused", NULL, NULL);
}

static void
cancelling(GPtrArray *events)
{
	run_is(events, "cancelling", NULL, NULL);
}

static void
failed(GPtrArray *events)
{
	unknown_outcome(events);
	step(events, "m1", "decide-abort", "it is broken");
	run_is(events, "ended", "failed", "stop@m1 was given up");
}

static void
cancelled(GPtrArray *events)
{
	stop_is_through(events);
	run_is(events, "ended", "cancelled", NULL);
}

/* on the way back one undo is refused */
static void
stuck_on_the_way_back(GPtrArray *events)
{
	stop_is_through(events);
	run_is(events, "rolling back", NULL, "the wrong backup");
	step(events, "m2", "undo", NULL);
	step(events, "m2", "refused", "m2: the manifest is gone");
	run_is(events, "held", NULL, NULL);
}

static void
rolled_back(GPtrArray *events)
{
	stop_is_through(events);
	run_is(events, "rolling back", NULL, "the wrong backup");
	run_is(events, "ended", "rolled back", NULL);
}

static void
refused(GPtrArray *events)
{
	stop_is_through(events);
	run_is(events, "ended", "refused", "m2 is held by r-20261120-owl-9");
}

static void
leftovers(GPtrArray *events)
{
	stop_is_through(events);
	run_is(events, "ended", "done with leftovers", "worker-1");
}

static const char gated_procedure[] =
    "procedure: two-states\nformat: 1\nsummary: with a gate\n"
    "inputs:\n  pod: {type: string, default: kube-scheduler, summary: which}\n"
    "states:\n"
    "- {state: stop, type: static-pod/stop, order: serial, with: {pod: \"${input.pod}\"}}\n"
    "- state: start\n  type: static-pod/start\n  order: serial\n"
    "  with: {pod: \"${input.pod}\"}\n  gate: {name: go-on, text: the pod comes back}\n";
static const char owing_procedure[] =
    "procedure: two-states\nformat: 1\nsummary: with something borrowed\n"
    "inputs:\n  pod: {type: string, default: kube-scheduler, summary: which}\n"
    "states:\n"
    "- state: stop\n  type: static-pod/stop\n  order: serial\n"
    "  with: {pod: \"${input.pod}\"}\n  borrow: until end\n"
    "- {state: start, type: static-pod/start, order: serial, with: {pod: \"${input.pod}\"}}\n";

typedef struct {
	const char *name;
	void (*more)(GPtrArray *events);
	const char *procedure; /* (nullable) instead of the shipped one */
	/* the words that have to be among those that are printed, one behind the other */
	const char *wants;
} End;

static const End ends[] = {
    {"unknown-outcome", unknown_outcome, NULL, "resume decide cancel runbook"},
    {"untouched", untouched, NULL, "resume decide cancel runbook"},
    {"silent", silent, NULL, "resume decide excuse runbook"},
    {"fenced", fenced, NULL, "resume cancel runbook"},
    {"busy", busy, NULL, "resume cancel runbook"},
    {"unreachable", unreachable, NULL, "resume excuse runbook"},
    {"rebuilt", rebuilt, NULL, "enrol excuse runbook"},
    {"machine", machine_trouble, NULL, "resume runbook"},
    {"gate", gated, gated_procedure, "approve deny runbook"},
    {"policy", left_to_a_person, gated_procedure, "approve deny runbook"},
    {"rollback-stuck", stuck_on_the_way_back, NULL, "decide cancel runbook"},
    {"rolled-back", rolled_back, NULL, "report logs"},
    {"owing", owing, owing_procedure, "resume decide runbook report"},
    {"paused", paused, NULL, "resume cancel runbook"},
    {"no-engine", NULL, NULL, "resume runbook"},
    {"no-engine-cancelling", cancelling, NULL, "resume runbook"},
    {"failed", failed, NULL, "runbook report logs"},
    {"cancelled", cancelled, NULL, "runbook report logs"},
    {"refused", refused, NULL, "runbook report logs"},
    {"leftovers", leftovers, NULL, "report logs"},
};

/* ---- typing what is printed ---------------------------------------------------------------- */

static void
setup(Fixture *f, const End *end)
{
	g_autofree char *path = NULL;

	cli_setup(f, end->more);
	path = g_build_filename(f->path, "procedure.yaml", NULL);
	if (end->procedure != NULL)
		g_assert_true(g_file_set_contents(path, end->procedure, -1, NULL));
}

/* the engine that a command left at work, by the lock that only it has */
static void
end_engine(Fixture *f)
{
	g_autofree char *path = g_build_filename(f->path, "lock", NULL);
	g_autoptr(RdLockHolder) holder = rd_lock_read_holder(path, NULL);

	if (holder != NULL && holder->pid > 0 && holder->pid != getpid() &&
	    rd_lock_holder_state(holder) != RD_HOLDER_GONE)
		kill((pid_t)holder->pid, SIGKILL);
}

static void
add_all(GPtrArray *lines, JsonArray *commands)
{
	for (guint i = 0; i < json_array_get_length(commands); i++) {
		const char *line = json_array_get_string_element(commands, i);

		if (!g_ptr_array_find_with_equal_func(lines, line, g_str_equal, NULL))
			g_ptr_array_add(lines, g_strdup(line));
	}
}

/* every line that status prints about the run as it stands */
static GPtrArray *
printed(Fixture *f)
{
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(JsonNode) node = NULL;
	g_auto(Result) r = {0};
	JsonObject *status;
	JsonArray *causes;

	cli_run(f, "status %s -o json", 0, &r);
	node = cli_parse_json(r.out);
	status = json_node_get_object(node);
	causes = json_object_get_array_member(status, "causes");
	for (guint i = 0; i < json_array_get_length(causes); i++)
		add_all(lines, json_object_get_array_member(
				   json_array_get_object_element(causes, i), "commands"));
	add_all(lines, json_object_get_array_member(status, "commands"));
	return lines;
}

static GPtrArray *
events_of(Fixture *f)
{
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	g_autoptr(RdJournal) journal = rd_journal_open_reader(path, NULL);

	g_assert_nonnull(journal);
	return rd_journal_read(journal, 0, NULL);
}

/* The word was taken and something came of it; a run that only lacked its engine has one. */
static gboolean
has_moved(Fixture *f, const char *word, guint before)
{
	g_autoptr(GPtrArray) events = events_of(f);
	gboolean asked = FALSE, started = FALSE;

	for (guint i = before; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		if (asked && (event->kind == RD_EVENT_STEP || event->kind == RD_EVENT_RUN ||
			      event->kind == RD_EVENT_HOST || event->kind == RD_EVENT_GATE))
			return TRUE;
		asked =
		    asked || (event->kind == RD_EVENT_REQUEST && g_strcmp0(event->word, word) == 0);
		started = started || (event->kind == RD_EVENT_ENGINE &&
				      g_strcmp0(event->word, "started") == 0);
	}
	return started && g_str_equal(word, "resume") && events->len > before + 1;
}

static gboolean
is_reader(char **argv)
{
	return g_str_equal(argv[1], "logs") || g_str_equal(argv[1], "report") ||
	       g_str_equal(argv[1], "runbook") ||
	       (g_str_equal(argv[1], "rollback") &&
		g_strv_contains((const char *const *)argv, "--plan"));
}

static void
type_reader(Fixture *f, char **argv)
{
	g_auto(Result) r = {0};

	cli_spawn(f, argv, &r);
	if (r.code != 0)
		g_error("%s: exit code %d\n%s%s", argv[1], r.code, r.out, r.err);
	cli_assert_has(r.out, g_str_equal(argv[1], "logs") ? "stop@m1" : f->id);
}

/* resume looks on until the run rests: it is left when the run has moved */
static void
type_word(Fixture *f, char **argv)
{
	g_autoptr(GPtrArray) events = events_of(f);
	g_auto(GStrv) env = cli_environment(f);
	gint64 until = g_get_monotonic_time() + PATIENCE;
	g_autoptr(GError) error = NULL;
	gboolean ended = FALSE;
	int status = 0;
	GPid pid;

	g_spawn_async("/", argv, env, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
		      NULL, &pid, &error);
	g_assert_no_error(error);
	while (!has_moved(f, argv[1], events->len)) {
		if (!ended && waitpid(pid, &status, WNOHANG) == pid)
			ended = TRUE;
		if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 2)
			g_error("%s %s: refused by the command line", argv[1], argv[2]);
		if (g_get_monotonic_time() > until)
			g_error("%s %s: the run has not moved", argv[1], argv[2]);
		g_usleep(50000);
	}
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
}

static void
type_line(const End *end, const char *line)
{
	g_auto(GStrv) argv = NULL;
	g_autoptr(GError) error = NULL;
	Fixture f = {0};

	setup(&f, end);
	/* another run of the same making has another name */
	g_assert_true(g_str_has_prefix(line, "recoveryd "));
	g_shell_parse_argv(line, NULL, &argv, &error);
	g_assert_no_error(error);
	g_free(argv[0]);
	argv[0] = cli_build_path("src/recoveryd");
	for (guint i = 1; argv[i] != NULL; i++) {
		if (g_str_has_prefix(argv[i], "r-20")) {
			g_free(argv[i]);
			argv[i] = g_strdup(f.id);
		}
	}
	g_test_message("%s: %s", end->name, line);
	if (is_reader(argv))
		type_reader(&f, argv);
	/* what was looked at is then done */
	if (g_str_equal(argv[1], "rollback")) {
		char *back[] = {argv[0], argv[1], f.id, "--reason", "the wrong backup", NULL};

		type_word(&f, back);
	} else if (!is_reader(argv)) {
		type_word(&f, argv);
	}
	end_engine(&f);
	cli_teardown(&f, NULL);
}

static void
what_is_printed_works(gconstpointer data)
{
	const End *end = data;
	g_auto(GStrv) wants = g_strsplit(end->wants, " ", 0);
	g_autoptr(GPtrArray) lines = NULL;
	Fixture f = {0};

	setup(&f, end);
	lines = printed(&f);
	cli_teardown(&f, NULL);
	for (guint i = 0; wants[i] != NULL; i++) {
		g_autofree char *prefix = g_strdup_printf("recoveryd %s ", wants[i]);
		gboolean found = FALSE;

		for (guint j = 0; j < lines->len; j++)
			found = found || g_str_has_prefix(lines->pdata[j], prefix);
		if (!found)
			g_error("%s: nothing begins with \"%s\"", end->name, prefix);
	}
	for (guint i = 0; i < lines->len; i++)
		type_line(end, lines->pdata[i]);
}

/* ---- what never became a run --------------------------------------------------------------- */

/* a plan, sealed, whose one step would be refused */
static void
write_plan(Fixture *f, const char *path)
{
	g_autofree char *procedure = cli_source_path("data/procedures/two-states.yaml");
	g_autofree char *text = g_strdup_printf("{\"format\": 1, \"declares\": {\"procedure\": "
						"\"%s\", \"inventory\": \"%s\", \"inputs\": "
						"{\"pod\": \"etcd\"}, \"values\": {}, \"facts\": "
						"{}}, \"steps\": [{\"state\": \"stop\", "
						"\"target\": \"m0\", \"stands\": \"refused\", "
						"\"text\": \"two manifests\", \"changes\": "
						"[]}]}",
						procedure, f->file);
	g_autoptr(JsonNode) node = cli_parse_json(text);
	g_autofree char *digest = rd_plan_file_digest(json_node_get_object(node));
	g_autofree char *sealed = NULL;

	json_object_set_string_member(json_node_get_object(node), "digest", digest);
	sealed = json_to_string(node, TRUE);
	g_assert_true(g_file_set_contents(path, sealed, -1, NULL));
}

static void
refused_starts_say_where_to_look(void)
{
	/* %d: a directory; what is printed there, and a word that it has to say */
	static const struct {
		const char *words, *next, *says;
	} cases[] = {
	    {"start manual-restore -c %d/cluster.yaml -i backup=%d/backup",
	     "recoveryd backup verify ", "backup"},
	    {"start nosuch -c %d/cluster.yaml", "recoveryd procedure list", "two-states"},
	    {"start two-states -c %d/broken.yaml", "recoveryd inventory check ", "broken.yaml"},
	    {"start two-states -c %d/cluster.yaml -i nosuch=1", "recoveryd procedure show ",
	     "stop"},
	    {"start %d/plan.json", "recoveryd plan ", "stop"},
	    {"start two-states -c %d/cluster.yaml --policy %d/broken.yaml",
	     "recoveryd procedure show ", "stop"},
	    {"start two-states -c %d/cluster.yaml --approve nosuch", "recoveryd procedure show ",
	     "stop"},
	};
	g_autofree char *backup = NULL, *broken = NULL, *plan = NULL;
	Fixture f = {0};

	cli_setup(&f, NULL);
	backup = g_build_filename(f.base, "backup", NULL);
	broken = g_build_filename(f.base, "broken.yaml", NULL);
	g_assert_cmpint(g_mkdir(backup, 0700), ==, 0);
	g_assert_true(g_file_set_contents(broken, "cluster: [\n", -1, NULL));
	plan = g_build_filename(f.base, "plan.json", NULL);
	write_plan(&f, plan);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(Result) start = {0}, next = {0};
		g_autoptr(GString) words = g_string_new(cases[i].words);
		g_autofree char *line = NULL;
		g_auto(GStrv) argv = NULL;
		const char *look;

		g_string_replace(words, "%d", f.base, 0);
		g_string_prepend(words, "recoveryd ");
		g_assert_true(g_shell_parse_argv(words->str, NULL, &argv, NULL));
		g_free(argv[0]);
		argv[0] = cli_build_path("src/recoveryd");
		cli_spawn(&f, argv, &start);
		g_assert_true(start.code == 2 || start.code == 7);
		cli_assert_has(start.err, "nothing was changed");
		look = strstr(start.err, "\nLook: ");
		if (look == NULL)
			g_error("%s: no next command: %s", cases[i].words, start.err);
		line = g_strchomp(g_strdup(look + strlen("\nLook: ")));
		g_assert_true(g_str_has_prefix(line, cases[i].next));
		g_strfreev(g_steal_pointer(&argv));
		g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
		g_free(argv[0]);
		argv[0] = cli_build_path("src/recoveryd");
		cli_spawn(&f, argv, &next);
		if (strstr(next.out, cases[i].says) == NULL &&
		    strstr(next.err, cases[i].says) == NULL)
			g_error("%s says nothing of %s: %s%s", line, cases[i].says, next.out,
				next.err);
		cli_assert_lacks(next.err, "Try: recoveryd");
	}
	cli_teardown(&f, NULL);
}

/* a journal that was changed: nothing acts on it any more, and what is printed tells what can be
 * told */
static void
a_damaged_journal_says_where_to_look(void)
{
	g_auto(Result) r = {0}, next = {0};
	g_autofree char *sql = NULL;
	Fixture f = {0};

	cli_setup(&f, unknown_outcome);
	sql = g_strdup_printf("python3 -c \"import sqlite3; b = sqlite3.connect('%s/journal.db'); "
			      "b.execute('DELETE FROM event WHERE seq = 5'); b.commit()\"",
			      f.path);
	g_assert_true(g_spawn_command_line_sync(sql, NULL, NULL, NULL, NULL));
	cli_run(&f, "status %s", 10, &r);
	cli_assert_has(r.err, "recoveryd report ");
	cli_run(&f, "report %s", 10, &next);
	cli_assert_has(next.out, "event 5 is missing");
	cli_teardown(&f, NULL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *path = g_strdup_printf("/ends/%s", ends[i].name);

		g_test_add_data_func(path, &ends[i], what_is_printed_works);
	}
	g_test_add_func("/ends/start", refused_starts_say_where_to_look);
	g_test_add_func("/ends/journal", a_damaged_journal_says_where_to_look);
	return g_test_run();
}
