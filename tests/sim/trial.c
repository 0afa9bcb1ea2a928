/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trial.h"
#include "likeness.h"
#include "plans.h"
#include <string.h>

/* I10: every wait ends */
#define TIME_LIMIT (24 * 3600 * RD_SIM_SECOND)
#define UUID_THEN  "33333333-3333-4333-8333-333333333333"

static void
stuck(gpointer data)
{
	((Trial *)data)->stuck = TRUE;
}

static void
moment_of(Bastion *bastion, RdMoment moment, const char *target, const char *host,
	  const RdCall *call, RdSimRequest *request, gpointer data)
{
	Trial *self = data;

	if (self->blows->len >= self->blows_max)
		return;
	if (self->at != NULL)
		self->at(self, bastion, moment, target, host, call, request);
	self->boundary++;
}

Bastion *
trial_add_bastion(Trial *self, Bastion *bastion)
{
	bastion->moment = moment_of;
	bastion->data = self;
	bastion->breaches = self->breaches;
	/* as the first one */
	if (self->bastions->len > 0 &&
	    ((const Bastion *)g_ptr_array_index(self->bastions, 0))->trace != NULL)
		bastion->trace = g_string_new(NULL);
	g_ptr_array_add(self->bastions, bastion);
	return bastion;
}

RdPlan *
trial_make_plan(const char *procedure, const Scene *scene, RdCatalogue *catalogue,
		const char *local_dir)
{
	g_autofree char *path = NULL, *sha256 = NULL;
	g_autofree char *at_a_time =
	    scene != NULL && scene->at_a_time > 0 ? g_strdup_printf("%u", scene->at_a_time) : NULL;
	const char *const given[] = {"purpose", scene != NULL ? scene->purpose : NULL,
				     "workers-at-a-time", at_a_time, NULL};

	sim_write_backup(local_dir, scene != NULL && scene->lost, &path, &sha256);
	return scene == NULL ? sim_plan(catalogue, procedure, 3, path, sha256)
			     : sim_plan_of(catalogue, procedure, scene->masters, scene->workers,
					   path, sha256, given);
}

gboolean
trial_is_done(Trial *self, const char *end)
{
	return end != NULL &&
	       (self->turned ? g_str_equal(end, "rolled back") : g_str_has_prefix(end, "done"));
}

static void
open_context(Trial *self)
{
	self->context = g_main_context_new();
	g_main_context_push_thread_default(self->context);
	self->clock = rd_clock_new(self->cluster->timeline, self->context, stuck, self);
}

static void
blow_clear(gpointer data)
{
	g_free(((Blow *)data)->host);
}

Trial *
trial_new(const RdPlan *plan, const Scene *scene, guint32 seed, RdCatalogue *catalogue,
	  const char *local_dir, gboolean trace)
{
	Trial *self = g_new0(Trial, 1);
	RdNetwork network = {0};
	Place place = {0};
	Bastion *bastion;

	self->procedure = plan->procedure;
	self->local_dir = g_strdup(local_dir);
	self->catalogue = catalogue;
	self->plan = plan;
	self->scene = scene;
	scene_make(scene, plan->procedure, seed, &place);
	self->cluster = place.cluster;
	self->api = place.api;
	self->before = likeness_take(self->cluster);
	self->bastions = g_ptr_array_new();
	self->breaches = g_ptr_array_new_with_free_func(g_free);
	self->held = g_string_new(NULL);
	self->blows = g_array_new(FALSE, FALSE, sizeof(Blow));
	g_array_set_clear_func(self->blows, blow_clear);
	self->blows_max = 1;
	open_context(self);
	network.cluster = self->cluster;
	network.api = self->api;
	bastion =
	    bastion_new("bastion-1", SIM_RUN, SIM_UUID, self->plan, catalogue, &network, local_dir);
	if (trace)
		bastion->trace = g_string_new(NULL);
	trial_add_bastion(self, bastion);
	return self;
}

void
trial_free(Trial *self)
{
	for (guint i = 0; i < self->bastions->len; i++)
		bastion_free(g_ptr_array_index(self->bastions, i));
	g_ptr_array_unref(self->bastions);
	rd_clock_free(self->clock);
	g_main_context_pop_thread_default(self->context);
	g_main_context_unref(self->context);
	rd_sim_api_free(self->api);
	rd_sim_cluster_free(self->cluster);
	g_ptr_array_unref(self->breaches);
	g_string_free(self->held, TRUE);
	g_free(self->causes);
	g_array_unref(self->blows);
	g_free(self->local_dir);
	g_free(self->before);
	if (self->next != NULL)
		rd_plan_free(self->next);
	g_free(self);
}

/* ---- death and help ------------------------------------------------------------------------ */

void
trial_die(Trial *self, Bastion *bastion)
{
	self->dying = bastion;
	longjmp(self->death, 1);
}

typedef struct {
	Bastion *bastion;
	const char *word, *host;
} Start;

static void
start(gpointer data)
{
	Start *later = data;

	bastion_start(later->bastion, later->word, later->host);
}

void
trial_start_later(Trial *self, Bastion *bastion, gint64 delay, const char *word, const char *host)
{
	Start *later = g_new0(Start, 1);

	later->bastion = bastion;
	later->word = word;
	later->host = host;
	bastion->stopped = FALSE;
	rd_timeline_add(self->cluster->timeline, delay, start, later, g_free);
}

/* systemd starts it again, where there is one */
static void
revive(Trial *self, Bastion *bastion)
{
	if (bastion->erased)
		fault_bastion_is_lost(self, bastion);
	else
		trial_start_later(self, bastion, RD_SIM_SECOND, NULL, NULL);
}

/* it dies in the middle of its main loop; whatever the old main loop had in hand is gone with it */
static void
bury(Trial *self)
{
	Bastion *bastion = self->dying;

	self->dying = NULL;
	open_context(self);
	bastion_kill(bastion);
	revive(self, bastion);
}

void
trial_end_engine(Trial *self, Bastion *bastion)
{
	if (bastion->engine == NULL)
		return;
	bastion_end_engine(bastion);
	revive(self, bastion);
}

typedef struct {
	Trial *trial;
	Bastion *bastion;
} Turn;

static void
turn(gpointer data)
{
	Turn *later = data;
	Bastion *bastion = later->bastion;
	g_autoptr(GError) error = NULL;

	if (bastion->engine == NULL) {
		trial_turn_back(later->trial, bastion);
		return;
	}
	/* one that waits for a person has no engine any more, nor has one that is over */
	if (bastion->stopped)
		bastion_start(bastion, NULL, NULL);
	later->trial->turned = rd_engine_request(bastion->engine, "rollback", NULL, NULL, "alice",
						 "it was the wrong backup", 0, &error);
	if (!later->trial->turned && !rd_run_passed(bastion->run, RD_MARK_POINT_OF_NO_RETURN) &&
	    !trial_is_done(later->trial, rd_run_get_end(bastion->run)))
		g_ptr_array_add(later->trial->breaches,
				g_strdup_printf("rollback was refused: %s", error->message));
}

void
trial_turn_back(Trial *self, Bastion *bastion)
{
	Turn *later = g_new0(Turn, 1);

	later->trial = self;
	later->bastion = bastion;
	rd_timeline_add(self->cluster->timeline, self->turn_delay, turn, later, g_free);
	self->turn_delay = RD_SIM_SECOND;
}

gboolean
trial_has_struck(Trial *self, const char *fault)
{
	for (guint i = 0; i < self->blows->len; i++)
		if (g_str_equal(g_array_index(self->blows, Blow, i).fault->name, fault))
			return TRUE;
	return FALSE;
}

gboolean
trial_has_lost_host(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++)
		if (g_array_index(self->blows, Blow, i).fault->words != NULL)
			return TRUE;
	return FALSE;
}

gboolean
trial_runs_script(Trial *self)
{
	return g_str_equal(self->procedure, "cluster-restore") ||
	       g_str_equal(self->procedure, "restore-cluster-state");
}

/* (nullable) the word that its reason must have */
const char *
trial_ends_held(Trial *self)
{
	for (guint i = 0; i < self->blows->len; i++) {
		const Blow *blow = &g_array_index(self->blows, Blow, i);

		if (blow->fault->ends_held != NULL)
			return blow->fault->ends_held;
	}
	return NULL;
}

gboolean
trial_returns(Trial *self)
{
	return self->then != NULL && self->bastions->len > 1;
}

gboolean
trial_brings_back(Trial *self)
{
	return trial_returns(self) && self->next == NULL;
}

/* what the end of the first run has printed: its procedure, and since when the API answers */
static void
plan_next(Trial *self)
{
	const Bastion *first = g_ptr_array_index(self->bastions, 0);
	const char *since = rd_run_get_output(first->run, "api-up", "cluster", "since");
	g_autofree char *path = g_build_filename(self->local_dir, "snapshot_night.db", NULL);
	const char *const given[] = {"since", since, NULL};

	self->next = sim_plan_of(self->catalogue, self->scene->then, self->scene->masters,
				 self->scene->workers, path, "", given);
	self->then = self->next;
}

gboolean
trial_goes_on(Trial *self)
{
	const Bastion *first = g_ptr_array_index(self->bastions, 0);
	Bastion *second;

	if (trial_returns(self) ||
	    !trial_is_done(self, bastion_end(g_ptr_array_index(self->bastions, 0))))
		return FALSE;
	if (self->scene != NULL && self->scene->then != NULL)
		plan_next(self);
	if (self->then == NULL)
		return FALSE;
	second = bastion_new("bastion-1", SIM_RUN_2, UUID_THEN, self->then, self->catalogue,
			     &first->network, self->local_dir);
	trial_start_later(self, trial_add_bastion(self, second), RD_SIM_SECOND, NULL, NULL);
	return TRUE;
}

gboolean
trial_is_copy(Trial *self)
{
	return trial_has_struck(self, "copied-run") || trial_has_struck(self, "bastion-erased");
}

/* An observer of its own: workers that take no pods, or are not up. Only where somebody asks. */
static void
count_away(Trial *self)
{
	guint n = 0;

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *path = g_strdup_printf("/api/v1/nodes/%s", host->name);
		JsonObject *node =
		    host->worker ? rd_sim_store_find(rd_sim_api_get_store(self->api), path) : NULL;

		if (host->worker &&
		    (host->power != RD_SIM_UP ||
		     (node != NULL &&
		      json_object_get_boolean_member_with_default(
			  json_object_get_object_member(node, "spec"), "unschedulable", FALSE))))
			n++;
	}
	self->away = MAX(self->away, n);
}

void
trial_run(Trial *self, GHashTable *expected, Outcome *outcome)
{
	RdTimeline *timeline = self->cluster->timeline;

	self->began = rd_timeline_now(timeline);
	*outcome = (Outcome){0};
	if (setjmp(self->death) != 0)
		bury(self);
	else
		trial_start_later(self, g_ptr_array_index(self->bastions, 0), 0, NULL, NULL);
	while (trial_attend(self) && !self->stuck &&
	       rd_timeline_now(timeline) - self->began < TIME_LIMIT) {
		g_main_context_iteration(self->context, TRUE);
		if (self->scene != NULL && self->scene->away > 0)
			count_away(self);
	}
	trial_heal_all(self);
	/* what is still under way somewhere comes to its end, too */
	rd_timeline_run_to(timeline, rd_timeline_now(timeline) + 900 * RD_SIM_SECOND);
	trial_judge(self, expected, outcome);
}
