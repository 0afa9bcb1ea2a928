/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contract of plugins (rehearsal/contract.h), tried on every state of a whole recovery at the
 * moment it is its turn, with the parameters that the engine found for it: the crew stands in
 * between and, before a step's first order goes on, plays its histories in children.
 *
 * sim-contract PROCEDURE [--all | --not TYPE]: each state on the first host that comes to it, or on
 * all; all but those of a type. TAP. */

#include "rehearsal/contract.h"
#include "engine/engine.h"
#include "plans.h"
#include "rehearsal/api.h"
#include "rehearsal/clock.h"
#include "rehearsal/crew.h"
#include "rehearsal/restore-script.h"
#include "rehearsal/scenery.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UUID "11111111-1111-4111-8111-111111111111"

typedef struct {
	RdCrew crew;
	RdCrew *sim; /* (owned) */
	RdContract *contract;
	GHashTable *tried; /* (element-type utf8) */
	gboolean all;
	const char *not_type; /* (nullable) */
	guint number, broken;
} Between;

typedef struct {
	RdTimeline *timeline;
	gboolean stopped;
} Watch;

static void
try_step(Between *self, const RdOrder *order)
{
	const RdContractStep step = {.state = order->state,
				     .type = order->type,
				     .target = order->target,
				     .with = order->with,
				     .number = order->number,
				     .fence_host = order->fence_host,
				     .fence_number = order->fence_number};
	g_auto(RdContractResult) result = {0};

	rd_contract_try(self->contract, &step, &result);
	for (guint i = 0; i < result.findings->len; i++)
		printf("# %s\n", (const char *)g_ptr_array_index(result.findings, i));
	if (result.not_tried != NULL)
		printf("# not tried: %s\n", result.not_tried);
	self->broken += result.findings->len > 0 || result.not_tried != NULL;
	printf("%sok %u - %s %s@%s: %u histories\n",
	       result.findings->len > 0 || result.not_tried != NULL ? "not " : "", ++self->number,
	       order->type, order->state, order->target, result.trials);
	fflush(stdout);
}

static void
between_send(RdCrew *crew, const RdOrder *order)
{
	Between *self = (Between *)crew;
	g_autofree char *name = NULL;

	if ((order->what == RD_DO_CHECK || order->what == RD_DO_LOOK) && order->attempt == 1 &&
	    g_strcmp0(order->type, self->not_type) != 0) {
		name = self->all ? g_strdup_printf("%s@%s", order->state, order->target)
				 : g_strdup(order->state);
		if (g_hash_table_add(self->tried, g_steal_pointer(&name)))
			try_step(self, order);
	}
	self->sim->klass->send(self->sim, order);
}

static void
between_acknowledge(RdCrew *crew, const char *target)
{
	Between *self = (Between *)crew;

	self->sim->klass->acknowledge(self->sim, target);
}

static void
between_cancel(RdCrew *crew, const char *target)
{
	Between *self = (Between *)crew;

	self->sim->klass->cancel(self->sim, target);
}

static void
between_free(RdCrew *crew)
{
	Between *self = (Between *)crew;

	self->sim->klass->free(self->sim);
}

static void
forward(const RdReport *report, gpointer data)
{
	Between *self = data;

	self->crew.report(report, self->crew.data);
}

static const RdCrewClass klass = {between_send, between_acknowledge, between_cancel, between_free};

static gint64
now(gpointer data)
{
	return rd_timeline_now(((Watch *)data)->timeline);
}

static void
stopped(RdEngine *engine, const GError *error, gpointer data)
{
	if (error != NULL)
		g_error("%s", error->message);
	((Watch *)data)->stopped = TRUE;
}

static void
stuck(gpointer data)
{
	g_error("nothing will ever happen again");
}

static RdPlan *
make_plan(const char *procedure, RdCatalogue *catalogue, const char *dir)
{
	g_autofree char *path = NULL, *sha256 = NULL;

	sim_write_backup(dir, FALSE, &path, &sha256);
	return sim_plan(catalogue, procedure, 3, path, sha256);
}

static void
store_created(RdRun *run, RdJournal *journal, const RdPlan *plan)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdEvent *event = rd_event_new(RD_EVENT_CREATED, plan->procedure);
	g_autoptr(GError) error = NULL;

	rd_event_pair(event, plan->cluster, UUID);
	g_ptr_array_add(events, rd_event_text(rd_event_number(event, 1), "alice@bastion-1"));
	if (!rd_journal_append(journal, events, &error) ||
	    !rd_run_apply(run, g_ptr_array_index(events, 0), &error))
		g_error("%s", error->message);
}

/* TRUE: the recovery came to its end */
static gboolean
recover(const RdPlan *plan, RdCatalogue *catalogue, const char *dir, Between *between)
{
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(1, 3);
	g_autoptr(RdSetting) setting = rd_setting_new("r-night-1", UUID, "alice@bastion-1", dir);
	g_autoptr(GMainContext) context = g_main_context_new();
	g_autoptr(RdClock) clock = rd_clock_new(cluster->timeline, context, stuck, NULL);
	g_autoptr(RdSimApi) api = rd_scenery_api(cluster, "m0");
	RdNetwork network = {.cluster = cluster, .api = api};
	RdJournal *journal = rd_journal_new_memory();
	RdRun *run = rd_run_new(plan);
	Watch watch = {.timeline = cluster->timeline};
	const RdEngineHooks hooks = {.now = now, .stopped = stopped, .data = &watch};
	g_autoptr(GPtrArray) causes = NULL;
	RdEngine *engine;
	gboolean done;

	for (guint i = 0; i < plan->hosts->len; i++) {
		const RdPlanHost *host = g_ptr_array_index(plan->hosts, i);

		rd_setting_add_host(setting, host->name, host->role,
				    rd_sim_cluster_find(cluster, host->name)->address);
	}
	/* what undo() leaves renamed on purpose: an earlier restore's, which is nobody's to put
	 * back */
	(void)rd_sim_tree_remove_all(rd_sim_cluster_find(cluster, "m0")->tree, RD_SIM_SAVED);
	(void)rd_sim_tree_remove_all(rd_sim_cluster_find(cluster, "m0")->tree, RD_SIM_STOPPED);
	cluster->brisk = TRUE; /* settle waits for 20 s, and then it is a person who waits */
	g_main_context_push_thread_default(context);
	store_created(run, journal, plan);
	between->crew.klass = &klass;
	between->contract = rd_contract_new(cluster, catalogue, setting);
	rd_contract_set_api(between->contract, api);
	between->sim = rd_sim_crew_new(&network, catalogue, setting);
	between->sim->report = forward;
	between->sim->data = between;
	engine = rd_engine_new(run, journal, &between->crew, &hooks);
	rd_engine_start(engine, "bastion-1", "boot-of-bastion-1", 1001);
	while (!watch.stopped)
		g_main_context_iteration(context, TRUE);
	done = g_strcmp0(rd_run_get_end(run), "done") == 0;
	causes = rd_run_get_causes(run);
	for (guint i = 0; !done && i < causes->len; i++)
		printf("# %s\n", (const char *)g_ptr_array_index(causes, i));
	rd_engine_free(engine);
	between->sim->klass->free(between->sim);
	rd_contract_free(between->contract);
	rd_run_free(run);
	rd_journal_free(journal);
	g_main_context_pop_thread_default(context);
	return done;
}

int
main(int argc, char **argv)
{
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autofree char *dir = g_build_filename(g_get_tmp_dir(), "contract-XXXXXX", NULL);
	g_autofree char *remove = NULL;
	g_autoptr(GError) error = NULL;
	Between between = {.all = argc > 2 && g_str_equal(argv[2], "--all"),
			   .not_type = argc > 3 && g_str_equal(argv[2], "--not") ? argv[3] : NULL};
	RdPlan *plan;
	gboolean done;

	if (argc < 2 || g_getenv("SOURCE_ROOT") == NULL || mkdtemp(dir) == NULL)
		g_error("sim-contract PROCEDURE [--all | --not TYPE], with SOURCE_ROOT and "
			"BUILD_ROOT set");
	if (!rd_catalogue_load_dir(catalogue, plugins, &error))
		g_error("%s", error->message);
	between.tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	plan = make_plan(argv[1], catalogue, dir);
	done = recover(plan, catalogue, dir, &between);
	printf("%sok %u - and the recovery came to its end\n1..%u\n", done ? "" : "not ",
	       between.number + 1, between.number + 1);
	g_hash_table_unref(between.tried);
	rd_plan_free(plan);
	remove = g_strdup_printf("rm -r '%s'", dir);
	return system(remove) == 0 && done && between.broken == 0 ? 0 : 1;
}
