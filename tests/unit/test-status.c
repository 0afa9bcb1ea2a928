/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The page of `status`, compared with files: golden/status-NAME.txt has every form of it for one
 * run made by hand. After a change that is meant:
 *   RD_GOLDEN_UPDATE=1 SOURCE_ROOT=. build/tests/unit/test-status && git diff tests/unit/golden */

#include <gio/gio.h>
#include <string.h>

#include "cli/view.h"
#include "yaml/json.h"
#include "yaml/yaml.h"

#define RUN	"r-20261120-kite-3"
#define MORNING (G_GINT64_CONSTANT(1795160460) * G_USEC_PER_SEC) /* 2026-11-20 07:41:00 UTC */
#define SECOND	G_TIME_SPAN_SECOND
#define UNCLEAN "half \033[2J\033]0;gone\007 written\n\xff\u202e"

typedef struct {
	RdPlan *plan;
	RdRun *run;
	GPtrArray *events;
	RdView view;
	gint64 now; /* microseconds since MORNING; while an engine lives the clock goes with it */
	gint64 clock;
} Fixture;

/* ---- a run by hand ------------------------------------------------------------------------- */

static RdPlanState *
add_state(Fixture *f, const char *name, const char *type, RdKind kind, gboolean cluster)
{
	RdPlanState *state = rd_plan_add_state(f->plan, name, type, kind);

	if (cluster)
		g_ptr_array_add(state->targets, g_strdup(RD_CLUSTER));
	for (guint i = 0; !cluster && i < 3; i++)
		g_ptr_array_add(state->targets, g_strdup_printf("m%u", i));
	return state;
}

static void
setup(Fixture *f, gconstpointer data)
{
	RdPlanState *state;

	f->plan = rd_plan_new("manual-restore", "prod-eu1");
	rd_plan_add_host(f->plan, "m0", "recovery");
	rd_plan_add_host(f->plan, "m1", "control-plane");
	rd_plan_add_host(f->plan, "m2", "control-plane");
	rd_plan_add_host(f->plan, "worker-1", "worker");
	add_state(f, "still-dead", "etcd/no-quorum", RD_KIND_QUERY, TRUE);
	rd_plan_add_unit(f->plan, "still-dead", 1);
	state = add_state(f, "rescue", "etcd/rescue-copy", RD_KIND_CHANGE, FALSE);
	state->mark = RD_MARK_RESCUE_COPY;
	state->timeout_s = 1200;
	rd_plan_add_unit(f->plan, "rescue", 1);
	add_state(f, "stop-apiserver", "static-pod/stop", RD_KIND_CHANGE, FALSE);
	state = add_state(f, "stop-etcd", "static-pod/stop", RD_KIND_CHANGE, FALSE);
	state->tries = 3;
	state->delay_s = 10;
	rd_plan_add_unit(f->plan, "stop", 2);
	add_state(f, "save-data", "etcd/save-data", RD_KIND_CHANGE, FALSE);
	rd_plan_add_unit(f->plan, "save-data", 1);
	state = add_state(f, "place", "etcd/place", RD_KIND_CHANGE, FALSE);
	state->mark = RD_MARK_HOST_UNDO_ENDS;
	rd_plan_add_unit(f->plan, "place", 1);
	state = add_state(f, "start-apiserver", "static-pod/start", RD_KIND_CHANGE, FALSE);
	state->mark = RD_MARK_POINT_OF_NO_RETURN;
	rd_plan_add_unit(f->plan, "start-apiserver", 1);
	add_state(f, "healthy", "etcd/health", RD_KIND_WAIT, TRUE);
	rd_plan_add_unit(f->plan, "healthy", 1);
	f->run = rd_run_new(f->plan);
	f->events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	f->view.run_id = RUN;
	f->view.run = f->run;
	f->view.events = f->events;
	f->view.engine = RD_ENGINE_ALIVE;
	f->view.holder = g_strdup("alice on bastion-a, engine 4711, since 2026-11-20 07:41:00Z");
}

static void
teardown(Fixture *f, gconstpointer data)
{
	rd_view_clear(&f->view);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	g_ptr_array_unref(f->events);
}

static void
pass(Fixture *f, guint seconds)
{
	f->now += seconds * SECOND;
	f->clock += seconds * SECOND;
}

static void
feed(Fixture *f, RdEvent *event)
{
	g_autoptr(GError) error = NULL;

	event->seq = f->events->len + 1;
	event->wall = MORNING + f->now;
	event->clock = f->clock;
	g_ptr_array_add(f->events, event);
	g_assert_true(rd_run_apply(f->run, event, &error));
	g_assert_no_error(error);
}

static RdEvent *
host_event(RdEventKind kind, const char *word, const char *host, gint64 number)
{
	RdEvent *event = rd_event_new(kind, word);

	rd_event_step(event, NULL, host, 0, 0);
	return rd_event_number(event, number);
}

static void
step(Fixture *f, const char *state, const char *target, const char *word, const char *text)
{
	const RdStep *now = rd_run_find_step(f->run, state, target);
	RdEvent *event = rd_event_new(RD_EVENT_STEP, word);
	guint attempt = now->attempt;

	if (g_str_equal(word, "begin") || g_str_equal(word, "look"))
		attempt = now->attempt == 0 || now->again || now->intent ? attempt + 1 : attempt;
	rd_event_step(event, state, target, now->visit, attempt);
	feed(f, rd_event_text(event, text));
}

static void
enter_unit(Fixture *f, const char *state)
{
	RdEvent *event = rd_event_number(rd_event_new(RD_EVENT_VISIT, NULL), 1);

	feed(f, rd_event_step(event, state, NULL, 1, 0));
}

static void
start_engine(Fixture *f, const char *bastion)
{
	RdEvent *event = rd_event_new(RD_EVENT_ENGINE, "started");

	rd_event_pair(event, bastion, "boot-1");
	feed(f, rd_event_text(rd_event_number(event, 4711), "0.1.0"));
}

static void
grant(Fixture *f, const char *host, gint64 number)
{
	RdEvent *event;

	feed(f,
	     rd_event_pair(host_event(RD_EVENT_SURVEY, NULL, host, number - 1), "machine", "boot"));
	feed(f, host_event(RD_EVENT_INCARNATION, "take", host, number));
	event = host_event(RD_EVENT_GRANTED, NULL, host, number);
	feed(f, rd_event_pair(event, "machine", "boot"));
}

static void
begin(Fixture *f)
{
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, "manual-restore");

	rd_event_pair(event, "prod-eu1", "0b5c7d9e-0000-4000-8000-000000000001");
	feed(f, rd_event_text(rd_event_number(event, 1), "alice@bastion-a"));
	start_engine(f, "bastion-a");
	feed(f, rd_event_new(RD_EVENT_RUN, "running"));
}

/* begin, intent, finished, present */
static void
change(Fixture *f, const char *state, const char *target, guint seconds, const char *text)
{
	step(f, state, target, "begin", NULL);
	step(f, state, target, "intent", NULL);
	pass(f, seconds);
	step(f, state, target, "finished", NULL);
	step(f, state, target, "present", text);
}

static void
mark(Fixture *f, const char *state, const char *word)
{
	feed(f, rd_event_step(rd_event_new(RD_EVENT_MARK, word), state, NULL, 0, 0));
}

/* through the rescue copy, to the beginning of the group `stop` */
static void
until_stop(Fixture *f)
{
	begin(f);
	for (guint i = 0; i < 3; i++) {
		g_autofree char *host = g_strdup_printf("m%u", i);

		grant(f, host, 12);
	}
	enter_unit(f, "still-dead");
	step(f, "still-dead", RD_CLUSTER, "look", NULL);
	pass(f, 12);
	step(f, "still-dead", RD_CLUSTER, "finished", "0 of 3 members commit writes");
	enter_unit(f, "rescue");
	mark(f, "rescue", "rescue-copy");
	change(f, "rescue", "m0", 130, "1 284 331 keys, 812 MiB");
	change(f, "rescue", "m1", 61, NULL);
	change(f, "rescue", "m2", 3, NULL);
	enter_unit(f, "stop-apiserver");
}

/* ---- comparing ----------------------------------------------------------------------------- */

static const struct {
	const char *title;
	gboolean utf8, color;
	guint width;
	RdForm form;
	gboolean brief;
} forms[] = {
    {"normal, 100 columns", TRUE, FALSE, 100, RD_FORM_NORMAL, FALSE},
    {"normal, 40 columns, ASCII", FALSE, FALSE, 40, RD_FORM_NORMAL, FALSE},
    {"compact, 80 columns, colour", TRUE, TRUE, 80, RD_FORM_COMPACT, FALSE},
    {"wide, a pipe", TRUE, FALSE, 0, RD_FORM_WIDE, FALSE},
    {"brief", TRUE, FALSE, 0, RD_FORM_NORMAL, TRUE},
    {"brief, ASCII", FALSE, FALSE, 100, RD_FORM_NORMAL, TRUE},
};

static void
check_lines(const char *text, guint width, guint most)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
	guint n = g_strv_length(lines) - 1;

	g_assert_cmpstr(lines[n], ==, "");
	if (most > 0)
		g_assert_cmpuint(n, <=, most);
	for (guint i = 0; i < n && width > 0; i++)
		if (rd_screen_columns(lines[i]) > width)
			g_error("wider than %u: \"%s\"", width, lines[i]);
}

/* nothing but text and line feeds, and colours where they are wanted */
static void
check_clean(const char *text, gboolean color)
{
	g_assert_true(g_utf8_validate(text, -1, NULL));
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (c == '\n')
			continue;
		if (c == 033 && color) {
			g_assert_true(g_regex_match_simple("^\\[[0-9]+m", p + 1, 0, 0));
			continue;
		}
		g_assert_false(g_unichar_iscntrl(c));
		g_assert_cmpuint(c, !=, 0x202e);
	}
}

static void
check_ascii(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		g_assert_cmpint((guchar)*p, <, 0x80);
}

/* each command that is advised is one that the run would accept */
static void
check_advice(Fixture *f)
{
	g_autoptr(GPtrArray) causes = rd_advice_causes(f->run, RUN);

	for (guint i = 0; i < causes->len; i++) {
		const RdCause *cause = g_ptr_array_index(causes, i);

		g_assert_cmpuint(cause->commands->len, ==, cause->when->len);
		for (guint j = 0; j < cause->commands->len; j++) {
			g_auto(GStrv) words = g_strsplit(cause->commands->pdata[j], " ", 0);
			gboolean decide = g_str_equal(words[1], "decide");
			gboolean plain = g_str_equal(words[1], "resume");
			g_autoptr(GPtrArray) events = NULL;
			g_autoptr(GError) error = NULL;

			g_assert_cmpstr(words[0], ==, "recoveryd");
			g_assert_cmpstr(words[2], ==, RUN);
			events = rd_run_request(f->run, words[1], decide ? words[3] : NULL,
						decide	? words[4]
						: plain ? NULL
							: words[3],
						"alice", "because", &error);
			g_assert_no_error(error);
			g_assert_nonnull(events);
		}
	}
}

/* the YAML form, read by the same reader as procedures, is the JSON form */
static void
check_yaml(JsonNode *node)
{
	g_autofree char *text = rd_json_print_yaml(node);
	g_autofree char *want = json_to_string(node, FALSE);
	g_autofree char *found = NULL;
	g_autoptr(RdComplaints) complaints = rd_complaints_new("status.yaml");
	g_autoptr(GError) error = NULL;
	g_autoptr(RdYaml) yaml = rd_yaml_parse(text, strlen(text), complaints, &error);

	g_assert_no_error(error);
	g_assert_true(rd_complaints_settle(complaints, &error));
	found = json_to_string(rd_yaml_get_root(yaml), FALSE);
	g_assert_cmpstr(found, ==, want);
}

/* the first line that differs, not two pages */
static void
check_equal(const char *file, const char *found, const char *wanted)
{
	g_auto(GStrv) have = g_strsplit(found, "\n", 0);
	g_auto(GStrv) want = g_strsplit(wanted, "\n", 0);

	for (guint i = 0; have[i] != NULL || want[i] != NULL; i++) {
		if (g_strcmp0(have[i], want[i]) != 0)
			g_error("golden/%s:%u:\nis     |%s|\nwas    |%s|", file, i + 1,
				have[i] != NULL ? have[i] : "(end)",
				want[i] != NULL ? want[i] : "(end)");
		/* lines are over for one of them */
		if (have[i] == NULL || want[i] == NULL)
			break;
	}
}

static void
golden(Fixture *f, const char *name)
{
	g_autofree char *file = g_strdup_printf("status-%s.txt", name);
	g_autofree char *path =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "tests", "unit", "golden", file, NULL);
	g_autofree char *want = NULL;
	g_autofree char *json = NULL;
	g_autofree char *summary = NULL;
	g_autoptr(GString) all = g_string_new(NULL);
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(GError) error = NULL;

	f->view.wall = MORNING + f->now;
	if (f->view.clock == 0)
		f->view.clock = f->clock;
	for (guint i = 0; i < G_N_ELEMENTS(forms); i++) {
		RdScreen screen = {.utf8 = forms[i].utf8,
				   .color = forms[i].color,
				   .width = forms[i].width};
		g_autoptr(GString) page = g_string_new(NULL);

		if (forms[i].brief)
			rd_view_print_brief(page, &f->view, &screen);
		else
			rd_view_print(page, &f->view, &screen, forms[i].form);
		check_clean(page->str, forms[i].color);
		if (!forms[i].color)
			check_lines(page->str, forms[i].brief ? 40 : forms[i].width,
				    forms[i].brief ? 8 : 0);
		if (!forms[i].utf8)
			check_ascii(page->str);
		/* escapes would make the file unreadable */
		g_string_replace(page, "\033", "<ESC>", 0);
		g_string_append_printf(all, "== %s\n%s", forms[i].title, page->str);
	}
	summary = rd_view_summary(&f->view);
	g_string_append_printf(all, "== summary\n%s\n", summary);
	node = rd_view_to_json(&f->view);
	check_yaml(node);
	json = rd_json_print(node, TRUE);
	g_string_append_printf(all, "== json\n%s", json);
	check_advice(f);
	if (g_getenv("RD_GOLDEN_UPDATE") != NULL)
		g_file_set_contents(path, all->str, -1, NULL);
	g_file_get_contents(path, &want, NULL, &error);
	g_assert_no_error(error);
	check_equal(file, all->str, want);
}

/* ---- runs ---------------------------------------------------------------------------------- */

static void
test_fresh(Fixture *f, gconstpointer data)
{
	begin(f);
	pass(f, 4);
	golden(f, "fresh");
}

/* m1 is dead: the first thing that is seen of a run, and for three minutes the only one */
static void
test_surveyed(Fixture *f, gconstpointer data)
{
	g_autofree char *summary = NULL;
	RdEvent *event;

	begin(f);
	pass(f, 1);
	for (guint i = 0; i < 3; i += 2)
		feed(f, rd_event_pair(host_event(RD_EVENT_SURVEY, NULL, i == 0 ? "m0" : "m2", 11),
				      "machine", "boot"));
	pass(f, 8);
	golden(f, "asking");
	pass(f, 7);
	event = host_event(RD_EVENT_REFUSED, "unreachable", "m1", 0);
	feed(f, rd_event_text(event, "m1 (core@10.0.0.2:22): no connection within 15 s"));
	pass(f, 30);
	f->view.clock = 0;
	golden(f, "asking-again");
	/* whoever has given up asks no more, and says so */
	feed(f, rd_event_new(RD_EVENT_RUN, "held"));
	f->view.clock = 0;
	summary = rd_view_summary(&f->view);
	g_assert_null(strstr(summary, "no answer yet"));
}

static void
test_running(Fixture *f, gconstpointer data)
{
	until_stop(f);
	change(f, "stop-apiserver", "m0", 22, NULL);
	step(f, "stop-etcd", "m0", "begin", NULL);
	step(f, "stop-etcd", "m0", "intent", NULL);
	pass(f, 12);
	step(f, "stop-apiserver", "m1", "begin", NULL);
	step(f, "stop-apiserver", "m1", "intent", NULL);
	pass(f, 2);
	step(f, "stop-apiserver", "m1", "unreachable", "m1 (core@10.0.0.2:22): connection reset");
	pass(f, 5);
	f->view.wall = MORNING + f->now;
	/* the engine's line is older than now: the clock goes on with the wall */
	rd_view_add_status(&f->view, "{\"progress\": {\"m0\": {\"text\": \"waiting for container "
				     "etcd to end\", \"at\": \"1795160702000000\"}},"
				     "\"clock\": \"246000000\", \"wall\": \"1795160706000000\"}");
	g_assert_cmpint(f->view.clock, ==, 247 * SECOND);
	golden(f, "running");
}

static void
test_retry(Fixture *f, gconstpointer data)
{
	until_stop(f);
	change(f, "stop-apiserver", "m0", 22, NULL);
	step(f, "stop-etcd", "m0", "begin", NULL);
	step(f, "stop-etcd", "m0", "failed", "crictl: exit status 1: " UNCLEAN);
	pass(f, 3);
	golden(f, "retry");
}

static void
test_held(Fixture *f, gconstpointer data)
{
	RdEvent *event;

	until_stop(f);
	change(f, "stop-apiserver", "m0", 22, NULL);
	step(f, "stop-etcd", "m0", "begin", NULL);
	step(f, "stop-etcd", "m0", "intent", NULL);
	pass(f, 300);
	step(f, "stop-etcd", "m0", "deadline", "not done within 300 s: " UNCLEAN);
	step(f, "stop-apiserver", "m1", "begin", NULL);
	step(f, "stop-apiserver", "m1", "refused", "manifest is not a file");
	event = host_event(RD_EVENT_REFUSED, "unreachable", "m2", 0);
	feed(f, rd_event_text(event, "m2 (core@10.0.0.3:22): no route to host"));
	feed(f, rd_event_text(rd_event_new(RD_EVENT_RUN, "held"), "three things"));
	pass(f, 600);
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	f->view.clock = f->clock;
	golden(f, "held");
}

static void
test_rebuilt(Fixture *f, gconstpointer data)
{
	RdEvent *event;

	begin(f);
	feed(f, host_event(RD_EVENT_SURVEY, NULL, "m0", 11));
	feed(f, host_event(RD_EVENT_SURVEY, NULL, "m1", -1));
	event = host_event(RD_EVENT_REFUSED, "rebuilt", "m1", 0);
	feed(f, rd_event_text(event, "it has no lock file though other hosts have one"));
	feed(f, rd_event_new(RD_EVENT_RUN, "held"));
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	golden(f, "rebuilt");
}

/* The same name, another machine: enrolling would be accepted and would not help, so it is not
 * advised. The recovery host cannot be excused, either. */
static void
test_another_machine(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) causes = NULL;
	const RdCause *recovery, *other;

	until_stop(f);
	for (guint i = 0; i < 2; i++) {
		RdEvent *event = host_event(RD_EVENT_REFUSED, "rebuilt", i == 0 ? "m0" : "m1", 0);

		feed(f, rd_event_text(event, "its machine-id is another than before"));
	}
	feed(f, rd_event_new(RD_EVENT_RUN, "held"));
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	g_assert_cmpint(rd_exit_of_run(f->run), ==, RD_EXIT_HELD);
	causes = rd_advice_causes(f->run, RUN);
	g_assert_cmpuint(causes->len, ==, 2);
	recovery = g_ptr_array_index(causes, 0);
	other = g_ptr_array_index(causes, 1);
	g_assert_cmpuint(recovery->commands->len, ==, 0);
	g_assert_cmpuint(other->commands->len, ==, 1);
	g_assert_true(g_str_has_prefix(other->commands->pdata[0], "recoveryd excuse"));
	golden(f, "another-machine");
}

/* what is advised when m1 is in trouble; @excuse (nullable: not at all), @resume: when that is
 * right */
static void
check_host_advice(Fixture *f, const char *word, const char *text, const char *excuse,
		  const char *resume)
{
	RdEvent *event = host_event(RD_EVENT_REFUSED, word, "m1", 0);
	g_autoptr(GPtrArray) causes = NULL;
	const char *found_excuse = NULL, *found_resume = NULL;
	const RdCause *cause;

	feed(f, rd_event_text(event, text));
	causes = rd_advice_causes(f->run, RUN);
	g_assert_cmpuint(causes->len, ==, 1);
	cause = g_ptr_array_index(causes, 0);
	for (guint i = 0; i < cause->commands->len; i++) {
		const char *command = g_ptr_array_index(cause->commands, i);

		g_assert_false(g_str_has_prefix(command, "recoveryd decide"));
		if (g_str_has_prefix(command, "recoveryd excuse"))
			found_excuse = g_ptr_array_index(cause->when, i);
		if (g_str_has_prefix(command, "recoveryd resume"))
			found_resume = g_ptr_array_index(cause->when, i);
	}
	g_assert_true((found_excuse != NULL) == (excuse != NULL));
	g_assert_nonnull(found_resume);
	g_assert_true(excuse == NULL || strstr(found_excuse, excuse) != NULL);
	g_assert_nonnull(strstr(found_resume, resume));
}

/* to excuse is to state that a host is powered off: only of one that does not answer */
static void
test_excuse_is_for_the_silent(Fixture *f, gconstpointer data)
{
	until_stop(f);
	feed(f, rd_event_new(RD_EVENT_RUN, "held"));
	f->view.engine = RD_ENGINE_NONE;
	check_host_advice(f, "unreachable", "m1: no answer in time", "powered off",
			  "reached again");
	check_host_advice(f, "refused", "m1: the host key SHA256:x is not known (known hosts: /k)",
			  NULL, "fingerprint on its console");
	check_host_advice(f, "refused", "m1: the host key has CHANGED: it is a, not b", NULL,
			  "fingerprint on its console");
	check_host_advice(f, "refused", "m1: sudo asks for a password", NULL, "cause is removed");
	check_host_advice(f, "busy", "m1: pid 7 still touches", NULL, "came to its end");
}

/* a key that changed in the middle of a step: nobody has seen anything, so nothing to decide */
static void
test_key_changed_in_a_step(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) causes = NULL;
	const RdCause *cause;

	until_stop(f);
	step(f, "stop-apiserver", "m0", "begin", NULL);
	step(f, "stop-apiserver", "m0", "intent", NULL);
	step(f, "stop-apiserver", "m0", "lost", NULL);
	step(f, "stop-apiserver", "m0", "refused", "m0: the host key has CHANGED: it is a, not b");
	feed(f, rd_event_new(RD_EVENT_RUN, "held"));
	f->view.engine = RD_ENGINE_NONE;
	causes = rd_advice_causes(f->run, RUN);
	g_assert_cmpuint(causes->len, ==, 1);
	cause = g_ptr_array_index(causes, 0);
	g_assert_cmpuint(cause->commands->len, ==, 1);
	g_assert_true(g_str_has_prefix(cause->commands->pdata[0], "recoveryd resume"));
	g_assert_nonnull(strstr(cause->when->pdata[0], "fingerprint"));
}

static void
test_paused(Fixture *f, gconstpointer data)
{
	until_stop(f);
	change(f, "stop-apiserver", "m0", 22, NULL);
	feed(f, rd_event_pair(rd_event_new(RD_EVENT_REQUEST, "pause"), "bob", NULL));
	feed(f, rd_event_new(RD_EVENT_RUN, "pausing"));
	feed(f, rd_event_new(RD_EVENT_RUN, "paused"));
	pass(f, 86400);
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	golden(f, "paused");
}

static void
test_fenced(Fixture *f, gconstpointer data)
{
	RdEvent *event;

	begin(f);
	event = host_event(RD_EVENT_SURVEY, NULL, "m0", 15);
	feed(f, rd_event_text(event, "r-20261120-owl-1 bob@bastion-b since 07:30"));
	event = host_event(RD_EVENT_REFUSED, "fenced", "m0", 15);
	feed(f, rd_event_text(event, "r-20261120-owl-1 bob@bastion-b since 07:30"));
	event = rd_event_pair(rd_event_new(RD_EVENT_RUN, "ended"), NULL, "refused");
	feed(f, rd_event_text(event, "m0: r-20261120-owl-1 bob@bastion-b since 07:30"));
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	g_assert_cmpint(rd_exit_of_run(f->run), ==, RD_EXIT_LOCKED);
	golden(f, "fenced");
}

/* a second bastion took it over in the middle */
static void
test_taken_over(Fixture *f, gconstpointer data)
{
	RdEvent *event;

	until_stop(f);
	event = host_event(RD_EVENT_REFUSED, "fenced", "m1", 15);
	feed(f, rd_event_text(event, "r-20261120-owl-1 bob@bastion-b since 07:45"));
	feed(f, rd_event_new(RD_EVENT_RUN, "held"));
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	g_assert_cmpint(rd_exit_of_run(f->run), ==, RD_EXIT_LOCKED);
	golden(f, "taken-over");
}

static void
test_excused(Fixture *f, gconstpointer data)
{
	RdEvent *event;

	begin(f);
	event = rd_event_pair(host_event(RD_EVENT_HOST, "excused", "m2", 0), "alice", NULL);
	feed(f, rd_event_text(event, "rack 4 is dark, breaker locked"));
	grant(f, "m0", 12);
	grant(f, "m1", 12);
	enter_unit(f, "still-dead");
	step(f, "still-dead", RD_CLUSTER, "look", NULL);
	pass(f, 12);
	step(f, "still-dead", RD_CLUSTER, "finished", NULL);
	enter_unit(f, "rescue");
	mark(f, "rescue", "rescue-copy");
	change(f, "rescue", "m0", 130, NULL);
	step(f, "rescue", "m1", "begin", NULL);
	step(f, "rescue", "m1", "intent", NULL);
	pass(f, 7);
	golden(f, "excused");
}

static void
test_no_engine(Fixture *f, gconstpointer data)
{
	until_stop(f);
	change(f, "stop-apiserver", "m0", 22, NULL);
	step(f, "stop-etcd", "m0", "begin", NULL);
	step(f, "stop-etcd", "m0", "intent", NULL);
	/* the bastion was rebooted: wall time goes on, the run's clock does not */
	f->now += 192 * SECOND;
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	rd_view_add_status(&f->view, "{\"progress\": {\"m0\": {\"text\": \"stale\", \"at\": 1}},"
				     "\"clock\": 999000000, \"wall\": 1795160700000000}");
	g_assert_cmpint(f->view.clock, ==, f->clock);
	golden(f, "no-engine");
}

static void
test_resumed(Fixture *f, gconstpointer data)
{
	until_stop(f);
	change(f, "stop-apiserver", "m0", 22, NULL);
	step(f, "stop-etcd", "m0", "begin", NULL);
	step(f, "stop-etcd", "m0", "intent", NULL);
	f->now += 192 * SECOND;
	start_engine(f, "bastion-b");
	step(f, "stop-etcd", "m0", "lost", "the engine ended with it");
	grant(f, "m0", 13);
	grant(f, "m1", 13);
	pass(f, 1);
	golden(f, "resumed");
}

static void
test_ended(Fixture *f, gconstpointer data)
{
	static const char *const states[] = {"save-data", "place", "start-apiserver"};
	RdEvent *event;

	until_stop(f);
	for (guint i = 0; i < 3; i++) {
		g_autofree char *host = g_strdup_printf("m%u", i);

		change(f, "stop-apiserver", host, 22, NULL);
		change(f, "stop-etcd", host, 41, NULL);
	}
	for (guint i = 0; i < G_N_ELEMENTS(states); i++) {
		enter_unit(f, states[i]);
		if (i == 1)
			mark(f, "place", "host-undo-ends");
		if (i == 2)
			mark(f, "start-apiserver", "point-of-no-return");
		for (guint j = 0; j < 3; j++) {
			g_autofree char *host = g_strdup_printf("m%u", j);

			change(f, states[i], host, 15, NULL);
		}
	}
	enter_unit(f, "healthy");
	step(f, "healthy", RD_CLUSTER, "look", NULL);
	pass(f, 71);
	step(f, "healthy", RD_CLUSTER, "finished", "3/3 healthy, one leader");
	feed(f, host_event(RD_EVENT_RELEASED, NULL, "m0", 12));
	feed(f, host_event(RD_EVENT_RELEASED, NULL, "m1", 12));
	event = rd_event_pair(rd_event_new(RD_EVENT_RUN, "ended"), NULL, "done with leftovers");
	feed(f, rd_event_text(event, "lock not given back on m2"));
	f->now += 3600 * SECOND;
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	g_assert_cmpint(rd_exit_of_run(f->run), ==, RD_EXIT_DONE);
	golden(f, "ended");
}

static void
test_failed(Fixture *f, gconstpointer data)
{
	until_stop(f);
	step(f, "stop-apiserver", "m0", "begin", NULL);
	step(f, "stop-apiserver", "m0", "refused", "no manifest and no container");
	step(f, "stop-apiserver", "m0", "decide-abort", "wrong cluster");
	feed(f, rd_event_pair(rd_event_new(RD_EVENT_RUN, "ended"), NULL, "failed"));
	f->view.engine = RD_ENGINE_NONE;
	g_clear_pointer(&f->view.holder, g_free);
	g_assert_cmpint(rd_exit_of_run(f->run), ==, RD_EXIT_FAILED);
	golden(f, "failed");
}

/* microseconds of 32 bits end after 71 minutes */
static void
test_long_timeout(Fixture *f, gconstpointer data)
{
	RdPlanState *state = g_ptr_array_index(f->plan->states, 0);
	const RdStep *step_now;

	state->timeout_s = 2 * 3600;
	begin(f);
	enter_unit(f, "still-dead");
	step(f, "still-dead", RD_CLUSTER, "look", NULL);
	step_now = rd_run_find_step(f->run, "still-dead", RD_CLUSTER);
	g_assert_cmpint(rd_step_deadline(step_now) - step_now->started, ==, 7200 * SECOND);
}

/* two deadlines where the first begins anew */
static void
test_moved(Fixture *f, gconstpointer data)
{
	RdPlanState *state = g_ptr_array_index(f->plan->states, 0);

	state->timeout_s = 600;
	state->longest_s = 3600;
	begin(f);
	enter_unit(f, "still-dead");
	step(f, "still-dead", RD_CLUSTER, "look", NULL);
	for (guint i = 0; i < 2; i++) {
		RdEvent *event = rd_event_number(rd_event_new(RD_EVENT_MOVED, NULL), 40 + i);

		feed(f, rd_event_step(event, "still-dead", RD_CLUSTER, 1, 1));
		pass(f, 300);
	}
	golden(f, "moved");
}

/* every key that is written is explained in docs/json.md */
static void collect_keys(JsonArray *array, guint index, JsonNode *node, gpointer data);

static void
collect_members(JsonObject *object, const char *name, JsonNode *node, gpointer data)
{
	g_hash_table_add(data, g_strdup(name));
	if (JSON_NODE_HOLDS_OBJECT(node))
		json_object_foreach_member(json_node_get_object(node), collect_members, data);
	else if (JSON_NODE_HOLDS_ARRAY(node))
		json_array_foreach_element(json_node_get_array(node), collect_keys, data);
}

static void
collect_keys(JsonArray *array, guint index, JsonNode *node, gpointer data)
{
	if (JSON_NODE_HOLDS_OBJECT(node))
		json_object_foreach_member(json_node_get_object(node), collect_members, data);
}

/* what a query has found in words of its own, where its end says nothing */
static void
test_note(Fixture *f, gconstpointer data)
{
	RdScreen screen = {.utf8 = TRUE, .width = 100};
	g_autoptr(GString) page = g_string_new(NULL);
	RdEvent *event = rd_event_new(RD_EVENT_OUTPUT, NULL);

	begin(f);
	enter_unit(f, "still-dead");
	step(f, "still-dead", RD_CLUSTER, "look", NULL);
	rd_event_step(event, "still-dead", RD_CLUSTER, 1, 1);
	feed(f, rd_event_pair(event, "note", "nobody commits"));
	step(f, "still-dead", RD_CLUSTER, "finished", NULL);
	rd_view_print(page, &f->view, &screen, RD_FORM_NORMAL);
	g_assert_nonnull(strstr(page->str, "cluster: nobody commits"));
}

/* asked for three at a time; what is allowed is known, and one of them was left */
static void
test_width(Fixture *f, gconstpointer data)
{
	RdScreen screen = {.utf8 = TRUE, .width = 100};
	g_autoptr(GString) before = g_string_new(NULL), page = g_string_new(NULL);
	RdPlanState *state = f->plan->states->pdata[rd_plan_find_state(f->plan, "stop-apiserver")];

	state->width = 3;
	state->at_most = g_strdup("2");
	until_stop(f);
	rd_view_print(before, &f->view, &screen, RD_FORM_NORMAL);
	g_assert_null(strstr(before->str, "at a time"));
	step(f, "stop-apiserver", "m0", "begin", NULL);
	rd_view_print(page, &f->view, &screen, RD_FORM_NORMAL);
	g_assert_nonnull(strstr(page->str, "2 at a time, not 3: no more than 2 allowed"));
	feed(f, rd_event_text(
		    rd_event_pair(host_event(RD_EVENT_HOST, "excused", "m2", 0), "alice", NULL),
		    "it is off"));
	g_string_truncate(page, 0);
	rd_view_print(page, &f->view, &screen, RD_FORM_NORMAL);
	g_assert_nonnull(strstr(page->str, "1 at a time, not 3: no more than 2 allowed, less 1 "
					   "away already"));
}

static void
test_documented(Fixture *f, gconstpointer data)
{
	g_autofree char *path = g_build_filename(g_getenv("SOURCE_ROOT"), "docs", "json.md", NULL);
	g_autofree char *text = NULL;
	g_autoptr(JsonNode) node = NULL;
	g_autoptr(GHashTable) keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GHashTableIter iter;
	gpointer key;

	until_stop(f);
	step(f, "stop-apiserver", "m0", "begin", NULL);
	step(f, "stop-apiserver", "m0", "refused", "no");
	node = rd_view_to_json(&f->view);
	json_object_foreach_member(json_node_get_object(node), collect_members, keys);
	g_assert_cmpuint(g_hash_table_size(keys), >, 50);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_hash_table_iter_init(&iter, keys);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		g_autofree char *quoted = g_strdup_printf("`%s`", (char *)key);

		if (strstr(text, quoted) == NULL)
			g_error("docs/json.md does not explain %s", quoted);
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *f, gconstpointer data);
	} tests[] = {
	    {"fresh", test_fresh},
	    {"surveyed", test_surveyed},
	    {"running", test_running},
	    {"retry", test_retry},
	    {"held", test_held},
	    {"rebuilt", test_rebuilt},
	    {"another-machine", test_another_machine},
	    {"paused", test_paused},
	    {"fenced", test_fenced},
	    {"taken-over", test_taken_over},
	    {"excused", test_excused},
	    {"excuse-is-for-the-silent", test_excuse_is_for_the_silent},
	    {"key-changed-in-a-step", test_key_changed_in_a_step},
	    {"no-engine", test_no_engine},
	    {"resumed", test_resumed},
	    {"ended", test_ended},
	    {"failed", test_failed},
	    {"long-timeout", test_long_timeout},
	    {"width", test_width},
	    {"note", test_note},
	    {"moved", test_moved},
	    {"documented", test_documented},
	};

	g_setenv("TZ", "UTC", TRUE);
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/status/%s", tests[i].name);

		g_test_add(path, Fixture, NULL, setup, tests[i].func, teardown);
	}
	return g_test_run();
}
