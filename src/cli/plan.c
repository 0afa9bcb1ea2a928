/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/beginning.h"
#include "cli/commands.h"
#include "cli/view-plan.h"
#include "engine/losses.h"
#include "yaml/json.h"

static char *output, *newer;
static gboolean full;

static const GOptionEntry *
rd_plan_options(void)
{
	static const GOptionEntry entries[] = {
	    RD_BEGINNING_ENTRIES,
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
	     "save the plan there, for recoveryd start FILE; - prints it instead of the text",
	     "FILE"},
	    {"newer", 0, 0, G_OPTION_ARG_FILENAME, &newer,
	     "a newer snapshot of this cluster: what the restore would lose of it", "FILE"},
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

/* Beside the plan, not of it: no digest has it, and it is told anew each time. That it cannot be
 * told is no reason for no plan, unless it was asked for. */
static gboolean
rd_plan_add_loss(const RdPlanned *planned, JsonNode *file, GError **error)
{
	g_autoptr(GError) why = NULL;
	JsonObject *loss = rd_losses_foretell(planned->setting, planned->open->plan, newer,
					      g_get_real_time() / G_USEC_PER_SEC, &why);

	if (why != NULL && newer != NULL) {
		g_propagate_prefixed_error(error, g_steal_pointer(&why), "--newer: ");
		return FALSE;
	}
	if (loss == NULL && newer != NULL)
		return rd_cli_usage(error, "--newer %s: this procedure restores no backup", newer);
	if (why != NULL) {
		g_autofree char *text =
		    g_strdup_printf("what is lost cannot be told: %s", why->message);

		loss = json_object_new();
		json_object_set_string_member(loss, "text", text);
	}
	if (loss != NULL)
		json_object_set_object_member(json_node_get_object(file), "loss", loss);
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
	if (!rd_plan_add_loss(planned, file, error))
		return RD_EXIT_USAGE;
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
