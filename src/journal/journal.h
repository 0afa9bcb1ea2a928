/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "machine/event.h"
G_BEGIN_DECLS

/* A run's append-only record: one SQLite file (WAL, synchronous=FULL, STRICT), or memory for the
 * simulator. Numbered, hash-chained over the stored bytes. One writer, any number of readers. */
typedef struct _RdJournal RdJournal;

#define RD_JOURNAL_ERROR (rd_journal_error_quark())
GQuark rd_journal_error_quark(void);
typedef enum {
	RD_JOURNAL_ERROR_UNREADABLE, /* missing, damaged, a newer format, no permission */
	RD_JOURNAL_ERROR_FULL,	     /* no space: what the reserve is kept for */
	RD_JOURNAL_ERROR_WRITE,	     /* any other failed write or sync: the engine must end */
} RdJournalError;

/* @path must not exist; the file, its directory and a reserve are on disk before it returns */
RdJournal *rd_journal_create(const char *path, GError **error);
/* the like, with events as they stand in a copy (copy.h): their numbers and times are kept, so that
 * the head is the copy's */
RdJournal *rd_journal_create_from(const char *path, GPtrArray *events, GError **error);
/* refused with WRITE while another writer has it, in whichever process */
RdJournal *rd_journal_open_writer(const char *path, GError **error);
/* reads only; works beside a writer and on a read-only copy */
RdJournal *rd_journal_open_reader(const char *path, GError **error);
RdJournal *rd_journal_new_memory(void);
void rd_journal_free(RdJournal *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdJournal, rd_journal_free)

/* One commit; gives each event its seq and wall time. On disk when it returns TRUE. After FALSE
 * with WRITE nothing more can be appended to this journal object; after FALSE with FULL it can,
 * once there is room. Redacts key, value and text of the events in place (see redact.h), so that
 * what the caller applies is what a later reader gets. */
gboolean rd_journal_append(RdJournal *self, GPtrArray *events, GError **error);
/* events with seq > @after, in order (element-type RdEvent) (transfer full) */
GPtrArray *rd_journal_read(RdJournal *self, gint64 after, GError **error);
/* The same one by one, as a fold wants them: @event and its texts are good until @func returns. It
 * must not write to this journal; FALSE with an error from it ends the walk. */
typedef gboolean (*RdJournalFunc)(const RdEvent *event, gpointer data, GError **error);
gboolean rd_journal_each(RdJournal *self, gint64 after, RdJournalFunc func, gpointer data,
			 GError **error);
/* hex SHA-256 of the newest event's chain, "" for an empty journal and one in memory (unowned) */
const char *rd_journal_head(RdJournal *self);
/* Walks the chain; FALSE names the first event that does not fit. *count (nullable): how many do,
 * also after FALSE. A cut-off tail fits: only a head that was written down elsewhere (job records,
 * journald) tells. */
gboolean rd_journal_verify(RdJournal *self, gint64 *count, GError **error);

/* @secret is hidden wherever it appears in later events; too short ones are not (see redact.h) */
void rd_journal_add_secret(RdJournal *self, const char *secret);
/* After FALSE with FULL: gives back the space that was put aside when the journal was opened for
 * writing, room for dozens of events more ("disk full" is to be the first). The next writer takes
 * it again, and is refused with FULL where it cannot. */
gboolean rd_journal_release_reserve(RdJournal *self, GError **error);
G_END_DECLS
