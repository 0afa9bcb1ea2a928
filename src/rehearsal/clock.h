/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/timeline.h"
G_BEGIN_DECLS

/* Lets an unmodified GLib main loop run on a timeline: when nothing is ready, time jumps to
 * whatever comes first, the timeline's next event or the loop's own timeout. For that the loop's
 * idea of now has to come from the timeline too: a program that wants this defines clock_gettime()
 * itself and answers CLOCK_MONOTONIC with rd_clock_read(). */
typedef struct _RdClock RdClock;

/* @stuck: nothing will ever happen again, and the loop still waits. Neither is owned. One at a
 * time. */
RdClock *rd_clock_new(RdTimeline *timeline, GMainContext *context, void (*stuck)(gpointer data),
		      gpointer data);
void rd_clock_free(RdClock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdClock, rd_clock_free)

/* microseconds of the timeline in force, FALSE when there is none */
gboolean rd_clock_read(gint64 *now);
G_END_DECLS
