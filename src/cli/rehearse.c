/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/rehearse.h"
#include "procedure/types.h"
#include "rehearsal/contract.h"
#include "rehearsal/scenery.h"
#include "rehearsal/world.h"

typedef enum {
	RD_TRIED_WELL,
	RD_TRIED_NOT,
	RD_TRIED_BROKEN,
} RdTried;

/* the value given for a parameter, the last one counts */
static const char *
rd_with_find(const char *const *with, const char *name)
{
	const char *value = NULL;
	gsize size = strlen(name);

	for (guint i = 0; with != NULL && with[i] != NULL; i++)
		if (strncmp(with[i], name, size) == 0 && with[i][size] == '=')
			value = with[i] + size + 1;
	return value;
}

/* NULL: @missing has no value, or @error is set */
static GHashTable *
rd_with_fill(const RdType *type, const char *const *with, const char **missing, GError **error)
{
	g_autoptr(GHashTable) table =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; i < type->params->len; i++) {
		const RdTypeParam *param = g_ptr_array_index(type->params, i);
		const char *value = rd_with_find(with, param->name);
		const char *wanted = NULL;
		char *normal = NULL;

		if (value == NULL && param->fallback == NULL) {
			*missing = param->name;
			return NULL;
		}
		if (value == NULL) {
			normal = g_strdup(param->fallback);
		} else if (!rd_type_check_value(param->type, value, &normal, &wanted)) {
			rd_cli_usage(error, "--with %s=%s: %s wants %s", param->name, value,
				     type->name, wanted);
			return NULL;
		}
		g_hash_table_insert(table, g_strdup(param->name), normal);
	}
	return g_steal_pointer(&table);
}

static RdTried
rd_rehearse_state(RdContract *contract, const RdType *type, const char *const *with, GError **error)
{
	const char *missing = NULL;
	g_autoptr(GHashTable) table = rd_with_fill(type, with, &missing, error);
	g_auto(RdContractResult) result = {0};
	const RdContractStep step = {.state = strchr(type->name, '/') + 1,
				     .type = type->name,
				     .target = "m0",
				     .with = table,
				     .number = 1};

	if (table == NULL && missing == NULL)
		return RD_TRIED_BROKEN;
	if (table == NULL) {
		printf("%s: not tried, %s has no default: --with %s=VALUE\n", type->name, missing,
		       missing);
		return RD_TRIED_NOT;
	}
	rd_contract_try(contract, &step, &result);
	if (result.not_tried != NULL) {
		printf("%s: not tried: %s\n", type->name,
		       strstr(result.not_tried, RD_SIM_NO_API) != NULL
			   ? "it needs the Kubernetes API: --api"
			   : result.not_tried);
		return RD_TRIED_NOT;
	}
	for (guint i = 0; i < result.findings->len; i++)
		printf("%s\n", (const char *)g_ptr_array_index(result.findings, i));
	if (result.findings->len > 0)
		return RD_TRIED_BROKEN;
	printf("%s: keeps its promises in %u histories\n", type->name, result.trials);
	return RD_TRIED_WELL;
}

static gboolean
rd_rehearse_all(RdCatalogue *catalogue, const RdTypes *types, const char *local_dir,
		const char *const *with, gboolean with_api, GError **error)
{
	/* one host alone has its quorum */
	g_autoptr(RdSimCluster) cluster = rd_scenery_quorum_lost(1, with_api ? 1 : 3);
	g_autoptr(RdSimApi) api = with_api ? rd_scenery_api(cluster, "m0") : NULL;
	g_autoptr(RdSetting) setting = rd_setting_new(
	    "r-rehearsal-1", "5ca1ab1e-0000-4000-8000-000000000001", "you@here", local_dir);
	g_autoptr(RdContract) contract = rd_contract_new(cluster, catalogue, setting);
	const char *const *names = rd_types_get_names(types);
	gboolean well = TRUE;

	for (guint i = 0; i < cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(cluster->hosts, i);

		rd_setting_add_host(setting, host->name, i == 0 ? "recovery" : "control-plane",
				    host->address);
	}
	rd_contract_set_api(contract, api);
	rd_contract_take_locks(contract);
	for (guint i = 0; names[i] != NULL; i++) {
		g_autoptr(GError) local = NULL;

		if (rd_rehearse_state(contract, rd_types_find(types, names[i]), with, &local) ==
		    RD_TRIED_BROKEN)
			well = FALSE;
		if (local != NULL) {
			g_propagate_error(error, g_steal_pointer(&local));
			return FALSE;
		}
	}
	return well;
}

gboolean
rd_rehearse_plugin(RdCatalogue *catalogue, const char *const *with, gboolean with_api,
		   GError **error)
{
	g_autoptr(JsonNode) description = rd_catalogue_describe(catalogue);
	g_autoptr(RdTypes) types = rd_types_new(description, error);
	g_autofree char *dir = NULL;
	gboolean well;

	if (types == NULL)
		return FALSE;
	dir = g_dir_make_tmp("recoveryd-rehearsal-XXXXXX", error);
	if (dir == NULL)
		return FALSE;
	well = rd_rehearse_all(catalogue, types, dir, with, with_api, error);
	/* what was fetched stays if something was fetched: it is somebody's to look at */
	(void)g_rmdir(dir);
	return well;
}
