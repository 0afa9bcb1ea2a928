/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include <string.h>

/* etcdctl in a container and podman with its image. Outputs are those of etcd 3.5 (domain 0.3, 12):
 * results on stdout, zap's JSON lines and errors on stderr. */

#define VERSION	     "3.5.18"
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

	if (line->endpoints != NULL)
		return g_strsplit(line->endpoints, ",", -1);
	all = g_ptr_array_new();
	for (guint i = 0; i < self->host->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->host->cluster->hosts, i);

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
		    "%s, %" G_GINT64_MODIFIER "x, " VERSION ", 4.1 kB, %s, false, %u, "
		    "%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT ", %s\n",
		    *url, host->etcd->member_id, g_str_equal(lead, host->name) ? "true" : "false",
		    self->host->cluster->raft_term, host->etcd->revision, host->etcd->revision,
		    *lead == '\0' ? "etcdserver: no leader" : "");
	}
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

		if (host != NULL && rd_sim_etcd_has_quorum(host))
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
					       comma, peer->id, peer->name, peer->url,
					       client != NULL ? client : "");
		else
			g_string_append_printf(
			    self->out, "%" G_GINT64_MODIFIER "x, started, %s, %s, %s, false\n",
			    peer->id, peer->name, peer->url, client != NULL ? client : "");
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
	if (line_is(&line, "member", "list") && !rd_sim_etcd_has_quorum(self->host))
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

/* ---- podman -------------------------------------------------------------------------------- */

static const char *
option(const char *const *argv, const char *name)
{
	gsize size = strlen(name);

	for (; *argv != NULL; argv++) {
		if (strncmp(*argv, name, size) != 0)
			continue;
		if ((*argv)[size] == '=')
			return *argv + size + 1;
		if ((*argv)[size] == '\0' && argv[1] != NULL)
			return argv[1];
	}
	return NULL;
}

static gboolean
has_words(const char *const *argv, const char *first, const char *second)
{
	for (; *argv != NULL; argv++)
		if (g_str_equal(*argv, first) &&
		    (second == NULL || g_strcmp0(argv[1], second) == 0))
			return TRUE;
	return FALSE;
}

static const char *
snapshot_operand(const char *const *argv)
{
	for (; *argv != NULL; argv++)
		if (g_str_equal(*argv, "restore"))
			return argv[1];
	return NULL;
}

static void
restore_fail(RdSimExec *self, const char *format, const char *what)
{
	g_autofree char *text = g_strdup(format);
	char *mark = strstr(text, "%s");

	if (mark != NULL) {
		*mark = '\0';
		g_string_append_printf(self->err, "Error: %s%s%s\n", text, what, mark + 2);
	} else {
		g_string_append_printf(self->err, "Error: %s\n", text);
	}
	self->status = 1;
}

/* the database in a snapshot, when its hash is right */
static RdSimEtcdData *
snapshot_load(RdSimExec *self, const char *file)
{
	RdSimNode *node = file != NULL ? rd_sim_tree_find(self->host->tree, file) : NULL;
	g_autoptr(RdSimEtcdData) data = NULL;
	g_autoptr(GBytes) again = NULL;

	if (node == NULL || node->content == NULL) {
		restore_fail(self, "snapshot file %s does not exist",
			     file != NULL ? file : "(none)");
		return NULL;
	}
	data = rd_sim_etcd_data_parse(node->content);
	again = data != NULL ? rd_sim_etcd_snapshot(data) : NULL;
	if (again == NULL || !g_bytes_equal(again, node->content)) {
		restore_fail(self, "expected sha256 differs", "");
		return NULL;
	}
	return g_steal_pointer(&data);
}

static void
restore_begin(RdSimExec *self)
{
	const char *dir = option(self->argv, "--data-dir");
	g_autoptr(RdSimEtcdData) data = snapshot_load(self, snapshot_operand(self->argv));
	RdSimNode *there;
	g_autofree char *snap = NULL;
	int error;

	self->touches = TRUE;
	self->duration = rd_timeline_chance(self->host->cluster->timeline, 3 * RD_SIM_SECOND,
					    12 * RD_SIM_SECOND);
	if (data == NULL)
		return;
	if (dir == NULL || !g_str_has_prefix(dir, RD_SIM_ETCD_DATA "/")) {
		restore_fail(self, "data-dir %s is not on the mounted volume",
			     dir != NULL ? dir : "");
		return;
	}
	there = rd_sim_tree_find(self->host->tree, dir);
	if (there != NULL && there->children != NULL && there->children->len > 0) {
		restore_fail(self, "data-dir \"%s\" not empty or could not be read", dir);
		return;
	}
	snap = g_strdup_printf("%s/member/snap", dir);
	error = rd_sim_tree_mkdirs(self->host->tree, snap);
	if (error != 0) {
		restore_fail(self, "mkdir %s: no space left on device", snap);
		return;
	}
	rd_sim_host_count(self->host, "restore begun", NULL);
}

static void
restore_log(RdSimExec *self, const RdSimEtcdData *data, const char *dir)
{
	g_string_append(self->err, "Deprecated: Use `etcdutl snapshot restore` instead.\n\n");
	g_string_append_printf(self->err,
			       "2026-11-20T03:00:00Z\tinfo\tsnapshot/v3_snapshot.go:265\trestoring "
			       "snapshot\t{\"path\": \"%s\", \"data-dir\": \"%s\"}\n",
			       snapshot_operand(self->argv), dir);
	for (guint i = 0; i < data->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(data->peers, i);

		g_string_append_printf(
		    self->err,
		    "2026-11-20T03:00:00Z\tinfo\tmembership/cluster.go:421\tadded member\t"
		    "{\"cluster-id\": \"%" G_GINT64_MODIFIER "x\", \"local-member-id\": \"0\", "
		    "\"added-peer-id\": \"%" G_GINT64_MODIFIER
		    "x\", \"added-peer-peer-urls\": [\"%s\"], "
		    "\"added-peer-is-learner\": false}\n",
		    data->cluster_id, peer->id, peer->url);
	}
	g_string_append_printf(self->err,
			       "2026-11-20T03:00:00Z\tinfo\tsnapshot/v3_snapshot.go:293\trestored "
			       "snapshot\t{\"path\": \"%s\", \"data-dir\": \"%s\"}\n",
			       snapshot_operand(self->argv), dir);
}

static void
restore_end(RdSimExec *self)
{
	const char *dir = option(self->argv, "--data-dir");
	const char *urls = option(self->argv, "--initial-cluster");
	const char *token = option(self->argv, "--initial-cluster-token");
	const char *name = option(self->argv, "--name");
	g_autoptr(RdSimEtcdData) source = snapshot_load(self, snapshot_operand(self->argv));
	g_autoptr(RdSimEtcdData) data = NULL;
	g_autoptr(GBytes) content = NULL;
	g_autofree char *db = g_strdup_printf("%s/member/snap/db", dir);
	g_autofree char *wal = g_strdup_printf("%s/member/wal", dir);
	g_autofree char *log = g_strdup_printf("%s/0000000000000000-0000000000000000.wal", wal);

	if (source == NULL)
		return;
	data = rd_sim_etcd_bootstrap(urls != NULL ? urls : "", token != NULL ? token : "",
				     name != NULL ? name : "default", source->revision);
	if (data == NULL) {
		restore_fail(self,
			     "couldn't find local name \"%s\" in the initial cluster "
			     "configuration",
			     name != NULL ? name : "default");
		return;
	}
	content = rd_sim_etcd_data_print(data);
	if (rd_sim_tree_write(self->host->tree, db, content, 0600) != 0 ||
	    rd_sim_tree_mkdirs(self->host->tree, wal) != 0 ||
	    rd_sim_tree_write_text(self->host->tree, log, "wal", 0600) != 0) {
		restore_fail(self, "write %s: no space left on device", db);
		return;
	}
	rd_sim_host_count(self->host, "restored", NULL);
	restore_log(self, data, dir);
}

void
rd_sim_podman_begin(RdSimExec *self)
{
	if (has_words(self->argv, "snapshot", "restore"))
		restore_begin(self);
}

void
rd_sim_podman_end(RdSimExec *self)
{
	const char *tool = option(self->argv, "--entrypoint");

	if (has_words(self->argv, "image", "exists"))
		return;
	if (tool != NULL && has_words(self->argv, "snapshot", "restore"))
		restore_end(self);
	else if (tool != NULL && has_words(self->argv, "version", NULL))
		g_string_append_printf(self->out, "%s version: " VERSION "\nAPI version: 3.5\n",
				       tool);
	else {
		rd_sim_cluster_violation(self->host->cluster, "%s: unknown podman command",
					 self->host->name);
		self->status = 127;
	}
}
