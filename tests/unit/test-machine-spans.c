/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lasts longer than a step: states that work beside others, and what is borrowed. */

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

/* ---- borrowed ------------------------------------------------------------------------------ */

static void
test_given_back_at_its_place(Fixture *f, gconstpointer data)
{
	const RdOrder *order = drive_to(f, "undo lend@m1");

	g_assert_cmpuint(order->guards->len, ==, 1);
	g_assert_cmpint(sent_at(f, "enter work@m2"), >, 0);
	g_assert_cmpint(sent_at(f, "check last"), ==, -1);
	drive(f, 1000);
	assert_end(f, "done");
	assert_life(f, "lend", "m1", RD_LIFE_UNDONE);
	g_assert_cmpuint(count(f, "undo lend@m1"), ==, 1);
}

/* it was so before we came: nothing is ours to give back */
static void
test_nothing_borrowed(Fixture *f, gconstpointer data)
{
	script(f, "check lend@m1", "present");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "undo"), ==, 0);
}

static void
test_given_back_when_cancelled(Fixture *f, gconstpointer data)
{
	const RdOrder *order;

	drive_to(f, "enter work@m0");
	person(f, "cancel", NULL, NULL);
	order = drive_to(f, "undo lend@m1");
	/* nobody knows whether what return-when asks for will ever hold */
	g_assert_cmpuint(order->guards->len, ==, 0);
	drive(f, 1000);
	assert_end(f, "cancelled");
	g_assert_cmpuint(count(f, "undo lend@m1"), ==, 1);
	g_assert_cmpint(sent_at(f, "undo lend"), <, sent_at(f, "release"));
}

/* held half-way through the borrowing itself, and cancelled */
static void
test_half_borrowed(Fixture *f, gconstpointer data)
{
	script(f, "enter lend@m1", "permanent:broken");
	drive(f, 1000);
	assert_life(f, "lend", "m1", RD_LIFE_HELD);
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "cancelled");
	assert_life(f, "lend", "m1", RD_LIFE_UNDONE);
}

/* the API comes back after an hour: it is asked until then, and the journal stays small */
static void
test_given_back_late(Fixture *f, gconstpointer data)
{
	g_autoptr(GString) line = g_string_new(NULL);
	guint before;

	for (guint i = 0; i < 240; i++)
		g_string_append(line, "failed:no API,");
	g_string_append(line, "finished");
	script(f, "undo lend@m1", line->str);
	drive_to(f, "enter work@m0");
	person(f, "cancel", NULL, NULL);
	before = f->journal->len;
	drive(f, 5000);
	assert_end(f, "cancelled");
	g_assert_cmpint(f->clock, >, (gint64)3600 * G_USEC_PER_SEC);
	g_assert_cmpuint(count(f, "undo lend@m1"), ==, 241);
	g_assert_cmpuint(f->journal->len - before, <, 40);
}

/* the newest state first, on all of its hosts, then the one before: as it was built up */
static void
test_given_back_in_order(Fixture *f, gconstpointer data)
{
	state_of(f, "work")->borrow = g_strdup(RD_UNTIL_END);
	script(f, "enter roll@w0", "stay");
	drive_to(f, "enter roll@w0");
	person(f, "cancel", NULL, NULL);
	script(f, "enter roll@w0", "finished");
	script(f, "undo work@m2", "stay");
	drive(f, 1000);
	/* m1 is through with it, m2 is not */
	assert_life(f, "work", "m1", RD_LIFE_UNDONE);
	g_assert_cmpuint(count(f, "undo lend"), ==, 0);
	script(f, "undo work@m2", "finished");
	drive(f, 1000);
	assert_end(f, "cancelled");
	g_assert_cmpuint(count(f, "undo work"), ==, 3);
	g_assert_cmpuint(count(f, "undo lend"), ==, 1);
}

/* what return-when asks for does not come; the person has enough of it */
static void
test_cancelled_while_given_back(Fixture *f, gconstpointer data)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_RESULT, "m1", "failed");
	g_autoptr(GPtrArray) events = NULL;
	RdOrder *order = drive_to(f, "undo lend@m1");

	g_queue_remove(&f->hands, order);
	rd_order_free(order);
	report->text = g_strdup("guard t/well: two of three");
	events = rd_run_digest(f->run, report);
	store(f, events);
	/* nothing is in hand, the next try is some seconds away */
	assert_life(f, "lend", "m1", RD_LIFE_UNDOING);
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "cancelled");
	assert_life(f, "lend", "m1", RD_LIFE_UNDONE);
}

/* what was borrowed on a host that is powered off by now is told */
static void
test_excused_borrower(Fixture *f, gconstpointer data)
{
	script(f, "enter work@m1", "permanent:it is on fire");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	person(f, "excuse", NULL, "m1");
	drive(f, 1000);
	assert_end(f, "done with leftovers");
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "not given back: lend@m1"));
}

/* The host that it has to be given back on, or by whose lock, is another machine now: no time will
 * help, and a person is told why and has a word to say. */
static void
test_owing_rebuilt(Fixture *f, gconstpointer data)
{
	const RdStep *lend;

	drive_to(f, "enter work@m0");
	restart(f);
	script(f, "survey m1", "rebuilt:another machine");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "owing");
	assert_life(f, "lend", "m1", RD_LIFE_OWING);
	lend = rd_run_find_step(f->run, "lend", "m1");
	g_assert_cmpstr(lend->text, ==, "m1: another machine");
	/* nor is it asked for a lock that is gone with the old one */
	g_assert_cmpuint(count(f, "release m1"), ==, 0);
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "lock not given back on m1"));
	person(f, "decide", "lend@m1", "done");
	drive(f, 1000);
	assert_end(f, "cancelled");
}

/* what a person says of that host is heard as `resume` is: it goes on by itself */
static void
test_owing_excused(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	drive_to(f, "enter work@m0");
	restart(f);
	script(f, "survey m1", "rebuilt:another machine");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "owing");
	person(f, "excuse", NULL, "m1");
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_ENDING);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_ENDED);
	g_assert_cmpstr(rd_run_get_end(f->run), !=, "owing");
	/* and of a run that owes nothing any more nobody takes such a word */
	g_assert_null(rd_run_request(f->run, "excuse", NULL, "m1", "alice", "late", &error));
	g_assert_nonnull(strstr(error->message, "the run has ended"));
}

static void
test_owing(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) owed = NULL;

	script(f, "undo lend@m1", "permanent:somebody changed it,finished");
	drive_to(f, "enter work@m0");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "owing");
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "lend@m1: somebody changed it"));
	owed = rd_run_get_owed(f->run);
	g_assert_cmpuint(owed->len, ==, 1);
	restart(f);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "cancelled");
	g_assert_cmpuint(count(f, "undo lend@m1"), ==, 2);
}

static void
test_owing_is_settled_by_hand(Fixture *f, gconstpointer data)
{
	script(f, "undo lend@m1", "permanent:somebody changed it");
	drive_to(f, "enter work@m0");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "owing");
	person(f, "decide", "lend@m1", "done");
	drive(f, 1000);
	assert_end(f, "cancelled");
	g_assert_cmpuint(count(f, "undo lend@m1"), ==, 1);
}

/* killed inside undo: a higher number shuts out what may still touch, then once more */
static void
test_undo_lost(Fixture *f, gconstpointer data)
{
	const RdOrder *order = drive_to(f, "undo lend@m1");
	gint64 number = order->number;

	restart(f);
	order = drive_to(f, "undo lend@m1");
	g_assert_cmpint(order->number, >, number);
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "enter lend"), ==, 1);
}

/* the second attempt finds a half-done first: what was there before is what the first one saw */
static void
test_first_notes(Fixture *f, gconstpointer data)
{
	const RdOrder *order = drive_to(f, "check lend@m1");
	static const char *const values[] = {"Fail", "Ignore"};

	for (guint i = 0; i < 2; i++) {
		g_autoptr(RdReport) note = rd_report_new(RD_REPORT_NOTE, "m1", NULL);
		g_autoptr(GPtrArray) events = NULL;

		note->key = g_strdup("was");
		note->value = g_strdup(values[i]);
		events = rd_run_digest(f->run, note);
		store(f, events);
		if (i == 0) {
			script(f, "enter lend@m1", "failed:no,finished");
			script(f, "probe lend@m1", "absent,present");
			drive(f, 2);
			order = drive_to(f, "check lend@m1");
		}
	}
	order = drive_to(f, "undo lend@m1");
	g_assert_cmpstr(g_hash_table_lookup(order->first, "was"), ==, "Fail");
	g_assert_cmpstr(g_hash_table_lookup(order->notes, "was"), ==, "Ignore");
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
	    {"/machine/beside/another", test_returned_as_another},
	    {"/machine/borrow/at-its-place", test_given_back_at_its_place},
	    {"/machine/borrow/nothing", test_nothing_borrowed},
	    {"/machine/borrow/cancelled", test_given_back_when_cancelled},
	    {"/machine/borrow/half", test_half_borrowed},
	    {"/machine/borrow/late", test_given_back_late},
	    {"/machine/borrow/in-order", test_given_back_in_order},
	    {"/machine/borrow/cancelled-meanwhile", test_cancelled_while_given_back},
	    {"/machine/borrow/excused", test_excused_borrower},
	    {"/machine/borrow/owing", test_owing},
	    {"/machine/borrow/owing-rebuilt", test_owing_rebuilt},
	    {"/machine/borrow/owing-excused", test_owing_excused},
	    {"/machine/borrow/by-hand", test_owing_is_settled_by_hand},
	    {"/machine/borrow/undo-lost", test_undo_lost},
	    {"/machine/borrow/first-notes", test_first_notes},
	    {"/machine/first-outcome", test_first_outcome},
	    {"/machine/single-output", test_single_output},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, spans_setup, tests[i].func, teardown);
	return g_test_run();
}
