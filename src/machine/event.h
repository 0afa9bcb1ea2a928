/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* clang-format off */
/* One line of a run's journal. The run's state is a fold over these; what the fold reads has a
 * field of its own, and the meaning of the general fields by kind is this table:
 *
 * kind         state,target,visit,attempt  word             key        value        number   text
 * created      -                           procedure name   cluster    run uuid     format   who@bastion
 * input        -                           -                name       value        -        -
 * host         target                      present|excused|enrol|left  who  -       -        reason
 *                                          returned         -          -            -        what of it
 *                                          taken-over       who        -            number   holder
 * engine       -                           started|stopped  bastion    boot id      pid      version
 * survey       target                      -                machine id boot id      number   holder
 * incarnation  target                      enrol|take       -          -            number   -
 * granted      target                      -                machine id boot id      number   -
 * refused      target                      fenced|busy|refused|unreachable -  -     number   what was found
 * visit        state (first of the unit)   -                -          -            visit    how many at a time
 * step         all four                    RdStepEvent      -          -            -        error or finding
 * note         all four                    -                key        value        -        -
 * output       all four                    -                name       value        -        -
 * outcome      all four                    outcome          -          -            -        -
 * touch        all four                    verb             -          -            n        what exactly
 * touched      all four                    done|refused|fenced|lost  - -            n        status, finding
 * moved        all four                    -                -          -            how far  -
 * mark         state                       mark name        -          -            -        -
 * gate         state, visit (0: beforehand) approved|denied who        gate name    -        reason
 * request      (state,target,visit)        request word     who        argument     token    reason
 * run          -                           running|pausing|paused|cancelling|held|ended - end state - why
 * released     target                      -                -          -            number   -
 * remark       -                           -                who        -            -        text
 *                                          loss             recoveryd  JSON         -        in a sentence
 *                                          policy           recoveryd  gate         -        why it stays shut
 */
/* clang-format on */

/* words of remarks that are the program's own */
#define RD_REMARK_LOSS	 "loss"
#define RD_REMARK_POLICY "policy"

typedef enum {
	RD_EVENT_CREATED,
	RD_EVENT_INPUT,
	RD_EVENT_HOST,
	RD_EVENT_ENGINE,
	RD_EVENT_SURVEY,
	RD_EVENT_INCARNATION, /* before the number is sent to the host */
	RD_EVENT_GRANTED,
	RD_EVENT_REFUSED,
	RD_EVENT_VISIT,
	RD_EVENT_STEP,
	RD_EVENT_NOTE,
	RD_EVENT_OUTPUT,
	RD_EVENT_OUTCOME,
	RD_EVENT_TOUCH, /* before the first byte of a touching verb leaves for the host */
	RD_EVENT_TOUCHED,
	RD_EVENT_MARK,
	RD_EVENT_REQUEST,
	RD_EVENT_RUN,
	RD_EVENT_RELEASED,
	RD_EVENT_REMARK,
	RD_EVENT_GATE,
	RD_EVENT_MOVED, /* as far as it had not come yet in this attempt; behind the first, its time
			 * begins anew by it */
} RdEventKind;
#define RD_EVENT_LAST RD_EVENT_MOVED

typedef struct {
	gint64 seq;   /* 1, 2, 3 …; given by the journal */
	gint64 wall;  /* microseconds since the epoch, UTC; given by the journal */
	gint64 clock; /* microseconds of engine life in this run: deadlines count these */
	RdEventKind kind;
	char *state; /* all (owned) (nullable) */
	char *target;
	guint visit;   /* from 1; 0 where it does not apply */
	guint attempt; /* from 1; 0 where it does not apply */
	char *word;
	char *key;
	char *value;
	gint64 number;
	char *text;
} RdEvent;

const char *rd_event_kind_to_string(RdEventKind kind);
gboolean rd_event_kind_from_string(const char *name, RdEventKind *kind);

RdEvent *rd_event_new(RdEventKind kind, const char *word);
RdEvent *rd_event_copy(const RdEvent *event);
void rd_event_free(RdEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdEvent, rd_event_free)

/* chainable setters; the strings are copied */
RdEvent *rd_event_step(RdEvent *event, const char *state, const char *target, guint visit,
		       guint attempt);
RdEvent *rd_event_pair(RdEvent *event, const char *key, const char *value);
RdEvent *rd_event_number(RdEvent *event, gint64 number);
RdEvent *rd_event_text(RdEvent *event, const char *text);
G_END_DECLS
