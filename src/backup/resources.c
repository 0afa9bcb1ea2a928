/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "resources.h"

#include "certificates.h"
#include "kube-objects.h"
#include "pair.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

/* Every member's bytes are taken out and counted, also those that are not looked at: to skip one
 * would unpack it inside libarchive, without an end. */

#define ROOT	   "static-pod-resources/"
#define BLOCK	   (64 * 1024)
#define FILE_BYTES (4 * 1024 * 1024) /* larger files are not looked into; none is */
#define ENCRYPTION "encryption-config"

/* cluster-backup.sh takes the newest revision of each */
static const char *const pod_names[RD_STATIC_PODS] = {"etcd", "kube-apiserver",
						      "kube-controller-manager", "kube-scheduler"};

typedef struct archive Archive;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Archive, archive_read_free)

typedef struct {
	RdResources *result;
	Archive *archive;
	GCancellable *cancellable;
	GPtrArray *hosts, *keys; /* (owned) texts */
} Reading;

static void
reading_clear(Reading *self)
{
	g_clear_pointer(&self->archive, archive_read_free);
	g_ptr_array_unref(self->hosts);
	g_ptr_array_unref(self->keys);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reading, reading_clear)

static gboolean G_GNUC_PRINTF(2, 3) damaged(GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *clean = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	clean = g_utf8_make_valid(text, -1);
	g_set_error_literal(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED, clean);
	return FALSE;
}

/* ---- texts, sorted and each once ----------------------------------------------------------- */

static int
compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_text(GPtrArray *texts, char *text)
{
	if (g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
		g_free(text);
	else
		g_ptr_array_add(texts, text);
}

static char **
take_texts(GPtrArray *texts)
{
	gsize count = 0;

	g_ptr_array_sort(texts, compare_texts);
	g_ptr_array_add(texts, NULL);
	return (char **)g_ptr_array_steal(texts, &count);
}

/* group @group of every place in @text where @pattern fits */
static void
add_matches(GPtrArray *texts, const char *text, const char *pattern, guint group)
{
	g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_RAW, 0, NULL);
	g_autoptr(GMatchInfo) match = NULL;

	g_assert(regex != NULL);
	for (g_regex_match(regex, text, 0, &match); g_match_info_matches(match);
	     g_match_info_next(match, NULL))
		add_text(texts, g_match_info_fetch(match, group));
}

/* ---- what is looked for in a file ----------------------------------------------------------- */

/* Manifests are YAML or JSON, by release. Both name images and environment alike, so that the text
 * is searched: what a container is called by does not matter here. */
static void
read_manifest(Reading *self, RdStaticPod *pod, const char *text)
{
	g_autoptr(GPtrArray) images = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);

	add_matches(images, text, "[A-Za-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}", 0);
	add_matches(all, text, "(?:^|[\\s,{])\"?image\"?\\s*:\\s*\"?([A-Za-z0-9][^\\s\",}]*)", 1);
	for (guint i = 0; i < all->len; i++)
		pod->tagged = pod->tagged || strstr(all->pdata[i], "@sha256:") == NULL;
	pod->found = TRUE;
	g_strfreev(pod->images);
	pod->images = take_texts(images);
	if (strcmp(pod->name, "etcd") == 0)
		add_matches(self->hosts, text,
			    "\\bNODE_\\w+_ETCD_NAME\"?\\s*,?\\s*\"?value\"?\\s*:\\s*\"?"
			    "([A-Za-z0-9][A-Za-z0-9.-]*)",
			    1);
}

static JsonArray *
json_list(JsonObject *object, const char *name)
{
	JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

	return node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

static JsonObject *
json_element(JsonArray *array, guint index)
{
	JsonNode *node = json_array_get_element(array, index);

	return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static void
add_key(Reading *self, const char *provider, JsonObject *named)
{
	JsonNode *name = named != NULL ? json_object_get_member(named, "name") : NULL;
	char *text = NULL;

	if (name == NULL || json_node_get_value_type(name) != G_TYPE_STRING)
		return;
	text = g_strdup_printf("%s/%s", provider, json_node_get_string(name));
	if (self->result->encryption_key == NULL)
		self->result->encryption_key = g_strdup(text);
	add_text(self->keys, text);
}

/* the names of the keys of one provider: {"aescbc": {"keys": [{"name": …}]}}, {"kms": {"name":
 * …}} */
static void
read_provider(Reading *self, JsonObject *provider)
{
	g_autoptr(GList) kinds = provider != NULL ? json_object_get_members(provider) : NULL;

	for (GList *l = kinds; l != NULL; l = l->next) {
		JsonNode *node = json_object_get_member(provider, l->data);
		JsonObject *inner =
		    JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
		JsonArray *keys = json_list(inner, "keys");

		add_key(self, l->data, inner);
		for (guint i = 0; keys != NULL && i < json_array_get_length(keys); i++)
			add_key(self, l->data, json_element(keys, i));
	}
}

static void
read_encryption(Reading *self, const guint8 *bytes, gsize size)
{
	g_autoptr(JsonNode) node = rd_object_parse_json(bytes, size);
	JsonArray *resources =
	    node != NULL ? json_list(json_node_get_object(node), "resources") : NULL;

	self->result->encryption = TRUE;
	for (guint i = 0; resources != NULL && i < json_array_get_length(resources); i++) {
		JsonArray *providers = json_list(json_element(resources, i), "providers");

		for (guint j = 0; providers != NULL && j < json_array_get_length(providers); j++)
			read_provider(self, json_element(providers, j));
	}
}

/* the pod and revision of "static-pod-resources/etcd-pod-7/…": what follows it, or NULL */
static const char *
find_pod(Reading *self, const char *name, RdStaticPod **pod, guint *revision)
{
	for (guint i = 0; i < RD_STATIC_PODS; i++) {
		g_autofree char *front = g_strdup_printf(ROOT "%s-pod-", pod_names[i]);
		const char *digits = name + strlen(front);
		char *rest = NULL;

		if (!g_str_has_prefix(name, front) || !g_ascii_isdigit(*digits))
			continue;
		*revision = strtoul(digits, &rest, 10);
		*pod = &self->result->pods[i];
		return *rest == '/' ? rest + 1 : NULL;
	}
	return NULL;
}

static void
read_file(Reading *self, const char *name, GByteArray *bytes)
{
	RdStaticPod *pod = NULL;
	guint revision = 0;
	const char *rest = find_pod(self, name, &pod, &revision);
	g_autofree char *base = g_path_get_basename(name);

	if (!rd_certificates_add(self->result->certificates, name, bytes->data, bytes->len))
		self->result->unreadable++;
	if (strcmp(base, ENCRYPTION) == 0)
		read_encryption(self, bytes->data, bytes->len);
	if (rest != NULL && revision >= pod->revision) {
		g_autofree char *manifest = g_strdup_printf("%s-pod.yaml", pod->name);

		if (strcmp(rest, manifest) == 0) {
			g_autofree char *text = g_strndup((char *)bytes->data, bytes->len);

			pod->revision = revision;
			read_manifest(self, pod, text);
		}
	}
}

/* ---- the tar ------------------------------------------------------------------------------- */

static gboolean
has_parent(const char *name)
{
	g_auto(GStrv) parts = g_strsplit(name, "/", -1);

	return g_strv_contains((const char *const *)parts, "..");
}

static gboolean
check_member(struct archive_entry *entry, const char *name, GError **error)
{
	guint type = archive_entry_filetype(entry);

	if (name[0] == '/')
		return damaged(error, "member %.200s is an absolute path", name);
	if (has_parent(name))
		return damaged(error, "member %.200s leads out of its directory", name);
	if (archive_entry_hardlink(entry) != NULL || archive_entry_symlink(entry) != NULL)
		return damaged(error, "member %.200s is a link", name);
	if (type != AE_IFREG && type != AE_IFDIR)
		return damaged(error, "member %.200s is neither a file nor a directory", name);
	if (!g_str_has_prefix(name, ROOT) && strcmp(name, "static-pod-resources") != 0)
		return damaged(error, "member %.200s is not below " ROOT, name);
	return TRUE;
}

/* what libarchive says now; it may have several lines */
static gboolean
archive_failed(Reading *self, GError **error)
{
	const char *text = archive_error_string(self->archive);

	return damaged(error, "%s", text != NULL ? text : "is no tar");
}

static gboolean
read_member(Reading *self, const char *name, GError **error)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	g_autofree guint8 *block = g_malloc(BLOCK);
	gboolean whole = TRUE;
	gssize n = 0;

	while ((n = archive_read_data(self->archive, block, BLOCK)) > 0) {
		self->result->bytes += n;
		if (self->result->bytes > RD_RESOURCES_BYTES)
			return damaged(error, "unpacks to more than 1 GiB");
		if (g_cancellable_is_cancelled(self->cancellable)) {
			g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_CANCELLED,
				    "interrupted");
			return FALSE;
		}
		whole = whole && bytes->len + n <= FILE_BYTES;
		if (whole)
			g_byte_array_append(bytes, block, n);
	}
	if (n < 0)
		return archive_failed(self, error);
	if (whole && bytes->len > 0)
		read_file(self, name, bytes);
	return TRUE;
}

static gboolean
read_archive(Reading *self, const char *path, GError **error)
{
	struct archive_entry *entry = NULL;
	int status = 0;

	if (archive_read_open_filename(self->archive, path, BLOCK) != ARCHIVE_OK)
		return archive_failed(self, error);
	while ((status = archive_read_next_header(self->archive, &entry)) == ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (name == NULL)
			return damaged(error, "a member has no name that can be read");
		if (g_str_has_prefix(name, "./"))
			name += 2;
		if (++self->result->members > RD_RESOURCES_MEMBERS)
			return damaged(error, "has more than %d members", RD_RESOURCES_MEMBERS);
		if (!check_member(entry, name, error) || !read_member(self, name, error))
			return FALSE;
	}
	if (status != ARCHIVE_EOF)
		return archive_failed(self, error);
	return self->result->members > 0 || damaged(error, "is empty");
}

RdResources *
rd_resources_read(const char *path, GCancellable *cancellable, GError **error)
{
	g_autoptr(RdResources) result = g_new0(RdResources, 1);
	g_auto(Reading) reading = {.result = result,
				   .archive = archive_read_new(),
				   .cancellable = cancellable,
				   .hosts = g_ptr_array_new_with_free_func(g_free),
				   .keys = g_ptr_array_new_with_free_func(g_free)};

	result->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)rd_certificate_free);
	for (guint i = 0; i < RD_STATIC_PODS; i++)
		result->pods[i].name = pod_names[i];
	archive_read_support_filter_gzip(reading.archive);
	archive_read_support_format_tar(reading.archive);
	if (!read_archive(&reading, path, error)) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	result->hosts = take_texts(reading.hosts);
	result->encryption_keys = take_texts(reading.keys);
	return g_steal_pointer(&result);
}

void
rd_resources_free(RdResources *self)
{
	if (self == NULL)
		return;
	for (guint i = 0; i < RD_STATIC_PODS; i++)
		g_strfreev(self->pods[i].images);
	g_ptr_array_unref(self->certificates);
	g_strfreev(self->hosts);
	g_free(self->encryption_key);
	g_strfreev(self->encryption_keys);
	g_free(self);
}
