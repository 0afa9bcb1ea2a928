/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include "preflight/finding.h"

static const char *const level_words[] =
    {[RD_LEVEL_OK] = "ok", [RD_LEVEL_WARN] = "warn", [RD_LEVEL_BLOCK] = "block"};

G_STATIC_ASSERT(G_N_ELEMENTS(level_words) == RD_LEVEL_LAST + 1);

const char *
rd_level_to_string(RdLevel level)
{
	return level_words[level];
}

void
rd_finding_free(RdFinding *finding)
{
	g_free(finding->host);
	g_free(finding->text);
	g_free(finding->remedy);
	g_free(finding->override);
	g_free(finding);
}

GPtrArray *
rd_findings_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)rd_finding_free);
}

void
rd_finding_add(GPtrArray *findings, const char *host, const char *check, RdLevel level, char *text,
	       const char *remedy)
{
	RdFinding *finding = g_new0(RdFinding, 1);

	finding->host = g_strdup(host);
	finding->check = check;
	finding->level = level;
	finding->text = text;
	finding->remedy = level != RD_LEVEL_OK ? g_strdup(remedy) : NULL;
	g_ptr_array_add(findings, finding);
}

guint
rd_findings_count(GPtrArray *findings, RdLevel level)
{
	guint n = 0;

	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = g_ptr_array_index(findings, i);
		RdLevel counts = finding->override != NULL ? RD_LEVEL_WARN : finding->level;

		n += counts == level;
	}
	return n;
}
