/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/certificates.h"
#include "preflight/preflight.h"
#include "rehearsal/restore-script.h"
#include "rehearsal/scenery.h"
#include "rehearsal/world.h"

#include "tar-fixture.h"

/* The simulated cluster that lost its quorum, with what an operator leaves besides, a backup of it,
 * and a look at all of it that asserts that nothing was touched. */

#define RESOURCES "/etc/kubernetes/static-pod-resources/"
#define CERTS	  RESOURCES "etcd-certs/"
#define DAY	  (24 * 60 * 60)
#define STAMP	  "2026-11-20_031502"
#define DIGEST                                                                                     \
	"quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:"                                   \
	"1111111111111111111111111111111111111111111111111111111111111111"
#define ENCRYPTION                                                                                 \
	"{\"resources\":[{\"resources\":[\"secrets\"],\"providers\":[{\"aescbc\":{\"keys\":"       \
	"[{\"name\":\"%s\",\"secret\":\"c2VjcmV0LWtleQ==\"}]}},{\"identity\":{}}]}]}"

#define STRANGER                                                                                   \
	"{\"kind\":\"Pod\",\"metadata\":{\"name\":\"stranger\",\"namespace\":\"default\"},"        \
	"\"spec\":{\"containers\":[{\"name\":\"stranger\"}]}}"

static char *signer; /* PEM */

typedef struct {
	RdSimCluster *cluster;
	RdSimApi *api;
	RdNetwork network;
	RdWorld *world;
	RdInventory *inventory;
	char *backup; /* directory */
	GHashTable *excused;
	RdPreflightOptions options;
} Scene;

static RdSimHost *
host(Scene *self, const char *name)
{
	return rd_sim_cluster_find(self->cluster, name);
}

static void
put(Scene *self, const char *name, const char *path, const char *text)
{
	RdSimTree *tree = host(self, name)->tree;
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(rd_sim_tree_mkdirs(tree, dir), ==, 0);
	g_assert_cmpint(rd_sim_tree_write_text(tree, path, text, 0600), ==, 0);
}

static void
pass(Scene *self, gint64 seconds)
{
	rd_timeline_run_to(self->cluster->timeline,
			   rd_timeline_now(self->cluster->timeline) + seconds * RD_SIM_SECOND);
}

/* what an operator leaves and the scenery does not have: certificates, and a key */
static void
add_operator_files(Scene *self)
{
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autofree char *own = make_certificate("etcd-peer", now - DAY, now + 300 * DAY);
	g_autofree char *encryption = g_strdup_printf(ENCRYPTION, "2");

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const char *name = ((RdSimHost *)self->cluster->hosts->pdata[i])->name;

		put(self, name, CERTS "secrets/etcd-all-certs/etcd-peer.crt", own);
		put(self, name, CERTS "configmaps/etcd-all-bundles/server-ca-bundle.crt", signer);
		put(self, name,
		    RESOURCES "kube-apiserver-pod-7/secrets/encryption-config/encryption-config",
		    encryption);
	}
}

/* the manifests as the operators write them: with the directory of the revision */
static void
add_revision(Scene *self)
{
	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *one = self->cluster->hosts->pdata[i];
		RdSimNode *node =
		    rd_sim_tree_find(one->tree, RD_SIM_MANIFESTS "/kube-apiserver-pod.yaml");
		g_autofree char *text = rd_sim_node_text(node);
		g_autoptr(GString) with = g_string_new(text);

		g_string_replace(with, "\"spec\":{",
				 "\"spec\":{\"volumes\":[{\"hostPath\":{\"path\":\"" RESOURCES
				 "kube-apiserver-pod-7\"},\"name\":\"resource-dir\"}],",
				 1);
		put(self, one->name, RD_SIM_MANIFESTS "/kube-apiserver-pod.yaml", with->str);
	}
	pass(self, 120);
}

static void
write_backup(Scene *self, const char *pem, const char *image, const char *member, const char *key)
{
	static const char *const pods[] = {"etcd", "kube-apiserver", "kube-controller-manager",
					   "kube-scheduler"};
	g_autofree char *snapshot = g_build_filename(self->backup, "snapshot_" STAMP ".db", NULL);
	g_autofree char *resources =
	    g_build_filename(self->backup, "static_kuberesources_" STAMP ".tar.gz", NULL);
	g_autofree char *encryption = g_strdup_printf(ENCRYPTION, key);
	Tar tar;

	g_assert_true(g_file_set_contents(snapshot, "no snapshot", -1, NULL));
	tar_begin(&tar, resources);
	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		g_autofree char *name =
		    g_strdup_printf("static-pod-resources/%s-pod-7/%s-pod.yaml", pods[i], pods[i]);
		g_autofree char *text = g_strdup_printf(
		    "{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"%s\","
		    "\"env\":[{\"name\":\"NODE_m0_ETCD_NAME\",\"value\":\"%s\"},"
		    "{\"name\":\"NODE_m1_ETCD_NAME\",\"value\":\"m1\"},"
		    "{\"name\":\"NODE_m2_ETCD_NAME\",\"value\":\"m2\"}]}]}}",
		    image, member);

		tar_add(&tar, name, text);
	}
	tar_add(&tar, "static-pod-resources/etcd-pod-7/configmaps/server-ca-bundle.crt", pem);
	tar_add(&tar,
		"static-pod-resources/kube-apiserver-pod-7/secrets/encryption-config/"
		"encryption-config",
		encryption);
	tar_end(&tar);
}

static void
scene_begin(Scene *self)
{
	static const char inventory[] =
	    "cluster: night\ndefaults: {user: core, agent: true, known-hosts: /dev/null}\nhosts:\n"
	    "- {name: m0, address: 10.0.0.1, role: control-plane, recovery: true}\n"
	    "- {name: m1, address: 10.0.0.2, role: control-plane}\n"
	    "- {name: m2, address: 10.0.0.3, role: control-plane}\n";
	g_autoptr(GError) error = NULL;

	*self = (Scene){.cluster = rd_scenery_quorum_lost(7, 3)};
	self->api = rd_scenery_api(self->cluster, "m0");
	self->network = (RdNetwork){.cluster = self->cluster, .api = self->api, .punctual = TRUE};
	self->world = rd_sim_world_new(&self->network, "cluster", NULL, NULL);
	self->inventory =
	    rd_inventory_parse("night.yaml", inventory, strlen(inventory), NULL, &error);
	g_assert_no_error(error);
	self->backup = g_dir_make_tmp("preflight-XXXXXX", NULL);
	self->excused = g_hash_table_new(g_str_hash, g_str_equal);
	self->options = (RdPreflightOptions){.inventory = self->inventory,
					     .backup = self->backup,
					     .procedure = "manual-restore",
					     .restores = TRUE,
					     .must_be_dead = TRUE,
					     .excused = self->excused};
	add_operator_files(self);
	add_revision(self);
	write_backup(self, signer, DIGEST, "m0", "2");
}

static void
scene_end(Scene *self)
{
	g_autofree char *command = g_strdup_printf("rm -r %s", self->backup);

	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	rd_sim_world_free(self->world);
	rd_sim_api_free(self->api);
	rd_sim_cluster_free(self->cluster);
	rd_inventory_free(self->inventory);
	g_hash_table_unref(self->excused);
	g_free(self->backup);
}

/* ---- nothing is touched -------------------------------------------------------------------- */

static void
print_tree(GString *out, RdSimNode *node, guint depth)
{
	g_string_append_printf(out, "%*s%s %" G_GUINT64_FORMAT " %o %s\n", (int)depth, "",
			       node->name, node->inode, node->mode,
			       node->content != NULL ? rd_sim_node_sha256(node) : "");
	for (guint i = 0; node->children != NULL && i < node->children->len; i++)
		print_tree(out, node->children->pdata[i], depth + 1);
}

/* everything on all hosts but what the kubelet and etcd do by themselves */
static char *
all_trees(Scene *self)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		RdSimHost *one = self->cluster->hosts->pdata[i];

		print_tree(out, rd_sim_tree_find(one->tree, "/"), 0);
	}
	return g_string_free(out, FALSE);
}

static RdPreflight *
look(Scene *self)
{
	g_autofree char *before = all_trees(self);
	RdPreflight *preflight = rd_preflight_in_world(&self->options, self->world);
	g_autofree char *after = all_trees(self);

	g_assert_cmpstr(before, ==, after);
	for (guint i = 0; i < self->cluster->violations->len; i++)
		g_error("%s", (char *)self->cluster->violations->pdata[i]);
	return preflight;
}
