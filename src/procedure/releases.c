/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "procedure-private.h"

/* Which releases a procedure is for. */

static const char *const release_keys[] = {"from", "below", "otherwise", NULL};

/* "4.17" or "4.17.3-rc.1": the first two numbers count, as one that can be compared; 0: it is none
 */
static guint
parse_release(const char *text)
{
	guint64 major, minor;
	char *end = NULL;

	if (text == NULL || !g_ascii_isdigit(*text))
		return 0;
	major = g_ascii_strtoull(text, &end, 10);
	if (*end != '.' || !g_ascii_isdigit(end[1]) || major > 1000)
		return 0;
	minor = g_ascii_strtoull(end + 1, &end, 10);
	if ((*end != '\0' && *end != '.' && *end != '-') || minor > 1000)
		return 0;
	return (guint)(major * 10000 + minor);
}

static guint
read_release(RdLoading *self, JsonObject *object, const char *key, char **text)
{
	JsonNode *node = json_object_get_member(object, key);
	guint release;

	*text = g_strdup(rd_yaml_member(self->yaml, object, key));
	release = parse_release(*text);
	if (node != NULL && release == 0)
		rd_yaml_complain(self->yaml, node, "%s: a release such as 4.17, not “%s”", key,
				 *text != NULL ? *text : "");
	return release;
}

void
rd_loading_read_releases(RdLoading *self, JsonNode *node)
{
	JsonObject *object = rd_yaml_mapping(self->yaml, node, "releases", release_keys);
	RdProcedureReleases *releases = &self->procedure->releases;

	if (object == NULL)
		return;
	for (guint i = 0; release_keys[i] != NULL; i++)
		if (!json_object_has_member(object, release_keys[i]))
			rd_yaml_complain_key(self->yaml, node, "releases: %s is missing",
					     release_keys[i]);
	releases->lowest = read_release(self, object, "from", &releases->from);
	releases->above = read_release(self, object, "below", &releases->below);
	releases->otherwise = g_strdup(rd_yaml_member(self->yaml, object, "otherwise"));
}

gboolean
rd_procedure_is_for(const RdProcedure *self, const char *release, char **why)
{
	const RdProcedureReleases *releases = &self->releases;
	guint number = parse_release(release);

	/* what cannot be read is decided by what is on the hosts (INV-42) */
	if (number == 0 || releases->otherwise == NULL ||
	    (number >= releases->lowest && number < releases->above))
		return TRUE;
	*why = g_strdup_printf("%s is for releases from %s and below %s, and this is of %s: %s",
			       self->name, releases->from, releases->below, release,
			       releases->otherwise);
	return FALSE;
}
