/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/crew.h"
#include "rehearsal/fiber.h"
#include <recovery/plugin.h>

/* how long a line takes between a worker and the engine */
#define PIPE_DELAY (50 * G_GINT64_CONSTANT(1))
/* a body that was asked to end and does not is killed after this */
#define CANCEL_GRACE (10 * RD_SIM_SECOND)

typedef struct {
	RdCrew crew;
	RdNetwork *network;
	RdCatalogue *catalogue;
	const RdSetting *setting;
	GPtrArray *workers; /* (element-type Worker) */
} SimCrew;

/* one order at work. Events on the timeline hold references; crew is NULL when it is gone. */
typedef struct {
	guint refs;
	SimCrew *crew; /* (nullable) */
	char *lane;
	RdOrder *order;
	RdFiber *fiber;
	RdWorld *world;
	gboolean acknowledged;
	gboolean ended, due;
} Worker;

typedef struct {
	Worker *worker;
	RdReport *report;
} Line;

static void
worker_unref(gpointer data)
{
	Worker *self = data;

	if (--self->refs > 0)
		return;
	g_free(self->lane);
	rd_order_free(self->order);
	g_free(self);
}

static Worker *
worker_ref(Worker *self)
{
	self->refs++;
	return self;
}

/* the fiber and all it owned are gone; its calls go on on their hosts */
static void
worker_drop(Worker *self)
{
	SimCrew *crew = self->crew;

	if (crew == NULL)
		return;
	self->crew = NULL;
	rd_sim_world_free(self->world);
	rd_fiber_free(self->fiber);
	g_ptr_array_remove_fast(crew->workers, self);
	worker_unref(self);
}

static void
worker_go_on(gpointer data)
{
	Worker *self = data;

	self->due = FALSE;
	if (self->crew != NULL && !self->ended && !rd_fiber_resume(self->fiber))
		self->ended = TRUE;
}

static void
worker_wake(gpointer data)
{
	Worker *self = data;

	if (self->crew == NULL || self->due)
		return;
	self->due = TRUE;
	rd_timeline_add(self->crew->network->cluster->timeline, 0, worker_go_on, worker_ref(self),
			worker_unref);
}

static void
tell_moment(Worker *self, RdMoment moment)
{
	RdNetwork *network = self->crew->network;

	if (network->moment != NULL)
		network->moment(moment, self->lane, NULL, NULL, NULL, network->data);
}

static void
line_free(gpointer data)
{
	Line *line = data;

	worker_unref(line->worker);
	rd_report_free(line->report);
	g_free(line);
}

/* a line that was written is read, also when its writer has died meanwhile */
static void
line_arrives(gpointer data)
{
	Line *line = data;
	Worker *worker = line->worker;
	SimCrew *crew = worker->crew;
	gboolean last =
	    line->report->kind == RD_REPORT_RESULT || line->report->kind == RD_REPORT_LOST;

	if (crew == NULL)
		return;
	/* the worker ends with its last line: the engine may send the next order at once */
	if (last)
		worker_drop(worker);
	if (crew->crew.report != NULL)
		crew->crew.report(line->report, crew->crew.data);
	if (worker->crew != NULL)
		tell_moment(worker, RD_MOMENT_TOLD);
}

/* (transfer full) @report */
static void
worker_send(Worker *self, RdReport *report)
{
	Line *line = g_new0(Line, 1);

	line->worker = worker_ref(self);
	line->report = report;
	rd_timeline_add(self->crew->network->cluster->timeline, PIPE_DELAY, line_arrives, line,
			line_free);
}

static gboolean
needs_acknowledgement(RdReportKind kind)
{
	return kind == RD_REPORT_NOTE || kind == RD_REPORT_OUTPUT || kind == RD_REPORT_TOUCH;
}

/* on the fiber */
static gboolean
tell(const RdReport *report, gpointer data)
{
	Worker *self = data;

	if (report->kind != RD_REPORT_PROGRESS)
		tell_moment(self, RD_MOMENT_TELL);
	worker_send(self, rd_report_copy(report));
	if (!needs_acknowledgement(report->kind))
		return TRUE;
	self->acknowledged = FALSE;
	while (!self->acknowledged && !self->world->klass->cancelled(self->world))
		rd_fiber_yield();
	return self->acknowledged;
}

static void
body(gpointer data)
{
	Worker *self = data;

	rd_order_carry_out(self->order, self->crew->catalogue, self->world, self->crew->setting,
			   tell, self);
}

/* ---- orders as they come ------------------------------------------------------------------- */

static void
copy_table(GHashTable *from, GHashTable *to)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_insert(to, g_strdup(key), g_strdup(value));
}

static RdOrder *
order_copy(const RdOrder *order)
{
	RdOrder *copy = rd_order_new(order->what, order->target);

	g_free(copy->lane);
	copy->lane = g_strdup(order->lane);
	copy->number = order->number;
	copy->enrol = order->enrol;
	copy->state = g_strdup(order->state);
	copy->visit = order->visit;
	copy->attempt = order->attempt;
	copy->type = g_strdup(order->type);
	copy->touches = order->touches;
	copy->boot_id = g_strdup(order->boot_id);
	copy->machine_id = g_strdup(order->machine_id);
	copy->timeout_ms = order->timeout_ms;
	copy->patience_ms = order->patience_ms;
	copy->fence_host = g_strdup(order->fence_host);
	copy->fence_number = order->fence_number;
	copy_table(order->with, copy->with);
	copy_table(order->notes, copy->notes);
	copy_table(order->first, copy->first);
	for (guint i = 0; i < order->guards->len; i++) {
		const RdOrderGuard *guard = g_ptr_array_index(order->guards, i);

		copy_table(guard->with, rd_order_add_guard(copy, guard->type)->with);
	}
	for (guint i = 0; i < order->excused->len; i++)
		g_ptr_array_add(copy->excused, g_strdup(g_ptr_array_index(order->excused, i)));
	return copy;
}

static Worker *
crew_find(SimCrew *self, const char *target)
{
	for (guint i = 0; i < self->workers->len; i++) {
		Worker *worker = g_ptr_array_index(self->workers, i);

		if (g_str_equal(worker->lane, target))
			return worker;
	}
	return NULL;
}

static void
crew_send(RdCrew *crew, const RdOrder *order)
{
	SimCrew *self = (SimCrew *)crew;
	Worker *worker = g_new0(Worker, 1);

	g_return_if_fail(crew_find(self, order->lane) == NULL);
	worker->refs = 1;
	worker->crew = self;
	worker->lane = g_strdup(order->lane);
	worker->order = order_copy(order);
	worker->fiber = rd_fiber_new(body, worker);
	worker->world = rd_sim_world_new(self->network, order->lane, worker_wake, worker);
	g_ptr_array_add(self->workers, worker);
	worker_wake(worker);
}

static void
crew_acknowledge(RdCrew *crew, const char *target)
{
	Worker *worker = crew_find((SimCrew *)crew, target);

	if (worker == NULL)
		return;
	worker->acknowledged = TRUE;
	worker_wake(worker);
}

static void
worker_die(Worker *self, const char *word, const char *text)
{
	RdReport *report = rd_report_new(RD_REPORT_LOST, self->lane, word);

	if (self->ended) { /* its result is on the way */
		rd_report_free(report);
		return;
	}
	self->ended = TRUE;
	report->text = g_strdup(text);
	worker_send(self, report);
}

static void
grace_over(gpointer data)
{
	Worker *self = data;

	if (self->crew != NULL)
		worker_die(self, "worker", "it ignored that it was to end, and was killed");
}

static void
crew_cancel(RdCrew *crew, const char *target)
{
	SimCrew *self = (SimCrew *)crew;
	Worker *worker = crew_find(self, target);

	if (worker == NULL)
		return;
	rd_sim_world_cancel(worker->world);
	rd_timeline_add(self->network->cluster->timeline, CANCEL_GRACE, grace_over,
			worker_ref(worker), worker_unref);
}

static void
crew_free(RdCrew *crew)
{
	SimCrew *self = (SimCrew *)crew;

	while (self->workers->len > 0)
		worker_drop(g_ptr_array_index(self->workers, self->workers->len - 1));
	g_ptr_array_unref(self->workers);
	g_free(self);
}

static const RdCrewClass klass = {crew_send, crew_acknowledge, crew_cancel, crew_free};

RdCrew *
rd_sim_crew_new(RdNetwork *network, RdCatalogue *catalogue, const RdSetting *setting)
{
	SimCrew *self = g_new0(SimCrew, 1);

	self->crew.klass = &klass;
	self->network = network;
	self->catalogue = catalogue;
	self->setting = setting;
	self->workers = g_ptr_array_new();
	return &self->crew;
}

gboolean
rd_sim_crew_kill_worker(RdCrew *crew, const char *target)
{
	Worker *worker = crew_find((SimCrew *)crew, target);

	if (worker == NULL || worker->ended)
		return FALSE;
	worker_die(worker, "worker", "killed by signal 9");
	return TRUE;
}

void
rd_sim_crew_kill_runner(RdCrew *crew)
{
	SimCrew *self = (SimCrew *)crew;

	for (guint i = 0; i < self->workers->len; i++)
		worker_die(g_ptr_array_index(self->workers, i), "runner", "the runner was killed");
}
