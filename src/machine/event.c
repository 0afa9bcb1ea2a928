/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-machine"

#include "event.h"
#include "words.h"

static const char *const kind_words[] = {
    [RD_EVENT_CREATED] = "created",   [RD_EVENT_INPUT] = "input",
    [RD_EVENT_HOST] = "host",	      [RD_EVENT_ENGINE] = "engine",
    [RD_EVENT_SURVEY] = "survey",     [RD_EVENT_INCARNATION] = "incarnation",
    [RD_EVENT_GRANTED] = "granted",   [RD_EVENT_REFUSED] = "refused",
    [RD_EVENT_VISIT] = "visit",	      [RD_EVENT_STEP] = "step",
    [RD_EVENT_NOTE] = "note",	      [RD_EVENT_OUTPUT] = "output",
    [RD_EVENT_OUTCOME] = "outcome",   [RD_EVENT_TOUCH] = "touch",
    [RD_EVENT_TOUCHED] = "touched",   [RD_EVENT_MARK] = "mark",
    [RD_EVENT_REQUEST] = "request",   [RD_EVENT_RUN] = "run",
    [RD_EVENT_RELEASED] = "released", [RD_EVENT_REMARK] = "remark",
    [RD_EVENT_GATE] = "gate",	      [RD_EVENT_MOVED] = "moved",
};

G_STATIC_ASSERT(G_N_ELEMENTS(kind_words) == RD_EVENT_LAST + 1);

RD_WORDS(RdEventKind, rd_event_kind, kind_words)

RdEvent *
rd_event_new(RdEventKind kind, const char *word)
{
	RdEvent *event = g_new0(RdEvent, 1);

	event->kind = kind;
	event->word = g_strdup(word);
	return event;
}

RdEvent *
rd_event_copy(const RdEvent *event)
{
	RdEvent *copy = g_new(RdEvent, 1);

	*copy = *event;
	copy->state = g_strdup(event->state);
	copy->target = g_strdup(event->target);
	copy->word = g_strdup(event->word);
	copy->key = g_strdup(event->key);
	copy->value = g_strdup(event->value);
	copy->text = g_strdup(event->text);
	return copy;
}

void
rd_event_free(RdEvent *event)
{
	g_free(event->state);
	g_free(event->target);
	g_free(event->word);
	g_free(event->key);
	g_free(event->value);
	g_free(event->text);
	g_free(event);
}

RdEvent *
rd_event_step(RdEvent *event, const char *state, const char *target, guint visit, guint attempt)
{
	g_free(event->state);
	g_free(event->target);
	event->state = g_strdup(state);
	event->target = g_strdup(target);
	event->visit = visit;
	event->attempt = attempt;
	return event;
}

RdEvent *
rd_event_pair(RdEvent *event, const char *key, const char *value)
{
	g_free(event->key);
	g_free(event->value);
	event->key = g_strdup(key);
	event->value = g_strdup(value);
	return event;
}

RdEvent *
rd_event_number(RdEvent *event, gint64 number)
{
	event->number = number;
	return event;
}

RdEvent *
rd_event_text(RdEvent *event, const char *text)
{
	g_free(event->text);
	event->text = g_strdup(text);
	return event;
}
