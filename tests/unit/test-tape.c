/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/call.h"
#include "kube/call.h"
#include "runner/step.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* What is recorded here is played by the player of plugins' tapes (play-parrot: test-plugin.c with
 * parrot.c on plugin-tape.c): the way round is whole when the plugin hears there what it heard
 * here, every byte. */

#define SECRET "hunter2hunter2"
#define BINARY "\0\1\xff\nline\r\n\\n\tx\n\n  indented\nno end"

typedef struct {
	RdWorld world;
	RdKube kube;
	char *dir; /* (owned) */
	RdSetting *setting;
	GHashTable *notes;
	char *result; /* (owned) "word text" */
	gint64 clock;
	guint calls, deaf; /* told to stop behind that many calls; 0: never */
	guint alive;	   /* how often a job is found alive */
} Fixture;

static RdCatalogue *catalogue;

static Fixture *
of_kube(RdKube *kube)
{
	return (Fixture *)((char *)kube - G_STRUCT_OFFSET(Fixture, kube));
}

/* ---- a world that answers ------------------------------------------------------------------ */

static void
reply_bytes(RdReply *reply, const void *data, gsize size)
{
	reply->out = g_bytes_new(data, size);
}

static void
show(const RdCall *call, RdReply *reply)
{
	const char *what = call->argv[1];

	reply->err = g_strdup("warned\n");
	if (g_str_equal(what, "text"))
		reply_bytes(reply, "one\ntwo äöü\n", strlen("one\ntwo äöü\n"));
	else if (g_str_equal(what, "no-end"))
		reply_bytes(reply, "one\n# two", 9);
	else if (g_str_equal(what, "binary"))
		reply_bytes(reply, BINARY, sizeof BINARY - 1);
	else if (g_str_equal(what, "secret"))
		reply_bytes(reply, "x " SECRET "\ntoken: abcdefghijkl\n", 38);
	else if (g_str_equal(what, "fails") || g_str_equal(what, "touched"))
		reply->status = 3;
	else
		reply_bytes(reply, "", 0);
}

static gboolean
answer(RdWorld *world, const char *host, const RdCall *call, RdReply *reply, GError **error)
{
	Fixture *f = (Fixture *)world;

	f->calls++;
	*reply = (RdReply){.verdict = RD_VERDICT_DONE};
	if (g_str_equal(host, "m2")) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
			    "%s: silent\nfor two lines", host);
		return FALSE;
	}
	if (call->verb == RD_CALL_ASK) {
		show(call, reply);
	} else if (call->verb == RD_CALL_RUN || call->verb == RD_CALL_JOB_START) {
		reply_bytes(reply, "made\n", 5);
		reply->status = g_strcmp0(call->argv[1], "fails") == 0 ? 4 : 0;
		if (call->verb == RD_CALL_JOB_START && g_str_equal(call->name, "watched"))
			reply->verdict = RD_VERDICT_ALIVE;
	} else if (call->verb == RD_CALL_JOB_STATE) {
		reply_bytes(reply, "ended\n", 6);
		if (call->attempt != 0 && f->alive-- > 0)
			reply->verdict = RD_VERDICT_ALIVE;
	} else if (call->verb == RD_CALL_FETCH) {
		reply_bytes(reply, "abc", 3);
		reply->err =
		    g_strdup("3 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	} else if (call->verb == RD_CALL_ASIDE) {
		reply_bytes(reply, "/etc/aside/moved\n", 17);
	} else if (call->verb == RD_CALL_SURVEY) {
		static const char survey[] = "boot-id=b\nmachine-id=m\ntime=1234.000000125\n";

		reply_bytes(reply, survey, sizeof survey - 1);
	}
	return TRUE;
}

static void
answer_all(RdWorld *world, const char *const *hosts, guint n_hosts, const RdCall *calls,
	   RdReply *replies, GError **errors)
{
	for (guint i = 0; i < n_hosts; i++)
		answer(world, hosts[i], &calls[i], &replies[i], &errors[i]);
}

static gboolean
wait_a_moment(RdWorld *world, guint milliseconds)
{
	((Fixture *)world)->clock += milliseconds * G_GINT64_CONSTANT(1000);
	return TRUE;
}

static gint64
clock_of(RdWorld *world)
{
	return ((Fixture *)world)->clock;
}

static gboolean
cancelled(RdWorld *world)
{
	const Fixture *f = (const Fixture *)world;

	return f->deaf != 0 && f->calls >= f->deaf;
}

static void
answer_one(const RdKubeRequest *request, RdKubeAnswer *got)
{
	static const char node[] = "{\"kind\": \"Node\", \"metadata\": {\"name\": \"m0\"}, "
				   "\"n\": 18446744073709551615, \"f\": 1.5}";
	static const char list[] = "{\"kind\": \"NodeList\", \"items\": [{\"a\": \"x\\ny\"}, "
				   "{\"metadata\": {}}]}";
	static const char secret[] =
	    "{\"kind\": \"Secret\", \"metadata\": {\"name\": \"s\", \"annotations\": "
	    "{\"last\": \"shy-word\"}}, \"data\": {\"k\": \"shy-word\"}}";
	static const char missing[] = "{\"kind\": \"Status\", \"reason\": \"NotFound\", "
				      "\"details\": {\"name\": \"missing\"}}";
	gboolean many =
	    g_str_has_suffix(request->path, "/nodes") || strstr(request->path, "/nodes?") != NULL;
	const char *body = strstr(request->path, "/secrets") != NULL ? secret : many ? list : node;

	if (request->plain)
		rd_kube_judge_plain(200, NULL, "ok\nreally", 9, -1, got);
	else if (strstr(request->path, "missing") != NULL)
		rd_kube_judge(request->verb, 404, NULL, missing, strlen(missing), -1, got);
	else if (strstr(request->path, "conflict") != NULL)
		rd_kube_judge(request->verb, 409, NULL, "{\"kind\": \"Status\"}", 18, -1, got);
	else
		rd_kube_judge(request->verb, 200, NULL, body, strlen(body), -1, got);
}

static void
answer_kube(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	    RdKubeAnswer *answers)
{
	for (guint i = 0; i < n; i++)
		answer_one(&requests[i], &answers[i]);
}

static gboolean
pause_kube(RdKube *kube, guint milliseconds)
{
	return wait_a_moment(&of_kube(kube)->world, milliseconds);
}

static gint64
clock_kube(RdKube *kube)
{
	return of_kube(kube)->clock;
}

static RdKube *
way(RdWorld *world, GError **error)
{
	return &((Fixture *)world)->kube;
}

/* ---- orders -------------------------------------------------------------------------------- */

static gboolean
keep(const RdReport *report, gpointer data)
{
	Fixture *f = data;

	if (report->kind == RD_REPORT_NOTE)
		g_hash_table_replace(f->notes, g_strdup(report->key), g_strdup(report->value));
	if (report->kind == RD_REPORT_RESULT) {
		g_free(f->result);
		f->result = g_strdup_printf("%s %s", report->word,
					    report->text != NULL ? report->text : "");
	}
	return TRUE;
}

static void
set_up(Fixture *f)
{
	static const RdWorldClass klass = {.call = answer,
					   .call_all = answer_all,
					   .pause = wait_a_moment,
					   .clock = clock_of,
					   .cancelled = cancelled,
					   .kube = way};
	static const RdKubeClass kube = {.send = answer_kube,
					 .pause = pause_kube,
					 .clock = clock_kube};
	g_autofree char *tapes = NULL, *local = NULL, *file = NULL;

	memset(f, 0, sizeof *f);
	f->world.klass = &klass;
	f->kube.klass = &kube;
	f->clock = 1;
	f->dir = g_dir_make_tmp("record-XXXXXX", NULL);
	f->notes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	tapes = g_build_filename(f->dir, "tapes", NULL);
	local = g_build_filename(f->dir, "local", NULL);
	file = g_build_filename(f->dir, "local", "given", NULL);
	g_assert_cmpint(g_mkdir(local, 0700), ==, 0);
	g_assert_true(g_file_set_contents(file, "x", 1, NULL));
	f->setting = rd_setting_new("r-20261120-kite-3", "0b6c", "al@night", local);
	rd_setting_add_host(f->setting, "m2", "control-plane", "10.0.0.12");
	rd_setting_add_host(f->setting, "m0", "recovery", "10.0.0.10");
	rd_setting_add_host(f->setting, "m1", "control-plane", "10.0.0.11");
	rd_setting_add_host(f->setting, "m3", "control-plane", NULL);
	f->setting->tapes = rd_tapes_new(tapes);
}

static void
tear_down(Fixture *f)
{
	const char *const argv[] = {"rm", "-rf", f->dir, NULL};

	g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
				   NULL, NULL, NULL));
	rd_setting_free(f->setting);
	g_hash_table_unref(f->notes);
	g_free(f->result);
	g_free(f->dir);
}

static void
set(GHashTable *table, const char *name, const char *value)
{
	g_hash_table_insert(table, g_strdup(name), g_strdup(value));
}

static void
give_order(Fixture *f, RdDo what, const char *state)
{
	g_autoptr(RdOrder) order = rd_order_new(what, "m0");
	g_autofree char *file = g_build_filename(f->setting->local_dir, "given", NULL);
	GHashTableIter iter;
	gpointer key, value;

	order->state = g_strdup_printf("my-%s", state);
	order->type = g_strdup_printf("parrot/%s", state);
	order->visit = order->attempt = 1;
	order->number = 1;
	order->timeout_ms = 60000;
	set(order->with, "secret", SECRET);
	set(order->with, "file", file);
	set(order->with, "words", "two\nlines");
	g_ptr_array_add(order->excused, g_strdup("m3"));
	g_hash_table_iter_init(&iter, f->notes);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		set(order->notes, key, value);
		set(order->first, key, value);
	}
	rd_order_carry_out(order, catalogue, &f->world, f->setting, keep, f);
}

/* (transfer full) the tape of my-@state */
static char *
tape_path(Fixture *f, const char *state)
{
	g_autofree char *name = g_strdup_printf("parrot-%s.my-%s.m0.1.1.tape", state, state);

	return g_build_filename(f->dir, "tapes", f->setting->run_id, name, NULL);
}

static char *
tape_text(Fixture *f, const char *state)
{
	g_autofree char *path = tape_path(f, state);
	g_autoptr(GError) error = NULL;
	char *text;

	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	return text;
}

/* @text as the only tape of plugins/parrot; whether the player is content */
static gboolean
plays(Fixture *f, const char *text, char **words)
{
	g_autofree char *dir = g_build_filename(f->dir, "plugins", "parrot", "tests", NULL);
	g_autofree char *path = g_build_filename(dir, "recorded.tape", NULL);
	g_autofree char *player =
	    g_build_filename(g_getenv("BUILD_ROOT"), "tests", "unit", "play-parrot", NULL);
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
	    G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
	g_autoptr(GSubprocess) child = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, &error));
	g_subprocess_launcher_setenv(launcher, "SOURCE_ROOT", f->dir, TRUE);
	child = g_subprocess_launcher_spawn(launcher, &error, player, NULL);
	g_assert_no_error(error);
	g_assert_true(g_subprocess_communicate_utf8(child, NULL, NULL, words, NULL, &error));
	return g_subprocess_get_successful(child);
}

static void
assert_plays(Fixture *f, const char *state)
{
	g_autofree char *text = tape_text(f, state), *words = NULL;

	if (!plays(f, text, &words))
		g_error("%s\n---- the tape:\n%s", words, text);
}

/* the player notices when @from is @to */
static void
assert_notices(Fixture *f, const char *state, const char *from, const char *to)
{
	g_autofree char *text = tape_text(f, state), *words = NULL;
	g_auto(GStrv) parts = g_strsplit(text, from, 2);
	g_autofree char *changed = NULL;

	if (parts[1] == NULL)
		g_error("there is no \"%s\" in\n%s", from, text);
	changed = g_strconcat(parts[0], to, parts[1], NULL);
	g_assert_false(plays(f, changed, &words));
}

/* ---- tests --------------------------------------------------------------------------------- */

static void
test_look(void)
{
	g_autofree char *text = NULL, *path = NULL;
	Fixture f;
	GStatBuf info;

	set_up(&f);
	give_order(&f, RD_DO_LOOK, "look");
	g_assert_cmpstr(f.result, ==, "finished ");
	assert_plays(&f, "look");
	assert_notices(&f, "look", "| two äöü", "| two aou");
	assert_notices(&f, "look", "\\| # two\n", "| # two\n");
	assert_notices(&f, "look", "\\000\\001\\377", "\\000\\001\\376");
	assert_notices(&f, "look", "! warned", "! warmed");
	assert_notices(&f, "look", "? 3\n", "? 4\n");
	assert_notices(&f, "look", "silent\\nfor", "silent for");
	assert_notices(&f, "look", "run r-20261120-kite-3 ", "run r-20261120-kite-4 ");
	assert_notices(&f, "look", "recovery m0\n", "");
	assert_notices(&f, "look", "state my-look\n", "state look\n");
	assert_notices(&f, "look", "address m1 10.0.0.11\n", "address m1 10.0.0.19\n");
	/* nothing of it is for others */
	path = tape_path(&f, "look");
	g_assert_cmpint(g_stat(path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 0777, ==, 0600);
	text = tape_text(&f, "look");
	g_assert_null(strstr(text, SECRET));
	g_assert_null(strstr(text, "abcdefghijkl"));
	g_assert_null(strstr(text, f.dir));
	g_assert_nonnull(strstr(text, "> ask m0: show secret [redacted]\n"));
	tear_down(&f);
}

/* all orders of a step follow each other on one tape */
static void
test_touch(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) heads = NULL;
	Fixture f;

	set_up(&f);
	f.alive = 2;
	give_order(&f, RD_DO_CHECK, "touch");
	g_assert_cmpstr(f.result, ==, "absent ");
	give_order(&f, RD_DO_ENTER, "touch");
	g_assert_cmpstr(f.result, ==, "finished ");
	give_order(&f, RD_DO_PROBE, "touch");
	give_order(&f, RD_DO_UNDO, "touch");
	g_assert_cmpstr(f.result, ==, "finished ");
	assert_plays(&f, "touch");
	assert_notices(&f, "touch", "cd /srv; ", "");
	assert_notices(&f, "touch", "A=1 B=2 ", "A=1 ");
	assert_notices(&f, "touch", "~ alive\n", "");
	assert_notices(&f, "touch", "~ ended\n", "~ died\n");
	assert_notices(&f, "touch", "x failed m0: make fails: status 4", "x failed m0: make fails");
	assert_notices(&f, "touch", "one\\ntwo", "one two");
	assert_notices(&f, "touch", "two\\nlines and a \\\\ slash", "two\\nlines and a slash");
	assert_notices(&f, "touch", "> outcome other\n", "");
	assert_notices(&f, "touch", "put given ", "put taken ");
	text = tape_text(&f, "touch");
	heads = g_strsplit(text, "\ntype touch\n", -1);
	g_assert_cmpuint(g_strv_length(heads), ==, 2);
	tear_down(&f);
}

static void
test_api(void)
{
	g_autofree char *text = NULL;
	Fixture f;

	set_up(&f);
	give_order(&f, RD_DO_ENTER, "api");
	g_assert_cmpstr(f.result, ==, "finished ");
	assert_plays(&f, "api");
	assert_notices(&f, "api", "18446744073709551615", "18446744073709551614");
	assert_notices(&f, "api", "~ conflict\n", "~ done\n");
	assert_notices(&f, "api", "< {\"a\": \"b\"}", "< {\"a\": \"c\"}");
	assert_notices(&f, "api", "really", "rarely");
	assert_notices(&f, "api", "| 1234.000000125", "| 1234.000000126");
	text = tape_text(&f, "api");
	g_assert_null(strstr(text, "shy-word"));
	g_assert_nonnull(strstr(text, "\"data\":{\"k\":\"[redacted]\"}"));
	tear_down(&f);
}

static void
test_ended(void)
{
	g_autofree char *text = NULL;
	Fixture f;

	/* too late: the library's own words are the end */
	set_up(&f);
	give_order(&f, RD_DO_ENTER, "wait");
	g_assert_nonnull(strstr(f.result, "failed it was awaited: m0: not within its time"));
	assert_plays(&f, "wait");
	assert_notices(&f, "wait", "> deadline\n", "");
	assert_notices(&f, "wait", "= failed it was awaited: m0: not", "= failed m0: was not");
	tear_down(&f);
	/* told to stop in the middle */
	set_up(&f);
	f.deaf = 3;
	give_order(&f, RD_DO_ENTER, "wait");
	g_assert_true(g_str_has_prefix(f.result, "cancelled "));
	assert_plays(&f, "wait");
	text = tape_text(&f, "wait");
	g_assert_nonnull(strstr(text, "= cancelled it was awaited: "));
	tear_down(&f);
	/* a wait of the library's own: only its probes are calls */
	set_up(&f);
	give_order(&f, RD_DO_LOOK, "never");
	assert_plays(&f, "never");
	tear_down(&f);
}

/* whoever cannot record carries out all the same */
static void
test_unwritable(void)
{
	g_autofree char *inside = NULL;
	struct rlimit old, small;
	Fixture f;

	set_up(&f);
	inside = g_build_filename(f.setting->local_dir, "given", "tapes", NULL);
	rd_tapes_free(f.setting->tapes);
	f.setting->tapes = rd_tapes_new(inside);
	g_test_expect_message("rd-runner", G_LOG_LEVEL_WARNING, "*not recorded: Not a directory");
	give_order(&f, RD_DO_LOOK, "look");
	g_test_assert_expected_messages();
	g_assert_cmpstr(f.result, ==, "finished ");
	tear_down(&f);
	/* and the disk may be full behind the first lines */
	set_up(&f);
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	small = old;
	small.rlim_cur = 600;
	g_test_expect_message("rd-runner", G_LOG_LEVEL_WARNING,
			      "*not recorded any further: File too large");
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	give_order(&f, RD_DO_LOOK, "look");
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_test_assert_expected_messages();
	g_assert_cmpstr(f.result, ==, "finished ");
	tear_down(&f);
}

int
main(int argc, char **argv)
{
	g_autofree char *file = NULL;
	g_autoptr(GError) error = NULL;
	int status;

	g_test_init(&argc, &argv, NULL);
	catalogue = rd_catalogue_new();
	file = g_build_filename(g_getenv("BUILD_ROOT"), "tests", "unit", "parrot.so", NULL);
	rd_catalogue_load(catalogue, file, &error);
	g_assert_no_error(error);
	g_test_add_func("/tape/look", test_look);
	g_test_add_func("/tape/touch", test_touch);
	g_test_add_func("/tape/api", test_api);
	g_test_add_func("/tape/ended", test_ended);
	g_test_add_func("/tape/unwritable", test_unwritable);
	status = g_test_run();
	rd_catalogue_free(catalogue);
	return status;
}
