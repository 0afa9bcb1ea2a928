/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <string.h>

#include "cli/build-config.h"
#include "engine/begin.h"
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
	g_autoptr(GError) why = NULL;
	g_autofree char *text = rd_describe_plugins(dir, &why);
	const char *message;

	if (text != NULL)
		return json_from_string(text, error);
	/* the child is this program and signs its errors as such */
	message = why->message;
	if (g_str_has_prefix(message, "recoveryd: "))
		message += strlen("recoveryd: ");
	g_set_error_literal(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID, message);
	return NULL;
}

RdTypes *
rd_place_types(GError **error)
{
	g_autoptr(JsonNode) description = rd_place_describe_plugins(rd_place_plugins(), error);

	return description != NULL ? rd_types_new(description, error) : NULL;
}
