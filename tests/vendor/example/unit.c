/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Restarts a systemd unit. Afterwards nothing lies around that a probe could find: a restart shows
 * only against what was there before, which the baseline writes down. */

#include <recovery/plugin.h>
#include <string.h>

/* boot, state and start of the unit, as one text that differs after a restart */
static char *
unit_now(RecoveryStep *step, gboolean *active, GError **error)
{
	const char *unit = recovery_string(step, "unit");
	g_autofree char *boot = NULL, *shown = NULL;

	boot = recovery_ask(step, NULL, error, "cat", "/proc/sys/kernel/random/boot_id", NULL);
	if (boot == NULL)
		return NULL;
	shown = recovery_ask(step, NULL, error, "systemctl", "show", "-p", "ActiveState", "-p",
			     "ActiveEnterTimestampMonotonic", unit, NULL);
	if (shown == NULL)
		return NULL;
	*active = strstr(shown, "ActiveState=active\n") != NULL;
	return g_strdup_printf("%s %s", g_strchomp(boot), g_strchomp(shown));
}

static gboolean
restart_baseline(RecoveryStep *step, GError **error)
{
	gboolean active;
	g_autofree char *now = unit_now(step, &active, error);

	return now != NULL && recovery_remember(step, "before", now, error);
}

static RecoveryProbe
restart_probe(RecoveryStep *step, GError **error)
{
	const char *before = recovery_recall(step, "before");
	gboolean active = FALSE;
	g_autofree char *now = unit_now(step, &active, error);

	if (now == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (active && before != NULL && strcmp(before, now) != 0)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "%s is %s", recovery_string(step, "unit"),
			  active ? "not restarted yet" : "not active");
	return RECOVERY_PROBE_ABSENT;
}

/* a job: it may take long, and it may be the very unit that our connection comes through */
static gboolean
restart_enter(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"systemctl", "restart", recovery_string(step, "unit"), NULL};
	const RecoveryCommand command = {.argv = argv};

	return recovery_job(step, "restart", &command, NULL, error) &&
	       recovery_wait(step, restart_probe, error);
}

static const RecoveryParam params[] = {
    {"unit", RECOVERY_PARAM_STRING, NULL, "its full name: chronyd.service"},
    {0},
};

static const RecoveryState states[] = {
    {
	.name = "restart",
	.summary = "restart a systemd unit and wait until it is active",
	.kind = RECOVERY_KIND_CHANGE,
	.params = params,
	.timeout = 120,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.baseline = restart_baseline,
	.probe = restart_probe,
	.enter = restart_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "unit", .summary = "units of systemd", .states = states);
