/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a person approves, and hosts that a run leaves over. */

#include "spans-fixture.h"

/* ---- gates --------------------------------------------------------------------------------- */

static void
gate(Fixture *f, gboolean always)
{
	rd_plan_state_set_gate(state_of(f, "work"), "reboot", "all of them", always, FALSE);
}

static void
test_gate(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) gates = NULL;

	gate(f, TRUE);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "check work"), ==, 0);
	gates = rd_run_get_gates(f->run);
	g_assert_cmpuint(gates->len, ==, 1);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "gate reboot"));
	restart(f);
	person(f, "approve", NULL, "reboot");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "enter work"), ==, 3);
}

static void
assert_refused(Fixture *f, const char *word, const char *gate, const char *says)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events =
	    rd_run_request(f->run, word, NULL, gate, "alice", "because", &error);

	g_assert_null(events);
	if (strstr(error->message, says) == NULL)
		g_error("%s %s: %s", word, gate, error->message);
}

/* who looked at another plan approves nothing here, and hears both names */
static void
test_gate_plan(Fixture *f, gconstpointer data)
{
	const char *digest = "3f2a1b9c04de55aa";
	g_autoptr(GPtrArray) input = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	g_ptr_array_add(
	    input, rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL), RD_RUN_INPUT_PLAN, digest));
	store(f, input);
	gate(f, TRUE);
	drive(f, 1000);
	assert_refused(f, "approve", "reboot@3f2a1b9c04df", "3f2a1b9c04df");
	assert_refused(f, "approve", "reboot@3f2a1b9c04df", digest);
	assert_refused(f, "approve", "reboot@3f2a", "digits");
	assert_refused(f, "approve", "reboot@", "digits");
	assert_refused(f, "deny", "reboot@ffffffffffffffff", digest);
	person(f, "approve", NULL, "reboot@3f2a1b9c04de");
	drive(f, 1000);
	assert_end(f, "done");
}

/* a word that comes late is about what was asked then, not about what is asked now */
static void
test_gate_instance(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) gates = NULL;
	g_autofree char *instance = NULL;

	gate(f, TRUE);
	drive(f, 1000);
	assert_refused(f, "approve", "reboot#2", "stands at gate reboot, not at reboot#2");
	gates = rd_run_get_gates(f->run);
	((RdStep *)g_ptr_array_index(gates, 0))->visit = 2;
	instance = rd_run_get_gate_instance(f->run, g_ptr_array_index(gates, 0));
	g_assert_cmpstr(instance, ==, "reboot#2");
	assert_refused(f, "approve", "reboot", "stands at gate reboot#2, not at reboot");
	person(f, "approve", NULL, "reboot#2");
}

/* who opens it has to say which cluster is meant; who shuts it has not */
static void
test_gate_named(Fixture *f, gconstpointer data)
{
	gate(f, TRUE);
	state_of(f, "work")->gate->named = TRUE;
	drive(f, 1000);
	assert_refused(f, "approve", "reboot", "--cluster NAME; none was typed");
	assert_refused(f, "approve", "reboot@@day", "it is not day");
	assert_refused(f, "approve", "reboot@@", "it is not ");
	person(f, "approve", NULL, "reboot@@lab");
	drive(f, 1000);
	assert_end(f, "done");
}

static void
test_gate_named_beforehand(Fixture *f, gconstpointer data)
{
	gate(f, FALSE);
	state_of(f, "work")->gate->named = TRUE;
	drive(f, 2);
	assert_refused(f, "approve", "reboot", "--cluster NAME");
	person(f, "approve", NULL, "reboot@@lab");
	drive(f, 1000);
	assert_end(f, "done");
}

/* of two gates of one name the one that comes later wants the cluster's */
static void
test_gate_named_namesake(Fixture *f, gconstpointer data)
{
	gate(f, FALSE);
	rd_plan_state_set_gate(state_of(f, "last"), "reboot", "the last one", FALSE, TRUE);
	drive(f, 2);
	assert_refused(f, "approve", "reboot", "--cluster NAME");
	person(f, "approve", NULL, "reboot@@lab");
	drive(f, 1000);
	assert_end(f, "done");
}

static void
test_gate_named_denied(Fixture *f, gconstpointer data)
{
	gate(f, TRUE);
	state_of(f, "work")->gate->named = TRUE;
	drive(f, 1000);
	person(f, "deny", NULL, "reboot");
	drive(f, 1000);
	assert_end(f, "cancelled");
}

/* of two that have the same name, the state's tells them apart */
static void
test_gate_namesakes(Fixture *f, gconstpointer data)
{
	gate(f, FALSE);
	rd_plan_state_set_gate(state_of(f, "last"), "reboot", "the last one", FALSE, FALSE);
	drive(f, 1000);
	assert_refused(f, "approve", "reboot", "stands at gate work, not at reboot");
	person(f, "approve", NULL, "work");
	drive(f, 1000);
	assert_refused(f, "approve", "work", "stands at gate last, not at work");
	person(f, "approve", NULL, "last");
	drive(f, 1000);
	assert_end(f, "done");
}

static void
test_gate_beforehand(Fixture *f, gconstpointer data)
{
	gate(f, FALSE);
	drive(f, 2);
	person(f, "approve", NULL, "reboot");
	drive(f, 1000);
	assert_end(f, "done");
}

static void
test_gate_never_beforehand(Fixture *f, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = NULL;

	gate(f, TRUE);
	drive(f, 2);
	events = rd_run_request(f->run, "approve", NULL, "reboot", "alice", "because", &error);
	g_assert_null(events);
	g_assert_nonnull(strstr(error->message, "never beforehand"));
	g_clear_error(&error);
	events = rd_run_request(f->run, "approve", NULL, "nonsense", "alice", "because", &error);
	g_assert_null(events);
	g_assert_nonnull(strstr(error->message, "no gate nonsense"));
}

/* however that came into the journal: what always asks is not opened by its name */
static void
test_gate_not_by_name(Fixture *f, gconstpointer data)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	gate(f, TRUE);
	g_ptr_array_add(events,
			rd_event_pair(rd_event_new(RD_EVENT_GATE, "approved"), "alice", "reboot"));
	store(f, events);
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	g_assert_cmpuint(count(f, "check work"), ==, 0);
}

static void
test_gate_denied(Fixture *f, gconstpointer data)
{
	gate(f, TRUE);
	drive(f, 1000);
	person(f, "deny", NULL, "reboot");
	drive(f, 1000);
	assert_end(f, "cancelled");
	assert_life(f, "lend", "m1", RD_LIFE_UNDONE);
	g_assert_cmpuint(count(f, "check work"), ==, 0);
}

static void
test_gate_left_out(Fixture *f, gconstpointer data)
{
	gate(f, TRUE);
	state_of(f, "work")->skippable = TRUE;
	drive(f, 1000);
	person(f, "deny", NULL, "work");
	drive(f, 1000);
	assert_end(f, "done");
	assert_life(f, "work", "m2", RD_LIFE_SKIPPED);
}

/* what is asked says what was found; what nobody knows stays as it is written */
static void
test_gate_says(Fixture *f, gconstpointer data)
{
	gate(f, TRUE);
	g_free(state_of(f, "work")->gate->text);
	state_of(f, "work")->gate->text = g_strdup("${target} of ${run.uuid}");
	drive(f, 1000);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "${target} of ${run.uuid}"));
	g_free(state_of(f, "work")->gate->text);
	state_of(f, "work")->gate->text = g_strdup("reboots ${target}");
	person(f, "resume", NULL, NULL);
	drive(f, 1000);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "reboots m0"));
}

/* who is not to be drained is not to be rebooted; and what may be left for later is a leftover */
static void
test_gate_before_group(Fixture *f, gconstpointer data)
{
	RdPlanUnit *unit = g_ptr_array_index(f->plan->units, rd_plan_find_unit(f->plan, "roll"));

	/* roll and last are one group now */
	unit->count = 2;
	g_ptr_array_remove_index(f->plan->units, f->plan->units->len - 1);
	g_free(state_of(f, "lend")->borrow);
	state_of(f, "lend")->borrow = g_strdup(RD_UNTIL_END);
	rd_plan_state_set_gate(state_of(f, "roll"), "roll", NULL, FALSE, FALSE);
	state_of(f, "roll")->skippable = TRUE;
	state_of(f, "last")->postponable = TRUE;
	f->plan->rest = rd_plan_rest_new("finish");
	rd_plan_rest_add(f->plan->rest, "nodes", RD_LEFTOVERS);
	drive(f, 1000);
	person(f, "deny", NULL, "roll");
	drive(f, 1000);
	assert_end(f, "done with leftovers");
	g_assert_cmpuint(count(f, "enter roll"), ==, 0);
	g_assert_cmpuint(count(f, "enter last"), ==, 0);
	assert_life(f, "last", "w1", RD_LIFE_SKIPPED);
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "left for later: last@w0"));
	g_assert_true(g_str_has_suffix(rd_run_get_end_text(f->run),
				       "; next: recoveryd start finish -c FILE -i nodes=w0,w1"));
}

/* a gate inside of a group is asked when somebody comes there, and nobody is held up by it who does
 * not */
static void
test_gate_in_group(Fixture *f, gconstpointer data)
{
	RdPlanUnit *unit = g_ptr_array_index(f->plan->units, rd_plan_find_unit(f->plan, "roll"));
	RdPlanState *last = state_of(f, "last");

	unit->count = 2;
	g_ptr_array_remove_index(f->plan->units, f->plan->units->len - 1);
	g_free(state_of(f, "lend")->borrow);
	state_of(f, "lend")->borrow = g_strdup(RD_UNTIL_END);
	rd_plan_state_set_gate(last, "force", "${target} is stuck", TRUE, FALSE);
	g_ptr_array_add(last->when, g_strdup("${target}"));
	g_ptr_array_add(last->when, g_strdup("w1"));
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), ==, RD_RUN_HELD);
	assert_life(f, "roll", "w0", RD_LIFE_DONE);
	assert_life(f, "last", "w0", RD_LIFE_SKIPPED);
	assert_life(f, "roll", "w1", RD_LIFE_DONE);
	g_assert_nonnull(strstr(rd_run_get_held_text(f->run), "w1 is stuck"));
	person(f, "approve", NULL, "force");
	drive(f, 1000);
	assert_end(f, "done");
	g_assert_cmpuint(count(f, "enter last@w1"), ==, 1);
}

/* a gate before states whose condition is not true asks nobody */
static void
test_gate_of_nothing(Fixture *f, gconstpointer data)
{
	RdPlanState *state = state_of(f, "work");

	gate(f, TRUE);
	g_ptr_array_add(state->when, g_strdup("${target}"));
	g_ptr_array_add(state->when, g_strdup("elsewhere"));
	drive(f, 1000);
	assert_end(f, "done");
}

/* ---- what is left over ------------------------------------------------------------------------
 */

/* the command is whole: where the cluster's file is, what this run found out, what needs quotes; an
 * excused host is no leftover */
static void
test_rest(Fixture *f, gconstpointer data)
{
	static const char *const pairs[][2] = {{RD_RUN_INPUT_CLUSTER, "/home/al ice/kite.yaml"},
					       {RD_RUN_INPUT_RECOVERY, "m0"},
					       {"colour", "blue"}};
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdPlanState *work = state_of(f, "work");
	g_autofree char *rest = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
		g_ptr_array_add(events, rd_event_pair(rd_event_new(RD_EVENT_INPUT, NULL),
						      pairs[i][0], pairs[i][1]));
	store(f, events);
	work->postponable = TRUE;
	g_ptr_array_add(work->when, g_strdup("${target}"));
	g_ptr_array_add(work->when, g_strdup("m0"));
	f->plan->rest = rd_plan_rest_new("finish-nodes");
	rd_plan_rest_add(f->plan->rest, "nodes", RD_LEFTOVERS);
	rd_plan_rest_add(f->plan->rest, "since", "${lend.since}");
	rd_plan_rest_add(f->plan->rest, "colour", "${input.colour}");
	/* left out for good: no leftover */
	g_ptr_array_add(state_of(f, "last")->when, g_strdup("${target}"));
	g_ptr_array_add(state_of(f, "last")->when, g_strdup("w1"));
	script(f, "enter roll@w1", "permanent:its disk is dead");
	rd_plan_state_set_gate(state_of(f, "roll"), "roll", NULL, TRUE, FALSE);
	drive(f, 1000);
	assert_life(f, "work", "m2", RD_LIFE_SKIPPED);
	person(f, "excuse", NULL, "m2");
	person(f, "approve", NULL, "roll");
	drive(f, 1000);
	assert_life(f, "last", "w0", RD_LIFE_SKIPPED);
	assert_end(f, "done with leftovers");
	rest = rd_run_get_rest(f->run);
	g_assert_cmpstr(
	    rest, ==,
	    "recoveryd start finish-nodes -c '/home/al ice/kite.yaml' "
	    "--recovery-host m0 --excuse 'm2=because (alice)' -i nodes=m1,w1 -i colour=blue");
}

/* ---- left behind --------------------------------------------------------------------------- */

static void
test_left_behind(Fixture *f, gconstpointer data)
{
	script(f, "enter roll@w0", "permanent:its disk is dead");
	drive(f, 1000);
	assert_end(f, "done with leftovers");
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "w0 (roll: its disk is dead)"));
	g_assert_null(rd_run_get_rest(f->run));
	g_assert_cmpuint(count(f, "check last@w0"), ==, 0);
	g_assert_cmpuint(count(f, "enter last@w1"), ==, 1);
}

/* it could not be rebooted, but it can be uncordoned; one that is dead by then is told */
static void
test_left_behind_borrows(Fixture *f, gconstpointer data)
{
	RdPlanState *state = state_of(f, "roll");

	state->borrow = g_strdup(RD_UNTIL_END);
	script(f, "enter roll@w0", "permanent:it does not drain");
	script(f, "enter roll@w1", "permanent:it does not drain");
	script(f, "undo roll@w1", "unreachable:w1 is silent");
	drive(f, 1000);
	assert_end(f, "done with leftovers");
	g_assert_cmpuint(count(f, "undo roll@w0"), ==, 1);
	assert_life(f, "roll", "w0", RD_LIFE_UNDONE);
	g_assert_null(strstr(rd_run_get_end_text(f->run), "roll@w0"));
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "not given back: roll@w1"));
}

/* it lives and does not drain in time: that costs the lock's number, which is taken anew */
static void
test_left_behind_late(Fixture *f, gconstpointer data)
{
	state_of(f, "roll")->borrow = g_strdup(RD_UNTIL_END);
	state_of(f, "last")->leftover = TRUE;
	state_of(f, "last")->timeout_s = 60;
	script(f, "enter last@w0", "stay");
	drive(f, 1000);
	assert_life(f, "last", "w0", RD_LIFE_RUNNING);
	f->clock += 61 * G_USEC_PER_SEC;
	drive(f, 1000);
	assert_end(f, "done with leftovers");
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "left behind: w0"));
	g_assert_cmpuint(count(f, "take w0"), ==, 2);
	g_assert_cmpuint(count(f, "undo roll@w0"), ==, 1);
	assert_life(f, "roll", "w0", RD_LIFE_UNDONE);
	g_assert_null(strstr(rd_run_get_end_text(f->run), "not given back"));
}

/* one that does not even grant its lock */
static void
test_left_behind_dead(Fixture *f, gconstpointer data)
{
	script(f, "survey w0", "unreachable:no route");
	drive(f, 1000);
	g_assert_cmpint(rd_run_get_state(f->run), !=, RD_RUN_HELD);
	assert_end(f, "done with leftovers");
	g_assert_cmpuint(count(f, "enter last@w1"), ==, 1);
}

/* a body that says nothing of its outcome ended with the first; what is skipped has none */
int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"/machine/gate", test_gate},
	    {"/machine/gate/plan", test_gate_plan},
	    {"/machine/gate/instance", test_gate_instance},
	    {"/machine/gate/namesakes", test_gate_namesakes},
	    {"/machine/gate/beforehand", test_gate_beforehand},
	    {"/machine/gate/never-beforehand", test_gate_never_beforehand},
	    {"/machine/gate/not-by-name", test_gate_not_by_name},
	    {"/machine/gate/named", test_gate_named},
	    {"/machine/gate/named-beforehand", test_gate_named_beforehand},
	    {"/machine/gate/named-namesake", test_gate_named_namesake},
	    {"/machine/gate/named-denied", test_gate_named_denied},
	    {"/machine/gate/denied", test_gate_denied},
	    {"/machine/gate/left-out", test_gate_left_out},
	    {"/machine/gate/before-group", test_gate_before_group},
	    {"/machine/gate/in-group", test_gate_in_group},
	    {"/machine/gate/says", test_gate_says},
	    {"/machine/gate/of-nothing", test_gate_of_nothing},
	    {"/machine/rest", test_rest},
	    {"/machine/left", test_left_behind},
	    {"/machine/left/borrows", test_left_behind_borrows},
	    {"/machine/left/late", test_left_behind_late},
	    {"/machine/left/dead", test_left_behind_dead},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, spans_setup, tests[i].func, teardown);
	return g_test_run();
}
