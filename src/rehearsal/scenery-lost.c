/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/recovery-scripts.h"
#include "rehearsal/scenery.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* A control plane of 4.2 of which one master is left, and what it has to be like afterwards. */

#define OLD_REVISION 5000
#define OLD_TOKEN    "of the installation"
#define LAST_YEAR    "of last year\n"
#define PAGE	     4096

static const struct {
	const char *file, *name, *namespace, *container;
} pods[] = {
    {"etcd-member.yaml", "etcd-member", "openshift-etcd", "etcd-member"},
    {"kube-apiserver-pod.yaml", "kube-apiserver", "openshift-kube-apiserver", "kube-apiserver"},
    {"kube-controller-manager-pod.yaml", "kube-controller-manager",
     "openshift-kube-controller-manager", "kube-controller-manager"},
    {"kube-scheduler-pod.yaml", "openshift-kube-scheduler", "openshift-kube-scheduler",
     "kube-scheduler"},
};

static void
add_file(RdSimHost *host, const char *path, const char *text)
{
	g_autofree char *dir = g_path_get_dirname(path);

	rd_sim_tree_mkdirs(host->tree, dir);
	rd_sim_tree_write_text(host->tree, path, text, 0600);
}

/* what a master has by its installation, and by operators since */
static void
install(RdSimHost *host)
{
	rd_sim_tree_mount(host->tree, "/etc");
	rd_sim_tree_mount(host->tree, "/var");
	rd_sim_tree_mkdirs(host->tree, RD_SIM_ETCD_DATA);
	rd_sim_tree_mkdirs(host->tree, RD_SIM_OLD_ASSETS);
	rd_sim_tree_mkdirs(host->tree, "/var/lib/kubelet/pki");
	rd_sim_tree_mkdirs(host->tree, RD_SIM_OLD_RESOURCES "/etcd-member");
	add_file(host, "/etc/kubernetes/kubeconfig", "token of node-bootstrapper\n");
	add_file(host, RD_SIM_OLD_RESTORE, RD_SIM_OLD_RESTORE_TEXT);
	add_file(host, RD_SIM_OLD_RECOVER, RD_SIM_OLD_RECOVER_TEXT);
	add_file(host, RD_SIM_OLD_TOKENIZE, RD_SIM_OLD_TOKENIZE_TEXT);
	add_file(host, RD_SIM_OLD_TOOLS, RD_SIM_OLD_TOOLS_TEXT);
	add_file(host, RD_SIM_OLD_RESOURCES "/kube-apiserver-pod-7/secrets/etcd-client/tls.key",
		 "key\n");
	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		g_autofree char *path = g_strconcat(RD_SIM_MANIFESTS "/", pods[i].file, NULL);
		g_autofree char *text = g_strdup_printf(
		    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\","
		    "\"namespace\":\"%s\"},\"spec\":{\"containers\":[{\"name\":\"%s\",\"image\":"
		    "\"" RD_SIM_OLD_IMAGE "\",\"args\":[\"--discovery-srv=" RD_SIM_OLD_DOMAIN
		    "\"]}]}}\n",
		    pods[i].name, pods[i].namespace, pods[i].container);

		add_file(host, path, text);
	}
}

void
rd_scenery_rebuild(RdSimHost *host)
{
	rd_sim_host_rebuild(host);
	install(host);
}

static RdSimEtcdData *
old_data(RdSimCluster *self)
{
	g_autoptr(GString) cluster = g_string_new(NULL);

	for (guint i = 0; i < self->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->hosts, i);

		g_string_append_printf(cluster, "%setcd-member-%s=https://%s:2380",
				       i > 0 ? "," : "", host->name, host->dns_name);
	}
	return rd_sim_etcd_bootstrap(cluster->str, OLD_TOKEN, "etcd-member-m0", OLD_REVISION);
}

RdSimCluster *
rd_scenery_lost_masters(guint32 seed)
{
	RdSimCluster *self = rd_sim_cluster_new(seed);
	g_autoptr(RdSimEtcdData) data = NULL;
	g_autoptr(GBytes) content = NULL;
	RdSimHost *left;

	for (guint i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("m%u", i);
		g_autofree char *address = g_strdup_printf("10.0.0.%u", i + 1);
		RdSimHost *host = rd_sim_cluster_add(self, name, address);

		host->dns_name = g_strdup_printf("etcd-%u." RD_SIM_OLD_DOMAIN, i);
		install(host);
		if (i > 0)
			rd_scenery_lose(host);
	}
	left = g_ptr_array_index(self->hosts, 0);
	data = old_data(self);
	content = rd_sim_etcd_data_print(data);
	rd_sim_pki_plant(left, RD_SCENERY_SIGNER);
	add_file(left, RD_SIM_ETCD_DATA "/member/wal/0000000000000000-0000000000000000.wal", "wal");
	rd_sim_tree_mkdirs(left->tree, RD_SIM_ETCD_DATA "/member/snap");
	rd_sim_tree_write(left->tree, RD_SIM_ETCD_DATA "/member/snap/db", content, 0600);
	add_file(left, RD_SIM_OLD_BACKUP "/etcd/member/snap/db", LAST_YEAR);
	add_file(left, RD_SIM_OLD_STOPPED "/etcd-generate-certs.yaml", LAST_YEAR);
	rd_timeline_run_to(self->timeline, rd_timeline_now(self->timeline) + 60 * RD_SIM_SECOND);
	g_hash_table_remove_all(left->tally);
	return self;
}

/* bbolt's meta page: what the procedure looks for in a file of the bastion */
static void
add_meta_page(GByteArray *all)
{
	guint8 page[PAGE] = {0};
	guint64 sum = G_GUINT64_CONSTANT(0xcbf29ce484222325);
	const guint32 head[2] = {GUINT32_TO_LE(0xED0CDAEDu), GUINT32_TO_LE(2u)};

	memcpy(page + 16, head, sizeof(head));
	for (guint i = 16; i < 72; i++)
		sum = (sum ^ page[i]) * G_GUINT64_CONSTANT(0x100000001b3);
	sum = GUINT64_TO_LE(sum);
	memcpy(page + 72, &sum, sizeof(sum));
	g_byte_array_append(all, page, sizeof(page));
}

GBytes *
rd_scenery_lost_backup(void)
{
	g_autoptr(RdSimEtcdData) data =
	    rd_sim_etcd_data_new(0x1234, "m0", RD_SCENERY_BACKUP_REVISION);
	g_autoptr(GBytes) db = rd_sim_etcd_data_print(data);
	GByteArray *all = g_byte_array_new();
	guint8 digest[32];

	g_byte_array_append(all, g_bytes_get_data(db, NULL), (guint)g_bytes_get_size(db));
	add_meta_page(all);
	rd_sim_sha256_digest(all->data, all->len, digest);
	g_byte_array_append(all, digest, sizeof(digest));
	return g_byte_array_free_to_bytes(all);
}

/* ---- afterwards ----------------------------------------------------------------------------- */

typedef struct {
	RdSimCluster *cluster;
	RdSimStore *store;
	GPtrArray *wrong;
} Check;

G_GNUC_PRINTF(2, 3)
static void
wrong(Check *self, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(self->wrong, g_strdup_vprintf(format, args));
	va_end(args);
}

static void
check_etcd(Check *self, const RdSimHost *host, guint64 id)
{
	if (!rd_sim_etcd_has_quorum(host)) {
		wrong(self, "%s: its etcd has no quorum", host->name);
		return;
	}
	if (host->etcd->cluster_id != id)
		wrong(self, "%s: its etcd is not of the cluster that was predicted", host->name);
	if (host->etcd->revision != RD_SCENERY_BACKUP_REVISION)
		wrong(self, "%s: its etcd is not of the backup", host->name);
	if (host->etcd->peers->len != 3)
		wrong(self, "%s: etcd has %u members", host->name, host->etcd->peers->len);
	for (guint i = 0; i < host->etcd->peers->len; i++)
		if (((const RdSimPeer *)g_ptr_array_index(host->etcd->peers, i))->unstarted)
			wrong(self, "%s: a member never started", host->name);
}

static void
check_files(Check *self, RdSimHost *host)
{
	static const char *const left[] = {RD_SIM_OLD_RESOURCES "/etcd-member/.recoveryconfig",
					   RD_SIM_OLD_STOPPED "/etcd-generate-certs.yaml"};
	RdSimNode *manifests = rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS);

	if (manifests == NULL || manifests->children->len != G_N_ELEMENTS(pods))
		wrong(self, "%s: its manifests are not those of before", host->name);
	for (guint i = 0; i < G_N_ELEMENTS(left); i++)
		if (rd_sim_tree_find(host->tree, left[i]) != NULL)
			wrong(self, "%s: %s is still there", host->name, left[i]);
}

/* below ./assets/backup, whatever it is called there */
static gboolean
has_copy(RdSimHost *host, GBytes *content)
{
	RdSimNode *backup = rd_sim_tree_find(host->tree, RD_SIM_OLD_BACKUP);

	for (guint i = 0; backup != NULL && i < backup->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(backup->children, i);
		g_autofree char *path =
		    g_strdup_printf(RD_SIM_OLD_BACKUP "/%s/member/snap/db", child->name);
		RdSimNode *db = rd_sim_tree_find(host->tree, path);

		if (db != NULL && g_bytes_equal(db->content, content))
			return TRUE;
	}
	return FALSE;
}

static void
check_old_data(Check *self, RdSimHost *host)
{
	g_autoptr(RdSimEtcdData) data = old_data(self->cluster);
	g_autoptr(GBytes) content = rd_sim_etcd_data_print(data);
	g_autoptr(GBytes) last_year = g_bytes_new_static(LAST_YEAR, strlen(LAST_YEAR));

	if (!has_copy(host, content))
		wrong(self, "%s: the old data is gone", host->name);
	if (!has_copy(host, last_year))
		wrong(self, "%s: what an earlier recovery had saved is gone", host->name);
}

/* made anew, and alive */
static void
check_node(Check *self, const RdSimHost *host)
{
	g_autofree char *path = g_strdup_printf("/api/v1/nodes/%s", host->name);
	g_autofree char *old = g_strdup_printf("node-%s", host->name);
	JsonObject *node = rd_sim_store_find(self->store, path);

	if (node == NULL)
		wrong(self, "Node %s is missing", host->name);
	else if (g_str_equal(rd_sim_condition(node, "Ready"), "True") == FALSE)
		wrong(self, "Node %s is not Ready", host->name);
	else if (g_str_equal(json_object_get_string_member(rd_sim_metadata(node), "uid"), old) !=
		 g_str_equal(host->name, "m0"))
		wrong(self, "Node %s is not the one that it has to be", host->name);
}

static void
check_signer(Check *self)
{
	if (rd_sim_store_find(self->store, RD_SIM_SIGNER_POD) != NULL)
		wrong(self, "the signer is still there");
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);

		if (host->signs)
			wrong(self, "%s: port 9943 is still open", host->name);
	}
}

GPtrArray *
rd_scenery_check_signer(RdSimCluster *cluster, RdSimApi *api)
{
	Check self = {.cluster = cluster,
		      .store = rd_sim_api_get_store(api),
		      .wrong = g_ptr_array_new_with_free_func(g_free)};

	check_signer(&self);
	return self.wrong;
}

GPtrArray *
rd_scenery_check_lost_masters(RdSimCluster *cluster, RdSimApi *api)
{
	Check self = {.cluster = cluster,
		      .store = rd_sim_api_get_store(api),
		      .wrong = g_ptr_array_new_with_free_func(g_free)};
	g_autoptr(RdSimEtcdData) predicted =
	    rd_sim_etcd_bootstrap("etcd-member-m0=https://etcd-0." RD_SIM_OLD_DOMAIN ":2380",
				  RD_SIM_OLD_TOKEN, "etcd-member-m0", RD_SCENERY_BACKUP_REVISION);

	for (guint i = 0; i < cluster->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		check_etcd(&self, host, predicted->cluster_id);
		check_files(&self, host);
		check_node(&self, host);
		if (i == 0)
			check_old_data(&self, host);
	}
	check_signer(&self);
	return self.wrong;
}
