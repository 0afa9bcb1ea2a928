/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "exit.h"
#include "backup/pair.h"
#include "journal/journal.h"
#include "yaml/complaints.h"

G_DEFINE_QUARK(rd - exit - error, rd_exit_error)

/* clang-format off */
static const RdExitRow rows[] = {
    {RD_EXIT_DONE, "done",
     "done; for commands that read: read",
     "nothing; `done with leftovers` names what was left"},
    {RD_EXIT_FAILED, "failed",
     "failed; the cluster may be degraded",
     "`recoveryd status RUN`, `recoveryd logs RUN`"},
    {RD_EXIT_USAGE, "usage",
     "usage, configuration, or a request that makes no sense now; nothing was done",
     "the message says what would be right"},
    {RD_EXIT_NO_RUN, "no-run",
     "no such run",
     "`recoveryd list`"},
    {RD_EXIT_WAITING, "waiting",
     "paused, or a gate waits for approval",
     "`recoveryd resume RUN`, `recoveryd approve RUN GATE`"},
    {RD_EXIT_HELD, "held",
     "held: the outcome of a step is unknown, or a host needs a word; or something borrowed could "
     "not be given back",
     "`recoveryd status RUN` prints the commands"},
    {RD_EXIT_LOCKED, "locked",
     "another run or bastion holds the lock, or another engine this run",
     "the message names the holder"},
    {RD_EXIT_REFUSED, "refused",
     "refused before the start: a check or the proof of the backup said no; nothing was changed. "
     "Of `check`: something would block; of `advise`: no procedure fits yet",
     "the message names the check"},
    {RD_EXIT_ROLLED_BACK, "rolled-back",
     "rolled back: the cluster is as before",
     "nothing"},
    {RD_EXIT_CANCELLED, "cancelled",
     "cancelled at a safe boundary",
     "`recoveryd status RUN` says what was done until then"},
    {RD_EXIT_JOURNAL, "journal",
     "the journal cannot be read or written, or was changed; refuses to act",
     "`recoveryd journal verify RUN`"},
    {RD_EXIT_NOT_YET, "not-yet",
     "temporary: the run is not over yet, or its engine did not answer in time",
     "ask again; `recoveryd wait RUN`"},
    {0, NULL, NULL, NULL},
};

/* how a run ended; the words are those of rd_run_get_end() */
static const struct {
	const char *end;
	RdExit code;
} ends[] = {
    {"done",                RD_EXIT_DONE},
    {"done with leftovers", RD_EXIT_DONE},
    {"cancelled",           RD_EXIT_CANCELLED},
    {"failed",              RD_EXIT_FAILED},
    {"rolled back",         RD_EXIT_ROLLED_BACK},
    /* the only thing a run is refused for after it was made: somebody else holds the hosts */
    {"refused",             RD_EXIT_LOCKED},
    {"owing",               RD_EXIT_HELD},
};
/* clang-format on */

const RdExitRow *
rd_exit_rows(void)
{
	return rows;
}

/* held for nothing but another's lock: no step waits for a verdict */
static gboolean
rd_exit_is_fenced(RdRun *run)
{
	GPtrArray *hosts = rd_run_get_hosts(run);
	GPtrArray *steps = rd_run_get_steps(run);
	gboolean fenced = FALSE;

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		fenced = fenced ||
			 (!rd_host_is_off(host) && g_strcmp0(host->trouble_word, "fenced") == 0);
	}
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		const RdRunHost *host = rd_run_find_host(run, step->target);

		if (((step->life == RD_LIFE_HELD && !rd_run_goes_back(run)) ||
		     step->life == RD_LIFE_OWING) &&
		    (host == NULL || host->left || rd_run_step_counts(run, step)))
			return FALSE;
	}
	return fenced;
}

/* held for nothing but an approval */
static gboolean
rd_exit_is_gated(RdRun *run)
{
	g_autoptr(GPtrArray) gates = rd_run_get_gates(run);
	g_autoptr(GPtrArray) causes = rd_run_get_causes(run);

	return gates->len > 0 && gates->len == causes->len;
}

RdExit
rd_exit_of_run(RdRun *run)
{
	switch (rd_run_get_state(run)) {
	case RD_RUN_NEW:
	case RD_RUN_RUNNING:
	case RD_RUN_PAUSING:
	case RD_RUN_CANCELLING:
	case RD_RUN_ENDING:
	case RD_RUN_ROLLBACK:
		return RD_EXIT_NOT_YET;
	case RD_RUN_PAUSED:
		return RD_EXIT_WAITING;
	case RD_RUN_HELD:
		return rd_exit_is_gated(run)	? RD_EXIT_WAITING
		       : rd_exit_is_fenced(run) ? RD_EXIT_LOCKED
						: RD_EXIT_HELD;
	case RD_RUN_ENDED:
		for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
			if (g_strcmp0(ends[i].end, rd_run_get_end(run)) == 0)
				return ends[i].code;
		break;
	}
	return RD_EXIT_FAILED;
}

RdExit
rd_exit_of_error(const GError *error)
{
	if (error->domain == RD_EXIT_ERROR)
		return error->code;
	if (error->domain == RD_JOURNAL_ERROR)
		return RD_EXIT_JOURNAL;
	if (error->domain == RD_PROCEDURE_ERROR || error->domain == G_OPTION_ERROR)
		return RD_EXIT_USAGE;
	if (error->domain == RD_BACKUP_ERROR)
		return RD_EXIT_REFUSED;
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
		return RD_EXIT_USAGE;
	return RD_EXIT_FAILED;
}

void
rd_exit_print_markdown(GString *out)
{
	g_string_append(out, "# Exit codes\n\n"
			     "Printed by `recoveryd man exit-codes`; a test compares.\n\n"
			     "| code | name | meaning | what to do |\n|---|---|---|---|\n");
	for (const RdExitRow *row = rows; row->name != NULL; row++)
		g_string_append_printf(out, "| %d | %s | %s | %s |\n", row->code, row->name,
				       row->meaning, row->next);
	g_string_append(
	    out,
	    "\n`start`, `resume` and `wait` return how the run stands when they return; `status` "
	    "does with `--exit-status`.\nWhat a run returns:\n\n| state | end | code "
	    "|\n|---|---|---|\n"
	    "| new, running, pausing, cancelling, ending, rolling back | | 75 |\n| paused | | 4 |\n"
	    "| held | | 5; 4 when nothing but a gate holds it, 6 when nothing but another's lock "
	    "does |\n");
	for (guint i = 0; i < G_N_ELEMENTS(ends); i++)
		g_string_append_printf(out, "| ended | %s | %d |\n", ends[i].end, ends[i].code);
}
