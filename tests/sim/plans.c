/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"
#include "backup/pair.h"
#include "procedure/expand.h"
#include <string.h>

static RdInventory *
make_inventory(guint n_hosts)
{
	g_autoptr(GString) text = g_string_new("cluster: night\nhosts:\n");
	g_autoptr(GError) error = NULL;
	RdInventory *inventory;

	for (guint i = 0; i < n_hosts; i++)
		g_string_append_printf(text,
				       "- {name: m%u, address: 10.0.0.%u, role: control-plane%s}\n",
				       i, i + 1, i == 0 ? ", recovery: yes" : "");
	inventory = rd_inventory_parse("/sim/night.yaml", text->str, text->len, NULL, &error);
	if (inventory == NULL)
		g_error("%s", error->message);
	return inventory;
}

RdPlan *
sim_plan(RdCatalogue *catalogue, const char *name, guint n_hosts, const char *snapshot,
	 const char *sha256)
{
	g_autofree char *path =
	    strchr(name, '/') != NULL
		? g_strdup(name)
		: g_strdup_printf("%s/data/procedures/%s.yaml", g_getenv("SOURCE_ROOT"), name);
	g_autoptr(GHashTable) inputs =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(JsonNode) description = rd_catalogue_describe(catalogue);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdTypes) types = rd_types_new(description, &error);
	g_autoptr(RdProcedure) procedure =
	    types != NULL ? rd_procedure_load(path, types, &error) : NULL;
	g_autoptr(RdInventory) inventory = make_inventory(n_hosts);
	RdPlan *plan = NULL;

	for (guint i = 0; rd_pair_fields[i] != NULL && procedure != NULL; i++) {
		const char *field = rd_pair_fields[i];

		if (rd_procedure_find_input(procedure, "backup") == NULL)
			continue;
		g_hash_table_insert(inputs, g_strconcat("backup.", field, NULL),
				    g_str_equal(field, "snapshot") ? g_strdup(snapshot)
				    : g_str_equal(field, "sha256") ? g_strdup(sha256)
				    : g_str_equal(field, "name")   ? g_path_get_basename(snapshot)
								   : g_strdup("unused"));
	}
	if (procedure != NULL)
		plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	if (plan == NULL)
		g_error("%s: %s", path, error->message);
	return plan;
}
