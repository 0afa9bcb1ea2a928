/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/crew.h"
#include "journal/journal.h"
#include "machine/run.h"
#include "procedure/types.h"
#include "runner/foreseen.h"
G_BEGIN_DECLS

/* What a run would do, found by walking it: the machine, the engine and the step bodies as they
 * are, with the pen lifted (runner/foresight.h). Locks are not taken but said to be granted, gates
 * are open, waits are over at once; hosts are only looked at. Outputs that nobody has yet read
 * "${state.output}".
 *
 * It begins where the journal stands: that of a run just made gives the whole plan, a copy of that
 * of a run in the middle what is left of it. */

/* how a step stands in it */
typedef enum {
	RD_FORECAST_CHANGE,  /* entries are what it does; all of it, unless `open` says more */
	RD_FORECAST_ALREADY, /* true now, and nothing before it changes that */
	RD_FORECAST_THEN,    /* checked then: it may turn out to be nothing */
	RD_FORECAST_ASKED,   /* a query, answered now: outputs are facts */
	RD_FORECAST_HOLDS,   /* a wait that would be over at once */
	RD_FORECAST_WAITS,   /* a wait, or a query that is answered then, or a change that comes by
			      * waiting for it */
	RD_FORECAST_SKIPPED, /* its condition is not true */
	RD_FORECAST_REFUSED, /* as things are it would fail: text */
} RdForecastWord;
#define RD_FORECAST_LAST RD_FORECAST_REFUSED
const char *rd_forecast_word_to_string(RdForecastWord word);
gboolean rd_forecast_word_from_string(const char *name, RdForecastWord *word);

typedef struct {
	const RdPlanState *plan; /* (unowned) */
	char *target;
	guint visit;
	gboolean back; /* what it borrowed is given back here */
	RdForecastWord word;
	gboolean then;	     /* what told so is going to be changed before: it may come otherwise */
	char *text;	     /* (nullable) what was found, or why */
	char *open;	     /* (nullable) on what it depends whether more follows */
	char *when;	     /* (nullable) the condition, which is decided then */
	JsonArray *entries;  /* runner/foreseen.h */
	GHashTable *outputs; /* (element-type utf8 utf8) that were given, no placeholders */
} RdForecastStep;

typedef struct {
	GPtrArray *steps;   /* (element-type RdForecastStep) in the order they begin */
	GHashTable *hosts;  /* (element-type utf8 utf8) whose it is now, or why it does not answer;
			     * "" when it is free */
	GHashTable *silent; /* (element-type utf8 utf8) those that do not answer, and why */
} RdForecast;

typedef struct {
	RdPlan *plan;	    /* gates, conditions and the like are taken out while it is walked */
	RdJournal *journal; /* a copy, or in memory: the walk is written to it */
	const char *word;   /* (nullable) said to the run first: a held one is walked on by
			     * "resume", and to its way out by "cancel" */
	const RdTypes *types;
	RdCrew *crew;		      /* carries out what looks */
	gint64 (*now)(gpointer data); /* engine.h */
	gpointer data;
} RdForecastOptions;

/* Blocks on the thread-default main context until the walk is over. NULL: it came to no end, which
 * says what of the run stands in the way. */
RdForecast *rd_forecast_make(const RdForecastOptions *options, GError **error);
void rd_forecast_free(RdForecast *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdForecast, rd_forecast_free)
G_END_DECLS
