/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program as a person meets it: the built binary on run directories made by hand, and once on
 * an engine of its own. */

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <pty.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/screen.h"
#include "engine/setting.h"
#include "journal/journal.h"
#include "journal/rundir.h"

#define TYPED "crictl stop -t 30 0123abcd"

typedef struct {
	char *base; /* state directory */
	char *path; /* of the run */
	char *id;
	char *file;		/* an inventory whose hosts do not answer */
	GPtrArray *environment; /* "NAME=VALUE" beside the usual ones */
} Fixture;

typedef struct {
	char *out, *err;
	int code;
} Result;

static void
result_clear(Result *result)
{
	g_clear_pointer(&result->out, g_free);
	g_clear_pointer(&result->err, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Result, result_clear)

static char *
build_path(const char *name)
{
	return g_build_filename(g_getenv("BUILD_ROOT"), name, NULL);
}

static char *
source_path(const char *name)
{
	return g_build_filename(g_getenv("SOURCE_ROOT"), name, NULL);
}

/* ---- running it ---------------------------------------------------------------------------- */

static char **
environment(Fixture *f)
{
	char **env = g_get_environ();
	g_autofree char *plugins = build_path("plugins");
	g_autofree char *procedures = source_path("data/procedures");

	env = g_environ_unsetenv(env, "COLUMNS");
	env = g_environ_unsetenv(env, "NO_COLOR");
	env = g_environ_setenv(env, "TERM", "xterm", TRUE);
	env = g_environ_setenv(env, "LC_ALL", "C.UTF-8", TRUE);
	env = g_environ_setenv(env, "RECOVERYD_STATE_DIR", f->base, TRUE);
	env = g_environ_setenv(env, "RECOVERYD_PLUGIN_DIR", plugins, TRUE);
	env = g_environ_setenv(env, "RECOVERYD_PROCEDURE_DIR", procedures, TRUE);
	/* an engine that is started by a test is a process of its own, not a unit of somebody */
	env = g_environ_unsetenv(env, "XDG_RUNTIME_DIR");
	for (guint i = 0; i < f->environment->len; i++) {
		g_auto(GStrv) pair = g_strsplit(f->environment->pdata[i], "=", 2);

		env = g_environ_setenv(env, pair[0], pair[1], TRUE);
	}
	return env;
}

/* words split at spaces; "%s" in it is the run's id */
static char **
command_line(Fixture *f, const char *words)
{
	g_autoptr(GString) line = g_string_new("PROGRAM ");
	char **argv;

	g_string_append(line, words);
	g_string_replace(line, "%s", f->id, 0);
	argv = g_strsplit(line->str, " ", 0);
	g_free(argv[0]);
	argv[0] = build_path("src/recoveryd");
	return argv;
}

static void
spawn(Fixture *f, char **argv, Result *result)
{
	g_auto(GStrv) env = environment(f);
	g_autoptr(GError) error = NULL;
	int status;

	result_clear(result);
	g_spawn_sync("/", argv, env, G_SPAWN_DEFAULT, NULL, NULL, &result->out, &result->err,
		     &status, &error);
	g_assert_no_error(error);
	g_assert_true(WIFEXITED(status));
	result->code = WEXITSTATUS(status);
	if (g_test_verbose())
		g_test_message("%s %s -> %d\n%s%s", argv[1] != NULL ? argv[1] : "",
			       argv[1] != NULL && argv[2] != NULL ? argv[2] : "", result->code,
			       result->out, result->err);
	if (strstr(result->err, "Sanitizer") != NULL)
		g_error("%s: %s", argv[1], result->err);
}

/* fails with what was said when the exit code is another than @code */
static void
run(Fixture *f, const char *words, int code, Result *result)
{
	g_auto(GStrv) argv = command_line(f, words);

	spawn(f, argv, result);
	if (result->code != code)
		g_error("recoveryd %s: exit code %d, not %d\n%s%s", words, result->code, code,
			result->out, result->err);
}

/* the same with a terminal of 100 columns as stdout */
static void
run_on_terminal(Fixture *f, const char *words, Result *result)
{
	g_auto(GStrv) argv = command_line(f, words);
	g_auto(GStrv) env = environment(f);
	struct winsize size = {.ws_row = 50, .ws_col = 100};
	GString *out = g_string_new(NULL);
	char buffer[4096];
	int fd = -1, status;
	gssize n;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		execve(argv[0], argv, env);
		_exit(127);
	}
	/* EIO is how a terminal says that nobody is left */
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		g_string_append_len(out, buffer, n);
	close(fd);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	result_clear(result);
	result->out = g_string_free(out, FALSE);
	result->code = WEXITSTATUS(status);
}

static void
assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		g_error("\"%s\" is not in:\n%s", part, text);
}

static void
assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		g_error("\"%s\" is in:\n%s", part, text);
}

static void
assert_lines(const char *text, guint width, guint most)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
	guint n = g_strv_length(lines) - 1;

	g_assert_cmpuint(n, >, 0);
	if (most > 0)
		g_assert_cmpuint(n, <=, most);
	for (guint i = 0; i < n; i++)
		if (rd_screen_columns(lines[i]) > width)
			g_error("wider than %u: \"%s\"", width, lines[i]);
}

static JsonNode *
parse_json(const char *text)
{
	g_autoptr(GError) error = NULL;
	JsonNode *node = json_from_string(text, &error);

	if (node == NULL)
		g_error("not JSON: %s\n%s", error != NULL ? error->message : "empty", text);
	return node;
}

/* ---- a run by hand ------------------------------------------------------------------------- */

static void
add(GPtrArray *events, RdEvent *event)
{
	g_ptr_array_add(events, event);
}

static void
add_step(GPtrArray *events, const char *target, const char *word, const char *text)
{
	RdEvent *event = rd_event_new(RD_EVENT_STEP, word);

	rd_event_step(event, "stop", target, 1, 1);
	add(events, rd_event_text(event, text));
}

/* two-states: stop@m0 done, stop@m1 at work */
static GPtrArray *
make_events(void)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, "two-states");

	rd_event_pair(event, "kite", "0b5c7d9e-0000-4000-8000-000000000001");
	add(events, rd_event_text(event, "alice@bastion-a"));
	event = rd_event_pair(rd_event_new(RD_EVENT_ENGINE, "started"), "bastion-a", "boot");
	add(events, rd_event_number(event, 4711));
	add(events, rd_event_new(RD_EVENT_RUN, "running"));
	event = rd_event_number(rd_event_new(RD_EVENT_VISIT, NULL), 1);
	add(events, rd_event_step(event, "stop", NULL, 1, 0));
	add_step(events, "m0", "begin", NULL);
	add_step(events, "m0", "present", NULL);
	add_step(events, "m1", "begin", NULL);
	add_step(events, "m1", "intent", NULL);
	event = rd_event_number(rd_event_new(RD_EVENT_TOUCH, "run"), 1);
	rd_event_step(event, "stop", "m1", 1, 1);
	add(events, rd_event_text(event, TYPED));
	return events;
}

static void
hold(GPtrArray *events)
{
	add_step(events, "m1", "deadline", "not done within 300 s");
	add(events, rd_event_new(RD_EVENT_RUN, "held"));
}

static void
end(GPtrArray *events)
{
	add(events, rd_event_pair(rd_event_new(RD_EVENT_RUN, "ended"), NULL, "cancelled"));
}

static RdInventory *
make_inventory(Fixture *f)
{
	static const char text[] = "cluster: kite\n"
				   "defaults: {user: core, port: 1, agent: yes,"
				   " known-hosts: known_hosts}\n"
				   "hosts:\n"
				   "- {name: m0, address: 127.0.0.1, role: control-plane,"
				   " recovery: true}\n"
				   "- {name: m1, address: 127.0.0.2, role: control-plane}\n"
				   "- {name: m2, address: 127.0.0.3, role: control-plane}\n";
	g_autoptr(GError) error = NULL;
	RdInventory *inventory;
	g_autofree char *known = g_build_filename(f->base, "known_hosts", NULL);

	g_assert_true(g_file_set_contents(known, "", -1, NULL));
	g_assert_true(g_file_set_contents(f->file, text, -1, NULL));
	inventory = rd_inventory_load(f->file, NULL, &error);
	g_assert_no_error(error);
	return inventory;
}

static void
make_run(Fixture *f, GPtrArray *events)
{
	g_autofree char *procedure = source_path("data/procedures/two-states.yaml");
	g_autofree char *journal_path = NULL;
	g_autofree char *words = NULL;
	g_autofree char *plugins = build_path("plugins");
	g_autoptr(RdRundir) dir = NULL;
	g_autoptr(RdRunSetting) setting = rd_run_setting_new();
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(Result) types = {0};

	f->id = g_strdup("none");
	words = g_strdup_printf("runner --describe %s", plugins);
	run(f, words, 0, &types);
	dir = rd_rundir_create(f->base, FALSE, &error);
	g_assert_no_error(error);
	g_free(f->id);
	f->id = g_strdup(rd_rundir_get_id(dir));
	f->path = g_strdup(rd_rundir_get_path(dir));
	setting->run_id = g_strdup(f->id);
	setting->uuid = g_strdup("0b5c7d9e-0000-4000-8000-000000000001");
	setting->who = g_strdup("alice@bastion-a");
	setting->inventory = make_inventory(f);
	g_assert_true(rd_run_setting_save(setting, dir, &error));
	g_assert_true(rd_rundir_put(dir, "types.json", types.out, strlen(types.out), &error));
	g_assert_true(rd_rundir_copy_in(dir, procedure, "procedure.yaml", &error));
	journal_path = rd_rundir_file(dir, "journal.db");
	journal = rd_journal_create(journal_path, &error);
	g_assert_no_error(error);
	g_assert_true(rd_journal_append(journal, events, &error));
}

static void
setup(Fixture *f, gconstpointer data)
{
	void (*more)(GPtrArray *) = data;
	g_autoptr(GPtrArray) events = make_events();

	f->base = g_dir_make_tmp("recoveryd-cli-XXXXXX", NULL);
	f->file = g_build_filename(f->base, "cluster.yaml", NULL);
	f->environment = g_ptr_array_new_with_free_func(g_free);
	if (more != NULL)
		more(events);
	make_run(f, events);
}

static void
teardown(Fixture *f, gconstpointer data)
{
	const char *argv[] = {"rm", "-rf", "--", f->base, NULL};

	g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
		     NULL);
	g_free(f->base);
	g_free(f->path);
	g_free(f->id);
	g_free(f->file);
	g_ptr_array_unref(f->environment);
}

static guint
count_requests(Fixture *f)
{
	g_autofree char *path = g_build_filename(f->path, "requests", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint n = 0;

	g_assert_nonnull(dir);
	while (g_dir_read_name(dir) != NULL)
		n++;
	return n;
}

/* ---- the frame ----------------------------------------------------------------------------- */

/* every command that completion offers explains itself */
static void
check_help(Fixture *f, const char *words, guint *count)
{
	g_autofree char *line = g_strdup_printf("recoveryd %s%s", words, *words != '\0' ? " " : "");
	g_autofree char *program = build_path("src/recoveryd");
	const char *argv[] = {program, "complete", line, NULL};
	g_auto(GStrv) offered = NULL;
	g_auto(Result) result = {0};

	spawn(f, (char **)argv, &result);
	g_assert_cmpint(result.code, ==, 0);
	offered = g_strsplit(g_strstrip(result.out), "\n", 0);
	for (guint i = 0; offered[i] != NULL && *offered[i] != '\0'; i++) {
		g_autofree char *command =
		    g_strdup_printf("%s%s%s", words, *words != '\0' ? " " : "", offered[i]);
		g_autofree char *help = g_strdup_printf("%s --help", command);
		g_auto(Result) page = {0};

		run(f, help, 0, &page);
		g_assert_cmpstr(page.err, ==, "");
		assert_has(page.out, command);
		(*count)++;
		/* a group has no page of its own but that of its commands */
		if (g_str_has_prefix(page.out, "recoveryd COMMAND") && *words == '\0')
			check_help(f, command, count);
	}
}

static void
test_help(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	guint count = 0;

	check_help(f, "", &count);
	g_assert_cmpuint(count, >=, 25);
	run(f, "--help", 0, &result);
	assert_has(result.out, "journal verify");
	assert_lacks(result.out, "the runner process");
	run(f, "help status", 0, &result);
	assert_has(result.out, "--exit-status");
	run(f, "--version", 0, &result);
	assert_has(result.out, "recoveryd ");
	f->environment->len = 0;
	g_ptr_array_add(f->environment, g_strdup("COLUMNS=50"));
	run(f, "decide --help", 0, &result);
	assert_lines(result.out, 50, 0);
}

static void
test_usage(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
	    {"stauts", "did you mean status?"},
	    {"procedure chek", "did you mean procedure check?"},
	    {"procedure", "needs another word"},
	    {"status --brif", "did you mean --brief?"},
	    {"--colour=never status", "did you mean --color?"},
	    {"status --color=pink", "--color is auto, always or never"},
	    {"status -o xml", "-o is wide, json, yaml or name"},
	    {"status %s another", "too many words"},
	    {"decide %s", "something is missing"},
	    {"logs --step nosuch", "there is no step nosuch"},
	    {"logs --host m9", "there is no host m9"},
	    {"logs --since yesterday", "--since yesterday"},
	    {"wait %s --timeout soon", "--timeout soon"},
	    {"procedure graph two-states --format png", "--format is dot or mermaid"},
	    {"completion fish", "completion for bash"},
	};
	g_auto(Result) result = {0};

	run(f, "", 2, &result);
	g_clear_pointer(&result.out, g_free);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		run(f, cases[i].words, 2, &result);
		g_assert_cmpstr(result.out, ==, "");
		assert_has(result.err, cases[i].says);
	}
}

static void
test_no_run(Fixture *f, gconstpointer data)
{
	static const char *const words[] = {
	    "status nosuch", "logs nosuch",	    "wait nosuch",   "pause nosuch",
	    "note nosuch x", "journal show nosuch", "cancel nosuch", "journal verify nosuch"};
	g_auto(Result) result = {0};

	for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
		run(f, words[i], RD_EXIT_NO_RUN, &result);
		assert_has(result.err, "nosuch");
	}
	run(f, "--state-dir=/nonexistent/place status", RD_EXIT_NO_RUN, &result);
	assert_has(result.err, "/nonexistent/place");
}

/* ---- reading ------------------------------------------------------------------------------- */

static void
test_status(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *decide = NULL;

	/* by id, and the newest without one */
	run(f, "status", 0, &result);
	assert_has(result.out, f->id);
	assert_has(result.out, "HELD");
	decide = g_strdup_printf("recoveryd decide %s stop@m1 redo", f->id);
	assert_has(result.out, decide);
	assert_lacks(result.out, "\033");
	run(f, "status %s --exit-status", RD_EXIT_HELD, &result);
	run(f, "wait %s", RD_EXIT_HELD, &result);
	run(f, "status -o name", 0, &result);
	g_assert_cmpstr(g_strstrip(result.out), ==, f->id);
	run(f, "status --color=always", 0, &result);
	assert_has(result.out, "\033[");
	run(f, "status --brief", 0, &result);
	assert_lines(result.out, 40, 8);
	g_ptr_array_add(f->environment, g_strdup("COLUMNS=40"));
	run(f, "status %s", 0, &result);
	assert_lines(result.out, 40, 0);
	run(f, "logs %s", 0, &result);
	assert_lines(result.out, 40, 0);
	run(f, "list", 0, &result);
	assert_lines(result.out, 40, 0);
	/* without UTF-8 it is ASCII */
	g_ptr_array_add(f->environment, g_strdup("LC_ALL=C"));
	run(f, "status %s", 0, &result);
	for (const char *p = result.out; *p != '\0'; p++)
		g_assert_cmpint((guchar)*p, <, 0x80);
}

static void
test_terminal(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	run_on_terminal(f, "status %s", &result);
	g_assert_cmpint(result.code, ==, 0);
	assert_has(result.out, "\033[31m");
	run_on_terminal(f, "status %s --color=never", &result);
	assert_lacks(result.out, "\033");
	g_ptr_array_add(f->environment, g_strdup("NO_COLOR=1"));
	run_on_terminal(f, "status %s", &result);
	assert_lacks(result.out, "\033");
	assert_has(result.out, "HELD");
	g_ptr_array_set_size(f->environment, 0);
	g_ptr_array_add(f->environment, g_strdup("TERM=dumb"));
	run_on_terminal(f, "status %s", &result);
	assert_lacks(result.out, "\033");
}

/* of a run that has ended, -w shows the end and ends */
static void
test_watch(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	run(f, "status %s -w", 0, &result);
	/* one line */
	g_assert_true(strchr(result.out, '\n') == result.out + strlen(result.out) - 1);
	assert_has(result.out, "CANCELLED");
	run(f, "status %s -w -o json", 0, &result);
	json_node_unref(parse_json(result.out));
	run(f, "logs %s -f", 0, &result);
	assert_has(result.out, TYPED);
	run_on_terminal(f, "status %s -w", &result);
	assert_has(result.out, "\033[H");
	assert_has(result.out, "CANCELLED");
	run_on_terminal(f, "status %s -w --plain", &result);
	assert_lacks(result.out, "\033[H");
	run(f, "wait %s", RD_EXIT_CANCELLED, &result);
}

static void
test_no_engine(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *resume = g_strdup_printf("recoveryd resume %s", f->id);
	g_autoptr(JsonNode) node = NULL;

	run(f, "status", 0, &result);
	assert_has(result.out, "NO ENGINE");
	assert_has(result.out, resume);
	run(f, "status -o json", 0, &result);
	node = parse_json(result.out);
	g_assert_true(json_object_get_boolean_member(json_node_get_object(node), "engine_missing"));
	run(f, "status --exit-status", RD_EXIT_NOT_YET, &result);
	run(f, "wait %s --timeout 1s", RD_EXIT_NOT_YET, &result);
}

static void
test_json(Fixture *f, gconstpointer data)
{
	static const char *const whole[] = {"status -o json", "list -o json",
					    "plugin list -o json"};
	static const char *const lines[] = {"logs -o json", "journal show -o json"};
	g_auto(Result) result = {0};
	g_autofree char *inventory =
	    g_strdup_printf("inventory check %s --offline -o json", f->file);

	for (guint i = 0; i < G_N_ELEMENTS(whole); i++) {
		g_autoptr(JsonNode) node = NULL;

		run(f, whole[i], 0, &result);
		node = parse_json(result.out);
	}
	for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_auto(GStrv) events = NULL;

		run(f, lines[i], 0, &result);
		events = g_strsplit(g_strstrip(result.out), "\n", 0);
		g_assert_cmpuint(g_strv_length(events), ==, 11);
		for (guint j = 0; events[j] != NULL; j++) {
			g_autoptr(JsonNode) node = parse_json(events[j]);
			g_autofree char *seq = g_strdup_printf("%u", j + 1);

			g_assert_cmpstr(
			    json_object_get_string_member(json_node_get_object(node), "seq"), ==,
			    seq);
		}
	}
	run(f, inventory, 0, &result);
	json_node_unref(parse_json(result.out));
	run(f, "status -o yaml", 0, &result);
	assert_has(result.out, "\"state\": \"held\"");
}

static void
test_logs(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	run(f, "logs", 0, &result);
	assert_has(result.out, TYPED);
	assert_has(result.out, "created by alice@bastion-a");
	run(f, "logs --step stop@m0", 0, &result);
	assert_lacks(result.out, TYPED);
	assert_lacks(result.out, "alice");
	assert_has(result.out, "stop@m0");
	run(f, "logs --host m1", 0, &result);
	assert_has(result.out, TYPED);
	assert_lacks(result.out, "stop@m0");
	run(f, "logs --since 2099-01-01T00:00:00Z", 0, &result);
	g_assert_cmpstr(result.out, ==, "");
	run(f, "logs --since 1h", 0, &result);
	assert_has(result.out, TYPED);
}

static void
test_list(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *broken = g_build_filename(f->base, "runs", "r-20200101-owl-99", NULL);

	g_assert_cmpint(g_mkdir(broken, 0700), ==, 0);
	run(f, "list", 0, &result);
	assert_has(result.out, f->id);
	assert_has(result.out, "HELD");
	assert_has(result.out, "UNREADABLE");
	run(f, "list -o name", 0, &result);
	assert_has(result.out, f->id);
	run(f, "list -o json", 0, &result);
	assert_has(result.out, "\"unreadable\"");
}

/* ---- the journal --------------------------------------------------------------------------- */

static void
test_journal(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *path = g_build_filename(f->path, "journal.db", NULL);
	sqlite3 *db = NULL;

	run(f, "journal verify %s", 0, &result);
	assert_has(result.out, "11 events, the chain holds");
	/* somebody makes another command of it */
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "UPDATE event SET text = 'true' WHERE text LIKE 'crictl%'",
				     NULL, NULL, NULL),
			==, SQLITE_OK);
	g_assert_cmpint(sqlite3_changes(db), ==, 1);
	sqlite3_close(db);
	run(f, "journal verify %s", RD_EXIT_JOURNAL, &result);
	assert_has(result.err, "event 9");
	g_assert_true(g_file_set_contents(path, "not a data base at all", -1, NULL));
	run(f, "status %s", RD_EXIT_JOURNAL, &result);
	run(f, "journal show %s", RD_EXIT_JOURNAL, &result);
	run(f, "pause %s", RD_EXIT_JOURNAL, &result);
}

/* ---- a person's word ----------------------------------------------------------------------- */

/* what makes no sense is refused here, and nothing is left for an engine to find */
static void
test_refused(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *words, *says;
	} cases[] = {
	    {"decide %s stop@m0 done --reason because", "nothing to decide"},
	    {"decide %s stop@m1 done", "needs a reason"},
	    {"decide %s stop@m1 maybe --reason because", "done, redo or abort"},
	    {"decide %s stop@m9 done --reason because", "no step stop@m9"},
	    {"pause %s", "held, not running"},
	    {"excuse %s m9 --reason because", "no host m9"},
	    {"excuse %s m0 --reason because", "recovery host"},
	    {"excuse %s m2", "needs a reason"},
	    {"enrol %s m2", "needs a reason"},
	};
	g_auto(Result) result = {0};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		run(f, cases[i].words, RD_EXIT_USAGE, &result);
		assert_has(result.err, cases[i].says);
		g_assert_cmpuint(count_requests(f), ==, 0);
	}
}

/* with an engine: started by the word where there is none, asked where it is at work */
static void
test_engine(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};

	run(f, "note %s the rack is dark", 0, &result);
	assert_has(result.err, "noted");
	run(f, "logs %s", 0, &result);
	assert_has(result.out, "the rack is dark");
	run(f, "cancel %s --reason wrong-cluster", 0, &result);
	assert_has(result.err, "cancelling");
	run(f, "wait %s --timeout 90s", RD_EXIT_CANCELLED, &result);
	run(f, "cancel %s", RD_EXIT_USAGE, &result);
	assert_has(result.err, "has ended");
	run(f, "status %s", 0, &result);
	assert_has(result.out, "CANCELLED");
	g_assert_cmpuint(count_requests(f), ==, 0);
}

/* ---- files, plugins, completion ------------------------------------------------------------- */

static void
test_procedures(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *bad = g_build_filename(f->base, "bad.yaml", NULL);
	g_autofree char *check = g_strdup_printf("procedure check %s", bad);

	run(f, "procedure list", 0, &result);
	assert_has(result.out, "manual-restore");
	run(f, "procedure check manual-restore", 0, &result);
	run(f, "procedure show manual-restore", 0, &result);
	assert_has(result.out, "guard etcd/silent");
	assert_has(result.out, "point-of-no-return");
	run(f, "procedure graph manual-restore", 0, &result);
	assert_has(result.out, "digraph");
	run(f, "procedure graph manual-restore --format=mermaid", 0, &result);
	assert_has(result.out, "flowchart");
	run(f, "procedure check nosuch", RD_EXIT_USAGE, &result);
	g_assert_true(g_file_set_contents(bad,
					  "procedure: bad\nformat: 1\nsummary: bad\nstates:\n"
					  "- {state: a, type: no/such}\n",
					  -1, NULL));
	run(f, check, RD_EXIT_USAGE, &result);
	assert_has(result.err, "bad.yaml:5:");
}

static void
test_plugins(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *good = build_path("plugins/etcd.so");
	g_autofree char *check_good = g_strdup_printf("plugin check %s", good);
	g_autofree char *check_bad = g_strdup_printf("plugin check %s", f->file);

	run(f, "plugin list", 0, &result);
	assert_has(result.out, "static-pod/stop");
	run(f, "plugin show etcd/restore-member", 0, &result);
	assert_has(result.out, "initial-cluster");
	assert_lacks(result.out, "rescue");
	run(f, "plugin show etcd", 0, &result);
	assert_has(result.out, "etcd/rescue-copy");
	run(f, "plugin show nosuch", RD_EXIT_USAGE, &result);
	run(f, check_good, 0, &result);
	run(f, check_bad, RD_EXIT_USAGE, &result);
	assert_has(result.err, "cluster.yaml");
	/* one line */
	g_assert_true(strchr(result.err, '\n') == result.err + strlen(result.err) - 1);
}

static void
test_inventory(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_autofree char *check = g_strdup_printf("inventory check %s", f->file);
	g_autofree char *offline = g_strdup_printf("inventory check --offline %s", f->file);
	g_autoptr(GString) wrong = g_string_new(NULL);
	g_autofree char *text = NULL;

	run(f, offline, 0, &result);
	assert_has(result.out, "3 hosts, 3 of them control plane, recovery host m0");
	/* nobody listens on port 1 */
	run(f, check, RD_EXIT_REFUSED, &result);
	assert_has(result.out, "m0  reachable");
	assert_has(result.out, "m2  reachable");
	assert_has(result.err, "3 findings");
	g_assert_true(g_file_get_contents(f->file, &text, NULL, NULL));
	g_string_assign(wrong, text);
	g_string_replace(wrong, "role: control-plane", "role: master", 1);
	g_assert_true(g_file_set_contents(f->file, wrong->str, -1, NULL));
	run(f, check, RD_EXIT_USAGE, &result);
	assert_has(result.err, "cluster.yaml:4:");
}

static void
complete(Fixture *f, const char *line, Result *result)
{
	g_autofree char *program = build_path("src/recoveryd");
	g_autoptr(GString) words = g_string_new(line);
	const char *argv[] = {program, "complete", "--", NULL, NULL};

	g_string_replace(words, "%s", f->id, 0);
	argv[3] = words->str;
	spawn(f, (char **)argv, result);
	g_assert_cmpint(result->code, ==, 0);
}

static void
test_completion(Fixture *f, gconstpointer data)
{
	static const struct {
		const char *line, *offers, *not ;
	} cases[] = {
	    {"recoveryd st", "status\n", "logs"},
	    {"recoveryd procedure ", "graph\n", "status"},
	    {"recoveryd status --br", "--brief\n", "--watch"},
	    {"recoveryd status -o ", "yaml\n", "-w"},
	    {"recoveryd status --output=y", "--output=yaml\n", "json"},
	    {"recoveryd --color ", "never\n", "status"},
	    {"recoveryd decide %s ", "stop@m1\n", "stop@m0"},
	    {"recoveryd decide --reason x %s stop@", "stop@m1\n", "start"},
	    {"recoveryd decide %s stop@m1 ", "redo\n", "stop"},
	    {"recoveryd logs %s --step ", "start@m2\n", "--"},
	    {"recoveryd logs --host ", "m2\n", "--"},
	    {"recoveryd excuse %s ", "m1\n", "--"},
	    {"recoveryd procedure show ", "two-states\n", "yaml"},
	    {"recoveryd --plain pro", "procedure\n", "status"},
	};
	g_auto(Result) result = {0};
	g_autofree char *path = source_path("data/completions/recoveryd");
	g_autofree char *stored = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		complete(f, cases[i].line, &result);
		g_test_message("%s", cases[i].line);
		assert_has(result.out, cases[i].offers);
		assert_lacks(result.out, cases[i].not );
	}
	complete(f, "recoveryd status ", &result);
	assert_has(result.out, f->id);
	g_assert_true(g_file_get_contents(path, &stored, NULL, NULL));
	run(f, "completion bash", 0, &result);
	g_assert_cmpstr(result.out, ==, stored);
}

/* bash itself, because it splits words at "@" */
static void
test_bash(Fixture *f, gconstpointer data)
{
	g_autofree char *script = source_path("data/completions/recoveryd");
	g_autofree char *program = build_path("src/recoveryd");
	g_autofree char *line = g_strdup_printf("recoveryd decide %s stop@", f->id);
	g_autofree char *text = g_strdup_printf(
	    ". %s; COMP_LINE='%s'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(%s); _recoveryd; "
	    "printf '<%%s>' \"${COMPREPLY[@]}\"",
	    script, line, program);
	const char *argv[] = {"/bin/bash", "-c", text, NULL};
	g_auto(Result) result = {0};

	spawn(f, (char **)argv, &result);
	g_assert_cmpstr(result.err, ==, "");
	g_assert_cmpstr(result.out, ==, "<m1>");
}

static void
test_man(Fixture *f, gconstpointer data)
{
	g_auto(Result) result = {0};
	g_auto(GStrv) lines = NULL;

	run(f, "man", 0, &result);
	assert_has(result.out, ".SH EXIT STATUS");
	assert_has(result.out, "recoveryd decide");
	assert_lacks(result.out, "the runner process");
	/* no line begins with a dot or quote that is no request */
	lines = g_strsplit(result.out, "\n", 0);
	for (guint i = 0; lines[i] != NULL; i++)
		if (*lines[i] == '.' || *lines[i] == '\'')
			g_assert_true(
			    g_regex_match_simple("^\\.(TH|SH|SS|PP|TP)( |$)", lines[i], 0, 0));
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(Fixture *f, gconstpointer data);
		void (*more)(GPtrArray *events); /* after what make_events() made */
	} tests[] = {
	    {"help", test_help, hold},
	    {"usage", test_usage, hold},
	    {"no-run", test_no_run, hold},
	    {"status", test_status, hold},
	    {"terminal", test_terminal, hold},
	    {"watch", test_watch, end},
	    {"no-engine", test_no_engine, NULL},
	    {"json", test_json, hold},
	    {"logs", test_logs, hold},
	    {"list", test_list, hold},
	    {"journal", test_journal, hold},
	    {"refused", test_refused, hold},
	    {"engine", test_engine, hold},
	    {"procedures", test_procedures, hold},
	    {"plugins", test_plugins, hold},
	    {"inventory", test_inventory, hold},
	    {"completion", test_completion, hold},
	    {"bash", test_bash, hold},
	    {"man", test_man, hold},
	};

	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
		g_autofree char *path = g_strdup_printf("/cli/%s", tests[i].name);

		g_test_add(path, Fixture, tests[i].more, setup, tests[i].func, teardown);
	}
	return g_test_run();
}
