/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "rundir.h"
#include "durable.h"
#include "runid.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP "recoveryd"

struct _RdRundir {
	char *id;
	char *path;
	gboolean shared;
};

char *
rd_rundir_base(const char *state_dir)
{
	const char *env = g_getenv("RECOVERYD_STATE_DIR");

	if (state_dir != NULL && *state_dir != '\0')
		return g_canonicalize_filename(state_dir, NULL);
	if (env != NULL && *env != '\0')
		return g_canonicalize_filename(env, NULL);
	if (geteuid() == 0)
		return g_strdup("/var/lib/recoveryd");
	return g_build_filename(g_get_user_state_dir(), "recoveryd", NULL);
}

/* ---- file systems -------------------------------------------------------------------------- */

/* from linux/magic.h and, where it lacks them, the file systems' own sources; the header is not
 * included because which ones it has depends on its age */
static const struct {
	guint32 magic;
	const char *name;
	gboolean in_memory; /* otherwise on the network */
} special_fs[] = {
    {0x00006969, "NFS", FALSE},
    {0x0000517b, "SMB", FALSE},
    {0xff534d42, "CIFS", FALSE},
    {0xfe534d42, "SMB", FALSE},
    {0x00c36400, "CephFS", FALSE},
    /* sshfs, GlusterFS and s3fs look the same from here, and none has the locks of a disk */
    {0x65735546, "FUSE", FALSE},
    {0x5346414f, "AFS", FALSE},
    {0x6b414653, "AFS", FALSE},
    {0x01021997, "9P", FALSE},
    {0x0bd00bd0, "Lustre", FALSE},
    {0x47504653, "GPFS", FALSE},
    {0x73757245, "Coda", FALSE},
    {0x0000564c, "NCP", FALSE},
    {0x786f4256, "VirtualBox shared folder", FALSE},
    {0xbacbacbc, "VMware shared folder", FALSE},
    {0x01021994, "tmpfs", TRUE},
    {0x858458f6, "ramfs", TRUE},
};

/* BASE need not be there yet: its nearest ancestor is */
static char *
existing_ancestor(const char *path)
{
	char *ancestor = g_strdup(path);

	while (!g_file_test(ancestor, G_FILE_TEST_EXISTS) && !g_str_equal(ancestor, "/")) {
		char *parent = g_path_get_dirname(ancestor);

		g_free(ancestor);
		ancestor = parent;
	}
	return ancestor;
}

gboolean
rd_rundir_check_fs(const char *base, RdStatfs statfs_fn, gboolean *volatile_too, GError **error)
{
	g_autofree char *place = existing_ancestor(base);
	struct statfs info = {0};

	if (volatile_too != NULL)
		*volatile_too = FALSE;
	if (statfs_fn(place, &info) != 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "%s: cannot ask for its file system: %s", place, g_strerror(errno));
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(special_fs); i++) {
		/* f_type is signed and of varying width */
		if ((guint32)info.f_type != special_fs[i].magic)
			continue;
		if (!special_fs[i].in_memory) {
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
				    "%s is on %s. A run's journal needs a local disk, where locks "
				    "and syncs can be relied on: give one with --state-dir DIR",
				    base, special_fs[i].name);
			return FALSE;
		}
		if (volatile_too != NULL)
			*volatile_too = TRUE;
	}
	return TRUE;
}

/* ---- creating ------------------------------------------------------------------------------ */

static RdRundir *
rundir_new(const char *runs, const char *id)
{
	RdRundir *self = g_new0(RdRundir, 1);

	self->id = g_strdup(id);
	self->path = g_build_filename(runs, id, NULL);
	self->shared = rd_dir_is_shared(self->path);
	return self;
}

void
rd_rundir_free(RdRundir *self)
{
	g_free(self->id);
	g_free(self->path);
	g_free(self);
}

static gboolean
find_group(gboolean shared, gint64 *gid, GError **error)
{
	const struct group *group = shared ? getgrnam(GROUP) : NULL;

	*gid = group != NULL ? (gint64)group->gr_gid : -1;
	if (shared && group == NULL) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "a run for two operators needs the group " GROUP ": groupadd " GROUP
			    "; usermod -aG " GROUP " NAME for each");
		return FALSE;
	}
	return TRUE;
}

/* BASE and BASE/runs may be entered by all: what is in a run is protected by its own directory.
 * With a shared run others of the group make runs there as well. */
static gboolean
make_base(const char *base, const char *runs, gint64 gid, GError **error)
{
	g_autofree char *parent = g_path_get_dirname(base);

	if (g_mkdir_with_parents(base, 0755) != 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "%s: cannot make the directory: %s", base, g_strerror(errno));
		return FALSE;
	}
	return rd_dir_make(runs, gid >= 0 ? 02775 : 0755, gid, error) && rd_dir_sync(base, error) &&
	       rd_dir_sync(parent, error);
}

/* mkdir alone says whose the name is; *taken is TRUE when it was somebody else's */
static gboolean
claim(const char *path, gboolean *taken, GError **error)
{
	*taken = FALSE;
	if (mkdir(path, 0700) == 0)
		return TRUE;
	*taken = errno == EEXIST;
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
		    "%s: cannot make the run directory: %s", path, g_strerror(errno));
	return FALSE;
}

static gboolean
furnish(const char *path, gint64 gid, GError **error)
{
	static const char *const parts[] = {"log", "requests", "outbox", "local", "plugins"};
	guint mode = gid >= 0 ? 02770 : 0700;
	g_autofree char *runs = g_path_get_dirname(path);

	if ((gid >= 0 && chown(path, (uid_t)-1, (gid_t)gid) != 0) || chmod(path, mode) != 0) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			    "%s: cannot set owner and mode: %s", path, g_strerror(errno));
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *part = g_build_filename(path, parts[i], NULL);

		if (!rd_dir_make(part, mode, gid, error))
			return FALSE;
	}
	return rd_dir_sync(path, error) && rd_dir_sync(runs, error);
}

/* Numbers grow because creators take turns; should the lock not work, the exclusive mkdir still
 * keeps two runs apart. */
static int
take_turn(const char *runs)
{
	int fd = open(runs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) != 0)
		g_debug("%s: cannot lock: %s", runs, g_strerror(errno));
	return fd;
}

static char *
claim_new(const char *base, const char *runs, GError **error)
{
	int turn = take_turn(runs);
	g_autoptr(GPtrArray) ids = rd_rundir_list(base, error);
	g_autofree char *id = NULL;
	gboolean taken = ids != NULL;
	guint64 number = 0;

	for (guint i = 0; ids != NULL && i < ids->len; i++)
		number = MAX(number, rd_runid_get_number(g_ptr_array_index(ids, i)));
	while (taken) {
		g_autofree char *path = NULL;

		g_clear_error(error);
		g_free(id);
		id = rd_runid_new(g_get_real_time(), rd_runid_random_word(), ++number);
		path = g_build_filename(runs, id, NULL);
		if (claim(path, &taken, error))
			break;
		g_clear_pointer(&id, g_free);
	}
	if (turn >= 0)
		close(turn);
	return g_steal_pointer(&id);
}

static RdRundir *
create(const char *base, const char *wanted, gboolean shared, GError **error)
{
	g_autofree char *runs = g_build_filename(base, "runs", NULL);
	g_autofree char *id = NULL;
	g_autofree char *path = NULL;
	gboolean taken;
	gint64 gid;

	if (!rd_rundir_check_fs(base, statfs, NULL, error) || !find_group(shared, &gid, error) ||
	    !make_base(base, runs, gid, error))
		return NULL;
	id = wanted != NULL ? g_strdup(wanted) : claim_new(base, runs, error);
	if (id == NULL)
		return NULL;
	path = g_build_filename(runs, id, NULL);
	if ((wanted != NULL && !claim(path, &taken, error)) || !furnish(path, gid, error))
		return NULL;
	return rundir_new(runs, id);
}

RdRundir *
rd_rundir_create(const char *base, gboolean shared, GError **error)
{
	return create(base, NULL, shared, error);
}

RdRundir *
rd_rundir_create_as(const char *base, const char *id, gboolean shared, GError **error)
{
	if (!rd_runid_is_valid(id)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "\"%s\" is not the name of a run (r-YYYYMMDD-WORD-N)", id);
		return NULL;
	}
	return create(base, id, shared, error);
}

/* ---- finding ------------------------------------------------------------------------------- */

GPtrArray *
rd_rundir_list(const char *base, GError **error)
{
	g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *runs = g_build_filename(base, "runs", NULL);
	g_autoptr(GError) local_error = NULL;
	g_autoptr(GDir) dir = g_dir_open(runs, 0, &local_error);
	const char *name;

	if (dir == NULL && !g_error_matches(local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
		g_propagate_error(error, g_steal_pointer(&local_error));
		return NULL;
	}
	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
		if (rd_runid_is_valid(name))
			g_ptr_array_add(ids, g_strdup(name));
	g_ptr_array_sort(ids, rd_runid_compare);
	return g_steal_pointer(&ids);
}

static gboolean
has_journal(const char *runs, const char *id)
{
	g_autofree char *path = g_build_filename(runs, id, "journal.db", NULL);

	return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* (element-type utf8) (transfer container) those of @ids that @name may mean */
static GPtrArray *
candidates(GPtrArray *ids, const char *runs, const char *name)
{
	GPtrArray *found = g_ptr_array_new();

	for (guint i = 0; i < ids->len; i++) {
		char *id = g_ptr_array_index(ids, i);

		if (name != NULL ? rd_runid_matches(id, name)
				 : found->len == 0 && has_journal(runs, id))
			g_ptr_array_add(found, id);
	}
	return found;
}

static char *
join_some(GPtrArray *ids)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < MIN(ids->len, 5); i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
				       (char *)g_ptr_array_index(ids, i));
	if (ids->len > 5)
		g_string_append_printf(text, " and %u more", ids->len - 5);
	return g_string_free(text, FALSE);
}

static void
not_one(GPtrArray *ids, GPtrArray *found, const char *runs, const char *name, GError **error)
{
	g_autofree char *list = join_some(found->len > 0 ? found : ids);

	if (found->len > 0)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "\"%s\" may be %s: which one?",
			    name, list);
	else if (ids->len > 0 && name != NULL)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
			    "no run \"%s\" in %s; there is %s", name, runs, list);
	else
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
			    "no run in %s yet; is it another --state-dir, or another user's?",
			    runs);
}

RdRundir *
rd_rundir_open(const char *base, const char *name, GError **error)
{
	g_autofree char *runs = g_build_filename(base, "runs", NULL);
	g_autoptr(GPtrArray) ids = rd_rundir_list(base, error);
	g_autoptr(GPtrArray) found = NULL;

	if (ids == NULL)
		return NULL;
	found = candidates(ids, runs, name != NULL && *name != '\0' ? name : NULL);
	if (found->len != 1) {
		not_one(ids, found, runs, name, error);
		return NULL;
	}
	return rundir_new(runs, g_ptr_array_index(found, 0));
}

/* ---- using --------------------------------------------------------------------------------- */

const char *
rd_rundir_get_id(RdRundir *self)
{
	return self->id;
}

const char *
rd_rundir_get_path(RdRundir *self)
{
	return self->path;
}

gboolean
rd_rundir_is_shared(RdRundir *self)
{
	return self->shared;
}

char *
rd_rundir_file(RdRundir *self, const char *name)
{
	return g_build_filename(self->path, name, NULL);
}

gboolean
rd_rundir_copy_in(RdRundir *self, const char *file, const char *name, GError **error)
{
	g_autofree char *path = rd_rundir_file(self, name);

	return rd_file_copy(file, path, self->shared ? 0660 : 0600, RD_DURABLE_SYNC, error);
}

gboolean
rd_rundir_put(RdRundir *self, const char *name, const char *data, gsize size, GError **error)
{
	g_autofree char *path = rd_rundir_file(self, name);

	return rd_file_write(path, data, size, self->shared ? 0660 : 0600, RD_DURABLE_SYNC, error);
}

gboolean
rd_rundir_write_status(RdRundir *self, const char *json, guint mode, GError **error)
{
	g_autofree char *path = rd_rundir_file(self, "status.json");

	return rd_file_write(path, json, strlen(json), mode, RD_DURABLE_ATOMIC, error);
}
