/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/clock.h"
#include <poll.h>

struct _RdClock {
	RdTimeline *timeline;
	GMainContext *context;
	GSource *source;
	void (*stuck)(gpointer data);
	gpointer data;
};

/* a poll function gets no argument */
static RdClock *in_force;

gboolean
rd_clock_read(gint64 *now)
{
	if (in_force == NULL)
		return FALSE;
	*now = rd_timeline_now(in_force->timeline);
	return TRUE;
}

static gint
poll_virtually(GPollFD *fds, guint n_fds, gint timeout)
{
	RdTimeline *timeline = in_force->timeline;
	gint64 next = rd_timeline_next(timeline);
	/* the loop's wakeup descriptor is nearly always the only one, and nobody is there to write
	 * to it: no thread, no signal */
	int ready = n_fds > 1 ? poll((struct pollfd *)(void *)fds, n_fds, 0) : 0;

	if (ready != 0 || timeout == 0)
		return ready;
	if (timeout < 0 && next == G_MAXINT64) {
		in_force->stuck(in_force->data);
		return 0;
	}
	rd_timeline_advance(
	    timeline, timeout < 0 ? next : rd_timeline_now(timeline) + (gint64)timeout * 1000);
	return 0;
}

static gboolean
events_prepare(GSource *source, gint *timeout)
{
	gint64 next = rd_timeline_next(in_force->timeline);
	gint64 now = rd_timeline_now(in_force->timeline);

	/* 0 would keep the loop from asking poll; the exact moment is found there */
	*timeout = next == G_MAXINT64 ? -1 : (gint)MIN((next - now + 999) / 1000, G_MAXINT);
	return next <= now;
}

static gboolean
events_check(GSource *source)
{
	return rd_timeline_next(in_force->timeline) <= rd_timeline_now(in_force->timeline);
}

static gboolean
events_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	RdTimeline *timeline = in_force->timeline;
	gint64 now = rd_timeline_now(timeline);

	while (rd_timeline_next(timeline) <= now)
		rd_timeline_step(timeline);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs functions = {events_prepare, events_check, events_dispatch, NULL};

RdClock *
rd_clock_new(RdTimeline *timeline, GMainContext *context, void (*stuck)(gpointer data),
	     gpointer data)
{
	RdClock *self = g_new0(RdClock, 1);

	self->timeline = timeline;
	self->context = g_main_context_ref(context);
	self->stuck = stuck;
	self->data = data;
	self->source = g_source_new(&functions, sizeof(GSource));
	/* what is decided comes before what happens next */
	g_source_set_priority(self->source, G_PRIORITY_LOW);
	g_source_attach(self->source, context);
	g_main_context_set_poll_func(context, poll_virtually);
	in_force = self;
	return self;
}

void
rd_clock_free(RdClock *self)
{
	if (self == NULL)
		return;
	g_source_destroy(self->source);
	g_source_unref(self->source);
	g_main_context_set_poll_func(self->context, NULL);
	g_main_context_unref(self->context);
	if (in_force == self)
		in_force = NULL;
	g_free(self);
}
