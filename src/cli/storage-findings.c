/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/reading.h"
#include "yaml/json.h"

/* What a run has found: the output `findings` of its states (docs/json.md), as the storage audit
 * gives it. Of several the one that stands last in the procedure counts: it was looked at last. */

#define OUTPUT "findings"

static char *output;

static const GOptionEntry *
rd_findings_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "as the journal has it", "json"},
	    {NULL},
	};

	return entries;
}

/* (unowned) NULL: there is none */
static const char *
rd_findings_last(const RdOpenRun *open, const char **state)
{
	const char *found = NULL;

	for (guint i = 0; i < open->plan->states->len; i++) {
		const RdPlanState *one = g_ptr_array_index(open->plan->states, i);

		for (guint j = 0; j < one->targets->len; j++) {
			const char *value = rd_run_get_output(
			    open->run, one->name, g_ptr_array_index(one->targets, j), OUTPUT);

			if (value == NULL)
				continue;
			found = value;
			*state = one->name;
		}
	}
	return found;
}

static const char *
rd_findings_text(JsonObject *object, const char *name)
{
	return json_object_get_string_member_with_default(object, name, "");
}

static void
rd_findings_print_one(GString *page, const RdScreen *screen, JsonObject *object)
{
	static const struct {
		const char *severity, *ink;
	} inks[] = {{"critical", RD_INK_BAD}, {"warning", RD_INK_WARN}, {"note", RD_INK_DIM}};
	g_autofree char *severity = rd_screen_clean(rd_findings_text(object, "severity"));
	g_autofree char *kind = rd_screen_clean(rd_findings_text(object, "kind"));
	g_autofree char *what = rd_screen_clean(rd_findings_text(object, "object"));
	g_autofree char *node = rd_screen_clean(rd_findings_text(object, "node"));
	g_autofree char *evidence = rd_screen_clean(rd_findings_text(object, "evidence"));
	g_autofree char *manual = rd_screen_clean(rd_findings_text(object, "manual"));
	g_autofree char *remedy = rd_screen_clean(rd_findings_text(object, "remedy"));
	g_autofree char *word = rd_screen_pad(severity, 9), *sort = rd_screen_pad(kind, 20);
	const char *ink = "";

	for (guint i = 0; i < G_N_ELEMENTS(inks); i++)
		if (g_str_equal(severity, inks[i].severity))
			ink = inks[i].ink;
	rd_page_printf(page, screen, 0, 10, "%s%s" RD_INK_END " %s %s%s%s", ink, word, sort, what,
		       *node != '\0' ? " @ " : "", node);
	rd_page_printf(page, screen, 10, 12, "%s", evidence);
	rd_page_printf(page, screen, 10, 12, RD_INK_DIM "by hand: %s" RD_INK_END, manual);
	if (*remedy != '\0')
		rd_page_printf(page, screen, 10, 12, RD_INK_DIM "when told to: %s" RD_INK_END,
			       remedy);
}

static gboolean
rd_findings_print(const RdCli *cli, JsonNode *root)
{
	g_autoptr(GString) page = g_string_new(NULL);
	JsonNode *node = NULL;
	JsonArray *all;

	if (root != NULL && JSON_NODE_HOLDS_OBJECT(root))
		node = json_object_get_member(json_node_get_object(root), OUTPUT);
	if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
		return FALSE;
	all = json_node_get_array(node);
	for (guint i = 0; i < json_array_get_length(all); i++) {
		JsonNode *one = json_array_get_element(all, i);

		if (JSON_NODE_HOLDS_OBJECT(one))
			rd_findings_print_one(page, &cli->screen, json_node_get_object(one));
	}
	fputs(page->str, stdout);
	return TRUE;
}

static RdExit
rd_findings_run(const RdCli *cli, char **args, GError **error)
{
	const char *state = NULL, *text;
	g_autoptr(JsonNode) root = NULL;
	RdExit code = RD_EXIT_DONE;
	RdOpenRun *open;

	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return RD_EXIT_USAGE;
	}
	open = rd_reading_open(cli, args[0], error);
	if (open == NULL)
		return RD_EXIT_NO_RUN;
	text = rd_findings_last(open, &state);
	root = text != NULL ? json_from_string(text, NULL) : NULL;
	if (text == NULL) {
		rd_cli_say(cli,
			   "%s has looked for nothing so far: findings are what a storage "
			   "audit says",
			   rd_rundir_get_id(open->dir));
	} else if (output != NULL) {
		g_autofree char *json = root != NULL ? rd_json_print(root, TRUE) : NULL;

		fputs(json != NULL ? json : text, stdout);
	} else if (!rd_findings_print(cli, root)) {
		g_set_error(error, RD_EXIT_ERROR, RD_EXIT_JOURNAL,
			    "%s: what %s has found cannot be read as findings",
			    rd_rundir_get_id(open->dir), state);
		code = RD_EXIT_JOURNAL;
	} else {
		rd_cli_say(cli, "found by %s", state);
	}
	rd_open_run_free(open);
	return code;
}

const RdCommand rd_command_findings = {
    .name = "findings",
    .args = "[RUN]",
    .summary = "what a storage audit has found: object, node, evidence, what to do",
    .help = "The worst first. Nothing is repaired by it; 'when told to' names the state type "
	    "that could, and 'recoveryd procedure show audit-storage' the input that asks for it.",
    .options = rd_findings_options,
    .run = rd_findings_run,
};
