/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/fiber.h"
#include "trial.h"

#define AT(moment) (1u << RD_MOMENT_##moment)
#define ON_CALLS   (AT(SEND) | AT(SENT) | AT(ARRIVED) | AT(ACTED))
#define ON_LINES   (AT(TELL) | AT(TOLD))
#define ON_COMMITS (AT(COMMIT) | AT(COMMITTED))

#define STRIKE(name)                                                                               \
	static void name(Trial *trial, Bastion *bastion, RdMoment moment, const char *target,      \
			 const char *host, const RdCall *call, RdSimRequest *request)

typedef struct {
	Trial *trial;
	Bastion *bastion;
} Blow;

/* ---- processes of ours --------------------------------------------------------------------- */

/* what was killed while it ran never runs again */
static void
never_return(void)
{
	while (rd_fiber_current() != NULL)
		rd_fiber_yield();
}

static void
die(gpointer data)
{
	Blow *blow = data;

	trial_die(blow->trial, blow->bastion);
}

/* what comes next, but after the host has gone on with what it is doing now */
static void
soon(Trial *trial, Bastion *bastion, RdTimelineFunc func)
{
	Blow *blow = g_new0(Blow, 1);

	blow->trial = trial;
	blow->bastion = bastion;
	rd_timeline_add(trial->cluster->timeline, 0, func, blow, g_free);
}

STRIKE(kill_engine)
{
	gboolean on_host = moment == RD_MOMENT_ARRIVED || moment == RD_MOMENT_ACTED;

	if (rd_fiber_current() == NULL && !on_host)
		trial_die(trial, bastion);
	soon(trial, bastion, die);
	never_return();
}

STRIKE(kill_runner)
{
	rd_sim_crew_kill_runner(bastion->crew);
	never_return();
}

STRIKE(kill_worker)
{
	rd_sim_crew_kill_worker(bastion->crew, target);
	never_return();
}

STRIKE(fill_journal)
{
	bastion->disk_full = TRUE;
}

static void
heal_journal(Trial *trial)
{
	((Bastion *)g_ptr_array_index(trial->bastions, 0))->disk_full = FALSE;
}

/* ---- the way ------------------------------------------------------------------------------- */

STRIKE(cut_loudly)
{
	rd_sim_request_cut(request, FALSE);
}

STRIKE(cut_silently)
{
	rd_sim_request_cut(request, TRUE);
}

/* ---- hosts --------------------------------------------------------------------------------- */

static RdSimHost *
struck(Trial *trial)
{
	return rd_sim_cluster_find(trial->cluster, trial->struck_host);
}

STRIKE(reboot)
{
	rd_sim_host_reboot(struck(trial));
}

static void
power_on(gpointer data)
{
	Blow *blow = data;

	rd_sim_host_power_on(struck(blow->trial));
}

static void
later(Trial *trial, gint64 delay, RdTimelineFunc func)
{
	Blow *blow = g_new0(Blow, 1);

	blow->trial = trial;
	rd_timeline_add(trial->cluster->timeline, delay, func, blow, g_free);
}

STRIKE(off_ten_minutes)
{
	rd_sim_host_power_off(struck(trial));
	later(trial, 600 * RD_SIM_SECOND, power_on);
}

STRIKE(off_for_good)
{
	rd_sim_host_power_off(struck(trial));
}

static void
heal_off(Trial *trial)
{
	rd_sim_host_power_on(struck(trial));
}

static void
reachable(gpointer data)
{
	Blow *blow = data;

	struck(blow->trial)->unreachable = FALSE;
}

STRIKE(away_ten_minutes)
{
	struck(trial)->unreachable = TRUE;
	later(trial, 600 * RD_SIM_SECOND, reachable);
}

STRIKE(fill_host)
{
	rd_sim_tree_fill(struck(trial)->tree, "/var/lib/recoveryd", TRUE);
	rd_sim_tree_fill(struck(trial)->tree, "/var/lib/etcd", TRUE);
}

static void
heal_host(Trial *trial)
{
	rd_sim_tree_fill(struck(trial)->tree, "/var/lib/recoveryd", FALSE);
	rd_sim_tree_fill(struck(trial)->tree, "/var/lib/etcd", FALSE);
}

/* ---- somebody else ------------------------------------------------------------------------- */

static void
second_starts(gpointer data)
{
	Blow *blow = data;
	Bastion *first = blow->bastion;
	Bastion *second = bastion_new(
	    "bastion-2", "r-night-2", "22222222-2222-4222-8222-222222222222", first->plan,
	    first->catalogue, blow->trial->cluster, first->setting->local_dir);

	bastion_input(second, "backup.snapshot", rd_run_get_input(first->run, "backup.snapshot"));
	bastion_input(second, "backup.name", rd_run_get_input(first->run, "backup.name"));
	bastion_input(second, "backup.sha256", rd_run_get_input(first->run, "backup.sha256"));
	bastion_start(trial_add_bastion(blow->trial, second), NULL);
}

STRIKE(start_second)
{
	soon(trial, bastion, second_starts);
}

static void
copy_starts(gpointer data)
{
	Blow *blow = data;

	bastion_start(trial_add_bastion(blow->trial, bastion_copy(blow->bastion, "bastion-2")),
		      NULL);
}

STRIKE(start_copy)
{
	soon(trial, bastion, copy_starts);
}

/* clang-format off */
const Fault faults[] = {
    {"engine-killed",   ON_CALLS | ON_LINES | ON_COMMITS, kill_engine},
    {"runner-killed",   ON_CALLS | ON_LINES | AT(COMMITTED), kill_runner},
    {"worker-killed",   ON_CALLS | ON_LINES, kill_worker},
    {"journal-full",    AT(COMMIT), fill_journal, heal_journal},
    {"ssh-reset",       ON_CALLS, cut_loudly},
    {"ssh-silent",      AT(SENT) | AT(ARRIVED) | AT(ACTED), cut_silently},
    {"host-reboot",     ON_CALLS, reboot, NULL, TRUE},
    {"host-off-10min",  ON_CALLS, off_ten_minutes, NULL, TRUE},
    {"host-away-10min", ON_CALLS, away_ten_minutes},
    {"host-gone",       ON_CALLS, off_for_good, heal_off, TRUE},
    {"host-disk-full",  ON_CALLS, fill_host, heal_host},
    {"second-bastion",  AT(SEND) | AT(ACTED) | AT(COMMITTED), start_second},
    {"copied-run",      AT(SEND) | AT(ACTED) | AT(COMMITTED), start_copy},
};
/* clang-format on */
const guint n_faults = G_N_ELEMENTS(faults);

gboolean
fault_applies(const Fault *fault, Bastion *bastion, RdMoment moment, const char *target,
	      const char *host)
{
	return (fault->moments & (1u << moment)) != 0;
}

void
fault_strike(const Fault *fault, Trial *trial, Bastion *bastion, RdMoment moment,
	     const char *target, const char *host, const RdCall *call, RdSimRequest *request)
{
	trial->fault = fault;
	trial->struck_host = g_strdup(host);
	fault->strike(trial, bastion, moment, target, host, call, request);
}
