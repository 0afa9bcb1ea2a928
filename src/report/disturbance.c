/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "disturbance.h"
#include "machine/life.h"
#include "machine/run.h"

static void
rd_disturbance_free(gpointer data)
{
	RdDisturbance *self = data;

	g_free(self->detail);
	g_free(self->how);
	g_free(self);
}

typedef struct {
	GPtrArray *list;     /* (element-type RdDisturbance) */
	GHashTable *open;    /* (element-type utf8 GPtrArray) "state@target" or host: unsettled */
	GHashTable *touches; /* (element-type utf8 RdEvent) begun and not ended */
	const RdEvent *last; /* of an engine's life */
	gboolean alive;	     /* that engine has not said that it stops */
	gboolean resting;    /* the run needs none: it waits for a person, or is over */
	const RdEvent *word; /* (nullable) the newest request of a person */
} RdStory;

static RdDisturbance *
rd_story_add(RdStory *self, const RdEvent *event, const char *what, const char *detail)
{
	RdDisturbance *found = g_new0(RdDisturbance, 1);

	found->event = event;
	found->what = what;
	found->detail = g_strdup(detail);
	found->lost = -1;
	g_ptr_array_add(self->list, found);
	return found;
}

static void
rd_story_settle(RdDisturbance *found, const RdEvent *by, char *how)
{
	found->resolved = TRUE;
	found->by = by;
	g_free(found->how);
	found->how = how;
}

/* ---- what is open of one step or host ------------------------------------------------------ */

static char *
rd_story_name(const RdEvent *event)
{
	return event->state != NULL ? g_strdup_printf("%s@%s", event->state, event->target)
				    : g_strdup(event->target);
}

static void
rd_story_open(RdStory *self, const RdEvent *event, RdDisturbance *found)
{
	g_autofree char *name = rd_story_name(event);
	GPtrArray *open = g_hash_table_lookup(self->open, name);

	if (open == NULL) {
		open = g_ptr_array_new();
		g_hash_table_insert(self->open, g_steal_pointer(&name), open);
	}
	g_ptr_array_add(open, found);
}

static void
rd_story_close(RdStory *self, const RdEvent *event, const char *how)
{
	g_autofree char *name = rd_story_name(event);
	GPtrArray *open = g_hash_table_lookup(self->open, name);

	for (guint i = 0; open != NULL && i < open->len; i++)
		rd_story_settle(g_ptr_array_index(open, i), event, g_strdup(how));
	g_hash_table_remove(self->open, name);
}

/* ---- steps --------------------------------------------------------------------------------- */

/* clang-format off */
/* what a step's event says of the trouble that it was in */
static const struct {
	RdStepEvent event;
	const char *opens; /* (nullable) the trouble that begins */
	const char *how;   /* (nullable) how what was open is settled */
} rules[] = {
    {RD_STEP_LOST,         "interrupted: the worker or the engine died with it", NULL},
    {RD_STEP_UNREACHABLE,  "no answer from the host", NULL},
    {RD_STEP_FAILED,       "failed", NULL},
    {RD_STEP_REFUSED,      "refused: trying again does not help", NULL},
    {RD_STEP_UNCLEAR,      "nobody could tell whether it was done", NULL},
    {RD_STEP_EXHAUSTED,    "no attempt left", NULL},
    {RD_STEP_DEADLINE,     "its time was over; nothing was killed on the host", NULL},
    {RD_STEP_PRESENT,      NULL, "the host was asked: it is done. It was not done again"},
    {RD_STEP_ABSENT,       NULL, "the host was asked: it was not done. It is done again"},
    {RD_STEP_FINISHED,     NULL, NULL},
    {RD_STEP_SKIP,         NULL, "skipped"},
    {RD_STEP_CANCEL,       NULL, "cancelled"},
    {RD_STEP_UNDO,         NULL, "undone"},
    {RD_STEP_LEAVE,        NULL, "what it worked beside was over"},
};
/* clang-format on */

static char *
rd_story_verdict(const RdStory *self, const char *what)
{
	const RdEvent *word = self->word;

	if (word == NULL)
		return g_strdup(what);
	return g_strdup_printf("%s: %s%s%s%s", what, word->key != NULL ? word->key : "somebody",
			       word->text != NULL ? ", \"" : "",
			       word->text != NULL ? word->text : "",
			       word->text != NULL ? "\"" : "");
}

static void
rd_story_take_verdict(RdStory *self, const RdEvent *event, RdStepEvent what)
{
	static const struct {
		RdStepEvent event;
		const char *how;
	} verdicts[] = {
	    {RD_STEP_DECIDE_DONE, "a person vouched that it is done"},
	    {RD_STEP_DECIDE_REDO, "a person wanted it done again"},
	    {RD_STEP_DECIDE_ABORT, "a person gave it up"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(verdicts); i++) {
		if (verdicts[i].event == what) {
			g_autofree char *how = rd_story_verdict(self, verdicts[i].how);

			rd_story_close(self, event, how);
		}
	}
}

static void
rd_story_take_step(RdStory *self, const RdEvent *event)
{
	RdStepEvent what;

	if (event->target == NULL || !rd_step_event_from_string(event->word, &what))
		return;
	rd_story_take_verdict(self, event, what);
	for (guint i = 0; i < G_N_ELEMENTS(rules); i++) {
		if (rules[i].event != what)
			continue;
		if (rules[i].opens != NULL)
			rd_story_open(self, event,
				      rd_story_add(self, event, rules[i].opens, event->text));
		else if (rules[i].how != NULL)
			rd_story_close(self, event, rules[i].how);
		else
			rd_story_close(self, event, "tried again, and it came to its end");
	}
}

/* ---- touches whose end nobody wrote down --------------------------------------------------- */

static char *
rd_story_touch_name(const RdEvent *event)
{
	return g_strdup_printf("%s@%s.%u.%" G_GINT64_FORMAT, event->state, event->target,
			       event->visit, event->number);
}

static void
rd_story_take_touch(RdStory *self, const RdEvent *event)
{
	char *name = rd_story_touch_name(event);
	const RdEvent *touch;

	if (event->kind == RD_EVENT_TOUCH) {
		g_hash_table_replace(self->touches, name, (gpointer)event);
		return;
	}
	touch = g_hash_table_lookup(self->touches, name);
	if (touch != NULL && g_strcmp0(event->word, "lost") == 0)
		rd_story_open(
		    self, event,
		    rd_story_add(self, event, "a change was sent and not answered", touch->text));
	else if (touch != NULL && g_strcmp0(event->word, "fenced") == 0)
		rd_story_open(self, event,
			      rd_story_add(self, event,
					   "a change was refused by the host's lock: nothing "
					   "was touched",
					   touch->text));
	g_hash_table_remove(self->touches, name);
	g_free(name);
}

/* ---- hosts and engines --------------------------------------------------------------------- */

static void
rd_story_take_refusal(RdStory *self, const RdEvent *event)
{
	static const struct {
		const char *word, *what;
	} words[] = {
	    {"fenced", "the host is another's: its lock was not granted"},
	    {"busy", "something older still touched the host"},
	    {"unreachable", "the host did not answer when it was asked for its lock"},
	    {"refused", "the host refused us"},
	    {"rebuilt", "the host is not the machine that was known"},
	};
	const char *what = "the lock was not granted";

	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (g_strcmp0(event->word, words[i].word) == 0)
			what = words[i].what;
	rd_story_open(self, event, rd_story_add(self, event, what, event->text));
}

static void
rd_story_take_engine(RdStory *self, const RdEvent *event)
{
	g_autofree char *how = NULL;

	if (g_strcmp0(event->word, "started") != 0) {
		self->alive = FALSE;
		return;
	}
	if (self->last != NULL && (self->alive || !self->resting)) {
		RdDisturbance *found =
		    rd_story_add(self, self->last,
				 self->alive ? "the engine died without a word"
					     : "the engine was stopped before the end",
				 NULL);

		found->lost = MAX(event->wall - self->last->wall, 0);
		how = g_strdup_printf("resumed on %s", event->key != NULL ? event->key : "?");
		rd_story_settle(found, event, g_steal_pointer(&how));
	}
	self->alive = TRUE;
}

static gboolean
rd_story_is_rest(const char *word)
{
	return g_strcmp0(word, rd_run_state_to_string(RD_RUN_PAUSED)) == 0 ||
	       g_strcmp0(word, rd_run_state_to_string(RD_RUN_HELD)) == 0 ||
	       g_strcmp0(word, rd_run_state_to_string(RD_RUN_ENDED)) == 0;
}

static void
rd_story_take(RdStory *self, const RdEvent *event)
{
	switch (event->kind) {
	case RD_EVENT_STEP:
		rd_story_take_step(self, event);
		break;
	case RD_EVENT_TOUCH:
	case RD_EVENT_TOUCHED:
		rd_story_take_touch(self, event);
		break;
	case RD_EVENT_REFUSED:
		if (event->target != NULL)
			rd_story_take_refusal(self, event);
		break;
	case RD_EVENT_GRANTED:
		if (event->target != NULL)
			rd_story_close(self, event, "the host granted its lock");
		break;
	case RD_EVENT_HOST:
		if (event->target != NULL)
			rd_story_close(self, event, "a person said what is with the host");
		break;
	case RD_EVENT_REQUEST:
		self->word = event;
		break;
	case RD_EVENT_RUN:
		self->resting = rd_story_is_rest(event->word);
		break;
	case RD_EVENT_ENGINE:
		rd_story_take_engine(self, event);
		break;
	default:
		break;
	}
	/* the first engine is not missing before its start */
	if (event->kind == RD_EVENT_ENGINE || self->last != NULL)
		self->last = event;
}

static int
rd_disturbance_compare(gconstpointer a, gconstpointer b)
{
	const RdDisturbance *const *left = a, *const *right = b;

	return ((*left)->event->seq > (*right)->event->seq) -
	       ((*left)->event->seq < (*right)->event->seq);
}

GPtrArray *
rd_disturbances_new(GPtrArray *events)
{
	RdStory self = {.list = g_ptr_array_new_with_free_func(rd_disturbance_free)};

	self.open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					  (GDestroyNotify)g_ptr_array_unref);
	self.touches = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < events->len; i++)
		rd_story_take(&self, g_ptr_array_index(events, i));
	g_hash_table_unref(self.open);
	g_hash_table_unref(self.touches);
	g_ptr_array_sort(self.list, rd_disturbance_compare);
	return self.list;
}
