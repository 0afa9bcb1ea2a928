/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The restored etcd: one member, of a cluster that did not exist before (P2-18, INV-15); and those
 * that the operator adds to it. */

#include "../common/etcd-output.h"
#include "situation.h"
#include <string.h>

/* The restore pod restores once: whatever restarts it later finds data and says so for ever (F29;
 * domain 4.4). Only a person may answer that: what lies there may be all there is. */
char *
etcd_why_not_running(RecoveryStep *step, char **names)
{
	g_autofree char *restored = NULL;

	for (guint i = 0; names[i] != NULL; i++)
		if (g_str_has_prefix(names[i], "restore-"))
			restored = g_strdup(names[i]);
	if (g_strv_contains((const char *const *)names, "member"))
		return g_strdup_printf(
		    "%s: etcd was restored, but was started again since, and the restore pod does "
		    "not start on data that is there. Do not delete the data. Put the newest "
		    "/etc/kubernetes/static-pod-resources/etcd-pod-REVISION/etcd-pod.yaml in the "
		    "place of " ETCD_POD ": it starts etcd on that data",
		    recovery_target(step));
	if (restored != NULL)
		return g_strdup_printf(
		    "%s: the restore was cut short: " ETCD_DIR "/%s is half a member. Move it away "
		    "('mv -nT " ETCD_DIR "/%s " RESTORE_SAVED "/%s'), the pod then restores again",
		    recovery_target(step), restored, restored, restored);
	return NULL;
}

/* no etcd runs: that is normal for a while, or for ever */
static RecoveryProbe
not_running(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, ETCD_DIR, error);
	g_autofree char *why = names == NULL ? NULL : etcd_why_not_running(step, names);

	if (names == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (why != NULL && recovery_time_used(step) >= 50) {
		etcd_refuse(error, "%s", why);
		return RECOVERY_PROBE_UNKNOWN;
	}
	recovery_progress(step, "%s",
			  why != NULL ? why : "the kubelet has not started the restore pod yet");
	return RECOVERY_PROBE_ABSENT;
}

/* *out is NULL when it failed, which is normal while etcd starts */
static gboolean
ask_members(RecoveryStep *step, const RdContainer *container, gboolean ids, char **out,
	    GError **error)
{
	const char *argv[] = {"crictl",
			      "exec",
			      container->id,
			      "env",
			      "ETCDCTL_ENDPOINTS=https://localhost:2379",
			      "etcdctl",
			      "member",
			      "list",
			      "-w",
			      ids ? "json" : "simple",
			      ids ? "--hex" : NULL,
			      NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return FALSE;
	if (reply.status == 0)
		*out = g_steal_pointer(&reply.out);
	else
		recovery_progress(step, "%s: etcd does not answer yet: %s", recovery_target(step),
				  reply.err != NULL ? g_strchomp(reply.err) : "no reason given");
	return TRUE;
}

static RecoveryProbe
check_member(RecoveryStep *step, const char *simple, const char *json, GError **error)
{
	g_autoptr(GPtrArray) list = rd_output_member_list(simple);
	const RdListed *member = list->len > 0 ? list->pdata[0] : NULL;
	g_autofree char *cluster = NULL, *id = NULL;
	guint64 number;

	if (!rd_output_cluster_id(json, &number) || member == NULL) {
		recovery_progress(step, "%s: etcd lists no members yet", recovery_target(step));
		return RECOVERY_PROBE_ABSENT;
	}
	cluster = g_strdup_printf("%" G_GINT64_MODIFIER "x", number);
	id = g_strdup_printf("%" G_GINT64_MODIFIER "x", member->id);
	if (g_str_equal(cluster, recovery_string(step, "old-cluster-id"))) {
		etcd_refuse(error,
			    "%s: the etcd that runs there is still of the old cluster %s: nothing "
			    "was restored",
			    recovery_target(step), cluster);
		return RECOVERY_PROBE_UNKNOWN;
	}
	if (list->len != 1) {
		etcd_refuse(error,
			    "%s: the restored cluster %s has %u members instead of one: somebody "
			    "added members, or other data runs there",
			    recovery_target(step), cluster, list->len);
		return RECOVERY_PROBE_UNKNOWN;
	}
	/* only a member that ran has client URLs */
	if (!g_str_equal(member->status, "started") || *member->clients == '\0' ||
	    member->learner) {
		recovery_progress(step, "%s: member %s has not started", recovery_target(step), id);
		return RECOVERY_PROBE_ABSENT;
	}
	recovery_progress(step, "%s: member %s alone is cluster %s", recovery_target(step), id,
			  cluster);
	return recovery_output(step, "cluster-id", cluster, error) &&
		       recovery_output(step, "member-id", id, error)
		   ? RECOVERY_PROBE_PRESENT
		   : RECOVERY_PROBE_UNKNOWN;
}

RecoveryProbe
etcd_single_member_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	const RdContainer *etcd =
	    containers == NULL ? NULL : rd_containers_find(containers, "etcd");
	g_autofree char *simple = NULL, *json = NULL;
	guint count = 0;

	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	for (guint i = 0; i < containers->len; i++)
		count += g_str_equal(((const RdContainer *)containers->pdata[i])->name, "etcd");
	if (etcd == NULL)
		return not_running(step, error);
	if (count > 1) {
		recovery_progress(step, "%s: %u containers of etcd run", recovery_target(step),
				  count);
		return RECOVERY_PROBE_ABSENT;
	}
	if (!ask_members(step, etcd, FALSE, &simple, error) ||
	    (simple != NULL && !ask_members(step, etcd, TRUE, &json, error)))
		return RECOVERY_PROBE_UNKNOWN;
	return json == NULL ? RECOVERY_PROBE_ABSENT : check_member(step, simple, json, error);
}

/* ---- a further member ---------------------------------------------------------------------- */

/* its name is the Node's (domain 4.2); a learner has no vote yet */
static RecoveryProbe
check_joined(RecoveryStep *step, const char *simple)
{
	const char *node = recovery_string(step, "node");
	g_autoptr(GPtrArray) list = rd_output_member_list(simple);
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < list->len; i++) {
		const RdListed *member = list->pdata[i];
		gboolean started = g_str_equal(member->status, "started");

		g_string_append_printf(names, "%s%s", i > 0 ? ", " : "",
				       *member->name != '\0' ? member->name : member->peers);
		if (!g_str_equal(member->name, node))
			continue;
		if (started && !member->learner)
			return RECOVERY_PROBE_PRESENT;
		recovery_progress(step, "%s is a member of etcd and %s", node,
				  member->learner ? "learns; it has no vote yet"
						  : "has not started");
		return RECOVERY_PROBE_ABSENT;
	}
	recovery_progress(step,
			  "etcd has %u members (%s); the operator has not added %s yet, which it "
			  "does when all of them are healthy",
			  list->len, names->str, node);
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
etcd_joined_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, NULL, rd_pod_find("etcd", NULL), error);
	const RdContainer *etcd =
	    containers == NULL ? NULL : rd_containers_find(containers, "etcd");
	g_autofree char *simple = NULL;

	if (containers == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (etcd == NULL) {
		recovery_progress(step, "%s: no etcd runs, its pod changes", recovery_target(step));
		return RECOVERY_PROBE_ABSENT;
	}
	if (!ask_members(step, etcd, FALSE, &simple, error))
		return RECOVERY_PROBE_UNKNOWN;
	return simple == NULL ? RECOVERY_PROBE_ABSENT : check_joined(step, simple);
}
