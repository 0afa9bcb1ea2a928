/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wrapper-fixture.h"

/* each row of the table of a job's states, made to happen */

#define JOB(verb_, argv_)                                                                          \
	{                                                                                          \
		.verb = verb_, .run = "r1", .number = 1, .state = "stop", .visit = 1,              \
		.attempt = 1, .name = "etcd", .head = "abc", .argv = argv_                         \
	}

static char *
job_path(Host *host, const char *file)
{
	return g_build_filename(host->root, "jobs", "r1", "stop.1.1", "etcd", file, NULL);
}

static RdVerdict
job_state(Host *host, guint wait_s, RdReply *reply)
{
	RdCall call = JOB(RD_CALL_JOB_STATE, NULL);

	call.wait_s = wait_s;
	return host_call(host, &call, reply);
}

/* a command that says its pid, waits for a file, and then ends with 5 */
static char *
patient_script(Host *host)
{
	return g_strdup_printf("echo $$ >%s/pid; echo said; echo also >&2; "
			       "until [ -e %s/go ]; do sleep 0.05; done; exit 5",
			       host->dir, host->dir);
}

static void
let_go(Host *host)
{
	g_autofree char *go = host_path(host, "go");

	write_file(go, "");
}

static void
test_absent_only_on_the_same_boot_and_machine(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};
	g_autoptr(GError) error = NULL;
	RdCall call = JOB(RD_CALL_JOB_STATE, NULL);
	RdCall look = {.verb = RD_CALL_SURVEY};

	host_grant(host);
	assert_verdict(host_call(host, &look, &reply), RD_VERDICT_DONE);
	g_assert_true(rd_survey_parse(reply.out, &survey, &error));
	call.boot_id = survey.boot_id;
	call.machine_id = survey.machine_id;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_ABSENT);
	call.boot_id = "another-boot";
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_UNKNOWN);
	call.boot_id = survey.boot_id;
	call.machine_id = "another-machine";
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_UNKNOWN);
	call.verb = RD_CALL_SETTLE;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_UNKNOWN);
	call.machine_id = survey.machine_id;
	assert_verdict(host_call(host, &call, &reply), RD_VERDICT_DONE);
}

static void
test_a_job_from_start_to_result(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	g_autofree char *log = job_path(host, "log");
	g_autofree char *who = job_path(host, "who");
	g_autofree char *who_text = NULL;
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);
	RdCall look = {.verb = RD_CALL_SURVEY};
	g_autofree char *text = NULL;
	struct stat st;

	host_grant(host);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	assert_verdict(job_state(host, 0, &reply), RD_VERDICT_ALIVE);
	assert_verdict(job_state(host, 1, &reply), RD_VERDICT_ALIVE);
	assert_verdict(host_call(host, &look, &reply), RD_VERDICT_DONE);
	g_assert_true(rd_survey_parse(reply.out, &survey, NULL));
	g_assert_cmpuint(survey.jobs->len, ==, 1);
	g_assert_cmpstr(g_ptr_array_index(survey.jobs, 0), ==, "r1/stop.1.1/etcd");
	who_text = read_file(who);
	assert_has(who_text, "number=1\n");
	assert_has(who_text, "head=abc\n");
	assert_has(who_text, survey.boot_id);
	g_assert_cmpint(stat(log, &st), ==, 0);
	g_assert_cmpint(st.st_mode & 0777, ==, 0600);
	let_go(host);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 5);
	text = reply_text(&reply);
	g_assert_cmpstr(text, ==, "said\nalso\n");
}

static void
test_a_job_runs_once(Host *host, gconstpointer shell)
{
	g_autofree char *count = host_path(host, "count");
	g_autofree char *script = g_strdup_printf("echo x >>%s; sleep 0.2", count);
	const char *argv[] = {"sh", "-c", script, NULL};
	RdCall start = JOB(RD_CALL_JOB_START, argv);
	g_autofree char *text = NULL;
	const guint rounds = 6;

	host_grant(host);
	for (guint round = 1; round <= rounds; round++) {
		Asked asked[3];

		start.attempt = round;
		for (guint i = 0; i < G_N_ELEMENTS(asked); i++)
			asked[i] = host_ask(host, &start);
		for (guint i = 0; i < G_N_ELEMENTS(asked); i++) {
			g_auto(RdReply) reply = {0};

			asked_wait(&asked[i], &reply);
			g_assert_true(reply.verdict == RD_VERDICT_ALIVE ||
				      reply.verdict == RD_VERDICT_DONE);
		}
		start.wait_s = 20;
		assert_verdict(host_call_verdict(host, &start), RD_VERDICT_DONE);
		start.wait_s = 0;
	}
	text = read_file(count);
	g_assert_cmpuint(strlen(text), ==, 2 * rounds);
}

static void
test_another_command_under_the_same_name_is_refused(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, ((const char *const[]){"true", NULL}));

	host_grant(host);
	start.wait_s = 20;
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_DONE);
	start.argv = (const char *const[]){"true", "again", NULL};
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "another command");
}

static void
test_a_late_start_of_an_older_number_is_refused(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	g_autofree char *dir = job_path(host, NULL);
	RdCall start = JOB(RD_CALL_JOB_START, ((const char *const[]){"true", NULL}));

	host_grant(host);
	assert_verdict(host_take(host, "r1", 2, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_FENCED);
	g_assert_false(exists(dir));
}

static pid_t
body_pid(Host *host)
{
	g_autofree char *who = job_path(host, "who");
	g_autofree char *text = read_file(who);
	const char *pid = strstr(text, "\npid=");

	g_assert_nonnull(pid);
	return (pid_t)g_ascii_strtoll(pid + strlen("\npid="), NULL, 10);
}

static void
test_killed_without_a_result_is_died(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	g_autofree char *pid_file = host_path(host, "pid");
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);
	pid_t command;

	host_grant(host);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	command = read_pid(pid_file);
	/* the body alone: what it started holds the lock on */
	kill(body_pid(host), SIGKILL);
	wait_for_death(body_pid(host));
	assert_verdict(job_state(host, 0, &reply), RD_VERDICT_ALIVE);
	let_go(host);
	wait_for_death(command);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DIED);
	/* not again in this attempt */
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_DIED);
}

static void
test_a_killed_command_has_a_result(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	g_autofree char *pid_file = host_path(host, "pid");
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);

	host_grant(host);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	kill(read_pid(pid_file), SIGKILL);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 137);
}

static void
test_what_a_job_left_running_keeps_it_alive(Host *host, gconstpointer shell)
{
	g_autofree char *pid_file = host_path(host, "pid");
	g_autofree char *result = job_path(host, "result");
	g_autofree char *script = g_strdup_printf("sleep 4322 & echo $! >%s", pid_file);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);

	host_grant(host);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	wait_for_death(body_pid(host));
	assert_verdict(job_state(host, 0, &reply), RD_VERDICT_ALIVE);
	assert_has(reply.err, "sleep 4322");
	kill(read_pid(pid_file), SIGKILL);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 0);
}

static void
test_a_job_of_another_run_keeps_a_taker_out(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);

	host_grant(host);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	/* its own run may: settle is for that */
	assert_verdict(host_take(host, "r1", 1, &reply), RD_VERDICT_DONE);
	host_release(host);
	assert_verdict(host_take(host, "r2", 2, &reply), RD_VERDICT_REFUSED);
	assert_has(reply.err, "r1/stop.1.1/etcd");
	let_go(host);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DONE);
	assert_verdict(host_take(host, "r2", 2, &reply), RD_VERDICT_DONE);
}

static void
test_settle_names_what_is_alive(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	g_autofree char *text = NULL;
	RdCall start = JOB(RD_CALL_JOB_START, argv);
	RdCall quick = JOB(RD_CALL_JOB_START, ((const char *const[]){"true", NULL}));
	RdCall settle = JOB(RD_CALL_SETTLE, NULL);

	host_grant(host);
	quick.name = "quick";
	quick.wait_s = 20;
	assert_verdict(host_call(host, &quick, &reply), RD_VERDICT_DONE);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	settle.wait_s = 1;
	assert_verdict(host_call(host, &settle, &reply), RD_VERDICT_ALIVE);
	text = reply_text(&reply);
	g_assert_cmpstr(text, ==, "etcd\n");
	/* of this attempt only */
	settle.attempt = 2;
	assert_verdict(host_call(host, &settle, &reply), RD_VERDICT_DONE);
	settle.attempt = 1;
	let_go(host);
	settle.wait_s = 20;
	assert_verdict(host_call(host, &settle, &reply), RD_VERDICT_DONE);
}

static void
test_attempt_0_is_the_newest(Host *host, gconstpointer shell)
{
	g_auto(RdReply) reply = {0};
	RdCall state = JOB(RD_CALL_JOB_STATE, NULL);

	host_grant(host);
	for (guint attempt = 9; attempt <= 11; attempt++) {
		g_autofree char *script = g_strdup_printf("exit %u", attempt);
		const char *argv[] = {"sh", "-c", script, NULL};
		RdCall start = JOB(RD_CALL_JOB_START, argv);

		start.attempt = attempt;
		start.wait_s = 20;
		assert_verdict(host_call(host, &start, &reply), RD_VERDICT_DONE);
	}
	state.attempt = 0;
	assert_verdict(host_call(host, &state, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 11);
	state.visit = 2;
	assert_verdict(host_call(host, &state, &reply), RD_VERDICT_ABSENT);
}

static void
test_a_secret_goes_by_stdin_and_leaves_no_trace(Host *host, gconstpointer shell)
{
	g_autofree char *got = host_path(host, "got");
	g_autofree char *script = g_strdup_printf("cat /proc/*/cmdline 2>/dev/null | "
						  "grep -ac 'hunte[r]2 ' ; grep -rl 'hunte[r]2' %s;"
						  "cat >%s",
						  host->root, got);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_autoptr(GBytes) input = g_bytes_new_static("hunter2 hunter2", 15);
	g_auto(RdReply) reply = {0};
	g_autofree char *text = NULL;
	g_autofree char *received = NULL;
	RdCall start = JOB(RD_CALL_JOB_START, argv);

	host_grant(host);
	start.input = input;
	start.wait_s = 20;
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_DONE);
	text = reply_text(&reply);
	g_assert_cmpstr(text, ==, "0\n");
	received = read_file(got);
	g_assert_cmpstr(received, ==, "hunter2 hunter2");
}

static void
test_the_log_is_read_from_its_end(Host *host, gconstpointer shell)
{
	const char *argv[] = {"sh", "-c", "yes | head -c 3000000; echo end", NULL};
	g_auto(RdReply) reply = {0};
	g_autofree char *text = NULL;
	RdCall start = JOB(RD_CALL_JOB_START, argv);

	host_grant(host);
	start.wait_s = 20;
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_DONE);
	text = reply_text(&reply);
	g_assert_cmpuint(strlen(text), ==, 256 * 1024);
	g_assert_true(g_str_has_suffix(text, "y\nend\n"));
}

static void
test_a_result_that_cannot_be_written_is_not_lost(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	g_autofree char *result = job_path(host, "result");
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);

	host_grant(host);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	g_assert_cmpint(g_unlink(result), ==, 0);
	g_assert_cmpint(g_mkdir(result, 0700), ==, 0);
	let_go(host);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 5);
}

static void
fill(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "filler", NULL);
	g_autofree char *command = g_strdup_printf("cat /dev/zero >'%s' 2>/dev/null", path);
	const char *argv[] = {"sh", "-c", command, NULL};

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
}

static void
test_a_full_disk(Host *host, gconstpointer shell)
{
	g_autofree char *script = patient_script(host);
	g_autofree char *filler = g_build_filename(host->root, "filler", NULL);
	const char *argv[] = {"sh", "-c", script, NULL};
	g_auto(RdReply) reply = {0};
	RdCall start = JOB(RD_CALL_JOB_START, argv);
	g_autofree char *pid = host_path(host, "pid");
	g_autofree char *dir = job_path(host, NULL);

	if (!can_mount())
		return;
	g_assert_cmpint(g_mkdir(host->root, 0700), ==, 0);
	g_assert_cmpint(mount("t", host->root, "tmpfs", 0, "size=256k"), ==, 0);
	host_grant(host);
	fill(host->root);
	/* before the start: nothing is run, nothing stays */
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_REFUSED);
	g_assert_false(exists(pid));
	g_assert_false(exists(dir));
	/* nor is a new number taken that cannot be written, and the old one is whole */
	assert_verdict(host_take(host, "r1", 2, &reply), RD_VERDICT_REFUSED);
	g_unlink(filler);
	assert_verdict(host_call(host, &start, &reply), RD_VERDICT_ALIVE);
	/* while it runs: the result has its room */
	fill(host->root);
	let_go(host);
	assert_verdict(job_state(host, 20, &reply), RD_VERDICT_DONE);
	g_assert_cmpint(reply.status, ==, 5);
	g_assert_cmpint(umount2(host->root, MNT_DETACH), ==, 0);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_test("job/absent", test_absent_only_on_the_same_boot_and_machine);
	add_test("job/result", test_a_job_from_start_to_result);
	add_test("job/once", test_a_job_runs_once);
	add_test("job/other-command", test_another_command_under_the_same_name_is_refused);
	add_test("job/late", test_a_late_start_of_an_older_number_is_refused);
	add_test("job/died", test_killed_without_a_result_is_died);
	add_test("job/killed", test_a_killed_command_has_a_result);
	add_test("job/left-running", test_what_a_job_left_running_keeps_it_alive);
	add_test("job/other-run", test_a_job_of_another_run_keeps_a_taker_out);
	add_test("job/settle", test_settle_names_what_is_alive);
	add_test("job/newest", test_attempt_0_is_the_newest);
	add_test("job/secret", test_a_secret_goes_by_stdin_and_leaves_no_trace);
	add_test("job/log", test_the_log_is_read_from_its_end);
	add_test("job/result-elsewhere", test_a_result_that_cannot_be_written_is_not_lost);
	add_test("job/disk-full", test_a_full_disk);
	return g_test_run();
}
