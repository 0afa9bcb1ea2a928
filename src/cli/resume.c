/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/commands.h"
#include "cli/follow.h"
#include "cli/from-host.h"
#include "cli/outlive.h"
#include "cli/reading.h"
#include "engine/begin.h"
#include "journal/request.h"

/* how long an engine may take to hear it: half a minute */
#define RD_RESUME_LOOKS	  150
#define RD_RESUME_TICK_MS 200

static gboolean detach;
static char *reason;
static char *from_host, *inventory, *user, *key;

static const GOptionEntry *
rd_resume_options(void)
{
	static const GOptionEntry entries[] = {
	    {"detach", 'd', 0, G_OPTION_ARG_NONE, &detach, "do not follow the run", NULL},
	    {"reason", 0, 0, G_OPTION_ARG_STRING, &reason, "for the record", "TEXT"},
	    {"from-host", 0, 0, G_OPTION_ARG_STRING, &from_host,
	     "the bastion is lost: make the run anew from its copy on this host", "ADDRESS"},
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory,
	     "with --from-host: how the hosts are reached from here", "FILE"},
	    {"user", 0, 0, G_OPTION_ARG_STRING, &user,
	     "with --from-host and without -c: who logs in", "USER"},
	    {"key", 0, 0, G_OPTION_ARG_FILENAME, &key, "the same: with which key file", "FILE"},
	    {NULL},
	};

	return entries;
}

/* TRUE when there is nothing to do, and it has been said */
static gboolean
rd_resume_needless(const RdCli *cli, RdRundir *dir, RdRun *run)
{
	const char *id = rd_rundir_get_id(dir);

	/* what could not be given back is tried once more */
	if (rd_run_get_state(run) == RD_RUN_ENDED && g_strcmp0(rd_run_get_end(run), "owing") == 0)
		return FALSE;
	if (rd_run_get_state(run) == RD_RUN_ENDED) {
		rd_cli_say(cli, "%s has ended: %s. Nothing to resume", id, rd_run_get_end(run));
		return TRUE;
	}
	if (!rd_engine_alive(dir) || rd_run_get_state(run) != RD_RUN_RUNNING)
		return FALSE;
	/* one that was killed this very moment is still there for some milliseconds */
	g_usleep(RD_RESUME_TICK_MS * 1000);
	if (!rd_engine_alive(dir))
		return FALSE;
	rd_cli_say(cli, "%s is at work. %s", id,
		   rd_outlive_lend_agent(cli, dir) ? "It has your ssh agent now"
						   : "Nothing to resume");
	return TRUE;
}

static gboolean
rd_resume_ask(RdRundir *dir, GError **error)
{
	g_autofree char *path = rd_rundir_file(dir, "requests");
	RdRequest request = {.word = (char *)"resume", .reason = reason};

	return rd_request_send(path, &request, error);
}

/* An engine that was just ending when we looked hears nothing any more: then another is needed. */
static gboolean
rd_resume_until_heard(const RdCli *cli, RdRundir *dir, char **how, GError **error)
{
	for (guint i = 0; i < RD_RESUME_LOOKS; i++) {
		/* heard meanwhile, and perhaps at its end already: another engine has no business
		 */
		if (i > 0 && !rd_reading_request_waits(dir))
			return TRUE;
		g_clear_pointer(how, g_free);
		if (!rd_outlive_ensure_engine(cli, dir, how, error))
			return FALSE;
		if (!rd_reading_request_waits(dir))
			return TRUE;
		g_usleep(RD_RESUME_TICK_MS * 1000);
	}
	g_set_error(
	    error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
	    "the engine of %s has not heard it yet; it will, if it lives: recoveryd status %s",
	    rd_rundir_get_id(dir), rd_rundir_get_id(dir));
	return FALSE;
}

/* the run that is meant; one from a host comes first */
static RdRundir *
rd_resume_find(const RdCli *cli, const char *base, const char *name, GError **error)
{
	const RdFromHostOptions options = {.address = from_host,
					   .inventory = inventory,
					   .user = user,
					   .key = key,
					   .run = name};

	if (from_host != NULL && inventory != NULL && (user != NULL || key != NULL))
		rd_cli_usage(error, "-c says who logs in with which key: --user and --key are for "
				    "doing without it");
	else if (from_host != NULL)
		return rd_from_host(cli, &options, error);
	else if (inventory != NULL || user != NULL || key != NULL)
		rd_cli_usage(error, "-c, --user and --key go with --from-host; recoveryd amend "
				    "changes how a run reaches its hosts");
	else
		return rd_rundir_open(base, name, error);
	return NULL;
}

static RdExit
rd_resume_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *base = rd_cli_base(cli);
	g_autofree char *how = NULL;
	g_autoptr(RdRundir) dir = rd_resume_find(cli, base, args[0], error);
	g_autoptr(RdOpenRun) open = NULL;
	RdRundir *again;
	const char *id;

	if (dir == NULL)
		return from_host != NULL ? RD_EXIT_FAILED : RD_EXIT_NO_RUN;
	open = rd_open_run(g_steal_pointer(&dir), FALSE, error);
	if (open == NULL)
		return RD_EXIT_JOURNAL;
	id = rd_rundir_get_id(open->dir);
	if (rd_resume_needless(cli, open->dir, open->run))
		return rd_run_get_state(open->run) == RD_RUN_ENDED ? rd_exit_of_run(open->run)
								   : RD_EXIT_DONE;
	/* what waits for a person is told that the person is here; what only lost its engine
	 * needs an engine */
	if (rd_run_get_state(open->run) != RD_RUN_RUNNING &&
	    rd_run_get_state(open->run) != RD_RUN_NEW &&
	    rd_run_get_state(open->run) != RD_RUN_CANCELLING &&
	    rd_run_get_state(open->run) != RD_RUN_ENDING &&
	    rd_run_get_state(open->run) != RD_RUN_ROLLBACK && !rd_resume_ask(open->dir, error))
		return RD_EXIT_FAILED;
	if (!rd_resume_until_heard(cli, open->dir, &how, error))
		return RD_EXIT_FAILED;
	rd_cli_say(cli, "%s runs %s", id, how);
	if (detach)
		return RD_EXIT_DONE;
	again = rd_rundir_open(base, id, error);
	return again != NULL ? rd_follow(cli, again, rd_run_get_seq(open->run), error)
			     : RD_EXIT_NO_RUN;
}

const RdCommand rd_command_resume = {
    .name = "resume",
    .args = "[RUN]",
    .summary = "go on with a run that was interrupted, paused or held",
    .help = "Safe to type by reflex: where nothing needs it, nothing happens. What was in hand "
	    "when the run stopped is looked at on the hosts before anything is done again.\n\n"
	    "--from-host is for a bastion that is lost: the recovery host and one other keep a "
	    "copy of the run. Its proof is checked, the longest copy counts, and the run goes on "
	    "from this machine. The old bastion is fenced, should it come back. RUN is the run "
	    "that has the lock there when it is not given.",
    .options = rd_resume_options,
    .run = rd_resume_run,
};
