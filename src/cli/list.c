/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/view.h"
#include "yaml/format.h"
#include "yaml/json.h"

static char *output;

static const GOptionEntry *
rd_list_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "another form", "json|name"},
	    {NULL},
	};

	return entries;
}

/* one run; one that cannot be read is listed too, with the reason */
typedef struct {
	char *id, *headline, *steps, *cluster, *procedure, *started, *trouble;
	const char *ink;
	JsonNode *json;
} RdListRow;

static void
rd_list_row_free(gpointer data)
{
	RdListRow *row = data;

	g_free(row->id);
	g_free(row->headline);
	g_free(row->steps);
	g_free(row->cluster);
	g_free(row->procedure);
	g_free(row->started);
	g_free(row->trouble);
	g_clear_pointer(&row->json, json_node_unref);
	g_free(row);
}

static void
rd_list_fill(RdListRow *row, RdView *view)
{
	const RdPlan *plan = rd_run_get_plan(view->run);
	RdFacts facts;

	rd_view_get_facts(view, &facts);
	row->headline = g_strdup(rd_view_get_headline(view, &row->ink));
	row->steps = g_strdup_printf("%u/%u", facts.done, facts.total);
	row->cluster = g_strdup(plan->cluster);
	row->procedure = g_strdup(plan->procedure);
	row->started = rd_format_moment(rd_run_get_created_wall(view->run));
	row->json = rd_view_to_json(view);
}

static RdListRow *
rd_list_read(const RdCli *cli, const char *id)
{
	RdListRow *row = g_new0(RdListRow, 1);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdOpenRun) open = rd_reading_open(cli, id, &error);
	g_auto(RdView) view = {0};

	row->id = g_strdup(id);
	row->ink = RD_INK_BAD;
	if (open != NULL && rd_view_look(&view, open, NULL, &error)) {
		rd_list_fill(row, &view);
		return row;
	}
	row->headline = g_strdup("UNREADABLE");
	row->trouble = rd_screen_clean(error->message);
	return row;
}

static void
rd_list_print_row(GString *page, const RdScreen *screen, const RdListRow *row)
{
	g_autofree char *id = rd_screen_pad(row->id, 20);
	g_autofree char *headline = rd_screen_pad(row->headline, 10);
	g_autofree char *steps = rd_screen_pad(row->steps != NULL ? row->steps : "", 7);
	g_autofree char *cluster = rd_screen_pad(row->cluster != NULL ? row->cluster : "", 12);
	g_autofree char *procedure =
	    rd_screen_pad(row->procedure != NULL ? row->procedure : "", 16);

	if (row->trouble != NULL)
		rd_page_printf(page, screen, 0, 4, "%s  %s%s" RD_INK_END "  %s", id, row->ink,
			       headline, row->trouble);
	else
		rd_page_printf(page, screen, 0, 4, "%s  %s%s" RD_INK_END "  %s  %s  %s  %s", id,
			       row->ink, headline, steps, cluster, procedure, row->started);
}

static void
rd_list_print(const RdCli *cli, GPtrArray *rows)
{
	g_autoptr(GString) page = g_string_new(NULL);

	if (rows->len > 0)
		rd_page_add(page, &cli->screen, 0, 4,
			    RD_INK_DIM "RUN                   STATE       STEP     CLUSTER       "
				       "PROCEDURE         STARTED" RD_INK_END);
	for (guint i = 0; i < rows->len; i++)
		rd_list_print_row(page, &cli->screen, g_ptr_array_index(rows, i));
	fputs(page->str, stdout);
}

static void
rd_list_print_json(GPtrArray *rows)
{
	g_autoptr(JsonNode) node = json_node_alloc();
	g_autofree char *text = NULL;
	JsonArray *array = json_array_new();

	for (guint i = 0; i < rows->len; i++) {
		const RdListRow *row = g_ptr_array_index(rows, i);
		JsonObject *object;

		if (row->json != NULL) {
			json_array_add_element(array, json_node_copy(row->json));
			continue;
		}
		object = json_object_new();
		json_object_set_int_member(object, "format", 1);
		json_object_set_string_member(object, "run", row->id);
		json_object_set_string_member(object, "unreadable", row->trouble);
		json_array_add_object_element(array, object);
	}
	json_node_init_array(node, array);
	json_array_unref(array);
	text = rd_json_print(node, TRUE);
	fputs(text, stdout);
}

static RdExit
rd_list_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *base = rd_cli_base(cli);
	g_autoptr(GPtrArray) ids = NULL;
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(rd_list_row_free);

	if (output != NULL && strcmp(output, "json") != 0 && strcmp(output, "name") != 0) {
		rd_cli_usage(error, "-o is json or name, not %s", output);
		return RD_EXIT_USAGE;
	}
	ids = rd_rundir_list(base, error);
	if (ids == NULL)
		return RD_EXIT_JOURNAL;
	for (guint i = 0; i < ids->len; i++) {
		if (g_strcmp0(output, "name") == 0)
			puts(g_ptr_array_index(ids, i));
		else
			g_ptr_array_add(rows, rd_list_read(cli, g_ptr_array_index(ids, i)));
	}
	if (g_strcmp0(output, "json") == 0)
		rd_list_print_json(rows);
	else if (output == NULL)
		rd_list_print(cli, rows);
	if (ids->len == 0)
		rd_cli_say(cli, "there are no runs in %s/runs", base);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_list = {
    .name = "list",
    .args = "",
    .summary = "all runs, newest first",
    .options = rd_list_options,
    .run = rd_list_run,
};
