/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>

#include "cli/advice.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/way-back.h"

/* rollback: what will be undone is printed first, then it is asked for. */

static gboolean plan_only;
static char *reason;

static const GOptionEntry *
rd_rollback_options(void)
{
	static const GOptionEntry entries[] = {
	    {"reason", 'r', 0, G_OPTION_ARG_FILENAME, &reason, "why; goes into the journal",
	     "TEXT"},
	    {"plan", 0, 0, G_OPTION_ARG_NONE, &plan_only,
	     "only say what would be undone, and where", NULL},
	    {NULL},
	};

	return entries;
}

/* "  NAME   m0 m1 m2   TYPE": @steps are state by state */
static void
rd_rollback_print_steps(GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		const RdStep *before = i > 0 ? g_ptr_array_index(steps, i - 1) : NULL;
		const RdStep *after = i + 1 < steps->len ? g_ptr_array_index(steps, i + 1) : NULL;

		if (before == NULL || before->plan != step->plan)
			printf("  %-24s", step->plan->name);
		printf(" %s", step->target);
		if (after == NULL || after->plan != step->plan)
			printf("   (%s%s)\n", step->plan->type,
			       step->plan->borrow != NULL ? ", borrowed" : "");
	}
}

static void
rd_rollback_print_hosts(RdRun *run, GPtrArray *steps)
{
	GPtrArray *hosts = rd_run_get_hosts(run);

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);
		gboolean changed = FALSE;

		for (guint j = 0; j < steps->len; j++)
			changed = changed || g_str_equal(((RdStep *)steps->pdata[j])->target,
							 host->plan->name);
		if (host->excused && changed && !rd_run_goes_back(run))
			printf("%s is excused, but this run changed it: it has to take part. Power "
			       "it on, or excuse it again when the run waits for it\n",
			       host->plan->name);
	}
}

static void
rd_rollback_print(const char *id, RdRun *run)
{
	g_autoptr(GPtrArray) steps = rd_run_get_way_back(run);
	g_autoptr(GPtrArray) stays = rd_run_get_unreturned(run);

	if (steps->len == 0)
		printf("%s has changed nothing that is to be undone\n", id);
	else
		printf("A rollback of %s undoes this, each state on all of its hosts before the "
		       "next:\n",
		       id);
	rd_rollback_print_steps(steps);
	if (stays->len > 0)
		printf("This stays, there is nothing to undo about it:\n");
	rd_rollback_print_steps(stays);
	if (rd_run_passed(run, RD_MARK_HOST_UNDO_ENDS))
		printf("host-undo-ends is passed: the control plane goes back as a whole or not at "
		       "all\n");
	rd_rollback_print_hosts(run, steps);
	fflush(stdout);
}

/* one command in each line, as they are typed one after the other */
static void
rd_rollback_say_behind(const RdOpenRun *open, const char *why, GError **error)
{
	g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *there =
	    rd_way_back_behind(open->run, rd_rundir_get_id(open->dir), commands);
	g_autofree char *lines = NULL;

	g_ptr_array_add(commands, NULL);
	lines = g_strjoinv("\n  ", (char **)commands->pdata);
	rd_cli_usage(error, "rollback: %s. %s:\n  %s", why, there, lines);
}

static RdExit
rd_rollback_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "rollback",
			   .reason = reason,
			   .next = "rolling back: what is in hand comes to its end first. Watch it "
				   "with recoveryd status -w; after an interruption resume goes on "
				   "with it"};
	g_autoptr(RdOpenRun) open = rd_reading_open(cli, args[0], error);
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) why = NULL;

	if (open == NULL)
		return RD_EXIT_NO_RUN;
	if (g_strcmp0(rd_run_get_end(open->run), "rolled back") == 0) {
		rd_cli_say(cli, "%s has been rolled back already", rd_rundir_get_id(open->dir));
		return rd_exit_of_run(open->run);
	}
	events = rd_run_request(open->run, "rollback", NULL, NULL, g_get_user_name(),
				reason != NULL ? reason : "to look at", &why);
	if (events == NULL && rd_run_passed(open->run, RD_MARK_POINT_OF_NO_RETURN)) {
		rd_rollback_say_behind(open, why->message, error);
		return RD_EXIT_USAGE;
	}
	if (events == NULL) {
		rd_cli_usage(error, "rollback: %s", why->message);
		return RD_EXIT_USAGE;
	}
	rd_rollback_print(rd_rundir_get_id(open->dir), open->run);
	return plan_only ? RD_EXIT_DONE : rd_ask_run(cli, open, &ask, error);
}

const RdCommand rd_command_rollback = {
    .name = "rollback",
    .args = "RUN",
    .summary = "undo what a run has changed, before its point of no return",
    .help = "The newest first, state by state, each on all hosts before the next; a probe proves "
	    "each. Behind host-undo-ends the control plane goes back as a whole: every new etcd is "
	    "stopped, none may run any more, then the old data comes back on all hosts, then it is "
	    "started. A run that is paused, held, cancelled or failed can be rolled back, too. "
	    "Behind the point of no return it is refused, and says what there is: the procedure "
	    "return-to-old-data, where recoveryd itself moved the old data aside; where "
	    "cluster-restore.sh did, only another restore.\n\n"
	    "It is safe to type again. A host that does not answer holds it; pause and resume work "
	    "as ever, and cancel leaves everything where it is then. --reason is needed.",
    .options = rd_rollback_options,
    .run = rd_rollback_run,
};
