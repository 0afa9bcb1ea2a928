/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "types.h"

#include "yaml/yaml.h"

#include <string.h>

struct _RdTypes {
	GHashTable *by_name; /* (element-type utf8 RdType) keys unowned: the type's name */
	GPtrArray *names;    /* (element-type utf8) (unowned) ends with NULL */
};

static const struct {
	const char *name;
	const char *wanted;
} param_types[] = {
    [RECOVERY_PARAM_STRING] = {"string", "text"},
    [RECOVERY_PARAM_INT] = {"int", "a whole number"},
    [RECOVERY_PARAM_BOOL] = {"bool", "yes or no"},
    [RECOVERY_PARAM_PATH] = {"path", "an absolute path on the host"},
    [RECOVERY_PARAM_FILE] = {"file", "an absolute path on this machine"},
    [RECOVERY_PARAM_DURATION] = {"duration", "a duration such as 90s, 5m or 1h"},
    [RECOVERY_PARAM_SECRET] = {"secret", "a secret"},
};
G_STATIC_ASSERT(G_N_ELEMENTS(param_types) == RECOVERY_PARAM_SECRET + 1);

static const char *const kinds[] =
    {[RD_KIND_CHANGE] = "change", [RD_KIND_WAIT] = "wait", [RD_KIND_QUERY] = "query"};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == RD_KIND_QUERY + 1);

static const char *const undos[] = {[RECOVERY_UNDO_FUNCTION] = "function",
				    [RECOVERY_UNDO_NOTHING] = "nothing",
				    [RECOVERY_UNDO_IRREVERSIBLE] = "irreversible"};
G_STATIC_ASSERT(G_N_ELEMENTS(undos) == RECOVERY_UNDO_IRREVERSIBLE + 1);

const char *
rd_param_type_to_string(RecoveryParamType type)
{
	return param_types[type].name;
}

gboolean
rd_param_type_from_string(const char *name, RecoveryParamType *type)
{
	for (guint i = RECOVERY_PARAM_STRING; i < G_N_ELEMENTS(param_types); i++) {
		if (g_strcmp0(name, param_types[i].name) != 0)
			continue;
		*type = i;
		return TRUE;
	}
	return FALSE;
}

static gboolean
word_to_index(const char *word, const char *const *words, guint n_words, guint *index)
{
	for (guint i = 0; i < n_words; i++) {
		if (words[i] == NULL || g_strcmp0(word, words[i]) != 0)
			continue;
		*index = i;
		return TRUE;
	}
	return FALSE;
}

gboolean
rd_type_check_value(RecoveryParamType type, const char *value, char **normal, const char **wanted)
{
	gboolean yes = FALSE;
	gint64 number = 0;

	*wanted = param_types[type].wanted;
	*normal = NULL;
	switch (type) {
	case RECOVERY_PARAM_INT:
		if (rd_parse_int(value, &number))
			*normal = g_strdup_printf("%" G_GINT64_FORMAT, number);
		break;
	case RECOVERY_PARAM_BOOL:
		if (rd_parse_bool(value, &yes))
			*normal = g_strdup(yes ? "yes" : "no");
		break;
	case RECOVERY_PARAM_DURATION:
		if (rd_parse_duration(value, &number))
			*normal = g_strdup_printf("%" G_GINT64_FORMAT, number);
		break;
	case RECOVERY_PARAM_PATH:
	case RECOVERY_PARAM_FILE:
		if (g_path_is_absolute(value))
			*normal = g_strdup(value);
		break;
	case RECOVERY_PARAM_STRING:
		*normal = g_strdup(value);
		break;
	case RECOVERY_PARAM_SECRET:
		break;
	}
	return *normal != NULL;
}

static void
type_param_free(RdTypeParam *param)
{
	g_free(param->name);
	g_free(param->fallback);
	g_free(param->summary);
	g_free(param);
}

static void
type_free(RdType *type)
{
	g_free(type->name);
	g_free(type->summary);
	g_free(type->by_hand);
	g_ptr_array_unref(type->params);
	g_strfreev(type->outcomes);
	g_strfreev(type->outputs);
	g_strfreev(type->guards);
	g_free(type);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdTypeParam, type_param_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdType, type_free)

/* member as text, NULL when missing, null, or something else */
static const char *
member_text(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL || json_node_get_value_type(node) != G_TYPE_STRING)
		return NULL;
	return json_node_get_string(node);
}

/* member as a list; an empty one when missing or null; NULL when it is something else */
static JsonArray *
member_list(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL || JSON_NODE_HOLDS_NULL(node))
		return json_array_new();
	return JSON_NODE_HOLDS_ARRAY(node) ? json_array_ref(json_node_get_array(node)) : NULL;
}

/* 0 when missing or no number */
static guint
member_uint(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL || json_node_get_value_type(node) != G_TYPE_INT64)
		return 0;
	return CLAMP(json_node_get_int(node), 0, G_MAXINT);
}

/* FALSE when missing or something else */
static gboolean
member_bool(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
	       json_node_get_boolean(node);
}

static gboolean
malformed(const char *where, const char *what, GError **error)
{
	g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID,
		    "description of the plugins, %s: %s", where, what);
	return FALSE;
}

static gboolean
member_words(JsonObject *object, const char *name, const char *where, char ***words, GError **error)
{
	g_autoptr(JsonArray) list = member_list(object, name);
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	if (list == NULL)
		return malformed(where, "outcomes, outputs and guards are lists of words", error);
	for (guint i = 0; i < json_array_get_length(list); i++) {
		JsonNode *node = json_array_get_element(list, i);

		if (json_node_get_value_type(node) != G_TYPE_STRING)
			return malformed(where, "outcomes and outputs are lists of words", error);
		g_strv_builder_add(builder, json_node_get_string(node));
	}
	*words = g_strv_builder_end(builder);
	return TRUE;
}

static gboolean
type_add_param(RdType *type, JsonNode *node, GError **error)
{
	g_autoptr(RdTypeParam) param = g_new0(RdTypeParam, 1);
	const char *fallback = NULL;
	const char *wanted = NULL;
	JsonObject *object = NULL;

	if (!JSON_NODE_HOLDS_OBJECT(node))
		return malformed(type->name, "a parameter is an object", error);
	object = json_node_get_object(node);
	param->name = g_strdup(member_text(object, "name"));
	param->summary = g_strdup(member_text(object, "summary"));
	if (param->name == NULL || *param->name == '\0')
		return malformed(type->name, "a parameter without name", error);
	if (!rd_param_type_from_string(member_text(object, "type"), &param->type))
		return malformed(type->name, "a parameter of an unknown type", error);
	fallback = member_text(object, "fallback");
	/* "" is how a plugin says that a path or file may be left out */
	if (fallback != NULL && *fallback == '\0' &&
	    (param->type == RECOVERY_PARAM_PATH || param->type == RECOVERY_PARAM_FILE ||
	     param->type == RECOVERY_PARAM_SECRET))
		param->fallback = g_strdup("");
	else if (fallback != NULL &&
		 !rd_type_check_value(param->type, fallback, &param->fallback, &wanted)) {
		g_autofree char *what = g_strdup_printf("fallback “%s” of parameter %s is not %s",
							fallback, param->name, wanted);

		return malformed(type->name, what, error);
	}
	g_ptr_array_add(type->params, g_steal_pointer(&param));
	return TRUE;
}

static RdType *
type_new(const char *plugin, JsonObject *object, GError **error)
{
	g_autoptr(RdType) type = g_new0(RdType, 1);
	g_autoptr(JsonArray) params = NULL;
	const char *name = member_text(object, "name");
	guint kind = 0, undo = RECOVERY_UNDO_NOTHING;

	type->params = g_ptr_array_new_with_free_func((GDestroyNotify)type_param_free);
	type->name = g_strdup_printf("%s/%s", plugin, name != NULL ? name : "?");
	type->summary = g_strdup(member_text(object, "summary"));
	type->timeout_s = member_uint(object, "timeout");
	type->by_hand = g_strdup(member_text(object, "by_hand"));
	type->alone = member_bool(object, "alone");
	if (name == NULL || *name == '\0') {
		malformed(plugin, "a state type without name", error);
		return NULL;
	}
	if (!word_to_index(member_text(object, "kind"), kinds, G_N_ELEMENTS(kinds), &kind)) {
		malformed(type->name, "kind is change, wait or query", error);
		return NULL;
	}
	type->kind = kind;
	if (kind == RD_KIND_CHANGE &&
	    !word_to_index(member_text(object, "undo"), undos, G_N_ELEMENTS(undos), &undo)) {
		malformed(type->name, "undo is function, nothing or irreversible", error);
		return NULL;
	}
	type->undo_is = undo;
	if (!member_words(object, "outcomes", type->name, &type->outcomes, error) ||
	    !member_words(object, "outputs", type->name, &type->outputs, error) ||
	    !member_words(object, "guards", type->name, &type->guards, error))
		return NULL;
	if (type->outcomes[0] == NULL) {
		g_strfreev(type->outcomes);
		type->outcomes = g_strsplit("done", " ", -1);
	}
	params = member_list(object, "params");
	if (params == NULL) {
		malformed(type->name, "params is a list", error);
		return NULL;
	}
	for (guint i = 0; i < json_array_get_length(params); i++)
		if (!type_add_param(type, json_array_get_element(params, i), error))
			return NULL;
	return g_steal_pointer(&type);
}

static gboolean
types_add_plugin(RdTypes *self, JsonNode *node, GError **error)
{
	g_autoptr(JsonArray) states = NULL;
	JsonObject *object = NULL;
	const char *plugin = NULL;

	if (!JSON_NODE_HOLDS_OBJECT(node))
		return malformed("plugins", "each is an object", error);
	object = json_node_get_object(node);
	plugin = member_text(object, "name");
	states = member_list(object, "states");
	if (plugin == NULL || *plugin == '\0' || states == NULL)
		return malformed("plugins", "each has a name and a list of states", error);
	for (guint i = 0; i < json_array_get_length(states); i++) {
		JsonNode *state = json_array_get_element(states, i);
		RdType *type = NULL;

		if (!JSON_NODE_HOLDS_OBJECT(state))
			return malformed(plugin, "a state type is an object", error);
		type = type_new(plugin, json_node_get_object(state), error);
		if (type == NULL)
			return FALSE;
		if (g_hash_table_contains(self->by_name, type->name)) {
			type_free(type);
			return malformed(plugin, "a state type stands there twice", error);
		}
		g_hash_table_insert(self->by_name, type->name, type);
		g_ptr_array_add(self->names, type->name);
	}
	return TRUE;
}

RdTypes *
rd_types_new(JsonNode *description, GError **error)
{
	g_autoptr(RdTypes) self = g_new0(RdTypes, 1);
	g_autoptr(JsonArray) plugins = NULL;

	self->by_name =
	    g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)type_free);
	self->names = g_ptr_array_new();
	if (!JSON_NODE_HOLDS_OBJECT(description) ||
	    !json_object_has_member(json_node_get_object(description), "plugins")) {
		malformed("whole", "an object with plugins", error);
		return NULL;
	}
	plugins = member_list(json_node_get_object(description), "plugins");
	if (plugins == NULL) {
		malformed("plugins", "not a list", error);
		return NULL;
	}
	for (guint i = 0; i < json_array_get_length(plugins); i++)
		if (!types_add_plugin(self, json_array_get_element(plugins, i), error))
			return NULL;
	g_ptr_array_add(self->names, NULL);
	return g_steal_pointer(&self);
}

void
rd_types_free(RdTypes *self)
{
	if (self == NULL)
		return;
	g_hash_table_unref(self->by_name);
	g_ptr_array_unref(self->names);
	g_free(self);
}

const RdType *
rd_types_find(const RdTypes *self, const char *name)
{
	return g_hash_table_lookup(self->by_name, name);
}

const char *const *
rd_types_get_names(const RdTypes *self)
{
	return (const char *const *)self->names->pdata;
}

const RdTypeParam *
rd_type_find_param(const RdType *type, const char *name)
{
	for (guint i = 0; i < type->params->len; i++) {
		const RdTypeParam *param = type->params->pdata[i];

		if (strcmp(param->name, name) == 0)
			return param;
	}
	return NULL;
}
