/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/call.h"
#include <recovery/plugin.h>

static gboolean
parse(const char *text, RdSurvey *survey, GError **error)
{
	g_autoptr(GBytes) bytes = g_bytes_new_static(text, strlen(text));

	return rd_survey_parse(bytes, survey, error);
}

static void
test_names_are_words_and_differ(void)
{
	for (guint i = 0; i <= RD_CALL_LAST; i++)
		for (guint j = 0; j < i; j++)
			g_assert_cmpstr(rd_call_verb_to_string((RdCallVerb)i), !=,
					rd_call_verb_to_string((RdCallVerb)j));
	for (guint i = 0; i <= RD_VERDICT_LAST; i++) {
		RdVerdict verdict = RD_VERDICT_DONE;

		g_assert_true(rd_verdict_from_string(rd_verdict_to_string((RdVerdict)i), &verdict));
		g_assert_cmpuint(verdict, ==, i);
	}
	g_assert_false(rd_verdict_from_string("granted", &(RdVerdict){0}));
	g_assert_false(rd_verdict_from_string(NULL, &(RdVerdict){0}));
}

static void
test_only_changes_touch(void)
{
	static const RdCallVerb touching[] = {RD_CALL_RUN, RD_CALL_JOB_START, RD_CALL_MOVE,
					      RD_CALL_MOVE_ASIDE, RD_CALL_PUT};
	guint n = 0;

	for (guint i = 0; i < G_N_ELEMENTS(touching); i++)
		g_assert_true(rd_call_verb_touches(touching[i]));
	for (guint i = 0; i <= RD_CALL_LAST; i++)
		n += rd_call_verb_touches((RdCallVerb)i);
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(touching));
}

static void
test_survey_of_a_held_host(void)
{
	g_auto(RdSurvey) survey = {0};
	g_autoptr(GError) error = NULL;

	parse("boot-id=b\nmachine-id=m\ntime=1700000000.25\nnumber=12\nrun=r-1\nwho=a=b@c\n"
	      "since=2026-11-20T03:00:00Z\nstate=held\nlock-machine-id=m\nfuture=x\n"
	      "job=r-1/stop.1.1/etcd\njob=r-1/stop.1.2/etcd\n",
	      &survey, &error);
	g_assert_no_error(error);
	g_assert_cmpint(survey.number, ==, 12);
	g_assert_true(survey.held);
	g_assert_cmpstr(survey.who, ==, "a=b@c");
	g_assert_cmpfloat(survey.time, ==, 1700000000.25);
	g_assert_cmpuint(survey.jobs->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(survey.jobs, 1), ==, "r-1/stop.1.2/etcd");
}

static void
test_survey_without_a_lock_file(void)
{
	g_auto(RdSurvey) survey = {0};
	g_autoptr(GError) error = NULL;

	parse("boot-id=b\nmachine-id=m\ntime=1.5\n", &survey, &error);
	g_assert_no_error(error);
	g_assert_cmpint(survey.number, ==, -1);
	g_assert_null(survey.run);
	g_assert_false(survey.held);
	g_assert_cmpuint(survey.jobs->len, ==, 0);
}

static void
test_half_a_survey_is_refused(void)
{
	static const char *const wrong[] = {
	    "",
	    "boot-id=b\n",
	    "boot-id=b\nmachine-id=m\ntime=soon\n",
	    "boot-id=b\nmachine-id=m\ntime=1\nnumber=12\nrun=r\n",
	    "boot-id=b\nmachine-id=m\ntime=1\nnumber=12\nstate=held\n",
	    "boot-id=b\nmachine-id=m\ntime=1\nrun=r\nstate=held\n",
	    "boot-id=b\nmachine-id=m\ntime=1\nnumber=12x\nrun=r\nstate=held\n",
	    "boot-id=b\nmachine-id=m\ntime=1\nnumber=1\nrun=r\nstate=hel\n",
	    "boot-id=b\nmachine-id=m\ntime=1\nhello\n",
	};

	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_auto(RdSurvey) survey = {.number = 7};
		g_autoptr(GError) error = NULL;

		g_assert_false(parse(wrong[i], &survey, &error));
		g_assert_nonnull(error);
		g_assert_cmpint(survey.number, ==, 7);
	}
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/call/names", test_names_are_words_and_differ);
	g_test_add_func("/call/touches", test_only_changes_touch);
	g_test_add_func("/survey/held", test_survey_of_a_held_host);
	g_test_add_func("/survey/no-lock-file", test_survey_without_a_lock_file);
	g_test_add_func("/survey/half", test_half_a_survey_is_refused);
	return g_test_run();
}
