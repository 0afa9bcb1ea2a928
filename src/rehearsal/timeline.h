/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Virtual time: a queue of things that will happen, and "now", which jumps from one to the next.
 * Everything simulated hangs on one timeline, and all chance comes from its seed, so that the same
 * seed gives the same history. Events of the same moment happen in the order they were added. */
typedef struct _RdTimeline RdTimeline;
typedef void (*RdTimelineFunc)(gpointer data);

/* @start: microseconds, the first value of now */
RdTimeline *rd_timeline_new(gint64 start, guint32 seed);
void rd_timeline_free(RdTimeline *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdTimeline, rd_timeline_free)

gint64 rd_timeline_now(const RdTimeline *self); /* microseconds */
/* @func runs once, @delay microseconds from now. (scope notified): @destroy also runs for what
 * never happened. Its number, for rd_timeline_remove(); never 0. */
guint64 rd_timeline_add(RdTimeline *self, gint64 delay, RdTimelineFunc func, gpointer data,
			GDestroyNotify destroy);
/* takes back what has not happened yet; nothing when it has */
void rd_timeline_remove(RdTimeline *self, guint64 number);
/* moment of the next event, G_MAXINT64 when there is none */
gint64 rd_timeline_next(const RdTimeline *self);
/* lets time pass up to @to at most, and at most to the next event, without running it */
void rd_timeline_advance(RdTimeline *self, gint64 to);
/* runs the next event, at its moment; FALSE when there is none */
gboolean rd_timeline_step(RdTimeline *self);
/* runs everything up to and at @to, and stops there */
void rd_timeline_run_to(RdTimeline *self, gint64 to);
/* a duration by chance, in [low, high] */
gint64 rd_timeline_chance(RdTimeline *self, gint64 low, gint64 high);
G_END_DECLS
