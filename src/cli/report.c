/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/advice.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "journal/durable.h"
#include "report/account.h"
#include "yaml/json.h"

static struct {
	char *output, *format;
} options;

static const GOptionEntry *
rd_report_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
	     "a form, printed, or a file, whose name ends with .md, .html or .json",
	     "md|html|json"},
	    {"format", 0, 0, G_OPTION_ARG_STRING, &options.format,
	     "the form, whatever the file is called", "md|html|json"},
	    {NULL},
	};

	return entries;
}

typedef enum {
	RD_REPORT_MD,
	RD_REPORT_HTML,
	RD_REPORT_JSON,
} RdReportForm;

static const char *const forms[] = {"md", "html", "json"};

static gboolean
rd_report_find_form(const char *word, RdReportForm *form)
{
	for (guint i = 0; word != NULL && i < G_N_ELEMENTS(forms); i++) {
		if (strcmp(word, forms[i]) == 0) {
			*form = i;
			return TRUE;
		}
	}
	return FALSE;
}

/* *file (nullable) (unowned): where to, NULL is stdout */
static gboolean
rd_report_parse(RdReportForm *form, const char **file, GError **error)
{
	const char *dot = options.output != NULL ? strrchr(options.output, '.') : NULL;

	*form = RD_REPORT_MD;
	*file = NULL;
	if (options.format != NULL && !rd_report_find_form(options.format, form))
		return rd_cli_usage(error, "--format is md, html or json, not %s", options.format);
	if (options.output == NULL)
		return TRUE;
	if (options.format == NULL && rd_report_find_form(options.output, form))
		return TRUE;
	*file = options.output;
	if (options.format != NULL || (dot != NULL && rd_report_find_form(dot + 1, form)))
		return TRUE;
	return rd_cli_usage(error,
			    "-o %s: the name of a report ends with .md, .html or .json, or "
			    "--format says which of them it is",
			    options.output);
}

/* what the status page says, in the report's words */
static JsonNode *
rd_report_next(const RdEvidence *evidence)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(GPtrArray) causes = NULL;
	g_autoptr(GPtrArray) commands = NULL;

	if (evidence->run == NULL)
		return NULL;
	causes = rd_advice_causes(evidence->run, evidence->run_id);
	/* whether an engine is at work now is not in the journal; resume is right in both cases */
	commands = rd_advice_commands(evidence->run, evidence->run_id, FALSE);
	json_builder_begin_object(json);
	json_builder_set_member_name(json, "causes");
	json_builder_begin_array(json);
	for (guint i = 0; i < causes->len; i++) {
		const RdCause *cause = g_ptr_array_index(causes, i);

		json_builder_begin_object(json);
		rd_json_string(json, "name", cause->name);
		rd_json_string(json, "what", cause->what);
		rd_json_string(json, "text", cause->text);
		json_builder_set_member_name(json, "commands");
		json_builder_begin_array(json);
		for (guint j = 0; j < cause->commands->len; j++) {
			json_builder_begin_object(json);
			rd_json_string(json, "when", g_ptr_array_index(cause->when, j));
			rd_json_string(json, "command", g_ptr_array_index(cause->commands, j));
			json_builder_end_object(json);
		}
		json_builder_end_array(json);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	rd_json_strings(json, "commands", commands);
	json_builder_end_object(json);
	return json_builder_get_root(json);
}

static RdExit
rd_report_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *dir = NULL;
	g_autofree char *text = NULL;
	g_autoptr(RdEvidence) evidence = NULL;
	g_autoptr(JsonNode) next = NULL;
	g_autoptr(JsonNode) report = NULL;
	const char *file;
	RdReportForm form;

	if (!rd_report_parse(&form, &file, error))
		return RD_EXIT_USAGE;
	dir = rd_reading_find_path(cli, args[0], error);
	evidence = dir != NULL ? rd_evidence_read(dir, error) : NULL;
	if (evidence == NULL)
		return RD_EXIT_NO_RUN;
	next = rd_report_next(evidence);
	report = rd_account_new(evidence, next);
	text = form == RD_REPORT_JSON
		   ? rd_json_print(report, TRUE)
		   : rd_account_print(report,
				      form == RD_REPORT_HTML ? RD_PAPER_HTML : RD_PAPER_MARKDOWN);
	if (file == NULL)
		fputs(text, stdout);
	else if (!rd_file_write(file, text, strlen(text), 0600, RD_DURABLE_SYNC, error))
		return RD_EXIT_FAILED;
	else
		rd_cli_say(cli, "%s: %s", evidence->run_id, file);
	for (guint i = 0; i < evidence->faults->len; i++)
		rd_cli_say(cli, "%s: what the report tells is not whole: %s", evidence->run_id,
			   (const char *)g_ptr_array_index(evidence->faults, i));
	return evidence->faults->len > 0 ? RD_EXIT_JOURNAL : RD_EXIT_DONE;
}

const RdCommand rd_command_report = {
    .name = "report",
    .args = "[RUN]",
    .summary = "the evidence of a run: people and reasons, checks, every change, what is left",
    .help =
	"As Markdown, as one HTML file, or as JSON, of which the other two are views "
	"(docs/report.md). A run at work is told as far as it has come. RUN may also be the path "
	"of a run directory, so a copy on another machine will do, and of a damaged journal "
	"the part that can be read is told, with what is wrong with it, and the exit code is "
	"that of the journal.\n\nWithout RUN, the newest run. There is nothing secret in it, "
	"but names and addresses of hosts are.",
    .options = rd_report_options,
    .run = rd_report_run,
};
