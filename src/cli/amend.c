/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "engine/amend.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/reading.h"

static char *inventory;
static char *reason;

static const GOptionEntry *
rd_amend_options(void)
{
	static const GOptionEntry entries[] = {
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory, "the inventory as it is now",
	     "FILE"},
	    {"reason", 'r', 0, G_OPTION_ARG_FILENAME, &reason, "why; goes into the journal",
	     "TEXT"},
	    {NULL},
	};

	return entries;
}

static RdExit
rd_amend_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(RdOpenRun) open = NULL;
	g_autoptr(RdInventory) amended = NULL;
	g_autoptr(GPtrArray) warnings = NULL;
	RdAsk ask = {.word = "amend",
		     .reason = reason,
		     .next = "amended: the engine begins anew with it, and looks at what it had in "
			     "hand"};

	if (inventory == NULL) {
		rd_cli_usage(error, "how are the hosts reached now? -c FILE is the new inventory");
		return RD_EXIT_USAGE;
	}
	open = rd_reading_open(cli, args[0], error);
	if (open == NULL)
		return RD_EXIT_NO_RUN;
	amended = rd_inventory_load_amended(inventory, open->inventory, &warnings, error);
	if (amended == NULL)
		return RD_EXIT_USAGE;
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(warnings, i));
	if (!rd_amend_offer(open->dir, amended, inventory, error))
		return RD_EXIT_FAILED;
	ask.argument = amended->digest;
	return rd_ask_run(cli, open, &ask, error);
}

const RdCommand rd_command_amend = {
    .name = "amend",
    .args = "RUN",
    .summary = "change how a run reaches its hosts: address, user, key, jump host, host key",
    .help = "-c is the cluster's file as it should be from now on; workers may be added. Names, "
	    "roles, the recovery host and the VIPs stay what they were, or it is refused with "
	    "the line. --reason is needed.\n\n"
	    "The engine stops and begins anew with it: what was in hand is looked at on the "
	    "hosts before anything is done again.",
    .options = rd_amend_options,
    .run = rd_amend_run,
};
