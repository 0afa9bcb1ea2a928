/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include "notify.h"

#include "journal/outbox.h"

/* what cannot be given back for this long is news, microseconds */
#define RD_NOTIFY_OWED_AFTER (180 * G_USEC_PER_SEC)
/* how long the end of an engine waits for a slow receiver; the rest is delivered by the next one */
#define RD_NOTIFY_FLUSH_MS 10000

struct _RdNotify {
	RdOutbox *outbox;
	char *run, *cluster;
	gint64 told; /* clock: since when what was told last was not to be given back */
};

static void
rd_notify_catch_up(RdNotify *self, RdJournal *journal, RdRun *run)
{
	g_autoptr(GError) error = NULL;
	gint64 last = rd_outbox_get_last(self->outbox);
	g_autoptr(GPtrArray) events = last > 0 ? rd_journal_read(journal, last, &error) : NULL;

	for (guint i = 0; events != NULL && i < events->len; i++)
		rd_notify_event(self, run, g_ptr_array_index(events, i));
}

RdNotify *
rd_notify_new(RdRundir *dir, const char *command, const char *cluster, RdJournal *journal,
	      RdRun *run)
{
	g_autofree char *path = rd_rundir_file(dir, "outbox");
	g_autoptr(GError) error = NULL;
	RdNotify *self;

	if (command == NULL)
		return NULL;
	self = g_new0(RdNotify, 1);
	self->run = g_strdup(rd_rundir_get_id(dir));
	self->cluster = g_strdup(cluster);
	self->outbox = rd_outbox_new(path, command, NULL, &error);
	if (self->outbox == NULL) {
		g_warning("no notifications: %s", error->message);
		rd_notify_free(self);
		return NULL;
	}
	rd_notify_catch_up(self, journal, run);
	return self;
}

static gboolean
rd_notify_is_failure(const RdEvent *event)
{
	RdStepEvent what;

	return rd_step_event_from_string(event->word, &what) &&
	       (what == RD_STEP_REFUSED || what == RD_STEP_UNCLEAR || what == RD_STEP_EXHAUSTED ||
		what == RD_STEP_DEADLINE);
}

/* the type of the notice that @event is, or NULL */
static const char *
rd_notify_type(const RdEvent *event)
{
	RdRunState state;

	if (event->kind == RD_EVENT_MARK)
		return g_strcmp0(event->word, rd_mark_to_string(RD_MARK_POINT_OF_NO_RETURN)) == 0
			   ? "ponr.passed"
			   : NULL;
	if (event->kind == RD_EVENT_STEP)
		return rd_notify_is_failure(event) ? "step.failed" : NULL;
	if (event->kind != RD_EVENT_RUN || !rd_run_state_from_string(event->word, &state))
		return NULL;
	return state == RD_RUN_HELD	? "decision.needed"
	       : state == RD_RUN_ENDED	? "run.finished"
	       : state == RD_RUN_PAUSED ? "run.paused"
					: NULL;
}

/* What is borrowed is tried until it is back, for days if need be, and no state says so; told once
 * for each time that its host stayed away, by each engine. */
static gboolean
rd_notify_is_owed(RdNotify *self, RdRun *run, const RdEvent *event)
{
	const RdStep *step = event->kind == RD_EVENT_STEP
				 ? rd_run_find_step(run, event->state, event->target)
				 : NULL;

	if (step == NULL || step->life != RD_LIFE_UNDOING || step->doubt_since == 0 ||
	    step->doubt_since == self->told ||
	    event->clock < step->doubt_since + RD_NOTIFY_OWED_AFTER)
		return FALSE;
	self->told = step->doubt_since;
	return TRUE;
}

void
rd_notify_event(RdNotify *self, RdRun *run, const RdEvent *event)
{
	const char *type =
	    rd_notify_is_owed(self, run, event) ? "still.owed" : rd_notify_type(event);
	g_autofree char *step = NULL;
	g_autofree char *command = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	RdNotice notice = {.seq = event->seq,
			   .wall = event->wall,
			   .type = type,
			   .run = self->run,
			   .cluster = self->cluster};

	if (type == NULL)
		return;
	if (event->state != NULL && event->target != NULL)
		step = g_strdup_printf("%s@%s", event->state, event->target);
	text = g_strdup_printf("%s%s%s", event->value != NULL ? event->value : event->word,
			       event->text != NULL ? ": " : "",
			       event->text != NULL ? event->text : "");
	command = g_strdup_printf("recoveryd status %s", self->run);
	notice.step = step;
	notice.text = text;
	notice.command = command;
	if (g_str_equal(type, "decision.needed")) {
		notice.asked = "a person's word; status names each cause and the command for it";
		notice.otherwise = "nothing happens: the run stays as it is";
	} else if (g_str_equal(type, "still.owed")) {
		notice.asked = "see to what keeps it from being given back";
		notice.otherwise = "it is tried again and again until it is back";
	}
	if (!rd_outbox_add(self->outbox, &notice, &error))
		g_warning("notification %s: %s", type, error->message);
}

void
rd_notify_free(RdNotify *self)
{
	if (self->outbox != NULL)
		(void)rd_outbox_flush(self->outbox, RD_NOTIFY_FLUSH_MS);
	g_clear_pointer(&self->outbox, rd_outbox_free);
	g_free(self->run);
	g_free(self->cluster);
	g_free(self);
}
