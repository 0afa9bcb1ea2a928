/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pure core, driven by hand: a table of answers plays the workers, an array the journal. */

#include <gio/gio.h>
#include <string.h>

#include "machine/run.h"

typedef struct {
	RdPlan *plan;
	RdRun *run;
	GPtrArray *journal; /* (element-type RdEvent) */
	GPtrArray *sent;    /* (element-type utf8) "what state@target #number" */
	GHashTable *script; /* "what state@target" or "what target" -> "word[:text],word…" */
	gint64 clock;
	gint64 numbers[3]; /* what the hosts' lock files say; 0: there is none */
	GQueue hands;	   /* (element-type RdOrder) sent, not answered */
} Fixture;

static void
store(Fixture *f, GPtrArray *events)
{
	g_autoptr(GError) error = NULL;

	for (guint i = 0; events != NULL && i < events->len; i++) {
		RdEvent *event = rd_event_copy(g_ptr_array_index(events, i));

		event->seq = f->journal->len + 1;
		g_ptr_array_add(f->journal, event);
		g_assert_true(rd_run_apply(f->run, event, &error));
		g_assert_no_error(error);
	}
}

static char *
order_name(const RdOrder *order)
{
	return order->state != NULL
		   ? g_strdup_printf("%s %s@%s", rd_do_to_string(order->what), order->state,
				     order->target)
		   : g_strdup_printf("%s %s", rd_do_to_string(order->what), order->target);
}

/* the first word of the script's line is used up, the last one stays */
static RdReport *
answer(Fixture *f, const RdOrder *order)
{
	g_autofree char *name = order_name(order);
	g_autofree char *line = g_strdup(g_hash_table_lookup(f->script, name));
	static const char *const good[] = {"finished", "finished", "finished", "finished", "absent",
					   "finished", "finished", "present",  "finished"};
	RdReport *report;
	char *comma, *colon;

	if (line == NULL)
		line = g_strdup(good[order->what]);
	comma = strchr(line, ',');
	if (comma != NULL) {
		g_hash_table_replace(f->script, g_strdup(name), g_strdup(comma + 1));
		*comma = '\0';
	}
	colon = strchr(line, ':');
	if (colon != NULL)
		*colon = '\0';
	if (strcmp(line, "lost") == 0)
		report = rd_report_new(RD_REPORT_LOST, order->target, "worker");
	else if (strcmp(line, "runner") == 0)
		report = rd_report_new(RD_REPORT_LOST, order->target, "runner");
	else
		report = rd_report_new(RD_REPORT_RESULT, order->target, line);
	report->text = g_strdup(colon != NULL ? colon + 1 : NULL);
	report->boot_id = g_strdup("boot-1");
	report->machine_id = g_strdup_printf("machine-%s", order->target);
	if (order->what == RD_DO_TAKE)
		f->numbers[order->target[1] - '0'] = order->number;
	if (order->what == RD_DO_SURVEY) {
		gint64 number = f->numbers[order->target[1] - '0'];

		report->number = number > 0 ? number : -1;
		report->run = g_strdup(number > 0 ? "ours" : NULL);
	}
	if (order->what == RD_DO_SURVEY && colon != NULL)
		report->holder = g_strdup(colon + 1);
	return report;
}

/* decides until nothing more comes, without answering */
static void
decide(Fixture *f)
{
	for (;;) {
		RdMove move;
		gboolean more;

		rd_run_decide(f->run, f->clock, &move);
		more = move.events != NULL || move.order != NULL || move.cancel != NULL;
		store(f, move.events);
		if (move.order != NULL) {
			g_autofree char *name = order_name(move.order);

			g_ptr_array_add(f->sent, g_strdup_printf("%s #%" G_GINT64_FORMAT, name,
								 move.order->number));
			g_queue_push_tail(&f->hands, g_steal_pointer(&move.order));
		}
		if (!more && move.wake > f->clock && g_queue_is_empty(&f->hands)) {
			f->clock = move.wake;
			more = TRUE;
		}
		rd_move_clear(&move);
		if (!more)
			return;
	}
}

/* runs on until only a person could say more, or after @orders answers */
static void
drive(Fixture *f, guint orders)
{
	decide(f);
	while (orders-- > 0 && !g_queue_is_empty(&f->hands)) {
		g_autoptr(RdOrder) order = g_queue_pop_head(&f->hands);
		g_autoptr(RdReport) report = answer(f, order);
		g_autoptr(GPtrArray) events = NULL;

		f->clock += 1000;
		rd_run_tick(f->run, f->clock);
		events = rd_run_digest(f->run, report);
		store(f, events);
		decide(f);
	}
}

static void
person(Fixture *f, const char *word, const char *step, const char *argument)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events =
	    rd_run_request(f->run, word, step, argument, "alice", "because", &error);

	g_assert_no_error(error);
	store(f, events);
}

/* a new engine: the fold of what is stored, everything in hand lost */
static void
restart(Fixture *f)
{
	g_autoptr(GPtrArray) started =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	g_autoptr(GPtrArray) lost = NULL;
	RdEvent *event = rd_event_new(RD_EVENT_ENGINE, "started");

	event->clock = f->clock;
	g_queue_clear_full(&f->hands, (GDestroyNotify)rd_order_free);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	for (guint i = 0; i < f->journal->len; i++)
		g_assert_true(rd_run_apply(f->run, g_ptr_array_index(f->journal, i), NULL));
	g_ptr_array_add(started, event);
	store(f, started);
	lost = rd_run_lost_all(f->run);
	store(f, lost);
}

static void
add_targets(RdPlanState *state, const char *const *targets)
{
	for (guint i = 0; targets[i] != NULL; i++)
		g_ptr_array_add(state->targets, g_strdup(targets[i]));
}

static void
setup(Fixture *f, gconstpointer data)
{
	static const char *const all[] = {"m0", "m1", "m2", NULL};
	static const char *const cluster[] = {RD_CLUSTER, NULL};
	RdPlanState *state;

	f->plan = rd_plan_new("test", "lab");
	rd_plan_add_host(f->plan, "m0", "recovery");
	rd_plan_add_host(f->plan, "m1", "control-plane");
	rd_plan_add_host(f->plan, "m2", "control-plane");
	state = rd_plan_add_state(f->plan, "facts", "t/facts", RD_KIND_QUERY);
	add_targets(state, cluster);
	rd_plan_add_unit(f->plan, "facts", 1);
	state = rd_plan_add_state(f->plan, "stop", "t/stop", RD_KIND_CHANGE);
	add_targets(state, all);
	state = rd_plan_add_state(f->plan, "save", "t/save", RD_KIND_CHANGE);
	add_targets(state, all);
	state->mark = RD_MARK_HOST_UNDO_ENDS;
	rd_plan_add_unit(f->plan, "both", 2);
	state = rd_plan_add_state(f->plan, "well", "t/well", RD_KIND_WAIT);
	add_targets(state, cluster);
	rd_plan_add_unit(f->plan, "well", 1);
	f->run = rd_run_new(f->plan);
	f->journal = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	f->sent = g_ptr_array_new_with_free_func(g_free);
	f->script = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	f->clock = 1;
	g_queue_init(&f->hands);
}

static void
teardown(Fixture *f, gconstpointer data)
{
	g_queue_clear_full(&f->hands, (GDestroyNotify)rd_order_free);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	g_ptr_array_unref(f->journal);
	g_ptr_array_unref(f->sent);
	g_hash_table_unref(f->script);
}

static void
script(Fixture *f, const char *name, const char *line)
{
	g_hash_table_replace(f->script, g_strdup(name), g_strdup(line));
}

static guint
count(Fixture *f, const char *prefix)
{
	guint n = 0;

	for (guint i = 0; i < f->sent->len; i++)
		n += g_str_has_prefix(g_ptr_array_index(f->sent, i), prefix);
	return n;
}

static void
assert_sent(Fixture *f, const char *expected)
{
	g_autofree char *text = NULL;

	g_ptr_array_add(f->sent, NULL);
	text = g_strjoinv("\n", (char **)f->sent->pdata);
	g_ptr_array_remove_index(f->sent, f->sent->len - 1);
	g_assert_cmpstr(text, ==, expected);
}

/* clock at which this attempt of the step began */
static gint64
step_clock(Fixture *f, const char *state, const char *target, guint attempt)
{
	for (guint i = 0; i < f->journal->len; i++) {
		const RdEvent *event = g_ptr_array_index(f->journal, i);

		if (event->kind == RD_EVENT_STEP && g_strcmp0(event->word, "begin") == 0 &&
		    g_strcmp0(event->state, state) == 0 && g_strcmp0(event->target, target) == 0 &&
		    event->attempt == attempt)
			return event->clock;
	}
	g_assert_not_reached();
}

static void
assert_life(Fixture *f, const char *state, const char *target, RdLife life)
{
	g_assert_cmpstr(rd_life_to_string(rd_run_find_step(f->run, state, target)->life), ==,
			rd_life_to_string(life));
}

/* every pair: what is not a row is refused and changes nothing */
static void
test_life_pairs(void)
{
	g_autoptr(GString) dot = g_string_new(NULL);
	guint legal = 0;

	rd_life_print_dot(dot);
	for (int life = 0; life <= RD_LIFE_LAST; life++) {
		for (int what = 0; what <= RD_STEP_EVENT_LAST; what++) {
			RdLife next = RD_LIFE_LAST;
			gboolean ok = rd_life_next(life, what, &next);
			g_autofree char *row =
			    g_strdup_printf("\t%s -> %s [label=\"%s\"];", rd_life_to_string(life),
					    rd_life_to_string(next), rd_step_event_to_string(what));

			legal += ok;
			g_assert_cmpint(ok, ==, strstr(dot->str, row) != NULL);
			/* nothing but intent may lead to running, nothing but undo to undoing */
			if (ok && next == RD_LIFE_RUNNING)
				g_assert_true(life == RD_LIFE_CHECKING && what == RD_STEP_INTENT);
			if (ok && rd_life_is_final(life))
				g_assert_cmpint(what, ==, RD_STEP_UNDO);
			/* running is left for done by no way but the probe */
			if (ok && life == RD_LIFE_RUNNING)
				g_assert_cmpint(next, !=, RD_LIFE_DONE);
		}
	}
	g_assert_cmpuint(legal, >, 50);
}

static void
test_straight(Fixture *f, gconstpointer data)
{
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	assert_sent(f, "survey m0 #0\nsurvey m1 #0\nsurvey m2 #0\n"
		       "take m0 #1\ntake m1 #1\ntake m2 #1\n"
		       "look facts@cluster #0\n"
		       "check stop@m0 #1\nenter stop@m0 #1\nprobe stop@m0 #1\n"
		       "check save@m0 #1\nenter save@m0 #1\nprobe save@m0 #1\n"
		       "check stop@m1 #1\nenter stop@m1 #1\nprobe stop@m1 #1\n"
		       "check save@m1 #1\nenter save@m1 #1\nprobe save@m1 #1\n"
		       "check stop@m2 #1\nenter stop@m2 #1\nprobe stop@m2 #1\n"
		       "check save@m2 #1\nenter save@m2 #1\nprobe save@m2 #1\n"
		       "look well@cluster #0\n"
		       "release m0 #1\nrelease m1 #1\nrelease m2 #1");
	g_assert_true(rd_run_passed(f->run, RD_MARK_HOST_UNDO_ENDS));
}

/* what is already true is not done again */
static void
test_present(Fixture *f, gconstpointer data)
{
	script(f, "check stop@m1", "present");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "enter stop@m1"), ==, 0);
}

/* a lost enter is fenced with a higher number, settled, and looked at; here it did act */
static void
test_lost_did_act(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1", "lost,finished");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "enter stop@m1"), ==, 1);
	g_assert_cmpuint(count(f, "take m1 #2"), ==, 1);
	g_assert_cmpuint(count(f, "settle stop@m1 #2"), ==, 1);
	g_assert_cmpuint(count(f, "enter save@m1 #2"), ==, 1);
}

/* … and here it did not: done once more, after the probe said so */
static void
test_lost_did_not_act(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1", "lost,finished");
	script(f, "probe stop@m1", "absent,present");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "enter stop@m1"), ==, 2);
	g_assert_cmpuint(rd_run_find_step(f->run, "stop", "m1")->attempt, ==, 2);
}

/* Who only lost the runner need not wait before the next attempt; who failed does. */
static void
test_pause_after_a_fault_only(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *enter;
		gboolean waits;
	} rows[] = {{"runner,finished", FALSE}, {"lost,finished", TRUE}, {"failed,finished", TRUE}};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		gint64 began, again;

		teardown(f, NULL);
		memset(f, 0, sizeof *f);
		setup(f, NULL);
		for (guint j = 0; j < f->plan->states->len; j++) {
			RdPlanState *state = g_ptr_array_index(f->plan->states, j);

			state->delay_s = 100;
			state->tries = 3;
		}
		script(f, "enter stop@m1", rows[i].enter);
		script(f, "probe stop@m1", "absent,present");
		drive(f, 1000);
		g_assert_cmpuint(count(f, "enter stop@m1"), ==, 2);
		began = step_clock(f, "stop", "m1", 1);
		again = step_clock(f, "stop", "m1", 2);
		g_assert_cmpint(again - began >= 100 * G_USEC_PER_SEC, ==, rows[i].waits);
	}
}

/* the engine dies after every order in turn, and again: nothing is entered without a probe */
static void
test_restart_everywhere(Fixture *f, gconstpointer data)
{
	gboolean finished = FALSE;

	for (guint at = 0; !finished; at++) {
		if (at > 0) {
			teardown(f, NULL);
			memset(f, 0, sizeof *f);
			setup(f, NULL);
		}
		drive(f, at);
		finished = rd_run_get_end(f->run) != NULL;
		if (!finished) {
			restart(f);
			drive(f, 1000);
		}
		g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
		for (guint i = 0; i < 3; i++) {
			g_autofree char *enter = g_strdup_printf("enter stop@m%u", i);
			g_assert_cmpuint(count(f, enter), ==, 1);
		}
		g_assert_cmpuint(at, <, 200);
	}
}

/* another run holds a host: nobody is taken, the run ends as refused and names the holder */
static void
test_held_by_other(Fixture *f, gconstpointer data)
{
	script(f, "survey m2", "finished:held by r-1 of bob@b since noon");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "refused");
	g_assert_cmpuint(count(f, "take"), ==, 0);
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "bob@b"));
}

/* a higher number appears while we work: stop, say by whom */
static void
test_fenced(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1", "fenced:held by r-2 of bob@b");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take m1 #2"), ==, 0);
	g_assert_cmpuint(count(f, "check stop@m2"), ==, 0);
}

/* a host that does not answer: asked for three minutes, then a person is; excused it is left out */
static void
test_gone_and_excused(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) causes = NULL;

	script(f, "survey m2", "unreachable:m2: no route");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpint(f->clock, >=, 180 * G_USEC_PER_SEC);
	g_assert_cmpuint(count(f, "survey m2"), >, 30);
	g_assert_cmpuint(f->journal->len, <, 10);
	causes = rd_run_get_causes(f->run);
	g_assert_cmpstr(g_ptr_array_index(causes, 0), ==, "m2: m2: no route");
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "check stop@m2"), ==, 0);
}

/* tries are for failures; then it is held, and resume looks again */
static void
test_exhausted_and_resumed(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m0", "failed:no,finished");
	script(f, "probe stop@m0", "absent,present");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	assert_life(f, "stop", "m0", RD_LIFE_HELD);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	/* the second time the probe found it done */
	g_assert_cmpuint(count(f, "enter stop@m0"), ==, 1);
}

static void
test_crash_loop_is_held(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m0", "lost");
	script(f, "probe stop@m0", "absent");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "enter stop@m0"), ==, 3);
}

static void
test_decide(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m0", "permanent:broken,finished");
	drive(f, 1000);
	assert_life(f, "stop", "m0", RD_LIFE_HELD);
	person(f, "decide", "stop@m0", "redo");
	script(f, "probe stop@m0", "absent,present");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "enter stop@m0"), ==, 2);
}

static void
test_abort_fails_the_run(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m0", "permanent:broken");
	drive(f, 1000);
	person(f, "decide", "stop@m0", "abort");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "failed");
	g_assert_cmpuint(count(f, "check stop@m1"), ==, 0);
	g_assert_cmpuint(count(f, "release"), ==, 3);
}

/* the step in hand comes to its end, the next does not begin, the lock is given back */
static void
test_cancel(Fixture *f, gconstpointer data)
{
	drive(f, 8);
	assert_life(f, "stop", "m0", RD_LIFE_RUNNING);
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "cancelled");
	assert_life(f, "stop", "m0", RD_LIFE_DONE);
	g_assert_cmpuint(count(f, "check save@m0"), ==, 0);
	g_assert_cmpuint(count(f, "release"), ==, 3);
}

static void
test_pause(Fixture *f, gconstpointer data)
{
	drive(f, 8);
	person(f, "pause", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_PAUSED);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
}

/* a rebuilt host is not taken by itself (INV-37) */
static void
test_another_machine(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(RdOrder) order = NULL;
	g_autoptr(RdReport) report = NULL;

	drive(f, 8);
	restart(f);
	decide(f);
	order = g_queue_pop_head(&f->hands);
	report = answer(f, order);
	g_free(report->machine_id);
	report->machine_id = g_strdup("another");
	events = rd_run_digest(f->run, report);
	store(f, events);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take m0 #2"), ==, 0);
}

/* a journal that is another procedure's is not folded into nonsense */
static void
test_misfit(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdEvent) event = rd_event_new(RD_EVENT_STEP, "intent");

	rd_event_step(event, "stop", "m0", 1, 1);
	g_assert_false(rd_run_apply(f->run, event, &error));
	g_assert_nonnull(strstr(error->message, "stop@m0"));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"straight", test_straight},
	    {"present", test_present},
	    {"lost-did-act", test_lost_did_act},
	    {"lost-did-not-act", test_lost_did_not_act},
	    {"pause-after-a-fault-only", test_pause_after_a_fault_only},
	    {"restart-everywhere", test_restart_everywhere},
	    {"held-by-other", test_held_by_other},
	    {"fenced", test_fenced},
	    {"gone-and-excused", test_gone_and_excused},
	    {"exhausted-and-resumed", test_exhausted_and_resumed},
	    {"crash-loop-is-held", test_crash_loop_is_held},
	    {"decide", test_decide},
	    {"abort-fails-the-run", test_abort_fails_the_run},
	    {"cancel", test_cancel},
	    {"pause", test_pause},
	    {"another-machine", test_another_machine},
	    {"misfit", test_misfit},
	};

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine/life-pairs", test_life_pairs);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/machine/%s", tests[i].name);
		g_test_add(path, Fixture, NULL, setup, tests[i].func, teardown);
	}
	return g_test_run();
}
