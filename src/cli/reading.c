/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "journal/lock.h"
#include "machine/words.h"
#include "reading.h"

static const char *const engine_words[] = {
    [RD_ENGINE_NONE] = "none",
    [RD_ENGINE_ALIVE] = "alive",
    [RD_ENGINE_ENDING] = "ending",
};

G_STATIC_ASSERT(G_N_ELEMENTS(engine_words) == RD_ENGINE_LAST + 1);

const char *
rd_engine_life_to_string(RdEngineLife life)
{
	return engine_words[life];
}

/* What cannot be entered is not "no such run": somebody else's runs must not look like none. */
static void
rd_reading_set_code(GError **error)
{
	RdExit code = RD_EXIT_NO_RUN;
	g_autoptr(GError) why = NULL;

	if (error == NULL || *error == NULL || (*error)->domain == RD_EXIT_ERROR)
		return;
	why = g_steal_pointer(error);
	if (g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_ACCES) ||
	    g_error_matches(why, G_FILE_ERROR, G_FILE_ERROR_PERM))
		code = RD_EXIT_JOURNAL;
	g_set_error_literal(error, RD_EXIT_ERROR, code, why->message);
}

RdRundir *
rd_reading_find(const RdCli *cli, const char *name, GError **error)
{
	g_autofree char *base = rd_cli_base(cli);
	RdRundir *dir = rd_rundir_open(base, name, error);

	if (dir == NULL)
		rd_reading_set_code(error);
	return dir;
}

char *
rd_reading_find_path(const RdCli *cli, const char *name, GError **error)
{
	g_autoptr(RdRundir) dir = NULL;
	g_autofree char *journal = NULL;

	if (name == NULL || strchr(name, '/') == NULL) {
		dir = rd_reading_find(cli, name, error);
		return dir != NULL ? g_strdup(rd_rundir_get_path(dir)) : NULL;
	}
	journal = g_build_filename(name, "journal.db", NULL);
	if (g_file_test(journal, G_FILE_TEST_EXISTS))
		return g_canonicalize_filename(name, NULL);
	g_set_error(error, RD_EXIT_ERROR, RD_EXIT_NO_RUN,
		    "%s is no run directory: there is no journal.db in it", name);
	return NULL;
}

RdOpenRun *
rd_reading_open(const RdCli *cli, const char *name, GError **error)
{
	RdRundir *dir = rd_reading_find(cli, name, error);
	g_autofree char *id = NULL;
	g_autoptr(GError) why = NULL;
	RdOpenRun *open;

	if (dir == NULL)
		return NULL;
	id = g_strdup(rd_rundir_get_id(dir));
	open = rd_open_run(dir, FALSE, &why);
	if (open == NULL)
		g_set_error(
		    error, RD_EXIT_ERROR, RD_EXIT_JOURNAL,
		    "run %s cannot be read: %s\nWhat can be told of it: recoveryd report %s", id,
		    why->message, id);
	return open;
}

/* The kernel knows whether the lock is held; the file only says by whom it was last. Held shared
 * for a moment: an engine that starts right now tries again. */
static gboolean
rd_reading_is_locked(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	gboolean locked;

	if (fd < 0)
		return errno != ENOENT;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return locked;
}

RdEngineLife
rd_reading_engine(RdRundir *dir, char **holder)
{
	g_autofree char *path = rd_rundir_file(dir, "lock");
	g_autoptr(RdLockHolder) found = NULL;

	*holder = NULL;
	if (!rd_reading_is_locked(path))
		return RD_ENGINE_NONE;
	found = rd_lock_read_holder(path, NULL);
	if (found == NULL)
		return RD_ENGINE_ALIVE;
	*holder = rd_lock_holder_describe(found);
	return rd_lock_holder_state(found) == RD_HOLDER_RUNNER ? RD_ENGINE_ENDING : RD_ENGINE_ALIVE;
}

gboolean
rd_reading_request_waits(RdRundir *dir)
{
	g_autofree char *path = rd_rundir_file(dir, "requests");
	g_autoptr(GDir) requests = g_dir_open(path, 0, NULL);
	const char *name;

	while (requests != NULL && (name = g_dir_read_name(requests)) != NULL)
		if (g_str_has_suffix(name, ".json"))
			return TRUE;
	return FALSE;
}
