/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/facts.h"
#include "backup/pair.h"
#include "backup/resources.h"
G_BEGIN_DECLS

/* May this backup be restored? Named checks, each with what was found and what a person can do;
 * offline, with nothing but the files. */

typedef enum {
	RD_CHECK_OK,
	RD_CHECK_WARN,	/* can be used, knowing this */
	RD_CHECK_BLOCK, /* must not be used */
} RdCheckLevel;
const char *rd_check_level_to_string(RdCheckLevel level); /* "ok", "warn", "block" */

typedef struct {
	const char *name; /* stable: "tree", "certificates" (static) */
	RdCheckLevel level;
	char *text;
	char *remedy; /* NULL when ok */
} RdCheck;

typedef struct {
	char *path;	/* absolute, of the snapshot; of what was given when there is none */
	char *unpacked; /* (nullable) that one, taken out of an archive; it goes with the verdict */
	RdPair *pair;	/* (nullable) a snapshot alone has none */
	RdSnapshot *proof;	/* (nullable) */
	RdFacts *facts;		/* (nullable) when the tree is not sound */
	RdResources *resources; /* (nullable) */
	GPtrArray *checks;	/* RdCheck, in the order in which they were made */
	RdCheckLevel level;	/* the worst of them */
} RdBackupVerdict;

/* @path: a directory with one backup, its snapshot, or any snapshot (a rescue copy), which then is
 * judged alone. @now: seconds since 1970. Never NULL, unless @cancellable was: then
 * RD_BACKUP_ERROR_CANCELLED. Everything is read, however bad the beginning is: one bad file is no
 * reason not to hear about the other. */
RdBackupVerdict *rd_verdict_reach(const char *path, gint64 now, GCancellable *cancellable,
				  GError **error);
void rd_verdict_free(RdBackupVerdict *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdBackupVerdict, rd_verdict_free)
G_END_DECLS
