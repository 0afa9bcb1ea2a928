/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-rehearsal"

#include <string.h>

#include "rehearsal/contract-private.h"
#include "rehearsal/fiber.h"

/* One order of a history, and what has to hold for each of them. */

/* of a fiber's half that is not the plugin's, what is left for the step API below the plugin */
#define STACK_OURS (16 * 1024)
/* beyond its time: the library's grace, and calls that are given up late */
#define TIME_GRACE (150 * RD_SIM_SECOND)
/* whoever is still at it then will never end */
#define TIME_LIMIT (3600 * RD_SIM_SECOND)

typedef struct {
	RdContractTrial *trial;
	RdOrder *order;
	RdWorld *world;
	RdReport *result; /* (owned) (nullable) */
	gboolean woken;
} Work;

void
rd_contract_find(RdContractTrial *self, const char *format, ...)
{
	RdContractNotes *notes = self->notes;
	g_autofree char *text = NULL, *line = NULL;
	va_list args;
	gsize size;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	line = self->met != NULL ? g_strdup_printf("where \"%s\" %s: %s", self->met,
						   rd_mishap_to_words(self->mishap), text)
				 : g_steal_pointer(&text);
	/* one finding is one line, whatever a plugin says */
	g_strdelimit(line, "\n", ' ');
	size = strlen(line);
	if (notes->size + size + 2 > sizeof notes->text)
		return;
	memcpy(notes->text + notes->size, line, size);
	notes->size += size;
	notes->text[notes->size++] = '\n';
	notes->text[notes->size] = '\0';
}

void
rd_contract_next_attempt(RdContractTrial *self)
{
	self->attempt++;
	g_clear_pointer(&self->remembered, g_hash_table_unref);
	self->remembered = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

static gboolean
tell(const RdReport *report, gpointer data)
{
	Work *work = data;
	RdContractTrial *trial = work->trial;

	if (report->kind == RD_REPORT_NOTE)
		g_hash_table_replace(trial->remembered, g_strdup(report->key),
				     g_strdup(report->value));
	if (report->kind == RD_REPORT_NOTE && !g_hash_table_contains(trial->first, report->key))
		g_hash_table_insert(trial->first, g_strdup(report->key), g_strdup(report->value));
	if (report->kind == RD_REPORT_OUTPUT)
		g_hash_table_replace(trial->outputs, g_strdup(report->key),
				     g_strdup(report->value));
	if (report->kind == RD_REPORT_TOUCH)
		trial->touches = (guint)report->number;
	if (report->kind == RD_REPORT_RESULT)
		work->result = rd_report_copy(report);
	return TRUE;
}

static void
body(gpointer data)
{
	/* the guard page is a plugin's limit away */
	volatile char *used = g_alloca(rd_fiber_stack_size() / 2 - STACK_OURS);
	Work *work = data;

	*used = 0;
	rd_order_carry_out(work->order, work->trial->contract->catalogue, work->world,
			   work->trial->contract->setting, tell, work);
	*used = 1;
}

static void
wake(gpointer data)
{
	((Work *)data)->woken = TRUE;
}

/* FALSE: it will never end by itself */
static gboolean
run_fiber(Work *work, RdMishapWorld *world, gint64 until)
{
	RdTimeline *timeline = work->trial->contract->cluster->timeline;
	g_autoptr(RdFiber) fiber = rd_fiber_new(body, work);

	while (rd_fiber_resume(fiber)) {
		if (world->killed)
			return TRUE;
		for (work->woken = FALSE; !work->woken;)
			if (rd_timeline_now(timeline) > until || !rd_timeline_step(timeline))
				return FALSE;
	}
	return TRUE;
}

static void
copy_into(GHashTable *to, GHashTable *from)
{
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_hash_table_replace(to, g_strdup(key), g_strdup(value));
}

static RdOrder *
order_new(RdContractTrial *self, RdDo what)
{
	const RdContractStep *step = self->step;
	const RdSimHost *host = rd_sim_cluster_find(self->contract->cluster, step->target);
	RdOrder *order = rd_order_new(what, step->target);

	order->number = step->number;
	order->fence_host = g_strdup(step->fence_host);
	order->fence_number = step->fence_number;
	if (step->excused != NULL)
		g_ptr_array_add(order->excused, g_strdup(step->excused));
	order->state = g_strdup(step->state);
	order->type = g_strdup(step->type);
	order->visit = 1;
	order->attempt = self->attempt;
	order->touches = self->touches;
	order->timeout_ms = (gint64)self->type->timeout * 1000;
	order->boot_id = host != NULL ? g_strdup(host->boot_id) : NULL;
	order->machine_id = host != NULL ? g_strdup(host->machine_id) : NULL;
	copy_into(order->with, step->with);
	copy_into(order->notes, self->remembered);
	copy_into(order->first, self->first);
	return order;
}

/* ---- what holds for every order ------------------------------------------------------------ */

static void
judge_words(RdContractTrial *self, RdDo what, const RdReport *report)
{
	static const char *const bad[] = {"failed", "permanent", "unreachable", "unknown", NULL};
	static const char *const silent[] = {"it failed and gave no reason",
					     "the probe cannot tell", NULL};
	const char *const *outcomes = self->type->outcomes;

	if (g_strv_contains(bad, report->word) && (report->text == NULL || *report->text == '\0' ||
						   g_strv_contains(silent, report->text)))
		rd_contract_find(self, "%s ends as %s and does not say why: set the error",
				 rd_do_to_string(what), report->word);
	if (report->outcome != NULL &&
	    (outcomes != NULL ? !g_strv_contains(outcomes, report->outcome)
			      : !g_str_equal(report->outcome, "done")))
		rd_contract_find(self, "the outcome \"%s\" is not in its table", report->outcome);
}

static void
judge_world(RdContractTrial *self, RdDo what, gint64 took)
{
	GPtrArray *violations = self->contract->cluster->violations;
	gint64 time = (gint64)self->type->timeout * RD_SIM_SECOND;

	if (took > time + TIME_GRACE)
		rd_contract_find(self,
				 "%s goes on for %" G_GINT64_FORMAT " s, its time is %u s: wait "
				 "with recovery_wait()",
				 rd_do_to_string(what), took / RD_SIM_SECOND, self->type->timeout);
	for (guint i = self->contract->violations; i < violations->len; i++) {
		const char *text = g_ptr_array_index(violations, i);

		if (strstr(text, "no such command here") != NULL)
			self->notes->stranger = TRUE;
		rd_contract_find(self, "%s: %s", rd_do_to_string(what), text);
	}
	self->contract->violations = violations->len;
}

RdReport *
rd_contract_order(RdContractTrial *self, RdDo what, RdMishap mishap, guint at)
{
	RdContract *contract = self->contract;
	g_autoptr(RdOrder) order = order_new(self, what);
	Work work = {.trial = self, .order = order};
	g_autoptr(RdMishapWorld) world =
	    rd_mishap_world_new(&contract->network, self->step->target, mishap, at, wake, &work);
	gint64 began = rd_timeline_now(contract->cluster->timeline);
	gboolean ended;

	work.world = &world->world;
	ended = run_fiber(&work, world, began + order->timeout_ms * RD_SIM_MS + TIME_LIMIT);
	self->notes->calls[what] = world->calls;
	if (world->met != NULL) {
		g_free(self->met);
		self->met = g_strdup_printf("%s: %s", rd_do_to_string(what), world->met);
	}
	if (world->deaf)
		rd_contract_find(self, "%s does not end when it is told to", rd_do_to_string(what));
	else if (!ended)
		rd_contract_find(self, "%s never ends", rd_do_to_string(what));
	judge_world(self, what, rd_timeline_now(contract->cluster->timeline) - began);
	if (work.result != NULL)
		judge_words(self, what, work.result);
	return work.result;
}

/* the lock of every host, as a run has it before its first change */
void
rd_contract_take_locks(RdContract *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		RdWorld *world = rd_sim_world_new(&self->network, host->name, NULL, NULL);
		g_auto(RdReply) reply = {0};
		g_autoptr(GError) error = NULL;
		const RdCall call = {.verb = RD_CALL_TAKE,
				     .run = self->setting->run_id,
				     .number = 1,
				     .enrol = TRUE,
				     .who = self->setting->who,
				     .input_fd = -1,
				     .wait_s = 20};

		if (!world->klass->call(world, host->name, &call, &reply, &error) ||
		    reply.verdict != RD_VERDICT_DONE)
			g_error("%s: %s", host->name, error != NULL ? error->message : reply.err);
		rd_sim_world_free(world);
	}
}
