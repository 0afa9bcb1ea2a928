/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/crew.h"
#include "journal/journal.h"
#include "machine/run.h"
G_BEGIN_DECLS

/* The main loop of one run: stores what the machine says, sends its orders to the crew, digests
 * reports, keeps deadlines. The only writer of the journal. Runs on the thread-default main
 * context of its creator; the same code drives the simulator. */
typedef struct _RdEngine RdEngine;

typedef struct {
	gint64 (*now)(gpointer data); /* microseconds, never goes back: CLOCK_BOOTTIME */
	/* (nullable) after each commit, e.g. to write status.json and the outbox */
	void (*stored)(RdEngine *engine, GPtrArray *events, gpointer data);
	/* (nullable) a step's progress line changed */
	void (*progress)(RdEngine *engine, const char *target, const char *text, gpointer data);
	/* nothing more can be done: ended, held, paused, or the journal failed (error set) */
	void (*stopped)(RdEngine *engine, const GError *error, gpointer data);
	gpointer data;
} RdEngineHooks;

/* @run holds the fold of everything @journal has. All (unowned), must outlive the engine. */
RdEngine *rd_engine_new(RdRun *run, RdJournal *journal, RdCrew *crew, const RdEngineHooks *hooks);
/* Before the start: copies of the journal are kept on hosts (keeper.h). @documents: (element-type
 * utf8 utf8), what lies beside them there. Who calls it not does without. */
void rd_engine_keep_copies(RdEngine *engine, GHashTable *documents);
/* stores "engine started" and declares lost what was in hand; decides from the main loop on, so
 * that requests made right after this call are heard first */
void rd_engine_start(RdEngine *engine, const char *bastion, const char *boot_id, gint64 pid);
/* A person's word, from the run directory; FALSE: refused, with the reason. @token names it for
 * good (0: it has no name): one that is in the journal already is not heard again, so that an
 * engine that dies before the file is gone does no harm. */
gboolean rd_engine_request(RdEngine *engine, const char *word, const char *step,
			   const char *argument, const char *who, const char *reason, gint64 token,
			   GError **error);
/* a remark of our own into the journal; takes @event */
void rd_engine_remark(RdEngine *engine, RdEvent *event);
void rd_engine_free(RdEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdEngine, rd_engine_free)
G_END_DECLS
