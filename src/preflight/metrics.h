/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/preflight.h"
G_BEGIN_DECLS

/* The findings for node_exporter's textfile collector. */

void rd_metrics_print(GString *out, const RdPreflight *preflight);
/* renamed into place, so that nobody ever reads half a file; the collector's user can read it */
gboolean rd_metrics_write(const char *path, const RdPreflight *preflight, GError **error);
G_END_DECLS
