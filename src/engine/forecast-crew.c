/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "forecast-private.h"

/* A crew between the engine and the real one. What looks is passed on with what is foreseen; what
 * would take, wait or prove is answered here, always with what lets the machine go on. What was
 * really found is kept in the steps. */

void
rd_forecast_hand_free(gpointer data)
{
	RdForecastHand *self = data;

	g_clear_pointer(&self->order, rd_order_free);
	g_clear_pointer(&self->before, rd_foreseen_free);
	g_clear_pointer(&self->otherwise, json_array_unref);
	g_free(self->outcome);
	g_free(self);
}

/* ---- what the engine is told --------------------------------------------------------------- */

static void
rd_forecast_tell(RdForecastCrew *self, const RdReport *report)
{
	if (self->crew.report != NULL)
		self->crew.report(report, self->crew.data);
}

static void
rd_forecast_result(RdForecastCrew *self, const RdOrder *order, const char *word,
		   const char *outcome)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_RESULT, order->lane, word);

	report->outcome = g_strdup(outcome);
	rd_forecast_tell(self, report);
}

/* Free for us, whatever was found: that is said in the forecast. What the journal knows of the
 * host stays as it is, or the machine would take it for another one. */
static void
rd_forecast_grant(RdForecastCrew *self, const RdOrder *order)
{
	g_autoptr(RdReport) report = rd_report_new(RD_REPORT_RESULT, order->lane, "finished");
	const RdRunHost *host = rd_run_find_host(self->run, order->target);

	report->number = host != NULL && host->asked > 0 ? host->asked : -1;
	report->run = report->number > 0 ? g_strdup("ours") : NULL;
	report->machine_id =
	    g_strdup(host != NULL && host->machine_id != NULL ? host->machine_id : order->target);
	report->boot_id =
	    g_strdup(host != NULL && host->boot_id != NULL ? host->boot_id : order->target);
	rd_forecast_tell(self, report);
}

/* what later states would get of it reads as they wrote it */
static void
rd_forecast_tell_outputs(RdForecastCrew *self, RdForecastHand *hand)
{
	const RdType *type = rd_types_find(self->options->types, hand->order->type);

	for (guint i = 0; type != NULL && type->outputs != NULL && type->outputs[i] != NULL; i++) {
		g_autoptr(RdReport) report = NULL;

		if (g_hash_table_contains(hand->step->outputs, type->outputs[i]))
			continue;
		report = rd_report_new(RD_REPORT_OUTPUT, hand->order->lane, NULL);
		report->key = g_strdup(type->outputs[i]);
		report->value = g_strdup_printf("${%s.%s}", hand->order->state, type->outputs[i]);
		hand->made++;
		rd_forecast_tell(self, report);
	}
}

static void
rd_forecast_go_on(RdForecastCrew *self, RdForecastHand *hand, const char *outcome)
{
	g_autoptr(RdOrder) order = rd_order_copy(hand->order);

	/* the next order of this lane may come from within */
	rd_forecast_tell_outputs(self, hand);
	rd_forecast_result(self, order, "finished", outcome);
}

/* ---- steps --------------------------------------------------------------------------------- */

static RdForecastStep *
rd_forecast_add_step(RdForecastCrew *self, const RdOrder *order)
{
	int index = rd_plan_find_state(self->options->plan, order->state);
	RdForecastStep *step = g_new0(RdForecastStep, 1);

	step->plan = g_ptr_array_index(self->options->plan->states, index);
	step->target = g_strdup(order->target);
	step->visit = order->visit;
	step->back = order->what == RD_DO_UNDO;
	step->entries = json_array_new();
	step->outputs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_ptr_array_add(self->forecast->steps, step);
	return step;
}

/* Three-valued (design 5): FALSE when it is not true for certain. What depends on an output that
 * nobody has yet is decided then, and walked as if it were true. */
static gboolean
rd_forecast_is_wanted(RdForecastCrew *self, const RdOrder *order, RdForecastStep *step)
{
	int index = rd_plan_find_state(self->options->plan, order->state);
	const GPtrArray *when = g_ptr_array_index(self->whens, index);
	const RdStep *run_step = rd_run_find_step(self->run, order->state, order->target);

	for (guint i = 0; i + 1 < when->len; i += 2) {
		g_autofree char *fact = rd_run_resolve(self->run, run_step, when->pdata[i], NULL);

		if (fact != NULL && g_str_equal(fact, when->pdata[i + 1]))
			continue;
		if (fact != NULL && strstr(fact, "${") == NULL) {
			step->text =
			    g_strdup_printf("%s is \"%s\", not \"%s\"", (char *)when->pdata[i],
					    fact, (char *)when->pdata[i + 1]);
			return FALSE;
		}
		g_free(step->when);
		step->when = g_strdup_printf("%s is \"%s\"", (char *)when->pdata[i],
					     (char *)when->pdata[i + 1]);
	}
	return TRUE;
}

static gboolean
rd_forecast_is_vague(const RdOrder *order)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, order->with);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (strstr(value, "${") != NULL || strstr(value, RD_FORESEEN_THEN) != NULL)
			return TRUE;
	return FALSE;
}

static void
rd_forecast_pass(RdForecastCrew *self, RdForecastHand *hand, RdDo what)
{
	g_autoptr(RdOrder) order = rd_order_copy(hand->order);

	order->what = what;
	/* looks of one who holds no lock */
	order->number = 0;
	if (what != RD_DO_SURVEY)
		order->foreseen =
		    rd_foreseen_to_string(hand->failing > 0 ? hand->before : self->foreseen);
	hand->passed = TRUE;
	self->options->crew->klass->send(self->options->crew, order);
}

static void
rd_forecast_begin(RdForecastCrew *self, RdForecastHand *hand)
{
	const RdOrder *order = hand->order;
	RdForecastStep *step = hand->step = rd_forecast_add_step(self, order);

	hand->vague = rd_forecast_is_vague(order);
	if (!step->back && !rd_forecast_is_wanted(self, order, step)) {
		step->word = RD_FORECAST_SKIPPED;
		if (order->what == RD_DO_CHECK)
			rd_forecast_result(self, order, "present", NULL);
		else
			rd_forecast_go_on(self, hand, NULL);
		return;
	}
	if (step->plan->kind != RD_KIND_WAIT) {
		rd_forecast_pass(self, hand, order->what);
		return;
	}
	step->word = RD_FORECAST_WAITS;
	if (json_array_get_length(self->foreseen->entries) == 0 && !hand->vague)
		rd_forecast_pass(self, hand, RD_DO_PROBE);
	else
		rd_forecast_go_on(self, hand, NULL);
}

static void
rd_forecast_enter(RdForecastCrew *self, RdForecastHand *hand)
{
	g_autofree char *text = rd_foreseen_to_string(self->foreseen);

	if (hand->unasked) {
		hand->unasked = FALSE;
		rd_forecast_go_on(self, hand, NULL);
		return;
	}
	g_clear_pointer(&hand->before, rd_foreseen_free);
	hand->before = rd_foreseen_parse(text, NULL);
	hand->runs = hand->failing = 0;
	rd_forecast_pass(self, hand, RD_DO_ENTER);
}

static gboolean
rd_forecast_entered_here(const RdForecastHand *hand)
{
	return hand->step != NULL && g_str_equal(hand->step->plan->name, hand->order->state) &&
	       g_str_equal(hand->step->target, hand->order->target);
}

static void
rd_forecast_send(RdCrew *crew, const RdOrder *order)
{
	RdForecastCrew *self = (RdForecastCrew *)crew;
	RdForecastHand *hand = g_hash_table_lookup(self->hands, order->lane);

	if (hand == NULL) {
		hand = g_new0(RdForecastHand, 1);
		g_hash_table_insert(self->hands, g_strdup(order->lane), hand);
	}
	g_clear_pointer(&hand->order, rd_order_free);
	hand->order = rd_order_copy(order);
	switch (order->what) {
	case RD_DO_SURVEY:
		rd_forecast_pass(self, hand, order->what);
		break;
	case RD_DO_TAKE:
	case RD_DO_RELEASE:
		rd_forecast_grant(self, order);
		break;
	case RD_DO_SETTLE:
		rd_forecast_result(self, order, "finished", NULL);
		break;
	case RD_DO_PROBE:
		/* what this walk has entered is done; what the run left half done is looked at */
		if (rd_forecast_entered_here(hand))
			rd_forecast_result(self, order, "present", NULL);
		else
			rd_forecast_pass(self, hand, order->what);
		break;
	case RD_DO_ENTER:
		rd_forecast_enter(self, hand);
		break;
	default: /* look, check, undo: a step begins */
		rd_forecast_begin(self, hand);
		break;
	}
}

/* ---- what the real crew says --------------------------------------------------------------- */

static void
rd_forecast_surveyed(RdForecastCrew *self, RdForecastHand *hand, const RdReport *report)
{
	const char *host = hand->order->target;
	const char *found = report->holder != NULL ? report->holder : "";

	if (g_strcmp0(report->word, "finished") != 0) {
		found = report->text != NULL ? report->text : report->word;
		g_hash_table_replace(self->foreseen->silent, g_strdup(host), g_strdup(found));
	}
	g_hash_table_replace(self->forecast->hosts, g_strdup(host), g_strdup(found));
	rd_forecast_grant(self, hand->order);
}

static gboolean
rd_report_is(const RdReport *report, const char *word)
{
	return report->kind == RD_REPORT_RESULT && g_strcmp0(report->word, word) == 0;
}

static void
rd_forecast_set_text(RdForecastStep *step, const char *text)
{
	if (text == NULL)
		return;
	g_free(step->text);
	step->text = g_strdup(text);
}

static void
rd_forecast_looked(RdForecastCrew *self, RdForecastHand *hand, const RdReport *report)
{
	RdForecastStep *step = hand->step;

	/* what is found now about what is going to be changed would only mislead */
	if (!step->then && !hand->vague)
		rd_forecast_set_text(step, report->text);
	if (step->plan->kind == RD_KIND_WAIT)
		step->word =
		    rd_report_is(report, "present") ? RD_FORECAST_HOLDS : RD_FORECAST_WAITS;
	else if (rd_report_is(report, "finished"))
		step->word = RD_FORECAST_ASKED;
	else
		step->word = step->then || hand->vague ? RD_FORECAST_WAITS : RD_FORECAST_REFUSED;
	rd_forecast_go_on(self, hand, report->outcome);
}

/* what will become of the step, by how its body ended */
static void
rd_forecast_judge(RdForecastHand *hand, const RdReport *report)
{
	RdForecastStep *step = hand->step;
	guint n = json_array_get_length(step->entries);

	if (rd_report_is(report, "finished")) {
		if (n > 0)
			step->word = RD_FORECAST_CHANGE;
		else if (step->back)
			step->word = step->then ? RD_FORECAST_THEN : RD_FORECAST_ALREADY;
		else if (step->word == RD_FORECAST_CHANGE)
			/* it is not so yet, and it comes by waiting for it */
			step->word = RD_FORECAST_WAITS;
	} else if (n > 0 || step->then || hand->vague || rd_report_is(report, "depends")) {
		step->word = RD_FORECAST_CHANGE;
		if (rd_report_is(report, "unreachable"))
			step->open =
			    g_strdup_printf("what is found then; no answer now: %s", report->text);
		else
			step->open =
			    g_strdup(report->text != NULL ? report->text : "what is found then");
	} else {
		step->word = RD_FORECAST_REFUSED;
		rd_forecast_set_text(step, report->text);
	}
}

static void
rd_forecast_checked(RdForecastCrew *self, RdForecastHand *hand, const RdReport *report)
{
	RdForecastStep *step = hand->step;

	if (!step->then && !hand->vague)
		rd_forecast_set_text(step, report->text);
	step->word = RD_FORECAST_CHANGE;
	/* Without the notes of its baseline a body is never entered: what it would do is not known
	 * before. A question that only comes too early ("depends") is another matter. */
	hand->unasked = rd_report_is(report, "unreachable") || rd_report_is(report, "failed") ||
			rd_report_is(report, "permanent");
	if (hand->unasked)
		rd_forecast_judge(hand, report);
	if (!rd_report_is(report, "present")) {
		rd_forecast_result(self, hand->order, "absent", NULL);
		return;
	}
	step->word = step->then ? RD_FORECAST_THEN : RD_FORECAST_ALREADY;
	rd_forecast_result(self, hand->order, step->then ? "absent" : "present", NULL);
}

static void
rd_entry_depend(JsonObject *entry, guint number, gboolean fails)
{
	g_autofree char *change = g_strdup_printf("%u", number);
	g_autofree char *text = g_strdup_printf("that change %u of this step %s", number,
						fails ? "fails" : "ends well");

	if (rd_foreseen_get(entry, "depends") != NULL)
		return;
	json_object_set_string_member(entry, "depends", text);
	json_object_set_string_member(entry, fails ? "if-fails" : "if-well", change);
}

/* Where the failing @run of @hand is not the end of the body, what it does otherwise is in the
 * plan, too, and neither way is certain. */
static void
rd_forecast_add_otherwise(RdForecastHand *hand)
{
	JsonArray *entries = hand->step->entries;
	guint n = json_array_get_length(entries), at = 0;

	for (guint run = 0; at < n && run < hand->failing; at++)
		run += g_str_equal(
		    rd_foreseen_get(json_array_get_object_element(entries, at), "verb"), "run");
	if (json_array_get_length(hand->otherwise) <= at)
		return;
	for (guint i = at; i < n; i++)
		rd_entry_depend(json_array_get_object_element(entries, i), at, FALSE);
	for (guint i = at; i < json_array_get_length(hand->otherwise); i++) {
		JsonNode *node = json_array_dup_element(hand->otherwise, i);

		rd_entry_depend(json_node_get_object(node), at, TRUE);
		json_array_add_element(entries, node);
	}
}

/* TRUE while there is a `run` left to be tried otherwise; those of other ways are not */
static gboolean
rd_forecast_try_otherwise(RdForecastCrew *self, RdForecastHand *hand)
{
	if (hand->failing > 0)
		rd_forecast_add_otherwise(hand);
	g_clear_pointer(&hand->otherwise, json_array_unref);
	if (hand->failing >= hand->runs) {
		hand->failing = 0;
		return FALSE;
	}
	hand->before->fails = ++hand->failing;
	hand->otherwise = json_array_new();
	rd_forecast_pass(self, hand, RD_DO_ENTER);
	return TRUE;
}

/* enter and undo */
static void
rd_forecast_entered(RdForecastCrew *self, RdForecastHand *hand, const RdReport *report)
{
	rd_forecast_judge(hand, report);
	if (hand->order->what != RD_DO_ENTER) {
		rd_forecast_go_on(self, hand, report->outcome);
		return;
	}
	g_free(hand->outcome);
	hand->outcome = g_strdup(report->outcome);
	if (!rd_forecast_try_otherwise(self, hand))
		rd_forecast_go_on(self, hand, hand->outcome);
}

static void
rd_forecast_ended(RdForecastCrew *self, RdForecastHand *hand, const RdReport *report)
{
	hand->passed = FALSE;
	if (hand->failing > 0) {
		if (!rd_forecast_try_otherwise(self, hand))
			rd_forecast_go_on(self, hand, hand->outcome);
		return;
	}
	if (hand->order->what == RD_DO_SURVEY) {
		rd_forecast_surveyed(self, hand, report);
		return;
	}
	if (hand->order->what == RD_DO_PROBE) {
		rd_forecast_result(self, hand->order,
				   rd_report_is(report, "present") ? "present" : "absent", NULL);
		return;
	}
	/* entering looks at what it has just written down, which says nothing of before */
	if (g_strcmp0(report->key, "then") == 0 && hand->order->what != RD_DO_ENTER)
		hand->step->then = TRUE;
	if (report->value != NULL)
		g_hash_table_replace(self->foreseen->silent, g_strdup(RD_CLUSTER),
				     g_strdup(report->value));
	if (hand->order->what == RD_DO_LOOK)
		rd_forecast_looked(self, hand, report);
	else if (hand->order->what == RD_DO_CHECK)
		rd_forecast_checked(self, hand, report);
	else
		rd_forecast_entered(self, hand, report);
}

static void
rd_forecast_touched(RdForecastCrew *self, RdForecastHand *hand, const RdReport *report)
{
	g_autoptr(JsonNode) node = json_from_string(report->value, NULL);

	if (node != NULL && JSON_NODE_HOLDS_OBJECT(node) && hand->failing > 0) {
		json_array_add_element(hand->otherwise, g_steal_pointer(&node));
	} else if (node != NULL && JSON_NODE_HOLDS_OBJECT(node)) {
		hand->runs +=
		    g_strcmp0(rd_foreseen_get(json_node_get_object(node), "verb"), "run") == 0 &&
		    hand->order->what == RD_DO_ENTER;
		json_array_add_element(self->foreseen->entries, json_node_copy(node));
		json_array_add_element(hand->step->entries, g_steal_pointer(&node));
	}
	self->options->crew->klass->acknowledge(self->options->crew, report->lane);
}

void
rd_forecast_reported(const RdReport *report, gpointer data)
{
	RdForecastCrew *self = data;
	RdForecastHand *hand = g_hash_table_lookup(self->hands, report->lane);

	if (hand == NULL || !hand->passed)
		return;
	switch (report->kind) {
	case RD_REPORT_RESULT:
	case RD_REPORT_LOST:
		rd_forecast_ended(self, hand, report);
		break;
	case RD_REPORT_TOUCH:
		rd_forecast_touched(self, hand, report);
		break;
	case RD_REPORT_OUTPUT:
		if (hand->failing > 0) {
			self->options->crew->klass->acknowledge(self->options->crew, report->lane);
			break;
		}
		if (hand->order->what != RD_DO_PROBE)
			g_hash_table_replace(hand->step->outputs, g_strdup(report->key),
					     g_strdup(report->value));
		rd_forecast_tell(self, report);
		break;
	case RD_REPORT_NOTE:
		if (hand->failing > 0)
			self->options->crew->klass->acknowledge(self->options->crew, report->lane);
		else
			rd_forecast_tell(self, report);
		break;
	default:
		break;
	}
}

static void
rd_forecast_acknowledge(RdCrew *crew, const char *lane)
{
	RdForecastCrew *self = (RdForecastCrew *)crew;
	RdForecastHand *hand = g_hash_table_lookup(self->hands, lane);

	if (hand == NULL)
		return;
	if (hand->made > 0)
		hand->made--;
	else
		self->options->crew->klass->acknowledge(self->options->crew, lane);
}

static void
rd_forecast_cancel(RdCrew *crew, const char *lane)
{
	RdForecastCrew *self = (RdForecastCrew *)crew;
	RdForecastHand *hand = g_hash_table_lookup(self->hands, lane);

	if (hand != NULL && hand->passed)
		self->options->crew->klass->cancel(self->options->crew, lane);
}

static void
rd_forecast_crew_free(RdCrew *crew)
{
}

const RdCrewClass rd_forecast_crew_class = {
    rd_forecast_send,
    rd_forecast_acknowledge,
    rd_forecast_cancel,
    rd_forecast_crew_free,
};
