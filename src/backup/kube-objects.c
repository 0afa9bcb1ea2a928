/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "kube-objects.h"

#include "proto.h"

#include <string.h>

#define PROTOBUF_MARK "k8s\0" /* 4 bytes */
#define ENCRYPTED     "k8s:enc:"
#define NESTING_MAX   200 /* the JSON parser recurses */

static const char *const encodings[] = {
    [RD_OBJECT_JSON] = "json",
    [RD_OBJECT_PROTOBUF] = "protobuf",
    [RD_OBJECT_ENCRYPTED] = "encrypted",
    [RD_OBJECT_OTHER] = "other",
};
G_STATIC_ASSERT(G_N_ELEMENTS(encodings) == RD_OBJECT_OTHER + 1);

const char *
rd_object_encoding_to_string(RdObjectEncoding encoding)
{
	return encodings[encoding];
}

static gboolean
begins_with(const guint8 *value, gsize size, const char *mark, gsize mark_size)
{
	return size >= mark_size && memcmp(value, mark, mark_size) == 0;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static gboolean
is_shallow(const guint8 *value, gsize size)
{
	guint depth = 0;
	gboolean quoted = FALSE;

	for (gsize i = 0; i < size; i++) {
		if (quoted && value[i] == '\\')
			i++;
		else if (value[i] == '"')
			quoted = !quoted;
		else if (!quoted && (value[i] == '{' || value[i] == '['))
			depth++;
		else if (!quoted && (value[i] == '}' || value[i] == ']') && depth > 0)
			depth--;
		if (depth > NESTING_MAX)
			return FALSE;
	}
	return TRUE;
}

JsonNode *
rd_object_parse_json(const guint8 *value, gsize size)
{
	g_autoptr(JsonParser) parser = NULL;
	JsonNode *root = NULL;

	/* json-glib also reads what is no JSON: comments, assignments */
	if (size == 0 || value[0] != '{' || !g_utf8_validate_len((const char *)value, size, NULL) ||
	    !is_shallow(value, size))
		return NULL;
	parser = json_parser_new_immutable();
	if (!json_parser_load_from_data(parser, (const char *)value, size, NULL))
		return NULL;
	root = json_parser_get_root(parser);
	return root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_ref(root) : NULL;
}

static char *
json_text(JsonObject *object, const char *name)
{
	JsonNode *node = object != NULL ? json_object_get_member(object, name) : NULL;

	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_dup_string(node)
		   : NULL;
}

static void
read_json(RdObject *self, JsonNode *node)
{
	JsonObject *object = json_node_get_object(node);
	JsonNode *metadata = json_object_get_member(object, "metadata");
	JsonObject *inner = metadata != NULL && JSON_NODE_HOLDS_OBJECT(metadata)
				? json_node_get_object(metadata)
				: NULL;

	self->encoding = RD_OBJECT_JSON;
	self->api_version = json_text(object, "apiVersion");
	self->kind = json_text(object, "kind");
	self->namespace = json_text(inner, "namespace");
	self->name = json_text(inner, "name");
}

/* ---- protobuf ------------------------------------------------------------------------------
 * Unknown: type 1 {api version 1, kind 2}, the object 2.
 * Every object: metadata 1 {name 1, namespace 3, created 8 {seconds 1}, managed fields 17
 * {time 4 {seconds 1}}}; Lease: spec 2 {renewed 4 {seconds 1}}. */

typedef struct {
	RdProtoField type, raw, metadata;
	gboolean has_type, has_metadata;
} Unknown;

static gboolean
find_in(const RdProtoField *message, guint32 number, RdProtoField *field)
{
	return rd_proto_find(message->bytes, message->size, number, field);
}

static gboolean
read_unknown(Unknown *self, const guint8 *value, gsize size)
{
	gsize mark = strlen("k8s") + 1;

	*self = (Unknown){0};
	if (!begins_with(value, size, PROTOBUF_MARK, mark) ||
	    !rd_proto_find(value + mark, size - mark, 2, &self->raw))
		return FALSE;
	self->has_type = rd_proto_find(value + mark, size - mark, 1, &self->type);
	self->has_metadata = find_in(&self->raw, 1, &self->metadata);
	return TRUE;
}

static char *
proto_text(const RdProtoField *message, guint32 number)
{
	RdProtoField field;

	return find_in(message, number, &field) && field.size > 0 ? rd_proto_text(&field) : NULL;
}

/* of a message Time or MicroTime */
static gint64
read_time(const RdProtoField *message)
{
	RdProto proto = {.at = message->bytes, .end = message->bytes + message->size};
	RdProtoField field;

	while (rd_proto_next(&proto, &field) == RD_PROTO_FIELD)
		if (field.number == 1 && field.wire == RD_PROTO_VARINT)
			return (gint64)field.value;
	return 0;
}

static gint64
read_metadata_written(const RdProtoField *metadata)
{
	RdProto proto = {.at = metadata->bytes, .end = metadata->bytes + metadata->size};
	RdProtoField field, time;
	gint64 newest = 0;

	while (rd_proto_next(&proto, &field) == RD_PROTO_FIELD) {
		gint64 one = 0;

		if (field.wire != RD_PROTO_BYTES)
			continue;
		if (field.number == 8)
			one = read_time(&field);
		else if (field.number == 17 && find_in(&field, 4, &time))
			one = read_time(&time);
		newest = MAX(newest, one);
	}
	return newest;
}

static gint64
read_written(const Unknown *unknown)
{
	gint64 newest = unknown->has_metadata ? read_metadata_written(&unknown->metadata) : 0;
	RdProtoField kind, spec, renewed;

	if (unknown->has_type && find_in(&unknown->type, 2, &kind) &&
	    begins_with(kind.bytes, kind.size, "Lease", kind.size == 5 ? 5 : G_MAXSIZE) &&
	    find_in(&unknown->raw, 2, &spec) && find_in(&spec, 4, &renewed))
		newest = MAX(newest, read_time(&renewed));
	return newest;
}

static void
read_protobuf(RdObject *self, const Unknown *unknown)
{
	self->encoding = RD_OBJECT_PROTOBUF;
	if (unknown->has_type) {
		self->api_version = proto_text(&unknown->type, 1);
		self->kind = proto_text(&unknown->type, 2);
	}
	if (unknown->has_metadata) {
		self->name = proto_text(&unknown->metadata, 1);
		self->namespace = proto_text(&unknown->metadata, 3);
	}
	self->written = read_written(unknown);
}

RdObject *
rd_object_read(const guint8 *value, gsize size)
{
	RdObject *self = g_new0(RdObject, 1);
	g_autoptr(JsonNode) node = rd_object_parse_json(value, size);
	Unknown unknown;

	self->encoding = RD_OBJECT_OTHER;
	if (node != NULL)
		read_json(self, node);
	else if (begins_with(value, size, ENCRYPTED, strlen(ENCRYPTED)))
		self->encoding = RD_OBJECT_ENCRYPTED;
	else if (read_unknown(&unknown, value, size))
		read_protobuf(self, &unknown);
	return self;
}

void
rd_object_free(RdObject *self)
{
	if (self == NULL)
		return;
	g_free(self->api_version);
	g_free(self->kind);
	g_free(self->namespace);
	g_free(self->name);
	g_free(self);
}

gint64
rd_object_written(const guint8 *value, gsize size)
{
	Unknown unknown;

	return read_unknown(&unknown, value, size) ? read_written(&unknown) : 0;
}

/* k8s:enc:PROVIDER:VERSION:KEY:… */
char *
rd_object_encryption(const guint8 *value, gsize size)
{
	g_autofree char *front = NULL;
	g_auto(GStrv) parts = NULL;

	if (!begins_with(value, size, ENCRYPTED, strlen(ENCRYPTED)))
		return NULL;
	/* names of keys are short; what follows is no text */
	front = g_strndup((const char *)value, MIN(size, 512));
	parts = g_strsplit(front, ":", 6);
	if (g_strv_length(parts) < 6 || !g_utf8_validate(parts[2], -1, NULL) ||
	    !g_utf8_validate(parts[4], -1, NULL))
		return g_strdup("?/?");
	return g_strdup_printf("%s/%s", parts[2], parts[4]);
}

/* ---- keys ---------------------------------------------------------------------------------- */

/* resources whose key has one part more than others' */
static gboolean
has_second_part(const char *resource, const char *next)
{
	return strcmp(resource, "services") == 0 &&
	       (strcmp(next, "specs") == 0 || strcmp(next, "endpoints") == 0);
}

RdObjectKey *
rd_object_key_parse(const guint8 *key, gsize size)
{
	const RdProtoField field = {.bytes = key, .size = size};
	g_autofree char *text = rd_proto_text(&field);
	g_auto(GStrv) parts = NULL;
	g_autoptr(RdObjectKey) self = NULL;
	guint count = 0, at = 2;

	if (text == NULL || text[0] != '/')
		return NULL;
	parts = g_strsplit(text, "/", 8); /* the first is empty, the second the prefix */
	count = g_strv_length(parts);
	if (count < 4)
		return NULL;
	self = g_new0(RdObjectKey, 1);
	if (count >= 5 && strchr(parts[2], '.') != NULL) {
		self->resource = g_strdup_printf("%s.%s", parts[3], parts[2]);
		at = 4;
	} else if (count >= 5 && has_second_part(parts[2], parts[3])) {
		self->resource = g_strdup_printf("%s/%s", parts[2], parts[3]);
		at = 4;
	} else {
		self->resource = g_strdup(parts[2]);
		at = 3;
	}
	if (count - at >= 2)
		self->namespace = g_strdup(parts[at++]);
	self->name = g_strjoinv("/", parts + at);
	return g_steal_pointer(&self);
}

void
rd_object_key_free(RdObjectKey *self)
{
	if (self == NULL)
		return;
	g_free(self->resource);
	g_free(self->namespace);
	g_free(self->name);
	g_free(self);
}
