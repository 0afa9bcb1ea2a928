/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/outlive.h"
#include "cli/places.h"
#include "engine/begin.h"
#include "engine/session.h"
#include "engine/setting.h"

static char *inventory;
static char **inputs;
static char **excuses;
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

/* "NAME=VALUE" words; FALSE for one without '=' */
static gboolean
rd_start_pairs(char **words, const char *option, GHashTable *table, GError **error)
{
	for (guint i = 0; words != NULL && words[i] != NULL; i++) {
		const char *equals = strchr(words[i], '=');

		if (equals == NULL || equals == words[i])
			return rd_cli_usage(error, "--%s %s: write NAME=VALUE", option, words[i]);
		g_hash_table_replace(table, g_strndup(words[i], equals - words[i]),
				     g_strdup(equals + 1));
	}
	return TRUE;
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
				  .shared = shared};
	g_autoptr(RdRundir) dir = NULL;

	if (inventory == NULL) {
		rd_cli_usage(error, "which cluster? -c FILE names its inventory");
		return RD_EXIT_USAGE;
	}
	if (!rd_start_pairs(inputs, "input", given, error) ||
	    !rd_start_pairs(excuses, "excuse", excused, error))
		return RD_EXIT_USAGE;
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
    .args = "PROCEDURE",
    .summary = "begin a recovery and follow it",
    .help = "Reads and checks everything first; a backup is proven by its hash. Nothing is "
	    "changed on any host when it is refused (exit code 2 or 7).\n\n"
	    "The run outlives this command, its terminal and its connections. Ctrl-C ends the "
	    "following, not the run.",
    .options = rd_start_options,
    .run = rd_start_run,
};
