/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/commands.h"
#include <errno.h>
#include <string.h>

/* What a host says of its storage. A link of the Local Storage Operator is a file here, whose text
 * is where it points to; a device is there if it is a file below /dev. Nothing but such a link, to
 * a device that is gone, may be removed (INV-40). */

static gboolean
dangles(RdSimExec *self, const RdSimNode *link)
{
	g_autofree char *target = rd_sim_node_text(link);

	return rd_sim_tree_find(self->host->tree, target) == NULL;
}

/* `find /mnt/local-storage -mindepth 2 -maxdepth 2 -printf …` */
void
rd_sim_find_links(RdSimExec *self)
{
	RdSimNode *top = rd_sim_tree_find(self->host->tree, RD_SIM_LINKS);

	if (top == NULL) {
		g_string_append(self->err, "find: '" RD_SIM_LINKS "': No such file or directory\n");
		self->status = 1;
		return;
	}
	for (guint i = 0; i < top->children->len; i++) {
		const RdSimNode *class = g_ptr_array_index(top->children, i);

		for (guint j = 0; class->children != NULL && j < class->children->len; j++) {
			const RdSimNode *link = g_ptr_array_index(class->children, j);
			g_autofree char *target = rd_sim_node_text(link);

			g_string_append_printf(self->out, "l\t%c\t" RD_SIM_LINKS "/%s/%s\t%s\n",
					       dangles(self, link) ? 'N' : 'b', class->name,
					       link->name, target);
		}
	}
}

/* `find /dev /dev/disk/by-id -maxdepth 1 -type b,l -printf …` */
void
rd_sim_find_devices(RdSimExec *self)
{
	RdSimNode *dev = rd_sim_tree_find(self->host->tree, "/dev");

	for (guint i = 0; dev != NULL && i < dev->children->len; i++) {
		const RdSimNode *device = g_ptr_array_index(dev->children, i);

		if (device->content != NULL)
			g_string_append_printf(self->out, "b\tb\t/dev/%s\t\n", device->name);
	}
	g_string_append(self->err, "find: '/dev/disk/by-id': No such file or directory\n");
	self->status = 1;
}

/* `findmnt -rn -o TARGET,SOURCE` */
void
rd_sim_findmnt_all(RdSimExec *self)
{
	g_string_append(self->out, "/ /dev/sda4\n");
}

/* `readlink -- PATH`: silent about what is no link */
void
rd_sim_readlink_text(RdSimExec *self)
{
	RdSimNode *link = rd_sim_tree_find(self->host->tree, self->argv[2]);
	g_autofree char *target = link != NULL ? rd_sim_node_text(link) : NULL;

	if (target == NULL)
		self->status = 1;
	else
		g_string_append_printf(self->out, "%s\n", target);
}

/* `ls -d -- PATH` */
void
rd_sim_ls_one(RdSimExec *self)
{
	if (rd_sim_tree_find(self->host->tree, self->argv[3]) != NULL) {
		g_string_append_printf(self->out, "%s\n", self->argv[3]);
		return;
	}
	g_string_append_printf(self->err, "ls: cannot access '%s': No such file or directory\n",
			       self->argv[3]);
	self->status = 2;
}

/* `/bin/sh -c TEXT remove-dangling PATH`: TEXT looks itself */
void
rd_sim_remove_dangling(RdSimExec *self)
{
	const char *path = self->argv[4];
	RdSimNode *link = rd_sim_tree_find(self->host->tree, path);

	if (!g_str_has_prefix(path, RD_SIM_LINKS "/"))
		rd_sim_cluster_violation(self->host->cluster,
					 "%s: %s is no link of a local volume, and was to be "
					 "removed",
					 self->host->name, path);
	if (link == NULL)
		return;
	if (!dangles(self, link)) {
		self->status = 3;
		return;
	}
	rd_sim_tree_remove(self->host->tree, path);
	rd_sim_host_count(self->host, "removed", path);
}
