/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rescue copy where no etcd runs: the database of the stopped member, hashed there and fetched.
 * It is looked at before the first change, and stays where it is for save-data or the script.
 *
 * What this copy is not: a snapshot. etcd has written no SHA-256 behind it, so `snapshot restore`
 * takes it only with --skip-hash-check; entries that stand in the log (member/wal) alone are not in
 * it; and nobody knows whether it is damaged, which may be why that etcd does not run. So nothing
 * counts on it: where it cannot be read, or this machine has no room for it, that is said, and the
 * hash is kept of what stays on the host. */

#include "../common/ask.h"
#include "etcd.h"
#include <string.h>
#include <sys/statvfs.h>

#define DATABASE ETCD_MEMBER ETCD_DB
#define SPARE	 (512ULL << 20) /* bytes left here for the journal and for snapshots */

static char *
stopped_local(RecoveryStep *step)
{
	g_autofree char *dir = recovery_local_dir(step);

	return g_strdup_printf("%s/rescue-%s-stopped.db", dir, recovery_target(step));
}

/* the answer of a command of which a failure is an answer, too: *out, or *why it has none */
static gboolean
ask_database(RecoveryStep *step, const char *const *argv, char **out, char **why, GError **error)
{
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status == 0)
		*out = g_strdup(reply.out);
	else if (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL)
		*why = g_strdup("there is no " DATABASE);
	else
		*why = g_strdup(reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return TRUE;
}

typedef struct {
	char *why;    /* (owned) (nullable) it is not there, or cannot be read */
	char *sha256; /* (owned) (nullable) */
	guint64 size; /* bytes */
} Database;

static void
database_clear(Database *self)
{
	g_free(self->why);
	g_free(self->sha256);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Database, database_clear)

/* FALSE with error: the host did not answer */
static gboolean
find_database(RecoveryStep *step, Database *self, GError **error)
{
	const char *look[] = {"stat", "-c", "%i %s", DATABASE, NULL};
	const char *sum[] = {"sha256sum", DATABASE, NULL};
	g_autofree char *shown = NULL, *summed = NULL;

	if (!ask_database(step, look, &shown, &self->why, error))
		return FALSE;
	if (shown == NULL)
		return TRUE;
	if (strchr(shown, ' ') != NULL)
		self->size = g_ascii_strtoull(strchr(shown, ' '), NULL, 10);
	if (!ask_database(step, sum, &summed, &self->why, error))
		return FALSE;
	if (summed != NULL)
		self->sha256 = g_strndup(summed, strcspn(summed, " \n"));
	return TRUE;
}

/* who cannot be asked has room: then fetching says why not */
static gboolean
has_room(RecoveryStep *step, guint64 size)
{
	g_autofree char *dir = recovery_local_dir(step);
	struct statvfs found;

	return statvfs(dir, &found) != 0 ||
	       (guint64)found.f_bavail * found.f_frsize >= size + SPARE;
}

static gboolean
report_left_out(RecoveryStep *step, const Database *database, GError **error)
{
	g_autofree char *note = NULL;

	if (database->sha256 != NULL)
		note = g_strdup_printf("no etcd runs here, and this machine has no room for its "
				       "database (%" G_GUINT64_FORMAT " MiB): it was hashed, and "
				       "stays on the host alone",
				       database->size >> 20);
	else
		note =
		    g_strdup_printf("no etcd runs here, and no copy was taken: %s", database->why);
	recovery_progress(step, "%s: %s", recovery_target(step), note);
	return rescue_report(step, "", database->sha256 != NULL ? database->sha256 : "", "", note,
			     error);
}

static gboolean
report_fetched(RecoveryStep *step, const char *local, const char *sha256, GError **error)
{
	return rescue_report(step, "", sha256, local,
			     "no etcd runs here: its database as it lies there, no snapshot "
			     "(etcdutl snapshot restore --skip-hash-check)",
			     error);
}

RecoveryProbe
rescue_stopped_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *local = stopped_local(step), *here = NULL;
	g_auto(Database) database = {0};
	gboolean reported;

	if (!find_database(step, &database, error))
		return RECOVERY_PROBE_UNKNOWN;
	here = database.sha256 != NULL ? rescue_local_sha256(local) : NULL;
	if (here != NULL && strcmp(here, database.sha256) == 0)
		reported = report_fetched(step, local, here, error);
	else if (database.sha256 != NULL && has_room(step, database.size))
		return RECOVERY_PROBE_ABSENT;
	else
		reported = report_left_out(step, &database, error);
	return reported ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_UNKNOWN;
}

/* An etcd that crashes again and again may begin once more meanwhile: then what comes is not what
 * was hashed, and the next try takes what there is by then. */
gboolean
rescue_stopped_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *local = stopped_local(step), *sha256 = NULL;
	g_auto(Database) database = {0};

	if (!find_database(step, &database, error))
		return FALSE;
	if (database.sha256 == NULL || !has_room(step, database.size))
		return report_left_out(step, &database, error);
	return recovery_fetch(step, recovery_target(step), DATABASE, local, &sha256, error) &&
	       report_fetched(step, local, sha256, error);
}
