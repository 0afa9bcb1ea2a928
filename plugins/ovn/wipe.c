/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The databases of OVN on one host, and then Open vSwitch, which talks to whoever serves them.
 *
 * What is removed are *.db files that were listed before, in one of two directories, by exact
 * names; nothing else on a host is ever removed. Open vSwitch has a database of its own,
 * /etc/openvswitch/conf.db: it defines br-ex, which carries the host's address (INV-24). So a
 * directory that is a link is refused as well, wherever it leads.
 *
 * A database that is there may be a new one that OVN has made: inode and time of birth tell. The
 * restart cuts the network for seconds, so it is a job. */

#include "../common/ask.h"
#include "ovn.h"
#include <string.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

static const char *const units[] = {"ovs-vswitchd.service", "ovsdb-server.service"};

/* ---- databases ----------------------------------------------------------------------------- */

static gboolean
check_dir(RecoveryStep *step, const char *dir, GError **error)
{
	g_autofree char *real = NULL;

	if (!g_str_equal(dir, OVN_DIR_INTERCONNECT) && !g_str_equal(dir, OVN_DIR_CENTRAL))
		return rd_api_refuse(error,
				     "%s: databases are removed from " OVN_DIR_INTERCONNECT
				     " and " OVN_DIR_CENTRAL " only, never from %s",
				     recovery_target(step), dir);
	real = recovery_ask(step, NULL, error, "readlink", "-f", dir, NULL);
	if (real == NULL)
		return FALSE;
	g_strchomp(real);
	return g_str_equal(real, dir) ||
	       rd_api_refuse(error,
			     "%s: %s leads to %s: nothing is removed there. Look at it, and do "
			     "this step by hand",
			     recovery_target(step), dir, real);
}

/* a plain file name that ends in .db */
static gboolean
is_database(const char *name)
{
	for (const char *at = name; *at != '\0'; at++)
		if (!g_ascii_isalnum(*at) && strchr("_.-", *at) == NULL)
			return FALSE;
	return g_str_has_suffix(name, ".db") && *name != '.' && *name != '-';
}

static gint
by_text(gconstpointer one, gconstpointer two)
{
	return strcmp(*(char *const *)one, *(char *const *)two);
}

/* "NAME:INODE:BIRTH" of each database there is, in order of the names; birth 0 where the file
 * system does not know it. NULL with an error */
static char **
list_databases(RecoveryStep *step, const char *dir, GError **error)
{
	g_autofree char *out =
	    recovery_ask(step, NULL, error, "find", dir, "-maxdepth", "1", "-type", "f", "-name",
			 "*.db", "-exec", "stat", "-c", "%i %W %n", "{}", "+", NULL);
	g_auto(GStrv) lines = NULL;
	g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

	if (out == NULL)
		return NULL;
	lines = rd_lines(out);
	for (guint i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit(lines[i], " ", 3);
		g_autofree char *name = NULL;

		if (g_strv_length(words) != 3)
			continue;
		name = g_path_get_basename(words[2]);
		if (is_database(name))
			g_ptr_array_add(found,
					g_strdup_printf("%s:%s:%s", name, words[0], words[1]));
	}
	g_ptr_array_sort(found, by_text);
	g_ptr_array_add(found, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&found), FALSE);
}

/* those of the note that are still there, as they were. (transfer full) */
static char **
still_there(const char *note, char **now)
{
	g_auto(GStrv) noted = g_strsplit(note, " ", -1);
	g_autoptr(GPtrArray) left = g_ptr_array_new();

	for (guint i = 0; noted[i] != NULL; i++)
		if (*noted[i] != '\0' && g_strv_contains((const char *const *)now, noted[i]))
			g_ptr_array_add(left, g_strdup(noted[i]));
	g_ptr_array_add(left, NULL);
	return (char **)g_ptr_array_steal(left, NULL);
}

/* ---- Open vSwitch -------------------------------------------------------------------------- */

typedef struct {
	char *boot_id;			     /* (owned) */
	guint64 active[G_N_ELEMENTS(units)]; /* microseconds since boot */
	gboolean is_active;		     /* both */
} Switch;

static void
switch_clear(Switch *self)
{
	g_clear_pointer(&self->boot_id, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Switch, switch_clear)

static gboolean
ask_unit(RecoveryStep *step, const char *unit, gboolean *is_active, guint64 *active, GError **error)
{
	static const char stamp[] = "ActiveEnterTimestampMonotonic=";
	g_autofree char *shown =
	    recovery_ask(step, NULL, error, "systemctl", "show", "-p", "ActiveState", "-p",
			 "ActiveEnterTimestampMonotonic", unit, NULL);
	g_auto(GStrv) lines = NULL;
	gboolean known = FALSE;

	if (shown == NULL)
		return FALSE;
	lines = rd_lines(shown);
	*is_active = g_strv_contains((const char *const *)lines, "ActiveState=active");
	for (guint i = 0; lines[i] != NULL && !known; i++)
		known = g_str_has_prefix(lines[i], stamp) &&
			g_ascii_string_to_unsigned(lines[i] + strlen(stamp), 10, 0, G_MAXUINT64,
						   active, NULL);
	if (known)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: systemd does not say since when %s is active: '%s'", recovery_target(step),
		    unit, g_strstrip(shown));
	return FALSE;
}

static gboolean
switch_ask(RecoveryStep *step, Switch *self, GError **error)
{
	self->boot_id = recovery_ask(step, NULL, error, "cat", BOOT_ID, NULL);
	if (self->boot_id == NULL)
		return FALSE;
	g_strstrip(self->boot_id);
	self->is_active = TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
		gboolean active = FALSE;

		if (!ask_unit(step, units[i], &active, &self->active[i], error))
			return FALSE;
		self->is_active = self->is_active && active;
	}
	return TRUE;
}

/* "BOOTID STAMP STAMP" */
static char *
switch_to_note(const Switch *self)
{
	return g_strdup_printf("%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, self->boot_id,
			       self->active[0], self->active[1]);
}

/* both were started after @note was taken; in another boot they were */
static gboolean
is_newer(const Switch *self, const char *note)
{
	g_auto(GStrv) words = g_strsplit(note, " ", -1);

	if (g_strv_length(words) != 1 + G_N_ELEMENTS(units))
		return FALSE;
	if (!g_str_equal(words[0], self->boot_id))
		return TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(units); i++)
		if (self->active[i] <= g_ascii_strtoull(words[i + 1], NULL, 10))
			return FALSE;
	return TRUE;
}

/* ---- wipe ---------------------------------------------------------------------------------- */

/* How Open vSwitch was when databases were last found that had to go: the first note of the visit,
 * or the newest of those beside it, "switch-2" and on. *next (transfer full): the key of one more
 */
static const char *
newest_switch(RecoveryStep *step, char **next)
{
	const char *newest = recovery_recall_first(step, "switch");

	for (guint n = 2;; n++) {
		g_autofree char *key = g_strdup_printf("switch-%u", n);
		const char *note = recovery_recall_first(step, key);

		if (note == NULL) {
			*next = g_steal_pointer(&key);
			return newest;
		}
		newest = note;
	}
}

gboolean
wipe_baseline(RecoveryStep *step, GError **error)
{
	const char *dir = recovery_string(step, "dir");
	const char *databases = recovery_recall_first(step, "databases");
	g_autofree char *listed = NULL, *taken = NULL, *next = NULL;
	const char *before = newest_switch(step, &next);
	g_auto(GStrv) now = NULL, left = NULL;
	g_auto(Switch) state = {0};

	if (!check_dir(step, dir, error))
		return FALSE;
	now = list_databases(step, dir, error);
	if (now == NULL || !switch_ask(step, &state, error))
		return FALSE;
	listed = g_strjoinv(" ", now);
	taken = switch_to_note(&state);
	/* what an earlier attempt removed is not removed again when OVN has made it anew; and Open
	 * vSwitch has to be restarted after the last of the old ones went */
	if (databases == NULL)
		databases = listed;
	left = still_there(databases, now);
	if (before != NULL && left[0] != NULL && !recovery_remember(step, next, taken, error))
		return FALSE;
	if (before == NULL || left[0] != NULL)
		before = taken;
	return recovery_remember(step, "databases", databases, error) &&
	       recovery_remember(step, "switch", before, error);
}

RecoveryProbe
wipe_probe(RecoveryStep *step, GError **error)
{
	const char *databases = recovery_recall(step, "databases");
	const char *before = recovery_recall(step, "switch");
	g_auto(GStrv) now = NULL, left = NULL;
	g_auto(Switch) state = {0};
	gboolean newer;

	if (databases == NULL || before == NULL)
		return RECOVERY_PROBE_ABSENT;
	now = list_databases(step, recovery_string(step, "dir"), error);
	if (now == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	left = still_there(databases, now);
	if (left[0] != NULL)
		return RECOVERY_PROBE_ABSENT;
	if (!switch_ask(step, &state, error))
		return RECOVERY_PROBE_UNKNOWN;
	newer = is_newer(&state, before);
	if (newer && state.is_active)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "Open vSwitch on %s: %s, %s", recovery_target(step),
			  newer ? "restarted" : "not restarted yet",
			  state.is_active ? "active" : "not active");
	return RECOVERY_PROBE_ABSENT;
}

static gboolean
remove_left(RecoveryStep *step, const char *dir, GError **error)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) now = NULL, left = NULL;
	RecoveryCommand command = {0};

	/* as late as possible: a link could have been put there meanwhile */
	if (!check_dir(step, dir, error))
		return FALSE;
	now = list_databases(step, dir, error);
	if (now == NULL)
		return FALSE;
	left = still_there(recovery_recall(step, "databases"), now);
	if (left[0] == NULL)
		return TRUE;
	g_ptr_array_add(argv, g_strdup("rm"));
	g_ptr_array_add(argv, g_strdup("-f"));
	g_ptr_array_add(argv, g_strdup("--"));
	for (guint i = 0; left[i] != NULL; i++) {
		*strchr(left[i], ':') = '\0';
		g_ptr_array_add(argv, g_build_filename(dir, left[i], NULL));
	}
	g_ptr_array_add(argv, NULL);
	command.argv = (const char *const *)argv->pdata;
	return recovery_run(step, &command, NULL, error);
}

gboolean
wipe_enter(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"systemctl", "restart", units[0], units[1], NULL};
	const RecoveryCommand command = {.argv = argv};

	if (!remove_left(step, recovery_string(step, "dir"), error))
		return FALSE;
	if (recovery_job(step, "restart", &command, NULL, error) &&
	    recovery_wait(step, wipe_probe, error))
		return TRUE;
	g_prefix_error(error,
		       "%s: Open vSwitch is not back after its restart (a host that stays silent "
		       "has lost br-ex: 'systemctl restart ovs-configuration' on its console): ",
		       recovery_target(step));
	return FALSE;
}
