/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal/journal.h"
#include "journal/rundir.h"
#include "machine/run.h"
G_BEGIN_DECLS

/* What of a run is news for somebody who is not looking: it waits for a person, a step failed, the
 * point of no return is passed, something borrowed cannot be given back, it is over. Made from
 * events, so that nothing is told twice and nothing is forgotten by a crash; delivered by
 * journal/outbox.h. */
typedef struct _RdNotify RdNotify;

/* NULL when @command is NULL; with a warning when it cannot be used. @journal: what an engine that
 * died did not tell any more is told now */
RdNotify *rd_notify_new(RdRundir *dir, const char *command, const char *cluster, RdJournal *journal,
			RdRun *run);
void rd_notify_event(RdNotify *self, RdRun *run, const RdEvent *event);
/* gives what waits one more try, for a few seconds */
void rd_notify_free(RdNotify *self);
G_END_DECLS
