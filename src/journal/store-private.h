/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "chain.h"
#include "reserve.h"
#include "schema.h"
#include "store.h"
G_BEGIN_DECLS

struct _RdStore {
	char *path;
	sqlite3 *db;
	RdReserve *reserve; /* (nullable) the writer's */
	gboolean writer;
	char *broken;		    /* (nullable) the failed write after which nothing follows */
	int wal_pages;		    /* in the WAL after the last commit */
	gint64 last;		    /* number of the newest event; the writer's */
	guint8 link[RD_CHAIN_SIZE]; /* its link */
	char head[RD_CHAIN_SIZE * 2 + 1];
	sqlite3_stmt *insert; /* (nullable) the writer's */
	sqlite3_stmt *select; /* rows after ?1, in order */
	sqlite3_stmt *newest; /* number and link of the newest */
};

/* Number and link of the newest event, 0 and zeros in an empty journal. */
gboolean rd_store_newest(RdStore *self, gint64 *seq, guint8 *link, GError **error);
/* why the last call on self->db failed; always FALSE */
gboolean rd_store_unreadable(RdStore *self, const char *what, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sqlite3_stmt, sqlite3_finalize)
G_END_DECLS
