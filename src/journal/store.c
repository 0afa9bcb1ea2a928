/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

/* Opening and writing. How the promises are kept:
 *
 * - WAL with synchronous=FULL: a commit is one write behind the log's end and one fsync.
 * - Moving the log into the database (a checkpoint) is done by us, before a commit and never by
 *   SQLite after one: SQLite drops errors of its automatic checkpoint, and a failed fsync must not
 *   go unseen.
 * - A writer begins with a checkpoint. After a failed fsync the kernel may call pages clean that
 *   never reached the disk; a journal left by such an engine is thereby written anew, from what
 *   can be read, before anybody builds on it.
 * - After a failed write the object only reads, and closing it does not checkpoint. */

#include "durable.h"
#include "store-private.h"
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAL_PAGES_MAX	1000 /* 4 MiB; then the log is moved into the database */
#define BUSY_TIMEOUT_MS 5000 /* readers never block a commit; recovery after a crash may */

gboolean
rd_store_unreadable(RdStore *self, const char *what, GError **error)
{
	g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE, "%s: %s: %s", self->path,
		    what, sqlite3_errmsg(self->db));
	return FALSE;
}

/* SQLite knows "full" from ENOSPC alone; an exhausted quota is the same to us. A failed sync is
 * never "full": what reached the disk is unknown then. */
static gboolean
is_full(RdStore *self, int code)
{
	if ((code & 0xff) == SQLITE_FULL)
		return TRUE;
	return code == SQLITE_IOERR_WRITE && (sqlite3_system_errno(self->db) == EDQUOT ||
					      sqlite3_system_errno(self->db) == ENOSPC);
}

static gboolean
write_failed(RdStore *self, const char *what, GError **error)
{
	int code = sqlite3_extended_errcode(self->db);
	int system = sqlite3_system_errno(self->db);
	g_autofree char *why = g_strdup(sqlite3_errmsg(self->db));

	if (!sqlite3_get_autocommit(self->db))
		sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
	if (is_full(self, code)) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_FULL,
			    "%s: %s: no space left on its file system; free some, then resume",
			    self->path, what);
		return FALSE;
	}
	self->broken =
	    g_strdup_printf("%s: %s (SQLite %d%s%s)", what, why, code, system != 0 ? ", " : "",
			    system != 0 ? g_strerror(system) : "");
	g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE, "%s: %s", self->path,
		    self->broken);
	return FALSE;
}

static int
count_wal_pages(void *data, sqlite3 *db, const char *name, int pages)
{
	((RdStore *)data)->wal_pages = pages;
	return SQLITE_OK;
}

/* readers that hold an old view, or a full disk, merely make the log longer */
static gboolean
checkpoint(RdStore *self, int mode, GError **error)
{
	int code = sqlite3_wal_checkpoint_v2(self->db, NULL, mode, NULL, NULL);

	self->wal_pages = 0;
	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED ||
	    is_full(self, sqlite3_extended_errcode(self->db)))
		return TRUE;
	return write_failed(self, "moving the log into the database", error);
}

gboolean
rd_store_newest(RdStore *self, gint64 *seq, guint8 *link, GError **error)
{
	int code = sqlite3_step(self->newest);
	gboolean fits = TRUE;

	*seq = 0;
	memset(link, 0, RD_CHAIN_SIZE);
	if (code == SQLITE_ROW) {
		*seq = sqlite3_column_int64(self->newest, 0);
		fits = sqlite3_column_bytes(self->newest, 1) == RD_CHAIN_SIZE;
		if (fits)
			memcpy(link, sqlite3_column_blob(self->newest, 1), RD_CHAIN_SIZE);
	}
	sqlite3_reset(self->newest);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return rd_store_unreadable(self, "reading the newest event", error);
	if (fits)
		return TRUE;
	g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE,
		    "%s: event %" G_GINT64_FORMAT " has no valid link", self->path, *seq);
	return FALSE;
}

/* ---- opening ------------------------------------------------------------------------------- */

/* An empty file that SQLite then fills; its -wal and -shm take over the mode. Where the directory
 * is shared with a group, so is the journal. */
static gboolean
make_file(const char *path, guint mode, GError **error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	gboolean made = fd >= 0 && fchmod(fd, mode) == 0;
	int code = errno;

	if (fd >= 0)
		close(fd);
	if (!made)
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE,
			    "%s: cannot create: %s", path, g_strerror(code));
	return made;
}

static guint
mode_for(const char *path)
{
	g_autofree char *dir = g_path_get_dirname(path);

	return rd_dir_is_shared(dir) ? 0660 : 0600;
}

static gboolean
open_database(RdStore *self, const char *query, int flags, GError **error)
{
	g_autofree char *uri = g_filename_to_uri(self->path, NULL, error);
	g_autofree char *name = NULL;
	int code;

	if (uri == NULL)
		return FALSE;
	g_clear_pointer(&self->db, sqlite3_close);
	name = g_strconcat(uri, query, NULL);
	code = sqlite3_open_v2(
	    name, &self->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    NULL);
	if (code != SQLITE_OK)
		return rd_store_unreadable(self, "cannot open", error);
	sqlite3_busy_timeout(self->db, BUSY_TIMEOUT_MS);
	return TRUE;
}

static gboolean
prepare(RdStore *self, const char *sql, sqlite3_stmt **statement, GError **error)
{
	if (sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) !=
	    SQLITE_OK)
		return rd_store_unreadable(self, "not readable as a journal", error);
	return TRUE;
}

static gboolean
prepare_all(RdStore *self, GError **error)
{
	if (!prepare(self, "SELECT " RD_COLUMN_NAMES " FROM event WHERE seq > ?1 ORDER BY seq",
		     &self->select, error) ||
	    !prepare(self, "SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1", &self->newest,
		     error))
		return FALSE;
	return !self->writer || prepare(self,
					"INSERT INTO event (" RD_COLUMN_NAMES ") "
					"VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
					&self->insert, error);
}

/* in memory where possible: the disk may be full */
static char *
make_scratch(GError **error)
{
	g_autofree char *dir = g_strdup("/dev/shm/recoveryd-XXXXXX");

	if (g_mkdtemp(dir) != NULL)
		return g_steal_pointer(&dir);
	return g_dir_make_tmp("recoveryd-XXXXXX", error);
}

/* Copies @path and its log, opens the copy, and removes the names: what is open stays. */
static gboolean
open_copy(RdStore *self, int *format, GError **error)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	g_autofree char *dir = make_scratch(error);
	g_autofree char *original = g_strdup(self->path);
	gboolean opened = dir != NULL;

	if (dir == NULL)
		return FALSE;
	g_free(self->path);
	self->path = g_build_filename(dir, "journal.db", NULL);
	for (guint i = 0; i < 2 && opened; i++) {
		g_autofree char *from = g_strconcat(original, parts[i], NULL);
		g_autofree char *to = g_strconcat(self->path, parts[i], NULL);

		if (g_access(from, F_OK) == 0)
			opened = rd_file_copy(from, to, 0600, RD_DURABLE_ATOMIC, error);
	}
	opened = opened && open_database(self, "?mode=ro", SQLITE_OPEN_READONLY, error) &&
		 rd_schema_check(self->db, original, format, error);
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *name = g_strconcat(self->path, parts[i], NULL);

		g_unlink(name);
	}
	g_rmdir(dir);
	g_free(self->path);
	self->path = g_steal_pointer(&original);
	return opened;
}

/* Beside a writer its -shm exists. Without one, SQLite cannot make it on a read-only or full file
 * system or in a directory of somebody else; as nobody writes there, a copy tells the same. */
static gboolean
lacks_shm(RdStore *self)
{
	int code = sqlite3_extended_errcode(self->db);

	return (code & 0xff) == SQLITE_CANTOPEN || (code & 0xff) == SQLITE_READONLY ||
	       code == SQLITE_IOERR_SHMOPEN || code == SQLITE_IOERR_SHMSIZE;
}

static gboolean
open_to_read(RdStore *self, int *format, GError **error)
{
	g_autoptr(GError) first = NULL;

	if (open_database(self, "?mode=ro", SQLITE_OPEN_READONLY, &first) &&
	    rd_schema_check(self->db, self->path, format, &first))
		return TRUE;
	if (g_access(self->path, R_OK) == 0 && lacks_shm(self))
		return open_copy(self, format, error);
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}

static gboolean
open_to_write(RdStore *self, RdStoreMode mode, int *format, GError **error)
{
	if (!open_database(self, "?mode=rw", SQLITE_OPEN_READWRITE, error))
		return FALSE;
	if (mode != RD_STORE_CREATE && !rd_schema_check(self->db, self->path, format, error))
		return FALSE;
	sqlite3_wal_hook(self->db, count_wal_pages, self);
	if (sqlite3_exec(self->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;", NULL,
			 NULL, NULL) != SQLITE_OK)
		return write_failed(self, "cannot open for writing", error);
	if (*format < RD_SCHEMA_FORMAT && rd_schema_migrate(self->db, *format) != SQLITE_OK)
		return write_failed(self, "cannot make the table", error);
	return checkpoint(self, SQLITE_CHECKPOINT_TRUNCATE, error);
}

static gboolean
missing(const char *path, GError **error)
{
	if (g_access(path, F_OK) == 0)
		return FALSE;
	g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_UNREADABLE, "no journal at %s: %s",
		    path, g_strerror(errno));
	return TRUE;
}

RdStore *
rd_store_open(const char *path, RdStoreMode mode, GError **error)
{
	g_autoptr(RdStore) self = g_new0(RdStore, 1);
	g_autofree char *dir = NULL;
	int format = 0;

	self->path = g_canonicalize_filename(path, NULL);
	self->writer = mode != RD_STORE_READ;
	dir = g_path_get_dirname(self->path);
	if (mode == RD_STORE_CREATE && !make_file(self->path, mode_for(self->path), error))
		return NULL;
	if (mode != RD_STORE_CREATE && missing(self->path, error))
		return NULL;
	if (self->writer) {
		self->reserve = rd_reserve_take(self->path, mode_for(self->path), error);
		if (self->reserve == NULL)
			return NULL;
	}
	if (self->writer ? !open_to_write(self, mode, &format, error)
			 : !open_to_read(self, &format, error))
		return NULL;
	if (!prepare_all(self, error) || !rd_store_newest(self, &self->last, self->link, error))
		return NULL;
	if (mode == RD_STORE_CREATE && !rd_dir_sync(dir, error))
		return NULL;
	return g_steal_pointer(&self);
}

void
rd_store_free(RdStore *self)
{
	sqlite3_finalize(self->insert);
	sqlite3_finalize(self->select);
	sqlite3_finalize(self->newest);
	if (self->broken != NULL)
		sqlite3_db_config(self->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(self->db);
	g_clear_pointer(&self->reserve, rd_reserve_free);
	g_free(self->broken);
	g_free(self->path);
	g_free(self);
}

/* ---- writing ------------------------------------------------------------------------------- */

/* what is bound is what is hashed: one function for each type does both */
static void
put_int(RdStore *self, RdChain *chain, RdColumn column, gint64 number)
{
	sqlite3_bind_int64(self->insert, column + 1, number);
	rd_chain_int(chain, number);
}

static void
put_text(RdStore *self, RdChain *chain, RdColumn column, const char *text)
{
	gsize size = text != NULL ? strlen(text) : 0;

	sqlite3_bind_text64(self->insert, column + 1, text, size, SQLITE_STATIC, SQLITE_UTF8);
	rd_chain_text(chain, text, size);
}

static gboolean
insert(RdStore *self, RdChain *chain, gint64 seq, const RdEvent *event)
{
	put_int(self, chain, RD_COLUMN_SEQ, seq);
	put_int(self, chain, RD_COLUMN_WALL, event->wall);
	put_int(self, chain, RD_COLUMN_CLOCK, event->clock);
	put_text(self, chain, RD_COLUMN_KIND, rd_event_kind_to_string(event->kind));
	put_text(self, chain, RD_COLUMN_STATE, event->state);
	put_text(self, chain, RD_COLUMN_TARGET, event->target);
	put_int(self, chain, RD_COLUMN_VISIT, event->visit);
	put_int(self, chain, RD_COLUMN_ATTEMPT, event->attempt);
	put_text(self, chain, RD_COLUMN_WORD, event->word);
	put_text(self, chain, RD_COLUMN_KEY, event->key);
	put_text(self, chain, RD_COLUMN_VALUE, event->value);
	put_int(self, chain, RD_COLUMN_NUMBER, event->number);
	put_text(self, chain, RD_COLUMN_TEXT, event->text);
	rd_chain_close(chain);
	sqlite3_bind_blob(self->insert, RD_COLUMN_CHAIN + 1, chain->link, RD_CHAIN_SIZE,
			  SQLITE_STATIC);
	sqlite3_step(self->insert);
	return sqlite3_reset(self->insert) == SQLITE_OK;
}

gboolean
rd_store_append(RdStore *self, GPtrArray *events, GError **error)
{
	g_auto(RdChain) chain = {0};

	g_return_val_if_fail(self->writer, FALSE);
	if (self->broken != NULL) {
		g_set_error(error, RD_JOURNAL_ERROR, RD_JOURNAL_ERROR_WRITE,
			    "%s: nothing is written any more after a failed write (%s)", self->path,
			    self->broken);
		return FALSE;
	}
	if (self->wal_pages > WAL_PAGES_MAX && !checkpoint(self, SQLITE_CHECKPOINT_PASSIVE, error))
		return FALSE;
	if (sqlite3_exec(self->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return write_failed(self, "cannot begin to write", error);
	rd_chain_init(&chain, self->link);
	for (guint i = 0; i < events->len; i++)
		if (!insert(self, &chain, self->last + 1 + i, g_ptr_array_index(events, i)))
			return write_failed(self, "cannot write an event", error);
	if (sqlite3_exec(self->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return write_failed(self, "cannot commit", error);
	for (guint i = 0; i < events->len; i++)
		((RdEvent *)g_ptr_array_index(events, i))->seq = ++self->last;
	memcpy(self->link, chain.link, RD_CHAIN_SIZE);
	return TRUE;
}

gboolean
rd_store_release_reserve(RdStore *self, GError **error)
{
	g_return_val_if_fail(self->writer, FALSE);
	return rd_reserve_release(self->reserve, error);
}
