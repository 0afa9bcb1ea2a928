/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kubelet.h"
#include <string.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

typedef struct {
	char *boot_id;	/* (owned) */
	char *state;	/* (owned) "active" */
	guint64 active; /* microseconds since boot */
} Service;

static void
service_clear(Service *service)
{
	g_clear_pointer(&service->boot_id, g_free);
	g_clear_pointer(&service->state, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Service, service_clear)

static gboolean
service_ask(RecoveryStep *step, Service *service, GError **error)
{
	g_autofree char *shown = NULL, *stamp = NULL;
	g_auto(GStrv) lines = NULL;

	service->boot_id = recovery_ask(step, NULL, error, "cat", BOOT_ID, NULL);
	if (service->boot_id == NULL)
		return FALSE;
	g_strstrip(service->boot_id);
	shown = recovery_ask(step, NULL, error, "systemctl", "show", "-p", "ActiveState", "-p",
			     "ActiveEnterTimestampMonotonic", "kubelet.service", NULL);
	if (shown == NULL)
		return FALSE;
	lines = g_strsplit(shown, "\n", -1);
	for (guint i = 0; lines[i] != NULL; i++) {
		if (g_str_has_prefix(lines[i], "ActiveState=") && service->state == NULL)
			service->state = g_strdup(lines[i] + strlen("ActiveState="));
		if (g_str_has_prefix(lines[i], "ActiveEnterTimestampMonotonic=") && stamp == NULL)
			stamp = g_strdup(lines[i] + strlen("ActiveEnterTimestampMonotonic="));
	}
	if (service->state != NULL && stamp != NULL &&
	    g_ascii_string_to_unsigned(stamp, 10, 0, G_MAXUINT64, &service->active, NULL))
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: systemd does not say since when kubelet.service is active: '%s'",
		    recovery_target(step), g_strstrip(shown));
	return FALSE;
}

gboolean
rd_kubelet_baseline(RecoveryStep *step, GError **error)
{
	g_auto(Service) service = {0};
	g_autofree char *active = NULL;

	if (!service_ask(step, &service, error))
		return FALSE;
	active = g_strdup_printf("%" G_GUINT64_FORMAT, service.active);
	return recovery_remember(step, "boot-id", service.boot_id, error) &&
	       recovery_remember(step, "active-since", active, error);
}

RecoveryProbe
rd_kubelet_restarted(RecoveryStep *step, GError **error)
{
	const char *boot_id = recovery_recall(step, "boot-id");
	const char *before = recovery_recall(step, "active-since");
	g_auto(Service) service = {0};
	gboolean newer;

	if (boot_id == NULL || before == NULL)
		return RECOVERY_PROBE_ABSENT;
	if (!service_ask(step, &service, error))
		return RECOVERY_PROBE_UNKNOWN;
	newer = !g_str_equal(service.boot_id, boot_id) ||
		service.active > g_ascii_strtoull(before, NULL, 10);
	if (newer && g_str_equal(service.state, "active"))
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "kubelet on %s: %s, %s", recovery_target(step), service.state,
			  newer ? "restarted" : "not restarted yet");
	return RECOVERY_PROBE_ABSENT;
}

gboolean
rd_kubelet_active_for(RecoveryStep *step, guint64 *seconds, GError **error)
{
	g_autofree char *uptime = recovery_ask(step, NULL, error, "cat", "/proc/uptime", NULL);
	g_auto(Service) service = {0};
	double up;

	*seconds = 0;
	if (uptime == NULL || !service_ask(step, &service, error))
		return FALSE;
	up = g_ascii_strtod(uptime, NULL) - service.active / 1e6;
	if (g_str_equal(service.state, "active") && up > 0)
		*seconds = (guint64)up;
	return TRUE;
}

gboolean
rd_kubelet_restart(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"systemctl", "restart", "kubelet.service", NULL};
	const RecoveryCommand command = {.argv = argv};

	return recovery_job(step, "restart", &command, NULL, error) &&
	       recovery_wait(step, rd_kubelet_restarted, error);
}
