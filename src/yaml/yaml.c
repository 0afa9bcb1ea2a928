/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "yaml/yaml-private.h"

#include <gio/gio.h>

static void
place_free(RdYamlPlace *place)
{
	g_free(place->text);
	g_free(place);
}

static RdYamlPlace *
yaml_place(const RdYaml *self, JsonNode *node)
{
	return g_hash_table_lookup(self->places, node);
}

/* FALSE after a complaint: what libfyaml is never shown */
static gboolean
yaml_check_bytes(RdYaml *self, const char *data, gsize size)
{
	const char *bad = NULL;
	guint line = 1, column = 1;

	if (size == 0) {
		rd_complaints_add(self->complaints, 0, 0, "the file is empty");
		return FALSE;
	}
	/* g_utf8_validate_len stops at NUL as well */
	if (g_utf8_validate_len(data, size, &bad))
		return TRUE;
	for (const char *c = data; c < bad; c = g_utf8_next_char(c)) {
		column = *c == '\n' ? 1 : column + 1;
		line += *c == '\n';
	}
	rd_complaints_add(self->complaints, line, column, "byte 0x%02x: the file is not UTF-8 text",
			  (guint)(guchar)*bad);
	return FALSE;
}

RdYaml *
rd_yaml_parse(const char *data, gsize size, RdComplaints *complaints, GError **error)
{
	g_autoptr(RdYaml) self = g_new0(RdYaml, 1);

	self->complaints = complaints;
	self->digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
	self->places = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)place_free);
	if (yaml_check_bytes(self, data, size))
		rd_yaml_build(self, data, size);
	if (rd_complaints_count(complaints) == 0 && self->root == NULL)
		rd_complaints_add(complaints, 0, 0, "the file has no content but comments");
	if (!rd_complaints_settle(complaints, error))
		return NULL;
	return g_steal_pointer(&self);
}

/* at most RD_YAML_MAX_SIZE, and only regular files: a pipe could keep us for ever */
static char *
read_file(const char *path, gsize *size, GError **error)
{
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GFileInfo) info = NULL;
	g_autoptr(GFileInputStream) stream = NULL;
	g_autofree char *data = NULL;
	g_autoptr(GError) local = NULL;

	info = g_file_query_info(file, G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NONE, NULL,
				 &local);
	if (info != NULL && g_file_info_get_file_type(info) != G_FILE_TYPE_REGULAR) {
		g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE,
			    "%s: not a regular file", path);
		return NULL;
	}
	if (info != NULL)
		stream = g_file_read(file, NULL, &local);
	data = g_malloc(RD_YAML_MAX_SIZE + 1);
	if (stream == NULL || !g_input_stream_read_all(G_INPUT_STREAM(stream), data,
						       RD_YAML_MAX_SIZE + 1, size, NULL, &local)) {
		g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE, "%s: %s",
			    path, local->message);
		return NULL;
	}
	if (*size > RD_YAML_MAX_SIZE) {
		g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_UNREADABLE,
			    "%s: larger than 1 MiB: this is no file for us", path);
		return NULL;
	}
	return g_steal_pointer(&data);
}

RdYaml *
rd_yaml_load(const char *path, RdComplaints *complaints, GError **error)
{
	g_autofree char *data = NULL;
	gsize size = 0;

	data = read_file(path, &size, error);
	if (data == NULL)
		return NULL;
	return rd_yaml_parse(data, size, complaints, error);
}

void
rd_yaml_free(RdYaml *self)
{
	if (self == NULL)
		return;
	g_clear_pointer(&self->root, json_node_unref);
	g_hash_table_unref(self->places);
	g_free(self->digest);
	g_free(self);
}

JsonNode *
rd_yaml_get_root(const RdYaml *self)
{
	return self->root;
}

const char *
rd_yaml_get_digest(const RdYaml *self)
{
	return self->digest;
}

RdComplaints *
rd_yaml_get_complaints(const RdYaml *self)
{
	return self->complaints;
}

void
rd_yaml_get_position(const RdYaml *self, JsonNode *node, guint *line, guint *column)
{
	const RdYamlPlace *place = yaml_place(self, node);

	*line = place == NULL ? 0 : place->line;
	*column = place == NULL ? 0 : place->column;
}

void
rd_yaml_get_key_position(const RdYaml *self, JsonNode *node, guint *line, guint *column)
{
	const RdYamlPlace *place = yaml_place(self, node);

	if (place == NULL || place->key_line == 0) {
		rd_yaml_get_position(self, node, line, column);
		return;
	}
	*line = place->key_line;
	*column = place->key_column;
}

const char *
rd_yaml_get_text(const RdYaml *self, JsonNode *node)
{
	const RdYamlPlace *place = yaml_place(self, node);

	return place == NULL ? NULL : place->text;
}
