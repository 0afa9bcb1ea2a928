/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* The life of one step: a list of {from, event, to} rows, and nothing else changes a step. The
 * journal keeps these names, so they never change their meaning. docs/step.dot is printed from the
 * rows and compared by a test. */
typedef enum {
	RD_LIFE_PENDING,  /* not begun in this visit */
	RD_LIFE_LOOKING,  /* wait or query: a body that cannot touch is at work */
	RD_LIFE_CHECKING, /* change: guards, baseline, probe; nothing touched yet */
	RD_LIFE_RUNNING,  /* change: the intent is on disk, enter() was started */
	RD_LIFE_DOUBT,	  /* nobody knows whether enter() acted: fence, let its jobs end */
	RD_LIFE_PROBING,  /* the world is asked */
	RD_LIFE_WAITING,  /* not done; will be tried again when the delay is over */
	RD_LIFE_HELD,	  /* unknown outcome or refused: a person has to look */
	RD_LIFE_DONE,
	RD_LIFE_SKIPPED, /* by condition or by a person */
	RD_LIFE_FAILED,	 /* a person gave it up */
	RD_LIFE_CANCELLED,
	RD_LIFE_UNDOING, /* stored before undo() starts */
	RD_LIFE_UNDONE,
	RD_LIFE_OWING, /* it could not be taken back: a person has to look */
} RdLife;
#define RD_LIFE_LAST RD_LIFE_OWING

typedef enum {
	RD_STEP_BEGIN,	     /* change: its turn, or the retry delay is over */
	RD_STEP_LOOK,	     /* wait and query: the same */
	RD_STEP_SKIP,	     /* condition false, or a person skipped it */
	RD_STEP_INTENT,	     /* probe said ABSENT and the guards hold: enter() is about to start */
	RD_STEP_FINISHED,    /* the body returned TRUE */
	RD_STEP_FAILED,	     /* the body failed; the retry policy applies */
	RD_STEP_REFUSED,     /* failed in a way that trying again cannot help */
	RD_STEP_UNREACHABLE, /* no answer from the host */
	RD_STEP_LOST,	     /* worker, runner or engine died with it */
	RD_STEP_SETTLED,     /* the host is fenced and no job of this attempt runs there */
	RD_STEP_PRESENT,     /* probe found it done */
	RD_STEP_ABSENT,	     /* probe found it not done */
	RD_STEP_UNCLEAR,     /* probe cannot tell */
	RD_STEP_EXHAUSTED,   /* no attempt left, or the reconnect window is over */
	RD_STEP_DEADLINE,    /* its time is over; nothing is killed on the host */
	RD_STEP_RESUME,	     /* a person says: look again */
	RD_STEP_DECIDE_DONE, /* a person vouches for it */
	RD_STEP_DECIDE_REDO,
	RD_STEP_DECIDE_ABORT,
	RD_STEP_CANCEL,
	RD_STEP_UNDO,
	RD_STEP_LEAVE, /* the span of states that it worked beside is over */
} RdStepEvent;
#define RD_STEP_EVENT_LAST RD_STEP_LEAVE

const char *rd_life_to_string(RdLife life);
gboolean rd_life_from_string(const char *name, RdLife *life);
const char *rd_step_event_to_string(RdStepEvent event);
gboolean rd_step_event_from_string(const char *name, RdStepEvent *event);

/* FALSE when @event has no business in @life; *next is untouched then */
gboolean rd_life_next(RdLife life, RdStepEvent event, RdLife *next);
/* done, skipped, failed, cancelled, undone: nothing follows by itself */
gboolean rd_life_is_final(RdLife life);
/* the rows as a DOT graph */
void rd_life_print_dot(GString *out);
G_END_DECLS
