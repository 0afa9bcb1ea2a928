/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

/* Reading trusts nothing: a bit may have flipped, a page may be missing, somebody may have been
 * helpful with an editor. */

#include "store-private.h"

/* NULL for a NULL; SQLite's own until the next row */
static char *
column_text(sqlite3_stmt *row, RdColumn column)
{
	return (char *)sqlite3_column_text(row, column);
}

static gboolean
kind_of(sqlite3_stmt *row, RdEventKind *kind)
{
	const char *word = (const char *)sqlite3_column_text(row, RD_COLUMN_KIND);

	return word != NULL && rd_event_kind_from_string(word, kind);
}

/* copies nothing: a journal has thousands of events, and a fold keeps few of their texts */
static void
read_event(sqlite3_stmt *row, RdEventKind kind, RdEvent *event)
{
	*event = (RdEvent){
	    .kind = kind,
	    .seq = sqlite3_column_int64(row, RD_COLUMN_SEQ),
	    .wall = sqlite3_column_int64(row, RD_COLUMN_WALL),
	    .clock = sqlite3_column_int64(row, RD_COLUMN_CLOCK),
	    .state = column_text(row, RD_COLUMN_STATE),
	    .target = column_text(row, RD_COLUMN_TARGET),
	    .visit = (guint)sqlite3_column_int64(row, RD_COLUMN_VISIT),
	    .attempt = (guint)sqlite3_column_int64(row, RD_COLUMN_ATTEMPT),
	    .word = column_text(row, RD_COLUMN_WORD),
	    .key = column_text(row, RD_COLUMN_KEY),
	    .value = column_text(row, RD_COLUMN_VALUE),
	    .number = sqlite3_column_int64(row, RD_COLUMN_NUMBER),
	    .text = column_text(row, RD_COLUMN_TEXT),
	};
}

static gboolean
damaged(RdStore *self, gint64 seq, const char *what, GError **error)
{
	g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
		    "%s: event %" G_GINT64_FORMAT " %s", self->path, seq, what);
	return FALSE;
}

/* TRUE while there is a row; FALSE without error at the end. @seq is the number it has to have. */
static gboolean
next_row(RdStore *self, gint64 seq, GError **error)
{
	int code = sqlite3_step(self->select);

	if (code == SQLITE_DONE)
		return FALSE;
	if (code != SQLITE_ROW) {
		g_autofree char *what =
		    g_strdup_printf("cannot be read: %s", sqlite3_errmsg(self->db));

		return damaged(self, seq, what, error);
	}
	if (sqlite3_column_int64(self->select, RD_COLUMN_SEQ) != seq)
		return damaged(self, seq, "is missing", error);
	return TRUE;
}

static gboolean
each_row(RdStore *self, gint64 after, RdJournalFunc func, gpointer data, GError **error)
{
	g_autoptr(GError) local_error = NULL;
	RdEventKind kind;
	RdEvent event;
	gint64 seq = after;

	while (next_row(self, ++seq, &local_error)) {
		if (!kind_of(self->select, &kind))
			return damaged(self, seq,
				       "is of a kind that this recoveryd does not know: a newer "
				       "one wrote it, or it is damaged",
				       error);
		read_event(self->select, kind, &event);
		if (!func(&event, data, error))
			return FALSE;
	}
	if (local_error == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local_error));
	return FALSE;
}

gboolean
rd_store_each(RdStore *self, gint64 after, RdJournalFunc func, gpointer data, GError **error)
{
	gboolean walked;

	sqlite3_bind_int64(self->select, 1, after);
	walked = each_row(self, after, func, data, error);
	sqlite3_reset(self->select);
	return walked;
}

const char *
rd_store_head(RdStore *self)
{
	g_autoptr(GError) error = NULL;
	guint8 link[RD_CHAIN_SIZE];
	gint64 seq = self->last;

	if (self->writer)
		memcpy(link, self->link, RD_CHAIN_SIZE);
	else if (!rd_store_newest(self, &seq, link, &error))
		g_warning("%s", error->message);
	if (seq == 0)
		return "";
	rd_chain_to_hex(link, self->head);
	return self->head;
}

/* ---- verifying ----------------------------------------------------------------------------- */

static void
hash_row(sqlite3_stmt *row, RdChain *chain)
{
	for (int column = 0; column < RD_COLUMN_CHAIN; column++)
		switch (sqlite3_column_type(row, column)) {
		case SQLITE_INTEGER:
			rd_chain_int(chain, sqlite3_column_int64(row, column));
			break;
		case SQLITE_NULL:
			rd_chain_text(chain, NULL, 0);
			break;
		default:
			rd_chain_text(chain, (const char *)sqlite3_column_text(row, column),
				      (gsize)sqlite3_column_bytes(row, column));
			break;
		}
	rd_chain_close(chain);
}

static gboolean
verify_rows(RdStore *self, gint64 *count, GError **error)
{
	g_autoptr(GError) local_error = NULL;
	g_auto(RdChain) chain = {0};
	gint64 seq = 1;

	for (rd_chain_init(&chain, NULL); next_row(self, seq, &local_error); *count = seq++) {
		hash_row(self->select, &chain);
		if (sqlite3_column_bytes(self->select, RD_COLUMN_CHAIN) != RD_CHAIN_SIZE ||
		    memcmp(sqlite3_column_blob(self->select, RD_COLUMN_CHAIN), chain.link,
			   RD_CHAIN_SIZE) != 0)
			return damaged(self, seq,
				       "does not fit the chain: it was changed after it was "
				       "written",
				       error);
	}
	if (local_error != NULL) {
		g_propagate_error(error, g_steal_pointer(&local_error));
		return FALSE;
	}
	return TRUE;
}

gboolean
rd_store_verify(RdStore *self, gint64 *count, GError **error)
{
	gint64 all = 0;
	gboolean fits;

	sqlite3_bind_int64(self->select, 1, G_MININT64);
	fits = verify_rows(self, &all, error);
	sqlite3_reset(self->select);
	if (count != NULL)
		*count = all;
	return fits;
}
