/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shipped procedures against the shipped plugins as they load: a parameter that one of them
 * has and the other does not would otherwise show up at three in the morning. */

#include "procedure/procedure.h"
#include "runner/catalogue.h"

static void
test_procedures(void)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autofree char *data =
	    g_build_filename(g_getenv("SOURCE_ROOT"), "data", "procedures", NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(JsonNode) description = NULL;
	g_autoptr(RdTypes) types = NULL;
	g_autoptr(GDir) dir = g_dir_open(data, 0, NULL);
	g_autoptr(GError) error = NULL;
	guint count = 0;

	rd_catalogue_load_dir(catalogue, plugins, &error);
	g_assert_no_error(error);
	description = rd_catalogue_describe(catalogue);
	types = rd_types_new(description, &error);
	g_assert_no_error(error);
	g_assert_nonnull(dir);
	for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir)) {
		g_autofree char *path = g_build_filename(data, name, NULL);
		g_autoptr(RdProcedure) procedure = NULL;

		if (!g_str_has_suffix(name, ".yaml"))
			continue;
		procedure = rd_procedure_load(path, types, &error);
		g_assert_no_error(error);
		count++;
	}
	g_assert_cmpuint(count, >=, 2);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shipped/procedures", test_procedures);
	return g_test_run();
}
