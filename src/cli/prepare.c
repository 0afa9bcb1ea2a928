/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/prepare.h"

#include <string.h>

#include "cli/command.h"
#include "cli/places.h"
#include "procedure/procedure.h"

gboolean
rd_prepare_pairs(char **words, const char *option, GHashTable *table, GError **error)
{
	for (guint i = 0; words != NULL && words[i] != NULL; i++) {
		const char *equals = strchr(words[i], '=');

		if (equals == NULL || equals == words[i])
			return rd_cli_usage(error, "--%s %s: write NAME=VALUE", option, words[i]);
		g_hash_table_replace(table, g_strndup(words[i], equals - words[i]),
				     g_strdup(equals + 1));
	}
	return TRUE;
}

char *
rd_prepare_procedure(const char *name, gboolean *restores, GError **error)
{
	g_autofree char *path = rd_procedure_locate(name, rd_place_procedures(), error);
	g_autoptr(RdTypes) types = path != NULL ? rd_place_types(error) : NULL;
	g_autoptr(RdProcedure) procedure =
	    types != NULL ? rd_procedure_load(path, types, error) : NULL;

	if (procedure == NULL)
		return NULL;
	*restores = rd_procedure_restores(procedure);
	return g_strdup(procedure->name);
}
