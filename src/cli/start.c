/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/pair.h"
#include "cli/advise.h"
#include "cli/beginning.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/follow.h"
#include "cli/outlive.h"
#include "cli/prepare.h"
#include "engine/setting.h"
#include "procedure/procedure.h"

static char **overrides, **owners;
static char *notify, *policy;
static gboolean detach, shared;

static const GOptionEntry *
rd_start_options(void)
{
	static const GOptionEntry entries[] = {
	    RD_BEGINNING_ENTRIES,
	    {"override", 0, 0, G_OPTION_ARG_STRING_ARRAY, &overrides,
	     "start though this check says block; the reason is journalled", "CHECK=REASON"},
	    {"policy", 0, 0, G_OPTION_ARG_FILENAME, &policy,
	     "gates that are approved beforehand, and on which conditions (YAML)", "FILE"},
	    {"detach", 'd', 0, G_OPTION_ARG_NONE, &detach, "do not follow the run", NULL},
	    {"notify", 0, 0, G_OPTION_ARG_STRING, &notify,
	     "a program that gets each notification as JSON on stdin", "COMMAND"},
	    {"shared", 0, 0, G_OPTION_ARG_NONE, &shared,
	     "the group recoveryd may see and steer the run", NULL},
	    {"owner", 0, 0, G_OPTION_ARG_STRING_ARRAY, &owners,
	     "with --shared: who may answer its gates, beside who starts it", "USER"},
	    {NULL},
	};

	return entries;
}

/* ---- the checks before it ------------------------------------------------------------------ */

typedef struct {
	const RdCli *cli;
	GHashTable *excused; /* (unowned) (nullable) */
	GHashTable *overridden;
	gboolean accept_no_hash;
} RdStartChecks;

/* a procedure that knows no purpose is for a cluster that is dead */
static gboolean
rd_start_must_be_dead(const RdBeginRead *read)
{
	const char *purpose = g_hash_table_lookup(read->inputs, "purpose");

	return rd_procedure_restores(read->procedure) && g_strcmp0(purpose, "go-back") != 0 &&
	       g_strcmp0(purpose, "drill") != 0;
}

/* as check prints them, without what is fine; stdout is for the run's name */
static void
rd_start_say(const RdCli *cli, GPtrArray *findings)
{
	g_autoptr(GPtrArray) worth = g_ptr_array_new();
	g_autoptr(GString) page = g_string_new(NULL);
	RdScreen screen;

	for (guint i = 0; i < findings->len; i++)
		if (((RdFinding *)findings->pdata[i])->level != RD_LEVEL_OK)
			g_ptr_array_add(worth, findings->pdata[i]);
	rd_screen_look(&screen, STDERR_FILENO, cli->color);
	rd_findings_print(page, &screen, worth);
	if (!cli->quiet || rd_findings_count(findings, RD_LEVEL_BLOCK) > 0)
		fputs(page->str, stderr);
}

static char *
rd_start_remark(const RdFinding *finding)
{
	return g_strdup_printf("check %s overridden: %s (%s: %s)", finding->check,
			       finding->override, finding->host, finding->text);
}

/* another's run has an exit code of its own, whatever else it has made of the hosts */
static gboolean
rd_start_is_locked(GPtrArray *findings)
{
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = findings->pdata[i];

		if (finding->level == RD_LEVEL_BLOCK && strcmp(finding->check, "lock") == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean
rd_start_may(const RdBeginRead *read, GPtrArray *remarks, gpointer data, GError **error)
{
	const RdStartChecks *self = data;
	const RdPreflightOptions options = {
	    .inventory = read->inventory,
	    .backup = read->snapshot,
	    .procedure = read->procedure->name,
	    .restores = rd_procedure_restores(read->procedure),
	    .must_be_dead = rd_start_must_be_dead(read),
	    .accept_no_hash = self->accept_no_hash,
	    .excused = self->excused,
	    .overrides = self->overridden,
	};
	g_autoptr(RdPreflight) preflight = rd_preflight(&options);
	g_autofree char *blocks = rd_preflight_blocks(preflight->findings);

	rd_start_say(self->cli, preflight->findings);
	for (guint i = 0; i < preflight->findings->len; i++) {
		const RdFinding *finding = preflight->findings->pdata[i];

		if (finding->override != NULL)
			g_ptr_array_add(remarks, rd_start_remark(finding));
	}
	if (blocks == NULL)
		return TRUE;
	g_set_error(error, RD_EXIT_ERROR,
		    rd_start_is_locked(preflight->findings) ? RD_EXIT_LOCKED : RD_EXIT_REFUSED,
		    "%u findings stand in the way (%s)",
		    rd_findings_count(preflight->findings, RD_LEVEL_BLOCK), blocks);
	return FALSE;
}

/* no procedure was named: which one would it be? Nothing is started, and the code says so */
static RdExit
rd_start_advise(const RdCli *cli, GError **error)
{
	const RdBeginningWords *words = &rd_beginning_words;
	g_autoptr(GHashTable) given =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	RdAdviseOptions options = {
	    .inventory = words->inventory,
	    .recovery_host = words->recovery_host,
	    .excuses = words->excuses,
	};
	RdExit exit;

	if (!rd_prepare_pairs(words->inputs, "input", given, error))
		return RD_EXIT_USAGE;
	options.backup = g_hash_table_lookup(given, "backup");
	options.go_back = g_strcmp0(g_hash_table_lookup(given, "purpose"), "go-back") == 0;
	exit = rd_advise(cli, &options, error);
	if (exit == RD_EXIT_DONE || exit == RD_EXIT_REFUSED)
		rd_cli_usage(error, "nothing was started: name a procedure");
	return RD_EXIT_USAGE;
}

static gboolean
rd_start_say_doubts(const RdCli *cli, RdRundir *dir, GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, "setting.json");
	g_autoptr(RdRunSetting) setting = rd_run_setting_load(path, error);
	g_autoptr(GPtrArray) doubts = NULL;

	if (setting == NULL)
		return FALSE;
	doubts = rd_outlive_doubts(setting->inventory, g_getenv("SSH_AUTH_SOCK"),
				   g_get_real_time() / G_USEC_PER_SEC);
	for (guint i = 0; i < doubts->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(doubts, i));
	return TRUE;
}

/* @path as it is typed in a shell */
static char *
rd_start_word(const char *path)
{
	return strpbrk(path, " \t\n'\"\\$`*?[]#~&;|<>(){}!") != NULL ? g_shell_quote(path)
								     : g_strdup(path);
}

static void
rd_start_add_pairs(GString *line, const char *option, GHashTable *table)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(table), (GCompareFunc)strcmp);

	for (GList *l = names; l != NULL; l = l->next) {
		g_autofree char *pair = g_strdup_printf(
		    "%s=%s", (char *)l->data, (char *)g_hash_table_lookup(table, l->data));
		g_autofree char *word = rd_start_word(pair);

		g_string_append_printf(line, " %s %s", option, word);
	}
}

/* the line that makes the same plan anew (transfer full) */
static char *
rd_start_plan_again(const RdPlanFile *plan)
{
	g_autofree char *procedure = rd_start_word(plan->procedure);
	g_autofree char *inventory = rd_start_word(plan->inventory);
	GString *line = g_string_new(NULL);

	g_string_append_printf(line, "recoveryd plan %s -c %s", procedure, inventory);
	rd_start_add_pairs(line, "-i", plan->inputs);
	rd_start_add_pairs(line, "--excuse", plan->excused);
	for (guint i = 0; plan->approved[i] != NULL; i++)
		g_string_append_printf(line, " --approve %s", plan->approved[i]);
	if (plan->recovery_host != NULL)
		g_string_append_printf(line, " --recovery-host %s", plan->recovery_host);
	if (plan->accept_no_hash)
		g_string_append(line, " --accept-no-hash");
	return g_string_free(line, FALSE);
}

static gboolean
rd_start_refuse(const RdPlanFile *plan, GPtrArray *lines, const char *why, GError **error)
{
	g_autofree char *text = NULL, *again = NULL;

	if (lines->len == 0)
		return TRUE;
	g_ptr_array_add(lines, NULL);
	text = g_strjoinv("\n  ", (char **)lines->pdata);
	again = rd_start_plan_again(plan);
	g_set_error(error, RD_EXIT_ERROR, RD_EXIT_REFUSED, "%s:\n  %s\nLook: %s", why, text, again);
	return FALSE;
}

/* A saved plan is carried out as long as what it rests on is still so, and it does not say itself
 * that it would not come to its end. */
static gboolean
rd_start_check_plan(const RdBeginningInput *input, GError **error)
{
	g_autoptr(GPtrArray) refused = rd_plan_file_refused(input->plan);
	g_autoptr(RdPlanned) planned = NULL;
	g_autoptr(JsonNode) now = NULL;
	g_autoptr(GPtrArray) changed = NULL;

	if (!rd_start_refuse(input->plan, refused,
			     "the plan itself says that these steps would be refused", error))
		return FALSE;
	planned = rd_plan_make(&input->options, NULL, error);
	if (planned == NULL)
		return FALSE;
	now = rd_plan_file_build(planned, &input->options);
	changed = rd_plan_file_compare(input->plan, now);
	return rd_start_refuse(input->plan, changed, "the plan rests on what is no longer so",
			       error);
}

/* the directory or file of the backup that was given, whatever the procedure calls that input */
static const char *
rd_start_find_backup(const RdBeginOptions *options)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, options->inputs);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (g_file_test(value, G_FILE_TEST_EXISTS))
			return value;
	return NULL;
}

/* which command tells more about what it was refused for */
static char *
rd_start_next(const RdBeginOptions *options, const GError *why)
{
	const char *backup = rd_start_find_backup(options);
	g_autofree char *located =
	    rd_procedure_locate(options->procedure, options->procedure_dirs, NULL);
	g_autofree char *word = NULL;

	if (why->domain == RD_BACKUP_ERROR && backup != NULL) {
		word = rd_start_word(backup);
		return g_strdup_printf("recoveryd backup verify %s", word);
	}
	if (located == NULL)
		return g_strdup("recoveryd procedure list");
	if (strstr(why->message, options->inventory) != NULL) {
		word = rd_start_word(options->inventory);
		return g_strdup_printf("recoveryd inventory check %s", word);
	}
	word = rd_start_word(options->procedure);
	return g_strdup_printf("recoveryd procedure show %s", word);
}

static void
rd_start_add_next(const RdBeginOptions *options, GError **error)
{
	g_autofree char *next = NULL;
	GError *more;

	if (error == NULL || *error == NULL || (*error)->domain == RD_EXIT_ERROR)
		return;
	next = rd_start_next(options, *error);
	more =
	    g_error_new((*error)->domain, (*error)->code, "%s\nLook: %s", (*error)->message, next);
	g_error_free(*error);
	*error = more;
}

/* a name that nobody has would let nobody approve */
static gboolean
rd_start_check_owners(GError **error)
{
	for (guint i = 0; owners != NULL && owners[i] != NULL; i++) {
		if (!shared)
			return rd_cli_usage(error,
					    "--owner %s: without --shared nobody else can "
					    "answer",
					    owners[i]);
		if (getpwnam(owners[i]) == NULL)
			return rd_cli_usage(error, "--owner %s: there is no such user here",
					    owners[i]);
	}
	return TRUE;
}

static RdExit
rd_start_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *base = rd_cli_base(cli);
	g_autofree char *how = NULL;
	g_autoptr(GPtrArray) warnings = NULL;
	g_auto(RdBeginningInput) input = {0};
	g_autoptr(GHashTable) overridden =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	RdStartChecks checks = {.cli = cli, .overridden = overridden};
	g_autoptr(RdRundir) dir = NULL;

	if (args[0] == NULL)
		return rd_start_advise(cli, error);
	if (!rd_beginning_read(&input, args[0], error))
		return RD_EXIT_USAGE;
	if (!rd_prepare_pairs(overrides, "override", overridden, error) ||
	    !rd_preflight_may_override(overridden, error))
		return RD_EXIT_USAGE;
	if (!rd_start_check_owners(error))
		return RD_EXIT_USAGE;
	checks.excused = input.options.excused;
	checks.accept_no_hash = input.options.accept_no_hash;
	input.options.may = rd_start_may;
	input.options.may_data = &checks;
	input.options.base = base;
	input.options.notify = notify;
	input.options.policy = policy;
	input.options.shared = shared;
	input.options.owners = (const char *const *)owners;
	if (input.plan == NULL || rd_start_check_plan(&input, error))
		dir = rd_begin(&input.options, &warnings, error);
	if (dir == NULL) {
		/* the first words that a person has to find: nothing happened yet */
		g_prefix_error(error, "refused, nothing was changed: ");
		rd_start_add_next(&input.options, error);
		return RD_EXIT_REFUSED;
	}
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(warnings, i));
	if (!rd_start_say_doubts(cli, dir, error) ||
	    !rd_outlive_ensure_engine(cli, dir, &how, error))
		return RD_EXIT_FAILED;
	g_print("%s\n", rd_rundir_get_id(dir));
	rd_cli_say(cli, "runs %s", how);
	if (detach) {
		rd_cli_say(cli, "recoveryd status %s -w shows it", rd_rundir_get_id(dir));
		return RD_EXIT_DONE;
	}
	return rd_follow(cli, g_steal_pointer(&dir), 0, error);
}

const RdCommand rd_command_start = {
    .name = "start",
    .args = "[PROCEDURE]",
    .summary = "begin a recovery and follow it",
    .help = "Without PROCEDURE it starts nothing and says which one fits (see advise).\n\n"
	    "PROCEDURE is a name, a path (with a slash in it), or the file of a plan that "
	    "`recoveryd plan -o` saved: then the hosts are asked again for what the plan rests "
	    "on, and it is refused with the list of what has changed.\n\n"
	    "Reads and checks everything first; a backup is proven by its hash, and all hosts are "
	    "asked what `recoveryd check` asks. Nothing is changed on any host when it is refused "
	    "(exit code 2, 6 or 7).\n\n"
	    "The run outlives this command, its terminal and its connections. Ctrl-C ends the "
	    "following, not the run.",
    .options = rd_start_options,
    .run = rd_start_run,
};
