/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <gio/gio.h>
#include <pty.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backup/pair.h"
#include "cli-fixture.h"
#include "cli/screen.h"
#include "engine/setting.h"
#include "journal/journal.h"
#include "journal/rundir.h"

void
cli_result_clear(Result *result)
{
	g_clear_pointer(&result->out, g_free);
	g_clear_pointer(&result->err, g_free);
}

char *
cli_build_path(const char *name)
{
	return g_build_filename(g_getenv("BUILD_ROOT"), name, NULL);
}

char *
cli_source_path(const char *name)
{
	return g_build_filename(g_getenv("SOURCE_ROOT"), name, NULL);
}

/* ---- running it ---------------------------------------------------------------------------- */

char **
cli_environment(Fixture *f)
{
	char **env = g_get_environ();
	g_autofree char *plugins = cli_build_path("plugins");
	g_autofree char *procedures = cli_source_path("data/procedures");

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
	argv[0] = cli_build_path("src/recoveryd");
	return argv;
}

void
cli_spawn(Fixture *f, char **argv, Result *result)
{
	g_auto(GStrv) env = cli_environment(f);
	g_autoptr(GError) error = NULL;
	int status;

	cli_result_clear(result);
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
void
cli_run(Fixture *f, const char *words, int code, Result *result)
{
	g_auto(GStrv) argv = command_line(f, words);

	cli_spawn(f, argv, result);
	if (result->code != code)
		g_error("recoveryd %s: exit code %d, not %d\n%s%s", words, result->code, code,
			result->out, result->err);
}

/* the same with a terminal of 100 columns as stdout */
void
cli_run_on_terminal(Fixture *f, const char *words, Result *result)
{
	g_auto(GStrv) argv = command_line(f, words);
	g_auto(GStrv) env = cli_environment(f);
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
	cli_result_clear(result);
	result->out = g_string_free(out, FALSE);
	result->code = WEXITSTATUS(status);
}

void
cli_assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		g_error("\"%s\" is not in:\n%s", part, text);
}

void
cli_assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		g_error("\"%s\" is in:\n%s", part, text);
}

void
cli_assert_lines(const char *text, guint width, guint most)
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

JsonNode *
cli_parse_json(const char *text)
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

void
cli_hold(GPtrArray *events)
{
	add_step(events, "m1", "deadline", "not done within 300 s");
	add(events, rd_event_new(RD_EVENT_RUN, "held"));
}

void
cli_end(GPtrArray *events)
{
	add(events, rd_event_pair(rd_event_new(RD_EVENT_RUN, "ended"), NULL, "cancelled"));
}

void
cli_roll_back(GPtrArray *events)
{
	add(events, rd_event_new(RD_EVENT_RUN, "rolling back"));
	add(events, rd_event_pair(rd_event_new(RD_EVENT_RUN, "ended"), NULL, "rolled back"));
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

static gboolean
restores(const Fixture *f)
{
	return g_strcmp0(f->procedure, "manual-restore") == 0 ||
	       g_strcmp0(f->procedure, "restore-cluster-state") == 0;
}

static void
make_run(Fixture *f, GPtrArray *events)
{
	g_autofree char *name = g_strdup_printf("data/procedures/%s.yaml",
						f->procedure != NULL ? f->procedure : "two-states");
	g_autofree char *procedure = cli_source_path(name);
	g_autofree char *journal_path = NULL;
	g_autofree char *words = NULL;
	g_autofree char *plugins = cli_build_path("plugins");
	g_autoptr(RdRundir) dir = NULL;
	g_autoptr(RdRunSetting) setting = rd_run_setting_new();
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(Result) types = {0};

	f->id = g_strdup("none");
	words = g_strdup_printf("runner --describe %s", plugins);
	cli_run(f, words, 0, &types);
	dir = rd_rundir_create(f->base, FALSE, &error);
	g_assert_no_error(error);
	g_free(f->id);
	f->id = g_strdup(rd_rundir_get_id(dir));
	f->path = g_strdup(rd_rundir_get_path(dir));
	setting->run_id = g_strdup(f->id);
	setting->uuid = g_strdup("0b5c7d9e-0000-4000-8000-000000000001");
	setting->who = g_strdup("alice@bastion-a");
	setting->inventory = make_inventory(f);
	for (guint i = 0; restores(f) && rd_pair_fields[i] != NULL; i++)
		g_hash_table_insert(setting->inputs,
				    g_strdup_printf("backup.%s", rd_pair_fields[i]),
				    g_strdup("/b/x"));
	g_assert_true(rd_run_setting_save(setting, dir, &error));
	g_assert_true(rd_rundir_put(dir, "types.json", types.out, strlen(types.out), &error));
	g_assert_true(rd_rundir_copy_in(dir, procedure, "procedure.yaml", &error));
	g_assert_true(rd_rundir_copy_in(dir, f->file, "cluster.yaml", &error));
	journal_path = rd_rundir_file(dir, "journal.db");
	journal = rd_journal_create(journal_path, &error);
	g_assert_no_error(error);
	g_assert_true(rd_journal_append(journal, events, &error));
}

void
cli_setup(Fixture *f, gconstpointer data)
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

void
cli_teardown(Fixture *f, gconstpointer data)
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

guint
cli_count_requests(Fixture *f)
{
	g_autofree char *path = g_build_filename(f->path, "requests", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	guint n = 0;

	g_assert_nonnull(dir);
	while (g_dir_read_name(dir) != NULL)
		n++;
	return n;
}
