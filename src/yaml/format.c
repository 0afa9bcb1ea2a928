/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-yaml"

#include <string.h>

#include "format.h"
#include "yaml/yaml.h"

char *
rd_format_duration(gint64 us)
{
	gint64 s = MAX(us, 0) / G_USEC_PER_SEC;

	if (s < 60)
		return g_strdup_printf("%ds", (int)s);
	if (s < 3600)
		return g_strdup_printf("%dm%02ds", (int)(s / 60), (int)(s % 60));
	if (s < 86400)
		return g_strdup_printf("%dh%02dm", (int)(s / 3600), (int)(s / 60 % 60));
	return g_strdup_printf("%" G_GINT64_FORMAT "d%02dh", s / 86400, (int)(s / 3600 % 24));
}

static GDateTime *
rd_format_local(gint64 wall)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(wall / G_USEC_PER_SEC);

	return utc != NULL ? g_date_time_to_local(utc) : g_date_time_new_from_unix_utc(0);
}

char *
rd_format_time(gint64 wall, gint64 now)
{
	g_autoptr(GDateTime) then = rd_format_local(wall);
	g_autoptr(GDateTime) today = rd_format_local(now);

	if (g_date_time_get_year(then) == g_date_time_get_year(today) &&
	    g_date_time_get_day_of_year(then) == g_date_time_get_day_of_year(today))
		return g_date_time_format(then, "%H:%M:%S");
	return g_date_time_format(then, "%Y-%m-%d %H:%M:%S");
}

char *
rd_format_moment(gint64 wall)
{
	g_autoptr(GDateTime) then = rd_format_local(wall);

	return g_date_time_format(then, "%Y-%m-%d %H:%M %z");
}

char *
rd_format_stamp(gint64 wall)
{
	g_autoptr(GDateTime) then = rd_format_local(wall);

	return g_date_time_format(then, "%Y-%m-%d %H:%M:%S");
}

char *
rd_format_rfc3339(gint64 wall)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(wall / G_USEC_PER_SEC);
	g_autofree char *text = NULL;

	if (utc == NULL)
		return g_strdup("1970-01-01T00:00:00.000000Z");
	text = g_date_time_format(utc, "%Y-%m-%dT%H:%M:%S");
	return g_strdup_printf("%s.%06dZ", text, (int)(wall % G_USEC_PER_SEC));
}

gboolean
rd_format_parse_since(const char *text, gint64 now, gint64 *wall)
{
	g_autoptr(GTimeZone) local = g_time_zone_new_local();
	g_autoptr(GDateTime) when = NULL;
	g_autofree char *iso = NULL;
	gint64 seconds;

	if (rd_parse_duration(text, &seconds)) {
		*wall = now - seconds * G_USEC_PER_SEC;
		return TRUE;
	}
	if (strlen(text) >= 4 && text[2] == ':') {
		g_autoptr(GDateTime) today = rd_format_local(now);
		g_autofree char *day = g_date_time_format(today, "%Y-%m-%d");

		iso = g_strdup_printf("%sT%s", day, text);
	} else {
		iso = g_strdup(text);
		if (strlen(iso) > 10 && iso[10] == ' ')
			iso[10] = 'T';
	}
	/* GLib wants the seconds */
	if (strlen(iso) == strlen("2026-11-20T08:03")) {
		g_autofree char *whole = g_strdup_printf("%s:00", iso);

		when = g_date_time_new_from_iso8601(whole, local);
	} else {
		when = g_date_time_new_from_iso8601(iso, local);
	}
	if (when == NULL)
		return FALSE;
	*wall = g_date_time_to_unix(when) * G_USEC_PER_SEC;
	return TRUE;
}
