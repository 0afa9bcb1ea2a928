/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "preflight/inspect.h"
#include "cli/json.h"

static char *output;
static gboolean offline;

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

static guint
rd_inventory_count(GPtrArray *findings, RdLevel level)
{
	guint n = 0;

	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = g_ptr_array_index(findings, i);

		n += finding->level == level;
	}
	return n;
}

static void
rd_inventory_print_json(const RdInventory *inventory, GPtrArray *warnings, GPtrArray *findings)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(json);
	rd_json_int(json, "format", 1);
	rd_json_string(json, "cluster", inventory->cluster);
	rd_json_int(json, "hosts", inventory->hosts->len);
	rd_json_bool(json, "asked", !offline);
	rd_json_bool(json, "ok", rd_inventory_count(findings, RD_LEVEL_BLOCK) == 0);
	json_builder_set_member_name(json, "warnings");
	json_builder_begin_array(json);
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		json_builder_add_string_value(json, g_ptr_array_index(warnings, i));
	json_builder_end_array(json);
	json_builder_set_member_name(json, "findings");
	json_builder_begin_array(json);
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = g_ptr_array_index(findings, i);

		json_builder_begin_object(json);
		rd_json_string(json, "host", finding->host);
		rd_json_string(json, "check", finding->check);
		rd_json_string(json, "level", rd_level_to_string(finding->level));
		rd_json_string(json, "text", finding->text);
		rd_json_string(json, "remedy", finding->remedy);
		json_builder_end_object(json);
	}
	json_builder_end_array(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	text = rd_json_print(root, TRUE);
	fputs(text, stdout);
}

static void
rd_inventory_print(const RdCli *cli, const RdInventory *inventory, GPtrArray *findings)
{
	static const char *const inks[] = {RD_INK_GOOD, RD_INK_WARN, RD_INK_BAD};
	const RdInventoryHost *recovery = rd_inventory_get_recovery(inventory);
	g_autoptr(GPtrArray) control_plane = rd_inventory_role(inventory, RD_ROLE_CONTROL_PLANE);
	g_autoptr(GString) page = g_string_new(NULL);

	rd_page_printf(page, &cli->screen, 0, 2,
		       "cluster %s: %u hosts, %u of them control plane, recovery host %s",
		       inventory->cluster, inventory->hosts->len, control_plane->len,
		       recovery != NULL ? recovery->name : "not chosen");
	for (guint i = 0; i < findings->len; i++) {
		const RdFinding *finding = g_ptr_array_index(findings, i);
		g_autofree char *level = rd_screen_pad(rd_level_to_string(finding->level), 5);
		g_autofree char *check = rd_screen_pad(finding->check, 10);
		g_autofree char *text = rd_screen_clean(finding->text);

		rd_page_printf(page, &cli->screen, 2, 4, "%s%s" RD_INK_END "  %s  %s  %s",
			       inks[finding->level], level, finding->host, check, text);
		if (finding->remedy != NULL && finding->level != RD_LEVEL_OK)
			rd_page_printf(page, &cli->screen, 9, 9, "-> %s", finding->remedy);
	}
	fputs(page->str, stdout);
}

static RdExit
rd_inventory_check_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(GPtrArray) warnings = NULL;
	g_autoptr(RdInventory) inventory = NULL;
	g_autoptr(GPtrArray) findings = NULL;
	guint blocks;

	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return RD_EXIT_USAGE;
	}
	inventory = rd_inventory_load(args[0], &warnings, error);
	if (inventory == NULL)
		return RD_EXIT_USAGE;
	for (guint i = 0; warnings != NULL && i < warnings->len; i++)
		rd_cli_say(cli, "warning: %s", (char *)g_ptr_array_index(warnings, i));
	findings = offline ? g_ptr_array_new() : rd_inspect(inventory);
	if (output != NULL)
		rd_inventory_print_json(inventory, warnings, findings);
	else
		rd_inventory_print(cli, inventory, findings);
	blocks = rd_inventory_count(findings, RD_LEVEL_BLOCK);
	if (blocks > 0)
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_REFUSED,
			    "%u findings stand in the way of a recovery; nothing was changed",
			    blocks);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_inventory_check = {
    .name = "inventory check",
    .args = "FILE",
    .summary = "read an inventory and ask every host whether it could be worked on",
    .help = "Asks all hosts at once: reachable, host key, login, root or sudo without password "
	    "and terminal, tools, space, mounts, clock, lock, forwarding. Reads only. The exit "
	    "code is 7 when something would block a recovery, 2 when the file is wrong.",
    .options = rd_inventory_options,
    .run = rd_inventory_check_run,
};
