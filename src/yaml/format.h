/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Times and durations as people and machines read them. All in microseconds; all (transfer full).
 */

/* "41s", "1m03s", "2h05m", "3d04h"; below a second "0s", and what is negative as well */
char *rd_format_duration(gint64 us);
/* local; the day only when it is not that of @now: "08:03:12", "2026-11-19 23:59:58" */
char *rd_format_time(gint64 wall, gint64 now);
/* local with offset: "2026-11-20 08:03 +0100" */
char *rd_format_moment(gint64 wall);
/* local, always with the day, sorts as text: "2026-11-20 08:03:12" */
char *rd_format_stamp(gint64 wall);
/* UTC: "2026-11-20T07:03:12.123456Z" */
char *rd_format_rfc3339(gint64 wall);
/* what --since takes: "10m" before @now, an RFC 3339 time, or a local "2026-11-20 08:03[:12]" or
 * "08:03[:12]" of today */
gboolean rd_format_parse_since(const char *text, gint64 now, gint64 *wall);
G_END_DECLS
