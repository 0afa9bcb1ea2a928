/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "archive.h"
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <recovery/plugin.h>
#include <string.h>
#include <unistd.h>

/* what etcd-snapshot-backup.sh leaves; the first is the one that is needed */
static const char *const parts[] = {"snapshot.db", "etcd-member.yaml", "etcd-client.key",
				    "etcd-client.crt", "etcd-ca-bundle.crt"};

static gboolean
refuse_archive(GError **error, const char *path, const char *what)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: %s", path, what);
	return FALSE;
}

/* HOST/assets/backup/NAME, of the node @host, whose directory may carry its whole name; NULL: of
 * any. -1: not of these, and not looked at any further */
static int
part_of(const char *entry, const char *host)
{
	g_auto(GStrv) words =
	    g_strsplit(g_str_has_prefix(entry, "./") ? entry + 2 : entry, "/", -1);
	gsize length = host != NULL ? strlen(host) : 0;

	if (g_strv_length(words) != 4 || !g_str_equal(words[1], "assets") ||
	    !g_str_equal(words[2], "backup"))
		return -1;
	if (host != NULL && (g_ascii_strncasecmp(words[0], host, length) != 0 ||
			     (words[0][length] != '\0' && words[0][length] != '.')))
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
	gboolean good, synced;

	good = file >= 0 && extract(archive, file, path, error);
	if (file >= 0 && !good) {
		g_close(file, NULL);
		(void)g_unlink(half);
		return FALSE;
	}
	synced = good && fsync(file) == 0;
	if (file >= 0 && g_close(file, NULL) && synced && g_rename(half, to) == 0)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "cannot write %s: %s", half,
		    g_strerror(errno));
	return FALSE;
}

/* one after the other: @found says which were there */
static gboolean
read_entries(struct archive *archive, const char *host, const char *path, const char *to,
	     gboolean *found, GError **error)
{
	struct archive_entry *entry;
	int result;

	while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);
		int part = name != NULL ? part_of(name, host) : -1;

		/* whoever asks for any has enough with the first */
		if (part < 0 || (host == NULL && found[part]))
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
check_whole(const char *host, const char *path, const gboolean *found, GError **error)
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
		    path, missing->str, host != NULL ? host : "HOST");
	return FALSE;
}

gboolean
rd_archive_is(const char *path)
{
	return g_str_has_suffix(path, ".tgz") || g_str_has_suffix(path, ".tar.gz");
}

gboolean
rd_archive_take_snapshot(const char *path, const char *host, const char *to, GError **error)
{
	gboolean found[G_N_ELEMENTS(parts)] = {FALSE};
	struct archive *archive = archive_read_new();
	gboolean good;

	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_none(archive);
	archive_read_support_format_tar(archive);
	good = archive_read_open_filename(archive, path, 65536) == ARCHIVE_OK
		   ? read_entries(archive, host, path, to, found, error)
		   : refuse_archive(error, path, archive_error_string(archive));
	archive_read_free(archive);
	return good && check_whole(host, path, found, error);
}
