/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include <sqlite3.h>
G_BEGIN_DECLS

/* The table of a journal and the way from each older format to the newest.
 *
 * format  since  what
 * 1       0.1    event
 *
 * Each released format keeps a file in tests/unit/db/. */

#define RD_SCHEMA_FORMAT 1
/* "rdj1" in the file's header, for file(1) and against opening somebody else's database */
#define RD_SCHEMA_APPLICATION 0x72646a31

/* columns of the table, in its order; rows are hashed in this order */
typedef enum {
	RD_COLUMN_SEQ,
	RD_COLUMN_WALL,
	RD_COLUMN_CLOCK,
	RD_COLUMN_KIND,
	RD_COLUMN_STATE,
	RD_COLUMN_TARGET,
	RD_COLUMN_VISIT,
	RD_COLUMN_ATTEMPT,
	RD_COLUMN_WORD,
	RD_COLUMN_KEY,
	RD_COLUMN_VALUE,
	RD_COLUMN_NUMBER,
	RD_COLUMN_TEXT,
	RD_COLUMN_CHAIN,
} RdColumn;
#define RD_COLUMN_LAST RD_COLUMN_CHAIN
#define RD_COLUMN_NAMES                                                                            \
	"seq, wall, clock, kind, state, target, visit, attempt, word, key, value, number, text, "  \
	"chain"

/* RD_JOURNAL_ERROR_UNREADABLE unless the file is a journal of this format or an older one */
gboolean rd_schema_check(sqlite3 *db, const char *path, int *format, GError **error);
/* brings @db, whose user_version is @format (0: empty), to RD_SCHEMA_FORMAT in one transaction;
 * returns SQLite's code */
int rd_schema_migrate(sqlite3 *db, int format);
G_END_DECLS
