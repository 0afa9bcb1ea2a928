/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "view-private.h"
#include "yaml/format.h"

/* The middle of the page of `status`: a line for each state, and what is at work in detail. */

#define INDENT 7 /* where the detail of a state begins */

/* clang-format off */
static const struct {
	RdSign sign;
	const char *ink;
} looks[] = {
    [RD_STATE_AHEAD]     = {RD_SIGN_AHEAD,   RD_INK_DIM},
    [RD_STATE_WORK]      = {RD_SIGN_WORK,    RD_INK_WORK},
    [RD_STATE_WAITING]   = {RD_SIGN_WAITING, RD_INK_WARN},
    [RD_STATE_HELD]      = {RD_SIGN_HELD,    RD_INK_BAD},
    [RD_STATE_DONE]      = {RD_SIGN_DONE,    RD_INK_GOOD},
    [RD_STATE_SKIPPED]   = {RD_SIGN_SKIPPED, RD_INK_DIM},
    [RD_STATE_FAILED]    = {RD_SIGN_FAILED,  RD_INK_BAD},
    [RD_STATE_CANCELLED] = {RD_SIGN_SKIPPED, RD_INK_WARN},
    [RD_STATE_UNDONE]    = {RD_SIGN_SKIPPED, RD_INK_WARN},
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(looks) == RD_STATE_LAST + 1);

static RdStateLife
rd_page_step_life(const RdStep *step)
{
	switch (step->life) {
	case RD_LIFE_PENDING:
		return RD_STATE_AHEAD;
	case RD_LIFE_WAITING:
		return RD_STATE_WAITING;
	case RD_LIFE_HELD:
	case RD_LIFE_OWING:
		return RD_STATE_HELD;
	case RD_LIFE_DONE:
		return RD_STATE_DONE;
	case RD_LIFE_SKIPPED:
		return RD_STATE_SKIPPED;
	case RD_LIFE_FAILED:
		return RD_STATE_FAILED;
	case RD_LIFE_CANCELLED:
		return RD_STATE_CANCELLED;
	case RD_LIFE_UNDONE:
		return RD_STATE_UNDONE;
	default:
		return RD_STATE_WORK;
	}
}

static char *
rd_page_ink(const char *ink, const char *text)
{
	return g_strdup_printf("%s%s" RD_INK_END, ink, text);
}

static char *
rd_page_sign(RdPage *self, RdStateLife life)
{
	return rd_page_ink(looks[life].ink, rd_screen_sign(self->screen, looks[life].sign));
}

/* from the first begin to the last end, or to now */
static char *
rd_page_state_took(RdPage *self, GPtrArray *steps, RdStateLife life)
{
	gint64 began = 0, ended = 0;
	gboolean open = life == RD_STATE_WORK || life == RD_STATE_WAITING || life == RD_STATE_HELD;

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (step->wall_began != 0 && (began == 0 || step->wall_began < began))
			began = step->wall_began;
		ended = MAX(ended, step->wall_ended);
	}
	if (began == 0)
		return g_strdup("");
	return rd_format_duration((open ? self->view->wall : ended) - began);
}

/* "3 hosts, m2 excused", for what is the same on all of them */
static char *
rd_page_count_targets(RdPage *self, GPtrArray *steps)
{
	g_autoptr(GString) excused = g_string_new(NULL);
	const char *last = NULL;
	guint n = 0;

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (rd_advice_counts(self->view->run, step)) {
			n++;
			last = step->target;
		} else {
			g_string_append_printf(excused, ", %s excused", step->target);
		}
	}
	if (n == 1)
		return g_strdup_printf("%s%s", last, excused->str);
	return g_strdup_printf("%u hosts%s", n, excused->str);
}

/* nobody knows yet how long it takes; how long it may is known */
static char *
rd_page_allowed(const RdPlanState *state, guint n)
{
	guint most = MAX(state->timeout_s, state->longest_s);
	g_autofree char *span = rd_format_duration((gint64)most * G_USEC_PER_SEC);

	return state->timeout_s == 0
		   ? g_strdup("")
		   : g_strdup_printf(", at most %s%s", span, n > 1 ? " each" : "");
}

/* "m0 ✓  m1 ▶  m2 ·" while it is at work; else what the one step found, or how many there are */
static char *
rd_page_state_targets(RdPage *self, const RdPlanState *state, GPtrArray *steps, RdStateLife life)
{
	g_autofree char *allowed = rd_page_allowed(state, steps->len);
	g_autoptr(GString) text = g_string_new(NULL);
	const RdStep *only = steps->len == 1 ? g_ptr_array_index(steps, 0) : NULL;

	if (only != NULL) {
		const char *note =
		    rd_run_get_output(self->view->run, state->name, only->target, "note");
		const char *found = only->text != NULL ? only->text : note;
		g_autofree char *clean =
		    rd_screen_clean(rd_life_is_final(only->life) ? found : NULL);

		return g_strdup_printf("%s%s%s%s", only->target, *clean != '\0' ? ": " : "", clean,
				       life == RD_STATE_AHEAD ? allowed : "");
	}
	if (life == RD_STATE_AHEAD || life == RD_STATE_DONE) {
		g_autofree char *targets = rd_page_count_targets(self, steps);

		return g_strconcat(targets, life == RD_STATE_AHEAD ? allowed : "", NULL);
	}
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		g_autofree char *sign = rd_page_sign(self, rd_page_step_life(step));

		g_string_append_printf(text, "%s%s" RD_SPACE "%s", i > 0 ? "  " : "", step->target,
				       rd_advice_counts(self->view->run, step) ? sign : "excused");
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

/* where its time begins anew when it moves on: when it did, and when it is over all the same */
static char *
rd_page_whole(RdPage *self, const RdStep *step)
{
	gint64 moved = rd_step_last_moved(step), clock = self->view->clock;
	gint64 left = rd_step_whole_deadline(step) - clock;
	g_autofree char *ago = rd_format_duration(MAX(clock - moved, 0));
	g_autofree char *at = rd_format_time(self->view->wall + left, self->view->wall);

	if (step->plan->longest_s == 0 || rd_step_deadline(step) >= rd_step_whole_deadline(step))
		return g_strdup("");
	return g_strdup_printf("%s%s%s; at most until %s", moved != 0 ? "; moved on " : "",
			       moved != 0 ? ago : "", moved != 0 ? " ago" : "", at);
}

/* until when, as far as it is known: the clock of a run stands still without an engine */
static char *
rd_page_deadline(RdPage *self, const RdStep *step)
{
	gint64 left = rd_step_deadline(step) - self->view->clock;
	g_autofree char *span = rd_format_duration(ABS(left));
	g_autofree char *at = rd_format_time(self->view->wall + left, self->view->wall);
	g_autofree char *whole = rd_page_whole(self, step);

	if ((step->started == 0 && step->attempt == 0) || step->plan->beside != NULL)
		return g_strdup("");
	if (self->view->engine != RD_ENGINE_ALIVE)
		return left > 0 ? g_strdup_printf(", %s left once an engine runs", span)
				: g_strdup(", its time is over");
	if (left <= 0)
		return g_strdup_printf(", its time was over at %s", at);
	return g_strdup_printf(", until %s (%s left%s)", at, span, whole);
}

static void
rd_page_step_at_work(RdPage *self, const RdStep *step)
{
	const RdProgress *progress = self->view->progress != NULL
					 ? g_hash_table_lookup(self->view->progress, step->lane)
					 : NULL;
	g_autofree char *since = rd_format_time(step->wall_since, self->view->wall);
	g_autofree char *span = rd_format_duration(self->view->wall - step->wall_since);
	g_autofree char *until = rd_page_deadline(self, step);
	g_autofree char *text = rd_screen_clean(step->text);
	g_autofree char *attempt = step->attempt > 1 || step->plan->tries > 1
				       ? g_strdup_printf(", attempt %u of %u", step->attempt,
							 MAX(step->plan->tries, step->attempt))
				       : g_strdup("");

	rd_page_printf(self->page, self->screen, INDENT, INDENT + 2,
		       "%s  %s%s" RD_INK_END ", since %s (%s)%s%s", step->target,
		       looks[rd_page_step_life(step)].ink, rd_view_describe_life(step), since, span,
		       until, attempt);
	if (step->doubt_since != 0) {
		g_autofree char *silent = rd_format_duration(self->view->clock - step->doubt_since);

		rd_page_printf(self->page, self->screen, INDENT + 2, INDENT + 4,
			       "no answer for %s%s%s", silent, *text != '\0' ? ": " : "", text);
	} else if (*text != '\0') {
		rd_page_printf(self->page, self->screen, INDENT + 2, INDENT + 4, "last: %s", text);
	}
	if (progress != NULL && self->view->engine == RD_ENGINE_ALIVE &&
	    progress->at >= step->wall_began) {
		g_autofree char *line = rd_screen_clean(progress->text);
		g_autofree char *ago = rd_format_duration(self->view->wall - progress->at);

		rd_page_printf(self->page, self->screen, INDENT + 2, INDENT + 4,
			       RD_INK_BOLD "%s" RD_INK_END " (%s ago)", line, ago);
	}
}

/* every step of it, for -o wide */
static void
rd_page_step_wide(RdPage *self, const RdStep *step)
{
	g_autofree char *sign = rd_page_sign(self, rd_page_step_life(step));
	g_autofree char *text = rd_screen_clean(step->text);
	g_autofree char *began = step->wall_began != 0
				     ? rd_format_time(step->wall_began, self->view->wall)
				     : g_strdup("-");
	g_autofree char *took = step->wall_ended != 0
				    ? rd_format_duration(step->wall_ended - step->wall_began)
				    : g_strdup("");

	if (!rd_advice_counts(self->view->run, step)) {
		rd_page_printf(self->page, self->screen, INDENT, INDENT + 2, "%s  excused",
			       step->target);
		return;
	}
	rd_page_printf(self->page, self->screen, INDENT, INDENT + 2,
		       "%s %s  %s  %s  %s  visit %u attempt %u  touches %u%s%s%s%s", sign,
		       step->target, rd_view_describe_life(step), began, took, step->visit,
		       step->attempt, step->touches, step->outcome != NULL ? "  outcome " : "",
		       step->outcome != NULL ? step->outcome : "", *text != '\0' ? "  " : "", text);
}

static guint
rd_page_name_columns(RdPage *self)
{
	const RdPlan *plan = rd_run_get_plan(self->view->run);
	guint columns = 0;

	for (guint i = 0; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);

		columns = MAX(columns, strlen(state->name));
	}
	return MIN(columns, 28);
}

/* how many hosts of its group at a time, once that is known: under the first state at work */
static void
rd_page_width(RdPage *self, const RdPlanState *state, RdStateLife life)
{
	const RdPlan *plan = rd_run_get_plan(self->view->run);
	const RdPlanUnit *unit =
	    g_ptr_array_index(plan->units, rd_plan_find_unit(plan, state->name));
	g_autofree char *text = NULL;

	if (plan->states->pdata[unit->first] != state ||
	    (life != RD_STATE_WORK && life != RD_STATE_WAITING && life != RD_STATE_HELD))
		return;
	text = rd_run_get_width_text(self->view->run, state);
	if (text != NULL)
		rd_page_printf(self->page, self->screen, INDENT, INDENT, RD_INK_DIM "%s" RD_INK_END,
			       text);
}

static void
rd_page_state(RdPage *self, guint index, const RdPlanState *state)
{
	g_autoptr(GPtrArray) steps = rd_view_get_state_steps(self->view, state);
	RdStateLife life = rd_view_get_state_life(self->view, state);
	g_autofree char *sign = rd_page_sign(self, life);
	g_autofree char *name = rd_screen_pad(state->name, rd_page_name_columns(self));
	g_autofree char *took = rd_page_state_took(self, steps, life);
	g_autofree char *targets = rd_page_state_targets(self, state, steps, life);
	const char *bold = life == RD_STATE_WORK || life == RD_STATE_HELD ? RD_INK_BOLD : "";
	gboolean alone = self->screen->width != 0 && self->screen->width < 60;

	rd_page_printf(self->page, self->screen, 2, INDENT, "%s %3u %s%s%s  %7s%s%s%s%s%s%s%s",
		       sign, index + 1, bold, alone ? state->name : name,
		       *bold != '\0' ? RD_INK_END : "", took, *targets != '\0' ? "  " : "", targets,
		       self->form == RD_FORM_WIDE ? "  " : "",
		       self->form == RD_FORM_WIDE ? state->type : "",
		       state->mark != RD_MARK_NONE ? "  " RD_INK_WARN "<<" RD_SPACE : "",
		       state->mark != RD_MARK_NONE ? rd_mark_to_string(state->mark) : "",
		       state->mark != RD_MARK_NONE ? RD_INK_END : "");
	rd_page_width(self, state, life);
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (rd_advice_counts(self->view->run, step) && rd_life_is_at_work(step->life) &&
		    rd_run_get_state(self->view->run) != RD_RUN_ENDED)
			rd_page_step_at_work(self, step);
		else if (self->form == RD_FORM_WIDE)
			rd_page_step_wide(self, step);
	}
}

/* compact: a stretch of states with the same look is one line */
static guint
rd_page_stretch(RdPage *self, const RdPlan *plan, guint from)
{
	RdStateLife life = rd_view_get_state_life(self->view, plan->states->pdata[from]);
	g_autofree char *sign = rd_page_sign(self, life);
	const RdPlanState *first = g_ptr_array_index(plan->states, from);
	const RdPlanState *last = first;
	guint n = 0;

	if (self->form != RD_FORM_COMPACT || (life != RD_STATE_DONE && life != RD_STATE_AHEAD))
		return 0;
	for (guint i = from; i < plan->states->len; i++) {
		const RdPlanState *state = g_ptr_array_index(plan->states, i);

		if (rd_view_get_state_life(self->view, state) != life)
			break;
		last = state;
		n++;
	}
	if (n < 3)
		return 0;
	rd_page_printf(self->page, self->screen, 2, INDENT, "%s %u-%u %s to %s", sign, from + 1,
		       from + n, first->name, last->name);
	return n;
}

void
rd_page_states(RdPage *self)
{
	const RdPlan *plan = rd_run_get_plan(self->view->run);

	for (guint i = 0; i < plan->states->len;) {
		guint n = rd_page_stretch(self, plan, i);

		if (n == 0)
			rd_page_state(self, i, g_ptr_array_index(plan->states, i));
		i += MAX(n, 1);
	}
}
