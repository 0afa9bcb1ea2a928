/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "journal.h"
G_BEGIN_DECLS

/* A journal in a SQLite file; what rd_journal_* promises in journal.h is carried out here, except
 * for redaction and wall time. */
typedef struct _RdStore RdStore;

typedef enum {
	RD_STORE_CREATE,
	RD_STORE_WRITE,
	RD_STORE_READ,
} RdStoreMode;

RdStore *rd_store_open(const char *path, RdStoreMode mode, GError **error);
void rd_store_free(RdStore *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdStore, rd_store_free)

/* numbers the events, all or none */
gboolean rd_store_append(RdStore *self, GPtrArray *events, GError **error);
gboolean rd_store_each(RdStore *self, gint64 after, RdJournalFunc func, gpointer data,
		       GError **error);
const char *rd_store_head(RdStore *self);
gboolean rd_store_verify(RdStore *self, gint64 *count, GError **error);
gboolean rd_store_release_reserve(RdStore *self, GError **error);
G_END_DECLS
