/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "account-private.h"
#include "attempt.h"
#include "yaml/json.h"

/* What was done and what was looked at, attempt by attempt. */

static void
rd_account_touch(JsonBuilder *json, const RdTouch *touch)
{
	json_builder_begin_object(json);
	rd_account_event(json, touch->touch);
	rd_json_int(json, "number", touch->number);
	rd_json_string(json, "verb", touch->touch->word);
	rd_json_string(json, "what", touch->touch->text);
	rd_json_string(json, "ended", touch->touched != NULL ? touch->touched->word : NULL);
	rd_json_string(json, "text", touch->touched != NULL ? touch->touched->text : NULL);
	json_builder_set_member_name(json, "took_ms");
	if (touch->touched != NULL)
		json_builder_add_int_value(json,
					   (touch->touched->wall - touch->touch->wall) / 1000);
	else
		json_builder_add_null_value(json);
	json_builder_end_object(json);
}

static void
rd_account_life(JsonBuilder *json, const RdAttempt *attempt)
{
	json_builder_set_member_name(json, "events");
	json_builder_begin_array(json);
	for (guint i = 0; i < attempt->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(attempt->events, i);

		json_builder_begin_object(json);
		rd_account_event(json, event);
		rd_json_string(json, "word", event->word);
		rd_json_string(json, "text", event->text);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

static void
rd_account_notes(JsonBuilder *json, const RdAttempt *attempt, RdEventKind kind, const char *name)
{
	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (guint i = 0; i < attempt->notes->len; i++) {
		const RdEvent *event = g_ptr_array_index(attempt->notes, i);

		if (event->kind != kind)
			continue;
		json_builder_begin_object(json);
		rd_json_string(json, "name", event->key);
		rd_json_string(json, "value", event->value);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
}

/* in a word that needs no knowledge of a step's life */
static const char *
rd_account_result(const RdAttempt *attempt)
{
	switch (attempt->life) {
	case RD_LIFE_DONE:
		return attempt->there ? "already true" : "done";
	case RD_LIFE_WAITING:
		return "failed, to be tried again";
	case RD_LIFE_HELD:
		return attempt->intent ? "unknown outcome" : "refused, nothing was touched";
	case RD_LIFE_FAILED:
		return "given up";
	case RD_LIFE_OWING:
		return "could not be given back";
	case RD_LIFE_SKIPPED:
	case RD_LIFE_CANCELLED:
	case RD_LIFE_UNDONE:
		return rd_life_to_string(attempt->life);
	default:
		return "not at its end";
	}
}

static void
rd_account_attempt(JsonBuilder *json, const RdEvidence *evidence, const RdAttempt *attempt)
{
	const RdPlanState *state = rd_evidence_find_state(evidence, attempt->state);
	static const char *const kinds[] = {NULL, "change", "wait", "query"};
	g_autofree char *name = rd_account_step_name(attempt->state, attempt->target);

	json_builder_begin_object(json);
	rd_account_event(json, attempt->began);
	rd_json_string(json, "step", name);
	rd_json_string(json, "state", attempt->state);
	rd_json_string(json, "target", attempt->target);
	rd_json_string(json, "type", state != NULL ? state->type : NULL);
	rd_json_string(json, "kind", state != NULL ? kinds[state->kind] : NULL);
	rd_json_int(json, "visit", attempt->visit);
	rd_json_int(json, "attempt", attempt->attempt);
	rd_json_string(json, "life", rd_life_to_string(attempt->life));
	rd_json_string(json, "result", rd_account_result(attempt));
	rd_json_wall(json, "ended", attempt->last->wall);
	rd_json_int(json, "took_ms", (attempt->last->wall - attempt->began->wall) / 1000);
	rd_json_string(json, "outcome", attempt->outcome);
	rd_json_string(json, "text", attempt->text);
	rd_account_life(json, attempt);
	json_builder_set_member_name(json, "changes");
	json_builder_begin_array(json);
	for (guint i = 0; i < attempt->touches->len; i++)
		rd_account_touch(json, g_ptr_array_index(attempt->touches, i));
	json_builder_end_array(json);
	rd_account_notes(json, attempt, RD_EVENT_NOTE, "notes");
	rd_account_notes(json, attempt, RD_EVENT_OUTPUT, "outputs");
	json_builder_end_object(json);
}

static void
rd_account_check(JsonBuilder *json, const char *what, const char *type, const RdAttempt *attempt,
		 const char *result, gint64 wall)
{
	g_autofree char *name = rd_account_step_name(attempt->state, attempt->target);

	json_builder_begin_object(json);
	rd_json_wall(json, "at", wall);
	rd_json_string(json, "what", what);
	rd_json_string(json, "check", type);
	rd_json_string(json, "step", name);
	rd_json_string(json, "result", result);
	rd_json_string(json, "text", attempt->text);
	json_builder_end_object(json);
}

/* what was asked and did not change anything; and what had to hold when a change began */
static void
rd_account_checks(JsonBuilder *json, const RdEvidence *evidence, const RdAttempt *attempt)
{
	const RdPlanState *state = rd_evidence_find_state(evidence, attempt->state);

	if (state == NULL)
		return;
	if (state->kind != RD_KIND_CHANGE)
		rd_account_check(json, state->kind == RD_KIND_WAIT ? "awaited" : "asked",
				 state->type, attempt,
				 attempt->outcome != NULL && attempt->life == RD_LIFE_DONE
				     ? attempt->outcome
				     : rd_account_result(attempt),
				 attempt->last->wall);
	for (guint i = 0; attempt->intent && i < state->guards->len; i++) {
		const RdPlanGuard *guard = g_ptr_array_index(state->guards, i);

		rd_account_check(json, "held immediately before", guard->type, attempt, "held",
				 attempt->intended);
	}
}

void
rd_account_steps(JsonBuilder *json, const RdEvidence *evidence)
{
	g_autoptr(GPtrArray) attempts = rd_attempts_new(evidence->events);

	json_builder_set_member_name(json, "checks");
	json_builder_begin_array(json);
	for (guint i = 0; i < attempts->len; i++)
		rd_account_checks(json, evidence, g_ptr_array_index(attempts, i));
	json_builder_end_array(json);
	json_builder_set_member_name(json, "timeline");
	json_builder_begin_array(json);
	for (guint i = 0; i < attempts->len; i++)
		rd_account_attempt(json, evidence, g_ptr_array_index(attempts, i));
	json_builder_end_array(json);
}
