/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What etcd-member-recover.sh leaves (P1-19): a configuration with etcd's client key in it, and the
 * static pod that made the certificates, which a later restore would start (F31). Moved aside, as
 * everything is. */

#include "etcd-member.h"

static const char *const left[] = {
    "/etc/kubernetes/static-pod-resources/etcd-member/.recoveryconfig",
    MEMBER_STOPPED "/etcd-generate-certs.yaml"};

static gboolean
is_there(RecoveryStep *step, const char *path, gboolean *there, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(path), *base = g_path_get_basename(path);
	g_auto(GStrv) names = rd_list_dir(step, NULL, dir, error);

	*there = names != NULL && g_strv_contains((const char *const *)names, base);
	return names != NULL;
}

RecoveryProbe
member_tidy_probe(RecoveryStep *step, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
		gboolean there;

		if (!is_there(step, left[i], &there, error))
			return RECOVERY_PROBE_UNKNOWN;
		if (there)
			return RECOVERY_PROBE_ABSENT;
	}
	return RECOVERY_PROBE_PRESENT;
}

gboolean
member_tidy_enter(RecoveryStep *step, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
		gboolean there;

		if (!is_there(step, left[i], &there, error) ||
		    (there && !recovery_move_aside(step, left[i], error)))
			return FALSE;
	}
	return TRUE;
}
