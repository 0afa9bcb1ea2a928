/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <gio/gio.h>
#include <string.h>

#include "foreseen.h"

RdForeseen *
rd_foreseen_new(void)
{
	RdForeseen *self = g_new0(RdForeseen, 1);

	self->entries = json_array_new();
	self->silent = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return self;
}

void
rd_foreseen_free(RdForeseen *self)
{
	json_array_unref(self->entries);
	g_hash_table_unref(self->silent);
	g_free(self);
}

char *
rd_foreseen_to_string(const RdForeseen *self)
{
	g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
	JsonObject *object = json_object_new();
	JsonObject *silent = json_object_new();
	GHashTableIter iter;
	gpointer host, why;

	g_hash_table_iter_init(&iter, self->silent);
	while (g_hash_table_iter_next(&iter, &host, &why))
		json_object_set_string_member(silent, host, why);
	json_object_set_array_member(object, "entries", json_array_ref(self->entries));
	json_object_set_object_member(object, "silent", silent);
	json_object_set_int_member(object, "fails", self->fails);
	json_node_take_object(node, object);
	return json_to_string(node, FALSE);
}

RdForeseen *
rd_foreseen_parse(const char *text, GError **error)
{
	g_autoptr(RdForeseen) self = rd_foreseen_new();
	g_autoptr(JsonNode) node = json_from_string(text, error);
	JsonObject *object, *silent;
	JsonObjectIter iter;
	const char *host;
	JsonNode *why;

	if (node == NULL)
		return NULL;
	object = json_node_get_object(node);
	json_array_unref(self->entries);
	self->entries = json_array_ref(json_object_get_array_member(object, "entries"));
	self->fails = (guint)json_object_get_int_member_with_default(object, "fails", 0);
	silent = json_object_get_object_member(object, "silent");
	json_object_iter_init(&iter, silent);
	while (json_object_iter_next(&iter, &host, &why))
		g_hash_table_insert(self->silent, g_strdup(host), json_node_dup_string(why));
	return g_steal_pointer(&self);
}

const char *
rd_foreseen_get(JsonObject *entry, const char *name)
{
	return json_object_get_string_member_with_default(entry, name, NULL);
}

static gboolean
rd_entry_is_of(JsonObject *entry, const char *host)
{
	return g_strcmp0(rd_foreseen_get(entry, "host"), host) == 0;
}

gboolean
rd_foreseen_is_touched(const RdForeseen *self, const char *host)
{
	for (guint i = 0; i < json_array_get_length(self->entries); i++)
		if (rd_entry_is_of(json_array_get_object_element(self->entries, i), host))
			return TRUE;
	return FALSE;
}

JsonObject *
rd_foreseen_find(const RdForeseen *self, const char *host, const char *verb, const char *member,
		 const char *value)
{
	for (guint i = json_array_get_length(self->entries); i > 0; i--) {
		JsonObject *entry = json_array_get_object_element(self->entries, i - 1);

		if (rd_entry_is_of(entry, host) &&
		    g_str_equal(rd_foreseen_get(entry, "verb"), verb) &&
		    g_strcmp0(rd_foreseen_get(entry, member), value) == 0)
			return entry;
	}
	return NULL;
}

/* ---- one path ------------------------------------------------------------------------------ */

/* what of @path stands behind @dir: "" for @dir itself, "/x" below it, NULL elsewhere */
static const char *
rd_path_behind(const char *path, const char *dir)
{
	gsize size = strlen(dir);

	if (strncmp(path, dir, size) != 0 || (path[size] != '\0' && path[size] != '/'))
		return NULL;
	return path + size;
}

/* the argument that @path is, or is below of */
static const char *
rd_entry_names(JsonObject *entry, const char *path)
{
	JsonArray *argv = json_object_get_array_member(entry, "argv");

	for (guint i = 1; i < json_array_get_length(argv); i++) {
		const char *arg = json_array_get_string_element(argv, i);

		if (arg[0] == '/' && rd_path_behind(path, arg) != NULL)
			return arg;
	}
	return NULL;
}

static gboolean
rd_entry_runs(JsonObject *entry)
{
	return json_object_has_member(entry, "argv");
}

static gboolean
rd_entry_removes(JsonObject *entry)
{
	static const char *const programs[] = {"rm", "rmdir", "unlink", NULL};
	JsonArray *argv = json_object_get_array_member(entry, "argv");

	return g_strv_contains(programs, json_array_get_string_element(argv, 0));
}

static gboolean
rd_entry_moves(JsonObject *entry)
{
	return g_str_has_prefix(rd_foreseen_get(entry, "verb"), "move");
}

gboolean
rd_foreseen_concerns(const RdForeseen *self, const char *host, const char *path)
{
	static const char *const names[] = {"from", "to"};

	for (guint i = 0; i < json_array_get_length(self->entries); i++) {
		JsonObject *entry = json_array_get_object_element(self->entries, i);
		JsonArray *argv =
		    rd_entry_runs(entry) ? json_object_get_array_member(entry, "argv") : NULL;

		if (!rd_entry_is_of(entry, host))
			continue;
		for (guint j = 0; j < G_N_ELEMENTS(names); j++) {
			const char *other = rd_foreseen_get(entry, names[j]);

			if (other != NULL && (rd_path_behind(path, other) != NULL ||
					      rd_path_behind(other, path) != NULL))
				return TRUE;
		}
		for (guint j = 1; argv != NULL && j < json_array_get_length(argv); j++) {
			const char *arg = json_array_get_string_element(argv, j);

			if (arg[0] == '/' && (rd_path_behind(path, arg) != NULL ||
					      rd_path_behind(arg, path) != NULL))
				return TRUE;
		}
	}
	return FALSE;
}

RdFate
rd_foreseen_path(const RdForeseen *self, const char *host, const char *path, char **now,
		 JsonObject **entry)
{
	g_autofree char *is = g_strdup(path);
	RdFate fate = RD_FATE_AS_IS;

	*now = NULL;
	*entry = NULL;
	for (guint i = json_array_get_length(self->entries); i > 0; i--) {
		JsonObject *one = json_array_get_object_element(self->entries, i - 1);
		const char *to = rd_foreseen_get(one, "to");
		const char *from = rd_foreseen_get(one, "from");
		char *was;

		if (!rd_entry_is_of(one, host))
			continue;
		if (rd_entry_runs(one) && rd_entry_names(one, is) != NULL) {
			*entry = *entry != NULL ? *entry : one;
			if (rd_entry_removes(one))
				return RD_FATE_GONE;
			fate = RD_FATE_PERHAPS;
		} else if (rd_entry_moves(one) && rd_path_behind(is, to) != NULL) {
			*entry = *entry != NULL ? *entry : one;
			was = g_strconcat(from, rd_path_behind(is, to), NULL);
			g_free(is);
			is = was;
			if (fate == RD_FATE_AS_IS)
				fate = RD_FATE_MOVED;
		} else if (rd_entry_moves(one) && rd_path_behind(is, from) != NULL) {
			*entry = *entry != NULL ? *entry : one;
			if (fate != RD_FATE_PERHAPS)
				return RD_FATE_GONE;
			*now = g_steal_pointer(&is);
			return fate;
		} else if (g_str_equal(rd_foreseen_get(one, "verb"), "put") &&
			   g_str_equal(is, to)) {
			*entry = one;
			return RD_FATE_WRITTEN;
		}
	}
	*now = g_steal_pointer(&is);
	return fate;
}

/* ---- one directory ------------------------------------------------------------------------- */

static int
rd_names_find(GPtrArray *names, const char *name)
{
	for (guint i = 0; i < names->len; i++)
		if (g_str_equal(names->pdata[i], name))
			return (int)i;
	return -1;
}

/* @path, or what has it below, is in @dir from now on */
static void
rd_names_add(GPtrArray *names, const char *dir, const char *path)
{
	const char *behind = path != NULL ? rd_path_behind(path, dir) : NULL;
	g_autofree char *name = NULL;

	if (behind == NULL || *behind == '\0')
		return;
	name = g_strndup(behind + 1, strcspn(behind + 1, "/"));
	if (*name != '\0' && rd_names_find(names, name) < 0)
		g_ptr_array_add(names, g_steal_pointer(&name));
}

static void
rd_names_remove(GPtrArray *names, const char *dir, const char *path)
{
	const char *behind = path != NULL ? rd_path_behind(path, dir) : NULL;
	int found = behind != NULL && *behind == '/' ? rd_names_find(names, behind + 1) : -1;

	if (found >= 0)
		g_ptr_array_remove_index(names, found);
}

static void
rd_names_run(GPtrArray *names, const char *dir, JsonObject *entry)
{
	JsonArray *argv = json_object_get_array_member(entry, "argv");

	for (guint i = 1; i < json_array_get_length(argv); i++) {
		const char *arg = json_array_get_string_element(argv, i);

		/* "/a:/b:z" is no path, and what ends in a slash names a directory to work in */
		if (arg[0] != '/' || strchr(arg, ':') != NULL)
			continue;
		if (rd_entry_removes(entry))
			rd_names_remove(names, dir, arg);
		else
			rd_names_add(names, dir, arg);
	}
}

void
rd_foreseen_list(const RdForeseen *self, const char *host, const char *dir, GPtrArray *names)
{
	for (guint i = 0; i < json_array_get_length(self->entries); i++) {
		JsonObject *entry = json_array_get_object_element(self->entries, i);

		if (!rd_entry_is_of(entry, host))
			continue;
		if (rd_entry_runs(entry)) {
			rd_names_run(names, dir, entry);
			continue;
		}
		if (rd_entry_moves(entry))
			rd_names_remove(names, dir, rd_foreseen_get(entry, "from"));
		if (!g_str_equal(rd_foreseen_get(entry, "verb"), "fetch"))
			rd_names_add(names, dir, rd_foreseen_get(entry, "to"));
	}
}
