/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Behind the point of no return rollback is refused, and each command that it prints instead is
 * typed here: none is refused for what it was told. */

#include <string.h>

#include "cli-fixture.h"
#include "machine/event.h"
#include "machine/run.h"

static Fixture *now; /* whose events are made */

static void
add(GPtrArray *events, RdEvent *event)
{
	g_ptr_array_add(events, event);
}

/* @state of a run of now->procedure touched @on, then the point of no return was passed */
static void
behind(GPtrArray *events, const char *state, const char *on, const char *end)
{
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, now->procedure);

	g_ptr_array_set_size(events, 0);
	rd_event_pair(event, "kite", "0b5c7d9e-0000-4000-8000-000000000001");
	add(events, rd_event_text(event, "alice@bastion-a"));
	event = rd_event_new(RD_EVENT_INPUT, NULL);
	add(events, rd_event_pair(event, RD_RUN_INPUT_CLUSTER, now->file));
	event = rd_event_pair(rd_event_new(RD_EVENT_ENGINE, "started"), "bastion-a", "boot");
	add(events, rd_event_number(event, 4711));
	add(events, rd_event_new(RD_EVENT_RUN, "running"));
	event = rd_event_number(rd_event_new(RD_EVENT_VISIT, NULL), 1);
	add(events, rd_event_step(event, state, NULL, 1, 0));
	event = rd_event_new(RD_EVENT_STEP, "begin");
	add(events, rd_event_step(event, state, on, 1, 1));
	event = rd_event_new(RD_EVENT_STEP, "intent");
	add(events, rd_event_step(event, state, on, 1, 1));
	event = rd_event_number(rd_event_new(RD_EVENT_TOUCH, "run"), 1);
	rd_event_step(event, state, on, 1, 1);
	add(events, rd_event_text(event, "something was done"));
	event = rd_event_new(RD_EVENT_STEP, "finished");
	add(events, rd_event_step(event, state, on, 1, 1));
	event = rd_event_new(RD_EVENT_STEP, "present");
	add(events, rd_event_step(event, state, on, 1, 1));
	add(events, rd_event_new(RD_EVENT_MARK, "point-of-no-return"));
	event = rd_event_new(RD_EVENT_RUN, end != NULL ? "ended" : "held");
	add(events, rd_event_pair(event, NULL, end));
}

static void
moved_by_us(GPtrArray *events)
{
	behind(events, "save-data", "m0", "done");
}

static void
moved_by_us_held(GPtrArray *events)
{
	behind(events, "save-data", "m0", NULL);
}

static void
moved_by_script(GPtrArray *events)
{
	behind(events, "restore", "m0", "failed");
}

static void
moved_nothing(GPtrArray *events)
{
	behind(events, "guardian", RD_CLUSTER, "failed");
}

/* what is printed, in its order: how each begins, how it ends, and what is said then */
typedef struct {
	const char *begins;
	int code;
	const char *says;
} Line;

static const struct {
	const char *name, *procedure;
	void (*events)(GPtrArray *events);
	const char *says;
	Line lines[3];
} cases[] = {
    {"moved-by-us",
     "manual-restore",
     moved_by_us,
     "can come back on all hosts at once",
     {{"recoveryd start return-to-old-data -c ", 7, "refused, nothing was changed: 3 findings"}}},
    {"held",
     "manual-restore",
     moved_by_us_held,
     "can come back on all hosts at once",
     {{"recoveryd cancel ", 0, ""},
      {"recoveryd start return-to-old-data -c ", 7, "refused, nothing was changed: 3 findings"}}},
    {"by-script",
     "restore-cluster-state",
     moved_by_script,
     "moved the old data of m0 itself",
     {{"recoveryd runbook ", 0, "There is no way back any more"},
      {"recoveryd advise -c ", 7, "nobody could be asked"}}},
    {"nothing-moved",
     "replace-control-plane",
     moved_nothing,
     "No procedure takes back",
     {{"recoveryd runbook ", 0, "There is no way back any more"}}},
};

static void
type_line(Fixture *f, const Line *wanted, const char *line)
{
	g_auto(GStrv) argv = NULL;
	g_auto(Result) result = {0};
	g_autoptr(GError) error = NULL;

	if (!g_str_has_prefix(line, wanted->begins))
		g_error("\"%s\" does not begin with \"%s\"", line, wanted->begins);
	g_shell_parse_argv(line, NULL, &argv, &error);
	g_assert_no_error(error);
	g_free(argv[0]);
	argv[0] = cli_build_path("src/recoveryd");
	cli_spawn(f, argv, &result);
	if (result.code != wanted->code ||
	    (strstr(result.out, wanted->says) == NULL && strstr(result.err, wanted->says) == NULL))
		g_error("%s: exit code %d\n%s%s", line, result.code, result.out, result.err);
}

static void
test_behind(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data), n = 0;
	g_auto(Result) refused = {0};
	g_auto(GStrv) lines = NULL;
	Fixture f = {.procedure = cases[i].procedure};

	now = &f;
	cli_setup(&f, cases[i].events);
	cli_run(&f, "rollback %s --reason wrong-backup", 2, &refused);
	cli_assert_has(refused.err, cases[i].says);
	lines = g_strsplit(strstr(refused.err, ":\n  ") + strlen(":\n  "), "\n  ", 0);
	for (; lines[n] != NULL; n++) {
		g_assert_cmpuint(n, <, G_N_ELEMENTS(cases[i].lines));
		g_assert_nonnull(cases[i].lines[n].begins);
		type_line(&f, &cases[i].lines[n], g_strchomp(lines[n]));
	}
	g_assert_true(n == G_N_ELEMENTS(cases[i].lines) || cases[i].lines[n].begins == NULL);
	cli_teardown(&f, NULL);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = g_strdup_printf("/way-back/%s", cases[i].name);

		g_test_add_data_func(name, GUINT_TO_POINTER(i), test_behind);
	}
	return g_test_run();
}
