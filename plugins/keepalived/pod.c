/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "keepalived.h"

/* ---- stop (P2-12) -------------------------------------------------------------------------- */

static RecoveryProbe
containers_gone(RecoveryStep *step, GError **error)
{
	return rd_pod_gone(step, &rd_pod_keepalived, error);
}

static RecoveryProbe
containers_gone_or_half_time(RecoveryStep *step, GError **error)
{
	if (recovery_time_used(step) >= 50)
		return RECOVERY_PROBE_PRESENT;
	return containers_gone(step, error);
}

RecoveryProbe
keepalived_stop_probe(RecoveryStep *step, GError **error)
{
	return rd_pod_stopped(step, &rd_pod_keepalived, error);
}

gboolean
keepalived_stop_enter(RecoveryStep *step, GError **error)
{
	return rd_pod_stop(step, &rd_pod_keepalived, containers_gone, containers_gone_or_half_time,
			   error);
}

/* does not wait: it may have been failing before, and a way back must not hang on that */
gboolean
keepalived_stop_undo(RecoveryStep *step, GError **error)
{
	return rd_pod_put_back(step, &rd_pod_keepalived, error);
}

/* ---- start (P2-36) ------------------------------------------------------------------------- */

static RecoveryProbe
containers_run(RecoveryStep *step, GError **error)
{
	return rd_pod_runs(step, &rd_pod_keepalived, error);
}

RecoveryProbe
keepalived_start_probe(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GArray) vips = keepalived_vips(step, error);
	RecoveryProbe runs;

	if (vips == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	runs = containers_run(step, error);
	if (runs != RECOVERY_PROBE_PRESENT)
		return runs;
	return keepalived_is_unique(step, vips, (const char *const *)hosts, NULL, error);
}

gboolean
keepalived_start_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(GArray) vips = keepalived_vips(step, error);

	if (vips == NULL || !rd_pod_start(step, &rd_pod_keepalived, containers_run, error))
		return FALSE;
	if (recovery_wait(step, keepalived_start_probe, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: keepalived runs again, but the API VIPs are not on exactly one host. "
		       "Look at 'ip -o address' on all of them; 'crictl logs' of keepalived says "
		       "why it does not take them or give them up: ",
		       recovery_target(step));
	return FALSE;
}
