/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "rehearsal/contract-private.h"

/* What is on the hosts, to compare before and after. recoveryd's own directory is left out: locks,
 * jobs and what was moved aside stay there by design. */

static void
add_below(GHashTable *files, const RdSimHost *host, RdSimNode *node, const char *path)
{
	if (node->content != NULL)
		g_hash_table_insert(
		    files, g_strdup_printf("%s:%s", host->name, path),
		    g_strdup_printf("%04o %s", node->mode, rd_sim_node_sha256(node)));
	for (guint i = 0; node->children != NULL && i < node->children->len; i++) {
		RdSimNode *child = g_ptr_array_index(node->children, i);
		g_autofree char *below = g_strdup_printf("%s/%s", path, child->name);

		if (!g_str_equal(below, "/var/lib/recoveryd"))
			add_below(files, host, child, below);
	}
}

/* what touches acts on its own host alone; on the others colleagues may be at work */
static gboolean
is_looked_at(RdContractTrial *self, const RdSimHost *host)
{
	return g_str_equal(self->step->target, host->name) ||
	       g_str_equal(self->step->target, "cluster");
}

GHashTable *
rd_contract_files(RdContractTrial *self)
{
	GHashTable *files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; i < self->contract->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->contract->cluster->hosts, i);

		if (is_looked_at(self, host))
			add_below(files, host, rd_sim_tree_find(host->tree, "/"), "");
	}
	return files;
}

static char *
first_missing(GHashTable *from, GHashTable *in, const char *what)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(from), (GCompareFunc)strcmp);

	for (GList *l = names; l != NULL; l = l->next) {
		const char *other = g_hash_table_lookup(in, l->data);

		if (other == NULL)
			return g_strdup_printf("%s %s", (const char *)l->data, what);
		if (!g_str_equal(other, g_hash_table_lookup(from, l->data)))
			return g_strdup_printf("%s is different", (const char *)l->data);
	}
	return NULL;
}

char *
rd_contract_difference(GHashTable *before, GHashTable *after, gboolean nothing_new)
{
	char *text = first_missing(before, after, "is gone");

	return text != NULL || !nothing_new ? text : first_missing(after, before, "is new");
}

static int
compare_lines(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char *
rd_contract_effects(RdContractTrial *self)
{
	/* containers come and go by themselves; of a lock and a job one may be tried again */
	static const char *const not_ours[] = {"container ", "taken", "job ", "fenced"};
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < self->contract->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->contract->cluster->hosts, i);
		GHashTableIter iter;
		gpointer effect, count;

		if (!is_looked_at(self, host))
			continue;
		g_hash_table_iter_init(&iter, host->tally);
		while (g_hash_table_iter_next(&iter, &effect, &count)) {
			gboolean ours = TRUE;

			for (guint j = 0; j < G_N_ELEMENTS(not_ours); j++)
				ours = ours && !g_str_has_prefix(effect, not_ours[j]);
			if (ours)
				g_ptr_array_add(lines,
						g_strdup_printf("%s: %s, %u times", host->name,
								(const char *)effect,
								GPOINTER_TO_UINT(count)));
		}
	}
	g_ptr_array_sort(lines, compare_lines);
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("; ", (char **)lines->pdata);
}
