/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files from the bastion to a host. */

#include "../common/ask.h"
#include <errno.h>
#include <recovery/plugin.h>
#include <stdio.h>
#include <string.h>

#define BLOCK 65536 /* bytes */

/* of the bastion's file; it may have many gigabytes */
static char *
local_sha256(const char *path, GError **error)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree guchar *block = g_malloc(BLOCK);
	FILE *file = fopen(path, "rbe");
	gsize got;
	gboolean broken;

	if (file == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "cannot read %s here: %s", path, g_strerror(errno));
		return NULL;
	}
	while ((got = fread(block, 1, BLOCK, file)) > 0)
		g_checksum_update(checksum, block, got);
	broken = ferror(file) != 0;
	fclose(file);
	if (broken) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "reading %s here failed half-way: check that disk", path);
		return NULL;
	}
	return g_strdup(g_checksum_get_string(checksum));
}

static gboolean
copy_expected(RecoveryStep *step, char **sha256, GError **error)
{
	g_autofree char *wanted = g_ascii_strdown(recovery_string(step, "sha256"), -1);

	if (strlen(wanted) != 64 || strspn(wanted, "0123456789abcdef") != 64) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "'%s' is not a SHA-256 sum", wanted);
		return FALSE;
	}
	*sha256 = g_steal_pointer(&wanted);
	return TRUE;
}

static gboolean
copy_mode(RecoveryStep *step, guint *mode, GError **error)
{
	const char *text = recovery_string(step, "mode");
	guint64 value;

	if (!g_ascii_string_to_unsigned(text, 8, 0, 0777, &value, NULL)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "'%s' is not the mode of a file: three or four octal digits", text);
		return FALSE;
	}
	*mode = value;
	return TRUE;
}

static RecoveryProbe
copy_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *wanted = NULL, *found = NULL;

	if (!copy_expected(step, &wanted, error) ||
	    !rd_sum_ask(step, recovery_string(step, "to"), &found, error))
		return RECOVERY_PROBE_UNKNOWN;
	return g_strcmp0(found, wanted) == 0 ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

static gboolean
copy_enter(RecoveryStep *step, GError **error)
{
	const char *from = recovery_string(step, "from");
	const char *to = recovery_string(step, "to");
	g_autofree char *wanted = NULL, *local = NULL, *found = NULL, *arrived = NULL;
	guint mode;

	if (!copy_expected(step, &wanted, error) || !copy_mode(step, &mode, error))
		return FALSE;
	local = local_sha256(from, error);
	if (local == NULL)
		return FALSE;
	if (!g_str_equal(local, wanted)) {
		g_set_error(
		    error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s here is no longer the file that was checked: its SHA-256 was %s "
		    "and is now %s. Put the checked file back, or start a new run with this "
		    "one",
		    from, wanted, local);
		return FALSE;
	}
	/* a file of another content may be somebody's only copy (INV-8) */
	if (!rd_sum_ask(step, to, &found, error) ||
	    (found != NULL && !g_str_equal(found, wanted) &&
	     !recovery_move_aside(step, to, error)) ||
	    !recovery_put(step, from, to, mode, error) || !rd_sum_ask(step, to, &arrived, error))
		return FALSE;
	if (g_strcmp0(arrived, wanted) == 0)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: %s arrived with the SHA-256 %s instead of %s", recovery_target(step), to,
		    arrived != NULL ? arrived : "of no file", wanted);
	return FALSE;
}

static const RecoveryParam copy_params[] = {
    {"from", RECOVERY_PARAM_FILE, NULL, "the file here"},
    {"to", RECOVERY_PARAM_PATH, NULL, "where it goes on the host"},
    {"sha256", RECOVERY_PARAM_STRING, NULL, "what it has to be, here and there"},
    {"mode", RECOVERY_PARAM_STRING, "0600", "octal; a backup holds every secret of the cluster"},
    {0},
};

static const RecoveryState states[] = {
    {
	.name = "copy",
	.summary = "copy a file to the host and compare its SHA-256",
	.kind = RECOVERY_KIND_CHANGE,
	.params = copy_params,
	.timeout = 1800,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = copy_probe,
	.enter = copy_enter,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "file", .summary = "files from here to a host", .states = states);
