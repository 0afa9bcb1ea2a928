/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/verbs.h"
#include <errno.h>
#include <string.h>

/* move, move-aside, aside, put, fetch, as src/host/wrapper.sh does them. */

static void
refuse(RdReply *reply, const char *path, const char *why)
{
	g_autofree char *text = g_strdup_printf("%s: %s", path, why);

	rd_sim_reply(reply, RD_VERDICT_REFUSED, 0, NULL, text);
}

static int
mkdir_above(RdSimHost *host, const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);

	return rd_sim_tree_mkdirs(host->tree, dir);
}

/* TRUE when it was renamed; else @reply is the refusal */
static gboolean
rename_guarded(RdSimHost *host, const char *from, const char *to, RdReply *reply)
{
	int error;

	if (rd_sim_tree_find(host->tree, from) == NULL) {
		refuse(reply, from, "does not exist");
		return FALSE;
	}
	if (rd_sim_tree_find(host->tree, to) != NULL) {
		refuse(reply, to, "exists already");
		return FALSE;
	}
	error = mkdir_above(host, to);
	if (error == 0)
		error = rd_sim_tree_rename(host->tree, from, to);
	if (error != 0) {
		refuse(reply, to, g_strerror(error));
		return FALSE;
	}
	return TRUE;
}

void
rd_sim_move(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	if (rename_guarded(host, call->from, call->to, reply))
		rd_sim_reply(reply, RD_VERDICT_DONE, 0, NULL, NULL);
}

/* where docs/hosts.md says that @from is kept */
static char *
aside_place(RdSimHost *host, const char *run, const char *from)
{
	g_autofree char *base = g_path_get_basename(from);
	g_autofree char *dir = g_path_get_dirname(from);
	g_autofree char *flat = NULL;

	if (g_str_equal(dir, RD_SIM_MANIFESTS))
		return g_strdup_printf("/etc/kubernetes/recoveryd/%s/%s", run, base);
	if (g_str_equal(rd_sim_tree_mount_of(host->tree, from),
			rd_sim_tree_mount_of(host->tree, "/var/lib/recoveryd"))) {
		flat = g_strdelimit(g_strdup(from), "/", '_');
		return g_strdup_printf("/var/lib/recoveryd/aside/%s/%s", run, flat);
	}
	return g_strdup_printf("%s/recoveryd-%s-%s", dir, run, base);
}

static char *
index_path(const char *run)
{
	return g_strdup_printf("/var/lib/recoveryd/aside/%s/index", run);
}

/* the index names @from and the thing is there */
static char *
aside_find(RdSimHost *host, const char *run, const char *from)
{
	g_autofree char *path = index_path(run);
	RdSimNode *node = rd_sim_tree_find(host->tree, path);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	char *found = NULL;

	for (char **line = lines; *line != NULL; line++) {
		char *tab = strchr(*line, '\t');

		if (tab == NULL)
			continue;
		*tab = '\0';
		if (!g_str_equal(*line, from) || rd_sim_tree_find(host->tree, tab + 1) == NULL)
			continue;
		g_free(found);
		found = g_strdup(tab + 1);
	}
	return found;
}

static int
index_add(RdSimHost *host, const char *run, const char *from, const char *to)
{
	g_autofree char *path = index_path(run);
	RdSimNode *node = rd_sim_tree_find(host->tree, path);
	g_autofree char *old = node != NULL ? rd_sim_node_text(node) : NULL;
	g_autofree char *text = g_strdup_printf("%s%s\t%s\n", old != NULL ? old : "", from, to);
	int error = mkdir_above(host, path);

	return error != 0 ? error : rd_sim_tree_write_text(host->tree, path, text, 0600);
}

void
rd_sim_move_aside(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	g_autofree char *to = aside_place(host, call->run, call->from);
	int error;

	if (rd_sim_tree_find(host->tree, call->from) == NULL) {
		refuse(reply, call->from, "does not exist");
		return;
	}
	if (rd_sim_tree_find(host->tree, to) != NULL) {
		refuse(reply, to, "exists already");
		return;
	}
	/* the index first: what moved is never without a line */
	error = index_add(host, call->run, call->from, to);
	if (error != 0) {
		refuse(reply, to, g_strerror(error));
		return;
	}
	if (rename_guarded(host, call->from, to, reply))
		rd_sim_reply(reply, RD_VERDICT_DONE, 0, to, NULL);
}

void
rd_sim_aside(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	g_autofree char *to = aside_find(host, call->run, call->from);

	/* a line without its thing is a move that never happened */
	rd_sim_reply(reply, RD_VERDICT_DONE, to == NULL, to, NULL);
}

void
rd_sim_put(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	RdSimNode *node = rd_sim_tree_find(host->tree, call->to);
	g_autofree char *sha256 = NULL;
	int error;

	if (node != NULL && node->content != NULL && node->mode == call->mode &&
	    g_str_equal(rd_sim_node_sha256(node), call->sha256)) {
		rd_sim_reply(reply, RD_VERDICT_DONE, 0, NULL, NULL);
		return;
	}
	sha256 = rd_sim_sha256(g_bytes_get_data(call->input, NULL), g_bytes_get_size(call->input));
	if ((gint64)g_bytes_get_size(call->input) != call->size ||
	    !g_str_equal(sha256, call->sha256)) {
		refuse(reply, call->to, "length or SHA-256 differ from what was announced");
		return;
	}
	error = mkdir_above(host, call->to);
	if (error == 0)
		error = rd_sim_tree_write(host->tree, call->to, call->input, call->mode);
	if (error != 0) {
		refuse(reply, call->to, g_strerror(error));
		return;
	}
	rd_sim_host_count(host, "put", call->to);
	rd_sim_reply(reply, RD_VERDICT_DONE, 0, NULL, NULL);
}

void
rd_sim_fetch(RdSimHost *host, const RdCall *call, RdReply *reply)
{
	RdSimNode *node = rd_sim_tree_find(host->tree, call->from);
	gsize size;

	if (node == NULL || node->content == NULL) {
		refuse(reply, call->from, "does not exist");
		return;
	}
	size = g_bytes_get_size(node->content);
	*reply = (RdReply){.verdict = RD_VERDICT_DONE};
	if ((gsize)call->offset <= size)
		reply->out = g_bytes_new_from_bytes(node->content, (gsize)call->offset,
						    size - (gsize)call->offset);
	reply->err = g_strdup_printf("%" G_GSIZE_FORMAT " %s", size, rd_sim_node_sha256(node));
}
