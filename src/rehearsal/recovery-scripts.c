/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/recovery-scripts.h"
#include <string.h>

#define MEMBER	 RD_SIM_ETCD_DATA "/member"
#define MANIFEST RD_SIM_MANIFESTS "/etcd-member.yaml"
#define PARKED	 RD_SIM_OLD_STOPPED "/etcd-member.yaml"
#define CERTS	 "etcd-generate-certs.yaml"
#define FILES	 RD_SIM_OLD_RESOURCES "/etcd-member"

/* stages that are repeated until there is nothing more to do */
#define AGAIN(self) ((self)->stage--)

static gint64
end(RdSimExec *self, int status, const char *words)
{
	self->status = status;
	g_string_append_printf(self->out, "%s\n", words);
	return -1;
}

static gint64
go_on(RdSimExec *self)
{
	return rd_timeline_chance(self->host->cluster->timeline, 200 * RD_SIM_MS,
				  2 * RD_SIM_SECOND);
}

static RdSimNode *
find(RdSimExec *self, const char *path)
{
	return rd_sim_tree_find(self->host->tree, path);
}

/* mv across two mounts: copied, then removed; it replaces what is there */
static void
move_file(RdSimExec *self, const char *from, const char *to)
{
	RdSimNode *node = find(self, from);
	g_autofree char *dir = g_path_get_dirname(to);

	if (node == NULL)
		return;
	rd_sim_tree_mkdirs(self->host->tree, dir);
	rd_sim_tree_write(self->host->tree, to, node->content, node->mode);
	rd_sim_tree_remove(self->host->tree, from);
}

/* moves the first file of @from to @to; FALSE: there is none */
static gboolean
move_one(RdSimExec *self, const char *from, const char *to)
{
	RdSimNode *dir = find(self, from);
	const RdSimNode *first = dir != NULL && dir->children != NULL && dir->children->len > 0
				     ? g_ptr_array_index(dir->children, 0)
				     : NULL;
	g_autofree char *source = NULL, *target = NULL;

	if (first == NULL)
		return FALSE;
	source = g_build_filename(from, first->name, NULL);
	target = g_build_filename(to, first->name, NULL);
	if (find(self, target) != NULL)
		rd_sim_cluster_violation(self->host->cluster, "%s: a script replaced %s",
					 self->host->name, target);
	move_file(self, source, target);
	return TRUE;
}

static gboolean
etcd_runs(const RdSimHost *host)
{
	for (guint i = 0; i < host->pods->len; i++)
		if (g_str_has_prefix(((const RdSimPod *)g_ptr_array_index(host->pods, i))->name,
				     "etcd-member-"))
			return TRUE;
	return FALSE;
}

static void
keep_manifest(RdSimExec *self)
{
	RdSimNode *node = find(self, MANIFEST);

	rd_sim_tree_mkdirs(self->host->tree, RD_SIM_OLD_BACKUP);
	if (node != NULL && find(self, RD_SIM_OLD_BACKUP "/etcd-member.yaml") == NULL)
		rd_sim_tree_write(self->host->tree, RD_SIM_OLD_BACKUP "/etcd-member.yaml",
				  node->content, 0600);
}

/* ---- a database and its copies -------------------------------------------------------------- */

static GBytes *
data_of(RdSimExec *self, const char *member)
{
	g_autofree char *path = g_build_filename(member, "snap/db", NULL);
	RdSimNode *node = find(self, path);

	return node != NULL ? node->content : NULL;
}

/* somewhere below ./assets/backup lies the same */
static gboolean
is_copied(RdSimExec *self, GBytes *content)
{
	RdSimNode *backup = find(self, RD_SIM_OLD_BACKUP);

	for (guint i = 0; backup != NULL && i < backup->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(backup->children, i);
		g_autofree char *member =
		    g_build_filename(RD_SIM_OLD_BACKUP, child->name, "member", NULL);
		GBytes *copy = data_of(self, member);

		if (copy != NULL && g_bytes_equal(copy, content))
			return TRUE;
	}
	return FALSE;
}

/* INV-8 */
static void
check_copied(RdSimExec *self, const char *script)
{
	GBytes *content = data_of(self, MEMBER);

	if (content != NULL && !is_copied(self, content))
		rd_sim_cluster_violation(self->host->cluster,
					 "%s: %s removes data of which there is no copy",
					 self->host->name, script);
}

/* @half: cut short */
static void
copy_data(RdSimExec *self, const char *from, const char *to, gboolean half)
{
	GBytes *content = data_of(self, from);
	g_autofree char *snap = g_build_filename(to, "snap", NULL);
	g_autofree char *wal = g_build_filename(to, "wal", NULL);
	g_autofree char *db = g_build_filename(snap, "db", NULL);

	if (content == NULL)
		return;
	rd_sim_tree_mkdirs(self->host->tree, snap);
	rd_sim_tree_mkdirs(self->host->tree, wal);
	if (!half)
		rd_sim_tree_write(self->host->tree, db, content, 0600);
}

/* the snapshot @file, if the hash behind it is its own */
static RdSimEtcdData *
load_snapshot(RdSimExec *self, const char *file)
{
	RdSimNode *node = file != NULL ? find(self, file) : NULL;
	gsize size = 0;
	const guint8 *bytes =
	    node != NULL && node->content != NULL ? g_bytes_get_data(node->content, &size) : NULL;
	guint8 digest[32];

	if (size < sizeof(digest))
		return NULL;
	rd_sim_sha256_digest(bytes, size - sizeof(digest), digest);
	return memcmp(bytes + size - sizeof(digest), digest, sizeof(digest)) == 0
		   ? rd_sim_etcd_data_parse(node->content)
		   : NULL;
}

static void
restore_data(RdSimExec *self, const char *snapshot, const char *cluster)
{
	g_autofree char *name = g_strndup(cluster, strcspn(cluster, "="));
	g_autoptr(RdSimEtcdData) source = load_snapshot(self, snapshot);
	g_autoptr(RdSimEtcdData) data =
	    source != NULL
		? rd_sim_etcd_bootstrap(cluster, RD_SIM_OLD_TOKEN, name, source->revision)
		: NULL;
	g_autoptr(GBytes) content = data != NULL ? rd_sim_etcd_data_print(data) : NULL;

	if (content == NULL) {
		end(self, 1, "Error: the snapshot cannot be restored");
		return;
	}
	rd_sim_tree_mkdirs(self->host->tree, MEMBER "/snap");
	rd_sim_tree_write(self->host->tree, MEMBER "/snap/db", content, 0600);
	rd_sim_host_count(self->host, "restored", NULL);
}

/* ---- etcd-snapshot-restore.sh SNAPSHOT INITIAL_CLUSTER --------------------------------------- */

static gint64
restore_begin(RdSimExec *self)
{
	g_autoptr(RdSimEtcdData) data = load_snapshot(self, self->argv[1]);

	rd_sim_host_count(self->host, "script begun", NULL);
	/* before anything is stopped: its own name in DNS has to be in there */
	if (data == NULL || self->argv[2] == NULL ||
	    strstr(self->argv[2], self->host->dns_name) == NULL)
		return end(self, 1, "Validating INITIAL_CLUSTER failed");
	keep_manifest(self);
	return go_on(self);
}

gint64
rd_sim_old_restore_step(RdSimExec *self)
{
	switch (self->stage++) {
	case 0:
		return restore_begin(self);
	case 1:
		if (move_one(self, RD_SIM_MANIFESTS, RD_SIM_OLD_STOPPED))
			AGAIN(self);
		break;
	case 2:
		if (etcd_runs(self->host)) {
			AGAIN(self);
			return RD_SIM_SECOND;
		}
		break;
	case 3:
		rd_sim_kubelet_stop(self->host);
		break;
	case 4: /* the first copy is kept for ever */
	case 5:
		if (data_of(self, RD_SIM_OLD_BACKUP "/etcd/member") == NULL)
			copy_data(self, MEMBER, RD_SIM_OLD_BACKUP "/etcd/member", self->stage == 5);
		break;
	case 6:
		check_copied(self, "etcd-snapshot-restore.sh");
		rd_sim_tree_remove_all(self->host->tree, MEMBER "/wal");
		break;
	case 7:
		rd_sim_tree_remove_all(self->host->tree, RD_SIM_ETCD_DATA);
		break;
	case 8:
		rd_sim_tree_mkdirs(self->host->tree, MEMBER "/snap");
		break;
	case 9:
		restore_data(self, self->argv[1], self->argv[2]);
		break;
	case 10:
		if (move_one(self, RD_SIM_OLD_STOPPED, RD_SIM_MANIFESTS))
			AGAIN(self);
		break;
	default:
		g_string_append(self->out, "Starting kubelet..\n");
		rd_sim_kubelet_start(self->host);
		rd_sim_host_count(self->host, "script done", NULL);
		return -1;
	}
	return self->status == 0 ? go_on(self) : -1;
}

/* ---- etcd-member-recover.sh ADDRESS NAME ----------------------------------------------------- */

static RdSimHost *
host_at(RdSimExec *self)
{
	for (guint i = 0; i < self->host->cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->host->cluster->hosts, i);

		if (g_strcmp0(host->address, self->argv[1]) == 0)
			return host;
	}
	return NULL;
}

/* it appends what etcdctl printed, but for two lines */
static void
append_env(RdSimExec *self, const RdSimHost *through)
{
	RdSimNode *node = find(self, RD_SIM_ETCD_ENV);
	g_autofree char *old = node != NULL ? rd_sim_node_text(node) : g_strdup("");
	g_autofree char *own = rd_sim_etcd_peer_url(self->host);
	g_autofree char *other = rd_sim_etcd_peer_url(through);
	g_autofree char *text =
	    g_strdup_printf("%s\n\n#[recover]\nETCD_NAME=\"%s\"\nETCD_INITIAL_CLUSTER=\"%s=%s,"
			    "etcd-member-%s=%s\"\nETCD_INITIAL_CLUSTER_STATE=\"existing\"\n",
			    old, self->argv[2], self->argv[2], own, through->name, other);

	rd_sim_tree_mkdirs(self->host->tree, "/run/etcd");
	rd_sim_tree_write_text(self->host->tree, RD_SIM_ETCD_ENV, text, 0644);
}

static gint64
member_add(RdSimExec *self)
{
	const char *why = rd_sim_etcd_member_add(host_at(self), self->host, self->argv[2]);
	g_autofree char *text = why != NULL ? g_strdup_printf("Error: %s", why) : NULL;

	return why != NULL ? end(self, 1, text) : go_on(self);
}

gint64
rd_sim_old_recover_step(RdSimExec *self)
{
	switch (self->stage++) {
	case 0:
		rd_sim_host_count(self->host, "script begun", NULL);
		keep_manifest(self);
		break;
	case 1:
		move_file(self, MANIFEST, PARKED);
		break;
	case 2:
		if (etcd_runs(self->host)) {
			AGAIN(self);
			return RD_SIM_SECOND;
		}
		break;
	case 3:
		rd_sim_tree_mkdirs(self->host->tree, FILES);
		rd_sim_tree_write_text(self->host->tree, FILES "/.recoveryconfig", "key\n", 0600);
		rd_sim_tree_write_text(self->host->tree, RD_SIM_MANIFESTS "/" CERTS, "certs\n",
				       0600);
		break;
	case 4: /* without end */
		if (!host_at(self)->signs || !rd_sim_host_answers(host_at(self))) {
			AGAIN(self);
			return 10 * RD_SIM_SECOND;
		}
		rd_sim_host_count(self->host, "certificates signed", NULL);
		break;
	case 5:
		move_file(self, RD_SIM_MANIFESTS "/" CERTS, RD_SIM_OLD_STOPPED "/" CERTS);
		break;
	case 6:
		check_copied(self, "etcd-member-recover.sh");
		rd_sim_tree_remove_all(self->host->tree, RD_SIM_ETCD_DATA);
		break;
	case 7:
		return member_add(self);
	case 8:
		append_env(self, host_at(self));
		break;
	case 9:
		move_file(self, PARKED, MANIFEST);
		break;
	default:
		g_string_append(self->out, "Starting etcd..\n");
		rd_sim_host_count(self->host, "script done", NULL);
		return -1;
	}
	return go_on(self);
}

/* ---- the rest ------------------------------------------------------------------------------- */

/* JSON, which is YAML too */
void
rd_sim_old_tokenize(RdSimExec *self)
{
	g_autofree char *text = g_strdup_printf(
	    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"etcd-signer\","
	    "\"namespace\":\"openshift-config\"},\"spec\":{\"hostNetwork\":true,\"nodeSelector\":"
	    "{\"kubernetes.io/hostname\":\"%s\"},\"containers\":[{\"name\":\"etcd-signer\","
	    "\"image\":\"" RD_SIM_OLD_IMAGE "\"}]}}\n",
	    self->argv[1] != NULL ? self->argv[1] : "");

	rd_sim_tree_mkdirs(self->host->tree, RD_SIM_OLD_ASSETS "/manifests");
	rd_sim_tree_write_text(self->host->tree,
			       RD_SIM_OLD_ASSETS "/manifests/kube-etcd-cert-signer.yaml", text,
			       0600);
	g_string_append(self->out, "Tokenized template now ready\n");
}

static const char *
option(RdSimExec *self, const char *name)
{
	for (guint i = 0; self->argv[i] != NULL; i++)
		if (g_str_equal(self->argv[i], name))
			return self->argv[i + 1];
	return NULL;
}

void
rd_sim_old_etcdctl_begin(RdSimExec *self)
{
	if (find(self, MEMBER) != NULL)
		end(self, 1, "Error: data-dir \"/var/lib/etcd\" exists");
	else
		rd_sim_tree_mkdirs(self->host->tree, MEMBER "/snap");
}

void
rd_sim_old_etcdctl_end(RdSimExec *self)
{
	const char *cluster = option(self, "--initial-cluster");

	if (g_strcmp0(option(self, "--initial-cluster-token"), RD_SIM_OLD_TOKEN) != 0)
		rd_sim_cluster_violation(self->host->cluster, "%s: restored under another token",
					 self->host->name);
	restore_data(self, self->argv[3], cluster != NULL ? cluster : "");
}

void
rd_sim_old_references(RdSimExec *self)
{
	static const char *const tags[] = {"kube-etcd-signer-server", "setup-etcd-environment",
					   "kube-client-agent"};

	g_string_append(self->out, "{\"kind\":\"ImageStream\",\"spec\":{\"tags\":[");
	for (guint i = 0; i < G_N_ELEMENTS(tags); i++)
		g_string_append_printf(self->out,
				       "%s{\"name\":\"%s\",\"from\":{\"kind\":\"DockerImage\","
				       "\"name\":\"" RD_SIM_OLD_IMAGE "\"}}",
				       i > 0 ? "," : "", tags[i]);
	g_string_append(self->out, "]}}\n");
}

void
rd_sim_find_credentials(RdSimExec *self)
{
	static const char path[] =
	    RD_SIM_OLD_RESOURCES "/kube-apiserver-pod-7/secrets/etcd-client/tls.key";

	if (find(self, path) != NULL)
		g_string_append_printf(self->out, "%s\n", path);
}

/* `dig +short SRV NAME`, `dig +short A NAME` */
void
rd_sim_dig(RdSimExec *self)
{
	for (guint i = 0; i < self->host->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->host->cluster->hosts, i);

		if (host->dns_name == NULL)
			continue;
		if (g_str_equal(self->argv[2], "SRV"))
			g_string_append_printf(self->out, "0 10 2380 %s.\n", host->dns_name);
		else if (g_str_equal(self->argv[3], host->dns_name))
			g_string_append_printf(self->out, "%s\n", host->address);
	}
}

void
rd_sim_du(RdSimExec *self)
{
	g_autofree char *member = g_build_filename(self->argv[2], "member", NULL);
	GBytes *content = data_of(self, member);

	g_string_append_printf(self->out, "%" G_GSIZE_FORMAT "\t%s\n",
			       4096 + (content != NULL ? g_bytes_get_size(content) : 0),
			       self->argv[2]);
}

void
rd_sim_cp(RdSimExec *self)
{
	copy_data(self, self->argv[2], self->argv[3], FALSE);
}

void
rd_sim_kubelet_stop_only(RdSimExec *self)
{
	self->host->kubelet_stopped = TRUE;
}

void
rd_sim_systemctl_start(RdSimExec *self)
{
	rd_sim_kubelet_start(self->host);
}
