/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalogue.h"

typedef struct {
	char *filename;
	RecoveryPlugin plugin;	/* in today's layout */
	RecoveryState *states;	/* (owned) the same, ends with an entry without name */
	GPtrArray *param_lists; /* (element-type RecoveryParam[]) (owned) what states point to */
} RdPlugin;

struct _RdCatalogue {
	GPtrArray *plugins; /* (element-type RdPlugin) */
};

/* no plugin was ever built with tables smaller than these */
#define RD_PLUGIN_LEAST G_STRUCT_OFFSET(RecoveryPlugin, states) + sizeof(gpointer)
#define RD_STATE_LEAST	G_STRUCT_OFFSET(RecoveryState, undo) + sizeof(gpointer)
#define RD_PARAM_LEAST	G_STRUCT_OFFSET(RecoveryParam, summary) + sizeof(gpointer)

static void
rd_plugin_free(gpointer data)
{
	RdPlugin *self = data;

	g_free(self->filename);
	g_free(self->states);
	g_ptr_array_unref(self->param_lists);
	g_free(self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdPlugin, rd_plugin_free)

RdCatalogue *
rd_catalogue_new(void)
{
	RdCatalogue *self = g_new0(RdCatalogue, 1);

	self->plugins = g_ptr_array_new_with_free_func(rd_plugin_free);
	return self;
}

void
rd_catalogue_free(RdCatalogue *self)
{
	g_ptr_array_unref(self->plugins);
	g_free(self);
}

static gboolean rd_plugin_refuse(const char *filename, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static gboolean
rd_plugin_refuse(const char *filename, GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s: %s", filename, text);
	return FALSE;
}

/* letters, digits and dashes: the names stand in procedures, paths and on screens */
static gboolean
rd_plugin_name_ok(const char *name)
{
	if (name == NULL || *name == '\0' || strlen(name) > 40)
		return FALSE;
	for (const char *p = name; *p != '\0'; p++)
		if (!g_ascii_islower(*p) && !g_ascii_isdigit(*p) && *p != '-')
			return FALSE;
	return TRUE;
}

/* copies what both sides know of; what the other side does not have stays zero */
static void
rd_plugin_copy(gpointer to, gsize to_size, gconstpointer from, gsize from_size)
{
	memcpy(to, from, MIN(to_size, from_size));
}

static const RecoveryParam *
rd_plugin_copy_params(RdPlugin *self, const RecoveryParam *theirs, gsize size)
{
	GArray *params = g_array_new(TRUE, TRUE, sizeof(RecoveryParam));
	RecoveryParam *list;

	for (const char *p = (const char *)theirs; p != NULL && *(char *const *)p != NULL;
	     p += size) {
		RecoveryParam param = {0};

		rd_plugin_copy(&param, sizeof param, p, size);
		g_array_append_val(params, param);
	}
	list = (RecoveryParam *)g_array_free(params, FALSE);
	g_ptr_array_add(self->param_lists, list);
	return list;
}

/* outcomes and outputs stand in procedures, too */
static gboolean
rd_plugin_check_names(RdPlugin *self, const RecoveryState *state, const char *what,
		      const char *const *names, GError **error)
{
	for (guint i = 0; names != NULL && names[i] != NULL; i++) {
		if (!rd_plugin_name_ok(names[i]))
			return rd_plugin_refuse(self->filename, error,
						"%s: the %s name \"%s\" is not [a-z0-9-]{1,40}",
						state->name, what, names[i]);
		for (guint j = 0; j < i; j++)
			if (strcmp(names[i], names[j]) == 0)
				return rd_plugin_refuse(self->filename, error,
							"%s: two %ss are named %s", state->name,
							what, names[i]);
	}
	return TRUE;
}

static gboolean
rd_plugin_check_params(RdPlugin *self, const RecoveryState *state, GError **error)
{
	for (const RecoveryParam *param = state->params; param->name != NULL; param++) {
		if (!rd_plugin_name_ok(param->name) || param->summary == NULL ||
		    param->type < RECOVERY_PARAM_STRING || param->type > RECOVERY_PARAM_SECRET)
			return rd_plugin_refuse(
			    self->filename, error,
			    "%s: the parameter %s has a bad name or type or no summary",
			    state->name, param->name);
		for (const RecoveryParam *other = state->params; other < param; other++)
			if (strcmp(other->name, param->name) == 0)
				return rd_plugin_refuse(self->filename, error,
							"%s: two parameters are named %s",
							state->name, param->name);
	}
	return TRUE;
}

static gboolean
rd_plugin_check_state(RdPlugin *self, const RecoveryState *state, GError **error)
{
	const char *file = self->filename;

	if (!rd_plugin_name_ok(state->name))
		return rd_plugin_refuse(file, error, "the state name \"%s\" is not [a-z0-9-]{1,40}",
					state->name);
	for (const RecoveryState *other = self->states; other < state; other++)
		if (strcmp(other->name, state->name) == 0)
			return rd_plugin_refuse(file, error, "two states are named %s",
						state->name);
	if (state->summary == NULL)
		return rd_plugin_refuse(file, error, "%s has no summary", state->name);
	if (!rd_plugin_check_params(self, state, error) ||
	    !rd_plugin_check_names(self, state, "outcome", state->outcomes, error) ||
	    !rd_plugin_check_names(self, state, "output", state->outputs, error))
		return FALSE;
	if (state->outcomes != NULL && state->outcomes[0] == NULL)
		return rd_plugin_refuse(file, error, "%s: its list of outcomes is empty",
					state->name);
	for (guint i = 0; state->guards != NULL && state->guards[i] != NULL; i++)
		if (state->kind != RECOVERY_KIND_CHANGE || strchr(state->guards[i], '/') == NULL)
			return rd_plugin_refuse(file, error,
						"%s: \"%s\": guards are state types, "
						"PLUGIN/NAME, and stand before a change",
						state->name, state->guards[i]);
	switch (state->kind) {
	case RECOVERY_KIND_CHANGE:
		if (state->probe == NULL || state->enter == NULL)
			return rd_plugin_refuse(file, error, "%s: a change needs probe and enter",
						state->name);
		if (state->undo_is == RECOVERY_UNDO_FUNCTION && state->undo == NULL)
			return rd_plugin_refuse(file, error,
						"%s: a change needs undo, or says that there is "
						"nothing to undo or that it is irreversible",
						state->name);
		return TRUE;
	case RECOVERY_KIND_WAIT:
		if (state->probe == NULL || state->enter != NULL)
			return rd_plugin_refuse(file, error, "%s: a wait has probe and no enter",
						state->name);
		return TRUE;
	case RECOVERY_KIND_QUERY:
		if (state->enter == NULL || state->undo != NULL)
			return rd_plugin_refuse(file, error, "%s: a query has enter and no undo",
						state->name);
		return TRUE;
	}
	return rd_plugin_refuse(file, error, "%s: kind %d is unknown", state->name, state->kind);
}

static gboolean
rd_plugin_read_table(RdPlugin *self, const RecoveryPlugin *theirs, GError **error)
{
	const char *file = self->filename;
	gsize n = 0;

	if (theirs->api != RECOVERY_PLUGIN_API)
		return rd_plugin_refuse(file, error, "built for plugin API %u, this is %u",
					theirs->api, RECOVERY_PLUGIN_API);
	if (theirs->plugin_size < RD_PLUGIN_LEAST || theirs->state_size < RD_STATE_LEAST ||
	    theirs->param_size < RD_PARAM_LEAST || theirs->state_size > 4096 ||
	    theirs->param_size > 4096 || theirs->state_size % sizeof(gpointer) != 0 ||
	    theirs->param_size % sizeof(gpointer) != 0)
		return rd_plugin_refuse(file, error, "its table has impossible sizes");
	rd_plugin_copy(&self->plugin, sizeof self->plugin, theirs, theirs->plugin_size);
	if (!rd_plugin_name_ok(self->plugin.name))
		return rd_plugin_refuse(file, error, "its name is not [a-z0-9-]{1,40}");
	if (self->plugin.summary == NULL || self->plugin.states == NULL)
		return rd_plugin_refuse(file, error, "its table has no summary or no states");
	while (*(char *const *)((const char *)theirs->states + n * theirs->state_size) != NULL)
		n++;
	if (n == 0)
		return rd_plugin_refuse(file, error, "its table has no states");
	self->states = g_new0(RecoveryState, n + 1);
	for (gsize i = 0; i < n; i++) {
		RecoveryState *state = &self->states[i];

		rd_plugin_copy(state, sizeof *state,
			       (const char *)theirs->states + i * theirs->state_size,
			       theirs->state_size);
		state->params = rd_plugin_copy_params(self, state->params, theirs->param_size);
		if (state->timeout == 0)
			state->timeout = 300;
		if (!rd_plugin_check_state(self, state, error))
			return FALSE;
	}
	self->plugin.states = self->states;
	return TRUE;
}

/* The dynamic linker maps what the headers promise: in a file that was cut short, half-copied for
 * one, that is a SIGBUS. Anything else that is wrong with a file it finds itself. */
static gboolean
rd_plugin_is_whole(int fd, off_t size)
{
	ElfW(Ehdr) head;
	ElfW(Phdr) part;

	if (pread(fd, &head, sizeof head, 0) != sizeof head ||
	    memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 || head.e_phentsize != sizeof part)
		return TRUE;
	for (guint i = 0; i < head.e_phnum; i++) {
		if (pread(fd, &part, sizeof part, (off_t)(head.e_phoff + i * sizeof part)) !=
		    sizeof part)
			return FALSE;
		if (part.p_type == PT_LOAD && (part.p_offset > (guint64)size ||
					       part.p_filesz > (guint64)size - part.p_offset))
			return FALSE;
	}
	return TRUE;
}

/* A plugin runs with our keys and the host's root: who may write the file decides what it does. */
static gboolean
rd_plugin_check_file(const char *filename, GError **error)
{
	gboolean whole;
	struct stat st;
	int fd;

	if (stat(filename, &st) != 0)
		return rd_plugin_refuse(filename, error, "%s", g_strerror(errno));
	if (!S_ISREG(st.st_mode))
		return rd_plugin_refuse(filename, error, "not a file");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return rd_plugin_refuse(filename, error,
					"may be written by others (mode %04o): chmod go-w",
					st.st_mode & 07777);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return rd_plugin_refuse(filename, error, "belongs to uid %u, not to root or you",
					st.st_uid);
	fd = open(filename, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return rd_plugin_refuse(filename, error, "%s", g_strerror(errno));
	whole = rd_plugin_is_whole(fd, st.st_size);
	close(fd);
	if (!whole)
		return rd_plugin_refuse(filename, error, "cut short, not all of it is there");
	return TRUE;
}

gboolean
rd_catalogue_load(RdCatalogue *self, const char *filename, GError **error)
{
	g_autoptr(RdPlugin) plugin = g_new0(RdPlugin, 1);
	const RecoveryPlugin *theirs = NULL;
	GModule *module;

	plugin->filename = g_strdup(filename);
	plugin->param_lists = g_ptr_array_new_with_free_func(g_free);
	if (!rd_plugin_check_file(filename, error))
		return FALSE;
	/* bound now: an undefined symbol is found here and not at three in the morning */
	module = g_module_open(filename, G_MODULE_BIND_LOCAL);
	if (module == NULL) {
		const char *text = g_module_error();

		if (g_str_has_prefix(text, filename) && text[strlen(filename)] == ':')
			text += strlen(filename) + 2;
		return rd_plugin_refuse(filename, error, "%s", text);
	}
	if (!g_module_symbol(module, "recovery_plugin", (gpointer *)&theirs) || theirs == NULL) {
		g_module_close(module);
		return rd_plugin_refuse(filename, error,
					"exports no recovery_plugin: RECOVERY_PLUGIN() is missing");
	}
	g_module_make_resident(module);
	if (!rd_plugin_read_table(plugin, theirs, error))
		return FALSE;
	for (guint i = 0; i < self->plugins->len; i++) {
		const RdPlugin *other = g_ptr_array_index(self->plugins, i);

		if (strcmp(other->plugin.name, plugin->plugin.name) == 0)
			return rd_plugin_refuse(filename, error, "the name %s is taken by %s",
						plugin->plugin.name, other->filename);
	}
	g_ptr_array_add(self->plugins, g_steal_pointer(&plugin));
	return TRUE;
}

static gint
rd_catalogue_compare(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

gboolean
rd_catalogue_load_dir(RdCatalogue *self, const char *dir, GError **error)
{
	g_autoptr(GDir) handle = g_dir_open(dir, 0, error);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	const char *name;

	if (handle == NULL)
		return FALSE;
	while ((name = g_dir_read_name(handle)) != NULL)
		if (g_str_has_suffix(name, ".so"))
			g_ptr_array_add(names, g_build_filename(dir, name, NULL));
	g_ptr_array_sort(names, rd_catalogue_compare);
	for (guint i = 0; i < names->len; i++)
		if (!rd_catalogue_load(self, g_ptr_array_index(names, i), error))
			return FALSE;
	return TRUE;
}

const RecoveryState *
rd_catalogue_find(RdCatalogue *self, const char *type)
{
	const char *slash = type != NULL ? strchr(type, '/') : NULL;

	for (guint i = 0; slash != NULL && i < self->plugins->len; i++) {
		const RdPlugin *plugin = g_ptr_array_index(self->plugins, i);

		if (strlen(plugin->plugin.name) != (gsize)(slash - type) ||
		    strncmp(plugin->plugin.name, type, slash - type) != 0)
			continue;
		for (const RecoveryState *state = plugin->states; state->name != NULL; state++)
			if (strcmp(state->name, slash + 1) == 0)
				return state;
	}
	return NULL;
}

/* ---- description --------------------------------------------------------------------------- */

static const char *const kind_words[] = {NULL, "change", "wait", "query"};
static const char *const undo_words[] = {"function", "nothing", "irreversible"};
static const char *const param_words[] = {NULL,	  "string", "int",	"bool",
					  "path", "file",   "duration", "secret"};

static void
rd_describe_strings(JsonBuilder *out, const char *name, const char *const *list,
		    const char *fallback)
{
	json_builder_set_member_name(out, name);
	json_builder_begin_array(out);
	for (guint i = 0; list != NULL && list[i] != NULL; i++)
		json_builder_add_string_value(out, list[i]);
	if (list == NULL && fallback != NULL)
		json_builder_add_string_value(out, fallback);
	json_builder_end_array(out);
}

static void
rd_describe_member(JsonBuilder *out, const char *name, const char *value)
{
	json_builder_set_member_name(out, name);
	if (value != NULL)
		json_builder_add_string_value(out, value);
	else
		json_builder_add_null_value(out);
}

static void
rd_describe_state(JsonBuilder *out, const RecoveryState *state)
{
	json_builder_begin_object(out);
	rd_describe_member(out, "name", state->name);
	rd_describe_member(out, "summary", state->summary);
	rd_describe_member(out, "kind", kind_words[state->kind]);
	json_builder_set_member_name(out, "params");
	json_builder_begin_array(out);
	for (const RecoveryParam *param = state->params; param->name != NULL; param++) {
		json_builder_begin_object(out);
		rd_describe_member(out, "name", param->name);
		rd_describe_member(out, "type", param_words[param->type]);
		rd_describe_member(out, "fallback", param->fallback);
		rd_describe_member(out, "summary", param->summary);
		json_builder_end_object(out);
	}
	json_builder_end_array(out);
	rd_describe_strings(out, "outcomes", state->outcomes, "done");
	rd_describe_strings(out, "outputs", state->outputs, NULL);
	json_builder_set_member_name(out, "timeout");
	json_builder_add_int_value(out, state->timeout);
	rd_describe_member(out, "undo",
			   state->kind == RECOVERY_KIND_CHANGE ? undo_words[state->undo_is]
							       : "nothing");
	rd_describe_member(out, "by_hand", state->by_hand);
	rd_describe_strings(out, "guards", state->guards, NULL);
	json_builder_set_member_name(out, "alone");
	json_builder_add_boolean_value(out, state->alone);
	json_builder_end_object(out);
}

JsonNode *
rd_catalogue_describe(RdCatalogue *self)
{
	g_autoptr(JsonBuilder) out = json_builder_new();

	json_builder_begin_object(out);
	json_builder_set_member_name(out, "plugins");
	json_builder_begin_array(out);
	for (guint i = 0; i < self->plugins->len; i++) {
		const RdPlugin *plugin = g_ptr_array_index(self->plugins, i);

		json_builder_begin_object(out);
		rd_describe_member(out, "name", plugin->plugin.name);
		rd_describe_member(out, "summary", plugin->plugin.summary);
		rd_describe_member(out, "file", plugin->filename);
		json_builder_set_member_name(out, "states");
		json_builder_begin_array(out);
		for (const RecoveryState *state = plugin->states; state->name != NULL; state++)
			rd_describe_state(out, state);
		json_builder_end_array(out);
		json_builder_end_object(out);
	}
	json_builder_end_array(out);
	json_builder_end_object(out);
	return json_builder_get_root(out);
}
