/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/beginning.h"
#include "cli/commands.h"
#include "cli/view-plan.h"
#include "yaml/json.h"

static char *output;
static gboolean full;

static const GOptionEntry *
rd_plan_options(void)
{
	static const GOptionEntry entries[] = {
	    RD_BEGINNING_ENTRIES,
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
	     "save the plan there, for recoveryd start FILE; - prints it instead of the text",
	     "FILE"},
	    {"full", 0, 0, G_OPTION_ARG_NONE, &full, "every command, file and API call", NULL},
	    {NULL},
	};

	return entries;
}

/* it names hosts and commands, no secrets: still nobody else's */
static gboolean
rd_plan_save(const RdCli *cli, const char *text, GError **error)
{
	if (strcmp(output, "-") == 0) {
		fputs(text, stdout);
		return TRUE;
	}
	if (!g_file_set_contents_full(output, text, (gssize)strlen(text),
				      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
				      0600, error))
		return FALSE;
	rd_cli_say(cli, "recoveryd start %s carries it out", output);
	return TRUE;
}

/* what is refused now would be refused then */
static gboolean
rd_plan_is_sound(const RdForecast *forecast)
{
	for (guint i = 0; i < forecast->steps->len; i++)
		if (((RdForecastStep *)g_ptr_array_index(forecast->steps, i))->word ==
		    RD_FORECAST_REFUSED)
			return FALSE;
	return TRUE;
}

static RdExit
rd_plan_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(RdBeginningInput) input = {0};
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(RdPlanned) planned = NULL;
	g_autoptr(JsonNode) file = NULL;
	g_autoptr(GString) page = g_string_new(NULL);
	g_autoptr(RdHistory) history = NULL;
	g_autofree char *base = rd_cli_base(cli);
	g_autofree char *text = NULL;

	if (!rd_beginning_read(&input, args[0], error))
		return RD_EXIT_USAGE;
	planned = rd_plan_make(&input.options, &warnings, error);
	if (planned == NULL)
		return RD_EXIT_REFUSED;
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(warnings, i));
	file = rd_plan_file_build(planned, &input.options);
	text = rd_json_print(file, TRUE);
	if (output == NULL || strcmp(output, "-") != 0) {
		history = rd_history_read(base, planned->open->plan);
		rd_view_plan(page, &cli->screen, planned, file, history, full);
		fputs(page->str, stdout);
	}
	if (output != NULL && !rd_plan_save(cli, text, error))
		return RD_EXIT_FAILED;
	return rd_plan_is_sound(planned->forecast) ? RD_EXIT_DONE : RD_EXIT_REFUSED;
}

const RdCommand rd_command_plan = {
    .name = "plan",
    .args = "PROCEDURE",
    .summary = "what a recovery would do, step by step, without doing it",
    .help = "Asks the hosts, and changes nothing: no lock is taken, nothing is written there. "
	    "What a step would do is found by the code that does it. What nobody can know before "
	    "is marked: depends, checked then, decided then.\n\n"
	    "Returns 7 when a step would be refused as things are now.",
    .options = rd_plan_options,
    .run = rd_plan_run,
};
