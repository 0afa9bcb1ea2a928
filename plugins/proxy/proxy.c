/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cluster-wide proxy, as a host knows it (domain 2.7, P2-16). */

#include <recovery/plugin.h>
#include <string.h>

#define ENV_FILE "/etc/mco/proxy.env"

/* A proxy's URL may hold a password. So the lines are counted on the host and never come here;
 * whoever needs them has the host read its own file. */
static gboolean
count_proxies(RecoveryStep *step, gboolean *used, GError **error)
{
	const char *argv[] = {"grep", "-ciE", "^(http|https)_proxy=[\"']?[^\"'[:space:]]", ENV_FILE,
			      NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	*used = reply.status == 0;
	if (reply.status <= 1 ||
	    (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL))
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot read %s: %s",
		    recovery_target(step), ENV_FILE,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return FALSE;
}

static gboolean
facts_enter(RecoveryStep *step, GError **error)
{
	gboolean used = FALSE;

	return count_proxies(step, &used, error) &&
	       recovery_output(step, "used", used ? "yes" : "no", error) &&
	       recovery_output(step, "file", used ? ENV_FILE : "", error);
}

static const char *const facts_outputs[] = {"used", "file", NULL};

static const RecoveryState states[] = {
    {
	.name = "facts",
	.summary = "whether this host reaches registries through a proxy, and which file says so",
	.kind = RECOVERY_KIND_QUERY,
	.outputs = facts_outputs,
	.timeout = 60,
	.enter = facts_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "proxy", .summary = "the cluster-wide proxy, as a host knows it",
		.states = states);
