/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <glib-unix.h>
#include <signal.h>

#include "cli/follow.h"
#include "engine/begin.h"

/* how often the journal is read; a reader costs the engine nothing */
#define RD_FOLLOW_PACE_MS 300
/* an engine that is gone for this many looks is gone */
#define RD_FOLLOW_GONE 10

typedef struct {
	const RdCli *cli;
	RdOpenRun *open;
	GMainLoop *loop;
	guint shown; /* events */
	guint gone;
	gboolean detached;
	GError *error;
	gint64 began; /* wall clock of the run's begin */
} RdFollow;

static void
rd_follow_line(RdFollow *self, const RdEvent *event, RdSign sign, const char *ink, const char *what,
	       const char *text)
{
	g_autoptr(GString) page = g_string_new(NULL);
	g_autofree char *clean = text != NULL ? rd_screen_clean(text) : NULL;
	gint64 seconds = (event->wall - self->began) / G_USEC_PER_SEC;

	rd_page_printf(page, &self->cli->screen, 0, 9,
		       RD_INK_DIM "%02d:%02d" RD_INK_END " %s%s" RD_INK_END " %s%s%s",
		       (int)(seconds / 60), (int)(seconds % 60), ink,
		       rd_screen_sign(&self->cli->screen, sign), what, clean != NULL ? "  " : "",
		       clean != NULL ? clean : "");
	g_print("%s", page->str);
}

static void
rd_follow_step(RdFollow *self, const RdEvent *event)
{
	g_autofree char *name = g_strdup_printf("%s@%s", event->state, event->target);
	const RdStep *step = rd_run_find_step(self->open->run, event->state, event->target);
	g_autofree char *took = NULL;
	RdStepEvent what;

	if (step == NULL || !rd_step_event_from_string(event->word, &what))
		return;
	switch (what) {
	case RD_STEP_PRESENT:
	case RD_STEP_FINISHED:
		/* a change is not done when its body says so */
		if (what == RD_STEP_FINISHED && step->plan->kind == RD_KIND_CHANGE)
			return;
		if (event->attempt > 1)
			took = g_strdup_printf("attempt %u", event->attempt);
		rd_follow_line(self, event, RD_SIGN_DONE, RD_INK_GOOD, name, took);
		return;
	case RD_STEP_SKIP:
		rd_follow_line(self, event, RD_SIGN_SKIPPED, RD_INK_DIM, name, event->text);
		return;
	case RD_STEP_FAILED:
	case RD_STEP_UNREACHABLE:
	case RD_STEP_LOST:
		rd_follow_line(self, event, RD_SIGN_WARN, RD_INK_WARN, name,
			       event->text != NULL ? event->text : event->word);
		return;
	case RD_STEP_REFUSED:
	case RD_STEP_UNCLEAR:
	case RD_STEP_EXHAUSTED:
	case RD_STEP_DEADLINE:
		rd_follow_line(self, event, RD_SIGN_HELD, RD_INK_BAD, name, event->text);
		return;
	default:
		return;
	}
}

static void
rd_follow_event(RdFollow *self, const RdEvent *event)
{
	g_autofree char *text = NULL;

	switch (event->kind) {
	case RD_EVENT_STEP:
		rd_follow_step(self, event);
		break;
	case RD_EVENT_ENGINE:
		text =
		    g_strdup_printf("on %s, process %" G_GINT64_FORMAT, event->key, event->number);
		rd_follow_line(self, event, RD_SIGN_WORK, RD_INK_DIM, "engine started", text);
		break;
	case RD_EVENT_GRANTED:
		text = g_strdup_printf("lock #%" G_GINT64_FORMAT " taken on %s", event->number,
				       event->target);
		rd_follow_line(self, event, RD_SIGN_DONE, RD_INK_DIM, text, NULL);
		break;
	case RD_EVENT_REFUSED:
		rd_follow_line(self, event, RD_SIGN_WARN, RD_INK_WARN, event->target, event->text);
		break;
	case RD_EVENT_GATE:
		text = g_strdup_printf("gate %s %s", event->value, event->word);
		rd_follow_line(self, event, RD_SIGN_WARN, RD_INK_BOLD, text, event->text);
		break;
	case RD_EVENT_MARK:
		text = g_strdup_printf("mark passed: %s", event->word);
		rd_follow_line(self, event, RD_SIGN_WARN, RD_INK_BOLD, text, NULL);
		break;
	case RD_EVENT_RUN:
		text = g_strdup_printf("run %s%s%s", event->word, event->value != NULL ? ": " : "",
				       event->value != NULL ? event->value : "");
		rd_follow_line(self, event, RD_SIGN_WORK, RD_INK_BOLD, text, event->text);
		break;
	default:
		break;
	}
}

static gboolean
rd_follow_look(gpointer data)
{
	RdFollow *self = data;
	RdRunState state;

	if (!rd_open_run_refresh(self->open, NULL, &self->error)) {
		g_main_loop_quit(self->loop);
		return G_SOURCE_CONTINUE;
	}
	for (; self->shown < self->open->events->len; self->shown++)
		rd_follow_event(self, g_ptr_array_index(self->open->events, self->shown));
	self->gone = rd_engine_alive(self->open->dir) ? 0 : self->gone + 1;
	state = rd_run_get_state(self->open->run);
	/* the rest is over when the engine has let go: a resume typed at once finds the lock free
	 */
	if (self->gone > 0 &&
	    (state == RD_RUN_ENDED || state == RD_RUN_HELD || state == RD_RUN_PAUSED))
		g_main_loop_quit(self->loop);
	if (self->gone >= RD_FOLLOW_GONE)
		g_main_loop_quit(self->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean
rd_follow_interrupted(gpointer data)
{
	RdFollow *self = data;

	self->detached = TRUE;
	g_main_loop_quit(self->loop);
	return G_SOURCE_CONTINUE;
}

RdExit
rd_follow(const RdCli *cli, RdRundir *dir, gint64 after, GError **error)
{
	g_autofree char *id = g_strdup(rd_rundir_get_id(dir));
	RdFollow self = {.cli = cli, .loop = g_main_loop_new(NULL, FALSE)};
	RdExit code = RD_EXIT_DONE;
	guint sources[4];

	self.open = rd_open_run(dir, FALSE, error);
	if (self.open == NULL) {
		g_main_loop_unref(self.loop);
		return RD_EXIT_JOURNAL;
	}
	self.began = rd_run_get_created_wall(self.open->run);
	/* events are numbered from 1 without gaps */
	self.shown = (guint)MIN(after, (gint64)self.open->events->len);
	sources[0] = g_unix_signal_add(SIGINT, rd_follow_interrupted, &self);
	sources[1] = g_unix_signal_add(SIGTERM, rd_follow_interrupted, &self);
	sources[2] = g_unix_signal_add(SIGHUP, rd_follow_interrupted, &self);
	sources[3] = g_timeout_add(RD_FOLLOW_PACE_MS, rd_follow_look, &self);
	rd_follow_look(&self);
	if (self.error == NULL && !self.detached)
		g_main_loop_run(self.loop);
	for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
		g_source_remove(sources[i]);
	if (self.error != NULL) {
		g_propagate_error(error, self.error);
		code = RD_EXIT_JOURNAL;
	} else if (self.detached) {
		rd_cli_say(cli, "no longer looking; %s goes on: recoveryd status %s -w", id, id);
	} else {
		code = rd_exit_of_run(self.open->run);
		if (rd_run_get_state(self.open->run) == RD_RUN_RUNNING) {
			rd_cli_say(cli, "the engine of %s is gone: recoveryd resume %s", id, id);
			code = RD_EXIT_HELD;
		} else if (code != RD_EXIT_DONE) {
			rd_cli_say(cli, "what to do: recoveryd status %s", id);
		}
	}
	rd_open_run_free(self.open);
	g_main_loop_unref(self.loop);
	return code;
}
