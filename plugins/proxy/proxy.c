/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The cluster-wide proxy, as a host knows it (domain 2.7, P2-16). */

#include <recovery/plugin.h>
#include <string.h>

#define ENV_FILE "/etc/mco/proxy.env"

/* lines that set a proxy, and those with "user:password@" in it */
#define PROXY "^(http|https)_proxy=[\"']?[^\"'[:space:]]"
#define PASSWORD                                                                                   \
	"^(http|https)_proxy=[\"']?([a-z0-9+.-]+://)?[^/@\"'[:space:]]*:[^/@\"'[:space:]]+@"

/* A proxy's URL may hold a password. So the lines are counted on the host and never come here;
 * whoever needs them has the host read its own file. */
static gboolean
has_lines(RecoveryStep *step, const char *pattern, gboolean *has, GError **error)
{
	const char *argv[] = {"grep", "-ciE", pattern, ENV_FILE, NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	*has = reply.status == 0;
	if (reply.status <= 1 ||
	    (reply.err != NULL && strstr(reply.err, "No such file or directory") != NULL))
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s: cannot read %s: %s",
		    recovery_target(step), ENV_FILE,
		    reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return FALSE;
}

/* what is said of a proxy that there is */
static gboolean
tell_password(RecoveryStep *step, gboolean password, GError **error)
{
	return recovery_output(step, "password", password ? "yes" : "no", error) &&
	       recovery_output(step, "note",
			       password
				   ? "images come through a proxy, with the password that " ENV_FILE
				     " there has for it"
				   : "images come through a proxy; " ENV_FILE
				     " there has no password for it",
			       error);
}

static gboolean
facts_enter(RecoveryStep *step, GError **error)
{
	gboolean used = FALSE, password = FALSE;

	if (!has_lines(step, PROXY, &used, error) ||
	    (used && !has_lines(step, PASSWORD, &password, error)))
		return FALSE;
	return recovery_output(step, "used", used ? "yes" : "no", error) &&
	       recovery_output(step, "file", used ? ENV_FILE : "", error) &&
	       (!used || tell_password(step, password, error));
}

static const char *const facts_outputs[] = {"used", "file", "password", "note", NULL};

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
