/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/scenery.h"
#include "rehearsal/controllers.h"
#include "rehearsal/restore-script.h"
#include "rehearsal/verbs.h"
#include <string.h>

#define OLD_TOKEN    "openshift-etcd-00000000-0000-4000-8000-000000000000"
#define OLD_REVISION 5000
#define CERTS	     "/etc/kubernetes/static-pod-resources/etcd-certs/configmaps"
#define IMAGE	     "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:"
#define DIGEST	     "1111111111111111111111111111111111111111111111111111111111111111"

static const struct {
	const char *file, *name, *namespace, *containers;
} pods[] = {
    {"etcd-pod.yaml", "etcd", "openshift-etcd", "etcdctl etcd etcd-metrics etcd-readyz"},
    {"kube-apiserver-pod.yaml", "kube-apiserver", "openshift-kube-apiserver",
     "kube-apiserver kube-apiserver-check-endpoints"},
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

static char *
pod_manifest(guint i)
{
	g_auto(GStrv) names = g_strsplit(pods[i].containers, " ", -1);
	GString *text = g_string_new(NULL);

	g_string_append_printf(text,
			       "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
			       "\"%s\",\"namespace\":\"%s\",\"labels\":{\"revision\":"
			       "\"" RD_SCENERY_REVISION_TEXT "\"}},\"spec\":{\"containers\":[",
			       pods[i].name, pods[i].namespace);
	for (guint j = 0; names[j] != NULL; j++)
		g_string_append_printf(text, "%s{\"name\":\"%s\",\"image\":\"" IMAGE DIGEST "\"}",
				       j > 0 ? "," : "", names[j]);
	g_string_append(text, "]}}\n");
	return g_string_free(text, FALSE);
}

/* what the etcd operator wrote: every host's variables on every host */
static void
add_operator_files(RdSimCluster *self, RdSimHost *host)
{
	g_autoptr(GString) env = g_string_new("export ETCDCTL_API=\"3\"\n"
					      "export ETCD_IMAGE=\"" IMAGE DIGEST "\"\n");
	g_autofree char *pod = g_strdup_printf(
	    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: etcd\n  namespace: "
	    "openshift-etcd\nspec:\n"
	    "  containers:\n  - name: etcd\n    command:\n    - /bin/sh\n    - -c\n    - |\n"
	    "      #!/bin/sh\n      export ETCD_NAME=${NODE_%s_ETCD_NAME}\n    env:\n"
	    "    - name: \"NODE_%s_ETCD_NAME\"\n      value: \"%s\"\n"
	    "    # etcdctl snapshot restore\n# end\n",
	    host->name, host->name, host->name);

	for (guint i = 0; i < self->hosts->len; i++) {
		const RdSimHost *other = g_ptr_array_index(self->hosts, i);

		g_string_append_printf(env,
				       "export NODE_%s_ETCD_NAME=\"%s\"\n"
				       "export NODE_%s_ETCD_URL_HOST=\"%s\"\n"
				       "export NODE_%s_IP=\"%s\"\n",
				       other->name, other->name, other->name, other->address,
				       other->name, other->address);
	}
	add_file(host, CERTS "/etcd-scripts/etcd.env", env->str);
	add_file(host, CERTS "/restore-etcd-pod/pod.yaml", pod);
	add_file(host, RD_SIM_SCRIPT, RD_SIM_SCRIPT_TEXT);
	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		g_autofree char *name =
		    g_strndup(pods[i].file, strlen(pods[i].file) - strlen("-pod.yaml"));
		g_autofree char *path =
		    g_strdup_printf("/etc/kubernetes/static-pod-resources/%s-pod-%s/%s", name,
				    RD_SCENERY_REVISION_TEXT, pods[i].file);
		g_autofree char *text = pod_manifest(i);

		add_file(host, path, text);
	}
}

/* what every node has, of whatever role */
static void
add_node_files(RdSimHost *host)
{
	rd_sim_tree_mount(host->tree, "/etc");
	rd_sim_tree_mount(host->tree, "/var");
	rd_sim_tree_mkdirs(host->tree, RD_SIM_MANIFESTS);
	add_file(host, RD_SIM_OVN_DIR "/ovnnb_db.db", "old\n");
	add_file(host, RD_SIM_OVN_DIR "/ovnsb_db.db", "old\n");
	rd_sim_pki_plant(host, RD_SCENERY_SIGNER);
}

void
rd_scenery_lose(RdSimHost *host)
{
	rd_sim_host_power_off(host);
	host->lost = TRUE;
}

/* its Ignition configuration: everything else is brought by operators */
void
rd_scenery_reinstall(RdSimHost *host)
{
	rd_sim_host_rebuild(host);
	rd_sim_tree_mount(host->tree, "/etc");
	rd_sim_tree_mount(host->tree, "/var");
	rd_sim_tree_mkdirs(host->tree, RD_SIM_MANIFESTS);
	rd_sim_tree_mkdirs(host->tree, RD_SIM_OVN_DIR);
	rd_sim_tree_mkdirs(host->tree, RD_SIM_ETCD_DATA);
	rd_sim_tree_mkdirs(host->tree, "/var/lib/kubelet/pki");
	rd_sim_tree_mkdirs(host->tree, "/home/core/assets");
	add_file(host, "/etc/kubernetes/kubeconfig", "token of node-bootstrapper\n");
	host->original_inode = 0;
}

RdSimHost *
rd_scenery_add_master(RdSimCluster *self)
{
	g_autofree char *name = NULL, *address = NULL;
	RdSimHost *host;
	guint n = 0;

	for (guint i = 0; i < self->hosts->len; i++)
		n += !((const RdSimHost *)g_ptr_array_index(self->hosts, i))->worker;
	name = g_strdup_printf("m%u", n);
	address = g_strdup_printf("10.0.0.%u", n + 1);
	host = rd_sim_cluster_add(self, name, address);
	rd_scenery_reinstall(host);
	return host;
}

static char *
initial_cluster(RdSimCluster *self, const char *const *without)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < self->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->hosts, i);

		if (!host->worker && (without == NULL || !g_strv_contains(without, host->name)))
			g_string_append_printf(text, "%s%s=https://%s:2380",
					       text->len > 0 ? "," : "", host->name, host->address);
	}
	return g_string_free(text, FALSE);
}

static void
add_data(RdSimHost *host, const char *cluster, gboolean damaged)
{
	g_autoptr(RdSimEtcdData) data =
	    rd_sim_etcd_bootstrap(cluster, OLD_TOKEN, host->name, OLD_REVISION);
	g_autoptr(GBytes) content = rd_sim_etcd_data_print(data);

	rd_sim_tree_mkdirs(host->tree, RD_SIM_ETCD_DATA "/member/snap");
	add_file(host, RD_SIM_ETCD_DATA "/member/wal/0000000000000000-0000000000000000.wal", "wal");
	add_file(host, RD_SIM_ETCD_DATA "/revision.json", "{\"clusterId\":1}\n");
	if (damaged)
		add_file(host, RD_SIM_ETCD_DATA "/member/snap/db", "\ndamaged\n");
	else
		rd_sim_tree_write(host->tree, RD_SIM_ETCD_DATA "/member/snap/db", content, 0600);
	host->original_inode = rd_sim_tree_find(host->tree, RD_SIM_ETCD_DATA "/member")->inode;
}

/* what a restore of last year left: the script would delete the one and replace the other */
static void
add_earlier_restore(RdSimHost *host)
{
	add_file(host, RD_SIM_SAVED "/member/snap/db", "of last year\n");
	add_file(host, RD_SIM_STOPPED "/etcd-pod.yaml", "of last year\n");
}

/* the kubelets do what they can; nothing is counted yet */
static void
settle(RdSimCluster *self)
{
	rd_timeline_run_to(self->timeline, rd_timeline_now(self->timeline) + 60 * RD_SIM_SECOND);
	for (guint i = 0; i < self->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		g_hash_table_remove_all(host->tally);
	}
}

static RdSimCluster *
make_cluster(guint32 seed, guint n_hosts, gboolean damaged)
{
	RdSimCluster *self = rd_sim_cluster_new(seed);
	g_autofree char *cluster = NULL;

	for (guint i = 0; i < n_hosts; i++) {
		g_autofree char *name = g_strdup_printf("m%u", i);
		g_autofree char *address = g_strdup_printf("10.0.0.%u", i + 1);

		rd_sim_cluster_add(self, name, address);
	}
	cluster = initial_cluster(self, NULL);
	for (guint i = 0; i < n_hosts; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		add_node_files(host);
		rd_sim_tree_mkdirs(host->tree, "/home/core/assets");
		if (i == 2)
			rd_sim_tree_mount(host->tree, RD_SIM_ETCD_DATA);
		add_operator_files(self, host);
		add_data(host, cluster, damaged && i > 0);
		if (i == 0)
			add_earlier_restore(host);
		if (i == 1) {
			/* links of the Local Storage Operator: to a device, and to one that is gone
			 */
			add_file(host, "/dev/sdb", "");
			add_file(host, RD_SIM_LINKS "/local-sc/good", "/dev/sdb");
			add_file(host, RD_SIM_LINKS "/local-sc/gone", "/dev/sdq");
		}
		for (guint j = 0; j < G_N_ELEMENTS(pods); j++) {
			g_autofree char *path =
			    g_strconcat(RD_SIM_MANIFESTS "/", pods[j].file, NULL);
			g_autofree char *text = pod_manifest(j);

			rd_sim_tree_write_text(host->tree, path, text, 0600);
		}
	}
	settle(self);
	return self;
}

RdSimCluster *
rd_scenery_quorum_lost(guint32 seed, guint n_hosts)
{
	return make_cluster(seed, n_hosts, TRUE);
}

RdSimCluster *
rd_scenery_healthy(guint32 seed, guint n_hosts)
{
	return make_cluster(seed, n_hosts, FALSE);
}

void
rd_scenery_add_workers(RdSimCluster *self, guint n)
{
	for (guint i = 0; i < n; i++) {
		g_autofree char *name = g_strdup_printf("w%u", i);
		g_autofree char *address = g_strdup_printf("10.0.0.%u", i + 11);
		RdSimHost *host = rd_sim_cluster_add(self, name, address);

		host->worker = TRUE;
		add_node_files(host);
	}
}

/* JSON, which the simulated kubelet reads; the arguments are the machine configuration's (domain
 * 2.6) */
void
rd_scenery_add_keepalived(RdSimCluster *self)
{
	static const char manifest[] =
	    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"keepalived\","
	    "\"namespace\":\"openshift-kni-infra\"},\"spec\":{\"initContainers\":[{\"name\":"
	    "\"render-config-keepalived\",\"command\":[\"runtimecfg\",\"render\","
	    "\"/etc/kubernetes/kubeconfig\",\"--api-vips\",\"10.0.0.100\",\"--ingress-vips\","
	    "\"10.0.0.101\",\"/config\"]}],\"containers\":[{\"name\":\"keepalived\"},"
	    "{\"name\":\"keepalived-monitor\"}]}}\n";
	static const char conf[] =
	    "vrrp_instance night_API_0 {\n    virtual_ipaddress {\n        10.0.0.100/32 label "
	    "vip\n"
	    "    }\n}\nvrrp_instance night_INGRESS_0 {\n    virtual_ipaddress {\n"
	    "        10.0.0.101/32 label vip\n    }\n}\n";
	RdSimHost *last = NULL;

	self->vips = g_strsplit("10.0.0.100/32 10.0.0.101/32", " ", -1);
	for (guint i = 0; i < self->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		if (host->worker)
			continue;
		last = host;
		add_file(host, "/etc/keepalived/keepalived.conf", conf);
		add_file(host, RD_SIM_MANIFESTS "/keepalived.yaml", manifest);
	}
	if (last != NULL)
		last->untidy = TRUE;
	settle(self);
}

GBytes *
rd_scenery_backup(void)
{
	g_autoptr(RdSimEtcdData) data =
	    rd_sim_etcd_data_new(0x1234, "m0", RD_SCENERY_BACKUP_REVISION);

	data->member_id = 1;
	return rd_sim_etcd_snapshot(data);
}

GBytes *
rd_scenery_resources(void)
{
	GString *tar = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		g_autofree char *pod =
		    g_strndup(pods[i].file, strlen(pods[i].file) - strlen("-pod.yaml"));
		g_autofree char *text = pod_manifest(i);

		g_string_append_printf(tar, "== static-pod-resources/%s-pod-1/%s\n%s", pod,
				       pods[i].file, text);
	}
	return g_string_free_to_bytes(tar);
}

static guint
count_manifests(const RdSimCluster *self)
{
	return G_N_ELEMENTS(pods) + (self->vips != NULL ? 1 : 0);
}

static void
check_host(RdSimHost *host, const guint64 ids[2], GPtrArray *wrong)
{
	RdSimNode *manifests = rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS);

	if (manifests == NULL || manifests->children->len != count_manifests(host->cluster))
		g_ptr_array_add(wrong,
				g_strdup_printf("%s: not all manifests are back", host->name));
	if (!rd_sim_etcd_has_quorum(host))
		g_ptr_array_add(wrong, g_strdup_printf("%s: its etcd has no quorum", host->name));
	else if ((host->etcd->cluster_id != ids[0] && host->etcd->cluster_id != ids[1]) ||
		 host->etcd->revision != RD_SCENERY_BACKUP_REVISION)
		g_ptr_array_add(
		    wrong,
		    g_strdup_printf("%s: its etcd is not the one that was restored", host->name));
	if (!rd_sim_tree_has_inode(host->tree, host->original_inode))
		g_ptr_array_add(wrong, g_strdup_printf("%s: the old data is gone", host->name));
	for (guint i = 0; i < host->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(host->pods, i);

		for (guint j = 0; j < pod->containers->len; j++) {
			const RdSimContainer *container = g_ptr_array_index(pod->containers, j);

			if (!container->running)
				g_ptr_array_add(wrong,
						g_strdup_printf("%s: %s does not run", host->name,
								container->name));
		}
	}
}

/* of the cluster that a restore on all hosts but @without makes */
static guint64
restored_id(RdSimCluster *self, const char *token, const char *const *without)
{
	g_autofree char *cluster = initial_cluster(self, without);
	g_autoptr(RdSimEtcdData) data =
	    rd_sim_etcd_bootstrap(cluster, token, "m0", RD_SCENERY_BACKUP_REVISION);

	return data->cluster_id;
}

GPtrArray *
rd_scenery_check_restored(RdSimCluster *self, const char *token, const char *const *without)
{
	GPtrArray *wrong = g_ptr_array_new_with_free_func(g_free);
	guint64 ids[2];

	ids[0] = restored_id(self, token, NULL);
	ids[1] = restored_id(self, token, without);
	for (guint i = 0; i < self->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		if (!host->worker && (without == NULL || !g_strv_contains(without, host->name)))
			check_host(host, ids, wrong);
	}
	return wrong;
}

GPtrArray *
rd_scenery_check_vips(RdSimCluster *self, const char *const *without)
{
	GPtrArray *wrong = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < self->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->hosts, i);
		RdSimNode *manifests = rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS);

		if (host->worker || (without != NULL && g_strv_contains(without, host->name)))
			continue;
		/* no keepalived comes with a reinstalled host (README.md) */
		if (manifests == NULL ||
		    manifests->children->len + host->anew != count_manifests(self))
			g_ptr_array_add(
			    wrong, g_strdup_printf("%s: not all manifests are back", host->name));
		if (!host->keepalived && !host->anew)
			g_ptr_array_add(wrong,
					g_strdup_printf("%s: keepalived does not run", host->name));
	}
	for (guint i = 0; self->vips[i] != NULL; i++) {
		guint owners = 0;

		for (guint j = 0; j < self->hosts->len; j++) {
			RdSimHost *host = g_ptr_array_index(self->hosts, j);

			if (without == NULL || !g_strv_contains(without, host->name))
				owners += rd_sim_host_has_address(host, self->vips[i]);
		}
		if (owners != 1)
			g_ptr_array_add(
			    wrong, g_strdup_printf("%s is on %u hosts", self->vips[i], owners));
	}
	return wrong;
}

static void
check_others_silent(RdSimHost *host, GPtrArray *wrong)
{
	if (host->etcd != NULL ||
	    rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS "/etcd-pod.yaml") != NULL)
		g_ptr_array_add(wrong, g_strdup_printf("%s: etcd is not silent", host->name));
}

static void
check_recovery_host(RdSimHost *host, GPtrArray *wrong)
{
	RdSimNode *manifests = rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS);

	if (manifests->children->len != G_N_ELEMENTS(pods))
		g_ptr_array_add(wrong,
				g_strdup_printf("%s: not all manifests are back", host->name));
	if (!rd_sim_etcd_has_quorum(host) || host->etcd->peers->len != 1 ||
	    host->etcd->revision != RD_SCENERY_BACKUP_REVISION)
		g_ptr_array_add(wrong, g_strdup_printf("%s: its etcd is not the single member that "
						       "was restored",
						       host->name));
}

GPtrArray *
rd_scenery_check_single(RdSimCluster *self, const char *const *without)
{
	GPtrArray *wrong = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < self->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		if (without != NULL && g_strv_contains(without, host->name))
			continue;
		if (i == 0)
			check_recovery_host(host, wrong);
		else
			check_others_silent(host, wrong);
		if (!rd_sim_tree_has_inode(host->tree, host->original_inode))
			g_ptr_array_add(wrong,
					g_strdup_printf("%s: the old data is gone", host->name));
	}
	return wrong;
}

/* F29: a person reads what the wait for the single member says, and does it */
void
rd_scenery_mend_restore_pod(RdSimCluster *self)
{
	RdSimHost *host = g_ptr_array_index(self->hosts, 0);
	RdSimNode *dir = rd_sim_tree_find(host->tree, RD_SIM_ETCD_DATA);
	RdSimNode *pod = rd_sim_tree_find(host->tree, RD_SIM_MANIFESTS "/etcd-pod.yaml");
	g_autofree char *text = pod != NULL ? rd_sim_node_text(pod) : NULL;
	g_autofree char *normal = pod_manifest(0);

	if (text == NULL || host->etcd != NULL || strstr(text, "snapshot restore") == NULL)
		return;
	if (rd_sim_tree_find(host->tree, RD_SIM_ETCD_DATA "/member") != NULL)
		rd_sim_tree_write_text(host->tree, RD_SIM_MANIFESTS "/etcd-pod.yaml", normal, 0600);
	for (guint i = 0; dir->children != NULL && i < dir->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(dir->children, i);
		g_autofree char *from = g_build_filename(RD_SIM_ETCD_DATA, child->name, NULL);
		g_autofree char *to = g_strdup_printf(RD_SIM_SAVED "/%s.%" G_GUINT64_FORMAT,
						      child->name, ++self->serials);

		if (g_str_has_prefix(child->name, "restore-") &&
		    rd_sim_tree_rename(host->tree, from, to) == 0)
			break;
	}
}
