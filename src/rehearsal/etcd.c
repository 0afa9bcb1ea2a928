/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/cluster.h"
#include <string.h>

/* An etcd is its database: cluster id, own id, the member list and a revision, as text. Those that
 * run with the same cluster id form one group; a majority of its voters is a quorum. How a
 * container that starts finds its place is discover-etcd-initial-cluster's way (domain 4.2). */

#define MAGIC "etcd database of the simulator\n"
#define PAGE  4096

static void
peer_free(RdSimPeer *peer)
{
	g_free(peer->name);
	g_free(peer->url);
	g_free(peer);
}

static int
peer_compare(gconstpointer a, gconstpointer b)
{
	const RdSimPeer *one = *(const RdSimPeer *const *)a, *other = *(const RdSimPeer *const *)b;

	return one->id < other->id ? -1 : one->id > other->id;
}

RdSimEtcdData *
rd_sim_etcd_data_new(guint64 cluster_id, const char *name, gint64 revision)
{
	RdSimEtcdData *self = g_new0(RdSimEtcdData, 1);

	self->cluster_id = cluster_id;
	self->name = g_strdup(name);
	self->revision = revision;
	self->peers = g_ptr_array_new_with_free_func((GDestroyNotify)peer_free);
	return self;
}

void
rd_sim_etcd_data_free(RdSimEtcdData *self)
{
	if (self == NULL)
		return;
	g_free(self->name);
	g_ptr_array_unref(self->peers);
	g_free(self);
}

static RdSimPeer *
add_peer(RdSimEtcdData *self, guint64 id, const char *name, const char *url)
{
	RdSimPeer *peer = g_new0(RdSimPeer, 1);

	peer->id = id;
	peer->name = g_strdup(name);
	peer->url = g_strdup(url);
	g_ptr_array_add(self->peers, peer);
	return peer;
}

GBytes *
rd_sim_etcd_data_print(const RdSimEtcdData *self)
{
	GString *text = g_string_new(MAGIC);
	gsize size;

	g_string_append_printf(text,
			       "cluster %" G_GINT64_MODIFIER "x\nmember %" G_GINT64_MODIFIER
			       "x\nname %s\nrevision %" G_GINT64_FORMAT "\n",
			       self->cluster_id, self->member_id, self->name, self->revision);
	for (guint i = 0; i < self->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(self->peers, i);

		g_string_append_printf(text, "peer %" G_GINT64_MODIFIER "x %s %s%s%s\n", peer->id,
				       peer->name, peer->url, peer->learner ? " learner" : "",
				       peer->unstarted ? " unstarted" : "");
	}
	size = text->len;
	g_string_set_size(text, PAGE);
	memset(text->str + size, '\n', PAGE - size);
	return g_string_free_to_bytes(text);
}

GBytes *
rd_sim_etcd_snapshot(const RdSimEtcdData *data)
{
	g_autoptr(GBytes) db = rd_sim_etcd_data_print(data);
	GByteArray *all = g_byte_array_new();
	guint8 digest[32];
	gsize db_size;
	const guint8 *bytes = g_bytes_get_data(db, &db_size);

	rd_sim_sha256_digest(bytes, db_size, digest);
	g_byte_array_append(all, bytes, (guint)db_size);
	g_byte_array_append(all, digest, sizeof(digest));
	return g_byte_array_free_to_bytes(all);
}

RdSimEtcdData *
rd_sim_etcd_data_parse(GBytes *content)
{
	g_autoptr(RdSimEtcdData) self = NULL;
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	gsize size;
	const char *data = g_bytes_get_data(content, &size);

	if (size < strlen(MAGIC) || memcmp(data, MAGIC, strlen(MAGIC)) != 0)
		return NULL;
	text = g_strndup(data, size);
	lines = g_strsplit(text + strlen(MAGIC), "\n", 32);
	self = rd_sim_etcd_data_new(0, "", 0);
	for (char **line = lines; *line != NULL && **line != '\0'; line++) {
		g_auto(GStrv) words = g_strsplit(*line, " ", 5);
		const char *value = words[1] != NULL ? words[1] : "";

		if (g_str_equal(words[0], "cluster"))
			self->cluster_id = g_ascii_strtoull(value, NULL, 16);
		else if (g_str_equal(words[0], "member"))
			self->member_id = g_ascii_strtoull(value, NULL, 16);
		else if (g_str_equal(words[0], "revision"))
			self->revision = g_ascii_strtoll(value, NULL, 10);
		else if (g_str_equal(words[0], "name")) {
			g_free(self->name);
			self->name = g_strdup(value);
		} else if (g_str_equal(words[0], "peer") && g_strv_length(words) >= 4) {
			RdSimPeer *peer =
			    add_peer(self, g_ascii_strtoull(value, NULL, 16), words[2], words[3]);

			peer->learner = strstr(*line, " learner") != NULL;
			peer->unstarted = strstr(*line, " unstarted") != NULL;
		}
	}
	return g_steal_pointer(&self);
}

/* first eight bytes of a SHA-1, big endian */
static guint64
sha1_id(GChecksum *checksum)
{
	guint8 digest[20];
	gsize size = sizeof(digest);
	guint64 id;

	g_checksum_get_digest(checksum, digest, &size);
	memcpy(&id, digest, sizeof(id));
	return GUINT64_FROM_BE(id);
}

RdSimEtcdData *
rd_sim_etcd_bootstrap(const char *initial_cluster, const char *token, const char *name,
		      gint64 revision)
{
	g_autoptr(RdSimEtcdData) self = rd_sim_etcd_data_new(0, name, revision);
	g_autoptr(GChecksum) all = g_checksum_new(G_CHECKSUM_SHA1);
	g_auto(GStrv) pairs = g_strsplit(initial_cluster, ",", -1);

	for (char **pair = pairs; *pair != NULL; pair++) {
		g_autoptr(GChecksum) one = g_checksum_new(G_CHECKSUM_SHA1);
		char *url = strchr(*pair, '=');
		RdSimPeer *peer;

		if (url == NULL)
			return NULL;
		*url++ = '\0';
		g_checksum_update(one, (const guchar *)url, -1);
		g_checksum_update(one, (const guchar *)token, -1);
		peer = add_peer(self, sha1_id(one), *pair, url);
		if (g_str_equal(*pair, name))
			self->member_id = peer->id;
	}
	if (self->member_id == 0)
		return NULL;
	g_ptr_array_sort(self->peers, peer_compare);
	for (guint i = 0; i < self->peers->len; i++) {
		guint64 id =
		    GUINT64_TO_BE(((const RdSimPeer *)g_ptr_array_index(self->peers, i))->id);

		g_checksum_update(all, (const guchar *)&id, sizeof(id));
	}
	self->cluster_id = sha1_id(all);
	return g_steal_pointer(&self);
}

gboolean
rd_sim_etcd_serves(const RdSimHost *self)
{
	return self->power == RD_SIM_UP && self->etcd != NULL &&
	       rd_timeline_now(self->cluster->timeline) - self->etcd_since >= RD_SIM_SECOND;
}

gboolean
rd_sim_etcd_has_quorum(const RdSimHost *self)
{
	guint running = 0, voters = 0;

	if (!rd_sim_etcd_serves(self))
		return FALSE;
	for (guint i = 0; i < self->etcd->peers->len; i++)
		voters += !((const RdSimPeer *)g_ptr_array_index(self->etcd->peers, i))->learner;
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *other = g_ptr_array_index(self->cluster->hosts, i);

		if (!rd_sim_etcd_serves(other) || other->etcd->cluster_id != self->etcd->cluster_id)
			continue;
		for (guint j = 0; j < self->etcd->peers->len; j++) {
			const RdSimPeer *peer = g_ptr_array_index(self->etcd->peers, j);

			running += peer->id == other->etcd->member_id && !peer->learner;
		}
	}
	return running > voters / 2;
}

/* Who comes back with old data and hears nobody cannot be kept from starting: it has to be noticed
 * within this time. */
#define ODD_FOR (120 * RD_SIM_SECOND)

static void check_one_cluster(RdSimHost *self, gboolean late);

static void
check_again(gpointer data)
{
	RdSimHost *self = data;

	if (self->power == RD_SIM_UP && self->etcd != NULL)
		check_one_cluster(self, TRUE);
}

/* INV-13: never two clusters that both work */
static void
check_one_cluster(RdSimHost *self, gboolean late)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *other = g_ptr_array_index(self->cluster->hosts, i);

		if (other->etcd == NULL || other->etcd->cluster_id == self->etcd->cluster_id)
			continue;
		if (!late && (self->hears_nobody || other->hears_nobody)) {
			rd_timeline_add(self->cluster->timeline, ODD_FOR, check_again, self, NULL);
			continue;
		}
		rd_sim_cluster_violation(self->cluster,
					 "%s runs etcd cluster %" G_GINT64_MODIFIER
					 "x while %s runs %" G_GINT64_MODIFIER "x",
					 self->name, self->etcd->cluster_id, other->name,
					 other->etcd->cluster_id);
	}
}

/* ---- a container starts -------------------------------------------------------------------- */

#define MEMBER RD_SIM_ETCD_DATA "/member"

char *
rd_sim_etcd_peer_url(const RdSimHost *self)
{
	return g_strconcat("https://", self->dns_name != NULL ? self->dns_name : self->address,
			   ":2380", NULL);
}

static RdSimPeer *
find_peer(const RdSimEtcdData *data, const RdSimHost *host)
{
	g_autofree char *url = rd_sim_etcd_peer_url(host);

	for (guint i = 0; i < data->peers->len; i++) {
		RdSimPeer *peer = g_ptr_array_index(data->peers, i);

		if (g_str_equal(peer->url, url))
			return peer;
	}
	return NULL;
}

/* the member list that @self is told when it asks the others; NULL when none of them has a quorum
 */
static const RdSimEtcdData *
ask_others(const RdSimHost *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *other = g_ptr_array_index(self->cluster->hosts, i);

		if (other != self && rd_sim_host_answers(other) && rd_sim_etcd_has_quorum(other))
			return other->etcd;
	}
	return NULL;
}

static void
copy_peers(const RdSimEtcdData *from, RdSimEtcdData *to)
{
	if (from == to)
		return;
	g_ptr_array_set_size(to->peers, 0);
	for (guint i = 0; i < from->peers->len; i++) {
		const RdSimPeer *peer = g_ptr_array_index(from->peers, i);
		RdSimPeer *copy = add_peer(to, peer->id, peer->name, peer->url);

		copy->learner = peer->learner;
		copy->unstarted = peer->unstarted;
	}
}

/* to disk, wherever it runs: raft has told everybody */
static void
share_peers(RdSimCluster *cluster, const RdSimEtcdData *list)
{
	for (guint i = 0; i < cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(cluster->hosts, i);
		RdSimNode *db = rd_sim_tree_find(host->tree, MEMBER "/snap/db");
		g_autoptr(GBytes) content = NULL;

		if (host->etcd == NULL || host->etcd->cluster_id != list->cluster_id)
			continue;
		copy_peers(list, host->etcd);
		content = rd_sim_etcd_data_print(host->etcd);
		/* what it says already is not written again: it is the same file as before */
		if (db == NULL || db->content == NULL || !g_bytes_equal(db->content, content))
			rd_sim_tree_write(host->tree, MEMBER "/snap/db", content, 0600);
	}
}

/* data of somebody whom the others list as never started is in the way of the one they wait for */
static void
archive(RdSimHost *self)
{
	g_autofree char *to =
	    g_strdup_printf(RD_SIM_ETCD_DATA "/member-removed-archive-%" G_GUINT64_FORMAT,
			    ++self->cluster->serials);

	rd_sim_tree_rename(self->tree, MEMBER, to);
	rd_sim_host_count(self, "archived", NULL);
}

static RdSimEtcdData *
join(RdSimHost *self, const RdSimEtcdData *others, const RdSimPeer *peer)
{
	RdSimEtcdData *data =
	    rd_sim_etcd_data_new(others->cluster_id, self->name, others->revision);

	data->member_id = peer->id;
	copy_peers(others, data);
	find_peer(data, self)->unstarted = FALSE;
	rd_sim_tree_mkdirs(self->tree, MEMBER "/snap");
	return data;
}

/* NULL: it exits, to be tried again by the kubelet */
static RdSimEtcdData *
find_place(RdSimHost *self)
{
	RdSimNode *db = rd_sim_tree_find(self->tree, MEMBER "/snap/db");
	g_autoptr(RdSimEtcdData) data = db != NULL ? rd_sim_etcd_data_parse(db->content) : NULL;
	const RdSimEtcdData *others = self->hears_nobody ? NULL : ask_others(self);
	RdSimPeer *peer = others != NULL ? find_peer(others, self) : NULL;

	if (others == NULL) /* it comes back as who it was, or not at all */
		return data != NULL && data->member_id != 0 ? g_steal_pointer(&data) : NULL;
	if (peer == NULL)
		return NULL; /* in nobody's list */
	if (peer->unstarted && db != NULL) {
		archive(self);
		return NULL;
	}
	if (peer->unstarted)
		return join(self, others, peer);
	if (data == NULL || data->member_id != peer->id)
		return NULL; /* "dataDir has been destroyed and must be removed from the cluster" */
	copy_peers(others, data);
	return g_steal_pointer(&data);
}

/* ---- 4.1 to 4.3: nobody looks after it ------------------------------------------------------ */

static char *
read_env(RdSimHost *self)
{
	RdSimNode *node = rd_sim_tree_find(self->tree, RD_SIM_ETCD_ENV);

	return node != NULL ? rd_sim_node_text(node) : g_strdup("");
}

/* two lines of what was there survive (run.go setBootstrapEnv) */
void
rd_sim_etcd_discover(RdSimHost *self)
{
	g_autofree char *old = read_env(self);
	g_auto(GStrv) lines = g_strsplit(old, "\n", -1);
	g_autoptr(GString) text = g_string_new(NULL);

	if (self->dns_name == NULL || strstr(old, "ETCD_DNS_NAME=") != NULL)
		return;
	g_string_append_printf(text, "ETCD_IPV4_ADDRESS=%s\nETCD_DNS_NAME=%s\n", self->address,
			       self->dns_name);
	for (guint i = 0; lines[i] != NULL; i++)
		if (g_str_has_prefix(lines[i], "ETCD_INITIAL_CLUSTER"))
			g_string_append_printf(text, "%s\n", lines[i]);
	rd_sim_tree_mkdirs(self->tree, "/run/etcd");
	rd_sim_tree_write_text(self->tree, RD_SIM_ETCD_ENV, text->str, 0644);
}

/* members of the cluster of its environment, as one that serves has them: no quorum is needed */
static const RdSimEtcdData *
ask_members(const RdSimHost *self, const char *env)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *other = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *url = rd_sim_etcd_peer_url(other);

		if (other != self && rd_sim_host_answers(other) && rd_sim_etcd_serves(other) &&
		    strstr(env, url) != NULL)
			return other->etcd;
	}
	return NULL;
}

/* With data it is who it was. Without it starts as the member that was added for it, by the name of
 * its pod, or not at all. */
static RdSimEtcdData *
find_old_place(RdSimHost *self)
{
	RdSimNode *db = rd_sim_tree_find(self->tree, MEMBER "/snap/db");
	g_autofree char *env = read_env(self);
	g_autofree char *name = g_strdup_printf("=\"etcd-member-%s=", self->name);
	const RdSimEtcdData *others;
	RdSimPeer *peer;

	if (db != NULL)
		return rd_sim_etcd_data_parse(db->content);
	if (strstr(env, "ETCD_INITIAL_CLUSTER_STATE=\"existing\"") == NULL ||
	    strstr(env, name) == NULL)
		return NULL;
	others = ask_members(self, env);
	peer = others != NULL ? find_peer(others, self) : NULL;
	return peer != NULL && peer->unstarted ? join(self, others, peer) : NULL;
}

const char *
rd_sim_etcd_member_add(RdSimHost *through, const RdSimHost *host, const char *name)
{
	g_autofree char *url = rd_sim_etcd_peer_url(host);
	g_autofree char *text = NULL;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
	gint64 now = rd_timeline_now(through->cluster->timeline);

	if (!rd_sim_etcd_serves(through))
		return "context deadline exceeded";
	for (guint i = 0; i < through->etcd->peers->len; i++)
		if (((const RdSimPeer *)g_ptr_array_index(through->etcd->peers, i))->unstarted)
			rd_sim_cluster_violation(through->cluster,
						 "INV-17: %s is added while %s never started", name,
						 url);
	if (find_peer(through->etcd, host) != NULL)
		return "etcdserver: Peer URLs already exists";
	if (!rd_sim_etcd_has_quorum(through))
		return "etcdserver: request timed out";
	/* strict-reconfig-check: not within five seconds of another one's start */
	for (guint i = 0; i < through->cluster->hosts->len; i++) {
		const RdSimHost *other = g_ptr_array_index(through->cluster->hosts, i);

		if (other != through && other->etcd != NULL &&
		    now - other->etcd_since < 5 * RD_SIM_SECOND)
			return "etcdserver: unhealthy cluster";
	}
	text = g_strdup_printf("%s %" G_GUINT64_FORMAT, url, ++through->cluster->serials);
	g_checksum_update(sum, (const guchar *)text, -1);
	add_peer(through->etcd, sha1_id(sum), name, url)->unstarted = TRUE;
	g_ptr_array_sort(through->etcd->peers, peer_compare);
	share_peers(through->cluster, through->etcd);
	rd_sim_host_count(through, "member added", host->name);
	return NULL;
}

gboolean
rd_sim_etcd_start(RdSimHost *self)
{
	RdSimEtcdData *data;

	/* it writes to its log before it serves: without room it exits, to be tried again */
	if (rd_sim_tree_is_full(self->tree, RD_SIM_ETCD_DATA))
		return FALSE;
	data = self->dns_name != NULL ? find_old_place(self) : find_place(self);
	if (data == NULL)
		return FALSE;
	rd_sim_etcd_stop(self);
	self->etcd = data;
	self->etcd_since = rd_timeline_now(self->cluster->timeline);
	share_peers(self->cluster, data);
	check_one_cluster(self, FALSE);
	return TRUE;
}

/* ---- members come -------------------------------------------------------------------------- */

gboolean
rd_sim_etcd_add_learner(RdSimHost *through, const RdSimHost *host)
{
	guint64 serial = ++through->cluster->serials;
	g_autofree char *url = NULL, *text = NULL;
	g_autoptr(GChecksum) sum = NULL;
	RdSimPeer *peer = NULL;

	/* without room nothing is committed any more */
	if (!rd_sim_etcd_has_quorum(through) || find_peer(through->etcd, host) != NULL ||
	    rd_sim_tree_is_full(through->tree, RD_SIM_ETCD_DATA))
		return FALSE;
	url = rd_sim_etcd_peer_url(host);
	text = g_strdup_printf("%s %" G_GUINT64_FORMAT, url, serial);
	sum = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(sum, (const guchar *)text, -1);
	peer = add_peer(through->etcd, sha1_id(sum), host->name, url);
	peer->learner = peer->unstarted = TRUE;
	g_ptr_array_sort(through->etcd->peers, peer_compare);
	share_peers(through->cluster, through->etcd);
	rd_sim_host_count(through, "member added", host->name);
	return TRUE;
}

gboolean
rd_sim_etcd_promote(RdSimHost *through, const RdSimHost *host)
{
	RdSimPeer *peer = rd_sim_etcd_has_quorum(through) ? find_peer(through->etcd, host) : NULL;

	if (peer == NULL || !peer->learner || peer->unstarted || !rd_sim_etcd_serves(host))
		return FALSE;
	peer->learner = FALSE;
	share_peers(through->cluster, through->etcd);
	rd_sim_host_count(through, "member promoted", host->name);
	return TRUE;
}

void
rd_sim_etcd_stop(RdSimHost *self)
{
	g_clear_pointer(&self->etcd, rd_sim_etcd_data_free);
}

/* ---- the restore pod ----------------------------------------------------------------------- */

#define RESTORE_DIR RD_SIM_ETCD_DATA "/restore-of-the-pod"
#define SNAPSHOT    "/var/lib/etcd-backup/snapshot.db"

gboolean
rd_sim_etcd_restore_begin(RdSimHost *self)
{
	RdSimNode *dir = rd_sim_tree_find(self->tree, RD_SIM_ETCD_DATA);

	if (dir == NULL || dir->children == NULL || dir->children->len > 0 ||
	    rd_sim_tree_find(self->tree, SNAPSHOT) == NULL)
		return FALSE;
	return rd_sim_tree_mkdirs(self->tree, RESTORE_DIR "/member/snap") == 0;
}

gboolean
rd_sim_etcd_restore_end(RdSimHost *self)
{
	RdSimNode *node = rd_sim_tree_find(self->tree, SNAPSHOT);
	g_autoptr(RdSimEtcdData) source =
	    node != NULL ? rd_sim_etcd_data_parse(node->content) : NULL;
	g_autofree char *token =
	    g_strdup_printf("openshift-etcd-of-pod-%" G_GUINT64_FORMAT, ++self->cluster->serials);
	g_autofree char *cluster = g_strdup_printf("%s=https://%s:2380", self->name, self->address);
	g_autoptr(RdSimEtcdData) data =
	    source != NULL ? rd_sim_etcd_bootstrap(cluster, token, self->name, source->revision)
			   : NULL;
	g_autoptr(GBytes) content = data != NULL ? rd_sim_etcd_data_print(data) : NULL;

	if (content == NULL ||
	    rd_sim_tree_write(self->tree, RESTORE_DIR "/member/snap/db", content, 0600) != 0 ||
	    rd_sim_tree_rename(self->tree, RESTORE_DIR "/member", RD_SIM_ETCD_DATA "/member") != 0)
		return FALSE;
	rd_sim_tree_remove(self->tree, RESTORE_DIR);
	rd_sim_tree_remove(self->tree, SNAPSHOT);
	rd_sim_host_count(self, "restored", NULL);
	return rd_sim_etcd_start(self);
}

RdSimHost *
rd_sim_etcd_at(RdSimCluster *cluster, const char *url)
{
	for (guint i = 0; i < cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(cluster->hosts, i);
		const char *rest = NULL;

		if (!g_str_has_prefix(url, "https://"))
			return NULL;
		rest = url + strlen("https://");
		if (g_str_has_prefix(rest, host->address) && rest[strlen(host->address)] == ':' &&
		    rd_sim_etcd_serves(host))
			return host;
	}
	return NULL;
}
