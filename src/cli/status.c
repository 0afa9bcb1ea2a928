/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/view.h"
#include "cli/watch.h"
#include "yaml/format.h"
#include "yaml/json.h"

#define RD_STATUS_TICK_MS  1000 /* on a terminal: elapsed times count on */
#define RD_STATUS_PLAIN_MS 5000 /* else: how often it is asked whether to say something */
/* a line a minute, changed or not: terminal recorders and idle timeouts see traffic */
#define RD_STATUS_SILENCE (55 * G_USEC_PER_SEC)

static struct {
	gboolean watch, brief, exit_status;
	char *output;
} options;

static const GOptionEntry *
rd_status_options(void)
{
	static const GOptionEntry entries[] = {
	    {"watch", 'w', 0, G_OPTION_ARG_NONE, &options.watch, "go on until the run ends", NULL},
	    {"brief", 'b', 0, G_OPTION_ARG_NONE, &options.brief, "8 lines of 40 columns", NULL},
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &options.output, "another form",
	     "wide|json|yaml|name"},
	    {"exit-status", 0, 0, G_OPTION_ARG_NONE, &options.exit_status,
	     "the exit code says how the run stands", NULL},
	    {NULL},
	};

	return entries;
}

typedef enum {
	RD_OUTPUT_TEXT,
	RD_OUTPUT_WIDE,
	RD_OUTPUT_JSON,
	RD_OUTPUT_YAML,
	RD_OUTPUT_NAME,
} RdOutput;

typedef struct {
	const RdCli *cli;
	RdOpenRun *open;
	RdView view;
	RdOutput output;
	gboolean redraw; /* else lines are only added */
	char *last;	 /* (owned) (nullable) what was said last */
	gint64 said;	 /* when, monotonic */
} RdStatus;

static gboolean
rd_status_parse_output(RdOutput *output, GError **error)
{
	static const char *const words[] = {NULL, "wide", "json", "yaml", "name"};

	*output = RD_OUTPUT_TEXT;
	if (options.output == NULL)
		return TRUE;
	for (guint i = 1; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(options.output, words[i]) == 0) {
			*output = i;
			return TRUE;
		}
	}
	return rd_cli_usage(error, "-o is wide, json, yaml or name, not %s", options.output);
}

static char *
rd_status_text(RdStatus *self, const RdScreen *screen, RdForm form)
{
	GString *page = g_string_new(NULL);

	if (options.brief)
		rd_view_print_brief(page, &self->view, screen);
	else
		rd_view_print(page, &self->view, screen, form);
	return g_string_free(page, FALSE);
}

static char *
rd_status_render(RdStatus *self, gboolean pretty)
{
	g_autoptr(JsonNode) node = NULL;

	switch (self->output) {
	case RD_OUTPUT_NAME:
		return g_strdup_printf("%s\n", self->view.run_id);
	case RD_OUTPUT_JSON:
		node = rd_view_to_json(&self->view);
		return rd_json_print(node, pretty);
	case RD_OUTPUT_YAML: {
		g_autofree char *text = NULL;

		node = rd_view_to_json(&self->view);
		text = rd_json_print_yaml(node);
		return pretty ? g_steal_pointer(&text) : g_strdup_printf("---\n%s", text);
	}
	case RD_OUTPUT_WIDE:
		return rd_status_text(self, &self->cli->screen, RD_FORM_WIDE);
	case RD_OUTPUT_TEXT:
		break;
	}
	return rd_status_text(self, &self->cli->screen, RD_FORM_NORMAL);
}

/* ---- watching ------------------------------------------------------------------------------ */

static guint
rd_status_count_lines(const char *text)
{
	guint lines = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	return lines;
}

/* Over the old page, line by line: no flicker. Never more than the terminal has rows, or it would
 * scroll; what does not fit even in short is cut at the end. */
static void
rd_status_redraw(RdStatus *self)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	RdScreen screen;
	guint rows;

	rd_screen_look(&screen, STDOUT_FILENO, self->cli->color);
	text = rd_status_text(self, &screen,
			      self->output == RD_OUTPUT_WIDE ? RD_FORM_WIDE : RD_FORM_NORMAL);
	if (screen.rows > 0 && rd_status_count_lines(text) >= screen.rows) {
		g_free(text);
		text = rd_status_text(self, &screen, RD_FORM_COMPACT);
	}
	lines = g_strsplit(text, "\n", 0);
	rows = screen.rows > 1 ? screen.rows - 1 : G_MAXUINT;
	fputs(self->last == NULL ? "\033[2J\033[H" : "\033[H", stdout);
	/* the text ends with a line feed, so what follows the last one is empty */
	for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL && i < rows; i++)
		printf("%s\033[K\n", lines[i]);
	fputs("\033[J", stdout);
	g_free(self->last);
	self->last = g_steal_pointer(&text);
}

/* on change, and now and then although nothing changed */
static void
rd_status_add(RdStatus *self)
{
	g_autofree char *line = NULL;
	g_autofree char *when = rd_format_stamp(self->view.wall);
	gint64 now = g_get_monotonic_time();

	if (self->output == RD_OUTPUT_TEXT || self->output == RD_OUTPUT_WIDE)
		line = rd_view_summary(&self->view);
	else if (self->output == RD_OUTPUT_NAME)
		line = g_strdup(self->view.run_id);
	else
		line = g_strdup_printf("%" G_GINT64_FORMAT, rd_run_get_seq(self->view.run));
	if (g_strcmp0(line, self->last) == 0 && now - self->said < RD_STATUS_SILENCE)
		return;
	if (self->output == RD_OUTPUT_TEXT || self->output == RD_OUTPUT_WIDE) {
		g_autoptr(GString) page = g_string_new(NULL);

		rd_page_printf(page, &self->cli->screen, 0, 2, "%s  %s", when, line);
		fputs(page->str, stdout);
	} else {
		g_autofree char *text = rd_status_render(self, FALSE);

		fputs(text, stdout);
	}
	g_free(self->last);
	self->last = g_steal_pointer(&line);
	self->said = now;
}

static gboolean
rd_status_look(gpointer data, GError **error)
{
	RdStatus *self = data;

	if (!rd_view_look(&self->view, self->open, NULL, error))
		return FALSE;
	if (self->redraw)
		rd_status_redraw(self);
	else
		rd_status_add(self);
	fflush(stdout);
	return rd_run_get_state(self->view.run) != RD_RUN_ENDED && !ferror(stdout);
}

static gboolean
rd_status_show(RdStatus *self, GError **error)
{
	g_autofree char *text = NULL;

	if (options.watch)
		return rd_watch(self->open->dir,
				self->redraw ? RD_STATUS_TICK_MS : RD_STATUS_PLAIN_MS,
				rd_status_look, self, error);
	if (!rd_view_look(&self->view, self->open, NULL, error))
		return FALSE;
	text = rd_status_render(self, TRUE);
	fputs(text, stdout);
	return TRUE;
}

static RdExit
rd_status_run(const RdCli *cli, char **args, GError **error)
{
	RdStatus self = {.cli = cli};
	RdExit code = RD_EXIT_DONE;

	if (!rd_status_parse_output(&self.output, error))
		return RD_EXIT_USAGE;
	self.open = rd_reading_open(cli, args[0], error);
	if (self.open == NULL)
		return RD_EXIT_NO_RUN;
	self.redraw = cli->screen.tty && !cli->plain &&
		      (self.output == RD_OUTPUT_TEXT || self.output == RD_OUTPUT_WIDE);
	if (rd_status_show(&self, error) && options.exit_status)
		code = rd_exit_of_run(self.open->run);
	rd_view_clear(&self.view);
	rd_open_run_free(self.open);
	g_free(self.last);
	return code;
}

const RdCommand rd_command_status = {
    .name = "status",
    .args = "[RUN]",
    .summary = "how a run stands: what is at work, what is awaited, what a person can do",
    .help = "RUN is an id or a part of it that only one run has (kite-3); without it, the newest "
	    "run. When a run is held, the causes are listed with the exact commands that help, "
	    "and only with those that the run would accept.\n\n"
	    "With -w the page is drawn again whenever something changes, at most four times a "
	    "second. Where that is not possible (no terminal, or --plain) a line is printed on "
	    "change, and at least every minute. docs/json.md describes -o json.",
    .options = rd_status_options,
    .run = rd_status_run,
};
