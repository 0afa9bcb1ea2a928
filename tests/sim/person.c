/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/machines.h"
#include "trial.h"
#include <string.h>

/* The person beside a trial: heals what a person can heal, answers gates, says what the advice of a
 * held run says; no oftener than ROUNDS_MAX. */

/* a run that needs a person more often than this does not get on */
#define ROUNDS_MAX 8
/* a run without a host that says the same thing again and again will go on saying it */
#define SAME_MAX 2

static gboolean
is_end(const char *end)
{
	return end != NULL && !g_str_equal(end, "held");
}

/* another bastion is at work or has done it: there is nothing to help */
static gboolean
gives_way(Trial *self, Bastion *bastion)
{
	for (guint i = 0; i < self->bastions->len; i++) {
		Bastion *other = g_ptr_array_index(self->bastions, i);

		if (other != bastion && !trial_returns(self) &&
		    (!other->stopped || trial_is_done(self, bastion_end(other))))
			return TRUE;
	}
	return FALSE;
}

/* What no control-plane host can have any more, one of them having been given up: a reboot while
 * all members of etcd are well. "state@host", or NULL */
static const char *
find_to_skip(Bastion *bastion)
{
	static const char *const types[] = {"etcd/voters", "node/reboot", NULL};
	GPtrArray *steps = rd_run_get_steps(bastion->run);

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);

		if (step->life == RD_LIFE_HELD && step->plan->skippable &&
		    g_strv_contains(types, step->plan->type))
			return g_intern_string(name);
	}
	return NULL;
}

/* what a person says this time; about *host when it is not NULL */
static const char *
next_word(Trial *self, Bastion *bastion, const char **host)
{
	if (self->scene != NULL && self->scene->excuses != NULL &&
	    !bastion_excuses(bastion, self->scene->excuses)) {
		*host = self->scene->excuses;
		return "excuse";
	}
	for (guint i = 0; i < self->blows->len; i++) {
		Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->words == NULL || blow->fault->words[blow->said] == NULL)
			continue;
		*host = blow->host;
		return blow->fault->words[blow->said++];
	}
	*host = trial_has_lost_host(self) ? find_to_skip(bastion) : NULL;
	return *host != NULL ? "skip" : "resume";
}

/* Heals what a person can heal; a host that somebody gave up stays as it is. */
static void
heal(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->heal != NULL && blow->fault->words == NULL)
			blow->fault->heal(self, blow->host);
	}
}

/* an API that does not answer is that of the recovery host */
static gboolean
is_of_api(Trial *self, const char *host, const char *causes)
{
	return self->api != NULL && g_str_equal(host, "m0") && strstr(causes, "refused") != NULL;
}

/* A person makes the next lost host anew, and takes it into the run; FALSE: all are */
static gboolean
rebuild(Trial *self, Bastion *bastion)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (!bastion_excuses(bastion, host->name))
			continue;
		if (host->power == RD_SIM_OFF)
			rd_scenery_rebuild(host);
		trial_start_later(self, bastion, 120 * RD_SIM_SECOND, "enrol", host->name);
		return TRUE;
	}
	return FALSE;
}

/* a host that is lost, off, and has no Node any more; NULL: there is none */
static RdSimHost *
find_deleted(Trial *self, Bastion *bastion)
{
	RdSimStore *store = rd_sim_api_get_store(self->api);

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *node = g_strconcat("/api/v1/nodes/", host->name, NULL);

		if (bastion_excuses(bastion, host->name) && host->power == RD_SIM_OFF &&
		    rd_sim_store_find(store, node) == NULL)
			return host;
	}
	return NULL;
}

/* A person reinstalls the lost host whose Node was deleted, the way it was made, and takes it into
 * the run; FALSE: there is none that waits for that. */
static gboolean
reinstall(Trial *self, Bastion *bastion)
{
	RdSimHost *host = find_deleted(self, bastion);

	if (host == NULL)
		return FALSE;
	rd_scenery_reinstall(host);
	trial_start_later(self, bastion, 600 * RD_SIM_SECOND, "enrol", host->name);
	return TRUE;
}

typedef struct {
	Trial *trial;
	Bastion *bastion;
} Late;

/* while the run waits for it: the first host that is still off and has no Node */
static void
reinstall_late(gpointer data)
{
	const Late *late = data;
	Trial *self = late->trial;
	RdSimHost *host = find_deleted(self, late->bastion);
	g_autoptr(GError) error = NULL;

	if (host == NULL || late->bastion->stopped)
		return;
	rd_scenery_reinstall(host);
	if (!rd_engine_request(late->bastion->engine, "enrol", NULL, host->name, "alice",
			       "as the gate said", 0, &error))
		g_ptr_array_add(self->breaches,
				g_strdup_printf("enrol was refused: %s", error->message));
}

/* A host that was to be reinstalled, and runs as it was: off with it, and done as it should have
 * been. FALSE: there is none */
static gboolean
put_right(Trial *self, Bastion *bastion)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *causes = bastion_causes(bastion);

		if (!bastion_excuses(bastion, host->name) || host->power != RD_SIM_UP || host->anew)
			continue;
		self->rounds++;
		g_string_append_printf(self->held, "%s%s: %s", self->held->len > 0 ? " | " : "",
				       bastion->name, causes);
		host->hears_nobody = FALSE;
		rd_scenery_reinstall(host);
		trial_start_later(self, bastion, 600 * RD_SIM_SECOND, "enrol", host->name);
		return TRUE;
	}
	return FALSE;
}

/* a copy of the one that was deleted, of another name */
static void
make_machine(Trial *self)
{
	g_autofree char *name = g_strdup_printf("kite-by-hand-%u", self->gates);

	rd_sim_machine_put(rd_sim_api_get_store(self->api), name, NULL,
			   rd_sim_api_get_time(self->api));
}

/* what the gate asks to be done before it is approved; TRUE: it is open for some time yet */
static gboolean
prepare(Trial *self, Bastion *bastion, const char *gate)
{
	if (g_str_equal(gate, "rebuild"))
		return rebuild(self, bastion);
	if (g_str_equal(gate, "reinstall") && self->scene->careless) {
		Late *late = g_new0(Late, 1);

		late->trial = self;
		late->bastion = bastion;
		rd_timeline_add(self->cluster->timeline, 900 * RD_SIM_SECOND, reinstall_late, late,
				g_free);
		return FALSE;
	}
	if (g_str_has_prefix(gate, "reinstall"))
		return reinstall(self, bastion);
	if (g_str_has_prefix(gate, "new-machine"))
		make_machine(self);
	return FALSE;
}

static const char *
answer(Trial *self, const char *gate)
{
	gboolean no = self->scene != NULL && self->scene->denies != NULL && !trial_returns(self) &&
		      g_str_has_prefix(gate, self->scene->denies);

	return no ? "deny" : "approve";
}

static void
help(Trial *self, Bastion *bastion)
{
	Bastion *first = g_ptr_array_index(self->bastions, 0);
	g_autofree char *causes = bastion_causes(bastion);
	g_autoptr(GPtrArray) gates = rd_run_get_gates(bastion->run);
	const char *new_host =
	    trial_has_struck(self, "bastion-erased") ? bastion_not_enrolled(bastion) : NULL;
	const char *host = NULL, *word;

	if (gates->len > 0) {
		g_autofree char *instance = rd_run_get_gate_instance(bastion->run, gates->pdata[0]);
		const RdPlanGate *asked = ((RdStep *)gates->pdata[0])->plan->gate;
		g_autofree char *named = g_strconcat(instance, "@@", bastion->plan->cluster, NULL);
		const char *gate = g_intern_string(asked->named ? named : instance);

		self->gates++;
		if (prepare(self, bastion, gate))
			return;
		g_string_append_printf(self->held, "%s%s: gate %s",
				       self->held->len > 0 ? " | " : "", bastion->name, gate);
		trial_start_later(self, bastion, RD_SIM_SECOND, answer(self, gate), gate);
		return;
	}
	/* who approved without looking has been told by now */
	if (self->scene != NULL && self->scene->careless && put_right(self, bastion))
		return;
	word = next_word(self, bastion, &host);
	if (new_host != NULL) {
		host = new_host;
		word = "enrol";
	}
	self->rounds++;
	self->same = g_strcmp0(causes, self->causes) == 0 ? self->same + 1 : 0;
	g_free(self->causes);
	self->causes = g_strdup(causes);
	g_string_append_printf(self->held, "%s%s: %s", self->held->len > 0 ? " | " : "",
			       bastion->name,
			       bastion->error != NULL ? bastion->error->message : causes);
	if (bastion->error == NULL && *causes == '\0')
		g_ptr_array_add(self->breaches, g_strdup("it is held and gives no reason"));
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (self->blows->len == 1 && blow->fault->names_host &&
		    strstr(causes, blow->host) == NULL && !is_of_api(self, blow->host, causes) &&
		    !bastion_is_without(bastion, blow->host))
			g_ptr_array_add(
			    self->breaches,
			    g_strdup_printf("%s is at fault, and nobody is told so", blow->host));
	}
	heal(self);
	/* who is excused is powered off: that is what the statement says */
	if (g_str_equal(word, "excuse"))
		rd_sim_host_power_off(rd_sim_cluster_find(self->cluster, host));
	if (trial_runs_script(self))
		rd_scenery_mend_restore_pod(self->cluster);
	/* two runs that stand in each other's way: the second one is withdrawn */
	for (guint i = 1; i < self->bastions->len && !trial_is_copy(self) && !trial_returns(self);
	     i++) {
		Bastion *other = g_ptr_array_index(self->bastions, i);

		if (!is_end(bastion_end(other)))
			trial_start_later(self, other, 10 * RD_SIM_SECOND, "cancel", NULL);
	}
	trial_start_later(self, trial_is_copy(self) || trial_returns(self) ? bastion : first,
			  300 * RD_SIM_SECOND, word, host);
}

/* What is owed is tried without end, and whoever is notified is told that it still is
 * (engine/notify.h): a person who hears of it sees to the host, and to nothing else. */
static void
heed_notice(Trial *self, Bastion *bastion)
{
	gint64 now = rd_timeline_now(self->cluster->timeline);
	g_autoptr(GPtrArray) owed = NULL;
	gboolean in_doubt = FALSE;

	if (bastion->engine == NULL || rd_run_get_state(bastion->run) != RD_RUN_ENDING)
		return;
	owed = rd_run_get_owed(bastion->run);
	for (guint i = 0; i < owed->len; i++)
		in_doubt |= ((const RdStep *)g_ptr_array_index(owed, i))->doubt_since != 0;
	if (!in_doubt)
		self->owed_since = 0;
	else if (self->owed_since == 0)
		self->owed_since = now;
	else if (now - self->owed_since > 1800 * RD_SIM_SECOND)
		heal(self);
}

gboolean
trial_attend(Trial *self)
{
	gboolean waiting = FALSE;

	for (guint i = 0; i < self->bastions->len; i++) {
		Bastion *bastion = g_ptr_array_index(self->bastions, i);

		heed_notice(self, bastion);
		waiting = waiting || !bastion->stopped;
	}
	if (waiting)
		return TRUE;
	for (guint i = 0; i < self->bastions->len; i++) {
		Bastion *bastion = g_ptr_array_index(self->bastions, i);

		/* the original says "a copy of this run is at work": go there */
		if (trial_is_copy(self) && i + 1 < self->bastions->len)
			continue;
		/* what is owed is tried again when somebody has looked */
		if (g_strcmp0(bastion_end(bastion), "owing") == 0 && self->rounds < ROUNDS_MAX) {
			help(self, bastion);
			return TRUE;
		}
		if (is_end(bastion_end(bastion)) || gives_way(self, bastion))
			continue;
		if (self->rounds >= ROUNDS_MAX ||
		    (self->same >= SAME_MAX && trial_has_lost_host(self)) ||
		    (self->rounds > 0 && trial_ends_held(self) != NULL))
			return FALSE;
		help(self, bastion);
		return TRUE;
	}
	return trial_goes_on(self);
}

void
trial_heal_all(Trial *self)
{
	heal(self);
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);
		gboolean excused = FALSE;

		for (guint j = 0; j < self->bastions->len; j++)
			excused = excused ||
				  bastion_excuses(g_ptr_array_index(self->bastions, j), blow->host);
		if (blow->fault->heal != NULL && blow->fault->words != NULL && !excused)
			blow->fault->heal(self, blow->host);
	}
}
