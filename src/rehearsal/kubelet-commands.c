/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include "rehearsal/controllers.h"
#include <string.h>

/* What is asked of a host about its kubelet, and the reboot: openssl, find -newer, hostname,
 * systemd-run. */

static RdSimNode *
find_node(RdSimExec *self, const char *path)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, path);

	if (node != NULL && node->content != NULL)
		return node;
	g_string_append_printf(self->err,
			       "Could not open file or uri for loading from %s: No such "
			       "file or directory\n",
			       path);
	self->status = 1;
	return NULL;
}

/* `openssl x509 -noout -enddate -in FILE` */
void
rd_sim_openssl_enddate(RdSimExec *self)
{
	RdSimNode *node = find_node(self, self->argv[5]);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;
	const char *line = text != NULL ? strstr(text, "notAfter=") : NULL;

	if (line != NULL)
		g_string_append_printf(self->out, "%.*s\n", (int)strcspn(line, "\n"), line);
	else if (node != NULL)
		self->status = 1;
}

/* `openssl pkey -pubout -in FILE` */
void
rd_sim_openssl_pubout(RdSimExec *self)
{
	RdSimNode *node = find_node(self, self->argv[4]);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;
	g_autofree char *public = text != NULL ? rd_sim_pki_public(text) : NULL;

	if (public != NULL)
		g_string_append(self->out, public);
	else
		self->status = 1;
}

/* `find DIR -maxdepth 1 -name *.pem [!] -newer FILE -printf %f\n` */
void
rd_sim_find_newer(RdSimExec *self)
{
	gboolean older = g_str_equal(self->argv[6], "!");
	const char *marker = self->argv[older ? 8 : 7];
	RdSimNode *dir = rd_sim_tree_find(self->host->tree, self->argv[1]);
	RdSimNode *mark = rd_sim_tree_find(self->host->tree, marker);

	if (dir == NULL || dir->children == NULL || mark == NULL) {
		g_string_append_printf(self->err, "find: '%s': No such file or directory\n",
				       mark == NULL ? marker : self->argv[1]);
		self->status = 1;
		return;
	}
	for (guint i = 0; i < dir->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(dir->children, i);

		if (g_str_has_suffix(child->name, ".pem") && (child->mtime > mark->mtime) != older)
			g_string_append_printf(self->out, "%s\n", child->name);
	}
}

void
rd_sim_hostname(RdSimExec *self)
{
	g_string_append_printf(self->out, "%s\n", self->host->name);
}

static gboolean
has_quorum(const RdSimCluster *self)
{
	for (guint i = 0; i < self->hosts->len; i++)
		if (rd_sim_etcd_has_quorum(g_ptr_array_index(self->hosts, i)))
			return TRUE;
	return FALSE;
}

/* `curl … -w %{http_code} … https://localhost:6443/readyz`: the host's own API server, which is
 * ready when it has an etcd to read from. `… -E CERTIFICATE …
 * https://api-int…:6443/api/v1/nodes/…`: any of them, with the kubelet's certificate. */
void
rd_sim_curl(RdSimExec *self)
{
	RdSimCluster *cluster = self->host->cluster;
	gboolean own = !g_strv_contains(self->argv, "-E");

	if (own ? !rd_sim_container_named(self->host, "kube-apiserver")
		: !rd_sim_runs_somewhere(cluster, "kube-apiserver")) {
		self->status = 7;
		g_string_append(self->out, "000");
	} else if (!has_quorum(cluster)) {
		g_string_append(self->out, "500");
	} else {
		g_string_append(self->out,
				!own && rd_sim_kubelet_is_refused(self->host) ? "401" : "200");
	}
}

typedef struct {
	RdSimHost *host;
	guint boots;
} Reboot;

static void
reboot(gpointer data)
{
	const Reboot *later = data;

	if (later->host->boots == later->boots && later->host->power == RD_SIM_UP)
		rd_sim_host_reboot(later->host);
}

/* `/bin/sh -c TEXT reboot --unit=U` */
void
rd_sim_reboot_later(RdSimExec *self)
{
	Reboot *later = g_new0(Reboot, 1);

	later->host = self->host;
	later->boots = self->host->boots;
	rd_sim_host_count(self->host, "told to reboot", NULL);
	rd_timeline_add(self->host->cluster->timeline, 5 * RD_SIM_SECOND, reboot, later, g_free);
	g_string_append_printf(self->out, "%s\n", self->host->boot_id);
}

/* `findmnt -n -o FSTYPE -T PATH` */
void
rd_sim_findmnt_type(RdSimExec *self)
{
	g_string_append(self->out, "xfs\n");
}
