/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "yaml/yaml-private.h"

#include <libfyaml.h>
#include <string.h>

/* The tree is built from libfyaml's events, not its documents: duplicate keys, depth and what
 * aliases grow to are then decided here, with a position, whatever the library's version does. */

#define YAML_MAX_DEPTH 32
#define YAML_MAX_NODES 200000 /* with aliases written out */

typedef struct fy_parser FyParser;
typedef struct fy_diag FyDiag;
typedef struct fy_event FyEvent;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FyParser, fy_parser_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FyDiag, fy_diag_destroy)

typedef struct {
	RdYaml *doc;
	FyParser *parser;
	GHashTable *anchors;  /* (element-type utf8 JsonNode) NULL while its node is incomplete */
	GPtrArray *discarded; /* (element-type JsonNode) values of duplicate keys; may be aliased */
	guint depth;
	guint nodes;
	guint line, column; /* of the newest event that has a place: an empty value has none */
} Builder;

static gboolean
is_plain_number(const char *text)
{
	return g_regex_match_simple("^[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?$", text,
				    0, 0);
}

/* the core schema of YAML 1.2; a number that does not fit stays text */
static JsonNode *
scalar_to_node(const char *text, gboolean plain)
{
	JsonNode *node = json_node_alloc();
	const char *digits = text + (*text == '-' || *text == '+');
	gint64 number = 0;

	if (plain && (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
		      strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0))
		return json_node_init_null(node);
	if (plain &&
	    (strcmp(text, "true") == 0 || strcmp(text, "True") == 0 || strcmp(text, "TRUE") == 0))
		return json_node_init_boolean(node, TRUE);
	if (plain && (strcmp(text, "false") == 0 || strcmp(text, "False") == 0 ||
		      strcmp(text, "FALSE") == 0))
		return json_node_init_boolean(node, FALSE);
	if (plain && *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0') {
		if (*text == '+')
			text = digits;
		if (g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
			return json_node_init_int(node, number);
		return json_node_init_string(node, text);
	}
	if (plain && is_plain_number(text))
		return json_node_init_double(node, g_ascii_strtod(text, NULL));
	return json_node_init_string(node, text);
}

static FyEvent *
builder_next(Builder *self)
{
	return fy_parser_parse(self->parser);
}

static void
builder_done(Builder *self, FyEvent *event)
{
	fy_parser_event_free(self->parser, event);
}

static void
builder_position(Builder *self, FyEvent *event, guint *line, guint *column)
{
	const struct fy_mark *mark = fy_event_start_mark(event);

	*line = mark == NULL ? self->line : (guint)mark->line + 1;
	*column = mark == NULL ? self->column : (guint)mark->column + 1;
	if (mark == NULL)
		return;
	/* libfyaml's mark of an alias stands behind the "*", that of a quoted scalar behind the
	 * quote */
	if (event->type == FYET_ALIAS && *column > 1)
		*column -= 1;
	if (event->type == FYET_SCALAR && event->scalar.value != NULL && *column > 1) {
		enum fy_scalar_style style = fy_token_scalar_style(event->scalar.value);

		if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
			*column -= 1;
	}
	self->line = *line;
	self->column = *column;
}

static char *
token_text(struct fy_token *token)
{
	size_t size = 0;
	const char *text = token == NULL ? NULL : fy_token_get_text(token, &size);

	return text == NULL ? NULL : g_strndup(text, size);
}

static JsonNode *builder_value(Builder *self, FyEvent *event);

static RdYamlPlace *
builder_place(Builder *self, JsonNode *node, guint line, guint column, guint size)
{
	RdYamlPlace *place = g_new0(RdYamlPlace, 1);

	place->line = line;
	place->column = column;
	place->size = size;
	g_hash_table_insert(self->doc->places, node, place);
	return place;
}

static RdYamlPlace *
yaml_place(const RdYaml *self, JsonNode *node)
{
	return g_hash_table_lookup(self->places, node);
}

/* FALSE after a complaint, when the document becomes too large */
static gboolean
builder_count(Builder *self, guint nodes, guint line, guint column)
{
	self->nodes += nodes;
	if (self->nodes <= YAML_MAX_NODES)
		return TRUE;
	rd_complaints_add(self->doc->complaints, line, column,
			  "more than %u values, with aliases written out: this is no file for us",
			  YAML_MAX_NODES);
	return FALSE;
}

static JsonNode *
builder_alias(Builder *self, FyEvent *event, guint line, guint column)
{
	g_autofree char *name = token_text(event->alias.anchor);
	JsonNode *target = NULL;
	JsonNode *node = NULL;
	RdYamlPlace *there = NULL;

	if (!g_hash_table_lookup_extended(self->anchors, name != NULL ? name : "", NULL,
					  (gpointer *)&target)) {
		rd_complaints_add(self->doc->complaints, line, column,
				  "*%s: no anchor &%s stands before", name, name);
		return NULL;
	}
	if (target == NULL) {
		rd_complaints_add(self->doc->complaints, line, column,
				  "*%s stands inside its own anchor", name);
		return NULL;
	}
	there = yaml_place(self->doc, target);
	if (!builder_count(self, there->size, line, column))
		return NULL;
	/* shares what is inside, so aliases of aliases cost nothing */
	node = json_node_copy(target);
	builder_place(self, node, line, column, there->size)->text = g_strdup(there->text);
	return node;
}

static JsonNode *
builder_sequence(Builder *self, guint *size)
{
	g_autoptr(JsonArray) array = json_array_new();
	FyEvent *event = NULL;
	JsonNode *node = NULL;

	while ((event = builder_next(self)) != NULL && event->type != FYET_SEQUENCE_END) {
		JsonNode *element = builder_value(self, event);

		builder_done(self, event);
		if (element == NULL)
			return NULL;
		*size += yaml_place(self->doc, element)->size;
		json_array_add_element(array, element);
	}
	if (event == NULL)
		return NULL;
	builder_done(self, event);
	node = json_node_new(JSON_NODE_ARRAY);
	json_node_set_array(node, array);
	return node;
}

/* the text of a key; NULL after a complaint */
static char *
builder_key(Builder *self, FyEvent *event, guint line, guint column)
{
	g_autofree char *key = NULL;

	if (event->type != FYET_SCALAR) {
		rd_complaints_add(self->doc->complaints, line, column, "a key must be plain text");
		return NULL;
	}
	key = token_text(event->scalar.value);
	if (key == NULL || *key == '\0' ||
	    strlen(key) != fy_token_get_text_length(event->scalar.value)) {
		rd_complaints_add(self->doc->complaints, line, column, "a key without text");
		return NULL;
	}
	if (strcmp(key, "<<") == 0) {
		rd_complaints_add(self->doc->complaints, line, column,
				  "merge keys (<<) are not read: write the keys out");
		return NULL;
	}
	return g_steal_pointer(&key);
}

static JsonNode *
builder_mapping(Builder *self, guint *size)
{
	g_autoptr(JsonObject) object = json_object_new();
	FyEvent *event = NULL;
	JsonNode *node = NULL;

	while ((event = builder_next(self)) != NULL && event->type != FYET_MAPPING_END) {
		g_autofree char *key = NULL;
		JsonNode *value = NULL;
		RdYamlPlace *place = NULL;
		guint line = 0, column = 0;

		builder_position(self, event, &line, &column);
		key = builder_key(self, event, line, column);
		builder_done(self, event);
		if (key == NULL)
			return NULL;
		event = builder_next(self);
		if (event == NULL)
			return NULL;
		value = builder_value(self, event);
		builder_done(self, event);
		if (value == NULL)
			return NULL;
		place = yaml_place(self->doc, value);
		place->key_line = line;
		place->key_column = column;
		*size += place->size;
		if (json_object_has_member(object, key)) {
			RdYamlPlace *first =
			    yaml_place(self->doc, json_object_get_member(object, key));

			rd_complaints_add(self->doc->complaints, line, column,
					  "%s stands here a second time, first in line %u", key,
					  first->key_line);
			g_ptr_array_add(self->discarded, value);
			continue;
		}
		json_object_set_member(object, key, value);
	}
	if (event == NULL)
		return NULL;
	builder_done(self, event);
	node = json_node_new(JSON_NODE_OBJECT);
	json_node_set_object(node, object);
	return node;
}

static JsonNode *
builder_collection(Builder *self, FyEvent *event, guint line, guint column, guint *size)
{
	JsonNode *node = NULL;

	if (self->depth == YAML_MAX_DEPTH) {
		rd_complaints_add(self->doc->complaints, line, column, "nested more than %u deep",
				  YAML_MAX_DEPTH);
		return NULL;
	}
	self->depth++;
	if (event->type == FYET_SEQUENCE_START)
		node = builder_sequence(self, size);
	else
		node = builder_mapping(self, size);
	self->depth--;
	return node;
}

/* the node that begins with @event; NULL after a complaint or when the parser ended */
static JsonNode *
builder_value(Builder *self, FyEvent *event)
{
	g_autofree char *anchor = NULL;
	g_autofree char *text = NULL;
	struct fy_token *tag = NULL;
	JsonNode *node = NULL;
	guint line = 0, column = 0, size = 1;

	builder_position(self, event, &line, &column);
	if (!builder_count(self, 1, line, column))
		return NULL;
	if (event->type == FYET_ALIAS)
		return builder_alias(self, event, line, column);
	if (event->type == FYET_SCALAR) {
		anchor = token_text(event->scalar.anchor);
		tag = event->scalar.tag;
	} else if (event->type == FYET_SEQUENCE_START) {
		anchor = token_text(event->sequence_start.anchor);
		tag = event->sequence_start.tag;
	} else if (event->type == FYET_MAPPING_START) {
		anchor = token_text(event->mapping_start.anchor);
		tag = event->mapping_start.tag;
	} else {
		return NULL;
	}
	if (tag != NULL) {
		rd_complaints_add(self->doc->complaints, line, column,
				  "tags (!…) are not read: quote the value if it is to be text");
		return NULL;
	}
	if (anchor != NULL)
		g_hash_table_replace(self->anchors, g_strdup(anchor), NULL);
	if (event->type == FYET_SCALAR) {
		text = token_text(event->scalar.value);
		if (text == NULL)
			text = g_strdup("");
		/* "\0" in a double-quoted scalar */
		if (event->scalar.value != NULL &&
		    strlen(text) != fy_token_get_text_length(event->scalar.value)) {
			rd_complaints_add(self->doc->complaints, line, column,
					  "a NUL byte inside a text");
			return NULL;
		}
		node = scalar_to_node(text,
				      event->scalar.value == NULL ||
					  fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN);
	} else {
		node = builder_collection(self, event, line, column, &size);
	}
	if (node == NULL)
		return NULL;
	builder_place(self, node, line, column, size)->text = g_steal_pointer(&text);
	if (anchor != NULL)
		g_hash_table_replace(self->anchors, g_strdup(anchor), node);
	return node;
}

/* the first document into self->doc->root; what follows it is complained about */
static void
builder_stream(Builder *self)
{
	FyEvent *event = NULL;
	guint line = 0, column = 0;
	gboolean seen = FALSE;

	while ((event = builder_next(self)) != NULL) {
		if (event->type == FYET_DOCUMENT_START && seen) {
			builder_position(self, event, &line, &column);
			rd_complaints_add(self->doc->complaints, line, column,
					  "a second document begins here: only one is read");
			builder_done(self, event);
			return;
		}
		seen = seen || event->type == FYET_DOCUMENT_START;
		if (event->type == FYET_SCALAR || event->type == FYET_SEQUENCE_START ||
		    event->type == FYET_MAPPING_START || event->type == FYET_ALIAS) {
			self->doc->root = builder_value(self, event);
			if (self->doc->root == NULL) {
				builder_done(self, event);
				return;
			}
		}
		builder_done(self, event);
	}
}

/* what libfyaml itself did not like */
static void
yaml_add_diagnostics(RdYaml *self, FyDiag *diag)
{
	void *state = NULL;
	struct fy_diag_error *one = NULL;

	while ((one = fy_diag_errors_iterate(diag, &state)) != NULL) {
		g_autofree char *message = g_strdup(one->msg);

		rd_complaints_add(self->complaints, MAX(one->line, 1), MAX(one->column, 1), "%s",
				  g_strstrip(message));
	}
}

void
rd_yaml_build(RdYaml *self, const char *data, gsize size)
{
	g_autoptr(FyDiag) diag = NULL;
	g_autoptr(FyParser) parser = NULL;
	g_autoptr(GHashTable) anchors =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) discarded =
	    g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref);
	struct fy_diag_cfg diag_cfg = {0};
	struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2};
	Builder builder = {.doc = self, .anchors = anchors, .discarded = discarded};

	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.level = FYET_ERROR;
	diag = fy_diag_create(&diag_cfg);
	fy_diag_set_collect_errors(diag, true);
	cfg.diag = diag;
	parser = fy_parser_create(&cfg);
	builder.parser = parser;
	if (diag == NULL || parser == NULL || fy_parser_set_string(parser, data, size) != 0)
		g_error("libfyaml: no memory");
	builder_stream(&builder);
	yaml_add_diagnostics(self, diag);
	if (rd_complaints_count(self->complaints) == 0 && fy_parser_get_stream_error(parser))
		rd_complaints_add(self->complaints, 0, 0, "not YAML");
}
