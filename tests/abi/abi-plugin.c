/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One plugin, built with the header of each release, with today's, and with tomorrow's. It uses
 * every function and every field, and says what it saw. */

#include ABI_HEADER
#include <string.h>

#define CHECK(condition)                                                                           \
	if (!(condition)) {                                                                        \
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "not true: %s",       \
			    #condition);                                                           \
		return FALSE;                                                                      \
	}

static gboolean
all_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *id = recovery_ask(step, NULL, error, "cat", "/boot id", NULL);

	return id != NULL && recovery_remember(step, "boot-id", id, error);
}

static RecoveryProbe
all_probe(RecoveryStep *step, GError **error)
{
	RecoveryJobState state = RECOVERY_JOB_ABSENT;
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_job_state(step, "long", &state, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	return state == RECOVERY_JOB_ENDED && strcmp(reply.out, "job\n") == 0
		   ? RECOVERY_PROBE_PRESENT
		   : RECOVERY_PROBE_ABSENT;
}

static gboolean
check_parameters(RecoveryStep *step, GError **error)
{
	CHECK(strcmp(recovery_string(step, "text"), "a b") == 0);
	CHECK(recovery_int(step, "number") == G_GINT64_CONSTANT(5000000000));
	CHECK(recovery_bool(step, "switch"));
	CHECK(strcmp(recovery_string(step, "path"), "/etc/x") == 0);
	CHECK(strcmp(recovery_string(step, "file"), "/tmp/x") == 0);
	CHECK(recovery_int(step, "time") == 90);
	CHECK(strcmp(recovery_string(step, "secret"), "hidden") == 0);
	return TRUE;
}

static gboolean
check_names(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) excused = recovery_excused(step);
	g_autofree char *work = recovery_work_dir(step);

	CHECK(strcmp(recovery_run_id(step), "r-20261120-kite-3") == 0);
	CHECK(strcmp(recovery_run_uuid(step), "0b6c") == 0);
	CHECK(strcmp(recovery_state_name(step), "state") == 0);
	CHECK(strcmp(recovery_target(step), "m0") == 0);
	CHECK(g_strv_length(hosts) == 2 && strcmp(hosts[1], "m1") == 0);
	CHECK(g_strv_length(excused) == 1 && strcmp(excused[0], "m2") == 0);
	CHECK(strcmp(recovery_address(step, "m1"), "10.0.0.2") == 0);
	CHECK(strstr(work, "r-20261120-kite-3") != NULL);
	CHECK(strcmp(recovery_recall(step, "boot-id"), "looked\n") == 0);
	CHECK(recovery_time_used(step) <= 100);
	return TRUE;
}

static gboolean
look(RecoveryStep *step, GError **error)
{
	const char *hosts[] = {"m0", "m1", NULL};
	const char *argv[] = {"uptime", NULL};
	g_autofree char *dir = recovery_local_dir(step);
	g_autofree char *to = g_build_filename(dir, "fetched", NULL);
	g_autofree char *sha256 = NULL;
	g_autofree char *aside = NULL;
	const char *const *const argvs[] = {argv, argv, NULL};
	g_autoptr(GPtrArray) answers = recovery_ask_all(step, hosts, argv);
	g_autoptr(GPtrArray) each = recovery_ask_each(step, hosts, argvs);
	g_auto(RecoveryReply) reply = {0};

	CHECK(answers->len == 2 && each->len == 2);
	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = g_ptr_array_index(answers, i);

		CHECK(strcmp(answer->host, hosts[i]) == 0 && answer->error == NULL);
		CHECK(answer->reply.status == 0 && answer->reply.out_size == strlen("looked\n"));
	}
	if (!recovery_ask_status(step, "m1", argv, &reply, error) ||
	    !recovery_fetch(step, NULL, "/etc/x", to, &sha256, error) ||
	    !recovery_aside_path(step, "/etc/x", &aside, error))
		return FALSE;
	CHECK(strcmp(reply.out, "looked\n") == 0 && strcmp(reply.err, "words\n") == 0);
	CHECK(strlen(sha256) == 64);
	CHECK(strcmp(aside, "/aside/x") == 0);
	return TRUE;
}

static gboolean
touch(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"make", "a b", NULL};
	const char *env[] = {"A=1", NULL};
	const RecoveryCommand command = {.argv = argv,
					 .cwd = "/tmp",
					 .env = env,
					 .input = "in",
					 .input_size = 2};
	g_autofree char *dir = recovery_local_dir(step);
	g_autofree char *from = g_build_filename(dir, "fetched", NULL);
	g_auto(RecoveryReply) reply = {0};

	return recovery_run(step, &command, &reply, error) &&
	       recovery_job(step, "long", &command, NULL, error) &&
	       recovery_move(step, "/etc/x", "/etc/y", error) &&
	       recovery_move_aside(step, "/etc/y", error) &&
	       recovery_put(step, from, "/etc/z", 0600, error) &&
	       recovery_put_data(step, "data", 4, "/etc/z", 0644, error);
}

static gboolean
all_enter(RecoveryStep *step, GError **error)
{
	recovery_progress(step, "at %d %%", 50);
	recovery_outcome(step, "other");
	return check_parameters(step, error) && check_names(step, error) && look(step, error) &&
	       touch(step, error) && recovery_wait(step, all_probe, error) &&
	       recovery_output(step, "seen", "all", error);
}

static gboolean
all_undo(RecoveryStep *step, GError **error)
{
	return recovery_move(step, "/etc/y", "/etc/x", error);
}

static gboolean
query_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *text = recovery_ask(step, "m1", error, "uptime", NULL);

	return text != NULL && recovery_output(step, "text", text, error);
}

static const RecoveryParam params[] = {
#ifdef ABI_NEWER
#define MORE .unit = "from tomorrow"
#else
#define MORE .fallback = NULL
#endif
    {"text", RECOVERY_PARAM_STRING, "fallback", "a text"},
    {.name = "number", .type = RECOVERY_PARAM_INT, .summary = "a number", MORE},
    {.name = "switch", .type = RECOVERY_PARAM_BOOL, .summary = "yes or no", MORE},
    {.name = "path", .type = RECOVERY_PARAM_PATH, .summary = "there", MORE},
    {.name = "file", .type = RECOVERY_PARAM_FILE, .summary = "here", MORE},
    {.name = "time", .type = RECOVERY_PARAM_DURATION, .summary = "how long", MORE},
    {.name = "secret", .type = RECOVERY_PARAM_SECRET, .summary = "hush", MORE},
    {0},
};
static const char *const outcomes[] = {"done", "other", NULL};
static const char *const outputs[] = {"seen", NULL};
static const char *const query_outputs[] = {"text", NULL};

#ifdef ABI_NEWER
static gboolean
tomorrow(RecoveryStep *step, GError **error)
{
	g_assert_not_reached();
}
#undef MORE
#define MORE .later = tomorrow, .even_later = tomorrow
#else
#undef MORE
#define MORE .undo_is = RECOVERY_UNDO_FUNCTION
#endif

static const RecoveryState states[] = {
    {
	.name = "all",
	.summary = "uses everything",
	.kind = RECOVERY_KIND_CHANGE,
	.params = params,
	.outcomes = outcomes,
	.outputs = outputs,
	.timeout = 77,
	.baseline = all_baseline,
	.probe = all_probe,
	.enter = all_enter,
	.undo = all_undo,
	MORE,
    },
    {.name = "await", .summary = "waits", .kind = RECOVERY_KIND_WAIT, .probe = all_probe, MORE},
    {.name = "query",
     .summary = "asks",
     .kind = RECOVERY_KIND_QUERY,
     .outputs = query_outputs,
     .enter = query_enter,
     MORE},
    {0},
};

RECOVERY_PLUGIN(.name = ABI_NAME, .summary = "built with another header", .states = states);
