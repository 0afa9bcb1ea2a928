/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "paper.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* Inside page*.c only: the report's JSON, read for a page. */

typedef enum {
	RD_CELL_TEXT,
	RD_CELL_TIME, /* RFC 3339 */
	RD_CELL_MS,
	RD_CELL_BOOL,	/* yes, or nothing */
	RD_CELL_OUTPUT, /* of a row of "findings": an audit's is told in short */
} RdCell;

/* page-cell.c; NULL when it is not there (unowned) */
const char *rd_page_string(JsonObject *object, const char *key);
gboolean rd_page_is(JsonObject *object, const char *key, const char *value);
gboolean rd_page_true(JsonObject *object, const char *key);
/* NULL: an empty one (transfer full) */
char *rd_page_cell(JsonObject *object, const char *key, RdCell cell);

/* page-storage.c: what audits of the persistent storage found; without an audit nothing */
void rd_page_storage(RdPaper *paper, JsonObject *report);
/* "3 findings, see Persistent storage" for a row of "findings" that is an audit's; else NULL
 * (transfer full) */
char *rd_page_storage_brief(JsonObject *row);
G_END_DECLS
