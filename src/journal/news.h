/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* Tells that something in a directory has changed: at once, by inotify; where the system lends no
 * more of that (a user has 128 of them, which a busy host uses up), once a second whether or not
 * anything has. Needs the default main context. */

#define RD_NEWS_LOOK_MS 1000

typedef struct _RdNews RdNews;

RdNews *rd_news_new(const char *path, void (*changed)(gpointer data), gpointer data);
void rd_news_free(RdNews *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdNews, rd_news_free)

G_END_DECLS
