/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/places.h"
#include "cli/prepare.h"
#include "cli/trial.h"
#include "preflight/inspect.h"
#include "preflight/metrics.h"
#include "yaml/json.h"

static char *inventory_path, *backup_path, *procedure_name, *metrics_path, *output;
static char **excuses;
static gboolean offline, trial;

static const GOptionEntry *
rd_check_options(void)
{
	static const GOptionEntry entries[] = {
	    {"cluster", 'c', 0, G_OPTION_ARG_FILENAME, &inventory_path, "the cluster's inventory",
	     "FILE"},
	    {"backup", 'b', 0, G_OPTION_ARG_FILENAME, &backup_path,
	     "look at this backup too, and whether it fits the cluster", "DIR"},
	    {"procedure", 0, 0, G_OPTION_ARG_STRING, &procedure_name,
	     "only what this procedure needs", "PROCEDURE"},
	    {"excuse", 0, 0, G_OPTION_ARG_STRING_ARRAY, &excuses,
	     "as start takes it: this host is powered off", "HOST=REASON"},
	    {"trial-restore", 0, 0, G_OPTION_ARG_NONE, &trial,
	     "when nothing stands in the way: restore the backup aside on the recovery host, "
	     "count, and take it away",
	     NULL},
	    {"metrics", 0, 0, G_OPTION_ARG_FILENAME, &metrics_path,
	     "write the findings there, for node_exporter's textfile collector", "FILE"},
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "another form", "json"},
	    {NULL},
	};

	return entries;
}

static const GOptionEntry *
rd_inventory_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "another form", "json"},
	    {"offline", 0, 0, G_OPTION_ARG_NONE, &offline, "only read the file", NULL},
	    {NULL},
	};

	return entries;
}

/* ---- what both print ----------------------------------------------------------------------- */

static void
rd_check_print_json(const RdInventory *inventory, GPtrArray *warnings, GPtrArray *findings)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	rd_json_int(json, "format", 1);
	rd_json_string(json, "cluster", inventory->cluster);
	rd_json_int(json, "hosts", inventory->hosts->len);
	rd_json_string(json, "backup", backup_path);
	rd_json_string(json, "procedure", procedure_name);
	rd_json_bool(json, "asked", !offline);
	rd_json_bool(json, "ok", rd_findings_count(findings, RD_LEVEL_BLOCK) == 0);
	json_builder_set_member_name(json, "warnings");
	json_builder_begin_array(json);
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		json_builder_add_string_value(json, g_ptr_array_index(warnings, i));
	json_builder_end_array(json);
	rd_findings_add_json(json, findings);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, TRUE);
	fputs(text, stdout);
}

static void
rd_check_head(GString *page, const RdScreen *screen, const RdInventory *inventory)
{
	const RdInventoryHost *recovery = rd_inventory_get_recovery(inventory);
	g_autoptr(GPtrArray) control_plane = rd_inventory_role(inventory, RD_ROLE_CONTROL_PLANE);

	rd_page_printf(page, screen, 0, 2,
		       "cluster %s: %u hosts, %u of them control plane, recovery host %s",
		       inventory->cluster, inventory->hosts->len, control_plane->len,
		       recovery != NULL ? recovery->name : "not chosen");
}

/* the warnings of the file go with the findings: they are of the same kind */
static RdInventory *
rd_check_read(const RdCli *cli, const char *path, GPtrArray **warnings, GError **error)
{
	RdInventory *inventory = NULL;

	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return NULL;
	}
	inventory = rd_inventory_load(path, warnings, error);
	for (guint i = 0; *warnings != NULL && i < (*warnings)->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(*warnings, i));
	return inventory;
}

static RdExit
rd_check_end(GPtrArray *findings, GError **error)
{
	g_autofree char *blocks = rd_preflight_blocks(findings);

	if (blocks != NULL)
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_REFUSED,
			    "%u findings stand in the way of a recovery (%s); nothing was changed",
			    rd_findings_count(findings, RD_LEVEL_BLOCK), blocks);
	return RD_EXIT_DONE;
}

/* ---- check --------------------------------------------------------------------------------- */

static void
rd_check_print(const RdCli *cli, const RdPreflight *preflight)
{
	const RdScreen *screen = &cli->screen;
	g_autoptr(GString) page = g_string_new(NULL);
	g_autofree char *file = rd_findings_word(inventory_path);
	g_autofree char *dir = backup_path != NULL ? rd_findings_word(backup_path) : NULL;
	gboolean blocked = rd_findings_count(preflight->findings, RD_LEVEL_BLOCK) > 0;

	rd_check_head(page, screen, preflight->facts->inventory);
	if (backup_path != NULL) {
		g_autofree char *shown = rd_screen_clean(backup_path);

		rd_page_printf(page, screen, 0, 2, "backup %s", shown);
	}
	g_string_append_c(page, '\n');
	rd_findings_print(page, screen, preflight->findings);
	g_string_append_c(page, '\n');
	rd_page_add(page, screen, 0, 2,
		    blocked ? "no recovery could start like this. When it is put right, again:"
			    : "a recovery could start. Which one fits today:");
	rd_page_printf(page, screen, 2, 4, RD_INK_BOLD "recoveryd %s -c %s%s%s" RD_INK_END,
		       blocked ? "check" : "advise", file, dir != NULL ? " -b " : "",
		       dir != NULL ? dir : "");
	fputs(page->str, stdout);
}

static RdExit
rd_check_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(GHashTable) excused =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(RdInventory) inventory = NULL;
	g_autoptr(RdPreflight) preflight = NULL;
	g_autofree char *procedure = NULL;
	RdPreflightOptions options = {.backup = backup_path, .excused = excused};

	if (inventory_path == NULL) {
		rd_cli_usage(error, "which cluster? -c FILE names its inventory");
		return RD_EXIT_USAGE;
	}
	if (trial && backup_path == NULL) {
		rd_cli_usage(error, "--trial-restore: of which backup? -b DIR names it");
		return RD_EXIT_USAGE;
	}
	if (!rd_prepare_pairs(excuses, "excuse", excused, error))
		return RD_EXIT_USAGE;
	inventory = rd_check_read(cli, inventory_path, &warnings, error);
	if (inventory == NULL)
		return RD_EXIT_USAGE;
	if (procedure_name != NULL) {
		procedure = rd_prepare_procedure(procedure_name, &options.restores, error);
		if (procedure == NULL)
			return RD_EXIT_USAGE;
	}
	options.procedure = procedure;
	options.inventory = inventory;
	preflight = rd_preflight(&options);
	if (output != NULL)
		rd_check_print_json(inventory, warnings, preflight->findings);
	else
		rd_check_print(cli, preflight);
	if (metrics_path != NULL && !rd_metrics_write(metrics_path, preflight, error))
		return RD_EXIT_FAILED;
	if (trial && rd_findings_count(preflight->findings, RD_LEVEL_BLOCK) == 0)
		return rd_trial_restore(cli, inventory_path, excuses, preflight->facts->backup,
					error);
	return rd_check_end(preflight->findings, error);
}

const RdCommand rd_command_check = {
    .name = "check",
    .args = "",
    .summary = "could a recovery start? asks all hosts, changes nothing",
    .help = "Every check says ok, warn or block, what was found on which host, and what to do "
	    "about it; `recoveryd man checks` lists them. Reads only, all hosts at once: good for "
	    "a timer, long before the disaster. A cluster that works is fine here; start refuses "
	    "it.\n\n"
	    "--trial-restore goes on with what `backup verify --trial-restore` does, which is a "
	    "run and takes the lock; without it nothing is.\n\n"
	    "The exit code is 7 when something would block a recovery, 2 when the inventory is "
	    "wrong.",
    .options = rd_check_options,
    .run = rd_check_run,
};

/* ---- inventory check ----------------------------------------------------------------------- */

static RdExit
rd_inventory_check_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(RdInventory) inventory = rd_check_read(cli, args[0], &warnings, error);
	g_autoptr(GPtrArray) findings = rd_findings_new();
	g_autoptr(GString) page = g_string_new(NULL);

	if (inventory == NULL)
		return RD_EXIT_USAGE;
	if (!offline)
		rd_inspect(inventory, NULL, findings);
	if (output != NULL) {
		rd_check_print_json(inventory, warnings, findings);
		return rd_check_end(findings, error);
	}
	rd_check_head(page, &cli->screen, inventory);
	rd_findings_print(page, &cli->screen, findings);
	fputs(page->str, stdout);
	return rd_check_end(findings, error);
}

const RdCommand rd_command_inventory_check = {
    .name = "inventory check",
    .args = "FILE",
    .summary = "read an inventory and ask every host whether it could be worked on",
    .help = "The part of `recoveryd check` that is about hosts alone: reachable, host key, login, "
	    "root or sudo without password and terminal, tools, space, mounts, clock, lock, "
	    "forwarding. Reads only. The exit code is 7 when something would block a recovery, 2 "
	    "when the file is wrong.",
    .options = rd_inventory_options,
    .run = rd_inventory_check_run,
};
