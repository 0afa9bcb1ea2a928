/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "account-private.h"
#include "page-private.h"

#define HEADING "Persistent storage"

char *
rd_page_storage_brief(JsonObject *row)
{
	g_autoptr(JsonNode) root = NULL;
	JsonObject *audit =
	    rd_account_audit(rd_page_string(row, "name"), rd_page_string(row, "value"), &root);
	JsonArray *findings;
	guint n = 0;

	if (audit == NULL)
		return NULL;
	findings = json_object_get_array_member(audit, "findings");
	for (guint i = 0; i < json_array_get_length(findings); i++)
		n += JSON_NODE_HOLDS_OBJECT(json_array_get_element(findings, i));
	return g_strdup_printf("%u finding%s, see %s", n, n == 1 ? "" : "s", HEADING);
}

static RdTone
rd_page_storage_tone(JsonObject *finding)
{
	return rd_page_is(finding, "severity", "critical")  ? RD_TONE_BAD
	       : rd_page_is(finding, "severity", "warning") ? RD_TONE_WARN
							    : RD_TONE_PLAIN;
}

static char *
rd_page_names(JsonArray *names)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < json_array_get_length(names); i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
				       json_array_get_string_element(names, i));
	return g_string_free(text, FALSE);
}

static void
rd_page_storage_looked(RdPaper *paper, JsonObject *audit)
{
	JsonArray *not_looked = json_object_get_array_member(audit, "not_looked");
	g_autofree char *seen = rd_page_names(json_object_get_array_member(audit, "looked"));
	g_autofree char *unseen = rd_page_names(not_looked);

	rd_paper_text(paper, RD_TONE_PLAIN, "Devices and mounts were looked at on: %s.",
		      *seen != '\0' ? seen : "no host");
	if (json_array_get_length(not_looked) > 0)
		rd_paper_text(paper, RD_TONE_WARN,
			      "Not looked at were: %s. What is wrong there is not in this table.",
			      unseen);
}

static void
rd_page_storage_findings(RdPaper *paper, JsonArray *findings)
{
	static const char *const titles[] = {
	    "Severity", "Kind",	    "`Object",	     "`Node",
	    "Evidence", "`By hand", "`When told to", "Keeps from draining",
	    NULL};
	static const char *const keys[] = {"severity", "kind",	 "object", "node",
					   "evidence", "manual", "remedy"};

	rd_paper_table(paper, titles);
	for (guint i = 0; i < json_array_get_length(findings); i++) {
		JsonObject *finding = json_array_get_object_element(findings, i);
		char *cells[G_N_ELEMENTS(titles)] = {NULL};

		for (guint j = 0; j < G_N_ELEMENTS(keys); j++)
			cells[j] = (char *)rd_page_string(finding, keys[j]);
		cells[G_N_ELEMENTS(keys)] =
		    rd_page_true(finding, "gates_drain") ? (char *)"yes" : NULL;
		rd_paper_row(paper, rd_page_storage_tone(finding), cells);
	}
	rd_paper_end_table(paper);
}

void
rd_page_storage(RdPaper *paper, JsonObject *report)
{
	JsonArray *audits = json_object_get_array_member(report, "storage");

	if (json_array_get_length(audits) == 0)
		return;
	rd_paper_heading(paper, 2, HEADING);
	for (guint i = 0; i < json_array_get_length(audits); i++) {
		JsonObject *audit = json_array_get_object_element(audits, i);
		JsonArray *findings = json_object_get_array_member(audit, "findings");
		g_autofree char *at = rd_page_cell(audit, "at", RD_CELL_TIME);
		g_autofree char *title =
		    g_strdup_printf("%s, %s: %u found", rd_page_string(audit, "step"), at,
				    json_array_get_length(findings));

		rd_paper_heading(paper, 3, title);
		rd_page_storage_looked(paper, audit);
		if (json_array_get_length(findings) > 0)
			rd_page_storage_findings(paper, findings);
		else
			rd_paper_text(paper, RD_TONE_GOOD, "Nothing was found.");
	}
}
