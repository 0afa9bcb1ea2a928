/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "request.h"
#include "durable.h"
#include <errno.h>
#include <fcntl.h>
#include <json-glib/json-glib.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *name;
	gsize offset;
} members[] = {
    {"word", G_STRUCT_OFFSET(RdRequest, word)},
    {"step", G_STRUCT_OFFSET(RdRequest, step)},
    {"argument", G_STRUCT_OFFSET(RdRequest, argument)},
    {"reason", G_STRUCT_OFFSET(RdRequest, reason)},
    {"claim", G_STRUCT_OFFSET(RdRequest, claim)},
};

void
rd_request_free(RdRequest *request)
{
	for (guint i = 0; i < G_N_ELEMENTS(members); i++)
		g_free(G_STRUCT_MEMBER(char *, request, members[i].offset));
	g_free(request->who);
	g_free(request->file);
	g_free(request);
}

/* ---- sending ------------------------------------------------------------------------------- */

static char *
to_json(const RdRequest *request)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
		const char *value = G_STRUCT_MEMBER(char *, request, members[i].offset);

		if (value == NULL)
			continue;
		json_builder_set_member_name(builder, members[i].name);
		json_builder_add_string_value(builder, value);
	}
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}

gboolean
rd_request_send(const char *dir, const RdRequest *request, GError **error)
{
	static guint counter;
	g_autofree char *json = to_json(request);
	g_autofree char *name = NULL;
	g_autofree char *path = NULL;
	g_autoptr(GError) local_error = NULL;
	guint mode;

	if (strlen(json) > RD_REQUEST_SIZE_MAX) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
			    "the request is too long: %zu bytes, at most %d; shorten the reason",
			    strlen(json), RD_REQUEST_SIZE_MAX);
		return FALSE;
	}
	/* padded, so that the order of names is the order of time */
	name = g_strdup_printf("%016" G_GINT64_FORMAT "-%d-%04u.json", g_get_real_time(),
			       (int)getpid(), counter++);
	path = g_build_filename(dir, name, NULL);
	/* where two operators work, the other's engine reads it; nobody but us may change it */
	mode = rd_dir_is_shared(dir) ? 0640 : 0600;
	if (rd_file_write(path, json, strlen(json), mode, RD_DURABLE_NOTHING_THERE, &local_error))
		return TRUE;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "the request cannot be left: %s",
		    local_error->message);
	return FALSE;
}

/* ---- taking -------------------------------------------------------------------------------- */

static gboolean
bad(GError **error, const char *why)
{
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, why);
	return FALSE;
}

/* One object, nothing inside it but strings. Checked before it is parsed: the parser recurses, and
 * 16 KiB of '[' are deep enough to matter. */
static gboolean
is_flat(const char *json)
{
	gboolean quoted = FALSE;
	guint objects = 0;

	for (const char *p = json; *p != '\0'; p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == '[')
			return FALSE;
		else if (!quoted && *p == '{' && ++objects > 1)
			return FALSE;
	}
	return TRUE;
}

static gboolean
set_member(RdRequest *request, const char *name, JsonNode *node)
{
	for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
		char **member = G_STRUCT_MEMBER_P(request, members[i].offset);

		if (!g_str_equal(name, members[i].name))
			continue;
		if (json_node_get_value_type(node) != G_TYPE_STRING)
			return FALSE;
		g_free(*member);
		*member = json_node_dup_string(node);
		return TRUE;
	}
	return FALSE;
}

static gboolean
consists_of(const char *text, const char *allowed, gsize max)
{
	gsize size = strlen(text);

	return size > 0 && size <= max && strspn(text, allowed) == size;
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define NAME  LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@\\"

static gboolean
parse(RdRequest *request, const char *json, gsize size, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	JsonObjectIter iter;
	JsonNode *root, *node;
	const char *name;

	if (strlen(json) != size || !g_utf8_validate(json, (gssize)size, NULL) || !is_flat(json))
		return bad(error, "it is not one flat JSON object in UTF-8");
	if (!json_parser_load_from_data(parser, json, (gssize)size, error))
		return FALSE;
	root = json_parser_get_root(parser);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
		return bad(error, "it is not a JSON object");
	json_object_iter_init(&iter, json_node_get_object(root));
	while (json_object_iter_next(&iter, &name, &node))
		if (!set_member(request, name, node))
			return bad(error, "it has a member that is unknown or no string");
	if (request->word == NULL || !consists_of(request->word, LOWER "-", 32))
		return bad(error, "its word is missing or malformed");
	if (request->claim != NULL && !consists_of(request->claim, NAME, 64))
		return bad(error, "its claim is no user name");
	return TRUE;
}

static char *
user_name(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user != NULL ? g_strdup(user->pw_name) : g_strdup_printf("uid %u", (guint)uid);
}

/* the owner proves who asked only if nobody else could have written it, under whichever name */
static gboolean
check_file(const struct stat *info, GError **error)
{
	if (!S_ISREG(info->st_mode))
		return bad(error, "it is not a regular file");
	if (info->st_nlink != 1)
		return bad(error, "it has a second name");
	if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return bad(error, "others than its owner may write it");
	if (info->st_size > RD_REQUEST_SIZE_MAX)
		return bad(error, "it is too long");
	return TRUE;
}

static gboolean
read_all(int fd, char *buffer, gsize room, gsize *size)
{
	*size = 0;
	while (*size < room) {
		ssize_t n = read(fd, buffer + *size, room - *size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		*size += (gsize)n;
	}
	return TRUE;
}

static gboolean
read_open(RdRequest *request, int fd, GError **error)
{
	g_autofree char *json = g_malloc0(RD_REQUEST_SIZE_MAX + 2);
	struct stat info;
	gsize size;

	if (fstat(fd, &info) != 0 || !check_file(&info, error))
		return FALSE;
	if (!read_all(fd, json, RD_REQUEST_SIZE_MAX + 1, &size) || size > RD_REQUEST_SIZE_MAX)
		return bad(error, "it cannot be read, or is too long");
	request->uid = info.st_uid;
	request->who = user_name(info.st_uid);
	return parse(request, json, size, error);
}

static RdRequest *
read_request(const char *path, const char *name, GError **error)
{
	g_autoptr(RdRequest) request = g_new0(RdRequest, 1);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	gboolean read;

	if (fd < 0) {
		g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(errno), "%s",
			    g_strerror(errno));
		return NULL;
	}
	request->file = g_strdup(path);
	request->time = g_ascii_strtoll(name, NULL, 10);
	read = read_open(request, fd, error);
	close(fd);
	return read ? g_steal_pointer(&request) : NULL;
}

/* out of the way, so that it is looked at once; should even that fail, it stays and is warned of
 * each time */
static void
set_aside(const char *dir, const char *name, const char *why)
{
	g_autofree char *bad_dir = g_build_filename(dir, "bad", NULL);
	g_autofree char *from = g_build_filename(dir, name, NULL);
	g_autofree char *to = g_build_filename(bad_dir, name, NULL);
	g_autofree char *second = g_strdup_printf("%s.%" G_GINT64_FORMAT, to, g_get_real_time());

	g_warning("%s is not a request: %s; moved to bad/", from, why);
	/* the name may be taken there, even by a directory */
	if (!rd_dir_make(bad_dir, rd_dir_is_shared(dir) ? 02770 : 0700, -1, NULL) ||
	    (rename(from, to) != 0 && rename(from, second) != 0))
		g_warning("%s cannot be moved to bad/: %s", from, g_strerror(errno));
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *
list_names(const char *dir, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) local_error = NULL;
	g_autoptr(GDir) listing = g_dir_open(dir, 0, &local_error);
	const char *name;

	if (listing == NULL) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", local_error->message);
		return NULL;
	}
	while ((name = g_dir_read_name(listing)) != NULL)
		if (*name != '.' && g_str_has_suffix(name, ".json"))
			g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return g_steal_pointer(&names);
}

GPtrArray *
rd_requests_take(const char *dir, GError **error)
{
	g_autoptr(GPtrArray) names = list_names(dir, error);
	GPtrArray *requests;

	if (names == NULL)
		return NULL;
	requests = g_ptr_array_new_with_free_func((GDestroyNotify)rd_request_free);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_autoptr(GError) local_error = NULL;
		RdRequest *request = read_request(path, name, &local_error);

		if (request != NULL)
			g_ptr_array_add(requests, request);
		else if (!g_error_matches(local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
			set_aside(dir, name, local_error->message);
	}
	return requests;
}

gboolean
rd_request_done(const RdRequest *request, GError **error)
{
	if (unlink(request->file) == 0 || errno == ENOENT)
		return TRUE;
	g_set_error(error, G_IO_ERROR, (int)g_io_error_from_errno(errno), "%s: cannot remove: %s",
		    request->file, g_strerror(errno));
	return FALSE;
}

char *
rd_request_describe_who(const RdRequest *request)
{
	if (request->claim == NULL)
		return g_strdup(request->who);
	return g_strdup_printf("%s (sudo: %s)", request->who, request->claim);
}
