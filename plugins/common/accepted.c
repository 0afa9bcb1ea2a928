/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accepted.h"
#include <string.h>

#define NONE "none"

static gboolean
is_sha256(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

gboolean
rd_accepted_check(const char *accepted, const char *about, GError **error)
{
	g_auto(GStrv) sums = g_strsplit(accepted, ",", -1);

	if (strcmp(accepted, NONE) == 0)
		return TRUE;
	for (guint i = 0; sums[i] != NULL; i++)
		if (!is_sha256(sums[i])) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "%s: what was read is accepted by its SHA-256 (64 hexadecimal "
				    "digits, several with commas, or none), and '%s' is none",
				    about, sums[i]);
			return FALSE;
		}
	return TRUE;
}

gboolean
rd_accepted_has(const char *accepted, const char *sha256)
{
	g_auto(GStrv) sums = g_strsplit(accepted, ",", -1);

	return is_sha256(sha256) && g_strv_contains((const char *const *)sums, sha256);
}
