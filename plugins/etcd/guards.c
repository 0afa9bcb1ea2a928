/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two questions about the whole control plane, asked again immediately before whatever could do
 * harm. Excused hosts are not asked, for a person stated that they are powered off, unless one
 * answers all the same. */

#include "../common/etcd-output.h"
#include "etcd.h"
#include <string.h>

/* those that are present in @role, and those that should be off and are not. (transfer full) */
static char **
whom_to_ask(RecoveryStep *step, const char *role)
{
	g_auto(GStrv) present = recovery_hosts(step, role);
	g_auto(GStrv) returned = recovery_hosts(step, "returned");
	g_autoptr(GStrvBuilder) names = g_strv_builder_new();

	g_strv_builder_addv(names, (const char **)present);
	g_strv_builder_addv(names, (const char **)returned);
	return g_strv_builder_end(names);
}

static gboolean
answer_is_good(const RecoveryAnswer *answer, const char *what, GError **error)
{
	if (answer->error != NULL) {
		g_propagate_error(error, g_error_copy(answer->error));
		g_prefix_error(error, "%s: %s: ", answer->host, what);
		return FALSE;
	}
	if (answer->reply.status == 0)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: '%s' ended with %d, so nobody knows what runs there: %s", answer->host,
		    what, answer->reply.status,
		    answer->reply.err != NULL ? g_strchomp(answer->reply.err) : "");
	return FALSE;
}

GPtrArray *
etcd_answered_containers(const RecoveryAnswer *answer, GError **error)
{
	g_autoptr(GPtrArray) all = NULL;

	if (!answer_is_good(answer, "crictl ps", error))
		return NULL;
	all = rd_containers_parse(answer->reply.out, error);
	if (all == NULL) {
		g_prefix_error(error, "%s: ", answer->host);
		return NULL;
	}
	return rd_containers_of(all, rd_pod_find("etcd", NULL));
}

GPtrArray *
etcd_ask_containers(RecoveryStep *step, char **hosts)
{
	static const char *const argv[] = {"crictl", "ps", "-o", "json", NULL};

	return recovery_ask_all(step, (const char *const *)hosts, argv);
}

/* ---- no-quorum (INV-1) --------------------------------------------------------------------- */

static gboolean
take_health(const RecoveryAnswer *answer, GHashTable *healthy, char **alarm, GError **error)
{
	g_autofree char *both = NULL, *raised = NULL;
	g_autoptr(GPtrArray) endpoints = NULL;

	if (answer->error != NULL) {
		g_propagate_error(error, g_error_copy(answer->error));
		g_prefix_error(error, "%s: endpoint health: ", answer->host);
		return FALSE;
	}
	both = g_strconcat(answer->reply.out, "\n", answer->reply.err, NULL);
	if (!rd_output_health(both, &endpoints, &raised)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s: an etcd container runs, but 'endpoint health' in it said nothing "
			    "about any endpoint (status %d): %s",
			    answer->host, answer->reply.status,
			    answer->reply.err != NULL ? g_strchomp(answer->reply.err) : "");
		return FALSE;
	}
	for (guint i = 0; i < endpoints->len; i++)
		g_hash_table_add(healthy, g_strdup(endpoints->pdata[i]));
	if (*alarm == NULL)
		*alarm = g_steal_pointer(&raised);
	return TRUE;
}

/* Each etcd that runs is asked about all of them: what one cannot reach another may. At once,
 * because each takes its five seconds to find that nobody answers. */
static gboolean
ask_health(RecoveryStep *step, GPtrArray *hosts, GPtrArray *ids, GHashTable *healthy, char **alarm,
	   GError **error)
{
	g_autoptr(GPtrArray) argvs = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
	g_autoptr(GPtrArray) answers = NULL;

	for (guint i = 0; i < ids->len; i++) {
		const char *argv[] = {"crictl",	  "exec",   ids->pdata[i], "etcdctl",
				      "endpoint", "health", NULL};

		g_ptr_array_add(argvs, g_strdupv((char **)argv));
	}
	g_ptr_array_add(hosts, NULL);
	answers = recovery_ask_each(step, (const char *const *)hosts->pdata,
				    (const char *const *const *)argvs->pdata);
	for (guint i = 0; i < answers->len; i++)
		if (!take_health(answers->pdata[i], healthy, alarm, error))
			return FALSE;
	return TRUE;
}

/* Health means that a proposal was committed: whoever is healthy has a quorum, if perhaps only of
 * itself. So one healthy endpoint is enough to refuse, also where a slow disk lets two others time
 * out; the count and the alarm only choose the words. */
static gboolean
refuse_healthy(GHashTable *healthy, guint voters, const char *alarm, GError **error)
{
	g_autoptr(GList) sorted = g_list_sort(g_hash_table_get_keys(healthy), (GCompareFunc)strcmp);
	g_autoptr(GString) names = g_string_new(NULL);
	guint quorum = voters / 2 + 1, count = g_hash_table_size(healthy);

	if (count == 0)
		return TRUE;
	for (GList *at = sorted; at != NULL; at = at->next)
		g_string_append_printf(names, "%s%s", at == sorted ? "" : ", ",
				       (const char *)at->data);
	if (alarm != NULL)
		return etcd_refuse(
		    error,
		    "etcd has a quorum, and an alarm: %s (%s). It takes no writes until that is "
		    "gone, but nothing is lost: a restore would throw away everything since the "
		    "backup. For NOSPACE compact and defragment, then 'etcdctl alarm disarm'",
		    alarm, names->str);
	if (count >= quorum)
		return etcd_refuse(
		    error,
		    "etcd works: %u of %u members are healthy (%s). A restore would "
		    "throw away everything since the backup. Replace the member that is "
		    "missing instead",
		    count, voters, names->str);
	return etcd_refuse(error,
			   "an etcd commits writes: %s. That is %u of %u members, so it is either "
			   "slow, or a cluster of its own that somebody restored. Look at 'etcdctl "
			   "member list' there; if it is not wanted, move its etcd-pod.yaml out of "
			   "the manifests directory first",
			   names->str, count, voters);
}

/* INV-1's exception: somebody wants a working cluster back as it was, which the procedure has had
 * approved; or rehearses */
static gboolean
may_be_healthy(RecoveryStep *step, gboolean *may, GError **error)
{
	static const char *const wanted[] = {"go-back", "drill", NULL};
	const char *purpose = recovery_string(step, "purpose");

	*may = g_strv_contains(wanted, purpose);
	return *may || strcmp(purpose, "quorum-lost") == 0 ||
	       etcd_refuse(error, "purpose is quorum-lost, go-back or drill, not %s", purpose);
}

static gboolean
nobody_commits(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) excused = recovery_excused(step);
	g_auto(GStrv) asked = whom_to_ask(step, "control-plane");
	g_autoptr(GPtrArray) answers = etcd_ask_containers(step, asked);
	g_autoptr(GPtrArray) running = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GHashTable) healthy =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *alarm = NULL;

	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = answers->pdata[i];
		g_autoptr(GPtrArray) containers = etcd_answered_containers(answer, error);
		const RdContainer *container;

		if (containers == NULL)
			return FALSE;
		container = etcd_container(containers);
		if (container == NULL)
			continue;
		g_ptr_array_add(running, g_strdup(answer->host));
		g_ptr_array_add(ids, g_strdup(container->id));
	}
	if (!ask_health(step, running, ids, healthy, &alarm, error))
		return FALSE;
	return refuse_healthy(healthy, g_strv_length(hosts) + g_strv_length(excused), alarm, error);
}

gboolean
etcd_no_quorum(RecoveryStep *step, GError **error)
{
	gboolean healthy = FALSE;

	return may_be_healthy(step, &healthy, error) && (healthy || nobody_commits(step, error));
}

/* ---- silent (INV-2) ------------------------------------------------------------------------ */

static void
find_manifest(const RecoveryAnswer *answer, GString *found)
{
	g_auto(GStrv) names = rd_lines(answer->reply.out);

	if (g_strv_contains((const char *const *)names, "etcd-pod.yaml"))
		g_string_append_printf(found, "; %s has %s/etcd-pod.yaml", answer->host,
				       RD_MANIFESTS);
}

/* `ss -Htln`: state, queues, local address:port, peer */
static void
find_listener(const RecoveryAnswer *answer, GString *found)
{
	g_auto(GStrv) lines = rd_lines(answer->reply.out);

	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *line = g_strdup(lines[i]);
		char *rest = line, *local = NULL;

		for (guint field = 0; field < 4; field++)
			do
				local = strsep(&rest, " \t");
			while (local != NULL && *local == '\0');
		if (local != NULL &&
		    (g_str_has_suffix(local, ":2379") || g_str_has_suffix(local, ":2380")))
			g_string_append_printf(found, "; %s listens on %s", answer->host, local);
	}
}

static gboolean
find_containers(const RecoveryAnswer *answer, GString *found, GError **error)
{
	g_autoptr(GPtrArray) containers = etcd_answered_containers(answer, error);
	g_autofree char *names = NULL;

	if (containers == NULL)
		return FALSE;
	names = rd_containers_names(containers);
	if (containers->len > 0)
		g_string_append_printf(found, "; %s runs %s", answer->host, names);
	return TRUE;
}

gboolean
etcd_silent(RecoveryStep *step, GError **error)
{
	static const char *const list[] = {"ls", "-A1", RD_MANIFESTS, NULL};
	static const char *const sockets[] = {"ss", "-Htln", NULL};
	g_auto(GStrv) hosts = whom_to_ask(step, recovery_string(step, "hosts"));
	g_autoptr(GPtrArray) manifests = recovery_ask_all(step, (const char *const *)hosts, list);
	g_autoptr(GPtrArray) containers = etcd_ask_containers(step, hosts);
	g_autoptr(GPtrArray) listeners =
	    recovery_ask_all(step, (const char *const *)hosts, sockets);
	g_autoptr(GString) found = g_string_new(NULL);

	for (guint i = 0; hosts[i] != NULL; i++) {
		if (!answer_is_good(manifests->pdata[i], "ls " RD_MANIFESTS, error) ||
		    !answer_is_good(listeners->pdata[i], "ss -Htln", error) ||
		    !find_containers(containers->pdata[i], found, error))
			return FALSE;
		find_manifest(manifests->pdata[i], found);
		find_listener(listeners->pdata[i], found);
	}
	if (found->len == 0)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "etcd is not silent, and two of them would make two clusters: %s. Move the "
		    "manifest away there and stop what runs, then decide this step again; a host "
		    "that is powered off can be excused, and one that was, and runs all the same, "
		    "has to be powered off",
		    found->str + strlen("; "));
	return FALSE;
}
