/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "engine/setting.h"
#include "journal/copy.h"
G_BEGIN_DECLS

/* A run directory out of what lies on the hosts: the journal's copies, and the documents beside
 * them. No host is spoken to here. */

/* on a host, root's alone */
#define RD_COPY_DIR "/var/lib/recoveryd/journal"

/* What lies beside the events: (element-type utf8 utf8) name to text, ends with NULL in
 * rd_copy_documents. Nothing secret: keys and backups are named, not sent; the command of --notify,
 * which may have a token in it, is left out. What cannot be read is missing, with a warning. */
extern const char *const rd_copy_documents[];
GHashTable *rd_copy_documents_of(RdRundir *dir);

/* where a copy was found */
typedef struct {
	char *host;
	RdCopy *copy;	  /* (owned) (nullable) there is none */
	gint64 number;	  /* of the lock there that is this run's; 0: none is */
	char *holder;	  /* (nullable) what the lock file says, for people */
	char *why;	  /* (nullable) why there is no copy */
	gboolean damaged; /* there is one, and it does not prove itself */
} RdFound;
void rd_found_free(RdFound *found);
/* The longest of them; the others have to be its beginning. NULL: there is none, one is damaged, or
 * two differ, which no machine can decide (unowned) */
const RdFound *rd_found_choose(GPtrArray *found, GError **error);

typedef struct {
	const char *base;
	GHashTable *documents;	/* as rd_copy_documents_of() */
	RdRunSetting *setting;	/* of those, with the logins that are right from here */
	const char *plugin_dir; /* of this machine */
	GPtrArray *found;	/* (element-type RdFound) */
	const char *who;
} RdRebuildOptions;

/* Makes the run directory: what `start` made, the journal of the longest copy, and who took the run
 * over with which numbers. Nothing is left behind when it is refused, as when a plugin is missing
 * here. *notes (element-type utf8) (out): what else is not as it was, and what to do about it. */
RdRundir *rd_rebuild(const RdRebuildOptions *options, GPtrArray **notes, GError **error);
G_END_DECLS
