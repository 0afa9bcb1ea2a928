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

/* the output, or NULL: the host did not say. (unowned) */
static const char *
answer(RecoveryStep *step, const RecoveryAnswer *said, const char *what)
{
	if (said->error != NULL)
		recovery_progress(step, "%s: %s not looked at: %s", said->host, what,
				  said->error->message);
	else if (said->reply.status != 0 && !only_missing(said->reply.err))
		recovery_progress(step, "%s: %s not looked at: %s", said->host, what,
				  said->reply.err);
	else
		return said->reply.out != NULL ? said->reply.out : "";
	return NULL;
}

GHashTable *
storage_hosts_ask(RecoveryStep *step, const char *const *names)
{
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						(GDestroyNotify)storage_host_free);
	g_autoptr(GPtrArray) mounted = NULL, there = NULL, linked = NULL;

	if (names[0] == NULL)
		return all;
	mounted = recovery_ask_all(step, names, mounts);
	there = recovery_ask_all(step, names, devices);
	linked = recovery_ask_all(step, names, links);
	for (guint i = 0; names[i] != NULL; i++) {
		const char *mount = answer(step, mounted->pdata[i], "mounts");
		const char *device = answer(step, there->pdata[i], "devices");
		const char *link = answer(step, linked->pdata[i], STORAGE_LINKS);
		g_autoptr(StorageHost) host = storage_host_new();
		g_autoptr(GError) error = NULL;

		if (mount == NULL || device == NULL || link == NULL)
			continue;
		if (!storage_host_read_links(host, link, &error)) {
			recovery_progress(step, "%s: %s", names[i], error->message);
			continue;
		}
		storage_host_read_devices(host, device);
		storage_host_read_mounts(host, mount);
		g_hash_table_replace(all, g_strdup(names[i]), g_steal_pointer(&host));
	}
	return all;
}
