/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

/* Reading trusts nothing: a bit may have flipped, a page may be missing, somebody may have been
 * helpful with an editor. */

#include "store-private.h"

static char *
column_text(sqlite3_stmt *row, RdColumn column)
{
	return g_strndup((const char *)sqlite3_column_text(row, column),
			 (gsize)sqlite3_column_bytes(row, column));
}

static char *
column_nullable(sqlite3_stmt *row, RdColumn column)
{
	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return NULL;
	return column_text(row, column);
}

static gboolean
kind_of(sqlite3_stmt *row, RdEventKind *kind)
{
	const char *word = (const char *)sqlite3_column_text(row, RD_COLUMN_KIND);

	return word != NULL && rd_event_kind_from_string(word, kind);
}

static RdEvent *
read_event(sqlite3_stmt *row, RdEventKind kind)
{
	RdEvent *event = g_new0(RdEvent, 1);

	event->kind = kind;
	event->seq = sqlite3_column_int64(row, RD_COLUMN_SEQ);
	event->wall = sqlite3_column_int64(row, RD_COLUMN_WALL);
	event->clock = sqlite3_column_int64(row, RD_COLUMN_CLOCK);
	event->state = column_nullable(row, RD_COLUMN_STATE);
	event->target = column_nullable(row, RD_COLUMN_TARGET);
	event->visit = (guint)sqlite3_column_int64(row, RD_COLUMN_VISIT);
	event->attempt = (guint)sqlite3_column_int64(row, RD_COLUMN_ATTEMPT);
	event->word = column_nullable(row, RD_COLUMN_WORD);
	event->key = column_nullable(row, RD_COLUMN_KEY);
	event->value = column_nullable(row, RD_COLUMN_VALUE);
	event->number = sqlite3_column_int64(row, RD_COLUMN_NUMBER);
	event->text = column_nullable(row, RD_COLUMN_TEXT);
	return event;
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
read_rows(RdStore *self, gint64 after, GPtrArray *events, GError **error)
{
	g_autoptr(GError) local_error = NULL;
	RdEventKind kind;

	while (next_row(self, after + events->len + 1, &local_error)) {
		if (!kind_of(self->select, &kind))
			return damaged(self, after + events->len + 1,
				       "is of a kind that this recoveryd does not know: a newer "
				       "one wrote it, or it is damaged",
				       error);
		g_ptr_array_add(events, read_event(self->select, kind));
	}
	if (local_error == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local_error));
	return FALSE;
}

GPtrArray *
rd_store_read(RdStore *self, gint64 after, GError **error)
{
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)rd_event_free);
	gboolean read;

	sqlite3_bind_int64(self->select, 1, after);
	read = read_rows(self, after, events, error);
	sqlite3_reset(self->select);
	return read ? g_steal_pointer(&events) : NULL;
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

	for (rd_chain_init(&chain, NULL); next_row(self, seq, &local_error); seq++) {
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
	*count = seq - 1;
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
	if (fits && count != NULL)
		*count = all;
	return fits;
}
