/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <string.h>

#include "engine.h"
#include "keeper.h"

/* Everything happens in rd_engine_pump(): ask the machine for one thing to do, store its events,
 * apply them, send its order; again until there is nothing. Reports and time come in between. The
 * order of these four is what "intent before effect" means, and it stands here only.
 *
 * A worker that is about to touch waits for our acknowledgement: it comes when the event is on disk
 * here, and in a copy on a host. */

/* @lane may touch when a copy has event @seq */
typedef struct {
	char *lane;
	gint64 seq, until;
	gboolean must; /* what follows cannot be undone: without a copy it is not done */
} RdAck;

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
	GError *failure;    /* (nullable) of the journal: nothing can be stored any more */
	RdKeeper *keeper;   /* (nullable) */
	GPtrArray *acks;    /* (element-type RdAck) */
	GHashTable *denied; /* (element-type utf8 utf8) lane to why it may not touch */
	gint64 flush_until; /* clock; 0: there is something to do */
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

/* ---- the copies on the hosts --------------------------------------------------------------- */

static void
rd_ack_free(gpointer data)
{
	RdAck *ack = data;

	g_free(ack->lane);
	g_free(ack);
}

/* the newest event is a touch that @lane is about to make */
static void
rd_engine_add_ack(RdEngine *self, const char *lane, const RdEvent *event)
{
	const RdStep *step = rd_run_find_step(self->run, event->state, event->target);
	RdAck *ack = g_new0(RdAck, 1);

	ack->lane = g_strdup(lane);
	ack->seq = event->seq;
	ack->must = step->plan->irreversible || step->plan->mark > RD_MARK_RESCUE_COPY;
	ack->until = rd_engine_clock(self) + (ack->must ? RD_KEEP_PATIENCE_MUST : RD_KEEP_PATIENCE);
	g_ptr_array_add(self->acks, ack);
}

/* the order of @lane is over: nobody waits there any more, and the next one must not be let through
 * by what this one was waiting for */
static void
rd_engine_drop_acks(RdEngine *self, const char *lane)
{
	for (guint i = self->acks->len; i > 0; i--)
		if (strcmp(((RdAck *)g_ptr_array_index(self->acks, i - 1))->lane, lane) == 0)
			g_ptr_array_remove_index(self->acks, i - 1);
}

/* told to stop, it has to hear something to find that out */
static void
rd_engine_let_go(RdEngine *self, const char *lane)
{
	guint waiting = self->acks->len;

	rd_engine_drop_acks(self, lane);
	if (self->acks->len < waiting)
		self->crew->klass->acknowledge(self->crew, lane);
}

/* it is told to stop before it is let go on: the body finds itself cancelled before it has touched
 */
static void
rd_engine_deny(RdEngine *self, const RdAck *ack)
{
	g_autofree char *why = rd_keeper_why_not(self->keeper);

	g_hash_table_replace(
	    self->denied, g_strdup(ack->lane),
	    g_strdup_printf("nothing was touched: what cannot be undone needs a copy of the "
			    "journal on a host, and there is none (%s)",
			    why != NULL ? why : "no host answered"));
	self->crew->klass->cancel(self->crew, ack->lane);
	self->crew->klass->acknowledge(self->crew, ack->lane);
}

static void
rd_engine_settle_acks(RdEngine *self, gint64 *wake)
{
	gint64 clock = rd_engine_clock(self);

	for (guint i = 0; i < self->acks->len;) {
		const RdAck *ack = g_ptr_array_index(self->acks, i);
		gboolean over = clock >= ack->until;

		if (!rd_keeper_has(self->keeper, ack->seq) && !over &&
		    (ack->must || rd_keeper_hopes(self->keeper, clock))) {
			*wake = *wake == 0 ? ack->until : MIN(*wake, ack->until);
			i++;
			continue;
		}
		if (ack->must && !rd_keeper_has(self->keeper, ack->seq))
			rd_engine_deny(self, ack);
		else
			self->crew->klass->acknowledge(self->crew, ack->lane);
		g_ptr_array_remove_index(self->acks, i);
	}
}

/* TRUE when something was sent. @idle: this engine is about to end */
static gboolean
rd_engine_keep(RdEngine *self, gboolean idle, gint64 *wake)
{
	gint64 clock = rd_engine_clock(self);
	RdOrder *order;

	if (self->keeper == NULL)
		return FALSE;
	rd_engine_settle_acks(self, wake);
	order = rd_keeper_next(self->keeper, clock, idle || self->acks->len > 0, wake);
	if (order == NULL)
		return FALSE;
	self->crew->klass->send(self->crew, order);
	rd_order_free(order);
	return TRUE;
}

/* what is to be known of the end is on the hosts, or they had their time */
static gboolean
rd_engine_is_flushed(RdEngine *self, gint64 *wake)
{
	gint64 clock = rd_engine_clock(self);

	if (self->flush_until == 0)
		self->flush_until = clock + RD_KEEP_PATIENCE;
	if (self->keeper == NULL || !rd_keeper_is_busy(self->keeper) || clock >= self->flush_until)
		return TRUE;
	*wake = *wake == 0 ? self->flush_until : MIN(*wake, self->flush_until);
	return FALSE;
}

static gboolean
rd_engine_take_kept(RdEngine *self, const RdReport *report)
{
	g_autoptr(GPtrArray) events = NULL;
	const RdRunHost *fenced;

	if (self->keeper == NULL ||
	    !rd_keeper_take(self->keeper, report, rd_engine_clock(self), &fenced))
		return FALSE;
	if (fenced == NULL)
		return TRUE;
	rd_run_tick(self->run, rd_engine_clock(self));
	events = rd_run_fenced(self->run, fenced->plan->name, report->text);
	(void)rd_engine_store(self, events);
	return TRUE;
}

/* the body was stopped by us, not by a person or a deadline */
static void
rd_engine_explain_denied(RdEngine *self, RdReport *report)
{
	const char *why = g_hash_table_lookup(self->denied, report->lane);

	if (why != NULL && g_strcmp0(report->word, "cancelled") == 0) {
		g_free(report->word);
		g_free(report->text);
		report->word = g_strdup("failed");
		report->text = g_strdup(why);
	}
	g_hash_table_remove(self->denied, report->lane);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void
rd_engine_digest(RdEngine *self, RdReport *report)
{
	g_autoptr(GPtrArray) events = NULL;

	if (report->kind == RD_REPORT_PROGRESS) {
		if (self->hooks.progress != NULL)
			self->hooks.progress(self, report->lane, report->text, self->hooks.data);
		return;
	}
	if (rd_engine_take_kept(self, report))
		return;
	if (report->kind == RD_REPORT_RESULT || report->kind == RD_REPORT_LOST) {
		rd_engine_drop_acks(self, report->lane);
		rd_engine_explain_denied(self, report);
	}
	rd_run_tick(self->run, rd_engine_clock(self));
	events = rd_run_digest(self->run, report);
	if (!rd_engine_store(self, events))
		return;
	if (report->kind == RD_REPORT_TOUCH && self->keeper != NULL && events->len > 0)
		rd_engine_add_ack(self, report->lane, g_ptr_array_index(events, events->len - 1));
	else if (report->kind == RD_REPORT_NOTE || report->kind == RD_REPORT_OUTPUT ||
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
	else if (move.cancel != NULL) {
		self->crew->klass->cancel(self->crew, move.cancel);
		rd_engine_let_go(self, move.cancel);
	}
	if (more || !move.idle)
		self->flush_until = 0;
	if (!more && self->failure == NULL) {
		more = rd_engine_keep(self, move.idle, &move.wake);
		if (!more && move.idle && rd_engine_is_flushed(self, &move.wake))
			rd_engine_stop(self);
		else if (!more)
			rd_engine_set_wake(self, move.wake);
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
	self->acks = g_ptr_array_new_with_free_func(rd_ack_free);
	self->denied = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	crew->report = rd_engine_reported;
	crew->data = self;
	return self;
}

void
rd_engine_keep_copies(RdEngine *self, GHashTable *documents)
{
	self->keeper = rd_keeper_new(self->run, self->journal, documents);
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
rd_engine_remark(RdEngine *self, RdEvent *event)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);

	event->clock = rd_engine_clock(self);
	g_ptr_array_add(events, event);
	(void)rd_engine_store(self, events);
}

void
rd_engine_free(RdEngine *self)
{
	if (self->wake != NULL)
		g_source_destroy(self->wake);
	g_clear_pointer(&self->wake, g_source_unref);
	g_queue_clear_full(&self->reports, (GDestroyNotify)rd_report_free);
	g_clear_pointer(&self->keeper, rd_keeper_free);
	g_ptr_array_unref(self->acks);
	g_hash_table_unref(self->denied);
	g_clear_error(&self->failure);
	self->crew->report = NULL;
	g_free(self);
}
