/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* States that work beside others. What is borrowed: test-machine-borrow.c */

#include "spans-fixture.h"

/* ---- beside -------------------------------------------------------------------------------- */

static void
test_beside(Fixture *f, gconstpointer data)
{
	drive(f, 1000);
	assert_end(f, "done");
	assert_life(f, "watch", "cluster", RD_LIFE_DONE);
	g_assert_cmpuint(count(f, "enter watch"), ==, 1);
	/* in hand while the others worked, and told to stop when its span was through */
	g_assert_cmpint(sent_at(f, "enter watch"), <, sent_at(f, "enter work@m0"));
	g_assert_cmpuint(events_of(f, RD_EVENT_STEP, "leave"), ==, 1);
}

static void
test_beside_until_end(Fixture *f, gconstpointer data)
{
	RdPlanState *state = state_of(f, "watch");

	g_free(state->beside);
	state->beside = g_strdup(RD_UNTIL_END);
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "release"), ==, 5);
}

static void
test_beside_lost(Fixture *f, gconstpointer data)
{
	drive_to(f, "enter work@m1");
	restart(f);
	drive(f, 1000);
	assert_end(f, "done");
	/* in doubt, asked, and begun anew: never twice at once */
	g_assert_cmpuint(count(f, "enter watch"), ==, 2);
	g_assert_cmpuint(count(f, "probe watch"), ==, 1);
}

/* A doubt about the recovery host gives it a higher number, which shuts out what works for the
 * cluster under the old one: that is nobody else's lock, and it goes on under the new one. */
static void
test_beside_fenced_by_ourselves(Fixture *f, gconstpointer data)
{
	script(f, "enter work@m0", "runner,finished");
	script(f, "probe work@m0", "absent,present");
	drive_to(f, "settle work@m0");
	g_assert_cmpint(rd_run_find_host(f->run, "m0")->granted, ==, 2);
	script(f, "enter watch@cluster", "fenced:lock #2 of this run,stay");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(events_of(f, RD_EVENT_REFUSED, "fenced"), ==, 0);
	g_assert_cmpuint(count(f, "enter watch"), ==, 2);
}

/* somebody else's number stops it, as it stops everything */
static void
test_beside_fenced(Fixture *f, gconstpointer data)
{
	drive_to(f, "enter work@m0");
	script(f, "enter watch@cluster", "fenced:lock #7 of another run");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(events_of(f, RD_EVENT_REFUSED, "fenced"), ==, 1);
}

/* the recovery host is another machine now: nothing is changed for the cluster any more, and the
 * run comes to rest although what works beside is in doubt */
static void
test_beside_rebuilt(Fixture *f, gconstpointer data)
{
	drive_to(f, "enter work@m1");
	restart(f);
	script(f, "take m0", "rebuilt:another machine");
	for (guint i = 0; i < 2; i++) {
		drive(f, 1000);
		g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
		person(f, "resume", NULL, NULL);
	}
}

/* a step that is held: what works beside comes to rest as well, and goes on afterwards */
static void
test_beside_comes_to_rest(Fixture *f, gconstpointer data)
{
	script(f, "enter work@m1", "permanent:broken,finished");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	assert_life(f, "watch", "cluster", RD_LIFE_WAITING);
	g_assert_true(g_queue_is_empty(&f->hands));
	restart(f);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "done");
}

static void
test_beside_cancelled(Fixture *f, gconstpointer data)
{
	drive_to(f, "enter work@m1");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "cancelled");
	assert_life(f, "watch", "cluster", RD_LIFE_DONE);
}

/* What looks whether a watch touched is not told to stop: it would leave the doubt that it was sent
 * for, and be sent again, for ever. */
static void
test_beside_cancelled_in_doubt(Fixture *f, gconstpointer data)
{
	script(f, "enter watch@cluster", "lost,stay");
	drive_to(f, "settle watch@cluster");
	person(f, "cancel", NULL, NULL);
	decide(f);
	g_assert_false(g_hash_table_contains(f->stopped, "cluster/watch"));
	drive(f, 1000);
	assert_end(f, "cancelled");
	g_assert_cmpuint(count(f, "settle watch"), ==, 1);
}

/* what works beside the rest has something to say: nothing else begins before a person has looked
 */
static void
test_beside_holds(Fixture *f, gconstpointer data)
{
	script(f, "enter lend@m1", "stay");
	script(f, "enter watch@cluster", "permanent:look at this,stay");
	drive(f, 1000);
	script(f, "enter lend@m1", "finished");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "look at this"));
	g_assert_cmpuint(count(f, "check work"), ==, 0);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "done");
}

static void
watch_hosts(Fixture *f)
{
	static const char *const others[] = {"m1", "m2", NULL};
	RdPlanState *state = state_of(f, "watch");

	g_ptr_array_set_size(state->targets, 0);
	add_targets(state, others);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	script(f, "enter watch@m1", "stay");
	script(f, "probe watch@m1", "absent");
	script(f, "probe watch@m2", "absent");
	script(f, "survey m2", "unreachable");
}

/* on hosts, each in a lane of its own beside the host's; a doubt in it fences the host anew */
static void
test_beside_hosts(Fixture *f, gconstpointer data)
{
	watch_hosts(f);
	script(f, "survey m2", "finished");
	script(f, "enter watch@m2", "lost,stay");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "enter watch@m1"), ==, 1);
	g_assert_cmpuint(count(f, "enter watch@m2"), ==, 2);
	g_assert_cmpuint(count(f, "settle watch@m2"), ==, 1);
	g_assert_cmpuint(count(f, "take m2"), ==, 2);
}

/* whose lock another has is told by that host's name, whichever lane found it */
static void
test_beside_hosts_fenced(Fixture *f, gconstpointer data)
{
	watch_hosts(f);
	script(f, "survey m2", "finished");
	drive_to(f, "enter work@m0");
	script(f, "enter watch@m1", "fenced:lock #7 of another run");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpstr(rd_run_find_host(f->run, "m1")->trouble_word, ==, "fenced");
	g_assert_null(rd_run_find_host(f->run, "m0")->trouble_word);
}

/* Who heard of another's number at a worker asks no host for one of his own any more, not even for
 * a doubt: each of both would have a part of the cluster. */
static void
test_beside_fenced_at_a_worker(Fixture *f, gconstpointer data)
{
	RdPlanHost *worker = g_ptr_array_index(f->plan->hosts, 1);

	g_assert_cmpstr(worker->name, ==, "m1");
	worker->locked = FALSE;
	watch_hosts(f);
	script(f, "survey m2", "finished");
	script(f, "enter watch@m2", "stay");
	drive_to(f, "enter work@m1");
	script(f, "enter work@m1", "fenced:lock #7 of another run");
	drive(f, 1);
	g_assert_cmpstr(rd_run_find_host(f->run, "m1")->trouble_word, ==, "fenced");
	script(f, "enter watch@m2", "lost,stay");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	assert_life(f, "watch", "m2", RD_LIFE_DOUBT);
	g_assert_cmpuint(count(f, "take m2"), ==, 1);
}

/* doubts in two lanes of one host: the number that is asked for already shuts out both */
static void
test_beside_hosts_doubt(Fixture *f, gconstpointer data)
{
	watch_hosts(f);
	script(f, "survey m2", "finished");
	script(f, "enter watch@m2", "stay");
	drive_to(f, "enter work@m2");
	script(f, "enter work@m2", "lost,finished");
	drive(f, 1);
	g_assert_cmpuint(count(f, "take m2"), ==, 2);
	script(f, "enter watch@m2", "lost,stay");
	drive(f, 1);
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "settle"), ==, 2);
	g_assert_cmpuint(count(f, "take m2"), ==, 2);
}

/* A host that was stated to be powered off is asked before anything begins, and now and then. When
 * it answers it is fenced before anything else begins; no step is made for it, but what watches
 * beside the rest watches it, too. */
static void
test_returned(Fixture *f, gconstpointer data)
{
	watch_hosts(f);
	script(f, "enter watch@m2", "permanent:an odd one");
	script(f, "enter work@m0", "stay");
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	g_assert_cmpint(sent_at(f, "survey m2"), <, sent_at(f, "check watch"));
	g_assert_cmpuint(count(f, "survey m2"), ==, 1);
	g_assert_cmpuint(events_of(f, RD_EVENT_REFUSED, "unreachable"), ==, 0);
	f->clock += 31 * G_USEC_PER_SEC;
	script(f, "survey m2", "finished");
	drive(f, 1000);
	g_assert_cmpuint(events_of(f, RD_EVENT_HOST, "returned"), ==, 1);
	g_assert_cmpuint(count(f, "take m2"), ==, 1);
	g_assert_cmpint(sent_at(f, "take m2"), <, sent_at(f, "enter watch@m2"));
	script(f, "enter work@m0", "finished");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "an odd one"));
	g_assert_cmpuint(count(f, "check work"), ==, 1);
	/* off again, as was said */
	script(f, "survey m2", "unreachable");
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "check work@m1"), ==, 1);
	g_assert_cmpuint(count(f, "check work@m2"), ==, 0);
}

/* One that was left out is made anew, and taken in while others work: what works beside them was
 * sent without it, and is sent again. */
static void
test_beside_enrolled(Fixture *f, gconstpointer data)
{
	script(f, "survey m2", "unreachable:no route");
	script(f, "enter work@m0", "stay");
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	g_assert_cmpuint(count(f, "enter watch"), ==, 1);
	f->clock += 31 * G_USEC_PER_SEC;
	script(f, "survey m2", "finished");
	person(f, "enrol", NULL, "m2");
	drive(f, 1000);
	g_assert_cmpuint(count(f, "enter watch"), ==, 2);
	script(f, "enter work@m0", "finished");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "enter watch"), ==, 2);
}

/* somebody makes another machine of it: that one is enrolled by a person, or not at all */
static void
test_returned_as_another(Fixture *f, gconstpointer data)
{
	watch_hosts(f);
	script(f, "survey m2", "finished");
	script(f, "enter watch@m2", "stay");
	drive_to(f, "enter work@m1");
	script(f, "survey m2", "finished");
	rd_run_find_host(f->run, "m2")->machine_id[0] = 'x';
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "survey m2"), >, 1);
	g_assert_cmpuint(events_of(f, RD_EVENT_HOST, "returned"), ==, 0);
}

static void
test_first_outcome(Fixture *f, gconstpointer data)
{
	RdPlanState *state = state_of(f, "work");

	g_ptr_array_set_size(state->targets, 1);
	rd_run_free(f->run);
	rd_plan_state_add_edge(state, "fine", "last");
	state->outcome = g_strdup("fine");
	f->run = rd_run_new(f->plan);
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "check work"), ==, 1);
	g_assert_cmpuint(count(f, "check roll"), ==, 0);
}

/* ${state.output} of the recovery host is one value wherever one stands */
static void
test_single_output(Fixture *f, gconstpointer data)
{
	RdPlanState *state = state_of(f, "lend");
	g_autoptr(RdReport) output = rd_report_new(RD_REPORT_OUTPUT, "m1", NULL);
	g_autoptr(GPtrArray) events = NULL;
	const RdOrder *order;

	state->single = TRUE;
	g_hash_table_insert(state_of(f, "work")->with, g_strdup("x"), g_strdup("${lend.x}"));
	drive_to(f, "enter lend@m1");
	output->key = g_strdup("x");
	output->value = g_strdup("value");
	events = rd_run_digest(f->run, output);
	store(f, events);
	order = drive_to(f, "check work@m2");
	g_assert_cmpstr(g_hash_table_lookup(order->with, "x"), ==, "value");
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"/machine/beside", test_beside},
	    {"/machine/beside/until-end", test_beside_until_end},
	    {"/machine/beside/lost", test_beside_lost},
	    {"/machine/beside/fenced-by-ourselves", test_beside_fenced_by_ourselves},
	    {"/machine/beside/fenced", test_beside_fenced},
	    {"/machine/beside/rebuilt", test_beside_rebuilt},
	    {"/machine/beside/comes-to-rest", test_beside_comes_to_rest},
	    {"/machine/beside/cancelled", test_beside_cancelled},
	    {"/machine/beside/cancelled-in-doubt", test_beside_cancelled_in_doubt},
	    {"/machine/beside/holds", test_beside_holds},
	    {"/machine/beside/hosts", test_beside_hosts},
	    {"/machine/beside/hosts-fenced", test_beside_hosts_fenced},
	    {"/machine/beside/hosts-doubt", test_beside_hosts_doubt},
	    {"/machine/beside/fenced-at-a-worker", test_beside_fenced_at_a_worker},
	    {"/machine/beside/returned", test_returned},
	    {"/machine/beside/enrolled", test_beside_enrolled},
	    {"/machine/beside/another", test_returned_as_another},
	    {"/machine/first-outcome", test_first_outcome},
	    {"/machine/single-output", test_single_output},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, spans_setup, tests[i].func, teardown);
	return g_test_run();
}
