/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "kube/call.h"
#include "machine/order.h"
#include "runner/foreseen.h"
G_BEGIN_DECLS

/* The pen lifted (design 6): a world that looks and does not touch, put between the step API and
 * the world of an order that has `foreseen`. No body can tell.
 *
 *  - What touches is written down, with all that it would have sent, and said to have gone well; or
 *    one `run` of it is said to have failed, to see what the body does then.
 *  - What looks goes to the real world, as nobody's lock holder. What a path has become by what is
 *    written down already is answered from there (foreseen.h): what was moved is looked at where
 *    it is today, what was put has the sum that was sent. What a command is going to make is said
 *    to be there and to read RD_FORESEEN_THEN, and whatever is written down afterwards `depends`
 *    on it.
 *  - A wait is over at once (step-time.c). After it, and after a command, nobody knows what runs
 *    on a host: the first question about that ends the body, and the report says "depends". So the
 *    list is complete up to there, and says why it may go on.
 *  - An object of the Kubernetes API reads as the patches that are written down make it. What comes
 *    of it once a body has waited, or made, replaced or deleted something, nobody knows.
 *
 * One order; the entries of earlier ones come with it. */
typedef struct _RdForesight RdForesight;

/* @real must outlive it. NULL: order->foreseen is damaged */
RdForesight *rd_foresight_new(RdWorld *real, const RdOrder *order, GError **error);
void rd_foresight_free(RdForesight *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdForesight, rd_foresight_free)
RdWorld *rd_foresight_get_world(RdForesight *self);

/* of the step API, where it would write to the journal: a touch begins; a change of it through the
 * Kubernetes API; the entry of touch @number as JSON (transfer full) */
void rd_foresight_begin(RdForesight *self, const char *verb, const char *text);
void rd_foresight_add_change(RdForesight *self, const RdKubeRequest *request, gboolean secret);
char *rd_foresight_entry(RdForesight *self, guint number);
/* a file would be read to @to here: an entry like that of a touch */
void rd_foresight_fetch(RdForesight *self, const char *from, const char *to);
/* time would pass */
void rd_foresight_wait(RdForesight *self);

/* what ended the body, NULL when nothing did (unowned) */
const char *rd_foresight_get_depends(RdForesight *self);
/* whether an answer was one about what is going to be changed before: it may come otherwise then */
gboolean rd_foresight_is_then(RdForesight *self);
/* why the Kubernetes API did not answer, NULL when it did or was not asked (unowned) */
const char *rd_foresight_get_api_silence(RdForesight *self);
G_END_DECLS
