/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/crew.h"
#include "journal/journal.h"
#include "machine/run.h"
G_BEGIN_DECLS

/* Copies of the journal on the recovery host and on one other control-plane host that grants its
 * lock (design 7): what a lost bastion is rebuilt from. Decides what is to be sent where; the
 * engine sends it, in lanes of its own, and tells what came of it.
 *
 * What only looks is written down there within RD_KEEP_PACE. What is about to touch waits for it,
 * so that nothing leaves for a host that no host knows of: RD_KEEP_PATIENCE where that is best
 * effort, RD_KEEP_PATIENCE_MUST where it is a must. */
typedef struct _RdKeeper RdKeeper;

#define RD_KEEP_PACE	      (1 * G_USEC_PER_SEC)
#define RD_KEEP_PATIENCE      (3 * G_USEC_PER_SEC)
#define RD_KEEP_PATIENCE_MUST (180 * G_USEC_PER_SEC)

/* @run, @journal: (unowned). @documents: (element-type utf8 utf8) name to text, what lies beside
 * the events there; taken by reference */
RdKeeper *rd_keeper_new(RdRun *run, RdJournal *journal, GHashTable *documents);
void rd_keeper_free(RdKeeper *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdKeeper, rd_keeper_free)

/* The next thing to send at @clock, to be sent at once; NULL: nothing now, look again at *wake (0:
 * when something was stored or reported). @hurry: somebody waits. (transfer full) */
RdOrder *rd_keeper_next(RdKeeper *self, gint64 clock, gboolean hurry, gint64 *wake);
/* FALSE: @report is not about a copy. *fenced (out) (nullable): another has taken that host, which
 * the run has to hear of; owned by the run */
gboolean rd_keeper_take(RdKeeper *self, const RdReport *report, gint64 clock,
			const RdRunHost **fenced);
/* everything up to @seq is on one host at least */
gboolean rd_keeper_has(RdKeeper *self, gint64 seq);
/* there is a host that may be written to and did not fail just now */
gboolean rd_keeper_hopes(RdKeeper *self, gint64 clock);
/* something was sent that has not come back */
gboolean rd_keeper_is_busy(RdKeeper *self);
/* why there is no copy, "m0: …; m1: …", NULL when nothing failed (transfer full) */
char *rd_keeper_why_not(RdKeeper *self);
G_END_DECLS
