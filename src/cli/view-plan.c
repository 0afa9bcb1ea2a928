/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "cli/view-plan.h"
#include "procedure/template.h"
#include "yaml/format.h"

#define RD_PLAN_NAMES_MOST 40 /* columns for "state@host" */

typedef struct {
	GString *page;
	const RdScreen *screen;
	const RdPlanned *planned;
	const RdHistory *history;
	gboolean full;
	guint names; /* columns of the longest name */
	guint changes, depends, open;
} RdPlanView;

static const struct {
	RdSign sign;
	const char *ink, *text;
} stands[] = {
    [RD_FORECAST_CHANGE] = {RD_SIGN_AHEAD, RD_INK_BOLD, NULL},
    [RD_FORECAST_ALREADY] = {RD_SIGN_DONE, RD_INK_GOOD, "already true"},
    [RD_FORECAST_THEN] = {RD_SIGN_AHEAD, RD_INK_DIM, "checked then"},
    [RD_FORECAST_ASKED] = {RD_SIGN_DONE, RD_INK_DIM, "asked, and asked again then"},
    [RD_FORECAST_HOLDS] = {RD_SIGN_DONE, RD_INK_DIM, "holds now, waited for then"},
    [RD_FORECAST_WAITS] = {RD_SIGN_WAITING, RD_INK_DIM, "waits, or asks then"},
    [RD_FORECAST_SKIPPED] = {RD_SIGN_SKIPPED, RD_INK_DIM, "skipped"},
    [RD_FORECAST_REFUSED] = {RD_SIGN_FAILED, RD_INK_BAD, "would be refused"},
};

G_STATIC_ASSERT(G_N_ELEMENTS(stands) == RD_FORECAST_LAST + 1);

static char *
rd_plan_name(const RdForecastStep *step)
{
	return g_strdup_printf("%s@%s", step->plan->name, step->target);
}

/* ---- marks, gates and spans stand between the steps ---------------------------------------- */

static const char *
rd_mark_words(RdMark mark)
{
	return mark == RD_MARK_RESCUE_COPY
		   ? "rescue copy: what lives is saved before the first change"
	       : mark == RD_MARK_HOST_UNDO_ENDS
		   ? "from here no single host goes back alone (host-undo-ends)"
		   : "point of no return: the API serves the new data; rollback ends here";
}

/* the template with what is known by now filled in. (transfer full) */
static char *
rd_plan_at_most(RdPlanView *self, const RdPlanState *state)
{
	GPtrArray *steps = self->planned->forecast->steps;
	g_autoptr(GHashTable) values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < steps->len; i++) {
		const RdForecastStep *step = g_ptr_array_index(steps, i);
		GHashTableIter iter;
		gpointer name, value;

		g_hash_table_iter_init(&iter, step->outputs);
		while (g_hash_table_iter_next(&iter, &name, &value))
			g_hash_table_insert(
			    values, g_strdup_printf("%s.%s", step->plan->name, (char *)name),
			    value);
	}
	return rd_template_fill(state->at_most, values);
}

static void
rd_plan_view_width(RdPlanView *self, const RdPlanState *state)
{
	const RdPlan *plan = self->planned->open->plan;
	const RdPlanUnit *unit =
	    g_ptr_array_index(plan->units, rd_plan_find_unit(plan, state->name));
	g_autofree char *most = NULL;

	if (state->at_most == NULL || plan->states->pdata[unit->first] != state)
		return;
	most = rd_plan_at_most(self, state);
	rd_page_printf(self->page, self->screen, 2, 4, RD_INK_DIM "%s: %u at a time%s%s" RD_INK_END,
		       unit->name, state->width, state->width > 1 ? ", no more than " : "",
		       state->width > 1 ? most : "");
}

static void
rd_plan_view_between(RdPlanView *self, const RdPlanState *state)
{
	rd_plan_view_width(self, state);
	if (state->gate != NULL)
		rd_page_printf(self->page, self->screen, 2, 4,
			       RD_INK_WARN "gate %s" RD_INK_END "  %s%s%s", state->gate->name,
			       state->gate->always ? "asks always" : "asks, or --approve",
			       state->gate->named ? ", with the cluster's name" : "",
			       state->gate->text != NULL ? ":" : "");
	if (state->gate != NULL && state->gate->text != NULL)
		rd_page_add(self->page, self->screen, 6, 6, state->gate->text);
	if (state->mark != RD_MARK_NONE)
		rd_page_printf(self->page, self->screen, 2, 4, RD_INK_WARN "---- %s" RD_INK_END,
			       rd_mark_words(state->mark));
	if (state->borrow != NULL)
		rd_page_printf(self->page, self->screen, 2, 4,
			       RD_INK_DIM "borrowed here, given back %s%s" RD_INK_END,
			       strcmp(state->borrow, RD_UNTIL_END) == 0 ? "at the " : "before ",
			       state->borrow);
	if (state->beside != NULL)
		rd_page_printf(self->page, self->screen, 2, 4,
			       RD_INK_DIM "beside what follows, until %s%s" RD_INK_END,
			       strcmp(state->beside, RD_UNTIL_END) == 0 ? "the " : "",
			       state->beside);
}

/* ---- one step ------------------------------------------------------------------------------ */

static void
rd_plan_view_entry(RdPlanView *self, JsonObject *entry)
{
	const char *depends = rd_foreseen_get(entry, "depends");
	g_autofree char *text = rd_planned_text(self->planned, rd_foreseen_get(entry, "text"));
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *clean = rd_screen_clean(lines[i]);

		rd_page_printf(self->page, self->screen, i == 0 ? 6 : 8, 10, "%s%s%s",
			       i == 0 ? rd_foreseen_get(entry, "verb") : "", i == 0 ? "  " : "",
			       clean);
	}
	if (depends != NULL) {
		g_autofree char *shown = rd_planned_text(self->planned, depends);
		g_autofree char *clean = rd_screen_clean(shown);

		rd_page_printf(self->page, self->screen, 10, 10,
			       RD_INK_DIM "depends on %s" RD_INK_END, clean);
	}
}

static char *
rd_plan_step_words(RdPlanView *self, const RdForecastStep *step)
{
	guint n = json_array_get_length(step->entries);
	GString *text = g_string_new(NULL);
	guint depends = 0, files = 0;

	for (guint i = 0; i < n; i++) {
		JsonObject *entry = json_array_get_object_element(step->entries, i);

		depends += rd_foreseen_get(entry, "depends") != NULL;
		files += g_str_equal(rd_foreseen_get(entry, "verb"), "fetch");
	}
	self->changes += n - files;
	self->depends += depends;
	self->open += step->open != NULL;
	if (step->back)
		g_string_append(text, "gives back, ");
	if (step->word == RD_FORECAST_CHANGE)
		g_string_append_printf(text, "%u %s", n - files,
				       n - files == 1 ? "change" : "changes");
	else
		g_string_append(text, stands[step->word].text);
	if (files > 0)
		g_string_append_printf(text, ", %u fetched", files);
	if (depends > 0)
		g_string_append_printf(text, ", %u depend", depends);
	if (step->when != NULL)
		g_string_append_printf(text, ", only if %s", step->when);
	if (step->open != NULL)
		g_string_append(text, n > files ? ", perhaps more" : ", decided then");
	for (guint i = 0; !step->back && i < step->plan->guards->len; i++)
		g_string_append_printf(
		    text, "%s%s", i == 0 ? ", guard " : ", ",
		    ((const RdPlanGuard *)g_ptr_array_index(step->plan->guards, i))->type);
	return g_string_free(text, FALSE);
}

/* what a query has found, in its own words: its output "note" */
static void
rd_plan_view_note(RdPlanView *self, const RdForecastStep *step)
{
	const char *note = g_hash_table_lookup(step->outputs, "note");
	g_autofree char *shown = note != NULL ? rd_planned_text(self->planned, note) : NULL;
	g_autofree char *line = shown != NULL ? rd_screen_clean(shown) : NULL;

	if (line != NULL && *line != '\0' && step->word == RD_FORECAST_ASKED)
		rd_page_add(self->page, self->screen, 6, 6, line);
}

static void
rd_plan_view_step(RdPlanView *self, const RdForecastStep *step, gboolean first)
{
	g_autofree char *name = rd_plan_name(step);
	g_autofree char *padded = rd_screen_pad(name, self->names);
	g_autofree char *words = rd_plan_step_words(self, step);
	g_autofree char *shown = rd_planned_text(self->planned, words);
	g_autofree char *clean = rd_screen_clean(shown);
	gint64 span = first ? rd_history_get(self->history, step->plan->name) : -1;
	g_autofree char *took = span >= 0 ? rd_format_duration(span) : NULL;

	rd_page_printf(self->page, self->screen, 2, self->names + 6,
		       "%s%s %s" RD_INK_END "  %s%s%s%s", stands[step->word].ink,
		       rd_screen_sign(self->screen, stands[step->word].sign), padded, clean,
		       took != NULL ? RD_INK_DIM "  took " : "", took != NULL ? took : "",
		       took != NULL ? RD_INK_END : "");
	if (step->text != NULL && (self->full || step->word == RD_FORECAST_REFUSED ||
				   step->word == RD_FORECAST_SKIPPED)) {
		g_autofree char *why = rd_planned_text(self->planned, step->text);
		g_autofree char *line = rd_screen_clean(why);

		rd_page_add(self->page, self->screen, 6, 6, line);
	}
	rd_plan_view_note(self, step);
	for (guint i = 0; self->full && i < json_array_get_length(step->entries); i++)
		rd_plan_view_entry(self, json_array_get_object_element(step->entries, i));
	if (self->full && step->open != NULL) {
		g_autofree char *open = rd_planned_text(self->planned, step->open);
		g_autofree char *line = rd_screen_clean(open);

		rd_page_printf(self->page, self->screen, 6, 8,
			       RD_INK_DIM "what follows depends on: %s" RD_INK_END, line);
	}
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void
rd_plan_view_head(RdPlanView *self, JsonObject *file)
{
	JsonObject *declares = json_object_get_object_member(file, "declares");
	GPtrArray *hosts = rd_run_get_hosts(self->planned->open->run);
	GHashTableIter iter;
	gpointer host, found;

	rd_page_printf(self->page, self->screen, 0, 2,
		       RD_INK_BOLD "%s for %s" RD_INK_END "  plan %.12s",
		       self->planned->open->plan->procedure, self->planned->open->plan->cluster,
		       rd_foreseen_get(file, "digest"));
	rd_page_printf(self->page, self->screen, 2, 4, "%s, %s",
		       rd_foreseen_get(declares, "procedure"),
		       rd_foreseen_get(declares, "inventory"));
	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *one = g_ptr_array_index(hosts, i);
		g_autofree char *why =
		    one->excused && one->excuse != NULL ? rd_screen_clean(one->excuse) : NULL;

		if (why != NULL)
			rd_page_printf(self->page, self->screen, 2, 4,
				       RD_INK_WARN "%s" RD_INK_END "  takes no part: %s",
				       one->plan->name, why);
	}
	g_hash_table_iter_init(&iter, self->planned->forecast->hosts);
	while (g_hash_table_iter_next(&iter, &host, &found)) {
		g_autofree char *clean = rd_screen_clean(found);

		if (*clean != '\0')
			rd_page_printf(self->page, self->screen, 2, 4,
				       RD_INK_BAD "%s" RD_INK_END "  %s", (char *)host, clean);
	}
	if (json_object_has_member(file, "loss")) {
		g_autofree char *loss = rd_screen_clean(
		    rd_foreseen_get(json_object_get_object_member(file, "loss"), "text"));

		rd_page_printf(self->page, self->screen, 2, 4, RD_INK_WARN "loss" RD_INK_END "  %s",
			       loss);
	}
	if (g_hash_table_contains(self->planned->forecast->silent, RD_CLUSTER))
		rd_page_add(self->page, self->screen, 2, 4,
			    RD_INK_DIM
			    "the Kubernetes API does not answer now: what is asked there "
			    "is decided then" RD_INK_END);
}

/* microseconds of all units, one after the other; *known: how many the history knows */
static gint64
rd_plan_view_time(RdPlanView *self, gint64 *most, gboolean *known)
{
	const RdPlan *plan = self->planned->open->plan;
	gint64 took = 0;

	*most = 0;
	*known = FALSE;
	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);
		gint64 span = rd_history_get(self->history, state->name);
		/* what is allowed beside may come down to one */
		guint width = state->at_most != NULL ? 1 : MAX(state->width, 1);
		guint rounds = (state->targets->len + width - 1) / width;

		if (state->beside != NULL)
			continue;
		*most += (gint64)MAX(state->timeout_s, state->longest_s) * rounds * G_USEC_PER_SEC;
		*known = *known || span >= 0;
		took += MAX(span, 0);
	}
	return took;
}

static void
rd_plan_view_foot(RdPlanView *self)
{
	gint64 most;
	gboolean known;
	gint64 span = rd_plan_view_time(self, &most, &known);
	g_autofree char *took = rd_format_duration(span);
	g_autofree char *limit = rd_format_duration(most);

	rd_page_printf(self->page, self->screen, 0, 2,
		       "%u changes in %u steps; %u of them depend on what is made before them, %u "
		       "steps may do more or less by what is found then",
		       self->changes, self->planned->forecast->steps->len, self->depends,
		       self->open);
	if (known)
		rd_page_printf(self->page, self->screen, 0, 2,
			       "It took about %s before (%s and older runs here); %s is the most "
			       "that its deadlines allow",
			       took, self->history->run, limit);
	else
		rd_page_printf(self->page, self->screen, 0, 2,
			       "No earlier run of it here tells how long it takes; %s is the most "
			       "that its deadlines allow",
			       limit);
}

void
rd_view_plan(GString *page, const RdScreen *screen, const RdPlanned *planned, JsonNode *file,
	     const RdHistory *history, gboolean full)
{
	RdPlanView self = {.page = page,
			   .screen = screen,
			   .planned = planned,
			   .history = history,
			   .full = full};
	GPtrArray *steps = planned->forecast->steps;
	g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);

	for (guint i = 0; i < steps->len; i++) {
		g_autofree char *name = rd_plan_name(g_ptr_array_index(steps, i));

		self.names = MAX(self.names, MIN(rd_screen_columns(name), RD_PLAN_NAMES_MOST));
	}
	rd_plan_view_head(&self, json_node_get_object(file));
	for (guint i = 0; i < steps->len; i++) {
		const RdForecastStep *step = g_ptr_array_index(steps, i);
		gboolean first = !step->back && g_hash_table_add(seen, (gpointer)step->plan);

		if (first)
			rd_plan_view_between(&self, step->plan);
		rd_plan_view_step(&self, step, first);
	}
	rd_plan_view_foot(&self);
}
