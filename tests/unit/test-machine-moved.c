/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A wait that moves on has its time begun anew, up to its longest; one that stands still has not.
 */

#include "machine-fixture.h"

#define TIMEOUT 600
#define AT_MOST 1500

static RdStep *
well(Fixture *f)
{
	return rd_run_find_step(f->run, "well", RD_CLUSTER);
}

static void
report_far(Fixture *f, gint64 far)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_MOVED, RD_CLUSTER, NULL);
	g_autoptr(GPtrArray) events = NULL;

	report->number = far;
	events = rd_run_digest(f->run, report);
	store(f, events);
}

/* it looks, begins at 1, and goes on to look until it is stopped; returns the clock of its begin */
static gint64
begin(Fixture *f, guint at_most)
{
	RdPlanState *state =
	    g_ptr_array_index(f->plan->states, rd_plan_find_state(f->plan, "well"));

	state->timeout_s = TIMEOUT;
	state->longest_s = at_most;
	script(f, "look well@cluster", "stay");
	drive(f, 1000);
	assert_life(f, "well", "cluster", RD_LIFE_LOOKING);
	report_far(f, 1);
	return f->clock;
}

static void
wait_until(Fixture *f, gint64 began, guint seconds)
{
	f->clock = began + seconds * G_USEC_PER_SEC;
	rd_run_tick(f->run, f->clock);
	drive(f, 1000);
}

static void
move(Fixture *f, gint64 began, guint seconds, gint64 far)
{
	wait_until(f, began, seconds);
	report_far(f, far);
	drive(f, 1000);
}

static void
assert_goes_on(Fixture *f, gint64 began, guint until)
{
	assert_life(f, "well", "cluster", RD_LIFE_LOOKING);
	/* a look begins within the same second as its lane was free */
	g_assert_cmpint((rd_step_deadline(well(f)) - began) / G_USEC_PER_SEC, ==, until);
}

static void
assert_held(Fixture *f, const char *why)
{
	assert_life(f, "well", "cluster", RD_LIFE_HELD);
	g_test_message("%s", well(f)->text);
	g_assert_true(g_str_has_prefix(well(f)->text, why));
}

static void
test_moves_on(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST);

	g_assert_cmpint(rd_step_last_moved(well(f)), ==, 0);
	move(f, began, 500, 2);
	assert_goes_on(f, began, 500 + TIMEOUT);
	g_assert_cmpint(rd_step_last_moved(well(f)), ==, began + 500 * G_USEC_PER_SEC);
	wait_until(f, began, 500 + TIMEOUT - 1);
	assert_goes_on(f, began, 500 + TIMEOUT);
	wait_until(f, began, 500 + TIMEOUT + 1);
	assert_held(f, "nothing moved on within 600 s");
}

static void
test_stands_still(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST);

	wait_until(f, began, TIMEOUT - 1);
	assert_goes_on(f, began, TIMEOUT);
	wait_until(f, began, TIMEOUT + 1);
	assert_held(f, "not done within 600 s");
}

/* the same again, or less than before: a target that comes and goes is no way forward */
static void
test_no_news(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST);
	guint events;

	move(f, began, 100, 7);
	events = f->journal->len;
	move(f, began, 300, 6);
	move(f, began, 400, 7);
	g_assert_cmpuint(f->journal->len, ==, events);
	assert_goes_on(f, began, 100 + TIMEOUT);
}

static void
test_longest(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST);

	move(f, began, 500, 2);
	move(f, began, 1000, 3);
	assert_goes_on(f, began, AT_MOST);
	move(f, began, 1400, 4);
	assert_goes_on(f, began, AT_MOST);
	wait_until(f, began, AT_MOST + 1);
	assert_held(f, "not done within 1500 s, though it moved on");
}

/* what a person adds is added to both */
static void
test_extended(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST);

	person(f, "extend", "well@cluster", "5m");
	assert_goes_on(f, began, TIMEOUT + 300);
	move(f, began, 700, 2);
	move(f, began, 1200, 3);
	assert_goes_on(f, began, AT_MOST + 300);
}

/* without a longest time there is nothing that could end it, so nothing begins anew */
static void
test_without(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, 0);
	guint events = f->journal->len;

	move(f, began, 500, 2);
	g_assert_cmpuint(f->journal->len, ==, events);
	assert_goes_on(f, began, TIMEOUT);
	g_assert_cmpint(rd_step_whole_deadline(well(f)), ==, 0);
}

/* an engine that dies: the next one reads the same, and engines that die make no wait endless */
static void
test_crash(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST), deadline;
	const RdOrder *order;

	move(f, began, 500, 5);
	deadline = rd_step_deadline(well(f));
	f->clock = began + 800 * G_USEC_PER_SEC;
	restart(f);
	g_assert_cmpint(well(f)->far, ==, 5);
	g_assert_cmpint(rd_step_deadline(well(f)), ==, deadline);
	drive(f, 1000);
	/* what only looked has its time anew, as ever, but not the whole of it */
	assert_goes_on(f, began, 800 + TIMEOUT);
	order = g_queue_peek_tail(&f->hands);
	g_assert_cmpint(order->far, ==, 5);
	g_assert_cmpint(order->anew_ms, ==, TIMEOUT * 1000);
	g_assert_cmpint((order->whole_ms + 500) / 1000, ==, AT_MOST - 800);
	/* the new worker finds what the old one had told */
	move(f, began, 900, 5);
	assert_goes_on(f, began, 800 + TIMEOUT);
	move(f, began, 1000, 6);
	assert_goes_on(f, began, AT_MOST);
	restart(f);
	drive(f, 1000);
	assert_goes_on(f, began, AT_MOST);
	wait_until(f, began, AT_MOST + 1);
	assert_life(f, "well", "cluster", RD_LIFE_HELD);
}

/* a person's word begins all of it anew */
static void
test_resumed(Fixture *f, gconstpointer data)
{
	gint64 began = begin(f, AT_MOST), again;

	move(f, began, 500, 5);
	wait_until(f, began, 2000);
	assert_held(f, "nothing moved on");
	person(f, "resume", NULL, NULL);
	g_queue_clear_full(&f->hands, (GDestroyNotify)rd_order_free);
	drive(f, 1000);
	again = well(f)->started;
	g_assert_cmpint(again, >=, began + 2000 * G_USEC_PER_SEC);
	assert_goes_on(f, again, TIMEOUT);
	g_assert_cmpint(rd_step_whole_deadline(well(f)), ==, again + AT_MOST * G_USEC_PER_SEC);
	/* what it had come to before is where it begins now */
	move(f, again, 10, 5);
	assert_goes_on(f, again, TIMEOUT);
	move(f, again, 20, 6);
	assert_goes_on(f, again, 20 + TIMEOUT);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"moves-on", test_moves_on}, {"stands-still", test_stands_still},
	    {"no-news", test_no_news},	 {"longest", test_longest},
	    {"extended", test_extended}, {"without", test_without},
	    {"crash", test_crash},	 {"resumed", test_resumed},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/machine-moved/%s", tests[i].name);
		g_test_add(path, Fixture, NULL, setup, tests[i].func, teardown);
	}
	return g_test_run();
}
