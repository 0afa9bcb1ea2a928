/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include <string.h>

/* ip, ss, and grep in proxy.env. */

void
rd_sim_ip_address(RdSimExec *self)
{
	for (guint i = 0; i < self->host->addresses->len; i++) {
		const RdSimAddress *address = self->host->addresses->pdata[i];
		gboolean loopback = g_str_equal(address->device, "lo");

		g_string_append_printf(
		    self->out,
		    "%u: %s    %s %s scope %s %s\\       valid_lft forever preferred_lft "
		    "forever\n",
		    loopback ? 1 : 2, address->device,
		    strchr(address->text, ':') != NULL ? "inet6" : "inet", address->text,
		    loopback ? "host" : "global", address->device);
	}
}

/* INV-22: whatever is no VIP is the host's own, and nobody may take it away */
void
rd_sim_ip_address_del(RdSimExec *self)
{
	const char *text = self->argv[3], *device = self->argv[5];

	if (!rd_sim_cluster_is_vip(self->host->cluster, text))
		rd_sim_cluster_violation(self->host->cluster,
					 "%s: %s is no VIP, and was taken away", self->host->name,
					 text);
	if (rd_sim_host_remove_address(self->host, device, text)) {
		rd_sim_host_count(self->host, "vip removed", text);
		return;
	}
	g_string_append(self->err, "RTNETLINK answers: Cannot assign requested address\n");
	self->status = 2;
}

void
rd_sim_ss_sessions(RdSimExec *self)
{
	g_string_append_printf(self->out,
			       "ESTAB 0      0      %s:22      10.0.0.250:40000 "
			       "users:((\"sshd\",pid=700,fd=4),(\"sshd\",pid=690,fd=4))\n",
			       self->host->address);
}

void
rd_sim_grep_count(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, self->argv[3]);
	g_autofree char *text = node != NULL ? rd_sim_node_text(node) : NULL;
	g_auto(GStrv) lines = text != NULL ? g_strsplit(text, "\n", -1) : NULL;
	guint count = 0;

	if (lines == NULL) {
		g_string_append_printf(self->err, "grep: %s: No such file or directory\n",
				       self->argv[3]);
		self->status = 2;
		return;
	}
	for (guint i = 0; lines[i] != NULL; i++)
		count += g_regex_match_simple(self->argv[2], lines[i], G_REGEX_CASELESS, 0);
	g_string_append_printf(self->out, "%u\n", count);
	self->status = count > 0 ? 0 : 1;
}
