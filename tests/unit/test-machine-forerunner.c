/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An engine that goes on with a run: what the one before it, or one that went on with a copy of the
 * run, may still be touching. */

#include "spans-fixture.h"

/* What the engine before it still touches is waited for on workers, too, whose turn has not
 * come; the API has no lock that would shut it out. */
static void
test_forerunner(Fixture *f, gconstpointer data)
{
	restart(f);
	drive_to(f, "enter work@m0");
	g_assert_cmpuint(count(f, "survey w"), ==, 0);
	restart(f);
	script(f, "take w1", "stay");
	script(f, "survey m1", "stay");
	drive(f, 1000);
	/* everybody is asked before anybody is taken */
	g_assert_cmpuint(count(f, "survey w"), ==, 2);
	g_assert_cmpuint(count(f, "take w"), ==, 0);
	script(f, "survey m1", "finished");
	drive(f, 1000);
	g_assert_cmpuint(count(f, "take w0"), ==, 1);
	g_assert_cmpuint(count(f, "settle"), ==, 0);
	script(f, "take w1", "busy:pid 7 still touches,finished");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "settle"), >, 0);
	g_assert_cmpuint(count(f, "take w0"), ==, 1);
	g_assert_cmpuint(count(f, "take w1"), ==, 2);
}

/* one that does not answer is no obstacle, and no trouble before its turn */
static void
test_forerunner_silent(Fixture *f, gconstpointer data)
{
	restart(f);
	drive_to(f, "enter work@m0");
	restart(f);
	script(f, "survey w0", "unreachable:no route");
	drive_to(f, "enter work@m2");
	g_assert_cmpuint(count(f, "survey w0"), ==, 2);
	g_assert_cmpuint(events_of(f, RD_EVENT_REFUSED, "unreachable"), ==, 0);
	script(f, "survey w0", "finished");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "take w0"), ==, 1);
}

/* A copy of this run went on with a worker: we go nowhere, and take nothing from who does. */
static void
test_forerunner_is_ahead(Fixture *f, gconstpointer data)
{
	guint taken;

	restart(f);
	drive_to(f, "enter work@m0");
	taken = count(f, "take");
	restart(f);
	*number_of(f, "w1") = 7;
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "a copy of this run"));
	g_assert_cmpuint(count(f, "take"), ==, taken);
}

/* Another was faster at one control-plane host: no worker is taken, which he could not take back.
 */
static void
test_forerunner_was_faster(Fixture *f, gconstpointer data)
{
	restart(f);
	drive_to(f, "enter work@m0");
	restart(f);
	script(f, "take m1", "stay");
	drive(f, 1000);
	g_assert_cmpuint(count(f, "survey w"), ==, 2);
	g_assert_cmpuint(count(f, "take w"), ==, 0);
	script(f, "take m1", "fenced:lock #9 of a copy of this run");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take w"), ==, 0);
}

static void
watch_m1(Fixture *f)
{
	static const char *const m1[] = {"m1", NULL};
	RdPlanState *state = state_of(f, "watch");

	g_ptr_array_set_size(state->targets, 0);
	add_targets(state, m1);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	script(f, "enter watch@m1", "stay");
	script(f, "probe watch@m1", "absent");
}

/* A doubt of one lane gave the host a higher number, and what works beside on it is shut out by
 * that: the number that is there shuts out what it may have left as well. It goes on at once,
 * however long the first lane is busy. */
static void
test_own_number(Fixture *f, gconstpointer data)
{
	state_of(f, "work")->tries = 3;
	watch_m1(f);
	script(f, "enter work@m1", "unreachable:cut,stay");
	script(f, "probe work@m1", "absent,present");
	for (guint i = 0; i < 20; i++) {
		drive(f, 1000);
		f->clock += G_USEC_PER_SEC;
	}
	g_assert_cmpint(rd_run_find_host(f->run, "m1")->granted, ==, 2);
	assert_life(f, "work", "m1", RD_LIFE_RUNNING);
	script(f, "enter watch@m1", "fenced:the host has lock #2 of this run");
	drive(f, 1);
	script(f, "enter watch@m1", "stay");
	drive(f, 1000);
	assert_life(f, "watch", "m1", RD_LIFE_RUNNING);
	g_assert_cmpuint(count(f, "take m1"), ==, 2);
	g_assert_cmpuint(count(f, "enter watch@m1"), ==, 2);
	script(f, "enter work@m1", "finished");
	drive(f, 1000);
	assert_end(f, "done");
}

/* Held, and resumed while its host is still away: a person is told again, and not left waiting for
 * what is never asked any more. */
static void
test_resumed_too_soon(Fixture *f, gconstpointer data)
{
	watch_m1(f);
	script(f, "enter watch@m1", "permanent:look at this,stay");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	restart(f);
	script(f, "survey m1", "unreachable:no route");
	person(f, "resume", NULL, NULL);
	for (guint i = 0; i < 300 && rd_run_get_state(f->run) == RD_RUN_RUNNING; i++) {
		drive(f, 1000);
		f->clock += G_USEC_PER_SEC;
	}
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "no route"));
	restart(f);
	script(f, "survey m1", "finished");
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "done");
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add("/machine/forerunner/waited-for", Fixture, NULL, spans_setup, test_forerunner,
		   teardown);
	g_test_add("/machine/forerunner/silent", Fixture, NULL, spans_setup, test_forerunner_silent,
		   teardown);
	g_test_add("/machine/forerunner/is-ahead", Fixture, NULL, spans_setup,
		   test_forerunner_is_ahead, teardown);
	g_test_add("/machine/forerunner/was-faster", Fixture, NULL, spans_setup,
		   test_forerunner_was_faster, teardown);
	g_test_add("/machine/forerunner/own-number", Fixture, NULL, spans_setup, test_own_number,
		   teardown);
	g_test_add("/machine/forerunner/resumed-too-soon", Fixture, NULL, spans_setup,
		   test_resumed_too_soon, teardown);
	return g_test_run();
}
