/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "engine/policy.h"
#include "view-private.h"
#include "yaml/format.h"

/* The page of `status`. Texts that come from hosts and people pass rd_screen_clean() on their way
 * in: what a host says must not drive the terminal. */

#define LABEL 10 /* columns of "Started   " */

/* a command as it is to be typed: not broken over lines where it can be helped */
static char *
rd_page_command(const char *command)
{
	g_autoptr(GString) text = g_string_new(command);

	g_string_replace(text, " ", RD_SPACE, 0);
	return g_strdup_printf(RD_INK_BOLD "%s" RD_INK_END, text->str);
}

/* ---- head ---------------------------------------------------------------------------------- */

static void
rd_page_head(RdPage *self)
{
	const RdPlan *plan = rd_run_get_plan(self->view->run);
	g_autofree char *elapsed = rd_format_duration(self->facts.elapsed);
	const char *ink;
	const char *headline = rd_view_get_headline(self->view, &ink);

	rd_page_printf(self->page, self->screen, 0, 4,
		       RD_INK_BOLD "Run %s" RD_INK_END "  %s  cluster %s   %s%s" RD_INK_END
				   "  step %u/%u  %s elapsed",
		       self->view->run_id, plan->procedure, plan->cluster, ink, headline,
		       self->facts.done, self->facts.total, elapsed);
}

static void rd_page_label(RdPage *self, const char *label, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
rd_page_label(RdPage *self, const char *label, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *padded = rd_screen_pad(label, LABEL);
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	rd_page_printf(self->page, self->screen, 2, 2 + LABEL, "%s%s", padded, text);
}

/* what may be passed without a person, and when */
static void
rd_page_policy(RdPage *self)
{
	g_autoptr(GPtrArray) rules = rd_policy_list(self->view->run);

	for (guint i = 0; i + 1 < rules->len; i += 2) {
		g_autofree char *gate = rd_screen_clean(rules->pdata[i]);
		g_autofree char *when = rd_screen_clean(rules->pdata[i + 1]);

		rd_page_label(self, i == 0 ? "Policy" : "", "%s is passed if %s", gate, when);
	}
}

static void
rd_page_started(RdPage *self)
{
	const char *who = rd_run_get_creator(self->view->run);
	const char *plan = rd_run_get_input(self->view->run, RD_RUN_INPUT_PLAN);
	g_autofree char *creator = rd_screen_clean(who != NULL ? who : "nobody");
	g_autofree char *when = rd_format_moment(rd_run_get_created_wall(self->view->run));

	rd_page_label(self, "Started", "%s by %s", when, creator);
	if (plan != NULL)
		rd_page_label(self, "Plan", "%.*s", RD_PLAN_DIGEST_SHOWN, plan);
	rd_page_policy(self);
	if (rd_run_get_loss_text(self->view->run) != NULL) {
		g_autofree char *loss = rd_screen_clean(rd_run_get_loss_text(self->view->run));

		rd_page_label(self, "Loss", "%s", loss);
	}
	if (self->facts.resumes > 0) {
		g_autofree char *bastion = rd_screen_clean(self->facts.bastion);
		g_autofree char *last = rd_format_time(self->facts.resumed, self->view->wall);
		g_autofree char *lost = rd_format_duration(self->facts.lost);

		rd_page_label(self, "Resumed", "%ux, last at %s on %s; %s without an engine",
			      self->facts.resumes, last, bastion, lost);
	}
	if (self->facts.ended != 0) {
		const char *text = rd_run_get_end_text(self->view->run);
		g_autofree char *ended = rd_format_moment(self->facts.ended);
		g_autofree char *why = rd_screen_clean(text);
		g_autofree char *end = rd_screen_clean(rd_run_get_end(self->view->run));

		rd_page_label(self, "Ended", "%s: %s%s%s", ended, end, *why != '\0' ? ": " : "",
			      why);
	}
}

static void
rd_page_engine(RdPage *self)
{
	g_autofree char *holder = rd_screen_clean(self->view->holder);
	g_autofree char *resume = g_strdup_printf("recoveryd resume %s", self->view->run_id);
	g_autofree char *command = rd_page_command(resume);
	g_autofree char *ago = rd_format_duration(self->view->wall - self->facts.last);

	if (self->view->engine == RD_ENGINE_ALIVE && *holder != '\0')
		rd_page_label(self, "Engine", "%s", holder);
	else if (self->view->engine == RD_ENGINE_ENDING && rd_view_is_orphaned(self->view))
		rd_page_label(self, "Engine",
			      RD_INK_BAD "it is gone, its runner is ending:" RD_INK_END
					 " nothing new is begun. %s",
			      command);
	else if (rd_view_is_orphaned(self->view))
		rd_page_label(self, "Engine",
			      RD_INK_BAD "no engine:" RD_INK_END
					 " nobody works on this run, for %s. %s",
			      ago, command);
}

/* one number for all is the rule; hosts that came back have a higher one */
static void
rd_page_lock(RdPage *self)
{
	GPtrArray *hosts = rd_run_get_hosts(self->view->run);
	g_autoptr(GString) text = g_string_new(NULL);
	gint64 first = 0;
	gboolean same = TRUE, any = FALSE;

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		if (!host->plan->locked || rd_host_is_off(host))
			continue;
		if (!any)
			first = host->granted;
		same = same && host->granted == first;
		any = TRUE;
		if (host->granted != 0)
			g_string_append_printf(text, "%s#%" G_GINT64_FORMAT " %s",
					       text->len > 0 ? "  " : "", host->granted,
					       host->plan->name);
		else
			g_string_append_printf(text, "%s%s %s", text->len > 0 ? "  " : "",
					       host->released ? "given back" : "not held",
					       host->plan->name);
	}
	if (!any)
		return;
	if (same && first != 0)
		rd_page_label(self, "Lock", "#%" G_GINT64_FORMAT " on all hosts", first);
	else if (rd_run_get_starts(self->view->run) > 0)
		rd_page_label(self, "Lock", "%s", text->str);
}

static void
rd_page_marks(RdPage *self)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (RdMark mark = RD_MARK_NONE + 1; mark <= RD_MARK_LAST; mark++) {
		const RdPlanState *state = rd_view_find_mark(self->view, mark);
		gboolean passed = rd_run_passed(self->view->run, mark);
		g_autofree char *where = NULL;

		if (state == NULL && !passed)
			continue;
		where = state != NULL ? g_strdup_printf(" (%s)", state->name) : g_strdup("");
		g_string_append_printf(text, "%s%s%s%s" RD_INK_END, text->len > 0 ? ", " : "",
				       passed && mark == RD_MARK_POINT_OF_NO_RETURN ? RD_INK_WARN
				       : passed					    ? RD_INK_BOLD
										    : RD_INK_DIM,
				       rd_mark_to_string(mark), passed ? " PASSED" : " ahead");
		g_string_append(text, where);
	}
	if (text->len > 0)
		rd_page_label(self, "Marks", "%s", text->str);
}

/* how much is undone, and what comes next */
static void
rd_page_way_back(RdPage *self)
{
	g_autoptr(GPtrArray) left = rd_run_get_way_back(self->view->run);
	GPtrArray *steps = rd_run_get_steps(self->view->run);
	guint undone = 0;

	if (!rd_run_goes_back(self->view->run))
		return;
	for (guint i = 0; i < steps->len; i++)
		undone += ((const RdStep *)g_ptr_array_index(steps, i))->life == RD_LIFE_UNDONE;
	if (left->len == 0)
		rd_page_label(self, "Way back", "%u steps undone", undone);
	else
		rd_page_label(self, "Way back", "%u steps undone, %u to go: %s is next", undone,
			      left->len, ((const RdStep *)left->pdata[0])->plan->name);
}

/* ---- hosts, causes, commands --------------------------------------------------------------- */

/* what its answer, or its silence, means for those who wait */
static void
rd_page_host_asked(RdPage *self, const RdRunHost *host, GString *text)
{
	gint64 until = rd_host_deadline(host), left = until - self->view->clock;
	g_autofree char *since = rd_format_time(self->facts.started, self->view->wall);
	g_autofree char *span = rd_format_duration(self->view->wall - self->facts.started);
	g_autofree char *at = rd_format_time(self->view->wall + left, self->view->wall);
	g_autofree char *left_span = rd_format_duration(left);
	/* counted from when the silence is noticed, which it is not yet */
	g_autofree char *least =
	    rd_format_time(self->facts.started + rd_host_patience(), self->view->wall);

	if (rd_view_is_asking(self->view, host))
		g_string_append_printf(text,
				       "  " RD_INK_WORK "being asked" RD_INK_END
				       ": no answer since %s (%s), until %s at least",
				       since, span, least);
	else if (until != 0 && left > 0 && self->view->engine == RD_ENGINE_ALIVE &&
		 (rd_run_get_state(self->view->run) == RD_RUN_RUNNING ||
		  rd_run_get_state(self->view->run) == RD_RUN_ROLLBACK))
		g_string_append_printf(text, "; asked again until %s (%s left)", at, left_span);
}

static void
rd_page_host(RdPage *self, const RdRunHost *host, guint columns)
{
	g_autofree char *name = rd_screen_pad(host->plan->name, columns);
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(text, "%s  %s", name, host->plan->role);
	if (host->returned)
		g_string_append(text, "  " RD_INK_WARN "excused, but it answers" RD_INK_END);
	if (rd_host_is_off(host)) {
		g_autofree char *why = rd_screen_clean(host->excuse);

		g_string_append_printf(text, "  " RD_INK_WARN "excused" RD_INK_END ": %s", why);
	} else if (host->trouble_word != NULL) {
		g_autofree char *trouble = rd_screen_clean(host->trouble);

		g_string_append_printf(text, "  " RD_INK_BAD "%s" RD_INK_END "%s%s",
				       host->trouble_word, *trouble != '\0' ? ": " : "", trouble);
		rd_page_host_asked(self, host, text);
	} else if (rd_view_is_asking(self->view, host)) {
		rd_page_host_asked(self, host, text);
	} else if (host->granted != 0) {
		g_string_append_printf(text, "  lock #%" G_GINT64_FORMAT, host->granted);
	} else if (host->released) {
		g_string_append(text, "  lock given back");
	} else if (host->plan->locked) {
		g_string_append_printf(text, "  %slock not held",
				       host->surveyed ? "answered, " : "");
	}
	rd_page_add(self->page, self->screen, 2, 4 + columns, text->str);
}

static void
rd_page_hosts(RdPage *self)
{
	GPtrArray *hosts = rd_run_get_hosts(self->view->run);
	guint columns = 0;

	for (guint i = 0; i < hosts->len; i++) {
		const RdRunHost *host = g_ptr_array_index(hosts, i);

		columns = MAX(columns, strlen(host->plan->name));
	}
	rd_page_add(self->page, self->screen, 0, 0, "Hosts");
	for (guint i = 0; i < hosts->len; i++)
		rd_page_host(self, g_ptr_array_index(hosts, i), MIN(columns, 24));
}

static void
rd_page_causes(RdPage *self)
{
	g_autoptr(GPtrArray) causes = rd_advice_causes(self->view->run, self->view->run_id);
	gboolean held = rd_run_get_state(self->view->run) == RD_RUN_HELD;

	if (causes->len == 0)
		return;
	rd_page_add(self->page, self->screen, 0, 0,
		    held ? RD_INK_BAD "Held" RD_INK_END ": a person has to say something"
			 : RD_INK_WARN "In the way" RD_INK_END);
	for (guint i = 0; i < causes->len; i++) {
		const RdCause *cause = g_ptr_array_index(causes, i);
		g_autofree char *text = rd_screen_clean(cause->text);

		rd_page_printf(self->page, self->screen, 2, 4, RD_INK_BOLD "%s" RD_INK_END ": %s",
			       cause->name, cause->what);
		if (*text != '\0')
			rd_page_printf(self->page, self->screen, 4, 6, "found: %s", text);
		for (guint j = 0; held && j < cause->commands->len; j++) {
			g_autofree char *command =
			    rd_page_command(g_ptr_array_index(cause->commands, j));

			rd_page_printf(self->page, self->screen, 4, 8, "%s   %s", command,
				       (char *)g_ptr_array_index(cause->when, j));
		}
	}
}

static void
rd_page_commands(RdPage *self)
{
	g_autoptr(GPtrArray) commands = rd_advice_commands(self->view->run, self->view->run_id,
							   self->view->engine == RD_ENGINE_ALIVE);
	g_autoptr(GString) text = g_string_new("You can  ");

	for (guint i = 0; i < commands->len; i++) {
		g_autofree char *command = rd_page_command(g_ptr_array_index(commands, i));

		g_string_append_printf(text, "%s%s", i > 0 ? "  |  " : "", command);
	}
	rd_page_add(self->page, self->screen, 0, 9, text->str);
}

void
rd_view_print(GString *page, const RdView *view, const RdScreen *screen, RdForm form)
{
	RdPage self = {.page = page, .view = view, .screen = screen, .form = form};

	rd_view_get_facts(view, &self.facts);
	rd_page_head(&self);
	rd_page_started(&self);
	rd_page_engine(&self);
	rd_page_lock(&self);
	rd_page_marks(&self);
	rd_page_way_back(&self);
	g_string_append_c(page, '\n');
	rd_page_states(&self);
	g_string_append_c(page, '\n');
	rd_page_hosts(&self);
	rd_page_causes(&self);
	rd_page_commands(&self);
}
