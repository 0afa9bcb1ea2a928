/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include <string.h>

/* etcdctl in a container. Outputs are those of etcd 3.5 (domain 0.3, 12):
 * results on stdout, zap's JSON lines and errors on stderr. */

#define DIAL_TIMEOUT (5 * RD_SIM_SECOND)

/* an etcdctl command line, taken apart */
typedef struct {
	const char *words[4]; /* "member", "list" */
	guint n_words;
	const char *endpoints; /* from the environment of the command or --endpoints */
	const char *format;
	gboolean hex;
} Line;

static void
line_parse(const char *const *argv, Line *line)
{
	*line = (Line){.format = "simple"};
	for (; *argv != NULL && !g_str_equal(*argv, "etcdctl"); argv++)
		if (g_str_has_prefix(*argv, "ETCDCTL_ENDPOINTS="))
			line->endpoints = strchr(*argv, '=') + 1;
	if (*argv == NULL)
		return;
	for (argv++; *argv != NULL; argv++) {
		if (g_str_equal(*argv, "-w") && argv[1] != NULL)
			line->format = *++argv;
		else if (g_str_equal(*argv, "--hex"))
			line->hex = TRUE;
		else if (g_str_has_prefix(*argv, "--endpoints="))
			line->endpoints = strchr(*argv, '=') + 1;
		else if (**argv != '-' && line->n_words < G_N_ELEMENTS(line->words))
			line->words[line->n_words++] = *argv;
	}
}

static gboolean
line_is(const Line *line, const char *first, const char *second)
{
	return line->n_words >= 2 && g_str_equal(line->words[0], first) &&
	       g_str_equal(line->words[1], second);
}

/* what etcd.env exports in the container: every control-plane host */
static char **
endpoints(RdSimExec *self, const Line *line)
{
	g_autoptr(GPtrArray) all = NULL;

	/* the pod of 4.1 to 4.3 names none: its own */
	if (g_strcmp0(line->endpoints, "https://localhost:2379") == 0 ||
	    (line->endpoints == NULL && self->host->dns_name != NULL)) {
		char *own[] = {g_strdup_printf("https://%s:2379", self->host->address), NULL};
		char **urls = g_strdupv(own);

		g_free(own[0]);
		return urls;
	}
	if (line->endpoints != NULL)
		return g_strsplit(line->endpoints, ",", -1);
	all = g_ptr_array_new();
	for (guint i = 0; i < self->host->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->host->cluster->hosts, i);

		if (!host->worker)
			g_ptr_array_add(all, g_strdup_printf("https://%s:2379", host->address));
	}
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_steal(all, NULL);
}

/* the quorum's leader, chosen anew when the old one is gone */
static const char *
leader(RdSimHost *self)
{
	RdSimCluster *cluster = self->cluster;
	const RdSimHost *old = cluster->raft_leader != NULL
				   ? rd_sim_cluster_find(cluster, cluster->raft_leader)
				   : NULL;

	if (!rd_sim_etcd_has_quorum(self))
		return "";
	if (old != NULL && cluster->raft_cluster == self->etcd->cluster_id &&
	    rd_sim_etcd_has_quorum(old) && old->etcd->cluster_id == self->etcd->cluster_id)
		return cluster->raft_leader;
	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		if (!rd_sim_etcd_has_quorum(host) ||
		    host->etcd->cluster_id != self->etcd->cluster_id)
			continue;
		g_free(cluster->raft_leader);
		cluster->raft_leader = g_strdup(host->name);
		cluster->raft_cluster = self->etcd->cluster_id;
		cluster->raft_term++;
		break;
	}
	return cluster->raft_leader;
}

static void
give_up(RdSimExec *self, const char *error)
{
	g_string_append_printf(
	    self->err,
	    "{\"level\":\"warn\",\"ts\":\"2026-11-20T03:00:00.000Z\",\"logger\":\"etcd-client\","
	    "\"caller\":\"v3@v3.5.18/retry_interceptor.go:63\",\"msg\":\"retrying of unary invoker "
	    "failed\",\"attempt\":0,\"error\":\"rpc error: code = DeadlineExceeded desc = %s\"}\n"
	    "Error: %s\n",
	    error, error);
	self->status = 1;
}

static void
health(RdSimExec *self, const Line *line)
{
	g_auto(GStrv) urls = endpoints(self, line);

	for (char **url = urls; *url != NULL; url++) {
		RdSimHost *host = rd_sim_etcd_at(self->host->cluster, *url);

		if (host != NULL && rd_sim_etcd_has_quorum(host)) {
			g_string_append_printf(self->out,
					       "%s is healthy: successfully committed proposal: "
					       "took = 9.2174ms\n",
					       *url);
			continue;
		}
		g_string_append_printf(self->err,
				       "%s is unhealthy: failed to commit proposal: context "
				       "deadline exceeded\n",
				       *url);
		self->status = 1;
	}
	if (self->status != 0)
		g_string_append(self->err, "Error: unhealthy cluster\n");
}

static void
status(RdSimExec *self, const Line *line)
{
	g_auto(GStrv) urls = endpoints(self, line);

	for (char **url = urls; *url != NULL; url++) {
		RdSimHost *host = rd_sim_etcd_at(self->host->cluster, *url);
		const char *lead;

		if (host == NULL) {
			g_string_append_printf(self->err,
					       "Failed to get the status of endpoint %s (context "
					       "deadline exceeded)\n",
					       *url);
			self->status = 1;
			continue;
		}
		lead = leader(host);
		g_string_append_printf(
		    self->out,
		    "%s, %" G_GINT64_MODIFIER "x, " RD_SIM_ETCD_VERSION ", 4.1 kB, %s, false, %u, "
		    "%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %s\n",
		    *url, host->etcd->member_id, g_str_equal(lead, host->name) ? "true" : "false",
		    self->host->cluster->raft_term, host->etcd->revision, host->etcd->revision,
		    *lead == '\0' ? "etcdserver: no leader" : "");
	}
}

/* numbers in decimal, as etcd's: --hex is ignored here */
static void
status_json(RdSimExec *self, const Line *line)
{
	g_auto(GStrv) urls = endpoints(self, line);
	const char *comma = "";

	g_string_append_c(self->out, '[');
	for (char **url = urls; *url != NULL; url++) {
		const RdSimHost *host = rd_sim_etcd_at(self->host->cluster, *url);

		if (host == NULL) {
			self->status = 1;
			continue;
		}
		g_string_append_printf(self->out,
				       "%s{\"Endpoint\":\"%s\",\"Status\":{\"header\":{\"cluster_"
				       "id\":%" G_GUINT64_FORMAT ",\"member_id\":%" G_GUINT64_FORMAT
				       "}}}",
				       comma, *url, host->etcd->cluster_id, host->etcd->member_id);
		comma = ",";
	}
	g_string_append(self->out, "]\n");
}

/* "https://10.0.0.1:2380" to what clients use, which only a member that runs has announced */
static char *
client_url(RdSimExec *self, const RdSimPeer *peer)
{
	g_autofree char *url = g_strdup(peer->url);
	char *colon = strrchr(url, ':');
	const RdSimHost *host;

	if (colon == NULL)
		return NULL;
	memcpy(colon, ":2379", 6);
	host = rd_sim_etcd_at(self->host->cluster, url);
	return host != NULL ? g_steal_pointer(&url) : NULL;
}

static void
member_list(RdSimExec *self, const Line *line)
{
	g_auto(GStrv) urls = endpoints(self, line);
	const RdSimEtcdData *data = NULL;
	gboolean as_json = g_str_equal(line->format, "json");
	const char *comma = "";

	for (char **url = urls; *url != NULL && data == NULL; url++) {
		RdSimHost *host = rd_sim_etcd_at(self->host->cluster, *url);

		/* 3.3 lists without a quorum */
		if (host != NULL && (host->dns_name != NULL || rd_sim_etcd_has_quorum(host)))
			data = host->etcd;
	}
	if (data == NULL) {
		give_up(self, "context deadline exceeded");
		return;
	}
	if (as_json && !line->hex)
		rd_sim_cluster_violation(self->host->cluster,
					 "member list -w json without --hex wraps ids");
	if (as_json)
		g_string_append_printf(
		    self->out,
		    "{\"header\":{\"cluster_id\":\"%" G_GINT64_MODIFIER
		    "x\",\"member_id\":\"%" G_GINT64_MODIFIER "x\",\"raft_term\":%u},\"members\":[",
		    data->cluster_id, data->member_id, self->host->cluster->raft_term);
	for (guint i = 0; i < data->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(data->peers, i);
		g_autofree char *client = client_url(self, peer);

		if (as_json)
			g_string_append_printf(self->out,
					       "%s{\"ID\":\"%" G_GINT64_MODIFIER
					       "x\",\"name\":\"%s\",\"peerURLs\":[\"%s\"],"
					       "\"clientURLS\":[\"%s\"]}",
					       comma, peer->id, peer->unstarted ? "" : peer->name,
					       peer->url, client != NULL ? client : "");
		else
			g_string_append_printf(self->out,
					       "%" G_GINT64_MODIFIER "x, %s, %s, %s, %s%s\n",
					       peer->id, peer->unstarted ? "unstarted" : "started",
					       peer->unstarted ? "" : peer->name, peer->url,
					       client != NULL ? client : "",
					       self->host->dns_name != NULL ? ""
					       : peer->learner		    ? ", true"
									    : ", false");
		comma = ",";
	}
	if (as_json)
		g_string_append(self->out, "]}\n");
}

static void
snapshot_save(RdSimExec *self, const Line *line)
{
	g_auto(GStrv) urls = endpoints(self, line);
	RdSimHost *host = rd_sim_etcd_at(self->host->cluster, urls[0]);
	const char *file = line->n_words > 2 ? line->words[2] : "";
	g_autoptr(GBytes) content = NULL;
	int error;

	if (g_strv_length(urls) != 1) {
		g_string_append(self->err, "Error: snapshot must be requested to one selected "
					   "node, not multiple\n");
		self->status = 1;
		return;
	}
	if (host == NULL) {
		give_up(self, "context deadline exceeded");
		return;
	}
	/* other paths would be inside the container and gone with it */
	if (!g_str_has_prefix(file, RD_SIM_ETCD_DATA "/") &&
	    !g_str_has_prefix(file, "/var/log/etcd/")) {
		rd_sim_cluster_violation(self->host->cluster,
					 "%s: snapshot saved to %s, which is no volume of the pod",
					 self->host->name, file);
		self->status = 1;
		return;
	}
	content = rd_sim_etcd_snapshot(host->etcd);
	error = rd_sim_tree_write(self->host->tree, file, content, 0600);
	if (error != 0) {
		g_string_append_printf(self->err, "Error: could not open %s.part (%s)\n", file,
				       g_strerror(error));
		self->status = 5;
		return;
	}
	rd_sim_host_count(self->host, "snapshot saved", NULL);
	g_string_append_printf(self->out, "Snapshot saved at %s\n", file);
}

void
rd_sim_etcdctl_begin(RdSimExec *self)
{
	RdSimPod *pod = NULL;
	Line line;

	if (self->argv[2] == NULL ||
	    rd_sim_container_find(self->host, self->argv[2], &pod) == NULL) {
		g_string_append(self->err, "FATA[0000] execing command in container: rpc error: "
					   "code = NotFound desc = could not find container\n");
		self->status = 1;
		return;
	}
	line_parse(self->argv + 3, &line);
	self->touches = line_is(&line, "snapshot", "save");
	if (line_is(&line, "endpoint", "health") || line_is(&line, "endpoint", "status")) {
		g_auto(GStrv) urls = endpoints(self, &line);

		for (char **url = urls; *url != NULL; url++)
			if (rd_sim_etcd_at(self->host->cluster, *url) == NULL)
				self->duration = DIAL_TIMEOUT;
	}
	if (line_is(&line, "member", "list") && self->host->dns_name == NULL &&
	    !rd_sim_etcd_has_quorum(self->host))
		self->duration = DIAL_TIMEOUT;
}

void
rd_sim_etcdctl_end(RdSimExec *self)
{
	RdSimPod *pod = NULL;
	Line line;

	if (rd_sim_container_find(self->host, self->argv[2], &pod) == NULL) {
		self->status = 137; /* stopped under the command */
		return;
	}
	line_parse(self->argv + 3, &line);
	if (line_is(&line, "endpoint", "health"))
		health(self, &line);
	else if (line_is(&line, "endpoint", "status") && g_str_equal(line.format, "json"))
		status_json(self, &line);
	else if (line_is(&line, "endpoint", "status"))
		status(self, &line);
	else if (line_is(&line, "member", "list"))
		member_list(self, &line);
	else if (line_is(&line, "snapshot", "save"))
		snapshot_save(self, &line);
	else {
		rd_sim_cluster_violation(self->host->cluster, "%s: unknown etcdctl command",
					 self->host->name);
		self->status = 127;
	}
}
