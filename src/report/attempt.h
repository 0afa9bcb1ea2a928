/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/event.h"
#include "machine/life.h"
G_BEGIN_DECLS

/* What a journal says of the attempts of its steps: one row of the timeline each. Made from events
 * alone, so that it is there for a run whose plan cannot be read. */

typedef struct {
	guint number;		/* of the visit, from 1 */
	const RdEvent *touch;	/* before the first byte left */
	const RdEvent *touched; /* (nullable) NULL: nobody wrote down how it ended */
} RdTouch;

typedef struct {
	const char *state, *target; /* (unowned) */
	guint visit, attempt;
	const RdEvent *began, *last; /* (unowned) its first and its newest event */
	RdLife life;		     /* when it ended, or as it stands */
	gboolean intent;	     /* it may have touched */
	gboolean there;		     /* nothing had to be done: the host showed it done already */
	gint64 intended;	     /* wall time of the intent, 0 without one */
	const char *text;    /* (nullable) (unowned) its last error or finding; of what is done
			      * without one its output "note" */
	const char *note;    /* (nullable) (unowned) that output */
	const char *outcome; /* (nullable) (unowned) */
	GPtrArray *touches;  /* (element-type RdTouch) (owned) */
	GPtrArray *notes;    /* (element-type RdEvent) notes and outputs (unowned elements) */
	GPtrArray *events;   /* (element-type RdEvent) of its life (unowned elements) */
} RdAttempt;

/* in the order in which they began; @events outlive it. (element-type RdAttempt) (transfer full) */
GPtrArray *rd_attempts_new(GPtrArray *events);
G_END_DECLS
