/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "procedure/types.h"
#include "runner/catalogue.h"

/* The state types of the shipped plugins, as they load. (transfer full) */
static RdTypes *
shipped_types(void)
{
	g_autofree char *plugins = g_build_filename(g_getenv("BUILD_ROOT"), "plugins", NULL);
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(JsonNode) description = NULL;
	g_autoptr(GError) error = NULL;
	RdTypes *types;

	rd_catalogue_load_dir(catalogue, plugins, &error);
	g_assert_no_error(error);
	description = rd_catalogue_describe(catalogue);
	types = rd_types_new(description, &error);
	g_assert_no_error(error);
	return types;
}
