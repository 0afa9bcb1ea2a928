/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the core decides by itself. */

#include "machine-fixture.h"

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
			/* running is left for done by no way but the probe, or because nobody needs
			 * it any more */
			if (ok && life == RD_LIFE_RUNNING && what != RD_STEP_LEAVE)
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
	/* said at once, and it is the lock that holds the run, not an unknown outcome */
	g_assert_cmpint(f->clock, <, G_USEC_PER_SEC);
	assert_life(f, "stop", "m1", RD_LIFE_DOUBT);
}

/* a copy of us ended, gave the lock back, and another run has had it since: what we know is of
 * the past (design 8: a higher number found anywhere stops us) */
static void
test_higher_number_given_back(Fixture *f, gconstpointer data)
{
	guint taken;

	drive(f, 12);
	taken = count(f, "take");
	g_assert_cmpuint(taken, ==, 3);
	restart(f);
	script(f, "survey m1", "finished:back 7 r-2 by bob@b");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take"), ==, taken);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "bob@b"));
	/* typed by reflex: no */
	person(f, "resume", NULL, NULL);
	restart(f);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take"), ==, taken);
	/* it can be ended */
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "cancelled");
	g_assert_cmpuint(count(f, "take"), ==, taken);
}

/* a host that was excused comes back with a number above ours: the run that had it knew more */
static void
test_higher_number_of_one_that_returns(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) back = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdEvent *event;

	script(f, "survey m2", "unreachable");
	person(f, "excuse", NULL, "m2");
	drive(f, 12);
	g_assert_cmpuint(count(f, "take"), ==, 2);
	event = rd_event_text(rd_event_new(RD_EVENT_HOST, "present"), "it is back");
	rd_event_pair(rd_event_step(event, NULL, "m2", 0, 0), "alice", NULL);
	g_ptr_array_add(back, event);
	store(f, back);
	script(f, "survey m2", "finished:back 7 r-2 by bob@b");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take m2"), ==, 0);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "bob@b"));
}

/* before our first number: whatever is given back is of runs that are over */
static void
test_number_of_an_earlier_run(Fixture *f, gconstpointer data)
{
	for (guint i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("survey m%u", i);
		g_autofree char *line = g_strdup_printf("finished:back %u r-1", 5 + i);

		script(f, name, line);
	}
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "take m0 #8"), ==, 1);
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

/* a worker grants no lock at the start, but before it is touched */
static void
test_worker_is_taken_before_it_is_touched(Fixture *f, gconstpointer data)
{
	static const char *const workers[] = {"w0", NULL};
	RdPlanState *state;

	rd_plan_add_host(f->plan, "w0", "worker");
	state = rd_plan_add_state(f->plan, "roll", "t/roll", RD_KIND_CHANGE);
	add_targets(state, workers);
	rd_plan_add_unit(f->plan, "roll", 1);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "take w0 #"), ==, 1);
	g_assert_cmpuint(count(f, "enter roll@w0 #"), ==, 1);
	g_assert_cmpuint(count(f, "enter roll@w0 #0"), ==, 0);
	g_assert_cmpuint(count(f, "release w0"), ==, 1);
}

/* what changes nothing on a host of its own is guarded by the recovery host's lock, at the number
 * that this incarnation was granted there */
static void
test_cluster_is_guarded_by_the_recovery_host(Fixture *f, gconstpointer data)
{
	static const char *const cluster[] = {"cluster", NULL};
	RdPlanState *state = rd_plan_add_state(f->plan, "csr", "t/csr", RD_KIND_CHANGE);

	add_targets(state, cluster);
	rd_plan_add_unit(f->plan, "csr", 1);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "take m0 #1"), ==, 1);
	g_assert_cmpuint(count(f, "enter csr@cluster #0 behind m0 #1"), ==, 1);
	g_assert_cmpuint(count(f, "enter stop@m1 #1"), ==, 1);
	g_assert_cmpuint(count(f, "enter stop@m1 #1 behind"), ==, 0);
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

/* a body that only looks and kills its worker each time is not begun for ever */
static void
test_looking_crashes(Fixture *f, gconstpointer data)
{
	script(f, "look well@cluster", "lost:segmentation fault");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	assert_life(f, "well", "cluster", RD_LIFE_HELD);
	g_assert_cmpuint(count(f, "look well"), ==, 3);
	g_assert_nonnull(
	    strstr(rd_run_find_step(f->run, "well", "cluster")->text, "segmentation fault"));
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
	    {"looking-crashes", test_looking_crashes},
	    {"lost-did-act", test_lost_did_act},
	    {"lost-did-not-act", test_lost_did_not_act},
	    {"pause-after-a-fault-only", test_pause_after_a_fault_only},
	    {"restart-everywhere", test_restart_everywhere},
	    {"held-by-other", test_held_by_other},
	    {"fenced", test_fenced},
	    {"higher-number-given-back", test_higher_number_given_back},
	    {"higher-number-returns", test_higher_number_of_one_that_returns},
	    {"number-of-an-earlier-run", test_number_of_an_earlier_run},
	    {"crash-loop-is-held", test_crash_loop_is_held},
	    {"worker", test_worker_is_taken_before_it_is_touched},
	    {"cluster", test_cluster_is_guarded_by_the_recovery_host},
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
