/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The way back, one thing after another; test-machine-turning.c turns back everywhere. */

#include "rollback-fixture.h"

/* what had to hold for the change has to hold for taking it back, and the probe proves it; what was
 * borrowed is given back whatever stands */
static void
test_guards(Fixture *f, gconstpointer data)
{
	drive_to(f, "check begin@m0");
	person(f, "rollback", NULL, NULL);
	drive_to(f, "undo place@m0");
	g_assert_cmpuint(f->hands.length, ==, 3); /* all hosts at once */
	for (GList *l = f->hands.head; l != NULL; l = l->next) {
		const RdOrder *order = l->data;

		g_assert_cmpuint(order->guards->len, ==, 1);
		g_assert_true(order->prove);
	}
	drive_to(f, "undo lend@m1");
	g_assert_cmpuint(((RdOrder *)f->hands.head->data)->guards->len, ==, 0);
	drive(f, 1000);
	assert_went_back(f);
}

/* what is in hand comes to its end before the first undo, whatever it is */
static void
test_in_hand_first(Fixture *f, gconstpointer data)
{
	script(f, "enter place@m1", "stay");
	drive_to(f, "enter place@m1");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_life(f, "place", "m0", RD_LIFE_DONE);
	g_assert_cmpuint(count(f, "undo"), ==, 0);
	script(f, "enter place@m1", "finished");
	drive(f, 1000);
	assert_went_back(f);
}

/* on other ways out it is as it was */
static void
test_no_proof_elsewhere(Fixture *f, gconstpointer data)
{
	drive_to(f, "check place@m0");
	person(f, "cancel", NULL, NULL);
	drive_to(f, "undo lend@m1");
	g_assert_false(((RdOrder *)f->hands.head->data)->prove);
}

/* one host cannot: the others wait for it in front of the barrier, and a person is asked */
static void
test_one_cannot(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) causes = NULL;

	script(f, "undo begin@m1", "permanent:it hangs,finished");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	assert_life(f, "begin", "m1", RD_LIFE_OWING);
	assert_life(f, "begin", "m2", RD_LIFE_UNDONE);
	g_assert_cmpuint(count(f, "undo place"), ==, 0);
	causes = rd_run_get_causes(f->run);
	g_assert_cmpuint(causes->len, ==, 1);
	g_assert_cmpstr(causes->pdata[0], ==, "begin@m1: it hangs");
	restart(f);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_went_back(f);
}

/* held, and typed again instead of resume: the same */
static void
test_typed_again(Fixture *f, gconstpointer data)
{
	script(f, "undo begin@m1", "permanent:it hangs,finished");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "rolled back");
	g_assert_cmpuint(count(f, "undo begin@m1"), ==, 2);
}

/* tried until its time is over, then held: not for ever, for the others stand still */
static void
test_one_fails(Fixture *f, gconstpointer data)
{
	gint64 began;

	script(f, "undo begin@m1", "failed:not yet");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	began = f->clock;
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	assert_life(f, "begin", "m1", RD_LIFE_OWING);
	g_assert_cmpint(f->clock - began, >=, (gint64)300 * G_USEC_PER_SEC);
	g_assert_cmpint(f->clock - began, <, (gint64)400 * G_USEC_PER_SEC);
	g_assert_cmpuint(count(f, "undo begin@m1"), >, 15);
	script(f, "undo begin@m1", "finished");
	person(f, "decide", "begin@m1", "redo");
	drive(f, 1000);
	assert_went_back(f);
}

/* a guard asks another host, which is silent: asked for so long, then a person is */
static void
test_guard_is_silent(Fixture *f, gconstpointer data)
{
	script(f, "undo place@m1", "unreachable:guard t/silent: m2: no route");
	drive_to(f, "check begin@m0");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	assert_life(f, "place", "m1", RD_LIFE_OWING);
	g_assert_cmpuint(f->journal->len, <, 200);
	script(f, "undo place@m1", "finished");
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_went_back(f);
}

static void
test_one_is_away(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) causes = NULL;

	script(f, "undo begin@m2", "unreachable:m2: no route");
	script(f, "take m2", "finished,unreachable:m2: no route");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "undo place"), ==, 0);
	causes = rd_run_get_causes(f->run);
	g_assert_cmpstr(causes->pdata[0], ==, "m2: m2: no route");
	/* it is back, and has all of its time */
	f->clock += (gint64)3600 * G_USEC_PER_SEC;
	rd_run_tick(f->run, f->clock);
	script(f, "undo begin@m2", "failed:kubelet is starting,finished");
	script(f, "take m2", "finished");
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_went_back(f);
}

/* it never comes back: said to be powered off, and the end says what was left there */
static void
test_one_is_gone(Fixture *f, gconstpointer data)
{
	script(f, "undo begin@m2", "unreachable:m2: no route");
	script(f, "take m2", "finished,unreachable:m2: no route");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	person(f, "excuse", NULL, "m2");
	assert_state(f, RD_RUN_ROLLBACK);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "rolled back");
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "not undone: begin@m2"));
	g_assert_null(strstr(rd_run_get_end_text(f->run), "@m1"));
	assert_life(f, "stop", "m1", RD_LIFE_UNDONE);
}

/* a host that was changed and then excused takes part again */
static void
test_excused_is_called_in(Fixture *f, gconstpointer data)
{
	script(f, "enter begin@m2", "permanent:it is on fire");
	drive(f, 1000);
	person(f, "excuse", NULL, "m2");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	g_assert_false(rd_run_find_host(f->run, "m2")->excused);
	drive(f, 1000);
	assert_went_back(f);
	assert_life(f, "begin", "m2", RD_LIFE_UNDONE);
}

/* one that this run never changed does not */
static void
test_excused_stays_excused(Fixture *f, gconstpointer data)
{
	script(f, "survey m2", "unreachable:m2: no route");
	drive(f, 1000);
	person(f, "excuse", NULL, "m2");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	g_assert_true(rd_run_find_host(f->run, "m2")->excused);
	drive(f, 1000);
	assert_went_back(f);
}

static void
test_verdicts(Fixture *f, gconstpointer data)
{
	g_autofree char *text = NULL;

	script(f, "undo begin@m1", "permanent:it hangs");
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	text = refusal(f, "decide", "begin@m1", "abort");
	g_assert_nonnull(strstr(text, "as a whole or not at all"));
	person(f, "decide", "begin@m1", "done");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "rolled back");
	g_assert_null(rd_run_get_end_text(f->run));
}

/* before host-undo-ends each host is by itself: one may be left as it is */
static void
test_given_up(Fixture *f, gconstpointer data)
{
	script(f, "undo stop@m1", "permanent:it hangs");
	drive_to(f, "check place@m0");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	person(f, "decide", "stop@m1", "abort");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "rolled back");
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "not undone: stop@m1"));
	assert_life(f, "stop", "m0", RD_LIFE_UNDONE);
}

static void
test_paused(Fixture *f, gconstpointer data)
{
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive_to(f, "undo place@m0");
	person(f, "pause", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_PAUSED);
	assert_life(f, "place", "m0", RD_LIFE_UNDONE);
	g_assert_cmpuint(count(f, "undo lend"), ==, 0);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_went_back(f);
}

/* left half-way, with the lock given back; and taken up again later */
static void
test_cancelled_and_again(Fixture *f, gconstpointer data)
{
	drive_to(f, "look well@cluster");
	person(f, "rollback", NULL, NULL);
	drive_to(f, "undo place@m0");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "cancelled");
	assert_life(f, "lend", "m1", RD_LIFE_UNDONE); /* borrowed */
	assert_life(f, "stop", "m1", RD_LIFE_DONE);
	restart(f);
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "rolled back");
	assert_life(f, "stop", "m1", RD_LIFE_UNDONE);
	g_assert_cmpuint(count(f, "undo begin@m1"), ==, 1);
}

/* a second attempt was lost before it touched: what the first one did is undone */
static void
test_earlier_attempt(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1", "failed:half of it");
	script(f, "probe stop@m1", "absent");
	drive_to(f, "probe stop@m1");
	drive_to(f, "check stop@m1");
	restart(f);
	assert_life(f, "stop", "m1", RD_LIFE_PENDING);
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_went_back(f);
	assert_life(f, "stop", "m1", RD_LIFE_UNDONE);
}

/* it was so before: not ours to undo */
static void
test_nothing_done(Fixture *f, gconstpointer data)
{
	script(f, "check stop@m1", "present");
	drive_to(f, "check place@m0");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_went_back(f);
	assert_life(f, "stop", "m1", RD_LIFE_DONE);
	g_assert_cmpuint(count(f, "undo stop@m1"), ==, 0);
}

static void
test_list(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) back = NULL;
	const RdStep *step;

	drive_to(f, "check begin@m0");
	back = rd_run_get_way_back(f->run);
	g_assert_cmpuint(back->len, ==, 8); /* place, watch, lend, stop */
	step = back->pdata[4];
	g_assert_cmpstr(step->plan->name, ==, "lend");
}

/* another has been there since */
static void
test_taken_over(Fixture *f, gconstpointer data)
{
	drive_to(f, "check place@m0");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	restart(f);
	script(f, "survey m1", "finished:back 77 r-other");
	person(f, "rollback", NULL, NULL);
	drive(f, 1000);
	assert_state(f, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "undo stop"), ==, 0);
}

static void
test_refused(Fixture *f, gconstpointer data)
{
	g_autofree char *passed = NULL, *done = NULL, *silent = NULL, *twice = NULL;
	g_autoptr(GError) error = NULL;
	Fixture other = {0};

	g_assert_null(rd_run_request(f->run, "rollback", NULL, NULL, "alice", NULL, &error));
	g_assert_nonnull(strstr(error->message, "reason"));
	drive_to(f, "enter serve@m0");
	passed = refusal(f, "rollback", NULL, NULL);
	g_assert_nonnull(strstr(passed, "point of no return is passed"));
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	done = refusal(f, "rollback", NULL, NULL);

	back_setup(&other, NULL);
	((RdPlanState *)other.plan->states->pdata[8])->mark = RD_MARK_NONE;
	drive(&other, 1000);
	silent = refusal(&other, "rollback", NULL, NULL);
	g_assert_nonnull(strstr(silent, "come to its end: done"));
	teardown(&other, NULL);

	memset(&other, 0, sizeof other);
	back_setup(&other, NULL);
	drive(&other, 10);
	person(&other, "rollback", NULL, NULL);
	drive(&other, 1000);
	twice = refusal(&other, "rollback", NULL, NULL);
	g_assert_nonnull(strstr(twice, "rolled back already"));
	teardown(&other, NULL);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"/rollback/guards", test_guards},
	    {"/rollback/in-hand-first", test_in_hand_first},
	    {"/rollback/typed-again", test_typed_again},
	    {"/rollback/no-proof-elsewhere", test_no_proof_elsewhere},
	    {"/rollback/one-cannot", test_one_cannot},
	    {"/rollback/one-fails", test_one_fails},
	    {"/rollback/guard-is-silent", test_guard_is_silent},
	    {"/rollback/one-is-away", test_one_is_away},
	    {"/rollback/one-is-gone", test_one_is_gone},
	    {"/rollback/excused/called-in", test_excused_is_called_in},
	    {"/rollback/excused/stays", test_excused_stays_excused},
	    {"/rollback/verdicts", test_verdicts},
	    {"/rollback/given-up", test_given_up},
	    {"/rollback/paused", test_paused},
	    {"/rollback/cancelled-and-again", test_cancelled_and_again},
	    {"/rollback/earlier-attempt", test_earlier_attempt},
	    {"/rollback/nothing-done", test_nothing_done},
	    {"/rollback/list", test_list},
	    {"/rollback/taken-over", test_taken_over},
	    {"/rollback/refused", test_refused},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, back_setup, tests[i].func, teardown);
	return g_test_run();
}
