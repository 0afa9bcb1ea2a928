/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <gio/gio.h>

#include "cli/build-config.h"
#include "places.h"

const char *
rd_place_plugins(void)
{
	const char *given = g_getenv("RECOVERYD_PLUGIN_DIR");

	return given != NULL && *given != '\0' ? given : RD_PLUGIN_DIR;
}

const char *const *
rd_place_procedures(void)
{
	static const char *const installed[] = {RD_SYSCONF_DIR "/procedures",
						RD_DATA_DIR "/procedures", NULL};
	static const char *given[2];

	given[0] = g_getenv("RECOVERYD_PROCEDURE_DIR");
	return given[0] != NULL && *given[0] != '\0' ? given : installed;
}

char *
rd_place_self(void)
{
	/* not argv[0]: it may be relative, or not there any more after an upgrade */
	return g_strdup("/proc/self/exe");
}

JsonNode *
rd_place_describe_plugins(const char *dir, GError **error)
{
	g_autofree char *self = rd_place_self();
	g_autoptr(GSubprocess) child = NULL;
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *out = NULL, *err = NULL;

	child = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
				 error, self, "runner", "--describe", dir, NULL);
	if (child == NULL || !g_subprocess_communicate_utf8(child, NULL, NULL, &out, &err, error))
		return NULL;
	if (!g_subprocess_get_successful(child)) {
		const char *text = g_strstrip(err);

		if (g_str_has_prefix(text, "recoveryd: "))
			text += strlen("recoveryd: ");
		g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID, "%s",
			    *text != '\0' ? text
					  : "the process that loads the plugins died without a word");
		return NULL;
	}
	if (!json_parser_load_from_data(parser, out, -1, error)) {
		g_prefix_error(error, "what the plugins of %s say is not JSON: ", dir);
		return NULL;
	}
	return json_parser_steal_root(parser);
}

RdTypes *
rd_place_types(GError **error)
{
	g_autoptr(JsonNode) description = rd_place_describe_plugins(rd_place_plugins(), error);

	return description != NULL ? rd_types_new(description, error) : NULL;
}
