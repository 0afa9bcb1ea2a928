/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "engine.h"
#include "forecast-private.h"
#include "machine/words.h"

/* The walk from its beginning to its end. */

static const char *const forecast_words[] = {
    [RD_FORECAST_CHANGE] = "change",   [RD_FORECAST_ALREADY] = "already",
    [RD_FORECAST_THEN] = "then",       [RD_FORECAST_ASKED] = "asked",
    [RD_FORECAST_HOLDS] = "holds",     [RD_FORECAST_WAITS] = "waits",
    [RD_FORECAST_SKIPPED] = "skipped", [RD_FORECAST_REFUSED] = "refused",
};

G_STATIC_ASSERT(G_N_ELEMENTS(forecast_words) == RD_FORECAST_LAST + 1);
RD_WORDS(RdForecastWord, rd_forecast_word, forecast_words)

static void
rd_forecast_step_free(gpointer data)
{
	RdForecastStep *self = data;

	g_free(self->target);
	g_free(self->text);
	g_free(self->open);
	g_free(self->when);
	json_array_unref(self->entries);
	g_hash_table_unref(self->outputs);
	g_free(self);
}

void
rd_forecast_free(RdForecast *self)
{
	g_ptr_array_unref(self->steps);
	g_hash_table_unref(self->hosts);
	g_hash_table_unref(self->silent);
	g_free(self);
}

static gboolean
rd_forecast_cancels(const RdForecastCrew *self)
{
	return g_strcmp0(self->options->word, "cancel") == 0;
}

/* Nobody is asked for leave, the machine does not skip what is not certain (see above), and what
 * works beside others is walked where it stands: here nothing takes time that it could fill. On the
 * way out it is left, as ever. */
static void
rd_forecast_open(RdForecastCrew *self)
{
	GPtrArray *states = self->options->plan->states;

	for (guint i = 0; i < states->len; i++) {
		RdPlanState *state = g_ptr_array_index(states, i);

		g_ptr_array_add(self->gates, g_steal_pointer(&state->gate));
		g_ptr_array_add(self->besides, state->beside);
		if (!rd_forecast_cancels(self))
			state->beside = NULL;
		g_ptr_array_add(self->whens, state->when);
		state->when = g_ptr_array_new_with_free_func(g_free);
	}
}

static void
rd_forecast_close(RdForecastCrew *self)
{
	GPtrArray *states = self->options->plan->states;

	for (guint i = 0; i < states->len; i++) {
		RdPlanState *state = g_ptr_array_index(states, i);

		state->gate = g_ptr_array_index(self->gates, i);
		state->beside = g_ptr_array_index(self->besides, i);
		g_ptr_array_unref(state->when);
		state->when = g_ptr_array_index(self->whens, i);
	}
	g_ptr_array_unref(self->gates);
	g_ptr_array_unref(self->besides);
	g_ptr_array_unref(self->whens);
}

static void
rd_forecast_stopped(RdEngine *engine, const GError *error, gpointer data)
{
	RdForecastCrew *self = data;

	if (error != NULL)
		self->error = g_error_copy(error);
	self->stopped = TRUE;
	g_main_loop_quit(self->loop);
}

static void
rd_forecast_run(RdForecastCrew *self)
{
	const RdForecastOptions *options = self->options;
	RdEngineHooks hooks = {.now = options->now, .stopped = rd_forecast_stopped, .data = self};
	g_autoptr(RdEngine) engine = NULL;
	GMainContext *context = g_main_context_get_thread_default();

	options->crew->report = rd_forecast_reported;
	options->crew->data = self;
	self->loop = g_main_loop_new(context, FALSE);
	engine = rd_engine_new(self->run, options->journal, &self->crew, &hooks);
	rd_engine_start(engine, "a walk", "a walk", 0);
	/* a word that leaves nothing to be done is the end at once */
	if ((options->word == NULL || rd_engine_request(engine, options->word, NULL, NULL, "a walk",
							"to see what is left", 0, &self->error)) &&
	    !self->stopped)
		g_main_loop_run(self->loop);
	g_main_loop_unref(self->loop);
	options->crew->report = NULL;
}

static gboolean
rd_forecast_fold(const RdEvent *event, gpointer data, GError **error)
{
	return rd_run_apply(data, event, error);
}

/* one that was on its way out, or back, when the walk began comes to no better end */
static gboolean
rd_forecast_goes_out(RdRun *run)
{
	RdRunState state = rd_run_get_state(run);

	return state == RD_RUN_CANCELLING || state == RD_RUN_ENDING || rd_run_goes_back(run);
}

static gboolean
rd_forecast_check_end(RdForecastCrew *self, GError **error)
{
	RdRun *run = self->run;
	const char *end = rd_run_get_end(run);
	g_autoptr(GPtrArray) causes = NULL;
	g_autofree char *text = NULL;

	if (self->error != NULL) {
		g_propagate_error(error, g_steal_pointer(&self->error));
		return FALSE;
	}
	if (rd_run_get_state(run) == RD_RUN_ENDED &&
	    (g_str_has_prefix(end, "done") || (self->out && strcmp(end, "owing") != 0)))
		return TRUE;
	causes = rd_run_get_causes(run);
	g_ptr_array_add(causes, NULL);
	text = g_strjoinv("; ", (char **)causes->pdata);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED,
		    "the procedure could not be walked to its end: %s", text);
	return FALSE;
}

RdForecast *
rd_forecast_make(const RdForecastOptions *options, GError **error)
{
	RdForecastCrew self = {.crew.klass = &rd_forecast_crew_class, .options = options};
	g_autoptr(RdForecast) forecast = g_new0(RdForecast, 1);
	gboolean ok;

	forecast->steps = g_ptr_array_new_with_free_func(rd_forecast_step_free);
	forecast->hosts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self.forecast = forecast;
	self.foreseen = rd_foreseen_new();
	self.hands = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rd_forecast_hand_free);
	self.gates = g_ptr_array_new();
	self.whens = g_ptr_array_new();
	self.besides = g_ptr_array_new();
	rd_forecast_open(&self);
	self.run = rd_run_new(options->plan);
	ok = rd_journal_each(options->journal, 0, rd_forecast_fold, self.run, error);
	self.out = rd_forecast_goes_out(self.run) || rd_forecast_cancels(&self);
	if (ok)
		rd_forecast_run(&self);
	ok = ok && rd_forecast_check_end(&self, error);
	rd_run_free(self.run);
	rd_forecast_close(&self);
	forecast->silent = g_hash_table_ref(self.foreseen->silent);
	rd_foreseen_free(self.foreseen);
	g_hash_table_unref(self.hands);
	return ok ? g_steal_pointer(&forecast) : NULL;
}
