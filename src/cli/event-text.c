/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "cli/event-text.h"
#include "cli/screen.h"
#include "machine/life.h"
#include "yaml/format.h"
#include "yaml/json.h"

#define NUMBER "%" G_GINT64_FORMAT

/* clang-format off */
static const struct {
	const char *words;
	const char *ink;
} steps[] = {
    [RD_STEP_BEGIN]        = {"is it needed?", ""},
    [RD_STEP_LOOK]         = {"looking", ""},
    [RD_STEP_SKIP]         = {"skipped", RD_INK_DIM},
    [RD_STEP_INTENT]       = {"it is needed, the guards hold: about to do it", ""},
    [RD_STEP_FINISHED]     = {"came to its end", ""},
    [RD_STEP_FAILED]       = {"failed", RD_INK_WARN},
    [RD_STEP_REFUSED]      = {"refused: trying again does not help", RD_INK_BAD},
    [RD_STEP_UNREACHABLE]  = {"no answer", RD_INK_WARN},
    [RD_STEP_LOST]         = {"interrupted", RD_INK_WARN},
    [RD_STEP_SETTLED]      = {"nothing of it runs any more", ""},
    [RD_STEP_PRESENT]      = {"it is done: the host shows it", RD_INK_GOOD},
    [RD_STEP_ABSENT]       = {"it is not done: the host shows it", ""},
    [RD_STEP_UNCLEAR]      = {"nobody can tell whether it is done", RD_INK_BAD},
    [RD_STEP_EXHAUSTED]    = {"no attempt left", RD_INK_BAD},
    [RD_STEP_DEADLINE]     = {"its time is over; nothing was killed on the host", RD_INK_BAD},
    [RD_STEP_RESUME]       = {"to be looked at again", ""},
    [RD_STEP_DECIDE_DONE]  = {"a person vouches that it is done", RD_INK_WARN},
    [RD_STEP_DECIDE_REDO]  = {"a person wants it done again", RD_INK_WARN},
    [RD_STEP_DECIDE_ABORT] = {"a person gives it up", RD_INK_BAD},
    [RD_STEP_CANCEL]       = {"cancelled", RD_INK_WARN},
    [RD_STEP_UNDO]         = {"about to undo it", RD_INK_WARN},
    [RD_STEP_LEAVE]        = {"what it worked beside is over", ""},
};
/* clang-format on */

G_STATIC_ASSERT(G_N_ELEMENTS(steps) == RD_STEP_EVENT_LAST + 1);

char *
rd_event_subject(const RdEvent *event)
{
	if (event->state != NULL && event->target != NULL)
		return g_strdup_printf("%s@%s", event->state, event->target);
	if (event->state != NULL)
		return g_strdup(event->state);
	return g_strdup(event->target != NULL ? event->target : "run");
}

static const char *
rd_or(const char *text, const char *otherwise)
{
	return text != NULL ? text : otherwise;
}

/* "WORDS" or "WORDS: TEXT" */
static char *
rd_event_with_text(const char *words, const char *text)
{
	return text != NULL && *text != '\0' ? g_strdup_printf("%s: %s", words, text)
					     : g_strdup(words);
}

static char *
rd_event_describe_step(const RdEvent *event)
{
	RdStepEvent what;
	g_autofree char *attempt = NULL;
	g_autofree char *words = NULL;

	if (!rd_step_event_from_string(event->word, &what))
		return rd_event_with_text(rd_or(event->word, "?"), event->text);
	if (event->attempt > 1)
		attempt = g_strdup_printf(" (attempt %u)", event->attempt);
	words = g_strconcat(steps[what].words, rd_or(attempt, ""), NULL);
	return rd_event_with_text(words, event->text);
}

static char *
rd_event_describe_lock(const RdEvent *event)
{
	g_autofree char *words = NULL;

	switch (event->kind) {
	case RD_EVENT_SURVEY:
		if (event->number < 0)
			return g_strdup("looked at: it has no lock file");
		words = g_strdup_printf("looked at: its lock is #" NUMBER, event->number);
		return rd_event_with_text(words, event->text);
	case RD_EVENT_INCARNATION:
		return g_strdup_printf(
		    "to be asked for lock #" NUMBER "%s", event->number,
		    g_strcmp0(event->word, "enrol") == 0 ? ", making its lock file" : "");
	case RD_EVENT_GRANTED:
		return g_strdup_printf("lock #" NUMBER " granted", event->number);
	case RD_EVENT_REFUSED:
		words = g_strdup_printf("lock not granted, %s", rd_or(event->word, "?"));
		return rd_event_with_text(words, event->text);
	default:
		return g_strdup("lock given back");
	}
}

static char *
rd_event_describe_request(const RdEvent *event)
{
	g_autofree char *words =
	    g_strdup_printf("%s: %s%s%s", rd_or(event->key, "somebody"), rd_or(event->word, "?"),
			    event->value != NULL ? " " : "", rd_or(event->value, ""));

	return rd_event_with_text(words, event->text);
}

static char *
rd_event_describe_run(const RdEvent *event)
{
	g_autofree char *words = NULL;

	if (event->value != NULL)
		words =
		    g_strdup_printf("the run has %s, %s", rd_or(event->word, "?"), event->value);
	else
		words = g_strdup_printf("the run is %s", rd_or(event->word, "?"));
	return rd_event_with_text(words, event->text);
}

char *
rd_event_describe(const RdEvent *event)
{
	g_autofree char *words = NULL;

	switch (event->kind) {
	case RD_EVENT_CREATED:
		return g_strdup_printf("created by %s: procedure %s, cluster %s",
				       rd_or(event->text, "?"), rd_or(event->word, "?"),
				       rd_or(event->key, "?"));
	case RD_EVENT_INPUT:
		return g_strdup_printf("input %s = %s", rd_or(event->key, "?"),
				       rd_or(event->value, ""));
	case RD_EVENT_HOST:
		words =
		    g_strdup_printf("%s, says %s", rd_or(event->word, "?"), rd_or(event->key, "?"));
		return rd_event_with_text(words, event->text);
	case RD_EVENT_ENGINE:
		return g_strdup_printf("engine %s on %s, process " NUMBER "%s%s",
				       rd_or(event->word, "?"), rd_or(event->key, "?"),
				       event->number, event->text != NULL ? ", version " : "",
				       rd_or(event->text, ""));
	case RD_EVENT_SURVEY:
	case RD_EVENT_INCARNATION:
	case RD_EVENT_GRANTED:
	case RD_EVENT_REFUSED:
	case RD_EVENT_RELEASED:
		return rd_event_describe_lock(event);
	case RD_EVENT_VISIT:
		words = event->number > 1 ? g_strdup_printf("begins, visit " NUMBER, event->number)
					  : g_strdup("begins");
		return rd_event_with_text(words, event->text);
	case RD_EVENT_STEP:
		return rd_event_describe_step(event);
	case RD_EVENT_NOTE:
		return g_strdup_printf("notes %s = %s", rd_or(event->key, "?"),
				       rd_or(event->value, ""));
	case RD_EVENT_OUTPUT:
		return g_strdup_printf("%s = %s", rd_or(event->key, "?"), rd_or(event->value, ""));
	case RD_EVENT_OUTCOME:
		return g_strdup_printf("outcome %s", rd_or(event->word, "?"));
	case RD_EVENT_TOUCH:
		words = g_strdup_printf("touches [" NUMBER "] %s", event->number,
					rd_or(event->word, "?"));
		return rd_event_with_text(words, event->text);
	case RD_EVENT_TOUCHED:
		words = g_strdup_printf("touched [" NUMBER "] %s", event->number,
					rd_or(event->word, "?"));
		return rd_event_with_text(words, event->text);
	case RD_EVENT_MOVED:
		return g_strdup_printf("has come as far as " NUMBER, event->number);
	case RD_EVENT_MARK:
		return g_strdup_printf("passed: %s", rd_or(event->word, "?"));
	case RD_EVENT_REQUEST:
		return rd_event_describe_request(event);
	case RD_EVENT_RUN:
		return rd_event_describe_run(event);
	case RD_EVENT_GATE:
		words = g_strdup_printf("gate %s %s by %s%s", rd_or(event->value, "?"),
					rd_or(event->word, "?"), rd_or(event->key, "?"),
					event->visit == 0 ? ", beforehand" : "");
		return rd_event_with_text(words, event->text);
	case RD_EVENT_REMARK:
		return rd_event_with_text(rd_or(event->key, "somebody"), event->text);
	}
	return rd_event_with_text(rd_or(event->word, "?"), event->text);
}

const char *
rd_event_ink(const RdEvent *event)
{
	RdStepEvent what;

	switch (event->kind) {
	case RD_EVENT_STEP:
		return rd_step_event_from_string(event->word, &what) ? steps[what].ink : "";
	case RD_EVENT_REFUSED:
	case RD_EVENT_MARK:
	case RD_EVENT_GATE:
	case RD_EVENT_REQUEST:
		return RD_INK_WARN;
	case RD_EVENT_TOUCH:
	case RD_EVENT_RUN:
		return RD_INK_BOLD;
	case RD_EVENT_INPUT:
	case RD_EVENT_NOTE:
	case RD_EVENT_OUTPUT:
	case RD_EVENT_SURVEY:
	case RD_EVENT_INCARNATION:
		return RD_INK_DIM;
	default:
		return "";
	}
}

JsonNode *
rd_event_to_json(const RdEvent *event)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autofree char *at = rd_format_rfc3339(event->wall);
	const struct {
		const char *name, *value;
	} texts[] = {
	    {"state", event->state}, {"target", event->target}, {"word", event->word},
	    {"key", event->key},     {"value", event->value},	{"text", event->text},
	};

	json_builder_begin_object(json);
	rd_json_number(json, "seq", event->seq);
	rd_json_string(json, "at", at);
	json_builder_set_member_name(json, "clock_ms");
	json_builder_add_int_value(json, event->clock / 1000);
	rd_json_string(json, "kind", rd_event_kind_to_string(event->kind));
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
		if (texts[i].value != NULL)
			rd_json_string(json, texts[i].name, texts[i].value);
	if (event->visit != 0)
		rd_json_int(json, "visit", event->visit);
	if (event->attempt != 0)
		rd_json_int(json, "attempt", event->attempt);
	if (event->number != 0)
		rd_json_number(json, "number", event->number);
	json_builder_end_object(json);
	return json_builder_get_root(json);
}

gboolean
rd_event_matches(const RdEvent *event, const char *state, const char *host)
{
	const char *at = state != NULL ? strchr(state, '@') : NULL;
	g_autofree char *name = at != NULL ? g_strndup(state, at - state) : g_strdup(state);

	if (name != NULL && g_strcmp0(event->state, name) != 0)
		return FALSE;
	/* what concerns the state as a whole concerns each of its steps */
	if (at != NULL && event->target != NULL && strcmp(event->target, at + 1) != 0)
		return FALSE;
	return host == NULL || g_strcmp0(event->target, host) == 0;
}
