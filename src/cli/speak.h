/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Log messages of all modules as lines on stderr: warnings and g_message() always, g_info() with
 * @verbose, of the rest what G_MESSAGES_DEBUG names; with @quiet only warnings. */
void rd_speak_install(gboolean verbose, gboolean quiet);
G_END_DECLS
