/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runner/step.h"
#include <string.h>

/* What a runner makes of a host's lock file: whose number it is, and whether that stands in the
 * way. What follows from it is the machine's (test-machine.c). */

typedef struct {
	RdWorld world;
	const char *lock; /* lines of the lock file in the survey */
	RdReport *report; /* (owned) */
} Fixture;

static gboolean
answer(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	g_autofree char *text =
	    g_strconcat("boot-id=b\nmachine-id=m\ntime=1.5\n", ((Fixture *)world)->lock, NULL);

	g_assert_cmpint(call->verb, ==, RD_CALL_SURVEY);
	/* a look that names no lock, or a host of another run would not answer it */
	g_assert_cmpint(call->number, ==, 0);
	*reply = (RdReply){.verdict = RD_VERDICT_DONE, .out = g_bytes_new(text, strlen(text))};
	return TRUE;
}

static gint64
clock_of(RdWorld *world)
{
	return 1;
}

static gboolean
cancelled(RdWorld *world)
{
	return FALSE;
}

static gboolean
keep(const RdReport *report, gpointer data)
{
	Fixture *f = data;

	g_assert_null(f->report);
	f->report = rd_report_copy(report);
	return TRUE;
}

static void
test_survey(void)
{
	static const struct {
		const char *lock;
		gint64 number;
		const char *run, *holder, *text;
	} cases[] = {
	    {"", -1, NULL, NULL, NULL},
	    {"number=4\nrun=ours\nwho=al\nsince=noon\nstate=held\n", 4, "ours", NULL,
	     "ours, by al since noon, lock #4"},
	    {"number=4\nrun=ours\nwho=al\nsince=noon\nstate=released\n", 4, "ours", NULL,
	     "ours, by al since noon, lock #4, given back"},
	    {"number=7\nrun=r-2\nwho=bob\nsince=one\nstate=held\n", 7, NULL,
	     "held by r-2, by bob since one, lock #7", "r-2, by bob since one, lock #7"},
	    /* nobody's now, but named: it may be above ours */
	    {"number=7\nrun=r-2\nwho=bob\nsince=one\nstate=released\n", 7, NULL, NULL,
	     "r-2, by bob since one, lock #7, given back"},
	};
	static const RdWorldClass klass = {.call = answer,
					   .clock = clock_of,
					   .cancelled = cancelled};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(RdOrder) order = rd_order_new(RD_DO_SURVEY, "m0");
		g_autoptr(RdSetting) setting = rd_setting_new("ours", "u", "al@night", "/nowhere");
		Fixture f = {.world = {.klass = &klass}, .lock = cases[i].lock};

		rd_order_carry_out(order, NULL, &f.world, setting, keep, &f);
		g_assert_nonnull(f.report);
		g_assert_cmpstr(f.report->word, ==, "finished");
		g_assert_cmpint(f.report->number, ==, cases[i].number);
		g_assert_cmpstr(f.report->run, ==, cases[i].run);
		g_assert_cmpstr(f.report->holder, ==, cases[i].holder);
		g_assert_cmpstr(f.report->text, ==, cases[i].text);
		rd_report_free(f.report);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/order/survey", test_survey);
	return g_test_run();
}
