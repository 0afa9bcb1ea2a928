/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "likeness.h"
#include <stdio.h>
#include <string.h>

static gboolean
is_left_by_design(const char *path, const char *name)
{
	static const char *const ours[] = {"/proc", "/etc/machine-id", /* a boot writes them */
					   "/var/lib/recoveryd", "/etc/kubernetes/recoveryd",
					   "/home/core/assets/backup"};

	for (guint i = 0; i < G_N_ELEMENTS(ours); i++)
		if (g_str_has_prefix(path, ours[i]))
			return TRUE;
	return g_str_has_prefix(name, "recoveryd-");
}

static void
take_node(GPtrArray *lines, const RdSimHost *host, RdSimNode *node, const char *path)
{
	if (is_left_by_design(path, node->name))
		return;
	g_ptr_array_add(lines, g_strdup_printf("%s %s inode %" G_GUINT64_FORMAT " mode %o %s",
					       host->name, path, node->inode, node->mode,
					       node->children != NULL ? "directory"
								      : rd_sim_node_sha256(node)));
	for (guint i = 0; node->children != NULL && i < node->children->len; i++) {
		RdSimNode *child = g_ptr_array_index(node->children, i);
		g_autofree char *below = g_strconcat(path, "/", child->name, NULL);

		take_node(lines, host, child, below);
	}
}

static void
take_host(GPtrArray *lines, RdSimHost *host)
{
	take_node(lines, host, rd_sim_tree_find(host->tree, "/"), "");
	for (guint i = 0; i < host->pods->len; i++) {
		const RdSimPod *pod = g_ptr_array_index(host->pods, i);

		g_ptr_array_add(lines,
				g_strdup_printf("%s pod %s/%s of %u", host->name, pod->namespace,
						pod->name, pod->containers->len));
	}
	for (guint i = 0; i < host->addresses->len; i++) {
		const RdSimAddress *address = g_ptr_array_index(host->addresses, i);

		if (!rd_sim_cluster_is_vip(host->cluster, address->text))
			g_ptr_array_add(lines, g_strdup_printf("%s %s on %s", host->name,
							       address->text, address->device));
	}
	if (host->etcd == NULL)
		return;
	g_ptr_array_add(lines, g_strdup_printf("%s etcd %s, member %" G_GINT64_MODIFIER
					       "x of %" G_GINT64_MODIFIER
					       "x, revision %" G_GINT64_FORMAT ", quorum %d",
					       host->name, host->etcd->name, host->etcd->member_id,
					       host->etcd->cluster_id, host->etcd->revision,
					       rd_sim_etcd_has_quorum(host)));
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
likeness_take(RdSimCluster *cluster)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < cluster->hosts->len; i++)
		take_host(lines, g_ptr_array_index(cluster->hosts, i));
	for (guint i = 0; cluster->vips != NULL && cluster->vips[i] != NULL; i++) {
		guint owners = 0;

		for (guint j = 0; j < cluster->hosts->len; j++)
			owners += rd_sim_host_has_address(g_ptr_array_index(cluster->hosts, j),
							  cluster->vips[i]);
		g_ptr_array_add(lines, g_strdup_printf("vip %s on %u", cluster->vips[i], owners));
	}
	g_ptr_array_sort(lines, compare_lines);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

static gboolean
counts(const char *line, const char *const *without)
{
	g_autofree char *host = g_strndup(line, strcspn(line, " "));

	return without == NULL || !g_strv_contains(without, host);
}

static void
add_missing(GPtrArray *wrong, char **from, char **in, const char *const *without, const char *word)
{
	for (guint i = 0; from[i] != NULL; i++)
		if (!g_strv_contains((const char *const *)in, from[i]) && counts(from[i], without))
			g_ptr_array_add(wrong, g_strdup_printf("%s: %s", word, from[i]));
}

GPtrArray *
likeness_compare(const char *before, const char *after, const char *const *without)
{
	GPtrArray *wrong = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) was = g_strsplit(before, "\n", -1);
	g_auto(GStrv) is = g_strsplit(after, "\n", -1);

	add_missing(wrong, was, is, without, "no more");
	add_missing(wrong, is, was, without, "new");
	return wrong;
}

void
likeness_tell_difference(const char *one, const char *other)
{
	g_auto(GStrv) lines = g_strsplit(one, "\n", -1), others = g_strsplit(other, "\n", -1);
	guint i = 0;

	while (lines[i] != NULL && others[i] != NULL && g_str_equal(lines[i], others[i]))
		i++;
	printf("# first:  %s\n# second: %s\n", lines[i] != NULL ? lines[i] : "(the end)",
	       others[i] != NULL ? others[i] : "(the end)");
}
