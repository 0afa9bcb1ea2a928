/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "schema.h"
#include "journal.h"

/* steps[n] leads from format n to n + 1; a released one never changes */
static const char *const steps[] = {
    "CREATE TABLE event ("
    " seq INTEGER PRIMARY KEY,"
    " wall INTEGER NOT NULL,"
    " clock INTEGER NOT NULL,"
    " kind TEXT NOT NULL,"
    " state TEXT,"
    " target TEXT,"
    " visit INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL,"
    " word TEXT,"
    " key TEXT,"
    " value TEXT,"
    " number INTEGER NOT NULL,"
    " text TEXT,"
    " chain BLOB NOT NULL"
    ") STRICT;"
    "PRAGMA user_version = 1;",
};

G_STATIC_ASSERT(G_N_ELEMENTS(steps) == RD_SCHEMA_FORMAT);

static int
read_pragma(sqlite3 *db, const char *sql, int *value)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK) {
		code = sqlite3_step(statement);
		if (code == SQLITE_ROW)
			*value = sqlite3_column_int(statement, 0);
	}
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? SQLITE_OK : code;
}

gboolean
rd_schema_check(sqlite3 *db, const char *path, int *format, GError **error)
{
	int application = 0, version = 0;
	int code = read_pragma(db, "PRAGMA application_id", &application);

	if (code == SQLITE_OK)
		code = read_pragma(db, "PRAGMA user_version", &version);
	if (code != SQLITE_OK) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
			    "%s: not readable as a journal: %s", path, sqlite3_errmsg(db));
		return FALSE;
	}
	if (application == 0 && version == 0) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
			    "%s is empty: creating it was interrupted, so its run never began",
			    path);
		return FALSE;
	}
	if (application != RD_SCHEMA_APPLICATION || version < 1) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
			    "%s is a database, but not a journal of recoveryd", path);
		return FALSE;
	}
	if (version > RD_SCHEMA_FORMAT) {
		g_set_error(
		    error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
		    "%s was written by a newer recoveryd (format %d; this one knows up to %d): "
		    "use that version",
		    path, version, RD_SCHEMA_FORMAT);
		return FALSE;
	}
	*format = version;
	return TRUE;
}

int
rd_schema_migrate(sqlite3 *db, int format)
{
	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (; code == SQLITE_OK && format < RD_SCHEMA_FORMAT; format++)
		code = sqlite3_exec(db, steps[format], NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code =
		    sqlite3_exec(db, "PRAGMA application_id = " G_STRINGIFY(RD_SCHEMA_APPLICATION),
				 NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return code;
}
