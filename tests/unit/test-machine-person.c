/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a person's word does, and what needs one. */

#include "machine-fixture.h"

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

/* a person need not wait until the window is over */
static void
test_excused_while_asked(Fixture *f, gconstpointer data)
{
	script(f, "survey m2", "unreachable:m2: no route");
	drive(f, 4);
	decide(f);
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpint(f->clock, <, 180 * G_USEC_PER_SEC);
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

/* a wait that was lost, and then could not go on because a host was away: that time is not its own
 */
static void
test_away_is_not_charged(Fixture *f, gconstpointer data)
{
	script(f, "look well@cluster", "stay");
	drive(f, 1000);
	assert_life(f, "well", "cluster", RD_LIFE_LOOKING);
	for (guint i = 0; i < 2; i++) {
		restart(f);
		if (i > 0)
			person(f, "resume", NULL, NULL);
		script(f, "survey m2", "unreachable:m2: no route");
		drive(f, 1000);
		g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	}
	g_assert_cmpint(f->clock, >, 301 * G_USEC_PER_SEC);
	restart(f);
	person(f, "resume", NULL, NULL);
	script(f, "survey m2", "finished");
	drive(f, 1000);
	/* it has all of its time: nobody stops it */
	assert_life(f, "well", "cluster", RD_LIFE_LOOKING);
	script(f, "look well@cluster", "finished");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
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

/* … until a person says that it is the right one */
static void
test_enrolled(Fixture *f, gconstpointer data)
{
	test_another_machine(f, data);
	person(f, "enrol", NULL, "m0");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "take m0 #"), ==, 2);
}

/* a gate behind the first two states, then one that changes every host */
static void
add_reinstall(Fixture *f)
{
	static const char *const all[] = {"m0", "m1", "m2", NULL};
	RdPlanState *state = rd_plan_add_state(f->plan, "reboot", "t/reboot", RD_KIND_CHANGE);

	add_targets(state, all);
	rd_plan_add_unit(f->plan, "reboot", 1);
	state = g_ptr_array_index(f->plan->states, rd_plan_find_state(f->plan, "well"));
	rd_plan_state_set_gate(state, "reinstall", NULL, TRUE);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	script(f, "survey m0", "finished:back 4 alice");
	script(f, "survey m1", "finished:back 4 alice");
}

/* who was powered off for good is there again, made anew: asked, taken with a new lock, and has a
 * part in what follows, but not in what is behind */
static void
test_excused_and_back(Fixture *f, gconstpointer data)
{
	add_reinstall(f);
	script(f, "survey m2", "unreachable:m2: no route");
	decide(f);
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take m2"), ==, 0);
	script(f, "survey m2", "finished");
	person(f, "enrol", NULL, "m2");
	person(f, "approve", NULL, "reinstall");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "take m2"), ==, 1);
	g_assert_cmpuint(count(f, "enter stop@m2"), ==, 0);
	g_assert_cmpuint(count(f, "enter reboot@m2"), ==, 1);
	g_assert_cmpuint(count(f, "release m2"), ==, 1);
}

/* it took part, was lost in the middle, and comes back empty: what it had granted is gone with it
 */
static void
test_lost_and_back(Fixture *f, gconstpointer data)
{
	add_reinstall(f);
	script(f, "survey m2", "finished:back 4 alice,finished");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take m2"), ==, 1);
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	*number_of(f, "m2") = 0;
	person(f, "enrol", NULL, "m2");
	person(f, "approve", NULL, "reinstall");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "survey m2"), ==, 2);
	g_assert_cmpuint(count(f, "take m2"), ==, 2);
	g_assert_cmpuint(count(f, "enter reboot@m2"), ==, 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"gone-and-excused", test_gone_and_excused},
	    {"excused-while-asked", test_excused_while_asked},
	    {"exhausted-and-resumed", test_exhausted_and_resumed},
	    {"away-is-not-charged", test_away_is_not_charged},
	    {"decide", test_decide},
	    {"abort-fails-the-run", test_abort_fails_the_run},
	    {"cancel", test_cancel},
	    {"pause", test_pause},
	    {"another-machine", test_another_machine},
	    {"enrolled", test_enrolled},
	    {"excused-and-back", test_excused_and_back},
	    {"lost-and-back", test_lost_and_back},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/machine/%s", tests[i].name);
		g_test_add(path, Fixture, NULL, setup, tests[i].func, teardown);
	}
	return g_test_run();
}
