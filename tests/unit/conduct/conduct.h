/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <recovery/plugin.h>
#include <string.h>

/* Each file beside this one is a plugin with the type bad/act that breaks one promise; its second
 * line says with which words it is found out. What they have in common is here: a file is put, and
 * found. */

#define FILE_HERE "/etc/acme/here"

static inline RecoveryProbe
honest_probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"cat", FILE_HERE, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (reply.status == 0)
		return RECOVERY_PROBE_PRESENT;
	if (strstr(reply.err, "No such file or directory") != NULL)
		return RECOVERY_PROBE_ABSENT;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: %s", recovery_target(step),
		    reply.err);
	return RECOVERY_PROBE_UNKNOWN;
}

static inline gboolean
honest_enter(RecoveryStep *step, GError **error)
{
	return recovery_put_data(step, "here\n", 5, FILE_HERE, 0600, error);
}

static inline gboolean
honest_undo(RecoveryStep *step, GError **error)
{
	RecoveryProbe probe = honest_probe(step, error);

	return probe == RECOVERY_PROBE_ABSENT ||
	       (probe == RECOVERY_PROBE_PRESENT && recovery_move_aside(step, FILE_HERE, error));
}

#define CONDUCT(...)                                                                               \
	static const RecoveryState states[] = {                                                    \
	    {.name = "act", .summary = "breaks a promise", .timeout = 60, __VA_ARGS__},            \
	    {0},                                                                                   \
	};                                                                                         \
	RECOVERY_PLUGIN(.name = "bad", .summary = "breaks a promise", .states = states)
