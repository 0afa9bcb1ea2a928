/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/event-text.h"
#include "cli/reading.h"
#include "cli/watch.h"
#include "yaml/format.h"
#include "yaml/json.h"

#define RD_LOGS_TICK_MS 5000 /* should inotify ever miss something */

static struct {
	char *step, *host, *since, *output;
	gboolean follow;
} options;

static const GOptionEntry *
rd_logs_options(void)
{
	static const GOptionEntry entries[] = {
	    {"step", 's', 0, G_OPTION_ARG_STRING, &options.step, "only this state, or state@host",
	     "STEP"},
	    {"host", 0, 0, G_OPTION_ARG_STRING, &options.host, "only this host", "HOST"},
	    {"follow", 'f', 0, G_OPTION_ARG_NONE, &options.follow, "go on until the run ends",
	     NULL},
	    {"since", 0, 0, G_OPTION_ARG_STRING, &options.since,
	     "10m, 08:03, \"2026-11-20 08:03\" or an RFC 3339 time", "TIME"},
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &options.output, "one JSON object a line",
	     "json"},
	    {NULL},
	};

	return entries;
}

typedef struct {
	const RdCli *cli;
	RdOpenRun *open;
	gint64 since; /* wall time */
	guint shown;  /* of open->events */
	gboolean json;
} RdLogs;

static void
rd_logs_print(RdLogs *self, const RdEvent *event)
{
	g_autoptr(GString) page = g_string_new(NULL);
	const RdScreen *screen = &self->cli->screen;
	gboolean narrow = screen->width != 0 && screen->width < 60;
	g_autofree char *when = rd_format_stamp(event->wall);
	g_autofree char *subject = rd_event_subject(event);
	g_autofree char *padded = rd_screen_pad(subject, narrow ? 0 : 22);
	g_autofree char *words = rd_event_describe(event);
	g_autofree char *clean = rd_screen_clean(words);
	const char *ink = rd_event_ink(event);

	rd_page_printf(page, screen, 0, narrow ? 2 : 21,
		       RD_INK_DIM "%s" RD_INK_END "  " RD_INK_BOLD "%s" RD_INK_END "  %s%s%s",
		       narrow ? when + strlen("2026-11-20 ") : when, padded, ink, clean,
		       *ink != '\0' ? RD_INK_END : "");
	fputs(page->str, stdout);
}

static gboolean
rd_logs_look(gpointer data, GError **error)
{
	RdLogs *self = data;

	if (!rd_open_run_refresh(self->open, NULL, error))
		return FALSE;
	for (; self->shown < self->open->events->len; self->shown++) {
		const RdEvent *event = g_ptr_array_index(self->open->events, self->shown);

		if (event->wall < self->since ||
		    !rd_event_matches(event, options.step, options.host))
			continue;
		if (self->json) {
			g_autoptr(JsonNode) node = rd_event_to_json(event);
			g_autofree char *text = rd_json_print(node, FALSE);

			fputs(text, stdout);
		} else {
			rd_logs_print(self, event);
		}
	}
	fflush(stdout);
	return rd_run_get_state(self->open->run) != RD_RUN_ENDED && !ferror(stdout);
}

/* a filter with a typing error would show nothing, and that would look like an answer */
static gboolean
rd_logs_check(RdLogs *self, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(options.step != NULL ? options.step : "", "@", 2);

	if (options.output != NULL && strcmp(options.output, "json") != 0)
		return rd_cli_usage(error, "-o is json, not %s", options.output);
	self->json = options.output != NULL;
	if (options.since != NULL &&
	    !rd_format_parse_since(options.since, g_get_real_time(), &self->since))
		return rd_cli_usage(error,
				    "--since %s: write 10m, 08:03, \"2026-11-20 08:03\" or "
				    "2026-11-20T07:03:00Z",
				    options.since);
	if (options.step != NULL &&
	    (rd_plan_find_state(self->open->plan, parts[0]) < 0 ||
	     (parts[1] != NULL && rd_run_find_step(self->open->run, parts[0], parts[1]) == NULL)))
		return rd_cli_usage(error, "there is no step %s in this run", options.step);
	if (options.host != NULL && strcmp(options.host, RD_CLUSTER) != 0 &&
	    rd_run_find_host(self->open->run, options.host) == NULL)
		return rd_cli_usage(error, "there is no host %s in this run", options.host);
	return TRUE;
}

static RdExit
rd_logs_run(const RdCli *cli, char **args, GError **error)
{
	RdLogs self = {.cli = cli};
	RdExit code = RD_EXIT_DONE;

	self.open = rd_reading_open(cli, args[0], error);
	if (self.open == NULL)
		return RD_EXIT_NO_RUN;
	if (!rd_logs_check(&self, error))
		code = RD_EXIT_USAGE;
	else if (options.follow)
		rd_watch(self.open->dir, RD_LOGS_TICK_MS, rd_logs_look, &self, error);
	else
		rd_logs_look(&self, error);
	rd_open_run_free(self.open);
	return code;
}

const RdCommand rd_command_logs = {
    .name = "logs",
    .args = "[RUN]",
    .summary = "what happened in a run, one line for each event, in words",
    .help = "What changes something on a host (\"touches\") stands there with the exact command, "
	    "before it was sent. Without RUN, the newest run.",
    .options = rd_logs_options,
    .run = rd_logs_run,
};
