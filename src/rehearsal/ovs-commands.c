/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include <string.h>

/* Open vSwitch and the databases of OVN beside it, of which a host has those of the interconnect
 * layout. Nothing but these may be removed (INV-24). */

static const char *const databases[] = {RD_SIM_OVN_DIR "/ovnnb_db.db",
					RD_SIM_OVN_DIR "/ovnsb_db.db"};

void
rd_sim_readlink(RdSimExec *self)
{
	/* there are no links here */
	g_string_append_printf(self->out, "%s\n", self->argv[2]);
}

/* `find DIR -maxdepth 1 -type f -name *.db -exec stat -c "%i %W %n" {} +`: when a file was born
 * nobody knows here */
void
rd_sim_find_databases(RdSimExec *self)
{
	RdSimNode *node = rd_sim_tree_find(self->host->tree, self->argv[1]);

	if (node == NULL || node->children == NULL) {
		g_string_append_printf(self->err, "find: '%s': No such file or directory\n",
				       self->argv[1]);
		self->status = 1;
		return;
	}
	for (guint i = 0; i < node->children->len; i++) {
		const RdSimNode *child = g_ptr_array_index(node->children, i);

		if (child->content != NULL && g_str_has_suffix(child->name, ".db"))
			g_string_append_printf(self->out, "%" G_GUINT64_FORMAT " 0 %s/%s\n",
					       child->inode, self->argv[1], child->name);
	}
}

void
rd_sim_rm(RdSimExec *self)
{
	for (guint i = 3; self->argv[i] != NULL; i++) {
		g_autofree char *dir = g_path_get_dirname(self->argv[i]);

		if (!g_str_equal(dir, RD_SIM_OVN_DIR) || !g_str_has_suffix(self->argv[i], ".db"))
			rd_sim_cluster_violation(self->host->cluster,
						 "%s: %s is no database of OVN, and was removed",
						 self->host->name, self->argv[i]);
		if (rd_sim_tree_remove(self->host->tree, self->argv[i]) == 0)
			rd_sim_host_count(self->host, "removed", self->argv[i]);
	}
}

void
rd_sim_ovs_show(RdSimExec *self)
{
	gint64 since = MAX(self->host->ovs_since, self->host->up_since);

	g_string_append_printf(
	    self->out, "ActiveState=active\nActiveEnterTimestampMonotonic=%" G_GINT64_FORMAT "\n",
	    since - self->host->up_since + 10 * RD_SIM_SECOND);
}

void
rd_sim_ovs_serve(RdSimHost *host)
{
	host->ovs_waits = FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(databases); i++)
		if (rd_sim_tree_find(host->tree, RD_SIM_OVN_DIR) != NULL &&
		    rd_sim_tree_find(host->tree, databases[i]) == NULL &&
		    rd_sim_tree_write_text(host->tree, databases[i], "new\n", 0640) != 0)
			host->ovs_waits = TRUE;
}

void
rd_sim_ovs_restart(RdSimExec *self)
{
	self->host->ovs_since = rd_timeline_now(self->host->cluster->timeline);
	rd_sim_host_count(self->host, "restarted", "Open vSwitch");
	rd_sim_ovs_serve(self->host);
}
