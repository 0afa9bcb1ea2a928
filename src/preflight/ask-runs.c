/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

/* What earlier runs left on a host: their old data, and whether the cluster was ever restored. The
 * questions are those that return-to-old-data itself asks first (plugins/etcd/old-data.c), so that
 * a run is named only where it would not be refused. */

#include <string.h>

#include "preflight/ask-private.h"

#define ASIDE  "/var/lib/recoveryd/aside"
#define WORK   "/var/lib/recoveryd/work"
#define MEMBER "/var/lib/etcd/member"

typedef struct {
	guint moved; /* times that it moved a member's directory */
	guint there; /* of these still where they were put */
} RdOldMember;

static void
ask_member(RdAsking *self, const char *index, RdOldMember *found)
{
	g_auto(GStrv) lines = g_strsplit(index, "\n", -1);

	*found = (RdOldMember){0};
	for (guint i = 0; lines[i] != NULL; i++) {
		g_autofree char *db = NULL;

		if (!g_str_has_prefix(lines[i], MEMBER "\t"))
			continue;
		db = g_strconcat(lines[i] + strlen(MEMBER "\t"), "/snap/db", NULL);
		found->moved++;
		found->there += rd_asking_exists(self, db);
	}
}

/* cluster-restore.sh was started here by @run: it is the script that moved the data */
static gboolean
ask_script_ran(RdAsking *self, const char *run)
{
	g_autofree char *dir = g_strdup_printf(WORK "/%s", run);
	g_auto(GStrv) names = rd_asking_names(self, dir);

	for (guint i = 0; names[i] != NULL; i++)
		if (g_str_has_suffix(names[i], ".before"))
			return TRUE;
	return FALSE;
}

static void
ask_run(RdAsking *self, const char *run, GStrvBuilder *runs, GStrvBuilder *data)
{
	g_autofree char *path = g_strdup_printf(ASIDE "/%s/index", run);
	g_autofree char *index = rd_asking(self, "cat", path, NULL);
	RdOldMember member;

	if (index == NULL)
		return;
	ask_member(self, index, &member);
	if (ask_script_ran(self, run)) {
		self->facts->restored = TRUE;
		return;
	}
	self->facts->restored |= member.there > 0;
	/* gone back already, or two of which nobody knows the right one */
	if (member.there != MIN(member.moved, 1))
		return;
	g_strv_builder_add(runs, run);
	if (member.there == 1)
		g_strv_builder_add(data, run);
}

void
rd_asking_runs(RdAsking *self)
{
	g_autoptr(GStrvBuilder) runs = g_strv_builder_new();
	g_autoptr(GStrvBuilder) data = g_strv_builder_new();
	g_auto(GStrv) names = rd_asking_names(self, ASIDE);

	for (guint i = 0; names[i] != NULL; i++)
		if (g_str_has_prefix(names[i], "r-"))
			ask_run(self, names[i], runs, data);
	/* what the operator's script leaves, whoever started it */
	self->facts->restored |= self->facts->leftovers[0] != NULL;
	self->facts->old_runs = g_strv_builder_end(runs);
	self->facts->old_data = g_strv_builder_end(data);
}
