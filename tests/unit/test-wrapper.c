/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wrapper-fixture.h"

/* the lock, the fence, commands; jobs and files have files of their own */

static void
edit_epoch(Host *host, const char *from, const char *to)
{
	g_autofree char *path = g_build_filename(host->root, "epoch", NULL);
	g_autofree char *text = read_file(path);
	g_autofree char *edited = NULL;
	g_auto(GStrv) parts = g_strsplit(text, from, 2);

	g_assert_cmpuint(g_strv_length(parts), ==, 2);
	edited = g_strjoinv(to, parts);
	write_file(path, edited);
}

static void
parse_survey(const RdReply *reply, RdSurvey *survey)
{
	g_autoptr(GError) error = NULL;

	rd_survey_parse(reply->out, survey, &error);
	g_assert_no_error(error);
}

static void
test_take_needs_enrolment_when_there_is_no_lock(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};
	RdCall call = {.verb = RD_CALL_TAKE, .run = "r1", .number = 7, .who = "a b@c=d"};
	g_autofree char *path = g_build_filename(host->root, "epoch", NULL);

	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "enrolled");
	g_assert_false(exists(path));
	call.enrol = TRUE;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	parse_survey(&reply, &survey);
	g_assert_cmpint(survey.number, ==, 7);
	g_assert_cmpstr(survey.run, ==, "r1");
	g_assert_cmpstr(survey.who, ==, "a b@c=d");
	g_assert_true(survey.held);
	g_assert_cmpstr(survey.machine_id, ==, survey.lock_machine_id);
	g_assert_cmpint(strlen(survey.boot_id), ==, 36);
	g_assert_cmpfloat(survey.time, >, 1.6e9);
	g_assert_cmpuint(survey.jobs->len, ==, 0);
}

static void
test_take_while_held(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};

	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r1", 8, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r1", 7, &reply), RD_VERDICT_FENCED);
	assert_verdict(host_take(host, "r2", 9, &reply), RD_VERDICT_FENCED);
	assert_has(reply.err, "#8 of run r1");
	assert_has(reply.err, "alice@bastion");
	parse_survey(&reply, &survey);
	g_assert_cmpint(survey.number, ==, 8);
}

/* two engines of one run, its directory having been copied, ask for the same number */
static void
test_take_of_a_copied_run(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall other = {.verb = RD_CALL_TAKE, .run = "r1", .number = 5, .who = "alice@elsewhere"};

	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &other, &reply), RD_VERDICT_FENCED);
	assert_has(reply.err, "alice@bastion");
	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	other.number = 6;
	assert_verdict(host_call(host, &other, &reply), RD_VERDICT_DONE);
}

/* a number whose taking never arrived may be given back all the same */
static void
test_release_above_the_number(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall release = {.verb = RD_CALL_RELEASE, .run = "r1", .number = 7};

	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r2", 6, &reply), RD_VERDICT_DONE);
}

static void
test_take_when_released(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall release = {.verb = RD_CALL_RELEASE, .run = "r1", .number = 5};

	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r2", 5, &reply), RD_VERDICT_FENCED);
	assert_verdict(host_take(host, "r2", 6, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_FENCED);
}

static void
test_release_is_for_the_holder_only(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall release = {.verb = RD_CALL_RELEASE, .run = "r1", .number = 4};

	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_REFUSED);
	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_FENCED);
	release.number = 5;
	release.run = "r2";
	assert_verdict(host_call(host, &release, &reply), RD_VERDICT_FENCED);
}

static void
test_a_damaged_lock_is_nobodys(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall survey = {.verb = RD_CALL_SURVEY};
	RdCall run = {.verb = RD_CALL_RUN,
		      .run = "r1",
		      .number = 1,
		      .argv = (const char *const[]){"true", NULL}};

	host_grant(host);
	edit_epoch(host, "state=held\n", "");
	assert_verdict(host_take(host, "r1", 2, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "damaged");
	assert_verdict(host_call(host, &survey, &reply), RD_VERDICT_REFUSED);
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_REFUSED);
}

static void
test_a_lock_of_another_machine_does_not_count(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall take = {.verb = RD_CALL_TAKE, .run = "r1", .number = 2};
	RdCall run = {.verb = RD_CALL_RUN,
		      .run = "r1",
		      .number = 1,
		      .argv = (const char *const[]){"true", NULL}};

	host_grant(host);
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_DONE);
	edit_epoch(host, "machine-id=", "machine-id=f");
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	assert_verdict(host_call(host, &take, &reply), RD_VERDICT_REFUSED);
	take.enrol = TRUE;
	assert_verdict(host_call(host, &take, &reply), RD_VERDICT_DONE);
}

static void
test_of_two_takers_one_wins(Host *host, gconstpointer shell)
{
	static const char *const runs[] = {"ra", "rb", "rc", "rd"};

	for (guint round = 1; round <= 5; round++) {
		Asked asked[G_N_ELEMENTS(runs)];
		guint granted = 0;

		for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
			RdCall call = {.verb = RD_CALL_TAKE,
				       .run = runs[i],
				       .number = round,
				       .enrol = TRUE,
				       .who = "x",
				       .wait_s = 10};

			asked[i] = host_ask(host, &call);
		}
		for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
			g_auto(RdReply) reply = {0};
			RdCall release = {.verb = RD_CALL_RELEASE, .run = runs[i], .number = round};

			asked_wait(&asked[i], &reply);
			granted += reply.verdict == RD_VERDICT_DONE;
			if (reply.verdict != RD_VERDICT_DONE)
				assert_verdict(reply.verdict, RD_VERDICT_FENCED);
			if (i + 1 < G_N_ELEMENTS(runs))
				continue;
			for (guint j = 0; j < G_N_ELEMENTS(runs); j++) {
				release.run = runs[j];
				host_call(host, &release, &reply);
			}
		}
		g_assert_cmpuint(granted, ==, 1);
	}
}

static void
test_what_touches_is_fenced(Host *host, gconstpointer shell)
{
	g_autofree char *mark = host_path(host, "mark");
	g_auto(RdReply) reply = {0};
	const char *argv[] = {"touch", mark, NULL};
	RdCall run = {.verb = RD_CALL_RUN, .run = "r1", .number = 1, .argv = argv};

	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	host_grant(host);
	run.number = 2;
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	run.number = 0;
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	run.number = 1;
	run.run = "r2";
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	assert_verdict(host_take(host, "r1", 3, &reply), RD_VERDICT_DONE);
	run.run = "r1";
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	g_assert_false(exists(mark));
	run.number = 3;
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_DONE);
	g_assert_true(exists(mark));
	run.verb = RD_CALL_RELEASE;
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_DONE);
	run.verb = RD_CALL_RUN;
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
}

static void
test_looks_are_fenced_when_they_name_a_lock(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall ask = {.verb = RD_CALL_ASK,
		      .run = "r1",
		      .argv = (const char *const[]){"true", NULL}};

	assert_verdict(host_call(host, &ask, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r1", 5, &reply), RD_VERDICT_DONE);
	ask.number = 5;
	assert_verdict(host_call(host, &ask, &reply), RD_VERDICT_DONE);
	ask.number = 4;
	assert_verdict(host_call(host, &ask, &reply), RD_VERDICT_FENCED);
	ask.number = 6;
	ask.run = "r2";
	assert_verdict(host_call(host, &ask, &reply), RD_VERDICT_FENCED);
	ask.number = 0;
	assert_verdict(host_call(host, &ask, &reply), RD_VERDICT_DONE);
}

static void
test_a_successor_waits_for_what_still_touches(Host *host, gconstpointer shell)
{
	g_autofree char *pid_file = host_path(host, "pid");
	g_autofree char *script =
	    g_strdup_printf("sleep 4321 >/dev/null 2>&1 & echo $! >%s", pid_file);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall run = {.verb = RD_CALL_RUN, .run = "r1", .number = 1, .argv = argv};
	RdCall take = {.verb = RD_CALL_TAKE, .run = "r1", .number = 2, .who = "bob", .wait_s = 1};
	g_auto(RdSurvey) survey = {0};
	pid_t pid;

	host_grant(host);
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_DONE);
	pid = read_pid(pid_file);
	assert_verdict(host_call(host, &take, &reply), RD_VERDICT_BUSY);
	assert_has(reply.err, "sleep 4321");

	parse_survey(&reply, &survey);
	g_assert_cmpint(survey.number, ==, 2);
	/* without waiting too */
	take.wait_s = 0;
	assert_verdict(host_call(host, &take, &reply), RD_VERDICT_BUSY);
	/* the new number is in force although it was not granted */
	assert_verdict(host_call(host, &run, &reply), RD_VERDICT_FENCED);
	kill(pid, SIGKILL);
	take.wait_s = 20;
	assert_verdict(host_call(host, &take, &reply), RD_VERDICT_DONE);
}

/* it is the command that is named, not the wrapper which waits for it */
static void
test_who_still_touches_is_named(Host *host, gconstpointer shell)
{
	g_autofree char *pid_file = host_path(host, "pid");
	g_autofree char *script = g_strdup_printf("echo $$ >%s; exec sleep 4322", pid_file);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0}, answer = {0};
	RdCall run = {.verb = RD_CALL_RUN, .run = "r1", .number = 1, .argv = argv};
	RdCall take = {.verb = RD_CALL_TAKE, .run = "r1", .number = 2, .who = "bob", .wait_s = 1};
	Asked asked;
	pid_t pid;

	host_grant(host);
	asked = host_ask(host, &run);
	pid = read_pid(pid_file);
	assert_verdict(host_call(host, &take, &reply), RD_VERDICT_BUSY);
	assert_has(reply.err, "sleep 4322");
	g_assert_null(strstr(reply.err, "wrapper"));
	kill(pid, SIGKILL);
	asked_wait(&asked, &answer);
}

static void
test_a_command_gets_and_gives_bytes_as_they_are(Host *host, gconstpointer shell)
{
	static const char bytes[] = "\0\n\r\xff'$(x) recoveryd-end \n\n";
	const char *argv[] = {
	    "sh", "-c", "cat; printf '%s|' \"$@\" >&2; exit 3", "sh", "", "a 'b\"\n$c", "*", NULL};
	g_autoptr(GBytes) input = g_bytes_new_static(bytes, sizeof bytes);
	g_auto(RdReply) reply = {0};
	RdCall call = {.verb = RD_CALL_RUN,
		       .run = "r1",
		       .number = 1,
		       .argv = argv,
		       .input = input,
		       .cwd = "/"};

	host_grant(host);
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 3);
	g_assert_true(g_bytes_equal(reply.out, input));
	g_assert_cmpstr(reply.err, ==, "|a 'b\"\n$c|*|");
	call.verb = RD_CALL_ASK;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_true(g_bytes_equal(reply.out, input));
	call.input = NULL;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpuint(g_bytes_get_size(reply.out), ==, 0);
}

static void
test_environment_and_directory(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	g_autofree char *text = NULL;
	RdCall call = {
	    .verb = RD_CALL_ASK,
	    .argv = (const char *const[]){"sh", "-c", "pwd; echo \"$A\"; echo ${B-no}", NULL},
	    .env = (const char *const[]){"A=x y", NULL},
	    .cwd = host->dir};

	g_setenv("B", "leaked", TRUE);
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	text = reply_text(&reply);
	assert_has(text, host->dir);
	assert_has(text, "\nx y\nno\n");
	call.cwd = "/nowhere/at/all";
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_REFUSED);
	call.cwd = NULL;
	call.argv = (const char *const[]){"no-such-command-here", NULL};
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 127);
	call.argv = (const char *const[]){"sh", "-c", "kill -9 $$", NULL};
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 137);
}

static void
test_input_that_breaks_off_reaches_nobody(Host *host, gconstpointer shell)
{
	g_autofree char *mark = host_path(host, "mark");
	g_autoptr(GBytes) input = g_bytes_new_static("0123456789", 10);
	g_autoptr(GBytes) broken = g_bytes_new_static("0123", 4);
	g_auto(RdReply) reply = {0};
	const char *argv[] = {"touch", mark, NULL};
	RdCall call = {.verb = RD_CALL_RUN, .run = "r1", .number = 1, .argv = argv, .input = input};
	Asked asked;

	host_grant(host);
	asked = host_ask_with(host, &call, broken);
	asked_wait(&asked, &reply);
	assert_verdict(reply.verdict, RD_VERDICT_REFUSED);
	assert_has(reply.err, "4 of 10");
	g_assert_false(exists(mark));
}

static void
test_names_cannot_leave_the_directory(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};

	assert_verdict(host_take(host, "../r1", 1, &reply), RD_VERDICT_REFUSED);
	assert_verdict(host_take(host, ".", 1, &reply), RD_VERDICT_REFUSED);
	assert_verdict(host_take(host, "", 1, &reply), RD_VERDICT_REFUSED);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_test("take/enrol", test_take_needs_enrolment_when_there_is_no_lock);
	add_test("take/held", test_take_while_held);
	add_test("take/copied", test_take_of_a_copied_run);
	add_test("release/above", test_release_above_the_number);
	add_test("take/released", test_take_when_released);
	add_test("take/damaged", test_a_damaged_lock_is_nobodys);
	add_test("take/other-machine", test_a_lock_of_another_machine_does_not_count);
	add_test("take/race", test_of_two_takers_one_wins);
	add_test("take/orphan", test_a_successor_waits_for_what_still_touches);
	add_test("take/named", test_who_still_touches_is_named);
	add_test("release/holder", test_release_is_for_the_holder_only);
	add_test("fence/touch", test_what_touches_is_fenced);
	add_test("fence/look", test_looks_are_fenced_when_they_name_a_lock);
	add_test("command/bytes", test_a_command_gets_and_gives_bytes_as_they_are);
	add_test("command/environment", test_environment_and_directory);
	add_test("command/short-input", test_input_that_breaks_off_reaches_nobody);
	add_test("names", test_names_cannot_leave_the_directory);
	return g_test_run();
}
