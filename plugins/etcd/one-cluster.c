/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Never two etcd clusters (INV-13): works beside the states behind a restore, on each host but the
 * recovery host. An etcd of another cluster than the one that the run made is stopped, which is the
 * only thing that this program stops without having been asked to, and a person is told. Amendment
 * 14: nothing is touched where the recovery host itself says that it is of another cluster. */

#include "../common/etcd-output.h"
#include "../common/pod.h"
#include "etcd.h"

#define HEX "%" G_GINT64_MODIFIER "x"

/* *id stays 0 where no etcd runs, or it does not answer yet. It answers without a quorum. */
static gboolean
ask_id(RecoveryStep *step, const char *host, guint64 *id, GError **error)
{
	g_autoptr(GPtrArray) containers =
	    rd_containers_ask(step, host, rd_pod_find("etcd", NULL), error);
	const RdContainer *container = containers != NULL ? etcd_container(containers) : NULL;
	g_auto(RecoveryReply) reply = {0};

	*id = 0;
	if (container == NULL)
		return containers != NULL;
	if (!recovery_ask_status(step, host,
				 (const char *[]){"crictl", "exec", container->id, "env",
						  "ETCDCTL_ENDPOINTS=https://localhost:2379",
						  "etcdctl", "endpoint", "status", "-w", "json",
						  NULL},
				 &reply, error))
		return FALSE;
	if (reply.status == 0)
		(void)rd_output_status_cluster_id(reply.out, id);
	return TRUE;
}

/* *odd is the id of the cluster that the etcd here is of, and that is not this run's; else 0 */
static gboolean
find_odd(RecoveryStep *step, guint64 *odd, GError **error)
{
	g_auto(GStrv) recovery = recovery_hosts(step, "recovery");
	const char *here = recovery_target(step);
	guint64 wanted = 0, own = 0, other = 0;

	*odd = 0;
	if (!ask_id(step, NULL, &own, error))
		return FALSE;
	if (own == 0) {
		recovery_progress(step, "%s: no etcd runs that says which cluster it is of", here);
		return TRUE;
	}
	if (!rd_id_parse(recovery_string(step, "cluster-id"), &wanted))
		return etcd_refuse(error, "'%s' is no cluster id",
				   recovery_string(step, "cluster-id"));
	if (own == wanted) {
		recovery_progress(step, "%s: etcd is of cluster " HEX ", as it has to be", here,
				  own);
		return TRUE;
	}
	if (g_strv_contains((const char *const *)recovery, here))
		return etcd_refuse(error,
				   "%s: the recovery host's etcd is of cluster " HEX
				   ", and this run's is " HEX ": nothing is stopped there",
				   here, own, wanted);
	/* one that does not answer does not say otherwise */
	if (recovery[0] != NULL && ask_id(step, recovery[0], &other, NULL) && other != 0 &&
	    other != wanted)
		return etcd_refuse(error,
				   "%s: its etcd is of cluster " HEX ", that of the recovery host "
				   "%s of " HEX ", and this run's is " HEX
				   ". Nobody but you knows which is right: nothing was stopped. "
				   "Move the etcd-pod.yaml of the wrong one aside, then resume",
				   here, own, recovery[0], other, wanted);
	*odd = own;
	return TRUE;
}

static RecoveryProbe
odd_one_runs(RecoveryStep *step, GError **error)
{
	guint64 odd;

	if (!find_odd(step, &odd, error))
		return RECOVERY_PROBE_UNKNOWN;
	return odd != 0 ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

/* (transfer full) where the manifest goes that lies where this run has taken one away before */
static char *
next_place(RecoveryStep *step, const char *aside, GError **error)
{
	g_autofree char *dir = g_path_get_dirname(aside);
	g_autofree char *base = g_path_get_basename(aside);
	g_auto(GStrv) names = rd_list_dir(step, NULL, dir, error);
	char *name = g_strdup(base);

	if (names == NULL) {
		g_free(name);
		return NULL;
	}
	for (guint i = 1; g_strv_contains((const char *const *)names, name); i++) {
		g_free(name);
		name = g_strdup_printf("%s.odd-%u", base, i);
	}
	g_free(base);
	base = name;
	return g_build_filename(dir, base, NULL);
}

/* *where is NULL when the manifest does not lie in its place, so that the kubelet stops it anyway
 */
static gboolean
put_aside(RecoveryStep *step, const RdPod *pod, char **where, GError **error)
{
	g_auto(GStrv) names = rd_list_dir(step, NULL, RD_MANIFESTS, error);
	g_autofree char *aside = NULL;

	*where = NULL;
	if (names == NULL)
		return FALSE;
	if (!g_strv_contains((const char *const *)names, "etcd-pod.yaml"))
		return TRUE;
	if (!recovery_aside_path(step, pod->manifest, &aside, error))
		return FALSE;
	if (aside == NULL)
		return recovery_move_aside(step, pod->manifest, error) &&
		       recovery_aside_path(step, pod->manifest, where, error);
	*where = next_place(step, aside, error);
	return *where != NULL && recovery_move(step, pod->manifest, *where, error);
}

/* *still: crictl was asked in vain; *where as put_aside() has it */
static gboolean
stop_odd(RecoveryStep *step, char **where, gboolean *still, GError **error)
{
	const RdPod *pod = rd_pod_find("etcd", error);
	g_autoptr(GError) left = NULL;

	if (pod == NULL || !put_aside(step, pod, where, error) ||
	    !rd_pod_stop_containers(step, pod, error))
		return FALSE;
	*still = rd_pod_gone(step, pod, &left) != RECOVERY_PROBE_PRESENT;
	return TRUE;
}

/* an earlier attempt has stopped it, and could not say so */
static gboolean
find_stopped(RecoveryStep *step, char **where, GError **error)
{
	const RdPod *pod = rd_pod_find("etcd", error);
	g_autofree char *aside = NULL;

	if (pod == NULL || !recovery_aside_path(step, pod->manifest, &aside, error))
		return FALSE;
	*where = aside != NULL ? g_path_get_dirname(aside) : NULL;
	return TRUE;
}

/* FALSE, always */
static gboolean
tell(RecoveryStep *step, const char *odd, const char *where, gboolean still, GError **error)
{
	return etcd_refuse(
	    error,
	    "%s: an etcd of another cluster ran there, %s; this run's is %s. %s%s%s. Find out "
	    "who started it: a host that came back with its old disk, or a manifest that somebody "
	    "put back. Let it be so, or power the host off and say so with excuse; then resume",
	    recovery_target(step), odd, recovery_string(step, "cluster-id"),
	    where != NULL ? "Its manifest was moved to " : "It has no manifest",
	    where != NULL ? where : "",
	    still ? ", and crictl was asked to stop it, but it still runs: 'systemctl restart "
		    "crio' there"
		  : ", and it was stopped");
}

/* it goes on for as long as it is let: there is no end of it that could be found */
RecoveryProbe
etcd_one_cluster_probe(RecoveryStep *step, GError **error)
{
	return RECOVERY_PROBE_ABSENT;
}

/* The engine or the connection may be lost between the stop and the word to a person. So what was
 * found is noted before anything is touched, "odd-N", and that it was told behind that, "told-N".
 */
static char *
next_key(RecoveryStep *step, char **told)
{
	for (guint i = 1;; i++) {
		g_autofree char *key = g_strdup_printf("told-%u", i);

		if (recovery_recall_first(step, key) != NULL)
			continue;
		*told = g_steal_pointer(&key);
		return g_strdup_printf("odd-%u", i);
	}
}

gboolean
etcd_one_cluster_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *told = NULL, *key = next_key(step, &told), *text = NULL, *where = NULL;
	const char *noted = recovery_recall_first(step, key);
	gboolean still = FALSE;
	guint64 odd = 0;

	if (noted == NULL && !recovery_wait(step, odd_one_runs, error))
		return FALSE;
	/* asked again: while a plan is made nobody waited */
	if (!find_odd(step, &odd, error))
		return FALSE;
	if (noted == NULL && odd == 0)
		return TRUE;
	text = noted != NULL ? g_strdup(noted) : g_strdup_printf(HEX, odd);
	if (!recovery_remember(step, key, text, error))
		return FALSE;
	if (odd != 0 ? !stop_odd(step, &where, &still, error) : !find_stopped(step, &where, error))
		return FALSE;
	return recovery_remember(step, told, "yes", error) && tell(step, text, where, still, error);
}

gboolean
etcd_cluster_id(RecoveryStep *step, GError **error)
{
	g_autofree char *text = NULL;
	guint64 id;

	if (!ask_id(step, NULL, &id, error))
		return FALSE;
	if (id == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: no etcd runs that says which cluster it is of",
			    recovery_target(step));
		return FALSE;
	}
	text = g_strdup_printf(HEX, id);
	return recovery_output(step, "cluster-id", text, error);
}
