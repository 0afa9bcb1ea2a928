/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "cli/advice.h"
#include "cli/reading.h"
#include "cli/screen.h"
#include "machine/run.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* `status`: everything it shows, and the pure functions that show it. */

/* a step's own line about what it waits for; not in the journal */
typedef struct {
	char *text;
	gint64 at; /* microseconds since the epoch */
} RdProgress;

typedef struct {
	const char *run_id;
	RdRun *run;
	GPtrArray *events; /* (element-type RdEvent) what the fold was made of */
	RdEngineLife engine;
	char *holder;	      /* (owned) (nullable) who holds the engine lock */
	gint64 wall;	      /* now, microseconds since the epoch */
	gint64 clock;	      /* now, on the run's clock: deadlines count it */
	GHashTable *progress; /* (element-type utf8 RdProgress) (owned) by target */
} RdView;

/* Everything as it is now: the rest of the journal is read, the lock and status.json are looked
 * at. (out) *news (nullable): there were new events. */
gboolean rd_view_look(RdView *view, RdOpenRun *open, gboolean *news, GError **error);
void rd_view_clear(RdView *view);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdView, rd_view_clear)

/* status.json of the engine, {"progress": {TARGET: {"text", "at"}}, "clock", "wall"}, times as
 * text or numbers: fills progress and moves clock on. @json may be NULL: only the events tell
 * then. Of an engine that is gone nothing is believed. */
void rd_view_add_status(RdView *view, const char *json);

/* ---- what several of the forms say ---- */
typedef struct {
	guint done, total; /* steps of hosts that take part */
	gint64 elapsed;	   /* microseconds of wall time, to the end or to now */
	gint64 ended;	   /* wall time, 0 before the end */
	guint resumes;
	gint64 resumed;	     /* wall time of the last one */
	const char *bastion; /* (nullable) (unowned) of the newest engine */
	gint64 lost;	     /* microseconds without an engine, in all, ended gaps only */
	gint64 last;	     /* wall time of the newest event */
	gint64 started;	     /* wall time of the newest engine's start, 0 before the first */
} RdFacts;
void rd_view_get_facts(const RdView *view, RdFacts *facts);
/* The engine at work asks every host that grants the lock who holds it before it does anything
 * else, and this one has not said a word yet. One that is in trouble has: see rd_host_deadline().
 */
gboolean rd_view_is_asking(const RdView *view, const RdRunHost *host);
/* an engine ought to be at work, and none is */
gboolean rd_view_is_orphaned(const RdView *view);
/* "RUNNING", "NO ENGINE", "HELD", "DONE" … (unowned) and an ink for it */
const char *rd_view_get_headline(const RdView *view, const char **ink);
/* the mark's state in the plan, NULL when no state passes it (unowned) */
const RdPlanState *rd_view_find_mark(const RdView *view, RdMark mark);
/* what a state with all its hosts amounts to */
typedef enum {
	RD_STATE_AHEAD,
	RD_STATE_WORK,
	RD_STATE_WAITING, /* tries again */
	RD_STATE_HELD,
	RD_STATE_DONE,
	RD_STATE_SKIPPED, /* also when nobody is left to do it */
	RD_STATE_FAILED,
	RD_STATE_CANCELLED,
	RD_STATE_UNDONE,
} RdStateLife;
#define RD_STATE_LAST RD_STATE_UNDONE
const char *rd_state_life_to_string(RdStateLife life);
/* (element-type RdStep) of @state, all targets (transfer container) */
GPtrArray *rd_view_get_state_steps(const RdView *view, const RdPlanState *state);
RdStateLife rd_view_get_state_life(const RdView *view, const RdPlanState *state);
/* in the words of the screen (unowned) */
const char *rd_view_describe_life(const RdStep *step);
/* a body is at work or the engine waits to start it again */
gboolean rd_life_is_at_work(RdLife life);

/* ---- forms ---- */
typedef enum {
	RD_FORM_NORMAL,
	RD_FORM_WIDE,	 /* every step, with types and times */
	RD_FORM_COMPACT, /* what is over and what is ahead in one line each */
} RdForm;
void rd_view_print(GString *page, const RdView *view, const RdScreen *screen, RdForm form);
/* one line: what --plain -w says when something has changed */
char *rd_view_summary(const RdView *view);
/* at most 8 lines of 40 columns, for a telephone */
void rd_view_print_brief(GString *page, const RdView *view, const RdScreen *screen);
/* docs/json.md */
JsonNode *rd_view_to_json(const RdView *view);
G_END_DECLS
