/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/restore-script.h"
#include <errno.h>
#include <string.h>

static const char *const kube[] = {"kube-apiserver", "kube-controller-manager", "kube-scheduler"};

/* ---- the tar ------------------------------------------------------------------------------- */

char *
rd_sim_tar_get(const char *tar, const char *path)
{
	g_autofree char *mark = g_strdup_printf("== %s\n", path);
	const char *at = strstr(tar, mark), *end;

	if (at == NULL)
		return NULL;
	at += strlen(mark);
	end = strstr(at, "== ");
	return end != NULL ? g_strndup(at, end - at) : g_strdup(at);
}

static char *
tar_read(RdSimExec *self, const char *file)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, file);

	return node != NULL && node->content != NULL ? rd_sim_node_text(node) : NULL;
}

void
rd_sim_tar(RdSimExec *self)
{
	g_autofree char *tar = tar_read(self, self->argv[2]);
	g_autofree char *text = NULL;

	if (tar == NULL) {
		g_string_append_printf(self->err, "tar: %s: Cannot open: %s\n", self->argv[2],
				       g_strerror(ENOENT));
		self->status = 2;
		return;
	}
	if (g_str_equal(self->argv[1], "-xOzf")) {
		text = rd_sim_tar_get(tar, self->argv[3]);
		if (text == NULL) {
			g_string_append(self->err, "tar: Not found in archive\n");
			self->status = 2;
		}
		g_string_append(self->out, text != NULL ? text : "");
		return;
	}
	for (const char *at = strstr(tar, "== "); at != NULL; at = strstr(at + 1, "== "))
		g_string_append_len(self->out, at + 3, (gssize)strcspn(at + 3, "\n") + 1);
}

/* ---- what the script does ------------------------------------------------------------------ */

static gint64
end(RdSimExec *self, int status, const char *words)
{
	self->status = status;
	g_string_append_printf(self->out, "%s\n", words);
	return -1;
}

/* the last of them by name, whatever else lies there */
static char *
last_of(RdSimExec *self, const char *prefix, const char *suffix)
{
	const char *dir = self->argv[5];
	RdSimNode *node = rd_sim_tree_find(self->host->tree, dir);
	const char *last = NULL;

	for (guint i = 0; node != NULL && node->children != NULL && i < node->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(node->children, i);

		if (g_str_has_prefix(child->name, prefix) && g_str_has_suffix(child->name, suffix))
			last = child->name;
	}
	return last != NULL ? g_build_filename(dir, last, NULL) : NULL;
}

/* /etc and /home are two mounts: mv copies, then removes; it replaces what is there */
static void
park(RdSimExec *self, const char *pod)
{
	g_autofree char *name = g_strconcat(pod, "-pod.yaml", NULL);
	g_autofree char *from = g_build_filename(RD_SIM_MANIFESTS, name, NULL);
	g_autofree char *to = g_build_filename(RD_SIM_STOPPED, name, NULL);
	RdSimNode *node = rd_sim_tree_find(self->host->tree, from);

	g_string_append_printf(self->out, "...stopping %s\n", name);
	if (node == NULL)
		return;
	if (rd_sim_tree_find(self->host->tree, to) != NULL)
		rd_sim_cluster_violation(
		    self->host->cluster,
		    "%s: cluster-restore.sh replaced %s, of an earlier restore", self->host->name,
		    to);
	rd_sim_tree_mkdirs(self->host->tree, RD_SIM_STOPPED);
	rd_sim_tree_write(self->host->tree, to, node->content, node->mode);
	rd_sim_tree_remove(self->host->tree, from);
}

static gboolean
has_pod(RdSimHost *host, const char *part)
{
	for (guint i = 0; i < host->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(host->pods, i);

		for (guint j = 0; j < pod->containers->len && strstr(pod->name, part) != NULL; j++)
			if (((RdSimContainer *)g_ptr_array_index(pod->containers, j))->running)
				return TRUE;
	}
	return FALSE;
}

static gboolean
move_data(RdSimExec *self)
{
	RdSimTree *tree = self->host->tree;
	RdSimNode *old = rd_sim_tree_find(tree, RD_SIM_SAVED "/member");

	rd_sim_tree_mkdirs(tree, RD_SIM_SAVED);
	if (rd_sim_tree_find(tree, RD_SIM_ETCD_DATA "/member") == NULL)
		return TRUE;
	if (old != NULL) {
		rd_sim_cluster_violation(
		    self->host->cluster, "%s: cluster-restore.sh deleted an old copy%s",
		    self->host->name,
		    old->inode == self->host->original_inode ? ", the only one of the original data"
							     : "");
		rd_sim_tree_remove_all(tree, RD_SIM_SAVED "/member");
	}
	return rd_sim_tree_rename(tree, RD_SIM_ETCD_DATA "/member", RD_SIM_SAVED "/member") == 0;
}

static gboolean
copy_snapshot(RdSimExec *self)
{
	g_autofree char *snapshot = last_of(self, "snapshot", ".db");
	RdSimNode *node = snapshot != NULL ? rd_sim_tree_find(self->host->tree, snapshot) : NULL;

	return node != NULL && rd_sim_tree_write(self->host->tree, RD_SIM_SAVED "/snapshot.db",
						 node->content, 0600) == 0;
}

/* cp is no rename: @share of 2 is there when the host dies in between */
static gboolean
copy_pod(RdSimExec *self, guint share)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, RD_SIM_RESTORE_POD);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;

	if (text == NULL)
		return FALSE;
	text[strlen(text) * share / 2] = '\0';
	return rd_sim_tree_write_text(self->host->tree, RD_SIM_MANIFESTS "/etcd-pod.yaml", text,
				      0600) == 0;
}

static gboolean
extract(RdSimExec *self, const char *pod)
{
	g_autofree char *file = last_of(self, "static_kuberesources", ".tar.gz");
	g_autofree char *tar = file != NULL ? tar_read(self, file) : NULL;
	g_autofree char *path =
	    g_strdup_printf("static-pod-resources/%s-pod-1/%s-pod.yaml", pod, pod);
	g_autofree char *to = g_strdup_printf(RD_SIM_MANIFESTS "/%s-pod.yaml", pod);
	g_autofree char *text = tar != NULL ? rd_sim_tar_get(tar, path) : NULL;

	return text != NULL && rd_sim_tree_write_text(self->host->tree, to, text, 0600) == 0;
}

static gboolean
check_snapshot(RdSimExec *self)
{
	g_autofree char *snapshot = last_of(self, "snapshot", ".db");
	RdSimNode *node = snapshot != NULL ? rd_sim_tree_find(self->host->tree, snapshot) : NULL;
	g_autoptr(RdSimEtcdData) data = node != NULL ? rd_sim_etcd_data_parse(node->content) : NULL;

	return data != NULL;
}

gint64
rd_sim_script_step(RdSimExec *self)
{
	RdTimeline *timeline = self->host->cluster->timeline;
	g_autofree char *tar = last_of(self, "static_kuberesources", ".tar.gz");
	guint stage = self->stage++;

	switch (stage) {
	case 0:
		rd_sim_host_count(self->host, "script begun", NULL);
		if (!check_snapshot(self))
			return end(self, 1, "Backup integrity verification failed. Aborting!");
		break;
	case 1:
	case 2:
	case 3:
		park(self, kube[stage - 1]);
		break;
	case 4:
		if (has_pod(self->host, "kube-")) {
			self->stage--;
			return RD_SIM_SECOND;
		}
		park(self, "etcd");
		break;
	case 5:
		if (has_pod(self->host, "etcd-")) {
			self->stage--;
			return RD_SIM_SECOND;
		}
		if (!move_data(self))
			return end(self, 1, "mv: cannot move the data");
		break;
	case 6: /* nobody looked before whether there is one */
		if (tar == NULL)
			return end(self, 2, "tar: Cannot open: No such file or directory");
		if (!copy_snapshot(self))
			return end(self, 1, "cp: cannot create snapshot.db");
		break;
	case 7:
	case 8:
		if (!copy_pod(self, stage - 6))
			return end(self, 1, "cp: cannot create etcd-pod.yaml");
		break;
	case 9:
	case 10:
	case 11:
		if (!extract(self, kube[stage - 9]))
			return end(self, 1, "a manifest does not exist in the tar");
		break;
	default:
		rd_sim_host_count(self->host, "script done", NULL);
		return -1;
	}
	return self->host->cluster->brisk
		   ? rd_timeline_chance(timeline, 50 * RD_SIM_MS, 500 * RD_SIM_MS)
		   : rd_timeline_chance(timeline, 200 * RD_SIM_MS, 2 * RD_SIM_SECOND);
}
