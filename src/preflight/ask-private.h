/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/ask.h"
G_BEGIN_DECLS

/* One host being asked; after the first error nothing is asked any more. */
typedef struct {
	RdWorld *world;
	RdHostFacts *facts;
	GError *error; /* (owned) (nullable) */
} RdAsking;

/* stdout of a command (transfer full), or NULL: no answer, or another status than 0 */
char *rd_asking(RdAsking *self, const char *word, ...) G_GNUC_NULL_TERMINATED;
char *rd_asking_vector(RdAsking *self, const char *const *argv);
/* both streams of a command, whatever its status (transfer full), or NULL: no answer */
char *rd_asking_both(RdAsking *self, const char *const *argv);

/* it answers, and @path is there */
gboolean rd_asking_exists(RdAsking *self, const char *path);
/* The lines of a listing, none when it cannot be listed; those that begin with a dot are nobody's
 * business. (transfer full) */
char **rd_asking_names(RdAsking *self, const char *dir);

/* ask-etcd.c */
void rd_asking_env(RdAsking *self);	/* what etcd.env and the restore pod say */
void rd_asking_members(RdAsking *self); /* what its etcd says that runs */
/* ask-runs.c */
void rd_asking_runs(RdAsking *self); /* what earlier runs left; after the leftovers */
G_END_DECLS
