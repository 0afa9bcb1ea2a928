/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>

#include "screen.h"
#include "speak.h"

static struct {
	gboolean verbose, quiet;
} speak;

static GLogWriterOutput
rd_speak_write(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
	const char *message = NULL, *domain = NULL;
	g_autofree char *clean = NULL;

	for (gsize i = 0; i < n_fields; i++) {
		if (g_str_equal(fields[i].key, "MESSAGE") && fields[i].length < 0)
			message = fields[i].value;
		else if (g_str_equal(fields[i].key, "GLIB_DOMAIN") && fields[i].length < 0)
			domain = fields[i].value;
	}
	if (message == NULL)
		return G_LOG_WRITER_UNHANDLED;
	if ((level & G_LOG_LEVEL_MESSAGE) != 0 && speak.quiet)
		return G_LOG_WRITER_HANDLED;
	if ((level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)) != 0 &&
	    !((level & G_LOG_LEVEL_INFO) != 0 && speak.verbose) &&
	    g_log_writer_default_would_drop(level, domain))
		return G_LOG_WRITER_HANDLED;
	clean = rd_screen_clean(message);
	fprintf(stderr, "recoveryd: %s%s\n", (level & G_LOG_LEVEL_WARNING) != 0 ? "warning: " : "",
		clean);
	return G_LOG_WRITER_HANDLED;
}

void
rd_speak_install(gboolean verbose, gboolean quiet)
{
	speak.verbose = verbose;
	speak.quiet = quiet;
	g_log_set_writer_func(rd_speak_write, NULL, NULL);
}
