/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does the plan tell the truth? A procedure is planned on a simulated cluster, then run on the very
 * same one, and what the hosts saw is held against what was written down.
 *
 * sim-plan PROCEDURE [LEAST [HALF]]: TAP. LEAST percent of the changes have to be planned byte by
 * byte. With HALF, what is planned is what is left of a run that was paused after so many
 * changes. With RD_VERBOSE in the environment every line of the plan is printed. */

#include "bastion.h"
#include "engine/forecast.h"
#include "plans.h"
#include "rehearsal/clock.h"
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UUID  "11111111-1111-4111-8111-111111111111"
#define LEAST 90 /* percent, unless it is given */

typedef struct {
	RdSimCluster *cluster;
	RdSimApi *api;
	RdCatalogue *catalogue;
	RdTypes *types;
	char *dir, *snapshot, *sha256;
	GPtrArray *seen; /* (element-type utf8) what hosts carried out: "host state verb …" */
	gboolean stuck, verbose;
	guint least;
	guint number, broken;
} Night;

static void
check(Night *self, gboolean ok, const char *what)
{
	printf("%sok %u - %s\n", ok ? "" : "not ", ++self->number, what);
	self->broken += !ok;
}

/* ---- both sides as lines ------------------------------------------------------------------- */

static void
add_words(GString *line, const char *const *words)
{
	for (guint i = 0; words != NULL && words[i] != NULL; i++)
		g_string_append_printf(line, " [%s]", words[i]);
}

static void
add_word(GString *line, const char *name, const char *word)
{
	if (word != NULL)
		g_string_append_printf(line, " %s=%s", name, word);
}

static char *
call_line(const char *host, const RdCall *call)
{
	GString *line = g_string_new(NULL);
	g_autofree char *mode = NULL, *size = NULL;

	g_string_printf(line, "%s %s %s", host, call->state, rd_call_verb_to_string(call->verb));
	add_words(line, call->argv);
	add_words(line, call->env);
	add_word(line, "name", call->name);
	add_word(line, "cwd", call->cwd);
	add_word(line, "from", call->from);
	if (call->verb != RD_CALL_MOVE_ASIDE)
		add_word(line, "to", call->to);
	if (call->verb == RD_CALL_PUT) {
		mode = g_strdup_printf("%04o", call->mode);
		size = g_strdup_printf("%" G_GINT64_FORMAT, call->size);
		add_word(line, "mode", mode);
		add_word(line, "bytes", size);
		add_word(line, "sha256", call->sha256);
	}
	return g_string_free(line, FALSE);
}

static void
add_list(GString *line, JsonObject *entry, const char *name)
{
	JsonArray *list =
	    json_object_has_member(entry, name) ? json_object_get_array_member(entry, name) : NULL;

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++)
		g_string_append_printf(line, " [%s]", json_array_get_string_element(list, i));
}

static char *
entry_line(JsonObject *entry)
{
	static const char *const names[] = {"name", "cwd", "from", "to", "mode", "bytes", "sha256"};
	const char *verb = rd_foreseen_get(entry, "verb");
	GString *line = g_string_new(NULL);

	g_string_printf(line, "%s %s %s", rd_foreseen_get(entry, "host"),
			rd_foreseen_get(entry, "state"), verb);
	if (g_str_has_prefix(verb, "api-"))
		add_word(line, "text", rd_foreseen_get(entry, "text"));
	add_list(line, entry, "argv");
	add_list(line, entry, "env");
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (!g_str_equal(names[i], "to") || !g_str_equal(verb, "move-aside"))
			add_word(line, names[i], rd_foreseen_get(entry, names[i]));
	return g_string_free(line, FALSE);
}

/* what a host does, not what was sent there: this is the hosts' own log */
static void
watch(Bastion *bastion, RdMoment moment, const char *target, const char *host, const RdCall *call,
      RdSimRequest *request, gpointer data)
{
	Night *self = data;

	if (moment != RD_MOMENT_ACTED || call == NULL || !rd_call_verb_touches(call->verb))
		return;
	/* a change through the API, and the fence of one: see below */
	if (call->state == NULL ||
	    (call->verb == RD_CALL_RUN && g_str_equal(call->argv[0], "true")))
		return;
	g_ptr_array_add(self->seen, call_line(host, call));
}

/* ---- trees --------------------------------------------------------------------------------- */

static void
hash_node(GChecksum *sum, const char *path, RdSimNode *node)
{
	g_autofree char *line =
	    g_strdup_printf("%s %o %" G_GUINT64_FORMAT " %s\n", path, node->mode, node->inode,
			    node->children == NULL ? rd_sim_node_sha256(node) : "");

	g_checksum_update(sum, (const guchar *)line, -1);
	for (guint i = 0; node->children != NULL && i < node->children->len; i++) {
		RdSimNode *child = g_ptr_array_index(node->children, i);
		g_autofree char *below = g_strdup_printf("%s/%s", path, child->name);

		hash_node(sum, below, child);
	}
}

/* of everything on all hosts */
static char *
hash_trees(Night *self)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		hash_node(sum, host->name, rd_sim_tree_find(host->tree, "/"));
	}
	return g_strdup(g_checksum_get_string(sum));
}

/* ---- plan and run -------------------------------------------------------------------------- */

static gint64
now(gpointer data)
{
	return rd_timeline_now(((Night *)data)->cluster->timeline);
}

static Bastion *
make_bastion(Night *self, const RdPlan *plan)
{
	/* a call that arrives after its caller gave up is not told of */
	const RdNetwork network = {.cluster = self->cluster, .api = self->api, .punctual = TRUE};
	Bastion *bastion =
	    bastion_new("bastion-1", "r-night-1", UUID, plan, self->catalogue, &network, self->dir);

	bastion->moment = watch;
	bastion->data = self;
	bastion->breaches = g_ptr_array_new_with_free_func(g_free);
	return bastion;
}

static void
drop_bastion(Night *self, Bastion *bastion)
{
	g_autoptr(GPtrArray) breaches = bastion->breaches;

	for (guint i = 0; i < breaches->len; i++)
		printf("# %s\n", (const char *)g_ptr_array_index(breaches, i));
	check(self, breaches->len == 0, "no promise was broken");
	bastion_free(bastion);
}

/* of a run that has not begun, or of what is left of @half when it is told @word */
static RdForecast *
make_forecast(Night *self, RdPlan *plan, Bastion *half, const char *word)
{
	Bastion *bastion = half != NULL ? half : make_bastion(self, plan);
	RdCrew *crew = rd_sim_crew_new(&bastion->network, self->catalogue, bastion->setting);
	g_autoptr(GPtrArray) events = rd_journal_read(bastion->journal, 0, NULL);
	g_autoptr(RdJournal) copy = rd_journal_new_memory();
	const guint seen = self->seen->len;
	const RdForecastOptions options = {.plan = plan,
					   .journal = copy,
					   .word = word,
					   .types = self->types,
					   .crew = crew,
					   .now = now,
					   .data = self};
	g_autoptr(GError) error = NULL;
	g_autofree char *before = hash_trees(self);
	g_autofree char *after = NULL;
	RdForecast *forecast;

	if (!rd_journal_append(copy, events, &error))
		g_error("%s", error->message);
	forecast = rd_forecast_make(&options, &error);
	if (forecast == NULL)
		printf("# %s\n", error->message);
	after = hash_trees(self);
	check(self, forecast != NULL, "it can be planned");
	check(self, self->seen->len == seen, "nothing that touches reached a host");
	check(self, g_str_equal(before, after), "all trees are as they were");
	crew->klass->free(crew);
	if (half == NULL)
		drop_bastion(self, bastion);
	return forecast;
}

/* what went through the API is not seen by a host: there the journal has to do */
static void
add_api_changes(Night *self, Bastion *bastion)
{
	g_autoptr(GPtrArray) events = rd_journal_read(bastion->journal, 0, NULL);

	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		if (event->kind == RD_EVENT_TOUCH && g_str_has_prefix(event->word, "api-"))
			g_ptr_array_add(self->seen,
					g_strdup_printf("%s %s %s text=%s", event->target,
							event->state, event->word, event->text));
	}
}

/* what `cancel` would do: it gives back, and begins nothing */
static void
check_way_out(Night *self, RdPlan *plan, Bastion *half)
{
	g_autoptr(RdForecast) forecast = make_forecast(self, plan, half, "cancel");
	gboolean back = forecast != NULL;

	for (guint i = 0; back && i < forecast->steps->len; i++)
		back = ((const RdForecastStep *)g_ptr_array_index(forecast->steps, i))->back;
	check(self, back, "its way out gives back and does nothing else");
}

/* With @half it is paused after so many changes, and what is left is planned: that is returned. */
static RdForecast *
run(Night *self, RdPlan *plan, RdPlan *left, guint half, GMainContext *context)
{
	Bastion *bastion = make_bastion(self, plan);
	RdForecast *forecast = NULL;
	g_autoptr(GError) error = NULL;

	bastion_start(bastion, NULL, NULL);
	while (half > 0 && !bastion->stopped && !self->stuck && self->seen->len < half)
		g_main_context_iteration(context, TRUE);
	if (half > 0) {
		if (!rd_engine_request(bastion->engine, "pause", NULL, NULL, "alice", "a look", 0,
				       &error))
			g_error("%s", error->message);
		while (!bastion->stopped && !self->stuck)
			g_main_context_iteration(context, TRUE);
		check_way_out(self, left, bastion);
		forecast = make_forecast(self, left, bastion, "resume");
		g_ptr_array_set_size(self->seen, 0);
		bastion_start(bastion, "resume", NULL);
	}
	while (!bastion->stopped && !self->stuck)
		g_main_context_iteration(context, TRUE);
	if (g_strcmp0(bastion_end(bastion), "done") != 0) {
		g_autofree char *causes = bastion_causes(bastion);

		printf("# %s\n", causes);
	}
	check(self, g_strcmp0(bastion_end(bastion), "done") == 0, "the run is done");
	add_api_changes(self, bastion);
	drop_bastion(self, bastion);
	return forecast;
}

/* ---- one held against the other ------------------------------------------------------------ */

typedef struct {
	char *line;
	const RdForecastStep *step;
	const char *depends;
	gboolean met;
} Promise;

static void
promise_free(gpointer data)
{
	g_free(((Promise *)data)->line);
	g_free(data);
}

static GPtrArray *
make_promises(Night *self, const RdForecast *forecast)
{
	GPtrArray *promises = g_ptr_array_new_with_free_func(promise_free);

	for (guint i = 0; i < forecast->steps->len; i++) {
		const RdForecastStep *step = g_ptr_array_index(forecast->steps, i);

		if (self->verbose)
			printf("# %s@%s: %s%s %s%s%s\n", step->plan->name, step->target,
			       rd_forecast_word_to_string(step->word), step->then ? " then" : "",
			       step->text != NULL ? step->text : "",
			       step->open != NULL ? " OPEN: " : "",
			       step->open != NULL ? step->open : "");
		for (guint j = 0; j < json_array_get_length(step->entries); j++) {
			JsonObject *entry = json_array_get_object_element(step->entries, j);
			Promise *promise;

			if (g_str_equal(rd_foreseen_get(entry, "verb"), "fetch"))
				continue;
			promise = g_new0(Promise, 1);
			promise->line = entry_line(entry);
			promise->step = step;
			promise->depends = rd_foreseen_get(entry, "depends");
			g_ptr_array_add(promises, promise);
			if (self->verbose)
				printf("#   plan %s%s%s\n", promise->line,
				       promise->depends != NULL ? " DEPENDS: " : "",
				       promise->depends != NULL ? promise->depends : "");
		}
	}
	return promises;
}

static Promise *
find_promise(GPtrArray *promises, const char *line)
{
	for (guint i = 0; i < promises->len; i++) {
		Promise *promise = g_ptr_array_index(promises, i);

		if (!promise->met && g_str_equal(promise->line, line))
			return promise;
	}
	return NULL;
}

/* a step of the same host and state that says that more may follow, or that it is decided then */
static gboolean
is_open(const RdForecast *forecast, const char *line)
{
	for (guint i = 0; i < forecast->steps->len; i++) {
		const RdForecastStep *step = g_ptr_array_index(forecast->steps, i);
		g_autofree char *start = g_strdup_printf("%s %s ", step->target, step->plan->name);

		if (g_str_has_prefix(line, start) &&
		    (step->open != NULL || step->when != NULL || step->word == RD_FORECAST_THEN))
			return TRUE;
	}
	return FALSE;
}

/* an object of the API that is patched before: the change is planned and marked, and carries the
 * resourceVersion that nobody could know */
static gboolean
is_marked(const GPtrArray *promises, const char *line)
{
	const char *body = strstr(line, " {");
	gsize size = body != NULL ? (gsize)(body - line) : strlen(line);

	for (guint i = 0; i < promises->len; i++) {
		const Promise *promise = g_ptr_array_index(promises, i);

		if (promise->depends != NULL && strstr(line, " api-") != NULL &&
		    strncmp(promise->line, line, size) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
compare(Night *self, const RdForecast *forecast)
{
	g_autoptr(GPtrArray) promises = make_promises(self, forecast);
	guint exact = 0, guessed = 0, open = 0, missed = 0, unmet = 0;
	g_autofree char *text = NULL;

	for (guint i = 0; i < self->seen->len; i++) {
		const char *line = g_ptr_array_index(self->seen, i);
		Promise *promise = find_promise(promises, line);

		if (promise != NULL) {
			promise->met = TRUE;
			exact++;
			guessed += promise->depends != NULL;
		} else if (is_open(forecast, line) || is_marked(promises, line)) {
			open++;
			printf("# depends: %s\n", line);
		} else {
			missed++;
			printf("# not in the plan: %s\n", line);
		}
	}
	for (guint i = 0; i < promises->len; i++) {
		const Promise *promise = g_ptr_array_index(promises, i);

		if (promise->met || promise->depends != NULL || promise->step->when != NULL)
			continue;
		unmet++;
		printf("# planned, not done: %s\n", promise->line);
	}
	text = g_strdup_printf(
	    "of %u changes %u%% were planned byte by byte (%u of them marked: depends), %u%% "
	    "depend on what is found then",
	    self->seen->len, exact * 100 / MAX(self->seen->len, 1), guessed,
	    open * 100 / MAX(self->seen->len, 1));
	check(self, self->seen->len > 0 && exact * 100 >= self->least * self->seen->len, text);
	check(self, missed == 0, "every change was in the plan, or is so marked");
	check(self, unmet == 0, "what was planned without a condition was done");
}

static void
stuck(gpointer data)
{
	((Night *)data)->stuck = TRUE;
}

int
main(int argc, char **argv)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	Night self = {.catalogue = rd_catalogue_new(),
		      .cluster = rd_scenery_quorum_lost(1, 3),
		      .verbose = g_getenv("RD_VERBOSE") != NULL,
		      .least = argc > 2 ? (guint)atoi(argv[2]) : LEAST,
		      .seen = g_ptr_array_new_with_free_func(g_free)};
	GMainContext *context = g_main_context_new();
	g_autoptr(JsonNode) description = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(RdForecast) forecast = NULL;
	guint half = argc > 3 ? (guint)atoi(argv[3]) : 0;
	RdPlan *planned, *done;
	RdClock *clock;

	if (argc < 2 || !rd_catalogue_load_dir(self.catalogue, plugins, &error))
		g_error("%s", argc < 2 ? "sim-plan PROCEDURE [LEAST [HALF]]" : error->message);
	description = rd_catalogue_describe(self.catalogue);
	self.types = rd_types_new(description, NULL);
	self.dir = g_dir_make_tmp("rd-sim-plan-XXXXXX", NULL);
	sim_write_backup(self.dir, FALSE, &self.snapshot, &self.sha256);
	planned = sim_plan(self.catalogue, argv[1], 3, self.snapshot, self.sha256);
	done = sim_plan(self.catalogue, argv[1], 3, self.snapshot, self.sha256);
	if (g_str_equal(planned->procedure, "vip"))
		rd_scenery_add_keepalived(self.cluster);
	self.api = rd_scenery_api(self.cluster, "m0");
	g_main_context_push_thread_default(context);
	clock = rd_clock_new(self.cluster->timeline, context, stuck, &self);
	if (half > 0)
		forecast = run(&self, done, planned, half, context);
	else
		forecast = make_forecast(&self, planned, NULL, NULL);
	if (forecast != NULL && half == 0)
		(void)run(&self, done, NULL, 0, context);
	if (forecast != NULL)
		compare(&self, forecast);
	printf("1..%u\n", self.number);
	rd_clock_free(clock);
	g_main_context_pop_thread_default(context);
	g_main_context_unref(context);
	g_clear_pointer(&forecast, rd_forecast_free);
	rd_plan_free(planned);
	rd_plan_free(done);
	rd_sim_api_free(self.api);
	rd_sim_cluster_free(self.cluster);
	rd_types_free(self.types);
	rd_catalogue_free(self.catalogue);
	g_ptr_array_unref(self.seen);
	g_free(self.dir);
	g_free(self.snapshot);
	g_free(self.sha256);
	return self.broken > 0;
}
