/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "view.h"
#include "yaml/format.h"

/* For a telephone: what one needs to know before getting up. */

#define COLUMNS 40
#define LINES	8

typedef struct {
	GString *page;
	const RdScreen *screen;
	guint lines;
} RdBrief;

static void rd_brief_line(RdBrief *self, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
rd_brief_line(RdBrief *self, const char *format, ...)
{
	RdScreen screen = *self->screen;
	g_autofree char *text = NULL;
	g_autofree char *ascii = NULL;
	g_autofree char *cut = NULL;
	va_list args;

	if (self->lines >= LINES)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	/* before it is cut, because it may grow */
	if (!screen.utf8)
		ascii = g_str_to_ascii(text, "C");
	cut = rd_screen_cut(self->screen, ascii != NULL ? ascii : text, COLUMNS);
	screen.width = 0;
	rd_page_add(self->page, &screen, 0, 0, cut);
	self->lines++;
}

/* "kite-3": enough for every command, and it fits */
static const char *
rd_brief_id(const char *id)
{
	const char *dash = g_str_has_prefix(id, "r-") ? strchr(id + 2, '-') : NULL;

	return dash != NULL ? dash + 1 : id;
}

static void
rd_brief_mark(RdBrief *self, const RdView *view)
{
	for (RdMark mark = RD_MARK_LAST; mark > RD_MARK_NONE; mark--) {
		if (!rd_run_passed(view->run, mark))
			continue;
		rd_brief_line(self, "%s passed", rd_mark_to_string(mark));
		return;
	}
	rd_brief_line(self, "no mark passed");
}

/* "m1, m2": asked and silent so far. (transfer full) */
static char *
rd_view_asked(const RdView *view)
{
	GPtrArray *hosts = rd_run_get_hosts(view->run);
	GString *names = g_string_new(NULL);

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		if (rd_view_is_asking(view, host) ||
		    (rd_host_deadline(host) != 0 && !rd_host_is_off(host) &&
		     rd_run_get_state(view->run) == RD_RUN_RUNNING))
			g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "",
					       host->plan->name);
	}
	return g_string_free(names, FALSE);
}

static void
rd_brief_work(RdBrief *self, const RdView *view)
{
	GPtrArray *steps = rd_run_get_steps(view->run);
	g_autofree char *asked = rd_view_asked(view);

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		const RdProgress *progress =
		    view->progress != NULL ? g_hash_table_lookup(view->progress, step->lane) : NULL;
		g_autofree char *span = rd_format_duration(view->wall - step->wall_since);
		g_autofree char *line = NULL;

		if (!rd_advice_counts(view->run, step) || !rd_life_is_at_work(step->life))
			continue;
		rd_brief_line(self, "%s@%s %s", step->plan->name, step->target, span);
		line = rd_screen_clean(progress != NULL ? progress->text : step->text);
		if (*line != '\0')
			rd_brief_line(self, " %s", line);
		return; /* the first tells enough */
	}
	if (*asked != '\0')
		rd_brief_line(self, "no answer yet: %s", asked);
}

static void
rd_brief_causes(RdBrief *self, const RdView *view)
{
	const char *id = rd_brief_id(view->run_id);
	g_autoptr(GPtrArray) causes = rd_advice_causes(view->run, id);
	const RdCause *first = causes->len > 0 ? g_ptr_array_index(causes, 0) : NULL;
	g_autofree char *text = NULL;

	if (first == NULL)
		return;
	rd_brief_line(self, RD_INK_BAD "%s" RD_INK_END " %s", first->name, first->what);
	text = rd_screen_clean(first->text);
	if (*text != '\0')
		rd_brief_line(self, " %s", text);
	if (causes->len > 1)
		rd_brief_line(self, " and %u more", causes->len - 1);
}

void
rd_view_print_brief(GString *page, const RdView *view, const RdScreen *screen)
{
	RdBrief self = {.page = page, .screen = screen};
	const RdPlan *plan = rd_run_get_plan(view->run);
	const char *id = rd_brief_id(view->run_id);
	gboolean needs = rd_view_is_orphaned(view) || rd_run_get_state(view->run) == RD_RUN_HELD ||
			 rd_run_get_state(view->run) == RD_RUN_PAUSED;
	g_autofree char *elapsed = NULL;
	const char *ink, *headline;
	RdFacts facts;

	rd_view_get_facts(view, &facts);
	elapsed = rd_format_duration(facts.elapsed);
	headline = rd_view_get_headline(view, &ink);
	rd_brief_line(&self, "%s%s" RD_INK_END " %s", ink, headline, view->run_id);
	rd_brief_line(&self, "%s %s", plan->cluster, plan->procedure);
	rd_brief_line(&self, "step %u/%u, %s", facts.done, facts.total, elapsed);
	rd_brief_mark(&self, view);
	if (rd_run_get_state(view->run) == RD_RUN_ENDED) {
		g_autofree char *why = rd_screen_clean(rd_run_get_end_text(view->run));

		if (*why != '\0')
			rd_brief_line(&self, "%s", why);
		return;
	}
	if (rd_run_get_state(view->run) == RD_RUN_HELD)
		rd_brief_causes(&self, view);
	else
		rd_brief_work(&self, view);
	if (needs)
		rd_brief_line(&self, "> recoveryd %s %s",
			      rd_run_get_state(view->run) == RD_RUN_HELD ? "status" : "resume", id);
}

char *
rd_view_summary(const RdView *view)
{
	GPtrArray *steps = rd_run_get_steps(view->run);
	g_autofree char *asked = rd_view_asked(view);
	GString *line = g_string_new(NULL);
	RdFacts facts;
	const char *ink;

	rd_view_get_facts(view, &facts);
	g_string_append_printf(line, "%s %s step %u/%u", view->run_id,
			       rd_view_get_headline(view, &ink), facts.done, facts.total);
	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);
		const RdProgress *progress =
		    view->progress != NULL ? g_hash_table_lookup(view->progress, step->lane) : NULL;
		g_autofree char *text = NULL;

		if (!rd_advice_counts(view->run, step) ||
		    !(rd_life_is_at_work(step->life) || step->life == RD_LIFE_HELD))
			continue;
		text = rd_screen_clean(
		    step->life != RD_LIFE_HELD && progress != NULL ? progress->text : step->text);
		g_string_append_printf(line, "; %s@%s: %s%s%s", step->plan->name, step->target,
				       rd_view_describe_life(step), *text != '\0' ? ": " : "",
				       text);
	}
	if (*asked != '\0')
		g_string_append_printf(line, "; no answer yet: %s", asked);
	return g_string_free(line, FALSE);
}
