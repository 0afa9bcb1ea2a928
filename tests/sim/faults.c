/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk.h"
#include "plans.h"
#include "rehearsal/fiber.h"
#include "rehearsal/verbs.h"
#include "trial.h"
#include <string.h>

#define AT(moment) (1u << RD_MOMENT_##moment)
#define ON_CALLS   (AT(SEND) | AT(SENT) | AT(ARRIVED) | AT(ACTED))
#define ON_LINES   (AT(TELL) | AT(TOLD))
#define ON_COMMITS (AT(COMMIT) | AT(COMMITTED))

#define STRIKE(name)                                                                               \
	static void name(Trial *trial, Bastion *bastion, RdMoment moment, const char *target,      \
			 const char *host, const RdCall *call, RdSimRequest *request)

/* for what follows later */
typedef struct {
	Trial *trial;
	Bastion *bastion;
	RdSimHost *host;
} Later;

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
	Later *later = data;

	trial_end_engine(later->trial, later->bastion);
}

/* what comes next, but after the host has gone on with what it is doing now */
static void
soon(Trial *trial, Bastion *bastion, RdTimelineFunc func)
{
	Later *later = g_new0(Later, 1);

	later->trial = trial;
	later->bastion = bastion;
	rd_timeline_add(trial->cluster->timeline, 0, func, later, g_free);
}

STRIKE(kill_engine)
{
	if (moment == RD_MOMENT_COMMIT || moment == RD_MOMENT_COMMITTED)
		trial_die(trial, bastion);
	/* before the worker hears of what the engine has heard */
	if (moment == RD_MOMENT_TOLD) {
		trial_end_engine(trial, bastion);
		return;
	}
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
heal_journal(Trial *trial, const char *host)
{
	for (guint i = 0; i < trial->bastions->len; i++)
		((Bastion *)g_ptr_array_index(trial->bastions, i))->disk_full = FALSE;
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
find(Trial *trial, const char *host)
{
	return rd_sim_cluster_find(trial->cluster, host);
}

STRIKE(reboot)
{
	RdSimHost *one = find(trial, host);

	/* what is off stays so: a lost host that comes back is a scene of its own */
	if (one->power != RD_SIM_OFF)
		rd_sim_host_reboot(one);
}

static void
power_on(gpointer data)
{
	rd_sim_host_power_on(((Later *)data)->host);
}

static void
reachable(gpointer data)
{
	((Later *)data)->host->unreachable = FALSE;
}

static void
in_ten_minutes(Trial *trial, const char *host, RdTimelineFunc func)
{
	Later *later = g_new0(Later, 1);

	later->host = find(trial, host);
	rd_timeline_add(trial->cluster->timeline, 600 * RD_SIM_SECOND, func, later, g_free);
}

STRIKE(off_ten_minutes)
{
	rd_sim_host_power_off(find(trial, host));
	in_ten_minutes(trial, host, power_on);
}

STRIKE(off_for_good)
{
	rd_sim_host_power_off(find(trial, host));
}

static void
heal_off(Trial *trial, const char *host)
{
	rd_sim_host_power_on(find(trial, host));
}

STRIKE(away_ten_minutes)
{
	find(trial, host)->unreachable = TRUE;
	in_ten_minutes(trial, host, reachable);
}

static void
fill(RdSimHost *host, gboolean full)
{
	rd_sim_tree_fill(host->tree, "/var/lib/recoveryd", full);
	rd_sim_tree_fill(host->tree, RD_SIM_ETCD_DATA, full);
}

STRIKE(fill_host)
{
	fill(find(trial, host), TRUE);
}

static void
heal_host(Trial *trial, const char *host)
{
	fill(find(trial, host), FALSE);
}

STRIKE(rebuild)
{
	rd_sim_host_rebuild(find(trial, host));
}

/* of the pod whose manifest goes, NULL when it is another call */
static const char *
stubborn_container(const RdCall *call)
{
	static const char *const names[] = {"etcd", "kube-apiserver", "kube-controller-manager",
					    "kube-scheduler"};

	if (call == NULL || call->verb != RD_CALL_MOVE_ASIDE ||
	    !g_str_has_prefix(call->from, RD_SIM_MANIFESTS "/"))
		return NULL;
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (g_str_has_prefix(call->from + strlen(RD_SIM_MANIFESTS "/"), names[i]))
			return names[i];
	return NULL;
}

/* F18: the kubelet asks, and the container goes on */
STRIKE(make_stubborn)
{
	g_free(find(trial, host)->stubborn);
	find(trial, host)->stubborn = g_strdup(stubborn_container(call));
}

/* ---- the Kubernetes API -------------------------------------------------------------------- */

/* for so long, from this request on */
#define API_FAULT(name, mood, seconds)                                                             \
	STRIKE(name)                                                                               \
	{                                                                                          \
		rd_sim_api_set_mood(trial->api, mood, seconds);                                    \
	}

API_FAULT(api_conflict, RD_SIM_API_CONFLICT, 1)
API_FAULT(api_busy, RD_SIM_API_BUSY, 90)
API_FAULT(api_unavailable, RD_SIM_API_UNAVAILABLE, 300)
API_FAULT(api_unheard, RD_SIM_API_UNHEARD, 30)
API_FAULT(api_etcd, RD_SIM_API_ETCD, 120)
API_FAULT(api_webhook, RD_SIM_API_WEBHOOK, 120)
API_FAULT(api_stale, RD_SIM_API_STALE, 30)
API_FAULT(api_away, RD_SIM_API_REFUSED, 600)

/* ---- somebody else ------------------------------------------------------------------------- */

static void
second_starts(gpointer data)
{
	Later *later = data;
	Bastion *first = later->bastion;
	Bastion *second = bastion_new("bastion-2", SIM_RUN_2, SIM_UUID_2, first->plan,
				      first->catalogue, &first->network, first->setting->local_dir);

	bastion_start(trial_add_bastion(later->trial, second), NULL, NULL);
}

STRIKE(start_second)
{
	soon(trial, bastion, second_starts);
}

static void
copy_starts(gpointer data)
{
	Later *later = data;

	bastion_start(trial_add_bastion(later->trial, bastion_copy(later->bastion, "bastion-2")),
		      NULL, NULL);
}

STRIKE(start_copy)
{
	soon(trial, bastion, copy_starts);
}

static void
cancel_now(gpointer data)
{
	Later *later = data;
	g_autoptr(GError) error = NULL;

	/* a run that has just ended has nothing to cancel, also while its engine is still there */
	if (later->bastion->engine != NULL && !later->bastion->stopped &&
	    rd_run_get_end(later->bastion->run) == NULL &&
	    !rd_engine_request(later->bastion->engine, "cancel", NULL, NULL, "alice", "enough", 0,
			       &error))
		g_ptr_array_add(later->trial->breaches,
				g_strdup_printf("cancel was refused: %s", error->message));
}

STRIKE(cancel)
{
	soon(trial, bastion, cancel_now);
}

/* ---- the bastion is lost with all that was on it -------------------------------------------- */

/* nobody knows what was going on: the hosts let go, and somebody begins anew */
static void
begin_anew(Trial *trial, Bastion *lost)
{
	for (guint i = 0; i < trial->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(trial->cluster->hosts, i);
		const RdSimLock *lock = rd_sim_lock_read(host);
		const RdCall call = {.verb = RD_CALL_BREAK,
				     .run = lost->run_id,
				     .number = lock->number,
				     .who = "bob@bastion-2",
				     .input_fd = -1};
		g_auto(RdReply) reply = {0};

		if (lock->held && g_strcmp0(lock->run, lost->run_id) == 0)
			rd_sim_break(host, &call, NULL, &reply);
		if (reply.verdict != RD_VERDICT_DONE)
			g_ptr_array_add(trial->breaches, g_strdup_printf("%s: not broken: %s",
									 host->name, reply.err));
	}
	bastion_start(
	    trial_add_bastion(trial, bastion_new("bastion-2", SIM_RUN_2, lost->run_uuid, lost->plan,
						 lost->catalogue, &lost->network,
						 lost->setting->local_dir)),
	    NULL, NULL);
}

static void
from_host(gpointer data)
{
	Later *later = data;
	gboolean differ;
	Bastion *found = bastion_from_hosts(later->bastion, "bastion-2", &differ);

	/* nobody else has written there */
	if (differ)
		g_ptr_array_add(later->trial->breaches, g_strdup("two copies differ"));
	/* until now somebody was awaited */
	later->bastion->stopped = TRUE;
	if (found != NULL)
		bastion_start(trial_add_bastion(later->trial, found), NULL, NULL);
	else
		begin_anew(later->trial, later->bastion);
}

void
fault_bastion_is_lost(Trial *trial, Bastion *bastion)
{
	Later *later = g_new0(Later, 1);

	clean_dir(bastion->setting->local_dir, "*_night.*"); /* the backup was elsewhere */
	later->trial = trial;
	later->bastion = bastion;
	rd_timeline_add(trial->cluster->timeline, 600 * RD_SIM_SECOND, from_host, later, g_free);
}

STRIKE(erase_bastion)
{
	bastion->erased = TRUE;
	kill_engine(trial, bastion, moment, target, host, call, request);
}

/* what a person says who knows that the host does not come back */
static const char *const excuse_it[] = {"excuse", NULL};
/* new hardware under the old name: a person takes it in, and then finds that there is nothing on it
 * to go on with */
static const char *const enrol_it[] = {"enrol", "excuse", NULL};

/* clang-format off */
const Fault faults[] = {
    {"engine-killed",   ON_CALLS | ON_LINES | ON_COMMITS, kill_engine},
    {"runner-killed",   ON_CALLS | ON_LINES | AT(COMMITTED), kill_runner},
    {"worker-killed",   ON_CALLS | ON_LINES, kill_worker},
    {"journal-full",    AT(COMMIT), fill_journal, heal_journal},
    {"ssh-reset",       ON_CALLS, cut_loudly},
    {"ssh-silent",      AT(SENT) | AT(ARRIVED) | AT(ACTED), cut_silently},
    {"host-reboot",     ON_CALLS, reboot, .names_host = TRUE, .host_dies = TRUE},
    {"host-off-10min",  ON_CALLS, off_ten_minutes, .names_host = TRUE, .host_dies = TRUE},
    {"host-away-10min", ON_CALLS, away_ten_minutes, .names_host = TRUE, .delays_api = TRUE},
    {"host-gone",       ON_CALLS, off_for_good, heal_off, .names_host = TRUE, .host_dies = TRUE},
    {"host-excused",    ON_CALLS, off_for_good, heal_off, .words = excuse_it, .names_host = TRUE, .host_dies = TRUE},
    {"host-enrolled",   ON_CALLS, rebuild, .words = enrol_it, .names_host = TRUE, .host_dies = TRUE, .disk_dies = TRUE},
    {"host-rebuilt",    ON_CALLS, rebuild, .ends_held = "rebuilt", .names_host = TRUE},
    {"stubborn-pod",    AT(SEND), make_stubborn, .names_host = TRUE},
    {"host-disk-full",  ON_CALLS, fill_host, heal_host, .names_host = TRUE, .delays_api = TRUE},
    {"second-bastion",  AT(SEND) | AT(ACTED) | AT(COMMITTED), start_second},
    {"copied-run",      AT(SEND) | AT(ACTED) | AT(COMMITTED), start_copy},
    {"bastion-erased",  ON_CALLS | ON_LINES | ON_COMMITS, erase_bastion, .delays_api = TRUE},
    {"api-conflict",    AT(SEND), api_conflict, .of_api = TRUE},
    {"api-busy",        AT(SEND), api_busy, .of_api = TRUE},
    {"api-503",         AT(SEND), api_unavailable, .of_api = TRUE},
    {"api-unheard",     AT(SEND), api_unheard, .of_api = TRUE},
    {"api-etcd-500",    AT(SEND), api_etcd, .of_api = TRUE},
    {"api-webhook-500", AT(SEND), api_webhook, .of_api = TRUE},
    {"api-stale",       AT(SEND), api_stale, .of_api = TRUE},
    {"api-away-10min",  AT(SEND), api_away, .of_api = TRUE, .delays_api = TRUE},
    {"cancelled",       AT(SEND), cancel, .cancels = TRUE},
};
/* clang-format on */
const guint n_faults = G_N_ELEMENTS(faults);

gboolean
fault_applies(const Fault *fault, RdMoment moment, const char *host, const RdCall *call)
{
	gboolean of_api = call != NULL && call->state == NULL && call->argv != NULL;

	if (fault->of_api && !of_api)
		return FALSE;
	/* without the recovery host (plans.c) there is no recovery */
	if (fault->words != NULL && g_strcmp0(host, "m0") == 0)
		return FALSE;
	if (fault->strike == make_stubborn && stubborn_container(call) == NULL)
		return FALSE;
	/* one that was rebuilt before we took it is only a host like any other */
	if (fault->strike == rebuild && (call == NULL || call->number == 0 || call->state == NULL))
		return FALSE;
	return (fault->moments & (1u << moment)) != 0;
}

gboolean
fault_adds_bastion(const Fault *fault)
{
	return fault->strike == start_second || fault->strike == start_copy ||
	       fault->strike == erase_bastion;
}

void
fault_strike(const Fault *fault, Trial *trial, Bastion *bastion, RdMoment moment,
	     const char *target, const char *host, const RdCall *call, RdSimRequest *request)
{
	Blow blow = {.fault = fault, .host = g_strdup(host)};

	g_array_append_val(trial->blows, blow);
	fault->strike(trial, bastion, moment, target, host, call, request);
}
