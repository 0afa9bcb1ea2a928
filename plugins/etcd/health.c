/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The restored cluster from within: who is a member, of which cluster, and who leads. */

#include "etcd.h"
#include "output.h"
#include <string.h>

typedef struct {
	char *host, *id;   /* (owned) where etcdctl runs */
	GString *findings; /* (owned) what is not as it has to be */
} Cluster;

static void
cluster_clear(Cluster *cluster)
{
	g_free(cluster->host);
	g_free(cluster->id);
	if (cluster->findings != NULL)
		g_string_free(cluster->findings, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cluster, cluster_clear)

G_GNUC_PRINTF(2, 3)
static void
finding(Cluster *cluster, const char *format, ...)
{
	va_list args;

	if (cluster->findings->len > 0)
		g_string_append(cluster->findings, "; ");
	va_start(args, format);
	g_string_append_vprintf(cluster->findings, format, args);
	va_end(args);
}

/* the first host with a container to ask in; one that does not answer is passed over as long as
 * another one does */
static gboolean
find_container(RecoveryStep *step, Cluster *cluster, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autoptr(GError) first = NULL;

	for (guint i = 0; hosts[i] != NULL; i++) {
		g_autoptr(GError) inner = NULL;
		g_autoptr(GPtrArray) containers =
		    rd_containers_ask(step, hosts[i], rd_pod_find("etcd", NULL), &inner);
		const RdContainer *container =
		    containers == NULL ? NULL : etcd_container(containers);

		if (container != NULL) {
			cluster->host = g_strdup(hosts[i]);
			cluster->id = g_strdup(container->id);
			return TRUE;
		}
		if (inner != NULL && first == NULL)
			first = g_steal_pointer(&inner);
	}
	if (first == NULL) {
		finding(cluster, "no etcd runs on any host yet");
		return TRUE;
	}
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}

/* "etcdctl a b c …" in the container; *out is NULL when it failed, which is normal as long as
 * members are starting */
static gboolean
ask_etcdctl(RecoveryStep *step, Cluster *cluster, const char *const *arguments, gboolean any_status,
	    char **out, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	g_auto(RecoveryReply) reply = {0};

	g_ptr_array_add(argv, (gpointer) "crictl");
	g_ptr_array_add(argv, (gpointer) "exec");
	g_ptr_array_add(argv, cluster->id);
	g_ptr_array_add(argv, (gpointer) "etcdctl");
	for (guint i = 0; arguments[i] != NULL; i++)
		g_ptr_array_add(argv, (gpointer)arguments[i]);
	g_ptr_array_add(argv, NULL);
	if (!recovery_ask_status(step, cluster->host, (const char *const *)argv->pdata, &reply,
				 error))
		return FALSE;
	if (reply.status == 0 || any_status)
		*out = g_steal_pointer(&reply.out);
	else
		finding(cluster, "%s: etcdctl %s %s: %s", cluster->host, arguments[0], arguments[1],
			reply.err != NULL ? g_strchomp(reply.err) : "failed");
	return TRUE;
}

static gboolean
check_cluster_id(RecoveryStep *step, Cluster *cluster, const RdMembers *expected, GError **error)
{
	static const char *const arguments[] = {"member", "list", "-w", "json", "--hex", NULL};
	g_autofree char *out = NULL;
	guint64 wanted, id;

	if (!rd_id_parse(recovery_string(step, "cluster-id"), &wanted) ||
	    wanted != expected->cluster)
		return etcd_refuse(error, "the cluster id '%s' is not the one of the members",
				   recovery_string(step, "cluster-id"));
	if (!ask_etcdctl(step, cluster, arguments, FALSE, &out, error))
		return FALSE;
	if (out == NULL)
		return TRUE;
	if (!rd_output_cluster_id(out, &id)) {
		finding(cluster, "%s: member list has no cluster id: %s", cluster->host, out);
		return TRUE;
	}
	return id == wanted ||
	       etcd_refuse(error,
			   "%s: the etcd that runs there belongs to cluster %" G_GINT64_MODIFIER
			   "x, restored was %" G_GINT64_MODIFIER "x: somebody started other data. "
			   "Move its etcd-pod.yaml aside at once",
			   cluster->host, id, wanted);
}

static gboolean
check_members(RecoveryStep *step, Cluster *cluster, const RdMembers *expected, GError **error)
{
	static const char *const arguments[] = {"member", "list", "-w", "simple", NULL};
	g_autofree char *out = NULL;
	g_autoptr(GPtrArray) list = NULL;

	if (!ask_etcdctl(step, cluster, arguments, FALSE, &out, error))
		return FALSE;
	if (out == NULL)
		return TRUE;
	list = rd_output_member_list(out);
	if (list->len != expected->members->len)
		finding(cluster, "%u members instead of %u", list->len, expected->members->len);
	for (guint i = 0; i < list->len; i++) {
		const RdListed *listed = list->pdata[i];

		if (rd_members_find(expected, listed->id) == NULL)
			return etcd_refuse(error,
					   "%s: member %" G_GINT64_MODIFIER "x (%s) is none of "
					   "those restored",
					   cluster->host, listed->id, listed->peers);
		/* the restore knows the names already: only a member that ran has client URLs */
		if (!g_str_equal(listed->status, "started") || *listed->clients == '\0')
			finding(cluster, "member %s has not started",
				*listed->name != '\0' ? listed->name : listed->peers);
		if (listed->learner)
			finding(cluster, "member %s is a learner", listed->name);
	}
	return TRUE;
}

static gboolean
check_endpoints(RecoveryStep *step, Cluster *cluster, const RdMembers *expected, char **summary,
		GError **error)
{
	static const char *const arguments[] = {"endpoint", "status", "-w", "simple", NULL};
	g_autofree char *out = NULL;
	g_autoptr(GPtrArray) endpoints = NULL;
	const RdEndpoint *leader = NULL;
	guint leaders = 0;

	/* its status is not 0 as soon as one endpoint is silent; an excused host's always is */
	if (!ask_etcdctl(step, cluster, arguments, TRUE, &out, error))
		return FALSE;
	endpoints = rd_output_endpoints(out != NULL ? out : "");
	if (endpoints->len != expected->members->len)
		finding(cluster, "%u endpoints answer instead of %u", endpoints->len,
			expected->members->len);
	for (guint i = 0; i < endpoints->len; i++) {
		const RdEndpoint *endpoint = endpoints->pdata[i], *head = endpoints->pdata[0];

		if (rd_members_find(expected, endpoint->id) == NULL)
			return etcd_refuse(error,
					   "%s answers as member %" G_GINT64_MODIFIER "x, which is "
					   "none of those restored: a second cluster. Move the "
					   "etcd-pod.yaml of that host aside at once",
					   endpoint->endpoint, endpoint->id);
		if (endpoint->leader) {
			leader = endpoint;
			leaders++;
		}
		if (endpoint->learner)
			finding(cluster, "%s is a learner", endpoint->endpoint);
		if (*endpoint->errors != '\0')
			finding(cluster, "%s: %s", endpoint->endpoint, endpoint->errors);
		if (!g_str_equal(endpoint->term, head->term))
			finding(cluster, "%s is at term %s, %s at %s", endpoint->endpoint,
				endpoint->term, head->endpoint, head->term);
	}
	if (leaders != 1)
		finding(cluster, "%u leaders", leaders);
	else
		*summary =
		    g_strdup_printf("%u members, leader %s, term %s, etcd %s", endpoints->len,
				    leader->endpoint, leader->term, leader->version);
	return TRUE;
}

/* PRESENT with *summary, ABSENT with *text that says what is missing */
static RecoveryProbe
look(RecoveryStep *step, char **summary, char **text, GError **error)
{
	g_autoptr(RdMembers) expected = rd_members_parse(recovery_string(step, "members"));
	g_auto(Cluster) cluster = {.findings = g_string_new(NULL)};

	if (expected == NULL) {
		etcd_refuse(error, "'%s' is not a set of members",
			    recovery_string(step, "members"));
		return RECOVERY_PROBE_UNKNOWN;
	}
	if (!find_container(step, &cluster, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (cluster.id != NULL && (!check_cluster_id(step, &cluster, expected, error) ||
				   !check_members(step, &cluster, expected, error) ||
				   !check_endpoints(step, &cluster, expected, summary, error)))
		return RECOVERY_PROBE_UNKNOWN;
	if (cluster.findings->len == 0)
		return RECOVERY_PROBE_PRESENT;
	*text = g_strdup(cluster.findings->str);
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
etcd_health_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *summary = NULL, *text = NULL;
	RecoveryProbe probe = look(step, &summary, &text, error);

	if (probe == RECOVERY_PROBE_PRESENT)
		recovery_progress(step, "%s", summary);
	if (probe == RECOVERY_PROBE_ABSENT)
		recovery_progress(step, "etcd: %s", text);
	return probe;
}

gboolean
etcd_status(RecoveryStep *step, GError **error)
{
	g_autofree char *summary = NULL, *text = NULL;
	RecoveryProbe probe = look(step, &summary, &text, error);

	if (probe == RECOVERY_PROBE_PRESENT)
		return recovery_output(step, "summary", summary, error);
	if (probe == RECOVERY_PROBE_ABSENT)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "etcd: %s", text);
	return FALSE;
}
