/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who is a member, and does it commit: before the restore nobody must, afterwards one, then each
 * further one, then all. */

#include "../common/api.h"
#include "restore.h"
#include <string.h>

/* *healthy: the member on @host committed a proposal: it has a quorum */
static gboolean
ask_health(RecoveryStep *step, const char *host, gboolean *runs, gboolean *healthy, GError **error)
{
	const char *args[] = {"endpoint", "health", NULL};
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(GPtrArray) endpoints = NULL;
	g_autofree char *both = NULL, *alarm = NULL;

	*healthy = FALSE;
	if (!member_etcdctl(step, host, args, runs, &reply, error))
		return FALSE;
	if (!*runs)
		return TRUE;
	both = g_strconcat(reply.out, "\n", reply.err, NULL);
	if (!rd_output_health(both, &endpoints, &alarm)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: etcd-member runs, but 'endpoint health' in it said nothing about "
			    "any endpoint (status %d): %s",
			    host, reply.status, reply.err != NULL ? g_strchomp(reply.err) : "");
		return FALSE;
	}
	*healthy = endpoints->len > 0;
	return TRUE;
}

/* On the host that is being restored it may be what this run restored there: the script was cut off
 * behind that, and the next attempt has to do the rest of it. */
static gboolean
is_our_own(RecoveryStep *step, const char *host, gboolean *ours, GError **error)
{
	g_auto(Disk) disk = {0};
	gboolean recorded;

	*ours = FALSE;
	if (!g_str_equal(host, recovery_target(step)))
		return TRUE;
	if (!disk_find(step, &disk, &recorded, error))
		return FALSE;
	*ours = recorded && (disk.phase == DISK_STARTING || disk.phase == DISK_STARTED);
	return TRUE;
}

/* INV-1 */
gboolean
member_no_quorum(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");

	for (guint i = 0; hosts[i] != NULL; i++) {
		gboolean runs, healthy, ours = FALSE;

		if (!ask_health(step, hosts[i], &runs, &healthy, error) ||
		    (healthy && !is_our_own(step, hosts[i], &ours, error)))
			return FALSE;
		if (healthy && !ours)
			return rd_api_refuse(
			    error,
			    "%s: etcd commits writes, so it has a quorum. A restore would throw "
			    "away everything since the backup. Bring the members that are missing "
			    "back with etcd-member-recover.sh alone",
			    hosts[i]);
	}
	return TRUE;
}

/* ---- one member ---------------------------------------------------------------------------- */

static RecoveryProbe
not_yet(RecoveryStep *step, const char *host)
{
	recovery_progress(step, "%s: no etcd-member answers yet ('crictl logs' of it tells why)",
			  host);
	return RECOVERY_PROBE_ABSENT;
}

/* INV-14: another id is another cluster, and nothing may join it */
static gboolean
check_predicted(RecoveryStep *step, const RdListed *only, const char *cluster, GError **error)
{
	g_autoptr(RdMembers) wanted = rd_members_parse(recovery_string(step, "members"));
	guint64 id;

	if (wanted == NULL || wanted->members->len != 1)
		return rd_api_refuse(error, "'%s' is not one member",
				     recovery_string(step, "members"));
	if (rd_members_find(wanted, only->id) != NULL && rd_id_parse(cluster, &id) &&
	    id == wanted->cluster)
		return TRUE;
	return rd_api_refuse(
	    error,
	    "%s: the restored member is %" G_GINT64_MODIFIER "x in cluster %s, and "
	    "%s was to be restored: somebody else restored here, or the script "
	    "used another name. Nothing joins it until that is known",
	    recovery_target(step), only->id, cluster, recovery_string(step, "members"));
}

RecoveryProbe
member_alone_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *cluster = NULL, *names = NULL;
	g_autoptr(GPtrArray) list = NULL;
	gboolean runs, healthy;

	if (!member_list(step, NULL, &list, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (list == NULL || list->len == 0)
		return not_yet(step, recovery_target(step));
	names = member_names(list);
	if (list->len > 1) {
		rd_api_refuse(error,
			      "%s: the restored etcd has %u members (%s) instead of one: the old "
			      "data runs here again",
			      recovery_target(step), list->len, names);
		return RECOVERY_PROBE_UNKNOWN;
	}
	if (!member_cluster_id(step, NULL, &cluster, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (g_str_equal(cluster, "unknown"))
		return not_yet(step, recovery_target(step));
	if (!check_predicted(step, list->pdata[0], cluster, error) ||
	    !ask_health(step, recovery_target(step), &runs, &healthy, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!healthy)
		return not_yet(step, recovery_target(step));
	recovery_progress(step, "%s alone is cluster %s", names, cluster);
	return recovery_output(step, "cluster-id", cluster, error) ? RECOVERY_PROBE_PRESENT
								   : RECOVERY_PROBE_UNKNOWN;
}

/* ---- further members ----------------------------------------------------------------------- */

/* P1-16, asked of the recovery host's member */
RecoveryProbe
member_joined_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *recovery = member_recovery(step, error);
	g_autofree char *name = member_name(recovery_target(step)), *names = NULL;
	g_autoptr(GPtrArray) list = NULL;
	const RdListed *member;

	if (recovery == NULL || !member_list(step, recovery, &list, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (list == NULL)
		return not_yet(step, recovery);
	member = member_find(list, name);
	if (member != NULL && g_str_equal(member->status, "started"))
		return RECOVERY_PROBE_PRESENT;
	names = member_names(list);
	recovery_progress(step,
			  "%s has not started yet, members are %s; 'crictl logs' of etcd-member on "
			  "%s tells what it waits for",
			  name, names, recovery_target(step));
	return RECOVERY_PROBE_ABSENT;
}

/* P1-17: every host's member commits, and there is nobody else */
static RecoveryProbe
check_all(RecoveryStep *step, GPtrArray *list, char **hosts, GError **error)
{
	g_autofree char *names = member_names(list);

	for (guint i = 0; hosts[i] != NULL; i++) {
		gboolean runs, healthy;

		if (!ask_health(step, hosts[i], &runs, &healthy, error))
			return RECOVERY_PROBE_UNKNOWN;
		if (!healthy)
			return not_yet(step, hosts[i]);
	}
	if (list->len != g_strv_length(hosts)) {
		recovery_progress(step, "%u hosts, and members %s", g_strv_length(hosts), names);
		return RECOVERY_PROBE_ABSENT;
	}
	for (guint i = 0; i < list->len; i++)
		if (!g_str_equal(((const RdListed *)list->pdata[i])->status, "started"))
			return RECOVERY_PROBE_ABSENT;
	recovery_progress(step, "members are %s", names);
	return recovery_output(step, "members", names, error) ? RECOVERY_PROBE_PRESENT
							      : RECOVERY_PROBE_UNKNOWN;
}

/* INV-13: one cluster id on all hosts */
static gboolean
check_cluster(RecoveryStep *step, char **hosts, GError **error)
{
	const char *wanted = recovery_string(step, "cluster-id");

	for (guint i = 0; hosts[i] != NULL; i++) {
		g_autofree char *id = NULL;

		if (!member_cluster_id(step, hosts[i], &id, error))
			return FALSE;
		if (!g_str_equal(id, "unknown") && !g_str_equal(id, wanted))
			return rd_api_refuse(
			    error,
			    "%s: its etcd is of cluster %s, not %s: old data runs there. Move "
			    "its " MEMBER_MANIFEST " away",
			    hosts[i], id, wanted);
	}
	return TRUE;
}

RecoveryProbe
member_healthy_probe(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autofree char *recovery = member_recovery(step, error);
	g_autoptr(GPtrArray) list = NULL;

	if (recovery == NULL || !check_cluster(step, hosts, error) ||
	    !member_list(step, recovery, &list, error))
		return RECOVERY_PROBE_UNKNOWN;
	return list != NULL ? check_all(step, list, hosts, error) : not_yet(step, recovery);
}
