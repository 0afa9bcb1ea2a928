/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/event-text.h"
#include "cli/reading.h"
#include "journal/journal.h"
#include "yaml/format.h"
#include "yaml/json.h"

/* The journal as such: without procedure and fold, so that it can be read where these cannot. */

static char *output;

static const GOptionEntry *
rd_journal_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "one JSON object a line", "json"},
	    {NULL},
	};

	return entries;
}

static RdJournal *
rd_journal_of(const RdCli *cli, const char *name, char **id, GError **error)
{
	g_autofree char *dir = rd_reading_find_path(cli, name, error);
	g_autofree char *path = NULL;

	if (dir == NULL)
		return NULL;
	*id = g_path_get_basename(dir);
	path = g_build_filename(dir, "journal.db", NULL);
	return rd_journal_open_reader(path, error);
}

static RdExit
rd_journal_verify_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *id = NULL;
	g_autoptr(RdJournal) journal = rd_journal_of(cli, args[0], &id, error);
	gint64 count = 0;

	if (journal == NULL)
		return RD_EXIT_JOURNAL;
	if (!rd_journal_verify(journal, &count, error)) {
		g_prefix_error(error, "%s: ", id);
		return RD_EXIT_JOURNAL;
	}
	printf("%s: %" G_GINT64_FORMAT " events, the chain holds, head %s\n", id, count,
	       rd_journal_head(journal));
	return RD_EXIT_DONE;
}

const RdCommand rd_command_journal_verify = {
    .name = "journal verify",
    .args = "RUN",
    .summary = "check that no event of a journal was changed, taken out or put in",
    .help =
	"RUN may also be the path of a run directory, so a copy will do. Walks the hash chain and "
	"prints the hash of the newest event. That the newest events "
	"were cut off shows only by comparing this hash with one that was written down "
	"elsewhere: in the records of jobs on the hosts, or in the system's journal.",
    .run = rd_journal_verify_run,
};

static void
rd_journal_print(const RdEvent *event)
{
	g_autofree char *when = rd_format_rfc3339(event->wall);
	g_autofree char *subject = rd_event_subject(event);
	g_autoptr(GString) line = g_string_new(NULL);
	g_autofree char *clean = NULL;
	const struct {
		const char *name, *value;
	} texts[] = {{"word", event->word},
		     {"key", event->key},
		     {"value", event->value},
		     {"text", event->text}};

	g_string_append_printf(line, "%" G_GINT64_FORMAT " %s %s %s", event->seq, when,
			       rd_event_kind_to_string(event->kind), subject);
	if (event->visit != 0 || event->attempt != 0)
		g_string_append_printf(line, " %u.%u", event->visit, event->attempt);
	if (event->number != 0)
		g_string_append_printf(line, " number=%" G_GINT64_FORMAT, event->number);
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (texts[i].value != NULL)
			g_string_append_printf(line, " %s=%s", texts[i].name, texts[i].value);
	clean = rd_screen_clean(line->str);
	puts(clean);
}

static RdExit
rd_journal_show_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *id = NULL;
	g_autoptr(RdJournal) journal = NULL;
	g_autoptr(GPtrArray) events = NULL;

	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return RD_EXIT_USAGE;
	}
	journal = rd_journal_of(cli, args[0], &id, error);
	events = journal != NULL ? rd_journal_read(journal, 0, error) : NULL;
	if (events == NULL)
		return RD_EXIT_JOURNAL;
	for (guint i = 0; i < events->len; i++) {
		if (output != NULL) {
			g_autoptr(JsonNode) node = rd_event_to_json(events->pdata[i]);
			g_autofree char *text = rd_json_print(node, FALSE);

			fputs(text, stdout);
		} else {
			rd_journal_print(events->pdata[i]);
		}
	}
	return RD_EXIT_DONE;
}

const RdCommand rd_command_journal_show = {
    .name = "journal show",
    .args = "[RUN]",
    .summary = "the events of a journal as they are stored",
    .help = "For people, logs says the same in words.",
    .options = rd_journal_options,
    .run = rd_journal_show_run,
};
