/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <recovery/plugin.h>
#include <string.h>

#define SIGN "/etc/motd.d/recoveryd" /* who logs in reads it */

static RecoveryProbe
hang_probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"cat", SIGN, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (reply.status == 0 && strcmp(reply.out, recovery_string(step, "text")) == 0)
		return RECOVERY_PROBE_PRESENT;
	if (reply.status == 0 || strstr(reply.err, "No such file or directory") != NULL)
		return RECOVERY_PROBE_ABSENT;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot read %s: %s",
		    recovery_target(step), SIGN, g_strchomp(reply.err));
	return RECOVERY_PROBE_UNKNOWN;
}

static gboolean
hang_enter(RecoveryStep *step, GError **error)
{
	const char *text = recovery_string(step, "text");

	return recovery_put_data(step, text, strlen(text), SIGN, 0644, error);
}

static gboolean
hang_undo(RecoveryStep *step, GError **error)
{
	RecoveryProbe probe = hang_probe(step, error);

	return probe == RECOVERY_PROBE_ABSENT ||
	       (probe == RECOVERY_PROBE_PRESENT && recovery_move_aside(step, SIGN, error));
}

static const RecoveryParam params[] = {
    {"text", RECOVERY_PARAM_STRING, "A recovery is running.\n", "what it says"},
    {0}};

static const RecoveryState states[] = {
    {"hang", "hang a sign on the host's door", RECOVERY_KIND_CHANGE, params, .timeout = 60,
     .probe = hang_probe, .enter = hang_enter, .undo = hang_undo},
    {0}};

RECOVERY_PLUGIN(.name = "banner", .summary = "a sign on the door", .states = states);
