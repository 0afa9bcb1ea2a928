/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include <sys/statfs.h>
G_BEGIN_DECLS

/* Where a run lives on the bastion: BASE/runs/RUN/, 0700, or 2770 and group "recoveryd" for two
 * operators. In it
 *
 *   journal.db        the run (journal.h)
 *   lock              the engine's (lock.h)
 *   requests/         words of persons (request.h)
 *   outbox/           notifications (outbox.h)
 *   log/              debug output
 *   local/            what was fetched from hosts
 *   agent             a link to the ssh agent of the newest login that lent one; often none
 *   status.json       what others may read
 *   procedure.yaml, cluster.yaml, types.json, setting.json, plugins/
 *                     copies, so that an upgrade in the middle changes nothing
 *
 * A run is called r-20261120-kite-3: day it was created (UTC), a word, and a number that grows with
 * every run of this BASE. Errors are GFileError with the path. */
typedef struct _RdRundir RdRundir;
#define RD_RUNDIR_AGENT "agent"

/* (nullable) @state_dir of the command line, else RECOVERYD_STATE_DIR, else /var/lib/recoveryd for
 * root and $XDG_STATE_HOME/recoveryd for others. Absolute. (transfer full) */
char *rd_rundir_base(const char *state_dir);

typedef int (*RdStatfs)(const char *path, struct statfs *info);
/* Refuses network file systems: their locks and syncs are not what the journal needs. @statfs_fn is
 * statfs(2) but for tests. *volatile_too (nullable): it is in memory, gone with the next boot. */
gboolean rd_rundir_check_fs(const char *base, RdStatfs statfs_fn, gboolean *volatile_too,
			    GError **error);

/* A new run with an id of its own, also against others that do the same at this moment; checks the
 * file system. @shared: for the group recoveryd, an error where there is none. */
RdRundir *rd_rundir_create(const char *base, gboolean shared, GError **error);
/* the like with a given id: a run that is rebuilt from a host's copy of its journal */
RdRundir *rd_rundir_create_as(const char *base, const char *id, gboolean shared, GError **error);
/* @name: the id, or a part between dashes that only one run has ("kite-3", "kite"); NULL or "" is
 * the newest with a journal. The error lists what it could have been. */
RdRundir *rd_rundir_open(const char *base, const char *name, GError **error);
void rd_rundir_free(RdRundir *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdRundir, rd_rundir_free)

/* ids, newest first, also of runs whose creation was interrupted (no journal.db). Empty when there
 * is no BASE yet. (element-type utf8) (transfer full) */
GPtrArray *rd_rundir_list(const char *base, GError **error);

const char *rd_rundir_get_id(RdRundir *self);
const char *rd_rundir_get_path(RdRundir *self);
gboolean rd_rundir_is_shared(RdRundir *self);
/* BASE/runs/RUN/@name (transfer full) */
char *rd_rundir_file(RdRundir *self, const char *name);

/* Copies the regular file @file to @name ("cluster.yaml", "plugins/etcd.so"): on disk, with its
 * name, before it returns TRUE. An older one is replaced. */
gboolean rd_rundir_copy_in(RdRundir *self, const char *file, const char *name, GError **error);
/* the like with @data */
gboolean rd_rundir_put(RdRundir *self, const char *name, const char *data, gsize size,
		       GError **error);
/* status.json, old or new but never half; not synced, it can be made again from the journal.
 * @mode: 0644 for all who may enter the directory, as a rule 0600 or 0640 */
gboolean rd_rundir_write_status(RdRundir *self, const char *json, guint mode, GError **error);
G_END_DECLS
