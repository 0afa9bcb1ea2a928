/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"
#include "backup/pair.h"
#include "procedure/expand.h"
#include "rehearsal/recovery-scripts.h"
#include "rehearsal/restore-script.h"
#include "rehearsal/scenery.h"
#include <string.h>

#define RESOURCES "static_kuberesources_night.tar.gz"
#define SCRIPT	  "accept-unknown-script" /* the simulated ones are nobody's release */

/* of all of them, as a person who has read them says it */
static char *
script_sums(void)
{
	static const char *const texts[] = {RD_SIM_SCRIPT_TEXT, RD_SIM_OLD_RESTORE_TEXT,
					    RD_SIM_OLD_RECOVER_TEXT, RD_SIM_OLD_TOKENIZE_TEXT,
					    RD_SIM_OLD_TOOLS_TEXT};
	GString *sums = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *sum =
		    g_compute_checksum_for_string(G_CHECKSUM_SHA256, texts[i], -1);

		g_string_append_printf(sums, "%s%s", i > 0 ? "," : "", sum);
	}
	return g_string_free(sums, FALSE);
}

static RdInventory *
make_inventory(guint n_masters, guint n_workers)
{
	g_autoptr(GString) text = g_string_new("cluster: night\nhosts:\n");
	g_autoptr(GError) error = NULL;
	RdInventory *inventory;

	for (guint i = 0; i < n_masters; i++)
		g_string_append_printf(text,
				       "- {name: m%u, address: 10.0.0.%u, role: control-plane%s}\n",
				       i, i + 1, i == 0 ? ", recovery: yes" : "");
	for (guint i = 0; i < n_workers; i++)
		g_string_append_printf(text, "- {name: w%u, address: 10.0.0.%u, role: worker}\n", i,
				       i + 11);
	inventory = rd_inventory_parse("/sim/night.yaml", text->str, text->len, NULL, &error);
	if (inventory == NULL)
		g_error("%s", error->message);
	return inventory;
}

void
sim_write_backup(const char *dir, gboolean lost, char **snapshot, char **sha256)
{
	g_autofree char *resources = g_build_filename(dir, RESOURCES, NULL);
	g_autoptr(GBytes) backup = lost ? rd_scenery_lost_backup() : rd_scenery_backup();
	g_autoptr(GBytes) tar = rd_scenery_resources();
	gsize size, tar_size;
	const char *data = g_bytes_get_data(backup, &size);
	const char *tar_data = g_bytes_get_data(tar, &tar_size);

	*snapshot = g_build_filename(dir, "snapshot_night.db", NULL);
	*sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, backup);
	if (!g_file_set_contents(*snapshot, data, (gssize)size, NULL) ||
	    !g_file_set_contents(resources, tar_data, (gssize)tar_size, NULL))
		g_error("cannot write into %s", dir);
}

static char *
backup_field(const char *field, const char *snapshot, const char *sha256)
{
	g_autofree char *dir = g_path_get_dirname(snapshot);
	g_autoptr(GBytes) tar = rd_scenery_resources();

	if (g_str_equal(field, "snapshot"))
		return g_strdup(snapshot);
	if (g_str_equal(field, "sha256"))
		return g_strdup(sha256);
	if (g_str_equal(field, "name"))
		return g_path_get_basename(snapshot);
	if (g_str_equal(field, "resources"))
		return g_build_filename(dir, RESOURCES, NULL);
	if (g_str_equal(field, "resources-name"))
		return g_strdup(RESOURCES);
	if (g_str_equal(field, "resources-sha256"))
		return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, tar);
	return g_strdup("unused");
}

static gboolean
is_file(const RdProcedure *procedure, const char *name)
{
	const RdProcedureInput *input = rd_procedure_find_input(procedure, name);

	return input != NULL && input->type == RD_INPUT_FILE;
}

RdPlan *
sim_plan(RdCatalogue *catalogue, const char *name, guint n_hosts, const char *snapshot,
	 const char *sha256)
{
	return sim_plan_of(catalogue, name, n_hosts, 0, snapshot, sha256, NULL);
}

RdPlan *
sim_plan_of(RdCatalogue *catalogue, const char *name, guint n_masters, guint n_workers,
	    const char *snapshot, const char *sha256, const char *const *given)
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
	g_autoptr(RdInventory) inventory = make_inventory(n_masters, n_workers);
	RdPlan *plan = NULL;

	for (guint i = 0; rd_pair_fields[i] != NULL && procedure != NULL; i++) {
		const char *field = rd_pair_fields[i];

		if (rd_procedure_find_input(procedure, "backup") == NULL)
			continue;
		g_hash_table_insert(inputs, g_strconcat("backup.", field, NULL),
				    backup_field(field, snapshot, sha256));
	}
	if (procedure != NULL && is_file(procedure, "backup")) {
		g_hash_table_remove_all(inputs);
		g_hash_table_insert(inputs, g_strdup("backup"), g_strdup(snapshot));
	}
	if (procedure != NULL && rd_procedure_find_input(procedure, "run") != NULL)
		g_hash_table_insert(inputs, g_strdup("run"), g_strdup(SIM_RUN));
	if (procedure != NULL && rd_procedure_find_input(procedure, SCRIPT) != NULL)
		g_hash_table_insert(inputs, g_strdup(SCRIPT), script_sums());
	for (guint i = 0; given != NULL && given[i] != NULL; i += 2)
		if (given[i + 1] != NULL)
			g_hash_table_insert(inputs, g_strdup(given[i]), g_strdup(given[i + 1]));
	if (procedure != NULL)
		plan = rd_procedure_expand(procedure, inventory, inputs, &error);
	if (plan == NULL)
		g_error("%s: %s", path, error->message);
	return plan;
}
