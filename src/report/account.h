/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "evidence.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* The evidence report of a run: who did what, why, on which proof, with what result, and what is
 * left. The JSON (docs/json.md) is the report; Markdown and HTML are views of it and say nothing
 * that it does not say. The same evidence gives the same bytes. */

/* @next: (nullable) what a person can do now, as the command line says it: the value of "next" */
JsonNode *rd_account_new(const RdEvidence *evidence, JsonNode *next);

typedef enum {
	RD_PAPER_MARKDOWN,
	RD_PAPER_HTML,
} RdPaperKind;

/* @report as a page (transfer full) */
char *rd_account_print(JsonNode *report, RdPaperKind kind);

/* reads journal.db and prints a line "NUMBER HASH" for each event whose chain holds: what an
 * auditor runs who has Python and not this program (unowned) */
const char *rd_account_verify_script(void);
G_END_DECLS
