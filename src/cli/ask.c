/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/outlive.h"
#include "cli/reading.h"
#include "cli/watch.h"
#include "engine/begin.h"
#include "journal/request.h"

/* pause, cancel, decide, skip, extend, excuse, enrol, approve, deny, note: a person's word. */

/* how long an engine may take to it; it wakes by inotify, so this is for a busy machine */
#define RD_ASK_WAIT    (10 * G_USEC_PER_SEC)
#define RD_ASK_TICK_MS 200

typedef struct {
	const RdCli *cli;
	RdOpenRun *open;
	const RdAsk *ask;
	guint seen;   /* events looked at */
	gint64 until; /* monotonic */
	gboolean taken;
} RdAsking;

static char *reason, *plan, *cluster;

static const GOptionEntry *
rd_ask_options(void)
{
	static const GOptionEntry entries[] = {
	    /* FILENAME: as it was typed, in whichever locale */
	    {"reason", 'r', 0, G_OPTION_ARG_FILENAME, &reason, "why; goes into the journal",
	     "TEXT"},
	    {NULL},
	};

	return entries;
}

static const GOptionEntry *
rd_ask_gate_options(void)
{
	static GOptionEntry entries[4];

	entries[0] = *rd_ask_options();
	entries[1] = (GOptionEntry){.long_name = "plan",
				    .arg = G_OPTION_ARG_STRING,
				    .arg_data = &plan,
				    .description = "which plan you looked at: another is refused",
				    .arg_description = "DIGEST"};
	entries[2] =
	    (GOptionEntry){.long_name = "cluster",
			   .arg = G_OPTION_ARG_STRING,
			   .arg_data = &cluster,
			   .description = "the cluster's name, where a gate is opened by it",
			   .arg_description = "NAME"};
	return entries;
}

static gboolean
rd_ask_is_answer(const RdAsk *ask, const RdEvent *event)
{
	return event->kind == RD_EVENT_REQUEST && g_strcmp0(event->word, ask->word) == 0 &&
	       g_strcmp0(event->value, ask->argument) == 0;
}

/* taken and refused leave no file behind; taken leaves an event */
static gboolean
rd_ask_ensure_engine(RdAsking *self, GError **error)
{
	g_autofree char *how = NULL;

	if (rd_engine_alive(self->open->dir))
		return TRUE;
	if (!rd_outlive_ensure_engine(self->cli, self->open->dir, &how, error)) {
		g_prefix_error(error,
			       "%s was left in the run, but there is no engine: ", self->ask->word);
		return FALSE;
	}
	rd_cli_say(self->cli, "started the engine of %s, %s", rd_rundir_get_id(self->open->dir),
		   how);
	return TRUE;
}

static gboolean
rd_ask_look(gpointer data, GError **error)
{
	RdAsking *self = data;

	/* one that was just ending when we looked for it takes nothing any more */
	if (rd_reading_request_waits(self->open->dir) && !rd_ask_ensure_engine(self, error))
		return FALSE;
	if (!rd_open_run_refresh(self->open, NULL, error))
		return FALSE;
	for (; self->seen < self->open->events->len; self->seen++)
		self->taken = self->taken ||
			      rd_ask_is_answer(self->ask, self->open->events->pdata[self->seen]);
	return !self->taken && g_get_monotonic_time() < self->until;
}

static gboolean
rd_ask_send(RdOpenRun *open, const RdAsk *ask, GError **error)
{
	g_autofree char *path = rd_rundir_file(open->dir, "requests");
	RdRequest request = {
	    .word = (char *)ask->word,
	    .step = (char *)ask->step,
	    .argument = (char *)ask->argument,
	    .reason = (char *)ask->reason,
	    .claim = (char *)g_getenv("SUDO_USER"),
	};

	return rd_request_send(path, &request, error);
}

static RdExit
rd_ask_wait(const RdCli *cli, RdOpenRun *open, const RdAsk *ask, GError **error)
{
	const char *id = rd_rundir_get_id(open->dir);
	RdAsking self = {.cli = cli,
			 .open = open,
			 .ask = ask,
			 .seen = open->events->len,
			 .until = g_get_monotonic_time() + RD_ASK_WAIT};

	if (!rd_ask_send(open, ask, error))
		return RD_EXIT_FAILED;
	if (!rd_watch(open->dir, RD_ASK_TICK_MS, rd_ask_look, &self, error))
		return RD_EXIT_FAILED;
	if (self.taken) {
		rd_cli_say(cli, "%s: %s", id, ask->next);
		return RD_EXIT_DONE;
	}
	if (rd_reading_request_waits(open->dir))
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_NOT_YET,
			    "%s: no engine has taken it within 10 s; it lies in the run, and the "
			    "next one will: recoveryd status %s",
			    ask->word, id);
	else
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_USAGE,
			    "%s: the engine refused it, the run has moved on meanwhile: recoveryd "
			    "status %s",
			    ask->word, id);
	return RD_EXIT_NOT_YET;
}

RdExit
rd_ask_run(const RdCli *cli, RdOpenRun *open, const RdAsk *ask, GError **error)
{
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) why = NULL;

	events = rd_run_request(open->run, ask->word, ask->step, ask->argument, g_get_user_name(),
				ask->reason, &why);
	if (events == NULL) {
		rd_cli_usage(error, "%s: %s", ask->word, why->message);
		return RD_EXIT_USAGE;
	}
	return rd_ask_wait(cli, open, ask, error);
}

static RdExit
rd_ask(const RdCli *cli, const char *run, const RdAsk *ask, GError **error)
{
	g_autoptr(RdOpenRun) open = rd_reading_open(cli, run, error);

	return open != NULL ? rd_ask_run(cli, open, ask, error) : RD_EXIT_NO_RUN;
}

/* ---- the commands -------------------------------------------------------------------------- */

static RdExit
rd_pause_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "pause",
			   .reason = reason,
			   .next = "pausing: what is in hand comes to its end first. Go on with "
				   "recoveryd resume"};

	return rd_ask(cli, args[0], &ask, error);
}

static RdExit
rd_cancel_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "cancel",
			   .reason = reason,
			   .next = "cancelling: what is in hand comes to its end first, then the "
				   "lock is given back. What was borrowed is given back; nothing "
				   "else is undone"};

	return rd_ask(cli, args[0], &ask, error);
}

static RdExit
rd_decide_run(const RdCli *cli, char **args, GError **error)
{
	static const struct {
		const char *verdict, *next;
	} verdicts[] = {
	    {"done", "the step counts as done, the run goes on"},
	    {"redo", "the step is done again where the host does not show that it is done"},
	    {"abort", "the step is given up: the run ends as failed"},
	};
	RdAsk ask = {.word = "decide", .step = args[1], .argument = args[2], .reason = reason};

	for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++)
		if (strcmp(verdicts[i].verdict, args[2]) == 0)
			ask.next = verdicts[i].next;
	return rd_ask(cli, args[0], &ask, error);
}

static RdExit
rd_skip_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "skip",
			   .step = args[1],
			   .reason = reason,
			   .next = "left out, the run goes on without it"};

	return rd_ask(cli, args[0], &ask, error);
}

static RdExit
rd_extend_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "extend",
			   .step = args[1],
			   .argument = args[2],
			   .reason = reason,
			   .next = "the step has that much more time"};

	return rd_ask(cli, args[0], &ask, error);
}

static RdExit
rd_excuse_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "excuse",
			   .argument = args[1],
			   .reason = reason,
			   .next = "the host takes no part any more. It has to stay powered off: "
				   "one that comes back unseen may revive the old cluster"};

	return rd_ask(cli, args[0], &ask, error);
}

static RdExit
rd_enrol_run(const RdCli *cli, char **args, GError **error)
{
	const RdAsk ask = {.word = "enrol",
			   .argument = args[1],
			   .reason = reason,
			   .next = "the host gets a lock file when it is asked next"};

	return rd_ask(cli, args[0], &ask, error);
}

/* The engine compares the plan; who names none means the one that the run carries out, and that
 * goes into the journal. */
static RdExit
rd_ask_gate(const RdCli *cli, char **args, RdAsk *ask, GError **error)
{
	g_autoptr(RdOpenRun) open = rd_reading_open(cli, args[0], error);
	g_autofree char *argument = NULL;
	g_autoptr(GError) why = NULL;
	const char *digest;

	if (open == NULL)
		return RD_EXIT_NO_RUN;
	if (!rd_open_run_may_approve(open, geteuid(), g_get_user_name(), &why)) {
		rd_cli_usage(error, "%s: %s", ask->word, why->message);
		return RD_EXIT_USAGE;
	}
	digest = plan != NULL ? plan : rd_run_get_input(open->run, RD_RUN_INPUT_PLAN);
	argument = g_strconcat(args[1], digest != NULL || cluster != NULL ? "@" : "",
			       digest != NULL ? digest : "", cluster != NULL ? "@" : "",
			       cluster != NULL ? cluster : "", NULL);
	ask->argument = argument;
	ask->reason = reason;
	return rd_ask_run(cli, open, ask, error);
}

static RdExit
rd_approve_run(const RdCli *cli, char **args, GError **error)
{
	RdAsk ask = {.word = "approve", .next = "approved, the run goes on"};

	return rd_ask_gate(cli, args, &ask, error);
}

static RdExit
rd_deny_run(const RdCli *cli, char **args, GError **error)
{
	RdAsk ask = {.word = "deny",
		     .next = "denied: what may be left out is left out, else the run ends before "
			     "it"};

	return rd_ask_gate(cli, args, &ask, error);
}

static RdExit
rd_note_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *text = g_strjoinv(" ", args + 1);
	const RdAsk ask = {.word = "note", .reason = text, .next = "noted"};

	return rd_ask(cli, args[0], &ask, error);
}

const RdCommand rd_command_pause = {
    .name = "pause",
    .args = "RUN",
    .summary = "stop between two steps; resume goes on",
    .help = "What is in hand comes to its end first; a wait is left at once.",
    .options = rd_ask_options,
    .run = rd_pause_run,
};

const RdCommand rd_command_cancel = {
    .name = "cancel",
    .args = "RUN",
    .summary = "end a run at the next safe boundary; nothing but what it borrowed is undone",
    .help = "What is in hand comes to its end first, then what was borrowed is given "
	    "back, and the lock on the hosts. A job on a host is never killed.",
    .options = rd_ask_options,
    .run = rd_cancel_run,
};

const RdCommand rd_command_decide = {
    .name = "decide",
    .args = "RUN STEP done|redo|abort",
    .summary = "your verdict on a step that is held",
    .help = "STEP is written state@host, as status prints it. Look at the host before: `done` is "
	    "believed, `redo` waits until nothing of the step runs there, asks the host once "
	    "more, and does it again where the host does not show that it is done; `abort` ends "
	    "the run as failed. --reason is needed.",
    .options = rd_ask_options,
    .run = rd_decide_run,
};

const RdCommand rd_command_skip = {
    .name = "skip",
    .args = "RUN STEP",
    .summary = "leave a step out that its procedure lets be left out",
    .help = "Only steps of states with `skippable` in their procedure, when the run stands at "
	    "them and nothing of them is at work: pause the run, or wait until it is held. "
	    "What may have touched is decided, not left out. --reason is needed.",
    .options = rd_ask_options,
    .run = rd_skip_run,
};

const RdCommand rd_command_extend = {
    .name = "extend",
    .args = "RUN STEP TIME",
    .summary = "give a step that is at work more time",
    .help = "TIME is written 90s, 30m or 2h and added to the deadline that status shows, 24h in "
	    "all. One that is held already has its whole time again after resume.",
    .options = rd_ask_options,
    .run = rd_extend_run,
};

const RdCommand rd_command_excuse = {
    .name = "excuse",
    .args = "RUN HOST",
    .summary = "state that a host is powered off and takes no part",
    .help = "The statement goes into the journal with your name; --reason is needed. It is what "
	    "the guards against a second cluster rest on: an etcd member that you excuse and "
	    "that runs after all may form the old quorum again.",
    .options = rd_ask_options,
    .run = rd_excuse_run,
};

const RdCommand rd_command_enrol = {
    .name = "enrol",
    .args = "RUN HOST",
    .summary = "state that a host without a lock file is the right one, rebuilt",
    .help = "--reason is needed. A host that was excused takes part again from here: it is asked, "
	    "and gets a new lock file, before anything else is done there.",
    .options = rd_ask_options,
    .run = rd_enrol_run,
};

const RdCommand rd_command_approve = {
    .name = "approve",
    .args = "RUN GATE",
    .summary = "let a run through a gate; status says what is approved by it",
    .help = "A gate that may be approved beforehand can be given before the run stands at it. "
	    "The others are asked when the run is there, each time anew; GATE is written as "
	    "status prints it, with #2 at the second time. --reason is needed.\n\n"
	    "Only owners of the run: who started it, who was named with start --owner, and root.",
    .options = rd_ask_gate_options,
    .run = rd_approve_run,
};

const RdCommand rd_command_deny = {
    .name = "deny",
    .args = "RUN GATE",
    .summary = "say no at a gate: its states are left out, or the run ends",
    .help = "States that may be skipped are; else the run is cancelled, and what it borrowed is "
	    "given back. --reason is needed.",
    .options = rd_ask_gate_options,
    .run = rd_deny_run,
};

const RdCommand rd_command_note = {
    .name = "note",
    .args = "RUN TEXT...",
    .summary = "write a remark into the journal of a run",
    .run = rd_note_run,
};
