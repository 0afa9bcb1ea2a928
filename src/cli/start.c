/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/advise.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/follow.h"
#include "cli/outlive.h"
#include "cli/places.h"
#include "cli/prepare.h"
#include "engine/begin.h"
#include "engine/session.h"
#include "engine/setting.h"

static char *inventory;
static char **inputs;
static char **excuses;
static char **overrides;
static char **approved;
static char *recovery_host;
static char *notify;
static gboolean detach, shared, accept_no_hash;

static const GOptionEntry *
rd_start_options(void)
{
	static const GOptionEntry entries[] = {
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory, "the cluster's inventory",
	     "FILE"},
	    {"input", 'i', 0, G_OPTION_ARG_STRING_ARRAY, &inputs, "an input of the procedure",
	     "NAME=VALUE"},
	    {"excuse", 0, 0, G_OPTION_ARG_STRING_ARRAY, &excuses,
	     "state that a control-plane host is powered off and stays so", "HOST=REASON"},
	    {"override", 0, 0, G_OPTION_ARG_STRING_ARRAY, &overrides,
	     "start though this check says block; the reason is journalled", "CHECK=REASON"},
	    {"approve", 0, 0, G_OPTION_ARG_STRING_ARRAY, &approved,
	     "approve a gate beforehand, so that the run need not wait there", "GATE"},
	    {"recovery-host", 0, 0, G_OPTION_ARG_STRING, &recovery_host,
	     "instead of the one that the inventory names", "HOST"},
	    {"detach", 'd', 0, G_OPTION_ARG_NONE, &detach, "do not follow the run", NULL},
	    {"notify", 0, 0, G_OPTION_ARG_STRING, &notify,
	     "a program that gets each notification as JSON on stdin", "COMMAND"},
	    {"shared", 0, 0, G_OPTION_ARG_NONE, &shared,
	     "the group recoveryd may see and steer the run", NULL},
	    {"accept-no-hash", 0, 0, G_OPTION_ARG_NONE, &accept_no_hash,
	     "take a snapshot that carries no SHA-256", NULL},
	    {NULL},
	};

	return entries;
}

/* ---- the checks before it ------------------------------------------------------------------ */

typedef struct {
	const RdCli *cli;
	GHashTable *excused, *overridden;
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
	    .accept_no_hash = accept_no_hash,
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
rd_start_advise(const RdCli *cli, GHashTable *given, GError **error)
{
	const RdAdviseOptions options = {
	    .inventory = inventory,
	    .recovery_host = recovery_host,
	    .backup = g_hash_table_lookup(given, "backup"),
	    .excuses = excuses,
	    .go_back = g_strcmp0(g_hash_table_lookup(given, "purpose"), "go-back") == 0,
	};
	RdExit exit = rd_advise(cli, &options, error);

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

static RdExit
rd_start_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *base = rd_cli_base(cli);
	g_autofree char *who = rd_session_who();
	g_autofree char *how = NULL;
	g_autoptr(GHashTable) given =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GHashTable) excused =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(GHashTable) overridden =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	RdStartChecks checks = {cli, excused, overridden};
	RdBeginOptions options = {.base = base,
				  .procedure = args[0],
				  .procedure_dirs = rd_place_procedures(),
				  .plugin_dir = rd_place_plugins(),
				  .inventory = inventory,
				  .recovery_host = recovery_host,
				  .inputs = given,
				  .excused = excused,
				  .approved = (const char *const *)approved,
				  .accept_no_hash = accept_no_hash,
				  .notify = notify,
				  .who = who,
				  .shared = shared,
				  .may = rd_start_may,
				  .may_data = &checks};
	g_autoptr(RdRundir) dir = NULL;

	if (inventory == NULL) {
		rd_cli_usage(error, "which cluster? -c FILE names its inventory");
		return RD_EXIT_USAGE;
	}
	if (!rd_prepare_pairs(inputs, "input", given, error) ||
	    !rd_prepare_pairs(excuses, "excuse", excused, error) ||
	    !rd_prepare_pairs(overrides, "override", overridden, error) ||
	    !rd_preflight_may_override(overridden, error))
		return RD_EXIT_USAGE;
	if (args[0] == NULL)
		return rd_start_advise(cli, given, error);
	dir = rd_begin(&options, &warnings, error);
	if (dir == NULL) {
		/* the first words that a person has to find: nothing happened yet */
		g_prefix_error(error, "refused, nothing was changed: ");
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
	    "Reads and checks everything first; a backup is proven by its hash, and all hosts are "
	    "asked what `recoveryd check` asks. Nothing is changed on any host when it is refused "
	    "(exit code 2, 6 or 7).\n\n"
	    "The run outlives this command, its terminal and its connections. Ctrl-C ends the "
	    "following, not the run.",
    .options = rd_start_options,
    .run = rd_start_run,
};
