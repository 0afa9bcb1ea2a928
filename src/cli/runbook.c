/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/reading.h"
#include "engine/runner-crew.h"
#include "journal/durable.h"
#include "journal/lock.h"
#include "report/remaining.h"
#include "report/runbook.h"

static struct {
	char *output;
	gboolean offline;
} options;

static const GOptionEntry *
rd_runbook_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
	     "a form, printed, or a file, whose name ends with .md or .html", "md|html"},
	    {"offline", 0, 0, G_OPTION_ARG_NONE, &options.offline,
	     "ask no host: without the commands that are left", NULL},
	    {NULL},
	};

	return entries;
}

/* *file (nullable) (unowned): where to, NULL is stdout */
static gboolean
rd_runbook_parse(RdPaperKind *kind, const char **file, GError **error)
{
	const char *dot = options.output != NULL ? strrchr(options.output, '.') : NULL;
	const char *word = dot != NULL ? dot + 1 : options.output;

	*kind = RD_PAPER_MARKDOWN;
	*file = dot != NULL ? options.output : NULL;
	if (word == NULL || strcmp(word, "md") == 0)
		return TRUE;
	*kind = RD_PAPER_HTML;
	if (strcmp(word, "html") == 0)
		return TRUE;
	return rd_cli_usage(error,
			    "-o is md, html, or a file whose name ends with one of them, "
			    "not %s",
			    options.output);
}

static gint64
rd_runbook_now(gpointer data)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* Looks at the hosts with the run's own plugins. The run's lock is held meanwhile: what would be
 * told of a run at work would be wrong a moment later. @book gets what was found, or why not. */
static void
rd_runbook_look(const RdEvidence *evidence, RdRunbook *book, GError **why, GError **why_back)
{
	g_autofree char *path = g_build_filename(evidence->dir, "lock", NULL);
	RdLockOptions options_of_lock = {.who = "a runbook"};
	g_autoptr(RdLock) lock = NULL;
	g_autoptr(GPtrArray) owed = rd_run_get_owed(evidence->run);
	RdRunnerCrewOptions crew = {.run_dir = evidence->dir, .who = "a runbook", .stderr_fd = -1};
	RdRemainingOptions remaining = {.evidence = evidence, .now = rd_runbook_now};

	if (rd_run_get_state(evidence->run) == RD_RUN_ENDED) {
		g_set_error(why, G_IO_ERROR, G_IO_ERROR_FAILED,
			    "the run has ended (%s): a new one, or its plan, says what is left",
			    rd_run_get_end(evidence->run));
		return;
	}
	lock = rd_lock_take(path, &options_of_lock, why);
	if (lock == NULL) {
		g_prefix_error(why, "it is at work, recoveryd pause %s first: ", evidence->run_id);
		return;
	}
	crew.lock_fd = rd_lock_get_fd(lock);
	remaining.crew = rd_runner_crew_new(&crew, why);
	if (remaining.crew == NULL)
		return;
	book->remaining = rd_remaining_new(&remaining, why);
	if (owed->len > 0)
		book->give_back = rd_remaining_give_back(&remaining, why_back);
	remaining.crew->klass->free(remaining.crew);
}

static RdExit
rd_runbook_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *dir = NULL;
	g_autofree char *text = NULL;
	g_autoptr(RdEvidence) evidence = NULL;
	g_autoptr(JsonNode) remaining = NULL, give_back = NULL;
	g_autoptr(GError) why = NULL, why_back = NULL;
	RdRunbook runbook = {0};
	const char *file;
	RdPaperKind kind;

	if (!rd_runbook_parse(&kind, &file, error))
		return RD_EXIT_USAGE;
	dir = rd_reading_find_path(cli, args[0], error);
	evidence = dir != NULL ? rd_evidence_read(dir, error) : NULL;
	if (evidence == NULL)
		return RD_EXIT_NO_RUN;
	if (evidence->run == NULL) {
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_JOURNAL, "%s: %s", evidence->run_id,
			    (const char *)g_ptr_array_index(evidence->faults, 0));
		return RD_EXIT_JOURNAL;
	}
	if (!options.offline)
		rd_runbook_look(evidence, &runbook, &why, &why_back);
	remaining = runbook.remaining;
	give_back = runbook.give_back;
	runbook.evidence = evidence;
	runbook.why_not = why != NULL ? why->message : NULL;
	runbook.why_not_back = why_back != NULL ? why_back->message : runbook.why_not;
	text = rd_runbook_print(&runbook, kind);
	if (file == NULL)
		fputs(text, stdout);
	else if (!rd_file_write(file, text, strlen(text), 0600, RD_DURABLE_SYNC, error))
		return RD_EXIT_FAILED;
	else
		rd_cli_say(cli, "%s: %s", evidence->run_id, file);
	if (why != NULL)
		rd_cli_say(cli, "the commands that are left are not in it: %s", why->message);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_runbook = {
    .name = "runbook",
    .args = "[RUN]",
    .summary = "go on without this program: what is done, moved, borrowed, and what to type",
    .help = "The commands that are left come from the steps themselves, which are walked without "
	    "touching anything, on the hosts as they are now; before the point of no return there "
	    "are also those that go back. Each block says on which host it is to be typed. What "
	    "was done by hand is found by `resume`, which looks before it does anything.\n\n"
	    "The run must not be at work. Hosts are only looked at; a host that does not answer is "
	    "named.",
    .options = rd_runbook_options,
    .run = rd_runbook_run,
};
