/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How many workers at a time: as many as were asked for, and no more than a state before has found
 * out; whatever dies meanwhile. */

#include "machine-fixture.h"

#define WORKERS 5

static void
width_setup(Fixture *f, guint asked)
{
	static const char *const workers[] = {"w0", "w1", "w2", "w3", "w4", NULL};
	static const char *const cluster[] = {RD_CLUSTER, NULL};
	static const char *const names[] = {"drain", "reboot"};
	RdPlanState *state;

	teardown(f, NULL);
	memset(f, 0, sizeof *f);
	setup(f, NULL);
	rd_run_free(f->run);
	rd_plan_free(f->plan);
	f->plan = rd_plan_new("width", "lab");
	rd_plan_add_host(f->plan, "m0", "recovery");
	for (guint i = 0; i < WORKERS; i++)
		rd_plan_add_host(f->plan, workers[i], "worker");
	state = rd_plan_add_state(f->plan, "pools", "t/pools", RD_KIND_QUERY);
	add_targets(state, cluster);
	rd_plan_add_unit(f->plan, "pools", 1);
	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		state = rd_plan_add_state(f->plan, names[i], "t/roll", RD_KIND_CHANGE);
		add_targets(state, workers);
		state->width = asked;
		state->at_most = g_strdup("${pools.allows}");
		state->leftover = TRUE;
	}
	rd_plan_add_unit(f->plan, "roll", 2);
	f->run = rd_run_new(f->plan);
}

/* workers that have begun and are not through; @left: of those that were left, all of them */
static guint
count_away(Fixture *f, gboolean left)
{
	GPtrArray *hosts = rd_run_get_hosts(f->run);
	guint n = 0;

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);
		const RdStep *drain = rd_run_find_step(f->run, "drain", host->plan->name);
		const RdStep *reboot = rd_run_find_step(f->run, "reboot", host->plan->name);

		if (drain == NULL)
			continue;
		n += host->left ? left
				: drain->life != RD_LIFE_PENDING && !rd_life_is_final(reboot->life);
	}
	return n;
}

static void
tell(Fixture *f, const char *allows)
{
	g_autoptr(RdReport) output = rd_report_new(RD_REPORT_OUTPUT, RD_CLUSTER, NULL);
	g_autoptr(GPtrArray) events = NULL;

	output->key = g_strdup("allows");
	output->value = g_strdup(allows);
	events = rd_run_digest(f->run, output);
	store(f, events);
}

/* the query is the one order in hand */
static gboolean
is_asked(Fixture *f)
{
	const RdOrder *order = f->hands.head != NULL ? f->hands.head->data : NULL;

	return order != NULL && g_strcmp0(order->state, "pools") == 0;
}

/* goes on for @orders answers, the query's being @allows (nullable); the most that were away at a
 * time */
static guint
go_on(Fixture *f, const char *allows, guint orders, gboolean left)
{
	guint most = 0;

	for (guint i = 0; i < orders && rd_run_get_end(f->run) == NULL; i++) {
		decide(f);
		if (is_asked(f) && allows != NULL)
			tell(f, allows);
		most = MAX(most, count_away(f, left));
		drive(f, 1);
		most = MAX(most, count_away(f, left));
	}
	return most;
}

static void
test_smaller_counts(Fixture *f, gconstpointer data)
{
	static const struct {
		guint asked;
		const char *allows;
		guint most;
		const char *text;
	} rows[] = {
	    {3, "2", 2, "2 at a time, not 3: no more than 2 allowed"},
	    {2, "4", 2, "2 at a time"},
	    {5, "9", 5, "5 at a time"},
	    {1, "4", 1, NULL},
	    /* not known, or no number: nobody guesses */
	    {3, NULL, 1, "1 at a time, not 3: no more than 1 allowed"},
	    {3, "0", 1, "1 at a time, not 3: no more than 1 allowed"},
	    {3, "${pools.allows}", 1, "1 at a time, not 3: no more than 1 allowed"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *text = NULL;

		width_setup(f, rows[i].asked);
		g_assert_cmpuint(go_on(f, rows[i].allows, 1000, TRUE), ==, rows[i].most);
		g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
		for (guint j = 0; j < f->journal->len; j++) {
			const RdEvent *event = g_ptr_array_index(f->journal, j);

			if (event->kind == RD_EVENT_VISIT && g_str_equal(event->state, "drain"))
				text = event->text;
		}
		g_assert_cmpstr(text, ==, rows[i].text);
	}
}

/* who has begun holds his place: a new engine begins nobody beside them */
static void
test_restart_everywhere(Fixture *f, gconstpointer data)
{
	gboolean finished = FALSE;
	guint at = 0;

	for (; !finished; at++) {
		width_setup(f, 3);
		g_assert_cmpuint(go_on(f, "2", at, TRUE), <=, 2);
		finished = rd_run_get_end(f->run) != NULL;
		if (!finished)
			restart(f);
		g_assert_cmpuint(go_on(f, "2", 1000, TRUE), <=, 2);
		g_assert_cmpstr(rd_run_get_end(f->run), ==, "done");
		for (guint i = 0; i < WORKERS; i++) {
			g_autofree char *name = g_strdup_printf("w%u", i);

			assert_life(f, "reboot", name, RD_LIFE_DONE);
		}
	}
	g_assert_cmpuint(at, >, 30);
}

/* One that was left is down as far as anybody knows. He takes a place, but not the last one. */
static void
test_left(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *allows;
		guint most, working;
	} rows[] = {{"2", 2, 2}, {"1", 2, 1}};

	for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
		width_setup(f, 3);
		script(f, "enter drain@w0", "permanent:it is broken");
		g_assert_cmpuint(go_on(f, rows[i].allows, 1000, TRUE), ==, rows[i].most);
		g_assert_cmpstr(rd_run_get_end(f->run), ==, "done with leftovers");
		assert_life(f, "reboot", "w4", RD_LIFE_DONE);

		width_setup(f, 3);
		script(f, "enter drain@w0", "permanent:it is broken");
		g_assert_cmpuint(go_on(f, rows[i].allows, 1000, FALSE), ==, rows[i].working);
	}
}

/* how many at a time once w0 was left because of @name's @answer, of two that are allowed */
static guint
width_without(Fixture *f, const char *name, const char *answer)
{
	const RdPlanState *state;

	width_setup(f, 3);
	state = f->plan->states->pdata[rd_plan_find_state(f->plan, "drain")];
	script(f, name, answer);
	go_on(f, "2", 1000, TRUE);
	g_assert_cmpstr(rd_run_get_end(f->run), ==, "done with leftovers");
	return rd_run_get_width(f->run, state);
}

/* one that nothing was done to is not away: a guard did not hold there */
static void
test_untouched(Fixture *f, gconstpointer data)
{
	g_assert_cmpuint(width_without(f, "check drain@w0", "permanent:its volumes"), ==, 2);
	g_assert_cmpuint(width_without(f, "enter drain@w0", "permanent:it is broken"), ==, 1);
	g_assert_cmpuint(width_without(f, "check reboot@w0", "permanent:it is broken"), ==, 1);
	g_assert_cmpuint(width_without(f, "survey w0", "unreachable:no route"), ==, 1);
	g_assert_cmpuint(width_without(f, "check drain@w0", "unreachable:no route"), ==, 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*func)(Fixture *, gconstpointer);
	} tests[] = {
	    {"/width/smaller-counts", test_smaller_counts},
	    {"/width/restart-everywhere", test_restart_everywhere},
	    {"/width/left", test_left},
	    {"/width/untouched", test_untouched},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, setup, tests[i].func, teardown);
	return g_test_run();
}
