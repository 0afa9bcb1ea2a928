/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/commands.h"
#include "engine/session.h"
#include "runner/catalogue.h"

/* The processes that other commands start; nobody types these. */

static RdExit
rd_engine_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *base = rd_cli_base(cli);
	g_autoptr(RdRundir) dir = NULL;

	/* a path, or an id for the systemd unit */
	if (g_path_is_absolute(args[0])) {
		g_autofree char *runs = g_path_get_dirname(args[0]);
		g_autofree char *id = g_path_get_basename(args[0]);

		g_free(base);
		base = g_path_get_dirname(runs);
		dir = rd_rundir_open(base, id, error);
	} else {
		dir = rd_rundir_open(base, args[0], error);
	}
	if (dir == NULL)
		return RD_EXIT_NO_RUN;
	return rd_session_run(g_steal_pointer(&dir), error) ? RD_EXIT_DONE : RD_EXIT_FAILED;
}

const RdCommand rd_command_engine = {
    .name = "engine",
    .args = "RUN",
    .summary = "the engine process of a run",
    .run = rd_engine_run,
    .hidden = TRUE,
};

static char *describe;

static const GOptionEntry *
rd_runner_options(void)
{
	static const GOptionEntry entries[] = {
	    {"describe", 0, 0, G_OPTION_ARG_FILENAME, &describe,
	     "print what the plugins of a directory offer", "DIR"},
	    {NULL},
	};

	return entries;
}

static RdExit
rd_runner_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(RdCatalogue) catalogue = NULL;
	g_autoptr(JsonNode) node = NULL;
	g_autofree char *text = NULL;

	if (describe == NULL && (args[0] == NULL || args[1] == NULL)) {
		rd_cli_usage(error, "the runner is started by the engine");
		return RD_EXIT_USAGE;
	}
	if (describe == NULL)
		return rd_session_runner(args[0], args[1]);
	catalogue = rd_catalogue_new();
	if (!rd_catalogue_load_dir(catalogue, describe, error))
		return RD_EXIT_USAGE;
	node = rd_catalogue_describe(catalogue);
	text = json_to_string(node, TRUE);
	g_print("%s\n", text);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_runner = {
    .name = "runner",
    .args = "[ARG...]",
    .summary = "the runner process of a run",
    .options = rd_runner_options,
    .run = rd_runner_run,
    .hidden = TRUE,
};
