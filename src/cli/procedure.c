/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/places.h"
#include "procedure/procedure.h"
#include "yaml/format.h"

/* a procedure with the types it was checked against */
typedef struct {
	RdTypes *types;
	char *path;
	RdProcedure *procedure;
} RdLoaded;

static void
rd_loaded_clear(RdLoaded *self)
{
	g_clear_pointer(&self->procedure, rd_procedure_free);
	g_clear_pointer(&self->types, rd_types_free);
	g_clear_pointer(&self->path, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdLoaded, rd_loaded_clear)

static gboolean
rd_loaded_load(RdLoaded *self, const char *name, GError **error)
{
	self->path = rd_procedure_locate(name, rd_place_procedures(), error);
	if (self->path == NULL)
		return FALSE;
	self->types = rd_place_types(error);
	if (self->types == NULL)
		return FALSE;
	self->procedure = rd_procedure_load(self->path, self->types, error);
	return self->procedure != NULL;
}

/* ---- list ---------------------------------------------------------------------------------- */

static int
rd_procedure_by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
rd_procedure_list_dir(const RdCli *cli, const char *path, const RdTypes *types, GHashTable *seen)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *file;

	while (dir != NULL && (file = g_dir_read_name(dir)) != NULL)
		if (g_str_has_suffix(file, ".yaml"))
			g_ptr_array_add(names, g_strndup(file, strlen(file) - strlen(".yaml")));
	g_ptr_array_sort(names, rd_procedure_by_name);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *base = g_strdup_printf("%s.yaml", name);
		g_autofree char *full = g_build_filename(path, base, NULL);
		g_autofree char *padded = rd_screen_pad(name, 24);
		g_autoptr(RdProcedure) procedure = NULL;
		g_autoptr(GError) why = NULL;
		g_autoptr(GString) page = g_string_new(NULL);

		/* the first directory that has a name wins, as in start */
		if (!g_hash_table_add(seen, g_strdup(name)))
			continue;
		procedure = rd_procedure_load(full, types, &why);
		rd_page_printf(page, &cli->screen, 0, 26, "%s  %s%s%s", padded,
			       procedure != NULL ? "" : RD_INK_BAD "broken:" RD_INK_END " ",
			       procedure != NULL ? procedure->summary : "see procedure check ",
			       procedure != NULL ? "" : name);
		fputs(page->str, stdout);
	}
}

static RdExit
rd_procedure_list_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(RdTypes) types = rd_place_types(error);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	const char *const *dirs = rd_place_procedures();

	if (types == NULL)
		return RD_EXIT_USAGE;
	for (guint i = 0; dirs[i] != NULL; i++)
		rd_procedure_list_dir(cli, dirs[i], types, seen);
	if (g_hash_table_size(seen) == 0) {
		g_autofree char *where = g_strjoinv(", ", (char **)dirs);

		rd_cli_say(cli, "there are no procedures in %s", where);
	}
	return RD_EXIT_DONE;
}

const RdCommand rd_command_procedure_list = {
    .name = "procedure list",
    .args = "",
    .summary = "the procedures that can be started by name",
    .run = rd_procedure_list_run,
};

/* ---- show ---------------------------------------------------------------------------------- */

static void
rd_procedure_show_state(GString *page, const RdScreen *screen, const RdProcedureState *state,
			const RdProcedureUnit *unit, guint number)
{
	g_autofree char *timeout = rd_format_duration((gint64)state->timeout_s * G_USEC_PER_SEC);
	g_autofree char *most = rd_format_duration((gint64)state->longest_s * G_USEC_PER_SEC);
	g_autoptr(GString) more = g_string_new(NULL);

	if (state->longest_s != 0)
		g_string_append_printf(more, " from where it last moved on, at most %s", most);
	for (guint i = 0; i < state->guards->len; i++) {
		const RdProcedureCall *guard = g_ptr_array_index(state->guards, i);

		g_string_append_printf(more, ", guard %s", guard->type->name);
	}
	for (guint i = 0; i < state->edges->len; i++) {
		const RdProcedureEdge *edge = g_ptr_array_index(state->edges, i);

		g_string_append_printf(more, ", %s -> %s", edge->outcome, edge->to);
	}
	if (state->tries > 1)
		g_string_append_printf(more, ", %u tries", state->tries);
	if (state->gate != NULL)
		g_string_append_printf(more, ", gate %s%s%s", state->gate,
				       state->gate_always ? " (always asks)" : "",
				       state->gate_named ? " (by the cluster's name)" : "");
	if (state->mark != RD_MARK_NONE)
		g_string_append_printf(more, ", " RD_INK_WARN "mark %s" RD_INK_END,
				       rd_mark_to_string(state->mark));
	rd_page_printf(page, screen, unit->group ? 4 : 2, 8,
		       "%3u " RD_INK_BOLD "%s" RD_INK_END "  %s, %s%s", number, state->name,
		       state->call->type->name, timeout, more->str);
}

static RdExit
rd_procedure_show_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(RdLoaded) loaded = {0};
	g_autoptr(GString) page = g_string_new(NULL);
	const RdScreen *screen = &cli->screen;

	if (!rd_loaded_load(&loaded, args[0], error))
		return RD_EXIT_USAGE;
	rd_page_printf(page, screen, 0, 2, RD_INK_BOLD "%s" RD_INK_END "  %s",
		       loaded.procedure->name, loaded.procedure->summary);
	rd_page_printf(page, screen, 2, 4, "%s  sha256 %s", loaded.path, loaded.procedure->digest);
	if (loaded.procedure->inputs->len > 0)
		rd_page_add(page, screen, 0, 0, "Inputs");
	for (guint i = 0; i < loaded.procedure->inputs->len; i++) {
		const RdProcedureInput *input = g_ptr_array_index(loaded.procedure->inputs, i);

		rd_page_printf(page, screen, 2, 6, "%s  %s, %s%s%s%s", input->name,
			       rd_input_type_to_string(input->type),
			       input->fallback != NULL ? "default " : "has to be given",
			       input->fallback != NULL ? input->fallback : "",
			       input->summary != NULL ? ": " : "",
			       input->summary != NULL ? input->summary : "");
	}
	rd_page_add(page, screen, 0, 0, "States");
	for (guint i = 0; i < loaded.procedure->units->len; i++) {
		const RdProcedureUnit *unit = g_ptr_array_index(loaded.procedure->units, i);
		g_autofree char *width =
		    unit->width_input != NULL
			? g_strdup_printf("as many at a time as input %s says", unit->width_input)
		    : unit->percent != 0 ? g_strdup_printf("%u %% at a time", unit->percent)
		    : unit->width == 0	 ? g_strdup("all at once")
					 : g_strdup_printf("%u at a time", unit->width);

		rd_page_printf(page, screen, 2, 6, RD_INK_DIM "%s%s on %s%s%s, %s%s%s" RD_INK_END,
			       unit->group ? "group " : "", unit->group ? unit->name : "state",
			       unit->on, unit->among != NULL ? " among " : "",
			       unit->among != NULL ? unit->among : "", width,
			       unit->at_most != NULL ? ", no more than " : "",
			       unit->at_most != NULL ? unit->at_most : "");
		for (guint j = unit->first; j < unit->first + unit->count; j++)
			rd_procedure_show_state(page, screen, loaded.procedure->states->pdata[j],
						unit, j + 1);
	}
	fputs(page->str, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_procedure_show = {
    .name = "procedure show",
    .args = "PROCEDURE",
    .summary = "inputs, states, guards and marks of a procedure",
    .run = rd_procedure_show_run,
};

/* ---- check and graph ----------------------------------------------------------------------- */

static RdExit
rd_procedure_check_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(RdLoaded) loaded = {0};

	if (!rd_loaded_load(&loaded, args[0], error))
		return RD_EXIT_USAGE;
	printf("%s: %u states, no mistakes found\n", loaded.path, loaded.procedure->states->len);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_procedure_check = {
    .name = "procedure check",
    .args = "PROCEDURE",
    .summary = "check a procedure against the plugins: FILE:LINE:COLUMN of each mistake",
    .help = "A name, or a path (with a slash in it).",
    .run = rd_procedure_check_run,
};

static char *format;

static const GOptionEntry *
rd_procedure_graph_options(void)
{
	static const GOptionEntry entries[] = {
	    {"format", 0, 0, G_OPTION_ARG_STRING, &format, "dot is for Graphviz, the default",
	     "dot|mermaid"},
	    {NULL},
	};

	return entries;
}

static RdExit
rd_procedure_graph_run(const RdCli *cli, char **args, GError **error)
{
	g_auto(RdLoaded) loaded = {0};
	g_autofree char *text = NULL;

	if (format != NULL && strcmp(format, "dot") != 0 && strcmp(format, "mermaid") != 0) {
		rd_cli_usage(error, "--format is dot or mermaid, not %s", format);
		return RD_EXIT_USAGE;
	}
	if (!rd_loaded_load(&loaded, args[0], error))
		return RD_EXIT_USAGE;
	text = rd_procedure_graph(
	    loaded.procedure, g_strcmp0(format, "mermaid") == 0 ? RD_GRAPH_MERMAID : RD_GRAPH_DOT);
	fputs(text, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_procedure_graph = {
    .name = "procedure graph",
    .args = "PROCEDURE",
    .summary = "draw a procedure",
    .options = rd_procedure_graph_options,
    .run = rd_procedure_graph_run,
};
