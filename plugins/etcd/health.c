/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The restored cluster from within: who is a member, of which cluster, and who leads.
 *
 * Demanded are the members of the hosts that are present. Whoever is excused after the members were
 * agreed on stays a member of the restored cluster that never starts: it is left out, and said to
 * be. A host that is away without a person's statement is present, so its member is demanded. */

#include "../common/etcd-output.h"
#include "etcd.h"
#include <string.h>

typedef struct {
	RdMembers *expected; /* (owned) */
	GHashTable *present; /* (owned) (element-type utf8 utf8) peer URL -> host */
	char *excused;	     /* (owned) names, "" when nobody is */
	char *host, *id;     /* (owned) where etcdctl runs */
	GString *findings;   /* (owned) what is not as it has to be */
} Cluster;

static void
cluster_clear(Cluster *cluster)
{
	g_clear_pointer(&cluster->expected, rd_members_free);
	g_clear_pointer(&cluster->present, g_hash_table_unref);
	g_free(cluster->excused);
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

/* (nullable) the present host that @member is demanded of */
static const char *
host_of(const Cluster *cluster, const RdMember *member)
{
	return g_hash_table_lookup(cluster->present, member->url);
}

/* Members that nobody starts count for the quorum all the same. (domain 4.7: the set of members is
 * in the data; it cannot be changed without one.) */
static gboolean
check_left_out(const Cluster *cluster, guint n_excused, GError **error)
{
	guint n = cluster->expected->members->len, left = n;
	g_autoptr(GString) urls = g_string_new(NULL);

	for (guint i = 0; i < n; i++) {
		const RdMember *member = cluster->expected->members->pdata[i];

		if (host_of(cluster, member) != NULL)
			continue;
		g_string_append_printf(urls, "%s%s", urls->len > 0 ? ", " : "", member->url);
		left--;
	}
	if (n - left > n_excused)
		return etcd_refuse(error,
				   "the restored members %s belong to no host that is present, and "
				   "%u hosts are excused: nobody said that the others may be away",
				   urls->str, n_excused);
	return left > n / 2 ||
	       etcd_refuse(
		   error,
		   "%u of the %u members that were restored are left out (%s, excused: %s), "
		   "and the rest is no majority: this etcd can never commit a write. Cancel "
		   "this run, and start a new one that excuses these hosts from its start; "
		   "or bring one of them back",
		   n - left, n, urls->str, cluster->excused);
}

/* who has to be there, from the parameters and what a person stated */
static gboolean
find_demanded(RecoveryStep *step, Cluster *cluster, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) excused = recovery_excused(step);
	g_auto(GStrv) urls = NULL;
	guint64 wanted;

	cluster->expected = rd_members_parse(recovery_string(step, "members"));
	if (cluster->expected == NULL)
		return etcd_refuse(error, "'%s' is not a set of members",
				   recovery_string(step, "members"));
	if (!rd_id_parse(recovery_string(step, "cluster-id"), &wanted) ||
	    wanted != cluster->expected->cluster)
		return etcd_refuse(error, "the cluster id '%s' is not the one of the members",
				   recovery_string(step, "cluster-id"));
	urls = etcd_values(step, "urls", hosts, error);
	if (urls == NULL)
		return FALSE;
	cluster->present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (guint i = 0; hosts[i] != NULL; i++) {
		if (!rd_members_find_url(cluster->expected, urls[i]))
			return etcd_refuse(error, "%s: its member %s is none of those restored",
					   hosts[i], urls[i]);
		g_hash_table_insert(cluster->present, g_strdup(urls[i]), g_strdup(hosts[i]));
	}
	cluster->excused = g_strjoinv(", ", excused);
	return check_left_out(cluster, g_strv_length(excused), error);
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
check_cluster_id(RecoveryStep *step, Cluster *cluster, GError **error)
{
	static const char *const arguments[] = {"member", "list", "-w", "json", "--hex", NULL};
	g_autofree char *out = NULL;
	guint64 id;

	if (!ask_etcdctl(step, cluster, arguments, FALSE, &out, error))
		return FALSE;
	if (out == NULL)
		return TRUE;
	if (!rd_output_cluster_id(out, &id)) {
		finding(cluster, "%s: member list has no cluster id: %s", cluster->host, out);
		return TRUE;
	}
	return id == cluster->expected->cluster ||
	       etcd_refuse(error,
			   "%s: the etcd that runs there belongs to cluster %" G_GINT64_MODIFIER
			   "x, restored was %" G_GINT64_MODIFIER "x: somebody started other data. "
			   "Move its etcd-pod.yaml aside at once",
			   cluster->host, id, cluster->expected->cluster);
}

static const RdListed *
find_listed(GPtrArray *list, guint64 id)
{
	for (guint i = 0; i < list->len; i++) {
		const RdListed *listed = list->pdata[i];

		if (listed->id == id)
			return listed;
	}
	return NULL;
}

static gboolean
check_members(RecoveryStep *step, Cluster *cluster, GError **error)
{
	static const char *const arguments[] = {"member", "list", "-w", "simple", NULL};
	g_autofree char *out = NULL;
	g_autoptr(GPtrArray) list = NULL;

	if (!ask_etcdctl(step, cluster, arguments, FALSE, &out, error))
		return FALSE;
	if (out == NULL)
		return TRUE;
	list = rd_output_member_list(out);
	for (guint i = 0; i < list->len; i++) {
		const RdListed *listed = list->pdata[i];

		if (rd_members_find(cluster->expected, listed->id) == NULL)
			return etcd_refuse(error,
					   "%s: member %" G_GINT64_MODIFIER "x (%s) is none of "
					   "those restored",
					   cluster->host, listed->id, listed->peers);
		if (listed->learner)
			finding(cluster, "member %s is a learner", listed->name);
	}
	for (guint i = 0; i < cluster->expected->members->len; i++) {
		const RdMember *member = cluster->expected->members->pdata[i];
		const RdListed *listed = find_listed(list, member->id);
		const char *host = host_of(cluster, member);

		if (host == NULL)
			continue;
		if (listed == NULL)
			finding(cluster, "%s: its member %s is missing in the list", host,
				member->url);
		/* the restore knows the names already: only a member that ran has client URLs */
		else if (!g_str_equal(listed->status, "started") || *listed->clients == '\0')
			finding(cluster, "member %s has not started",
				*listed->name != '\0' ? listed->name : listed->peers);
	}
	return TRUE;
}

/* what is wrong with one that answers, compared with the first one that does */
static void
check_endpoint(Cluster *cluster, const RdEndpoint *endpoint, const RdEndpoint *head)
{
	if (endpoint->learner)
		finding(cluster, "%s is a learner", endpoint->endpoint);
	if (*endpoint->errors != '\0')
		finding(cluster, "%s: %s", endpoint->endpoint, endpoint->errors);
	if (!g_str_equal(endpoint->term, head->term))
		finding(cluster, "%s is at term %s, %s at %s", endpoint->endpoint, endpoint->term,
			head->endpoint, head->term);
}

static gboolean
has_endpoint(GPtrArray *endpoints, guint64 id)
{
	for (guint i = 0; i < endpoints->len; i++)
		if (((const RdEndpoint *)endpoints->pdata[i])->id == id)
			return TRUE;
	return FALSE;
}

static char *
summarize(const Cluster *cluster, guint answer, const RdEndpoint *leader)
{
	g_autofree char *out = *cluster->excused == '\0'
				   ? g_strdup("")
				   : g_strdup_printf(", left out: %s (excused)", cluster->excused);

	return g_strdup_printf("%u members, leader %s, term %s, etcd %s%s", answer,
			       leader->endpoint, leader->term, leader->version, out);
}

static gboolean
check_endpoints(RecoveryStep *step, Cluster *cluster, char **summary, GError **error)
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
	for (guint i = 0; i < endpoints->len; i++) {
		const RdEndpoint *endpoint = endpoints->pdata[i];

		if (rd_members_find(cluster->expected, endpoint->id) == NULL)
			return etcd_refuse(error,
					   "%s answers as member %" G_GINT64_MODIFIER "x, which is "
					   "none of those restored: a second cluster. Move the "
					   "etcd-pod.yaml of that host aside at once",
					   endpoint->endpoint, endpoint->id);
		if (endpoint->leader) {
			leader = endpoint;
			leaders++;
		}
		check_endpoint(cluster, endpoint, endpoints->pdata[0]);
	}
	for (guint i = 0; i < cluster->expected->members->len; i++) {
		const RdMember *member = cluster->expected->members->pdata[i];
		const char *host = host_of(cluster, member);

		if (host != NULL && !has_endpoint(endpoints, member->id))
			finding(cluster, "%s: its member %s does not answer", host, member->url);
	}
	if (leaders != 1)
		finding(cluster, "%u leaders", leaders);
	else
		*summary = summarize(cluster, endpoints->len, leader);
	return TRUE;
}

/* PRESENT with *summary, ABSENT with *text that says what is missing */
static RecoveryProbe
look(RecoveryStep *step, char **summary, char **text, GError **error)
{
	g_auto(Cluster) cluster = {.findings = g_string_new(NULL)};

	if (!find_demanded(step, &cluster, error) || !find_container(step, &cluster, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (cluster.id != NULL &&
	    (!check_cluster_id(step, &cluster, error) || !check_members(step, &cluster, error) ||
	     !check_endpoints(step, &cluster, summary, error)))
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
