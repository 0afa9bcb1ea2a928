/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "view.h"

/* What the forms of `status` have in common: questions to the fold. */

static const char *const state_words[] = {
    [RD_STATE_AHEAD] = "ahead",	    [RD_STATE_WORK] = "work",
    [RD_STATE_WAITING] = "waiting", [RD_STATE_HELD] = "held",
    [RD_STATE_DONE] = "done",	    [RD_STATE_SKIPPED] = "skipped",
    [RD_STATE_FAILED] = "failed",   [RD_STATE_CANCELLED] = "cancelled",
    [RD_STATE_UNDONE] = "undone",
};

G_STATIC_ASSERT(G_N_ELEMENTS(state_words) == RD_STATE_LAST + 1);

const char *
rd_state_life_to_string(RdStateLife life)
{
	return state_words[life];
}

static void
rd_progress_free(gpointer data)
{
	RdProgress *progress = data;

	g_free(progress->text);
	g_free(progress);
}

static gint64
rd_view_last_wall(const RdView *view)
{
	const RdEvent *last;

	if (view->events->len == 0)
		return view->wall;
	last = g_ptr_array_index(view->events, view->events->len - 1);
	return last->wall;
}

/* microseconds; text, because JSON numbers are doubles to many, or a number */
static gint64
rd_view_get_time(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL || !JSON_NODE_HOLDS_VALUE(node))
		return 0;
	if (json_node_get_value_type(node) == G_TYPE_STRING)
		return g_ascii_strtoll(json_node_get_string(node), NULL, 10);
	return json_node_get_int(node);
}

static void
rd_view_add_progress(JsonObject *object, const char *target, JsonNode *node, gpointer data)
{
	JsonObject *line = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
	RdProgress *progress;
	const char *text =
	    line != NULL ? json_object_get_string_member_with_default(line, "text", NULL) : NULL;

	if (text == NULL)
		return;
	progress = g_new0(RdProgress, 1);
	progress->text = g_strdup(text);
	progress->at = rd_view_get_time(line, "at");
	g_hash_table_replace(data, g_strdup(target), progress);
}

void
rd_view_add_status(RdView *view, const char *json)
{
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object = NULL;
	JsonNode *lines;
	gint64 clock = rd_run_get_clock(view->run);
	gint64 wall = rd_view_last_wall(view);

	view->clock = clock;
	g_clear_pointer(&view->progress, g_hash_table_unref);
	view->progress = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, rd_progress_free);
	if (view->engine != RD_ENGINE_ALIVE)
		return; /* the run's clock stands still */
	root = json != NULL ? json_from_string(json, NULL) : NULL;
	if (root != NULL && JSON_NODE_HOLDS_OBJECT(root)) {
		object = json_node_get_object(root);
		if (rd_view_get_time(object, "clock") >= clock &&
		    rd_view_get_time(object, "wall") >= wall) {
			clock = rd_view_get_time(object, "clock");
			wall = rd_view_get_time(object, "wall");
		}
		lines = json_object_get_member(object, "progress");
		if (lines != NULL && JSON_NODE_HOLDS_OBJECT(lines))
			json_object_foreach_member(json_node_get_object(lines),
						   rd_view_add_progress, view->progress);
	}
	view->clock = clock + MAX(view->wall - wall, 0);
}

gboolean
rd_view_look(RdView *view, RdOpenRun *open, gboolean *news, GError **error)
{
	g_autofree char *path = rd_rundir_file(open->dir, "status.json");
	g_autofree char *json = NULL;

	rd_view_clear(view);
	/* The lock first, then the journal: an engine that is gone by then has written its last
	 * word, and we read it. The other way round a run that ends right now would look deserted.
	 */
	view->engine = rd_reading_engine(open->dir, &view->holder);
	if (!rd_open_run_refresh(open, news, error))
		return FALSE;
	view->run_id = rd_rundir_get_id(open->dir);
	view->run = open->run;
	view->events = open->events;
	view->wall = g_get_real_time();
	(void)g_file_get_contents(path, &json, NULL, NULL);
	rd_view_add_status(view, json);
	return TRUE;
}

void
rd_view_clear(RdView *view)
{
	g_clear_pointer(&view->holder, g_free);
	g_clear_pointer(&view->progress, g_hash_table_unref);
}

gboolean
rd_life_is_at_work(RdLife life)
{
	return life != RD_LIFE_PENDING && life != RD_LIFE_HELD && !rd_life_is_final(life);
}

void
rd_view_get_facts(const RdView *view, RdFacts *facts)
{
	GPtrArray *steps = rd_run_get_steps(view->run);
	gint64 before = 0;
	guint starts = 0;

	memset(facts, 0, sizeof *facts);
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (!rd_advice_counts(view->run, step))
			continue;
		facts->total++;
		if (rd_life_is_final(step->life))
			facts->done++;
	}
	for (guint i = 0; i < view->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(view->events, i);

		if (event->kind == RD_EVENT_ENGINE && g_strcmp0(event->word, "started") == 0) {
			facts->bastion = event->key;
			facts->started = event->wall;
			if (starts++ > 0) {
				facts->resumed = event->wall;
				facts->lost += MAX(event->wall - before, 0);
			}
		}
		if (event->kind == RD_EVENT_RUN && g_strcmp0(event->word, "ended") == 0)
			facts->ended = event->wall;
		before = event->wall;
	}
	facts->last = before;
	facts->resumes = starts > 0 ? starts - 1 : 0;
	facts->elapsed =
	    (facts->ended != 0 ? facts->ended : view->wall) - rd_run_get_created_wall(view->run);
}

gboolean
rd_view_is_asking(const RdView *view, const RdRunHost *host)
{
	RdRunState state = rd_run_get_state(view->run);

	return view->engine == RD_ENGINE_ALIVE && rd_run_get_starts(view->run) > 0 &&
	       (state == RD_RUN_NEW || state == RD_RUN_RUNNING || state == RD_RUN_ROLLBACK) &&
	       host->plan->locked && !rd_host_is_off(host) && !host->surveyed &&
	       host->trouble_word == NULL;
}

gboolean
rd_view_is_orphaned(const RdView *view)
{
	switch (rd_run_get_state(view->run)) {
	case RD_RUN_NEW:
	case RD_RUN_RUNNING:
	case RD_RUN_PAUSING:
	case RD_RUN_CANCELLING:
	case RD_RUN_ENDING:
	case RD_RUN_ROLLBACK:
		return view->engine != RD_ENGINE_ALIVE;
	case RD_RUN_PAUSED:
	case RD_RUN_HELD:
	case RD_RUN_ENDED:
		break;
	}
	return FALSE;
}

/* clang-format off */
static const struct {
	const char *end, *headline, *ink;
} ends[] = {
    {"done",                "DONE",                RD_INK_GOOD},
    {"done with leftovers", "DONE WITH LEFTOVERS", RD_INK_WARN},
    {"cancelled",           "CANCELLED",           RD_INK_WARN},
    {"failed",              "FAILED",              RD_INK_BAD},
    {"rolled back",         "ROLLED BACK",         RD_INK_WARN},
    {"refused",             "REFUSED",             RD_INK_BAD},
    {"owing",               "OWING",               RD_INK_BAD},
};

static const struct {
	const char *headline, *ink;
} headlines[] = {
    [RD_RUN_NEW]        = {"STARTING",   RD_INK_WORK},
    [RD_RUN_RUNNING]    = {"RUNNING",    RD_INK_WORK},
    [RD_RUN_PAUSING]    = {"PAUSING",    RD_INK_WARN},
    [RD_RUN_PAUSED]     = {"PAUSED",     RD_INK_WARN},
    [RD_RUN_CANCELLING] = {"CANCELLING", RD_INK_WARN},
    [RD_RUN_HELD]       = {"HELD",       RD_INK_BAD},
    [RD_RUN_ENDED]      = {"ENDED",      RD_INK_BAD},
    [RD_RUN_ENDING]     = {"ENDING",     RD_INK_WARN},
    [RD_RUN_ROLLBACK]   = {"ROLLING BACK", RD_INK_WARN},
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(headlines) == RD_RUN_STATE_LAST + 1);

const char *
rd_view_get_headline(const RdView *view, const char **ink)
{
	RdRunState state = rd_run_get_state(view->run);

	if (rd_view_is_orphaned(view)) {
		*ink = RD_INK_BAD;
		return "NO ENGINE";
	}
	for (guint i = 0; state == RD_RUN_ENDED && i < G_N_ELEMENTS(ends); i++) {
		if (g_strcmp0(rd_run_get_end(view->run), ends[i].end) == 0) {
			*ink = ends[i].ink;
			return ends[i].headline;
		}
	}
	*ink = headlines[state].ink;
	return headlines[state].headline;
}

const RdPlanState *
rd_view_find_mark(const RdView *view, RdMark mark)
{
	const RdPlan *plan = rd_run_get_plan(view->run);

	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);

		if (state->mark == mark)
			return state;
	}
	return NULL;
}

GPtrArray *
rd_view_get_state_steps(const RdView *view, const RdPlanState *state)
{
	GPtrArray *steps = g_ptr_array_new();

	for (guint i = 0; i < state->targets->len; i++)
		g_ptr_array_add(steps, rd_run_find_step(view->run, state->name,
							g_ptr_array_index(state->targets, i)));
	return steps;
}

static RdStateLife
rd_view_final_life(RdLife life)
{
	switch (life) {
	case RD_LIFE_SKIPPED:
		return RD_STATE_SKIPPED;
	case RD_LIFE_CANCELLED:
		return RD_STATE_CANCELLED;
	case RD_LIFE_UNDONE:
		return RD_STATE_UNDONE;
	case RD_LIFE_FAILED:
		return RD_STATE_FAILED;
	default:
		return RD_STATE_DONE;
	}
}

/* the loudest of its steps: held before failed before at work; done only when all are */
RdStateLife
rd_view_get_state_life(const RdView *view, const RdPlanState *state)
{
	g_autoptr(GPtrArray) steps = rd_view_get_state_steps(view, state);
	guint counted = 0, final = 0, pending = 0, waiting = 0;
	RdStateLife over = RD_STATE_SKIPPED;
	gboolean held = FALSE, failed = FALSE;

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (!rd_advice_counts(view->run, step))
			continue;
		counted++;
		held = held || step->life == RD_LIFE_HELD || step->life == RD_LIFE_OWING;
		failed = failed || step->life == RD_LIFE_FAILED;
		pending += step->life == RD_LIFE_PENDING;
		waiting += step->life == RD_LIFE_WAITING;
		if (!rd_life_is_final(step->life))
			continue;
		final++;
		/* one that is done makes the state done, though others were skipped */
		if (over != RD_STATE_DONE)
			over = rd_view_final_life(step->life);
	}
	if (held)
		return RD_STATE_HELD;
	if (failed)
		return RD_STATE_FAILED;
	if (final == counted)
		return over;
	if (pending == counted)
		return RD_STATE_AHEAD;
	return waiting > 0 && waiting + final + pending == counted ? RD_STATE_WAITING
								   : RD_STATE_WORK;
}

const char *
rd_view_describe_life(const RdStep *step)
{
	switch (step->life) {
	case RD_LIFE_PENDING:
		return step->attempt > 0 ? "to be looked at again" : "ahead";
	case RD_LIFE_LOOKING:
		return "looking";
	case RD_LIFE_CHECKING:
		return "checking whether it is needed";
	case RD_LIFE_RUNNING:
		return "at work";
	case RD_LIFE_DOUBT:
		return "interrupted: waiting until nothing of it runs, then looking";
	case RD_LIFE_PROBING:
		return "looking at the result";
	case RD_LIFE_WAITING:
		return step->again ? "failed, to be tried again" : "no answer, to be asked again";
	case RD_LIFE_HELD:
		return step->intent ? "unknown outcome, needs your verdict"
				    : "refused, nothing was touched by it";
	case RD_LIFE_DONE:
		return "done";
	case RD_LIFE_SKIPPED:
		return "skipped";
	case RD_LIFE_FAILED:
		return "given up";
	case RD_LIFE_CANCELLED:
		return "cancelled";
	case RD_LIFE_UNDOING:
		return "being undone";
	case RD_LIFE_UNDONE:
		return "undone";
	case RD_LIFE_OWING:
		return "could not be given back";
	}
	return "?";
}
