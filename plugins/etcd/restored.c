/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Works beside the states behind a restore, until the operator has put its own pod of etcd in the
 * place of the restore's: that one restores once, and whatever starts it again, a reboot of the
 * host or a crash, finds data and gives up for ever (domain 4.4). All that is seen of it elsewhere
 * is an API that refuses, until some deadline; here a person is told at once, and what to do. */

#include "../common/kubelet.h"
#include "../common/pod.h"
#include "situation.h"

/* so long after its own start the kubelet has started its pods */
#define SETTLED 180 /* seconds */

/* *why (transfer full): etcd does not run, and will not by itself; NULL: it does, or may */
static gboolean
look(RecoveryStep *step, char **why, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	g_autofree char *current = NULL, *restore = NULL;
	g_auto(GStrv) names = NULL;

	*why = NULL;
	if (containers == NULL)
		return FALSE;
	if (rd_containers_find(containers, "etcd") != NULL) {
		recovery_progress(step, "%s: etcd runs", recovery_target(step));
		return TRUE;
	}
	if (!rd_sum_ask(step, ETCD_POD, &current, error) ||
	    !rd_sum_ask(step, ETCD_RESTORE_POD, &restore, error))
		return FALSE;
	if (current == NULL || restore == NULL || !g_str_equal(current, restore)) {
		recovery_progress(step, "%s: the operator's own pod of etcd is in place",
				  recovery_target(step));
		return TRUE;
	}
	names = rd_list_dir(step, NULL, ETCD_DIR, error);
	if (names == NULL)
		return FALSE;
	*why = etcd_why_not_running(step, names);
	return TRUE;
}

static RecoveryProbe
gave_up(RecoveryStep *step, GError **error)
{
	g_autofree char *why = NULL;
	guint64 seconds = 0;

	if (!look(step, &why, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (why == NULL)
		return RECOVERY_PROBE_ABSENT;
	recovery_progress(step, "%s", why);
	if (!rd_kubelet_active_for(step, &seconds, error))
		return RECOVERY_PROBE_UNKNOWN;
	return seconds >= SETTLED ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

/* it goes on for as long as it is let */
RecoveryProbe
etcd_restored_probe(RecoveryStep *step, GError **error)
{
	return RECOVERY_PROBE_ABSENT;
}

gboolean
etcd_restored_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *why = NULL;

	if (!recovery_wait(step, gave_up, error) || !look(step, &why, error))
		return FALSE;
	/* while a plan is made nobody waited */
	return why == NULL || etcd_refuse(error, "%s", why);
}
