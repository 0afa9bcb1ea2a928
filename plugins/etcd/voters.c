/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* INV-34: a control-plane host goes down only while every voter of etcd is well. What the operator
 * says of it is true with a bare majority as well (EtcdMembersAvailable), and one more host that
 * goes down is then the quorum. So etcd is asked itself. */

#include "../common/etcd-output.h"
#include "etcd.h"
#include <string.h>

/* the first host's container, to ask in; NULL, and told why, while a host has none */
static char *
find_container(RecoveryStep *step, char **hosts)
{
	g_autoptr(GPtrArray) answers = etcd_ask_containers(step, hosts);
	g_autofree char *first = NULL;
	gboolean all = TRUE;

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];
		g_autoptr(GError) local = NULL;
		g_autoptr(GPtrArray) containers = etcd_answered_containers(answer, &local);
		const RdContainer *container =
		    containers == NULL ? NULL : rd_containers_find(containers, "etcd");

		if (container != NULL && first == NULL)
			first = g_strdup(container->id);
		if (container != NULL)
			continue;
		if (g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED))
			return NULL; /* what was found before says more */
		if (local != NULL)
			recovery_progress(step, "%s", local->message);
		else
			recovery_progress(step, "%s: no etcd runs", answer->host);
		all = FALSE;
	}
	return all ? g_steal_pointer(&first) : NULL;
}

/* "etcdctl WHAT WHICH -w simple" in the container, of the members at @urls; *out has both streams
 */
static gboolean
ask_etcd(RecoveryStep *step, const char *host, const char *id, const char *urls, const char *what,
	 const char *which, int *status, char **out, GError **error)
{
	g_autofree char *endpoints = g_strdup_printf("ETCDCTL_ENDPOINTS=%s", urls);
	const char *argv[] = {"crictl", "exec", id,   "env",	endpoints, "etcdctl",
			      what,	which,	"-w", "simple", NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, host, argv, &reply, error))
		return FALSE;
	*status = reply.status;
	*out = g_strconcat(reply.out != NULL ? reply.out : "", "\n",
			   reply.err != NULL ? reply.err : "", NULL);
	return TRUE;
}

/* the client URLs of all members; NULL, and told why, unless each has a vote and each host one */
static char *
judge_members(RecoveryStep *step, guint hosts, const char *text)
{
	g_autoptr(GPtrArray) list = rd_output_member_list(text);
	g_autoptr(GString) urls = g_string_new(NULL);

	for (guint i = 0; i < list->len; i++) {
		const RdListed *member = list->pdata[i];
		const char *why =
		    member->learner ? "learns, it has no vote yet"
		    : !g_str_equal(member->status, "started") || *member->clients == '\0'
			? "has not started"
			: NULL;

		if (why != NULL) {
			recovery_progress(step, "etcd's member %s %s",
					  *member->name != '\0' ? member->name : member->peers,
					  why);
			return NULL;
		}
		g_string_append_printf(urls, "%s%s", i > 0 ? "," : "", member->clients);
	}
	/* more of them: hosts that were replaced, and nobody told the inventory */
	if (list->len < hosts) {
		recovery_progress(step, "etcd has %u members on %u control-plane hosts", list->len,
				  hosts);
		return NULL;
	}
	return g_string_free(g_steal_pointer(&urls), FALSE);
}

/* who was given up is a voter all the same, until somebody takes the vote away */
static void
tell_unwell(RecoveryStep *step, const char *url)
{
	g_auto(GStrv) excused = recovery_excused(step);
	g_autofree char *names = g_strjoinv(", ", excused);

	if (excused[0] == NULL)
		recovery_progress(step, "etcd's member at %s is not healthy", url);
	else
		recovery_progress(
		    step,
		    "etcd's member at %s is not healthy, and %s is excused: no other "
		    "control-plane host goes down before that host is replaced or its "
		    "member removed; 'skip' leaves out what is to be done here",
		    url, names);
}

static RecoveryProbe
judge_health(RecoveryStep *step, const char *urls, char *text)
{
	g_auto(GStrv) wanted = g_strsplit(urls, ",", -1);
	g_autoptr(GPtrArray) committed = NULL;
	g_autofree char *alarm = NULL;

	if (!rd_output_health(text, &committed, &alarm)) {
		recovery_progress(step, "etcd does not say how it is: %s", g_strstrip(text));
		return RECOVERY_PROBE_ABSENT;
	}
	if (alarm != NULL) {
		recovery_progress(step, "etcd has an alarm: %s", alarm);
		return RECOVERY_PROBE_ABSENT;
	}
	for (char **url = wanted; *url != NULL; url++) {
		if (g_ptr_array_find_with_equal_func(committed, *url, g_str_equal, NULL))
			continue;
		tell_unwell(step, *url);
		return RECOVERY_PROBE_ABSENT;
	}
	recovery_progress(step, "all %u members of etcd are healthy", g_strv_length(wanted));
	return RECOVERY_PROBE_PRESENT;
}

/* A host that is silent is ABSENT, too: nobody can count on its member. Who gives it up excuses it;
 * its member is not healthy until the operator has removed it. */
RecoveryProbe
etcd_voters_probe(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autofree char *id = find_container(step, hosts);
	g_autofree char *members = NULL, *urls = NULL, *health = NULL;
	int status;

	if (id == NULL)
		return RECOVERY_PROBE_ABSENT;
	if (!ask_etcd(step, hosts[0], id, "https://localhost:2379", "member", "list", &status,
		      &members, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (status != 0) {
		recovery_progress(step, "%s: etcd does not answer: %s", hosts[0],
				  g_strstrip(members));
		return RECOVERY_PROBE_ABSENT;
	}
	urls = judge_members(step, g_strv_length(hosts), members);
	if (urls == NULL)
		return RECOVERY_PROBE_ABSENT;
	/* its status is not 0 as soon as one is not well */
	if (!ask_etcd(step, hosts[0], id, urls, "endpoint", "health", &status, &health, error))
		return RECOVERY_PROBE_UNKNOWN;
	return judge_health(step, urls, health);
}
