/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "pair.h"

#include "plugins/common/archive.h"

#include <glib/gstdio.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#define SNAPSHOT_PREFIX	 "snapshot_"
#define SNAPSHOT_SUFFIX	 ".db"
#define RESOURCES_PREFIX "static_kuberesources_"
#define RESOURCES_SUFFIX ".tar.gz"
#define DIRTY		 "__POSSIBLY_DIRTY__"
#define BLOCK		 (256 * 1024)
/* the static resources are some hundred KiB; a bomb is not blown up to its end */
#define RESOURCES_MAX (G_GINT64_CONSTANT(1) << 30)

G_DEFINE_QUARK(rd - backup - error - quark, rd_backup_error)

const char *const rd_pair_fields[] = {
    "dir",	 "stamp",	   "snapshot",	       "name", "sha256", "size",
    "resources", "resources-name", "resources-sha256", NULL};

void
rd_pair_free(RdPair *self)
{
	if (self == NULL)
		return;
	g_free(self->dir);
	g_free(self->stamp);
	g_free(self->snapshot);
	g_free(self->resources);
	g_clear_pointer(&self->taken, g_date_time_unref);
	rd_snapshot_free(self->proof);
	g_free(self->resources_sha256);
	g_free(self);
}

/* what stands between @prefix and @suffix, or NULL */
static char *
name_stamp(const char *name, const char *prefix, const char *suffix)
{
	gsize size = strlen(name);

	if (!g_str_has_prefix(name, prefix) || !g_str_has_suffix(name, suffix) ||
	    size <= strlen(prefix) + strlen(suffix))
		return NULL;
	return g_strndup(name + strlen(prefix), size - strlen(prefix) - strlen(suffix));
}

/* the names go into commands on hosts */
static gboolean
stamp_is_plain(const char *stamp)
{
	for (; *stamp != '\0'; stamp++)
		if (!g_ascii_isalnum(*stamp) && strchr("_.-", *stamp) == NULL)
			return FALSE;
	return TRUE;
}

static GDateTime *
stamp_time(const char *stamp)
{
	int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;

	if (!g_regex_match_simple("^\\d{4}-\\d{2}-\\d{2}_\\d{6}(" DIRTY ")?$", stamp, 0, 0))
		return NULL;
	if (sscanf(stamp, "%4d-%2d-%2d_%2d%2d%2d", &year, &month, &day, &hour, &minute, &second) !=
	    6)
		return NULL;
	return g_date_time_new_utc(year, month, day, hour, minute, second);
}

static int
compare_stamps(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* both lists of stamps of @dir, sorted */
static gboolean
list_stamps(const char *dir, GPtrArray *snapshots, GPtrArray *resources, GError **error)
{
	g_autoptr(GDir) entries = NULL;
	g_autoptr(GError) local = NULL;
	const char *name = NULL;

	entries = g_dir_open(dir, 0, &local);
	if (entries == NULL) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE, "backup: %s",
			    local->message);
		return FALSE;
	}
	while ((name = g_dir_read_name(entries)) != NULL) {
		char *stamp = name_stamp(name, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX);

		if (stamp != NULL)
			g_ptr_array_add(snapshots, stamp);
		stamp = name_stamp(name, RESOURCES_PREFIX, RESOURCES_SUFFIX);
		if (stamp != NULL)
			g_ptr_array_add(resources, stamp);
	}
	g_ptr_array_sort(snapshots, compare_stamps);
	return TRUE;
}

static gboolean
has_stamp(GPtrArray *stamps, const char *stamp)
{
	return g_ptr_array_find_with_equal_func(stamps, stamp, g_str_equal, NULL);
}

/* the stamp in a directory without a choice; NULL says why there is none */
static const char *
only_stamp(const char *dir, GPtrArray *snapshots, GPtrArray *resources, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);

	if (snapshots->len == 1)
		return snapshots->pdata[0];
	if (snapshots->len == 0) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE,
			    "backup %s: there is no snapshot_*.db in it%s. Give the directory that "
			    "cluster-backup.sh wrote",
			    dir, resources->len > 0 ? ", only static_kuberesources_*.tar.gz" : "");
		return NULL;
	}
	for (guint i = 0; i < MIN(snapshots->len, 10); i++)
		g_string_append_printf(names, "%s%s%s%s", i > 0 ? ", " : "", SNAPSHOT_PREFIX,
				       (char *)snapshots->pdata[i], SNAPSHOT_SUFFIX);
	g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE,
		    "backup %s: %u snapshots are in it (%s%s): say which, by the path of the "
		    "snapshot",
		    dir, snapshots->len, names->str, snapshots->len > 10 ? ", …" : "");
	return NULL;
}

RdPair *
rd_pair_choose(const char *path, GError **error)
{
	g_autoptr(RdPair) self = g_new0(RdPair, 1);
	g_autoptr(GPtrArray) snapshots = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) resources = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *absolute = g_canonicalize_filename(path, NULL);
	g_autofree char *name = g_path_get_basename(absolute);
	g_autofree char *given = NULL;
	const char *stamp = NULL;

	if (g_file_test(absolute, G_FILE_TEST_EXISTS) &&
	    !g_file_test(absolute, G_FILE_TEST_IS_DIR)) {
		given = name_stamp(name, SNAPSHOT_PREFIX, SNAPSHOT_SUFFIX);
		self->dir = g_path_get_dirname(absolute);
		if (given == NULL) {
			g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE,
				    "backup %s: neither a directory nor a snapshot_*.db", absolute);
			return NULL;
		}
	} else {
		self->dir = g_strdup(absolute);
	}
	if (!list_stamps(self->dir, snapshots, resources, error))
		return NULL;
	stamp = given != NULL ? given : only_stamp(self->dir, snapshots, resources, error);
	if (stamp == NULL)
		return NULL;
	if (!stamp_is_plain(stamp)) {
		g_autofree char *shown = g_strescape(stamp, NULL);

		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE,
			    "backup %s: the name snapshot_%s.db has other characters than letters, "
			    "digits, “_”, “.”, “-”: rename both files",
			    self->dir, shown);
		return NULL;
	}
	if (!has_stamp(resources, stamp) || (given == NULL && resources->len > 1)) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CHOICE,
			    "backup %s: to snapshot_%s.db belongs static_kuberesources_%s.tar.gz; "
			    "%s. Both files of one backup are needed, without others beside them",
			    self->dir, stamp, stamp,
			    has_stamp(resources, stamp) ? "there are others too"
							: "it is not there");
		return NULL;
	}
	self->stamp = g_strdup(stamp);
	self->taken = stamp_time(stamp);
	self->snapshot = g_strconcat(self->dir, "/" SNAPSHOT_PREFIX, stamp, SNAPSHOT_SUFFIX, NULL);
	self->resources =
	    g_strconcat(self->dir, "/" RESOURCES_PREFIX, stamp, RESOURCES_SUFFIX, NULL);
	return g_steal_pointer(&self);
}

static char *
hash_file(const char *path, goffset *size, GCancellable *cancellable, GError **error)
{
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileInputStream) stream = g_file_read(file, cancellable, error);
	g_autofree guint8 *block = g_malloc(BLOCK);
	g_autoptr(GString) hex = g_string_new(NULL);
	gnutls_hash_hd_t hash = NULL;
	guint8 sum[32];
	gssize n = 0;

	if (stream == NULL)
		return NULL;
	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) != 0)
		g_error("gnutls: no SHA-256");
	*size = 0;
	while ((n = g_input_stream_read(G_INPUT_STREAM(stream), block, BLOCK, cancellable, error)) >
	       0) {
		gnutls_hash(hash, block, n);
		*size += n;
	}
	gnutls_hash_deinit(hash, sum);
	if (n < 0)
		return NULL;
	for (guint i = 0; i < sizeof(sum); i++)
		g_string_append_printf(hex, "%02x", sum[i]);
	return g_string_free(g_steal_pointer(&hex), FALSE);
}

/* unpacked to nowhere: gzip's own checksum tells whether it is whole. The first block is kept:
 * does a tar begin there? */
static gboolean
inflate_file(const char *path, GCancellable *cancellable, GError **error)
{
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileInputStream) raw = g_file_read(file, cancellable, error);
	g_autoptr(GZlibDecompressor) gzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);
	g_autoptr(GInputStream) stream = NULL;
	g_autofree guint8 *block = g_malloc(BLOCK);
	goffset size = 0;
	gsize n = 0;

	if (raw == NULL)
		return FALSE;
	stream = g_converter_input_stream_new(G_INPUT_STREAM(raw), G_CONVERTER(gzip));
	do {
		if (!g_input_stream_read_all(stream, block, BLOCK, &n, cancellable, error))
			return FALSE;
		if (size == 0 && (n < 512 || memcmp(block + 257, "ustar", 5) != 0)) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
				    "there is no tar inside");
			return FALSE;
		}
		size += n;
		if (size > RESOURCES_MAX) {
			g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
				    "unpacks to more than 1 GiB");
			return FALSE;
		}
	} while (n == BLOCK);
	return TRUE;
}

gboolean
rd_pair_prove_resources(RdPair *self, GCancellable *cancellable, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autofree char *sha256 = NULL;
	goffset size = 0;

	if (g_file_test(self->resources, G_FILE_TEST_IS_REGULAR)) {
		sha256 = hash_file(self->resources, &size, cancellable, &local);
		if (sha256 != NULL && inflate_file(self->resources, cancellable, &local)) {
			self->resources_size = size;
			g_free(self->resources_sha256);
			self->resources_sha256 = g_steal_pointer(&sha256);
			return TRUE;
		}
	}
	g_set_error(error, RD_BACKUP_ERROR,
		    g_error_matches(local, G_IO_ERROR, G_IO_ERROR_CANCELLED)
			? RD_BACKUP_ERROR_CANCELLED
			: RD_BACKUP_ERROR_DAMAGED,
		    "%s: %s. Copy it again, or use another backup", self->resources,
		    local != NULL ? local->message : "not a regular file");
	return FALSE;
}

gboolean
rd_pair_prove(RdPair *self, gboolean accept_no_hash, GCancellable *cancellable, GError **error)
{
	rd_snapshot_free(self->proof);
	self->proof = rd_snapshot_check(self->snapshot, cancellable);
	if (self->proof->verdict != RD_SNAPSHOT_SOUND &&
	    !(accept_no_hash && self->proof->verdict == RD_SNAPSHOT_NO_HASH)) {
		g_set_error_literal(error, RD_BACKUP_ERROR,
				    self->proof->verdict == RD_SNAPSHOT_INTERRUPTED
					? RD_BACKUP_ERROR_CANCELLED
					: RD_BACKUP_ERROR_DAMAGED,
				    self->proof->text);
		return FALSE;
	}
	return rd_pair_prove_resources(self, cancellable, error);
}

char *
rd_pair_get_field(const RdPair *self, const char *field)
{
	if (strcmp(field, "dir") == 0)
		return g_strdup(self->dir);
	if (strcmp(field, "stamp") == 0)
		return g_strdup(self->stamp);
	if (strcmp(field, "snapshot") == 0)
		return g_strdup(self->snapshot);
	if (strcmp(field, "name") == 0)
		return g_path_get_basename(self->snapshot);
	if (strcmp(field, "resources") == 0)
		return g_strdup(self->resources);
	if (strcmp(field, "resources-name") == 0)
		return g_path_get_basename(self->resources);
	if (strcmp(field, "resources-sha256") == 0)
		return g_strdup(self->resources_sha256);
	if (self->proof == NULL)
		return NULL;
	if (strcmp(field, "sha256") == 0)
		return g_strdup(self->proof->sha256);
	if (strcmp(field, "size") == 0)
		return g_strdup_printf("%" G_GOFFSET_FORMAT, self->proof->size);
	return NULL;
}

void
rd_pair_add_inputs(const RdPair *self, const char *name, GHashTable *inputs)
{
	for (guint i = 0; rd_pair_fields[i] != NULL; i++) {
		char *value = rd_pair_get_field(self, rd_pair_fields[i]);

		if (value != NULL)
			g_hash_table_insert(
			    inputs, g_strdup_printf("%s.%s", name, rd_pair_fields[i]), value);
	}
}

char *
rd_archive_unpack(const char *archive, GError **error)
{
	g_autofree char *path = NULL;
	int file = g_file_open_tmp("recoveryd-XXXXXX.db", &path, error);

	if (file < 0)
		return NULL;
	if (g_close(file, error) && rd_archive_take_snapshot(archive, NULL, path, error))
		return g_steal_pointer(&path);
	(void)g_unlink(path);
	return NULL;
}
