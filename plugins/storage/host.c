/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host.h"
#include <string.h>

#define BY_ID "/dev/disk/by-id"
/* a handle shorter than this is no witness: "1" is part of many names */
#define HANDLE_MIN 12

static void
link_free(StorageLink *self)
{
	g_free(self->path);
	g_free(self->target);
	g_free(self);
}

static void
mount_free(StorageMount *self)
{
	g_free(self->target);
	g_free(self->source);
	g_free(self);
}

StorageHost *
storage_host_new(void)
{
	StorageHost *self = g_new0(StorageHost, 1);

	self->links = g_ptr_array_new_with_free_func((GDestroyNotify)link_free);
	self->mounts = g_ptr_array_new_with_free_func((GDestroyNotify)mount_free);
	self->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	self->blocks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return self;
}

void
storage_host_free(StorageHost *self)
{
	g_ptr_array_unref(self->links);
	g_ptr_array_unref(self->mounts);
	g_hash_table_unref(self->by_id);
	g_hash_table_unref(self->blocks);
	g_free(self);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* fields of a line that find printed, or NULL */
static char **
split(const char *line)
{
	g_auto(GStrv) parts = g_strsplit(line, "\t", -1);

	if (g_strv_length(parts) != 4 || strlen(parts[0]) != 1 || strlen(parts[1]) != 1 ||
	    parts[2][0] != '/')
		return NULL;
	return g_steal_pointer(&parts);
}

gboolean
storage_host_read_links(StorageHost *self, const char *text, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) parts = NULL;
		StorageLink *link;

		if (**line == '\0')
			continue;
		parts = split(*line);
		if (parts == NULL || !g_str_has_prefix(parts[2], STORAGE_LINKS "/")) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "a name below " STORAGE_LINKS " that cannot be read: '%s'",
				    *line);
			return FALSE;
		}
		link = g_new0(StorageLink, 1);
		link->path = g_strdup(parts[2]);
		link->target = g_strdup(parts[3]);
		link->is_link = parts[0][0] == 'l';
		/* N: not there, L: a loop. '?' is an error, which is no proof */
		link->dangles = link->is_link && strchr("NL", parts[1][0]) != NULL;
		g_ptr_array_add(self->links, link);
	}
	return TRUE;
}

void
storage_host_read_devices(StorageHost *self, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) parts = split(*line);

		if (parts == NULL)
			continue;
		if (g_str_has_prefix(parts[2], BY_ID "/") && parts[1][0] == 'b') {
			const char *slash = strrchr(parts[3], '/');

			g_hash_table_replace(
			    self->by_id, g_strdup(parts[2] + strlen(BY_ID "/")),
			    g_strconcat("/dev/", slash != NULL ? slash + 1 : parts[3], NULL));
		} else if (parts[0][0] == 'b') {
			g_hash_table_add(self->blocks, g_strdup(parts[2]));
		}
	}
}

void
storage_host_read_mounts(StorageHost *self, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		g_auto(GStrv) parts = g_strsplit(*line, " ", 2);
		StorageMount *mount;

		if (parts[0] == NULL || parts[0][0] != '/')
			continue;
		mount = g_new0(StorageMount, 1);
		/* blanks and the like are \x20 */
		mount->target = g_strcompress(parts[0]);
		mount->source = g_strcompress(parts[1] != NULL ? parts[1] : "");
		g_ptr_array_add(self->mounts, mount);
	}
}

/* ---- what is where ------------------------------------------------------------------------- */

const StorageLink *
storage_host_find_link(const StorageHost *self, const char *path)
{
	for (guint i = 0; i < self->links->len; i++) {
		const StorageLink *link = self->links->pdata[i];

		if (g_str_equal(link->path, path))
			return link;
	}
	return NULL;
}

const char *
storage_host_device(const StorageHost *self, const StorageLink *link)
{
	if (g_str_has_prefix(link->target, BY_ID "/"))
		return g_hash_table_lookup(self->by_id, link->target + strlen(BY_ID "/"));
	return g_hash_table_contains(self->blocks, link->target) ? link->target : NULL;
}

/* one of the elements of @path is @name */
static gboolean
has_element(const char *path, const char *name)
{
	gsize length = strlen(name);

	for (const char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/'))
		if (strncmp(p + 1, name, length) == 0 && strchr("/", p[1 + length]) != NULL)
			return TRUE;
	return FALSE;
}

/* "/dev/sdb[/sub]" of @device or a partition of it */
static gboolean
is_from(const char *source, const char *device)
{
	gsize length = device != NULL ? strlen(device) : 0;

	if (length == 0 || strncmp(source, device, length) != 0)
		return FALSE;
	return strchr("[", source[length]) != NULL || g_ascii_isdigit(source[length]) ||
	       (source[length] == 'p' && g_ascii_isdigit(source[length + 1]));
}

const char *
storage_host_mount_of(const StorageHost *self, JsonNode *volume)
{
	const char *handle = rd_api_text(volume, "spec", "csi", "volumeHandle", NULL);
	const char *path = rd_api_text(volume, "spec", "local", "path", NULL);
	const StorageLink *link = storage_host_find_link(self, path);
	const char *device = link != NULL ? storage_host_device(self, link) : NULL;
	/* since 1.24 the directory of a CSI volume is called after the sum of its handle */
	g_autofree char *sum =
	    g_compute_checksum_for_string(G_CHECKSUM_SHA256, handle, (gssize)strlen(handle));

	for (guint i = 0; i < self->mounts->len; i++) {
		const StorageMount *mount = self->mounts->pdata[i];
		gboolean kubelets = g_str_has_prefix(mount->target, "/var/lib/kubelet/");

		if (kubelets && (has_element(mount->target, rd_api_name(volume)) ||
				 (*handle != '\0' && has_element(mount->target, sum))))
			return mount->target;
		if (*path != '\0' &&
		    (g_str_equal(mount->target, path) || is_from(mount->source, path) ||
		     is_from(mount->source, device) ||
		     (link != NULL && is_from(mount->source, link->target))))
			return mount->target;
	}
	return NULL;
}

/* letters and digits alone, as udev and the providers write one handle in many ways */
static char *
bare(const char *text)
{
	GString *out = g_string_new(NULL);

	for (; *text != '\0'; text++)
		if (g_ascii_isalnum(*text))
			g_string_append_c(out, g_ascii_tolower(*text));
	return g_string_free(out, FALSE);
}

const char *
storage_host_disk_of(const StorageHost *self, JsonNode *volume)
{
	const char *handle = rd_api_text(volume, "spec", "csi", "volumeHandle", NULL);
	const char *slash = strrchr(handle, '/');
	g_autofree char *wanted = bare(slash != NULL ? slash + 1 : handle);
	const char *found = NULL;
	GHashTableIter iter;
	gpointer name;

	if (strlen(wanted) < HANDLE_MIN)
		return NULL;
	g_hash_table_iter_init(&iter, self->by_id);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		g_autofree char *there = bare(name);

		/* the same one each time: a table has no order */
		if (strstr(there, wanted) != NULL && (found == NULL || strcmp(name, found) < 0))
			found = name;
	}
	return found;
}
