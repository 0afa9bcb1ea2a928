/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include <string.h>

/* podman with etcd's image: versions, and the restore of a snapshot. */

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

	if (has_words(self->argv, "image", "exists")) {
		self->status = self->host->imageless ? 1 : 0;
		return;
	}
	if (tool != NULL && has_words(self->argv, "snapshot", "restore"))
		restore_end(self);
	else if (tool != NULL && has_words(self->argv, "version", NULL))
		g_string_append_printf(
		    self->out, "%s version: " RD_SIM_ETCD_VERSION "\nAPI version: 3.5\n", tool);
	else {
		rd_sim_cluster_violation(self->host->cluster, "%s: unknown podman command",
					 self->host->name);
		self->status = 127;
	}
}
