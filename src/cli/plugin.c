/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/places.h"
#include "cli/rehearse.h"
#include "runner/catalogue.h"
#include "yaml/json.h"

/* Vendor code is loaded by child processes only: one that crashes while it is loaded costs a
 * message. */

static char *output;
static gboolean in_child, with_api;
static char **with;

static const GOptionEntry *
rd_plugin_output_options(void)
{
	static const GOptionEntry entries[] = {
	    {"output", 'o', 0, G_OPTION_ARG_STRING, &output, "another form", "json"},
	    {NULL},
	};

	return entries;
}

static JsonNode *
rd_plugin_describe(GError **error)
{
	if (output != NULL && strcmp(output, "json") != 0) {
		rd_cli_usage(error, "-o is json, not %s", output);
		return NULL;
	}
	return rd_place_describe_plugins(rd_place_plugins(), error);
}

static const char *
rd_plugin_text(JsonObject *object, const char *name)
{
	return json_object_get_string_member_with_default(object, name, "");
}

static JsonArray *
rd_plugin_array(JsonObject *object, const char *name)
{
	return json_object_has_member(object, name) ? json_object_get_array_member(object, name)
						    : NULL;
}

static guint
rd_plugin_length(JsonArray *array)
{
	return array != NULL ? json_array_get_length(array) : 0;
}

/* "etcd/agree", as procedures write it (transfer full) */
static char *
rd_plugin_type_name(JsonObject *plugin, JsonObject *state)
{
	return g_strdup_printf("%s/%s", rd_plugin_text(plugin, "name"),
			       rd_plugin_text(state, "name"));
}

/* ---- list ---------------------------------------------------------------------------------- */

static RdExit
rd_plugin_list_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(JsonNode) root = rd_plugin_describe(error);
	g_autoptr(GString) page = g_string_new(NULL);
	JsonArray *plugins;

	if (root == NULL)
		return RD_EXIT_USAGE;
	if (output != NULL) {
		g_autofree char *text = rd_json_print(root, TRUE);

		fputs(text, stdout);
		return RD_EXIT_DONE;
	}
	plugins = rd_plugin_array(json_node_get_object(root), "plugins");
	for (guint i = 0; i < rd_plugin_length(plugins); i++) {
		JsonObject *plugin = json_array_get_object_element(plugins, i);
		JsonArray *states = rd_plugin_array(plugin, "states");

		rd_page_printf(page, &cli->screen, 0, 4, RD_INK_BOLD "%s" RD_INK_END "  %s  %s",
			       rd_plugin_text(plugin, "name"), rd_plugin_text(plugin, "summary"),
			       rd_plugin_text(plugin, "file"));
		for (guint j = 0; j < rd_plugin_length(states); j++) {
			JsonObject *state = json_array_get_object_element(states, j);
			g_autofree char *type = rd_plugin_type_name(plugin, state);
			g_autofree char *name = rd_screen_pad(type, 26);
			g_autofree char *kind = rd_screen_pad(rd_plugin_text(state, "kind"), 6);

			rd_page_printf(page, &cli->screen, 2, 38, "%s  %s  %s", name, kind,
				       rd_plugin_text(state, "summary"));
		}
	}
	fputs(page->str, stdout);
	if (rd_plugin_length(plugins) == 0)
		rd_cli_say(cli, "there are no plugins in %s", rd_place_plugins());
	return RD_EXIT_DONE;
}

const RdCommand rd_command_plugin_list = {
    .name = "plugin list",
    .args = "",
    .summary = "the plugins and the state types that they offer",
    .options = rd_plugin_output_options,
    .run = rd_plugin_list_run,
};

/* ---- show ---------------------------------------------------------------------------------- */

static void
rd_plugin_show_words(GString *page, const RdScreen *screen, const char *label, JsonArray *words)
{
	g_autoptr(GString) text = g_string_new(label);

	for (guint i = 0; i < rd_plugin_length(words); i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "  ",
				       json_array_get_string_element(words, i));
	if (rd_plugin_length(words) > 0)
		rd_page_add(page, screen, 2, 4, text->str);
}

static void
rd_plugin_show_state(GString *page, const RdScreen *screen, const char *type, JsonObject *state)
{
	JsonArray *params = rd_plugin_array(state, "params");

	rd_page_printf(page, screen, 0, 2,
		       RD_INK_BOLD "%s" RD_INK_END "  %s, undo: %s, %" G_GINT64_FORMAT " s", type,
		       rd_plugin_text(state, "kind"), rd_plugin_text(state, "undo"),
		       json_object_get_int_member_with_default(state, "timeout", 0));
	rd_page_add(page, screen, 2, 2, rd_plugin_text(state, "summary"));
	for (guint i = 0; i < rd_plugin_length(params); i++) {
		JsonObject *param = json_array_get_object_element(params, i);
		const char *fallback =
		    json_object_get_string_member_with_default(param, "fallback", NULL);

		rd_page_printf(page, screen, 2, 6, "with %s  %s, %s%s: %s",
			       rd_plugin_text(param, "name"), rd_plugin_text(param, "type"),
			       fallback != NULL ? "default " : "has to be given",
			       fallback != NULL ? fallback : "", rd_plugin_text(param, "summary"));
	}
	rd_plugin_show_words(page, screen, "outcomes", rd_plugin_array(state, "outcomes"));
	rd_plugin_show_words(page, screen, "outputs", rd_plugin_array(state, "outputs"));
	rd_plugin_show_words(page, screen, "on the control plane only with guards",
			     rd_plugin_array(state, "guards"));
	if (json_object_get_boolean_member_with_default(state, "alone", FALSE))
		rd_page_add(page, screen, 2, 4, "on one control-plane host at a time");
}

static RdExit
rd_plugin_show_run(const RdCli *cli, char **args, GError **error)
{
	g_autoptr(JsonNode) root = rd_plugin_describe(error);
	g_autoptr(GString) page = g_string_new(NULL);
	JsonArray *plugins;

	if (root == NULL)
		return RD_EXIT_USAGE;
	plugins = rd_plugin_array(json_node_get_object(root), "plugins");
	for (guint i = 0; i < rd_plugin_length(plugins); i++) {
		JsonObject *plugin = json_array_get_object_element(plugins, i);
		JsonArray *states = rd_plugin_array(plugin, "states");

		for (guint j = 0; j < rd_plugin_length(states); j++) {
			JsonObject *state = json_array_get_object_element(states, j);
			g_autofree char *type = rd_plugin_type_name(plugin, state);

			if (strcmp(args[0], rd_plugin_text(plugin, "name")) == 0 ||
			    strcmp(args[0], type) == 0)
				rd_plugin_show_state(page, &cli->screen, type, state);
		}
	}
	if (page->len == 0) {
		rd_cli_usage(error,
			     "there is no plugin and no state type %s in %s: recoveryd "
			     "plugin list",
			     args[0], rd_place_plugins());
		return RD_EXIT_USAGE;
	}
	fputs(page->str, stdout);
	return RD_EXIT_DONE;
}

const RdCommand rd_command_plugin_show = {
    .name = "plugin show",
    .args = "PLUGIN|PLUGIN/STATE",
    .summary = "parameters, outcomes and outputs of state types",
    .run = rd_plugin_show_run,
};

/* ---- check --------------------------------------------------------------------------------- */

static const GOptionEntry *
rd_plugin_check_options(void)
{
	static const GOptionEntry entries[] = {
	    {"with", 0, 0, G_OPTION_ARG_STRING_ARRAY, &with,
	     "a parameter for every state that takes one of that name", "NAME=VALUE"},
	    {"api", 0, 0, G_OPTION_ARG_NONE, &with_api,
	     "on a control plane of one host whose Kubernetes API answers", NULL},
	    {"in-child", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &in_child, "", NULL},
	    {NULL},
	};

	return entries;
}

static RdExit
rd_plugin_load(const char *file, GError **error)
{
	g_autoptr(RdCatalogue) catalogue = rd_catalogue_new();
	g_autoptr(GError) why = NULL;

	if (!rd_catalogue_load(catalogue, file, &why)) {
		rd_cli_usage(error, "%s", why->message);
		return RD_EXIT_USAGE;
	}
	printf("%s: loads\n", file);
	return rd_rehearse_plugin(catalogue, (const char *const *)with, with_api, error)
		   ? RD_EXIT_DONE
		   : RD_EXIT_FAILED;
}

static RdExit
rd_plugin_check_run(const RdCli *cli, char **args, GError **error)
{
	g_autofree char *self = rd_place_self();
	g_autoptr(GSubprocess) child = NULL;
	/* a bare name would be looked for in the library path */
	g_autofree char *file = g_canonicalize_filename(args[0], NULL);
	g_autoptr(GStrvBuilder) words = g_strv_builder_new();
	g_auto(GStrv) argv = NULL;

	if (in_child)
		return rd_plugin_load(args[0], error);
	g_strv_builder_add_many(words, self, "plugin", "check", "--in-child", file, NULL);
	for (guint i = 0; with != NULL && with[i] != NULL; i++)
		g_strv_builder_add_many(words, "--with", with[i], NULL);
	if (with_api)
		g_strv_builder_add(words, "--api");
	argv = g_strv_builder_end(words);
	child = g_subprocess_newv((const char *const *)argv, G_SUBPROCESS_FLAGS_NONE, error);
	if (child == NULL || !g_subprocess_wait(child, NULL, error))
		return RD_EXIT_FAILED;
	if (g_subprocess_get_if_exited(child))
		return g_subprocess_get_exit_status(child);
	rd_cli_usage(error, "%s: the process that loaded it was killed by signal %d", file,
		     g_subprocess_get_term_sig(child));
	return RD_EXIT_USAGE;
}

const RdCommand rd_command_plugin_check = {
    .name = "plugin check",
    .args = "FILE",
    .summary = "load a plugin and try on a simulated host whether it keeps its promises",
    .help = "Says why the plugin would be refused. Then each of its states is played in a few "
	    "hundred histories on a simulated control plane: every call lost, failing or "
	    "interrupted once, its worker killed, done twice, undone where nothing, half or all "
	    "was done. What breaks a promise of docs/plugins.md is printed; exit code 1.\n\n"
	    "A state is tried on the first host of a control plane that lost its quorum; one that "
	    "makes sense only after others breaks its promises there. One whose parameters have no "
	    "default needs "
	    "--with. One that asks for a program that the simulated host does not have is not "
	    "tried, and it is said so.",
    .options = rd_plugin_check_options,
    .run = rd_plugin_check_run,
};
