/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "watch.h"

#include "journal/news.h"

#define RD_WATCH_PACE_MS 250

typedef struct {
	RdWatchLook look;
	gpointer data;
	GMainLoop *loop;
	guint soon, tick; /* sources, 0: not armed */
	guint tick_ms;
	GError *error;
} RdWatch;

static void rd_watch_arm_tick(RdWatch *self);

static void
rd_watch_now(RdWatch *self)
{
	if (!self->look(self->data, &self->error))
		g_main_loop_quit(self->loop);
	rd_watch_arm_tick(self);
}

static gboolean
rd_watch_ticked(gpointer data)
{
	RdWatch *self = data;

	self->tick = 0;
	rd_watch_now(self);
	return G_SOURCE_REMOVE;
}

/* every look begins a new interval */
static void
rd_watch_arm_tick(RdWatch *self)
{
	if (self->tick != 0)
		g_source_remove(self->tick);
	self->tick = g_timeout_add(self->tick_ms, rd_watch_ticked, self);
}

static gboolean
rd_watch_soon(gpointer data)
{
	RdWatch *self = data;

	self->soon = 0;
	rd_watch_now(self);
	return G_SOURCE_REMOVE;
}

/* a burst of changes is one look, at its end or after the pace, whichever comes first */
static void
rd_watch_changed(gpointer data)
{
	RdWatch *self = data;

	if (self->soon == 0)
		self->soon = g_timeout_add(RD_WATCH_PACE_MS, rd_watch_soon, self);
}

gboolean
rd_watch(RdRundir *dir, guint tick_ms, RdWatchLook look, gpointer data, GError **error)
{
	RdWatch self = {.look = look, .data = data, .tick_ms = tick_ms};
	g_autoptr(RdNews) news = rd_news_new(rd_rundir_get_path(dir), rd_watch_changed, &self);

	if (!look(data, error))
		return error == NULL || *error == NULL;
	self.loop = g_main_loop_new(NULL, FALSE);
	rd_watch_arm_tick(&self);
	g_main_loop_run(self.loop);
	g_main_loop_unref(self.loop);
	g_clear_pointer(&news, rd_news_free);
	if (self.soon != 0)
		g_source_remove(self.soon);
	if (self.tick != 0)
		g_source_remove(self.tick);
	if (self.error == NULL)
		return TRUE;
	g_propagate_error(error, self.error);
	return FALSE;
}
