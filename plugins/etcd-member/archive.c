/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* This host's snapshot out of the backup's archive, into the run's directory here (P1-01). It is
 * proven before anything else happens. A snapshot by itself is taken as it is. */

#include "../common/archive.h"
#include "etcd-member.h"
#include <errno.h>
#include <glib/gstdio.h>

gboolean
member_unpack(RecoveryStep *step, GError **error)
{
	const char *path = recovery_string(step, "archive"), *host = recovery_target(step);
	g_autofree char *dir = recovery_local_dir(step), *sha256 = NULL;
	g_autofree char *to =
	    rd_archive_is(path) ? g_strdup_printf("%s/%s-snapshot.db", dir, host) : g_strdup(path);

	if (rd_archive_is(path) && g_mkdir_with_parents(dir, 0700) != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "cannot make %s: %s", dir,
			    g_strerror(errno));
		return FALSE;
	}
	if ((rd_archive_is(path) && !rd_archive_take_snapshot(path, host, to, error)) ||
	    !snapshot_prove(to, &sha256, error))
		return FALSE;
	recovery_progress(step, "the snapshot of %s is whole", host);
	return recovery_output(step, "snapshot", to, error) &&
	       recovery_output(step, "sha256", sha256, error);
}
