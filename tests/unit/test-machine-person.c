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

/* a plan whose one change on the cluster has ten minutes, and nobody knows what became of it */
static void
doubt_of_the_api(Fixture *f)
{
	static const char *const cluster[] = {"cluster", NULL};
	RdPlanState *state = rd_plan_add_state(f->plan, "csr", "t/csr", RD_KIND_CHANGE);

	add_targets(state, cluster);
	state->timeout_s = 600;
	rd_plan_add_unit(f->plan, "csr", 1);
	rd_run_free(f->run);
	f->run = rd_run_new(f->plan);
	script(f, "enter csr@cluster", "unreachable:connection refused");
	script(f, "probe csr@cluster", "unreachable:connection refused");
}

/* an API that is away for longer than a host may be, and back within the step's own time */
static void
test_api_comes_back(Fixture *f, gconstpointer data)
{
	doubt_of_the_api(f);
	while (f->clock < 400 * G_USEC_PER_SEC && rd_run_get_state(f->run) != RD_RUN_HELD)
		drive(f, 1);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_RUNNING);
	script(f, "probe csr@cluster", "present");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "enter csr@cluster"), ==, 1);
}

static void
test_api_stays_away(Fixture *f, gconstpointer data)
{
	doubt_of_the_api(f);
	drive(f, 2000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	assert_life(f, "csr", "cluster", RD_LIFE_HELD);
	g_assert_cmpint(f->clock, >=, 600 * G_USEC_PER_SEC);
	g_assert_cmpint(f->clock, <, 610 * G_USEC_PER_SEC);
}

/* a host is another matter, whatever time its step has */
static void
test_host_in_doubt(Fixture *f, gconstpointer data)
{
	RdPlanState *state =
	    g_ptr_array_index(f->plan->states, rd_plan_find_state(f->plan, "stop"));

	state->timeout_s = 600;
	script(f, "enter stop@m1", "unreachable:no sign of life");
	script(f, "settle stop@m1", "unreachable:no connection");
	drive(f, 2000);
	assert_life(f, "stop", "m1", RD_LIFE_HELD);
	g_assert_cmpint(f->clock, >=, 180 * G_USEC_PER_SEC);
	g_assert_cmpint(f->clock, <, 200 * G_USEC_PER_SEC);
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

/* the same after a hold: a person resumes it, and then a host is away */
static void
test_resumed_and_away(Fixture *f, gconstpointer data)
{
	RdPlanState *well = g_ptr_array_index(f->plan->states, rd_plan_find_state(f->plan, "well"));

	/* less than a host is waited for */
	well->timeout_s = 60;
	script(f, "look well@cluster", "stay");
	drive(f, 1000);
	f->clock = rd_step_deadline(rd_run_find_step(f->run, "well", "cluster")) + 1;
	drive(f, 1000);
	assert_life(f, "well", "cluster", RD_LIFE_HELD);
	for (guint i = 0; i < 2; i++) {
		restart(f);
		person(f, "resume", NULL, NULL);
		script(f, "survey m2", i == 0 ? "unreachable:m2: no route" : "finished");
		script(f, "look well@cluster", "stay");
		drive(f, 1000);
	}
	assert_life(f, "well", "cluster", RD_LIFE_LOOKING);
	g_assert_cmpint(rd_step_deadline(rd_run_find_step(f->run, "well", "cluster")), >, f->clock);
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

/* what makes no sense now is refused, with the reason; nothing follows from it */
static void
refused(Fixture *f, const char *word, const char *step, const char *argument, const char *because)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events =
	    rd_run_request(f->run, word, step, argument, "alice", "because", &error);

	g_assert_null(events);
	g_assert_nonnull(error);
	if (strstr(error->message, because) == NULL)
		g_error("\"%s\" is not in \"%s\"", because, error->message);
}

static void
let_skip(Fixture *f, const char *state)
{
	RdPlanState *plan = g_ptr_array_index(f->plan->states, rd_plan_find_state(f->plan, state));

	plan->skippable = TRUE;
}

/* only what may be left out, only at its turn, and never what may have touched */
static void
test_skip(Fixture *f, gconstpointer data)
{
	let_skip(f, "stop");
	let_skip(f, "well");
	script(f, "check stop@m0", "permanent:no,absent");
	drive(f, 1000);
	assert_life(f, "stop", "m0", RD_LIFE_HELD);
	refused(f, "skip", "save@m0", NULL, "skippable");
	refused(f, "skip", "well@cluster", NULL, "has not come");
	person(f, "skip", "stop@m0", NULL);
	assert_life(f, "stop", "m0", RD_LIFE_SKIPPED);
	refused(f, "skip", "stop@m0", NULL, "is skipped");
	script(f, "enter stop@m1", "permanent:broken");
	drive(f, 1000);
	assert_life(f, "stop", "m1", RD_LIFE_HELD);
	refused(f, "skip", "stop@m1", NULL, "may have touched");
	person(f, "decide", "stop@m1", "done");
	script(f, "look well@cluster", "stay");
	drive(f, 1000);
	refused(f, "skip", "well@cluster", NULL, "pause the run first");
	person(f, "pause", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_PAUSED);
	person(f, "skip", "well@cluster", NULL);
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "enter stop@m0"), ==, 0);
}

/* its deadline moves by just that much, also for an engine that comes later */
static void
test_extend(Fixture *f, gconstpointer data)
{
	RdStep *step;
	gint64 deadline;

	refused(f, "extend", "well@cluster", "30m", "has not come");
	script(f, "look well@cluster", "stay");
	drive(f, 1000);
	step = rd_run_find_step(f->run, "well", "cluster");
	deadline = rd_step_deadline(step);
	refused(f, "extend", "well@cluster", "soon", "no time");
	refused(f, "extend", "well@cluster", "-5m", "no time");
	refused(f, "extend", "well@cluster", "25h", "24h");
	person(f, "extend", "well@cluster", "30m");
	g_assert_cmpint(rd_step_deadline(step), ==, deadline + 1800 * G_USEC_PER_SEC);
	refused(f, "extend", "well@cluster", "24h", "24h");
	/* it is not stopped before */
	f->clock = deadline + 1799 * G_USEC_PER_SEC;
	decide(f);
	g_assert_false(g_hash_table_contains(f->stopped, "cluster"));
	restart(f);
	step = rd_run_find_step(f->run, "well", "cluster");
	g_assert_cmpint(step->extra, ==, 1800 * G_USEC_PER_SEC);
	drive(f, 1000);
	deadline = rd_step_deadline(step);
	f->clock = deadline + 1;
	decide(f);
	g_assert_true(g_hash_table_contains(f->stopped, "cluster"));
	drive(f, 1000);
	assert_life(f, "well", "cluster", RD_LIFE_HELD);
	refused(f, "extend", "well@cluster", "30m", "resume");
}

/* the deadline comes while somebody looks once more: what he was sent for is told, not that he was
 * called back */
static void
test_deadline_in_doubt(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1", "unreachable:m1: no connection");
	script(f, "probe stop@m1", "stay");
	drive(f, 1000);
	assert_life(f, "stop", "m1", RD_LIFE_PROBING);
	f->clock = rd_step_deadline(rd_run_find_step(f->run, "stop", "m1")) + 1;
	drive(f, 1000);
	assert_life(f, "stop", "m1", RD_LIFE_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "m1: no connection"));
}

/* Whoever was away for most of the time is named beside what was missing at last; a short absence
 * is not worth a word. */
static void
test_deadline_away(Fixture *f, gconstpointer data)
{
	static const struct {
		guint seconds;
		gboolean told;
	} cases[] = {{200, TRUE}, {20, FALSE}};

	script(f, "enter stop@m1", "stay");
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RdReport) report = rd_report_new(RD_REPORT_RESULT, "m1", "unreachable");
		g_autoptr(GPtrArray) events = NULL;
		const RdStep *step = rd_run_find_step(f->run, "stop", "m1");

		script(f, "check stop@m1", "stay");
		drive(f, 1000);
		assert_life(f, "stop", "m1", RD_LIFE_CHECKING);
		g_queue_clear_full(&f->hands, (GDestroyNotify)rd_order_free);
		f->clock += cases[i].seconds * G_USEC_PER_SEC;
		rd_run_tick(f->run, f->clock);
		report->text = g_strdup("m1: no connection");
		events = rd_run_digest(f->run, report);
		store(f, events);
		script(f, "check stop@m1", "absent");
		drive(f, 1000);
		assert_life(f, "stop", "m1", RD_LIFE_RUNNING);
		f->clock = rd_step_deadline(step) + 1;
		drive(f, 1000);
		g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
		g_test_message("%s", rd_run_get_held_text(f->run));
		g_assert_true((strstr(rd_run_get_held_text(f->run),
				      "for 200 s of its time nobody answered, at last: m1: no "
				      "connection") != NULL) == cases[i].told);
		script(f, "probe stop@m1", "absent,present");
		person(f, "resume", NULL, NULL);
	}
}

/* what an attempt failed of is told, and not only what was found behind it */
static void
test_failed_and_found(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1",
	       "failed:a webhook refuses,failed:a webhook refuses,failed:a webhook refuses");
	script(f, "probe stop@m1",
	       "absent:it is the old one,absent:it is the old one,absent:it is the old one");
	drive(f, 1000);
	assert_life(f, "stop", "m1", RD_LIFE_HELD);
	g_test_message("%s", rd_run_get_held_text(f->run));
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run),
				"a webhook refuses; behind it: it is the old one (attempt"));
}

/* but who has only heard that he is to stop knows less than whoever looked until the deadline */
static void
test_deadline_after_stop(Fixture *f, gconstpointer data)
{
	script(f, "enter stop@m1", "unreachable:m1: told to stop");
	script(f, "probe stop@m1", "stay:m1: no etcd runs");
	drive(f, 1000);
	assert_life(f, "stop", "m1", RD_LIFE_PROBING);
	f->clock = rd_step_deadline(rd_run_find_step(f->run, "stop", "m1")) + 1;
	drive(f, 1000);
	assert_life(f, "stop", "m1", RD_LIFE_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "m1: no etcd runs"));
}

/* what cannot touch does not go on waiting for a cluster that is another's */
static void
test_fenced_while_waiting(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) fenced = NULL;

	script(f, "look well@cluster", "stay");
	drive(f, 1000);
	assert_life(f, "well", "cluster", RD_LIFE_LOOKING);
	fenced = rd_run_fenced(f->run, "m1", "the host has lock #9 of run r-2");
	store(f, fenced);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "#9 of run r-2"));
}

/* The journal is behind what the hosts know: its own number is above all that it has asked for.
 * That is a stranger's, unless the run was made anew from there. */
static void
test_taken_over(Fixture *f, gconstpointer data)
{
	gboolean known = data != NULL;

	drive(f, 8);
	for (guint i = 0; i < 3; i++) {
		g_autofree char *host = g_strdup_printf("m%u", i);
		RdEvent *event = rd_event_new(RD_EVENT_HOST, "taken-over");
		g_autoptr(GPtrArray) events =
		    g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

		*number_of(f, host) = 5;
		rd_event_step(event, NULL, host, 0, 0);
		g_ptr_array_add(events, rd_event_number(event, 5));
		if (known)
			store(f, events);
	}
	restart(f);
	drive(f, 1000);
	if (!known) {
		g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
		g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "a copy of this run"));
		return;
	}
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "take m0 #6"), ==, 1);
}

static void
test_copied(Fixture *f, gconstpointer data)
{
	test_taken_over(f, NULL);
}

static void
test_rebuilt(Fixture *f, gconstpointer data)
{
	test_taken_over(f, "known");
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
	rd_plan_state_set_gate(state, "reinstall", NULL, TRUE, FALSE);
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
	script(f, "survey m2", "finished:back 4 alice,unreachable");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "take m2"), ==, 1);
	person(f, "excuse", NULL, "m2");
	drive(f, 1000);
	*number_of(f, "m2") = 0;
	script(f, "survey m2", "finished");
	g_ptr_array_set_size(f->sent, 0);
	person(f, "enrol", NULL, "m2");
	person(f, "approve", NULL, "reinstall");
	drive(f, 1000);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
	g_assert_cmpuint(count(f, "survey m2"), ==, 1);
	g_assert_cmpuint(count(f, "take m2"), ==, 1);
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
	    {"api-comes-back", test_api_comes_back},
	    {"api-stays-away", test_api_stays_away},
	    {"host-in-doubt", test_host_in_doubt},
	    {"excused-while-asked", test_excused_while_asked},
	    {"exhausted-and-resumed", test_exhausted_and_resumed},
	    {"away-is-not-charged", test_away_is_not_charged},
	    {"resumed-and-away", test_resumed_and_away},
	    {"decide", test_decide},
	    {"abort-fails-the-run", test_abort_fails_the_run},
	    {"cancel", test_cancel},
	    {"pause", test_pause},
	    {"another-machine", test_another_machine},
	    {"enrolled", test_enrolled},
	    {"skip", test_skip},
	    {"extend", test_extend},
	    {"deadline-in-doubt", test_deadline_in_doubt},
	    {"deadline-after-stop", test_deadline_after_stop},
	    {"deadline-away", test_deadline_away},
	    {"failed-and-found", test_failed_and_found},
	    {"fenced-while-waiting", test_fenced_while_waiting},
	    {"copied", test_copied},
	    {"rebuilt", test_rebuilt},
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
