/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who lets a run through a gate: an owner who names the plan, or a policy whose conditions hold.
 * The built program, with a real engine behind it; the hosts behind the gate do not answer. */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli-fixture.h"
#include "engine/policy.h"
#include "journal/journal.h"
#include "journal/lock.h"
#include "journal/request.h"
#include "machine/run.h"

#define PATIENCE (60 * G_USEC_PER_SEC)
#define DIGEST	 "3f2a1b9c04de55aa"
#define OTHER	 "aaaaaaaaaaaaaaaa"
#define NOBODY	 65534

static const char procedure[] =
    "procedure: two-states\nformat: 1\nsummary: with a gate\n"
    "inputs:\n  pod: {type: string, default: kube-scheduler, summary: which}\n"
    "states:\n"
    "- {state: stop, type: static-pod/stop, order: serial, with: {pod: \"${input.pod}\"}}\n"
    "- state: start\n  type: static-pod/start\n  order: serial\n"
    "  with: {pod: \"${input.pod}\"}\n  gate: {name: go-on, text: the pod comes back}\n";

/* ---- the run at its gate ------------------------------------------------------------------- */

static void
add_input(GPtrArray *events, const char *name, const char *value)
{
	g_ptr_array_add(events, rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL), name, value));
}

static void
add_step(GPtrArray *events, const char *target, const char *word)
{
	RdEvent *event = rd_event_new(RD_EVENT_STEP, word);

	g_ptr_array_add(events, rd_event_step(event, "stop", target, 1, 1));
}

static void
at_gate(GPtrArray *events)
{
	RdEvent *event = rd_event_number(rd_event_new(RD_EVENT_VISIT, NULL), 1);

	add_input(events, RD_RUN_INPUT_PLAN, DIGEST);
	add_step(events, "m1", "finished");
	add_step(events, "m1", "present");
	add_step(events, "m2", "begin");
	add_step(events, "m2", "present");
	g_ptr_array_add(events, rd_event_step(event, "start", NULL, 1, 0));
	g_ptr_array_add(events, rd_event_new(RD_EVENT_RUN, "held"));
}

static void
owned_by_nobody(GPtrArray *events)
{
	at_gate(events);
	add_input(events, RD_RUN_INPUT_OWNERS, "nobody");
}

static void
with_policy(GPtrArray *events)
{
	RdEvent *event = rd_event_new(RD_EVENT_REMARK, RD_REMARK_LOSS);

	at_gate(events);
	add_input(events, RD_POLICY_INPUT_NAME, "drill");
	add_input(events, RD_POLICY_INPUT_DIGEST, OTHER);
	add_input(events, RD_POLICY_INPUT_GATE "go-on", "max-objects-lost=3");
	rd_event_pair(event, "recoveryd", "{\"lost\": 4, \"changed\": 0}");
	g_ptr_array_add(events, rd_event_text(event, "four objects are lost"));
}

static void
setup(Fixture *f, gconstpointer data)
{
	g_autofree char *path = NULL;

	cli_setup(f, data);
	path = g_build_filename(f->path, "procedure.yaml", NULL);
	g_assert_true(g_file_set_contents(path, procedure, -1, NULL));
}

/* the engine that a command left at work, by the lock that only it has */
static gboolean
is_at_work(Fixture *f, gboolean end)
{
	g_autofree char *path = g_build_filename(f->path, "lock", NULL);
	g_autoptr(RdLockHolder) holder = rd_lock_read_holder(path, NULL);

	if (holder == NULL || holder->pid <= 0 || rd_lock_holder_state(holder) == RD_HOLDER_GONE)
		return FALSE;
	if (end)
		kill((pid_t)holder->pid, SIGKILL);
	return TRUE;
}

static void
teardown(Fixture *f, gconstpointer data)
{
	(void)is_at_work(f, TRUE);
	cli_teardown(f, data);
}

/* the newest of its kind (transfer full) (nullable) */
static RdEvent *
newest(Fixture *f, RdEventKind kind, const char *word)
{
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	g_autoptr(RdJournal) journal = rd_journal_open_reader(path, NULL);
	g_autoptr(GPtrArray) events = NULL;

	g_assert_nonnull(journal);
	events = rd_journal_read(journal, 0, NULL);
	for (guint i = events->len; i > 0; i--) {
		const RdEvent *event = g_ptr_array_index(events, i - 1);

		if (event->kind == kind && g_strcmp0(event->word, word) == 0)
			return rd_event_copy(event);
	}
	return NULL;
}

static guint
count(Fixture *f, RdEventKind kind, const char *word)
{
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	g_autoptr(RdJournal) journal = rd_journal_open_reader(path, NULL);
	g_autoptr(GPtrArray) events = rd_journal_read(journal, 0, NULL);
	guint n = 0;

	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		n += event->kind == kind && g_strcmp0(event->word, word) == 0;
	}
	return n;
}

static void
wait_until(Fixture *f, gboolean (*is_so)(Fixture *f), const char *what)
{
	gint64 until = g_get_monotonic_time() + PATIENCE;

	while (!is_so(f)) {
		if (g_get_monotonic_time() > until)
			g_error("not in time: %s", what);
		g_usleep(20000);
	}
}

static gboolean
is_approved(Fixture *f)
{
	g_autoptr(RdEvent) event = newest(f, RD_EVENT_GATE, "approved");

	return event != NULL;
}

/* the engine that it starts may need longer than the command waits for it: then the word lies there
 */
static void
approve(Fixture *f, const char *words)
{
	g_autofree char *line =
	    g_strdup_printf("recoveryd approve %s %s --reason because", f->id, words);
	g_auto(GStrv) argv = g_strsplit(line, " ", 0);
	g_auto(Result) r = {0};

	g_free(argv[0]);
	argv[0] = cli_build_path("src/recoveryd");
	cli_spawn(f, argv, &r);
	if (r.code != 0 && r.code != 75)
		g_error("%s: exit code %d\n%s%s", line, r.code, r.out, r.err);
	wait_until(f, is_approved, "the gate is open");
}

/* ---- the plan ------------------------------------------------------------------------------ */

/* what status prints is what has to be typed; of another plan both are named */
static void
an_approval_names_its_plan(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0};
	g_autoptr(RdEvent) asked = NULL;

	cli_run(f, "status %s", 0, &r);
	cli_assert_has(r.out, "approve ");
	cli_assert_has(r.out, " go-on --plan 3f2a1b9c04de ");
	cli_run(f, "approve %s go-on --plan " OTHER " --reason because", 2, &r);
	cli_assert_has(r.err, OTHER);
	cli_assert_has(r.err, DIGEST);
	cli_run(f, "approve %s go-on --plan 3f2a --reason because", 2, &r);
	cli_run(f, "approve %s go-on#2 --reason because", 2, &r);
	cli_assert_has(r.err, "stands at gate go-on, not at go-on#2");
	g_assert_cmpuint(cli_count_requests(f), ==, 0);
	approve(f, "go-on --plan 3f2a1b9c04de");
	asked = newest(f, RD_EVENT_REQUEST, "approve");
	g_assert_cmpstr(asked->value, ==, "go-on@3f2a1b9c04de");
}

/* without --plan the journal has that of the run */
static void
an_approval_without_a_plan_is_of_this_one(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) asked = NULL;

	approve(f, "go-on");
	asked = newest(f, RD_EVENT_REQUEST, "approve");
	g_assert_cmpstr(asked->value, ==, "go-on@" DIGEST);
}

/* ---- owners -------------------------------------------------------------------------------- */

/* a request that this uid has left, by whichever program */
static gboolean
leave_as(Fixture *f, guint uid, const char *word, const char *argument)
{
	g_autofree char *dir = g_build_filename(f->path, "requests", NULL);
	const RdRequest request = {.word = (char *)word,
				   .argument = (char *)argument,
				   .reason = (char *)"because"};
	g_autoptr(GDir) handle = NULL;
	const char *name;

	g_assert_true(rd_request_send(dir, &request, NULL));
	handle = g_dir_open(dir, 0, NULL);
	while ((name = g_dir_read_name(handle)) != NULL) {
		g_autofree char *path = g_build_filename(dir, name, NULL);

		if (g_str_has_suffix(name, ".json") && chown(path, uid, (gid_t)-1) != 0)
			return FALSE;
	}
	return TRUE;
}

static gboolean
can_be_another(void)
{
	if (geteuid() == 0)
		return TRUE;
	g_test_skip("only root can leave a file of somebody else");
	return FALSE;
}

static void
run_engine(Fixture *f)
{
	g_auto(Result) r = {0};

	cli_run(f, "engine %s", 0, &r);
	g_test_message("%s", r.err);
}

static void
who_is_no_owner_approves_nothing(Fixture *f, gconstpointer data)
{
	static const char *const words[] = {"approve", "deny"};

	if (!can_be_another())
		return;
	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		g_assert_true(leave_as(f, NOBODY, words[i], "go-on"));
		run_engine(f);
		g_assert_cmpuint(cli_count_requests(f), ==, 0);
		g_assert_cmpuint(count(f, RD_EVENT_REQUEST, words[i]), ==, 0);
	}
	g_assert_cmpuint(count(f, RD_EVENT_GATE, "approved"), ==, 0);
	g_assert_cmpuint(count(f, RD_EVENT_GATE, "denied"), ==, 0);
	/* what is no word at a gate is heard */
	g_assert_true(leave_as(f, NOBODY, "note", NULL));
	run_engine(f);
	g_assert_cmpuint(count(f, RD_EVENT_REQUEST, "note"), ==, 1);
}

static void
who_was_named_approves(Fixture *f, gconstpointer data)
{
	g_autoptr(RdEvent) event = NULL;

	if (!can_be_another())
		return;
	g_assert_true(leave_as(f, NOBODY, "deny", "go-on"));
	run_engine(f);
	event = newest(f, RD_EVENT_GATE, "denied");
	g_assert_nonnull(event);
	g_assert_cmpstr(event->key, ==, "nobody");
}

/* ---- policies ------------------------------------------------------------------------------ */

/* before anybody is asked, and beside what is lost; test-unattended.c has what comes of it */
static void
a_policy_is_shown(Fixture *f, gconstpointer data)
{
	g_auto(Result) r = {0};
	g_autoptr(JsonNode) node = NULL;
	JsonObject *status, *rule;

	cli_run(f, "status %s", 0, &r);
	cli_assert_has(r.out, "go-on is passed if max-objects-lost=3");
	cli_assert_has(r.out, "four objects are lost");
	cli_run(f, "status %s -o json", 0, &r);
	node = cli_parse_json(r.out);
	status = json_node_get_object(node);
	rule = json_array_get_object_element(json_object_get_array_member(status, "policy"), 0);
	g_assert_cmpstr(json_object_get_string_member(rule, "gate"), ==, "go-on");
	g_assert_cmpstr(json_object_get_string_member(rule, "when"), ==, "max-objects-lost=3");
	g_assert_cmpint(
	    json_object_get_int_member(json_object_get_object_member(status, "loss"), "lost"), ==,
	    4);
	g_assert_cmpstr(json_object_get_string_member(status, "plan"), ==, DIGEST);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*events)(GPtrArray *events);
		void (*test)(Fixture *f, gconstpointer data);
	} tests[] = {
	    {"/approve/plan", at_gate, an_approval_names_its_plan},
	    {"/approve/no-plan", at_gate, an_approval_without_a_plan_is_of_this_one},
	    {"/approve/owner/not", at_gate, who_is_no_owner_approves_nothing},
	    {"/approve/owner/named", owned_by_nobody, who_was_named_approves},
	    {"/approve/policy", with_policy, a_policy_is_shown},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, tests[i].events, setup, tests[i].test, teardown);
	return g_test_run();
}
