/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include "attempt.h"

typedef struct {
	GPtrArray *attempts; /* (element-type RdAttempt) */
	GHashTable *newest;  /* (element-type utf8 RdAttempt) "state@target" (unowned values) */
} RdAttempts;

static void
rd_attempt_free(gpointer data)
{
	RdAttempt *self = data;

	g_ptr_array_unref(self->touches);
	g_ptr_array_unref(self->notes);
	g_ptr_array_unref(self->events);
	g_free(self);
}

/* the life goes on from one attempt to the next of a visit, and begins anew with a visit */
static RdAttempt *
rd_attempts_find(RdAttempts *self, const RdEvent *event)
{
	char *name = g_strdup_printf("%s@%s", event->state, event->target);
	RdAttempt *before = g_hash_table_lookup(self->newest, name);
	RdAttempt *attempt;

	if (before != NULL && before->visit == event->visit && before->attempt == event->attempt) {
		g_free(name);
		return before;
	}
	attempt = g_new0(RdAttempt, 1);
	attempt->state = event->state;
	attempt->target = event->target;
	attempt->visit = event->visit;
	attempt->attempt = event->attempt;
	attempt->began = event;
	attempt->life =
	    before != NULL && before->visit == event->visit ? before->life : RD_LIFE_PENDING;
	attempt->touches = g_ptr_array_new_with_free_func(g_free);
	attempt->notes = g_ptr_array_new();
	attempt->events = g_ptr_array_new();
	g_ptr_array_add(self->attempts, attempt);
	g_hash_table_replace(self->newest, name, attempt);
	return attempt;
}

static void
rd_attempt_take_step(RdAttempt *self, const RdEvent *event)
{
	RdStepEvent what;
	RdLife from = self->life;

	g_ptr_array_add(self->events, (gpointer)event);
	if (!rd_step_event_from_string(event->word, &what) ||
	    !rd_life_next(from, what, &self->life))
		return;
	if (what == RD_STEP_INTENT) {
		self->intent = TRUE;
		self->intended = event->wall;
	}
	self->there = what == RD_STEP_PRESENT && from == RD_LIFE_CHECKING;
	if (event->text != NULL || self->life == RD_LIFE_DONE || what == RD_STEP_INTENT)
		self->text = event->text;
	if (self->life == RD_LIFE_DONE && self->text == NULL)
		self->text = self->note;
}

static void
rd_attempt_take_touched(RdAttempt *self, const RdEvent *event)
{
	for (guint i = self->touches->len; i > 0; i--) {
		RdTouch *touch = g_ptr_array_index(self->touches, i - 1);

		if (touch->number == (guint)event->number) {
			touch->touched = event;
			return;
		}
	}
}

static void
rd_attempt_take(RdAttempt *self, const RdEvent *event)
{
	RdTouch *touch;

	self->last = event;
	switch (event->kind) {
	case RD_EVENT_STEP:
		rd_attempt_take_step(self, event);
		break;
	case RD_EVENT_TOUCH:
		touch = g_new0(RdTouch, 1);
		touch->number = (guint)event->number;
		touch->touch = event;
		g_ptr_array_add(self->touches, touch);
		break;
	case RD_EVENT_TOUCHED:
		rd_attempt_take_touched(self, event);
		break;
	case RD_EVENT_OUTCOME:
		self->outcome = event->word;
		break;
	default:
		g_ptr_array_add(self->notes, (gpointer)event);
		if (event->kind == RD_EVENT_OUTPUT && g_strcmp0(event->key, "note") == 0)
			self->note =
			    event->value != NULL && *event->value != '\0' ? event->value : NULL;
		break;
	}
}

GPtrArray *
rd_attempts_new(GPtrArray *events)
{
	RdAttempts self = {.attempts = g_ptr_array_new_with_free_func(rd_attempt_free)};

	self.newest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < events->len; i++) {
		const RdEvent *event = g_ptr_array_index(events, i);

		switch (event->kind) {
		case RD_EVENT_STEP:
		case RD_EVENT_NOTE:
		case RD_EVENT_OUTPUT:
		case RD_EVENT_OUTCOME:
		case RD_EVENT_TOUCH:
		case RD_EVENT_TOUCHED:
			if (event->state != NULL && event->target != NULL)
				rd_attempt_take(rd_attempts_find(&self, event), event);
			break;
		default:
			break;
		}
	}
	g_hash_table_unref(self.newest);
	return self.attempts;
}
