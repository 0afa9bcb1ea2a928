/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The backup of 4.1 to 4.3 (P1-01): HOST/assets/backup/ of each host in one *.snapshots.tgz. Only
 * the recovery host's snapshot is taken out of it, into the run's directory here; it is proven
 * before anything else happens. A snapshot by itself is taken as it is. */

#include "etcd-member.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* what etcd-snapshot-backup.sh leaves; the first is the one that is needed */
static const char *const parts[] = {"snapshot.db", MEMBER_FILE, "etcd-client.key",
				    "etcd-client.crt", "etcd-ca-bundle.crt"};

static gboolean
refuse_archive(GError **error, const char *path, const char *what)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: %s", path, what);
	return FALSE;
}

/* HOST/assets/backup/NAME, of the node @host, whose directory may carry its whole name. -1: not of
 * these, and not looked at any further */
static int
part_of(const char *entry, const char *host)
{
	g_auto(GStrv) words =
	    g_strsplit(g_str_has_prefix(entry, "./") ? entry + 2 : entry, "/", -1);
	gsize length = strlen(host);

	if (g_strv_length(words) != 4 || !g_str_equal(words[1], "assets") ||
	    !g_str_equal(words[2], "backup") || g_ascii_strncasecmp(words[0], host, length) != 0 ||
	    (words[0][length] != '\0' && words[0][length] != '.'))
		return -1;
	for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
		if (g_str_equal(words[3], parts[i]))
			return (int)i;
	return -1;
}

static gboolean
write_all(int file, const char *bytes, gsize size)
{
	while (size > 0) {
		gssize done = write(file, bytes, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return FALSE;
		bytes += done;
		size -= (gsize)done;
	}
	return TRUE;
}

static gboolean
extract(struct archive *archive, int file, const char *path, GError **error)
{
	g_autofree char *block = g_malloc(65536);
	gssize got;

	while ((got = archive_read_data(archive, block, 65536)) > 0)
		if (!write_all(file, block, (gsize)got)) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "cannot write the snapshot of %s: %s", path, g_strerror(errno));
			return FALSE;
		}
	return got == 0 || refuse_archive(error, path, archive_error_string(archive));
}

/* to a temporary name, then renamed: what is there is whole */
static gboolean
extract_to(struct archive *archive, const char *to, const char *path, GError **error)
{
	g_autofree char *half = g_strconcat(to, ".part", NULL);
	int file = g_open(half, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	gboolean good;

	if (file >= 0) {
		good = extract(archive, file, path, error);
		if (good && fsync(file) == 0 && g_close(file, NULL) && g_rename(half, to) == 0)
			return TRUE;
		if (!good)
			g_close(file, NULL);
	}
	if (error != NULL && *error == NULL)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "cannot write %s: %s",
			    half, g_strerror(errno));
	return FALSE;
}

/* one after the other: @found says which were there */
static gboolean
read_entries(RecoveryStep *step, struct archive *archive, const char *path, const char *to,
	     gboolean *found, GError **error)
{
	struct archive_entry *entry;
	int result;

	while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);
		int part = name != NULL ? part_of(name, recovery_target(step)) : -1;

		if (part < 0)
			continue;
		if (archive_entry_filetype(entry) != AE_IFREG || found[part])
			return refuse_archive(error, path,
					      "has a file twice, or a link in the place of one");
		found[part] = TRUE;
		if (part == 0 && !extract_to(archive, to, path, error))
			return FALSE;
	}
	return result == ARCHIVE_EOF || refuse_archive(error, path, archive_error_string(archive));
}

static gboolean
check_whole(RecoveryStep *step, const char *path, const gboolean *found, GError **error)
{
	g_autoptr(GString) missing = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
		if (!found[i])
			g_string_append_printf(missing, "%s%s", missing->len > 0 ? ", " : "",
					       parts[i]);
	if (missing->len == 0)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
		    "%s has no %s in %s/assets/backup. Choose an archive, or a recovery host, "
		    "whose files are all there",
		    path, missing->str, recovery_target(step));
	return FALSE;
}

static gboolean
unpack(RecoveryStep *step, const char *path, const char *to, GError **error)
{
	gboolean found[G_N_ELEMENTS(parts)] = {FALSE};
	struct archive *archive = archive_read_new();
	gboolean good;

	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_none(archive);
	archive_read_support_format_tar(archive);
	good = archive_read_open_filename(archive, path, 65536) == ARCHIVE_OK
		   ? read_entries(step, archive, path, to, found, error)
		   : refuse_archive(error, path, archive_error_string(archive));
	archive_read_free(archive);
	return good && check_whole(step, path, found, error);
}

static gboolean
is_archive(const char *path)
{
	return g_str_has_suffix(path, ".tgz") || g_str_has_suffix(path, ".tar.gz");
}

gboolean
member_unpack(RecoveryStep *step, GError **error)
{
	const char *path = recovery_string(step, "archive");
	g_autofree char *dir = recovery_local_dir(step), *sha256 = NULL;
	g_autofree char *to = is_archive(path)
				  ? g_strdup_printf("%s/%s-snapshot.db", dir, recovery_target(step))
				  : g_strdup(path);

	if (is_archive(path) && g_mkdir_with_parents(dir, 0700) != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "cannot make %s: %s", dir,
			    g_strerror(errno));
		return FALSE;
	}
	if (is_archive(path) && !unpack(step, path, to, error))
		return FALSE;
	if (!snapshot_prove(to, &sha256, error))
		return FALSE;
	recovery_progress(step, "the snapshot of %s is whole", recovery_target(step));
	return recovery_output(step, "snapshot", to, error) &&
	       recovery_output(step, "sha256", sha256, error);
}
