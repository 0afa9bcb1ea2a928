/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include "preflight/metrics.h"

#include <string.h>

/* a label's value: backslash, quote and newline are escaped, everything else stands as it is */
static char *
label(const char *text)
{
	GString *out = g_string_new(NULL);

	for (; *text != '\0'; text++)
		switch (*text) {
		case '\n':
			g_string_append(out, "\\n");
			break;
		case '"':
		case '\\':
			g_string_append_c(out, '\\');
			G_GNUC_FALLTHROUGH;
		default:
			g_string_append_c(out, *text);
		}
	return g_string_free(out, FALSE);
}

static void
head(GString *out, const char *name, const char *help)
{
	g_string_append_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* the first of its host and check; *level: the worst of all of them */
static gboolean
is_first(GPtrArray *findings, guint i, RdLevel *level)
{
	const RdFinding *finding = findings->pdata[i];

	*level = RD_LEVEL_OK;
	for (guint j = 0; j < findings->len; j++) {
		const RdFinding *other = findings->pdata[j];

		if (strcmp(other->check, finding->check) != 0 ||
		    strcmp(other->host, finding->host) != 0)
			continue;
		if (j < i)
			return FALSE;
		*level = MAX(*level, other->level);
	}
	return TRUE;
}

void
rd_metrics_print(GString *out, const RdPreflight *preflight)
{
	const RdClusterFacts *facts = preflight->facts;
	g_autofree char *cluster = label(facts->inventory->cluster);

	head(out, "recoveryd_check", "worst finding: 0 ok, 1 warn, 2 block");
	for (guint i = 0; i < preflight->findings->len; i++) {
		const RdFinding *finding = preflight->findings->pdata[i];
		g_autofree char *host = label(finding->host);
		g_autofree char *check = label(finding->check);
		RdLevel level;

		if (is_first(preflight->findings, i, &level))
			g_string_append_printf(
			    out, "recoveryd_check{cluster=\"%s\",host=\"%s\",check=\"%s\"} %u\n",
			    cluster, host, check, level);
	}
	head(out, "recoveryd_check_findings", "how many findings");
	for (guint level = 0; level <= RD_LEVEL_LAST; level++)
		g_string_append_printf(
		    out, "recoveryd_check_findings{cluster=\"%s\",level=\"%s\"} %u\n", cluster,
		    rd_level_to_string(level), rd_findings_count(preflight->findings, level));
	head(out, "recoveryd_check_timestamp_seconds", "when it was looked");
	g_string_append_printf(
	    out, "recoveryd_check_timestamp_seconds{cluster=\"%s\"} %" G_GINT64_FORMAT "\n",
	    cluster, facts->now);
	if (facts->backup == NULL || facts->backup->pair == NULL ||
	    facts->backup->pair->taken == NULL)
		return;
	head(out, "recoveryd_backup_timestamp_seconds", "when the backup was taken");
	g_string_append_printf(
	    out, "recoveryd_backup_timestamp_seconds{cluster=\"%s\"} %" G_GINT64_FORMAT "\n",
	    cluster, g_date_time_to_unix(facts->backup->pair->taken));
}

gboolean
rd_metrics_write(const char *path, const RdPreflight *preflight, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	rd_metrics_print(text, preflight);
	return g_file_set_contents_full(path, text->str, (gssize)text->len,
					G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}
