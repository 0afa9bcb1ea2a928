/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include "engine.h"

/* Everything happens in rd_engine_pump(): ask the machine for one thing to do, store its events,
 * apply them, send its order; again until there is nothing. Reports and time come in between. The
 * order of these four is what "intent before effect" means, and it stands here only. */
struct _RdEngine {
	RdRun *run;
	RdJournal *journal;
	RdCrew *crew;
	RdEngineHooks hooks;
	gint64 base; /* clock of the run minus now() */
	GSource *wake;
	GQueue reports; /* (element-type RdReport) that came while pumping */
	gboolean pumping;
	gboolean stopped;
	GError *failure; /* (nullable) of the journal: nothing can be stored any more */
};

static void rd_engine_pump(RdEngine *self);

static gint64
rd_engine_clock(RdEngine *self)
{
	return self->base + self->hooks.now(self->hooks.data);
}

/* A full disk is said with the last of the space; any other failed write ends the engine at once:
 * what cannot be written down must not happen. */
static void
rd_engine_fail(RdEngine *self, GError *error)
{
	g_autoptr(GPtrArray) last = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	RdEvent *event;

	if (self->failure != NULL) {
		g_error_free(error);
		return;
	}
	self->failure = error;
	if (!g_error_matches(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_FULL))
		return;
	(void)rd_journal_release_reserve(self->journal, NULL);
	event = rd_event_new(RD_EVENT_RUN, rd_run_state_to_string(RD_RUN_HELD));
	event->clock = rd_engine_clock(self);
	rd_event_text(event, "the disk under the journal is full: free some space, then resume");
	g_ptr_array_add(last, event);
	if (rd_journal_append(self->journal, last, NULL))
		(void)rd_run_apply(self->run, event, NULL);
}

static gboolean
rd_engine_store(RdEngine *self, GPtrArray *events)
{
	g_autoptr(GError) error = NULL;

	if (self->failure != NULL)
		return FALSE;
	if (events == NULL || events->len == 0)
		return TRUE;
	if (!rd_journal_append(self->journal, events, &error)) {
		rd_engine_fail(self, g_steal_pointer(&error));
		return FALSE;
	}
	for (guint i = 0; i < events->len; i++) {
		if (!rd_run_apply(self->run, g_ptr_array_index(events, i), &error)) {
			rd_engine_fail(self, g_steal_pointer(&error));
			return FALSE;
		}
	}
	if (self->hooks.stored != NULL)
		self->hooks.stored(self, events, self->hooks.data);
	return TRUE;
}

static void
rd_engine_stop(RdEngine *self)
{
	if (self->stopped)
		return;
	self->stopped = TRUE;
	if (self->wake != NULL)
		g_source_destroy(self->wake);
	g_clear_pointer(&self->wake, g_source_unref);
	self->hooks.stopped(self, self->failure, self->hooks.data);
}

static void
rd_engine_digest(RdEngine *self, const RdReport *report)
{
	g_autoptr(GPtrArray) events = NULL;

	if (report->kind == RD_REPORT_PROGRESS) {
		if (self->hooks.progress != NULL)
			self->hooks.progress(self, report->lane, report->text, self->hooks.data);
		return;
	}
	rd_run_tick(self->run, rd_engine_clock(self));
	events = rd_run_digest(self->run, report);
	if (!rd_engine_store(self, events))
		return;
	if (report->kind == RD_REPORT_NOTE || report->kind == RD_REPORT_OUTPUT ||
	    report->kind == RD_REPORT_TOUCH)
		self->crew->klass->acknowledge(self->crew, report->lane);
}

static gboolean
rd_engine_woken(gpointer data)
{
	RdEngine *self = data;

	g_clear_pointer(&self->wake, g_source_unref);
	rd_engine_pump(self);
	return G_SOURCE_REMOVE;
}

static void
rd_engine_set_wake(RdEngine *self, gint64 clock)
{
	gint64 delay = (clock - rd_engine_clock(self)) / 1000 + 1;

	if (self->wake != NULL)
		g_source_destroy(self->wake);
	g_clear_pointer(&self->wake, g_source_unref);
	if (clock == 0)
		return;
	self->wake = g_timeout_source_new((guint)CLAMP(delay, 1, 24 * 3600 * 1000));
	g_source_set_callback(self->wake, rd_engine_woken, self, NULL);
	g_source_attach(self->wake, g_main_context_get_thread_default());
}

/* a host's record of a job names the newest event it was started after */
static void
rd_engine_send(RdEngine *self, RdOrder *order)
{
	g_free(order->head);
	order->head = g_strdup(rd_journal_head(self->journal));
	self->crew->klass->send(self->crew, order);
}

/* FALSE when the machine has nothing more to do now */
static gboolean
rd_engine_step(RdEngine *self)
{
	RdMove move;
	gboolean more;

	rd_run_decide(self->run, rd_engine_clock(self), &move);
	more = move.events != NULL || move.order != NULL || move.cancel != NULL;
	if (!rd_engine_store(self, move.events))
		more = FALSE;
	else if (move.order != NULL)
		rd_engine_send(self, move.order);
	else if (move.cancel != NULL)
		self->crew->klass->cancel(self->crew, move.cancel);
	if (!more && self->failure == NULL) {
		rd_engine_set_wake(self, move.wake);
		if (move.idle)
			rd_engine_stop(self);
	}
	rd_move_clear(&move);
	return more;
}

static void
rd_engine_pump(RdEngine *self)
{
	if (self->pumping || self->stopped)
		return;
	self->pumping = TRUE;
	for (;;) {
		RdReport *report = g_queue_pop_head(&self->reports);

		if (report != NULL) {
			rd_engine_digest(self, report);
			rd_report_free(report);
			continue;
		}
		if (self->failure != NULL || self->stopped || !rd_engine_step(self))
			break;
	}
	self->pumping = FALSE;
	if (self->failure != NULL)
		rd_engine_stop(self);
}

static void
rd_engine_reported(const RdReport *report, gpointer data)
{
	RdEngine *self = data;

	if (self->stopped)
		return;
	g_queue_push_tail(&self->reports, rd_report_copy(report));
	rd_engine_pump(self);
}

RdEngine *
rd_engine_new(RdRun *run, RdJournal *journal, RdCrew *crew, const RdEngineHooks *hooks)
{
	RdEngine *self = g_new0(RdEngine, 1);

	self->run = run;
	self->journal = journal;
	self->crew = crew;
	self->hooks = *hooks;
	self->base = rd_run_get_clock(run) - hooks->now(hooks->data);
	g_queue_init(&self->reports);
	crew->report = rd_engine_reported;
	crew->data = self;
	return self;
}

void
rd_engine_start(RdEngine *self, const char *bastion, const char *boot_id, gint64 pid)
{
	g_autoptr(GPtrArray) events = NULL;
	RdEvent *event = rd_event_new(RD_EVENT_ENGINE, "started");

	rd_run_tick(self->run, rd_engine_clock(self));
	events = rd_run_lost_all(self->run);
	event->clock = rd_engine_clock(self);
	rd_event_number(rd_event_pair(event, bastion, boot_id), pid);
	g_ptr_array_insert(events, 0, event);
	(void)rd_engine_store(self, events);
	/* from the main loop: what a person asked for meanwhile is heard first */
	rd_engine_set_wake(self, MAX(rd_engine_clock(self), 1));
}

gboolean
rd_engine_request(RdEngine *self, const char *word, const char *step, const char *argument,
		  const char *who, const char *reason, gint64 token, GError **error)
{
	g_autoptr(GPtrArray) events = NULL;

	if (token != 0 && rd_run_heard(self->run, token))
		return TRUE;
	rd_run_tick(self->run, rd_engine_clock(self));
	events = rd_run_request(self->run, word, step, argument, who, reason, error);
	if (events == NULL)
		return FALSE;
	/* the first is the request itself */
	rd_event_number(g_ptr_array_index(events, 0), token);
	if (!rd_engine_store(self, events)) {
		g_propagate_error(error, g_error_copy(self->failure));
		rd_engine_stop(self);
		return FALSE;
	}
	rd_engine_pump(self);
	return TRUE;
}

void
rd_engine_free(RdEngine *self)
{
	if (self->wake != NULL)
		g_source_destroy(self->wake);
	g_clear_pointer(&self->wake, g_source_unref);
	g_queue_clear_full(&self->reports, (GDestroyNotify)rd_report_free);
	g_clear_error(&self->failure);
	self->crew->report = NULL;
	g_free(self);
}
