/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"
#include <string.h>

#define FORMAT "%y\\t%Y\\t%p\\t%l\\n"

/* each look at a host: a command, and whether its failing leaves the host unseen */
static const char *const mounts[] = {"findmnt", "-rn", "-o", "TARGET,SOURCE", NULL};
static const char *const devices[] = {"find",  "/dev", "/dev/disk/by-id", "-maxdepth", "1",
				      "-type", "b,l",  "-printf",	  FORMAT,      NULL};
static const char *const links[] = {"find", STORAGE_LINKS, "-mindepth", "2", "-maxdepth",
				    "2",    "-printf",	   FORMAT,	NULL};

/* what a host has not need not be there: find says so of each path, and goes on with the rest */
static gboolean
only_missing(const char *err)
{
	g_auto(GStrv) lines = g_strsplit(err != NULL ? err : "", "\n", -1);

	for (char **line = lines; *line != NULL; line++)
		if (**line != '\0' && strstr(*line, "No such file or directory") == NULL)
			return FALSE;
	return TRUE;
}

/* what ends the step: nobody failed to answer then */
static gboolean
is_end(const GError *error)
{
	return g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED) ||
	       g_error_matches(error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED);
}

/* one look at all of them. FALSE with error when the step is to end */
static gboolean
look(RecoveryStep *step, const char *const *names, const char *const *argv, GHashTable *silent,
     GPtrArray **answers, GError **error)
{
	*answers = recovery_ask_all(step, names, argv);
	for (guint i = 0; i < (*answers)->len; i++) {
		const RecoveryAnswer *said = (*answers)->pdata[i];
		const char *why = NULL;

		if (said->error != NULL && is_end(said->error)) {
			g_propagate_error(error, g_error_copy(said->error));
			return FALSE;
		}
		if (said->error != NULL)
			why = said->error->message;
		else if (said->reply.status != 0 && !only_missing(said->reply.err))
			why = said->reply.err;
		if (why == NULL)
			continue;
		recovery_progress(step, "%s: not looked at: %s", said->host, why);
		g_hash_table_replace(silent, g_strdup(said->host), g_strdup(why));
	}
	return TRUE;
}

static const char *
out(GPtrArray *answers, guint i)
{
	const RecoveryAnswer *said = answers->pdata[i];

	return said->reply.out != NULL ? said->reply.out : "";
}

GHashTable *
storage_hosts_ask(RecoveryStep *step, const char *const *names, GHashTable *silent, GError **error)
{
	g_autoptr(GHashTable) all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
							  (GDestroyNotify)storage_host_free);
	g_autoptr(GPtrArray) mounted = NULL, there = NULL, linked = NULL;

	if (names[0] == NULL)
		return g_steal_pointer(&all);
	if (!look(step, names, mounts, silent, &mounted, error) ||
	    !look(step, names, devices, silent, &there, error) ||
	    !look(step, names, links, silent, &linked, error))
		return NULL;
	for (guint i = 0; names[i] != NULL; i++) {
		g_autoptr(StorageHost) host = storage_host_new();
		g_autoptr(GError) local = NULL;

		if (g_hash_table_contains(silent, names[i]))
			continue;
		if (!storage_host_read_links(host, out(linked, i), &local)) {
			recovery_progress(step, "%s: %s", names[i], local->message);
			g_hash_table_replace(silent, g_strdup(names[i]), g_strdup(local->message));
			continue;
		}
		storage_host_read_devices(host, out(there, i));
		storage_host_read_mounts(host, out(mounted, i));
		g_hash_table_replace(all, g_strdup(names[i]), g_steal_pointer(&host));
	}
	return g_steal_pointer(&all);
}
