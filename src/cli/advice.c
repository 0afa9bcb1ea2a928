/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "advice.h"
#include "cli/exit.h"

static void
rd_cause_free(gpointer data)
{
	RdCause *cause = data;

	g_free(cause->name);
	g_free(cause->what);
	g_free(cause->text);
	g_ptr_array_unref(cause->commands);
	g_ptr_array_unref(cause->when);
	g_free(cause);
}

static RdCause *
rd_cause_new(const char *name, const char *what, const char *text)
{
	RdCause *cause = g_new0(RdCause, 1);

	cause->name = g_strdup(name);
	cause->what = g_strdup(what);
	cause->text = g_strdup(text);
	cause->commands = g_ptr_array_new_with_free_func(g_free);
	cause->when = g_ptr_array_new_with_free_func(g_free);
	return cause;
}

gboolean
rd_advice_counts(RdRun *run, const RdStep *step)
{
	return rd_run_step_counts(run, step);
}

static gboolean
rd_advice_accepts(RdRun *run, const char *word, const char *step, const char *argument)
{
	g_autoptr(GPtrArray) events =
	    rd_run_request(run, word, step, argument, "somebody", "a reason", NULL);

	return events != NULL;
}

/* Not the host's refusal but ours (host/ssh-login.c): a key that nobody vouched for. There is
 * nothing to decide about a host that was not talked to, and it is not gone either. */
static const char *
rd_advice_host_key(const char *text)
{
	if (text == NULL || strstr(text, "host key") == NULL)
		return NULL;
	return "you compared the fingerprint on its console (ssh-keygen -lf "
	       "/etc/ssh/ssh_host_ed25519_key.pub) and put that key in place of the known one: "
	       "it is asked again";
}

static void
rd_cause_add(RdCause *cause, char *command, const char *when)
{
	g_ptr_array_add(cause->commands, command);
	g_ptr_array_add(cause->when, g_strdup(when));
}

/* ---- steps --------------------------------------------------------------------------------- */

/* after an intent nobody but the host knows; before it nothing was touched */
/* clang-format off */
static const struct {
	gboolean intent;
	const char *word; /* a verdict, or NULL for resume */
	const char *when;
} verdicts[] = {
    {TRUE,  NULL,    "the host is to be asked once more; always safe"},
    {TRUE,  "done",  "you have seen that it is done"},
    {TRUE,  "redo",  "you have seen that it is not done: once more"},
    {TRUE,  "abort", "give it up: the run fails"},
    {FALSE, NULL,    "the cause is removed: try again"},
    {FALSE, "done",  "you have seen that it is so, or did it yourself"},
    {FALSE, "abort", "give it up: the run fails"},
};
/* clang-format on */

static RdCause *
rd_advice_step(RdRun *run, const char *run_id, const RdStep *step)
{
	g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);
	RdCause *cause = rd_cause_new(name,
				      step->intent ? "unknown outcome, needs your verdict"
						   : "refused, nothing was touched by it",
				      step->text);
	const char *key = rd_advice_host_key(step->text);

	cause->step = step;
	for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++) {
		const char *word = verdicts[i].word;

		if (verdicts[i].intent != step->intent || (word != NULL && key != NULL))
			continue;
		if (word == NULL && rd_advice_accepts(run, "resume", NULL, NULL))
			rd_cause_add(cause, g_strdup_printf("recoveryd resume %s", run_id),
				     key != NULL ? key : verdicts[i].when);
		else if (word != NULL && rd_advice_accepts(run, "decide", name, word))
			rd_cause_add(cause,
				     g_strdup_printf("recoveryd decide %s %s %s --reason \"...\"",
						     run_id, name, word),
				     verdicts[i].when);
	}
	if (key == NULL && rd_advice_accepts(run, "skip", name, NULL))
		rd_cause_add(cause,
			     g_strdup_printf("recoveryd skip %s %s --reason \"...\"", run_id, name),
			     "the run can do without it");
	/* a host that never answers again would be asked for ever */
	if (step->silent && key == NULL && rd_advice_accepts(run, "excuse", NULL, step->target))
		rd_cause_add(cause,
			     g_strdup_printf("recoveryd excuse %s %s --reason \"...\"", run_id,
					     step->target),
			     "its host is gone: it is powered off, and you have seen to that");
	return cause;
}

/* ---- gates and what is owed ---------------------------------------------------------------- */

static RdCause *
rd_advice_gate(RdRun *run, const char *run_id, const RdStep *step)
{
	g_autofree char *gate = rd_run_get_gate_instance(run, step);
	g_autofree char *text = rd_run_get_gate_text(run, step);
	const char *digest = rd_run_get_input(run, RD_RUN_INPUT_PLAN);
	g_autofree char *plan = digest != NULL
				    ? g_strdup_printf(" --plan %.*s", RD_PLAN_DIGEST_SHOWN, digest)
				    : g_strdup("");
	RdCause *cause = rd_cause_new(gate, "waits for your approval", text);

	cause->step = step;
	rd_cause_add(cause,
		     g_strdup_printf("recoveryd approve %s %s%s%s --reason \"...\"", run_id, gate,
				     plan, step->plan->gate->named ? " --cluster \"...\"" : ""),
		     step->plan->gate->named ? "it is to be done; with the name of the cluster"
					     : "it is to be done");
	rd_cause_add(
	    cause, g_strdup_printf("recoveryd deny %s %s%s --reason \"...\"", run_id, gate, plan),
	    step->plan->skippable ? "it is to be left out" : "the run is to end before it");
	return cause;
}

static RdCause *
rd_advice_owing(RdRun *run, const char *run_id, const RdStep *step)
{
	static const struct {
		const char *word, *when;
	} words[] = {
	    {"redo", "the cause is removed: take it back"},
	    {"done", "you took it back yourself"},
	    {"abort", "it is to stay as it is"},
	};
	g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);
	RdCause *cause = rd_cause_new(
	    name, rd_run_goes_back(run) ? "could not be undone" : "could not be given back",
	    step->text);

	cause->step = step;
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (rd_advice_accepts(run, "decide", name, words[i].word))
			rd_cause_add(cause,
				     g_strdup_printf("recoveryd decide %s %s %s --reason \"...\"",
						     run_id, name, words[i].word),
				     words[i].when);
	return cause;
}

/* ---- hosts --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
	const char *trouble;
	const char *what;
	const char *resume; /* when to resume; NULL: it does not help */
	const char *excuse;
	gboolean enrol;
} troubles[] = {
    {"fenced", "another holds its lock", "the other has given the lock back", NULL, FALSE},
    {"busy", "something older still touches it", "that came to its end", NULL, FALSE},
    {"unreachable", "does not answer", "it can be reached again",
     "it is powered off, and you have seen to that", FALSE},
    /* it answers, so it is not powered off */
    {"refused", "refuses us", "the cause is removed", NULL, FALSE},
    {"rebuilt", "is not the machine that was known", NULL,
     "it takes no part: it is powered off, or rebuilt and empty", TRUE},
};
/* clang-format on */

static RdCause *
rd_advice_host(RdRun *run, const char *run_id, const RdRunHost *host)
{
	const char *name = host->plan->name;
	RdCause *cause = rd_cause_new(name, host->trouble_word, host->trouble);
	const char *key = rd_advice_host_key(host->trouble);

	cause->host = host;
	for (guint i = 0; i < G_N_ELEMENTS(troubles); i++) {
		if (g_strcmp0(host->trouble_word, troubles[i].trouble) != 0)
			continue;
		g_free(cause->what);
		cause->what = g_strdup(troubles[i].what);
		/* enrolling helps a host that never granted; one that was known and is another now
		 * stays another */
		if (troubles[i].enrol && !host->taken_before && host->machine_id == NULL &&
		    rd_advice_accepts(run, "enrol", NULL, name))
			rd_cause_add(
			    cause,
			    g_strdup_printf("recoveryd enrol %s %s --reason \"...\"", run_id, name),
			    "it was rebuilt, and you know that it is this host");
		if (troubles[i].resume != NULL && rd_advice_accepts(run, "resume", NULL, NULL))
			rd_cause_add(cause, g_strdup_printf("recoveryd resume %s", run_id),
				     key != NULL ? key : troubles[i].resume);
		if (troubles[i].excuse != NULL && rd_advice_accepts(run, "excuse", NULL, name))
			rd_cause_add(cause,
				     g_strdup_printf("recoveryd excuse %s %s --reason \"...\"",
						     run_id, name),
				     troubles[i].excuse);
	}
	return cause;
}

GPtrArray *
rd_advice_causes(RdRun *run, const char *run_id)
{
	GPtrArray *causes = g_ptr_array_new_with_free_func(rd_cause_free);
	GPtrArray *hosts = rd_run_get_hosts(run);
	GPtrArray *steps = rd_run_get_steps(run);
	g_autoptr(GPtrArray) gates = NULL;

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (step->life == RD_LIFE_OWING && rd_advice_counts(run, step))
			g_ptr_array_add(causes, rd_advice_owing(run, run_id, step));
	}
	if (rd_run_get_state(run) == RD_RUN_ENDED)
		return causes;
	gates = rd_run_get_gates(run);
	for (guint i = 0; i < gates->len; i++)
		g_ptr_array_add(causes, rd_advice_gate(run, run_id, g_ptr_array_index(gates, i)));
	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		if (host->trouble_word != NULL && !rd_host_is_off(host) && !host->left)
			g_ptr_array_add(causes, rd_advice_host(run, run_id, host));
	}
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (step->life == RD_LIFE_HELD && !rd_run_goes_back(run) &&
		    rd_advice_counts(run, step))
			g_ptr_array_add(causes, rd_advice_step(run, run_id, step));
	}
	/* neither host nor step: this machine, a full disk under the journal */
	if (causes->len == 0 && rd_run_get_held_text(run) != NULL) {
		RdCause *cause = rd_cause_new(run_id, "could not go on", rd_run_get_held_text(run));

		rd_cause_add(cause, g_strdup_printf("recoveryd resume %s", run_id),
			     "the cause is removed");
		g_ptr_array_add(causes, cause);
	}
	return causes;
}

/* where there is something to take back, and it is not being done */
static void
rd_advice_add_rollback(RdRun *run, const char *run_id, GPtrArray *commands)
{
	g_autoptr(GPtrArray) steps = rd_run_get_way_back(run);

	if (steps->len > 0 && !rd_run_goes_back(run) &&
	    rd_advice_accepts(run, "rollback", NULL, NULL))
		g_ptr_array_add(commands, g_strdup_printf("recoveryd rollback %s --plan", run_id));
}

GPtrArray *
rd_advice_commands(RdRun *run, const char *run_id, gboolean alive)
{
	GPtrArray *commands = g_ptr_array_new_with_free_func(g_free);
	RdRunState state = rd_run_get_state(run);
	char *rest;

	switch (state) {
	case RD_RUN_NEW:
	case RD_RUN_RUNNING:
	case RD_RUN_PAUSING:
	case RD_RUN_CANCELLING:
	case RD_RUN_ENDING:
	case RD_RUN_ROLLBACK:
		if (!alive) {
			g_ptr_array_add(commands, g_strdup_printf("recoveryd resume %s", run_id));
			g_ptr_array_add(commands, g_strdup_printf("recoveryd runbook %s", run_id));
			break;
		}
		if (rd_advice_accepts(run, "pause", NULL, NULL))
			g_ptr_array_add(commands, g_strdup_printf("recoveryd pause %s", run_id));
		if (rd_advice_accepts(run, "cancel", NULL, NULL) && state != RD_RUN_CANCELLING)
			g_ptr_array_add(commands, g_strdup_printf("recoveryd cancel %s", run_id));
		g_ptr_array_add(commands, g_strdup_printf("recoveryd logs %s -f", run_id));
		break;
	case RD_RUN_PAUSED:
	case RD_RUN_HELD:
		if (rd_advice_accepts(run, "resume", NULL, NULL))
			g_ptr_array_add(commands, g_strdup_printf("recoveryd resume %s", run_id));
		if (rd_advice_accepts(run, "cancel", NULL, NULL))
			g_ptr_array_add(commands, g_strdup_printf("recoveryd cancel %s", run_id));
		rd_advice_add_rollback(run, run_id, commands);
		g_ptr_array_add(commands, g_strdup_printf("recoveryd logs %s", run_id));
		g_ptr_array_add(commands, g_strdup_printf("recoveryd runbook %s", run_id));
		break;
	case RD_RUN_ENDED:
		rest = g_strcmp0(rd_run_get_end(run), "done with leftovers") == 0
			   ? rd_run_get_rest(run)
			   : NULL;
		if (rest != NULL)
			g_ptr_array_add(commands, rest);
		if (rd_advice_accepts(run, "resume", NULL, NULL))
			g_ptr_array_add(commands, g_strdup_printf("recoveryd resume %s", run_id));
		rd_advice_add_rollback(run, run_id, commands);
		/* what is half way can be finished, or taken back, by hand */
		if (rd_exit_of_run(run) != RD_EXIT_DONE)
			g_ptr_array_add(commands, g_strdup_printf("recoveryd runbook %s", run_id));
		g_ptr_array_add(commands, g_strdup_printf("recoveryd report %s", run_id));
		g_ptr_array_add(commands, g_strdup_printf("recoveryd logs %s", run_id));
		break;
	}
	return commands;
}
