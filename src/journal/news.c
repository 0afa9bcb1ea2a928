/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "news.h"

struct _RdNews {
	GFileMonitor *monitor; /* (nullable) NULL: @look is at work */
	guint look;
	void (*changed)(gpointer data);
	gpointer data;
};

static void
rd_news_told(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
	     gpointer data)
{
	RdNews *self = data;

	self->changed(self->data);
}

static gboolean
rd_news_look(gpointer data)
{
	RdNews *self = data;

	self->changed(self->data);
	return G_SOURCE_CONTINUE;
}

RdNews *
rd_news_new(const char *path, void (*changed)(gpointer data), gpointer data)
{
	RdNews *self = g_new0(RdNews, 1);
	g_autoptr(GFile) dir = g_file_new_for_path(path);
	g_autoptr(GError) error = NULL;

	self->changed = changed;
	self->data = data;
	self->monitor = g_file_monitor_directory(dir, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);
	if (self->monitor == NULL) {
		g_message("%s is looked at once a second, as it cannot be watched: %s", path,
			  error->message);
		self->look = g_timeout_add(RD_NEWS_LOOK_MS, rd_news_look, self);
		return self;
	}
	/* files are renamed in whole, so the first news of one is the last */
	g_file_monitor_set_rate_limit(self->monitor, 0);
	g_signal_connect(self->monitor, "changed", G_CALLBACK(rd_news_told), self);
	return self;
}

void
rd_news_free(RdNews *self)
{
	if (self == NULL)
		return;
	if (self->monitor != NULL)
		g_signal_handlers_disconnect_by_data(self->monitor, self);
	g_clear_object(&self->monitor);
	g_clear_handle_id(&self->look, g_source_remove);
	g_free(self);
}
