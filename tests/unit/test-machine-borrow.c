/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is borrowed, and given back on every way out. */

#include "spans-fixture.h"

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

/* but for what is owed elsewhere nobody waits for it */
static void
test_another_rebuilt(Fixture *f, gconstpointer data)
{
	drive_to(f, "enter work@m0");
	restart(f);
	script(f, "survey m2", "rebuilt:another machine");
	person(f, "cancel", NULL, NULL);
	drive(f, 1000);
	assert_end(f, "cancelled");
	assert_life(f, "lend", "m1", RD_LIFE_UNDONE);
	g_assert_nonnull(strstr(rd_run_get_end_text(f->run), "lock not given back on m2"));
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

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
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
	    {"/machine/borrow/another-rebuilt", test_another_rebuilt},
	    {"/machine/borrow/owing-excused", test_owing_excused},
	    {"/machine/borrow/by-hand", test_owing_is_settled_by_hand},
	    {"/machine/borrow/undo-lost", test_undo_lost},
	    {"/machine/borrow/first-notes", test_first_notes},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, spans_setup, tests[i].func, teardown);
	return g_test_run();
}
