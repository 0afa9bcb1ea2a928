/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "plan-file.h"
#include "yaml/yaml.h"

/* ---- canonical ----------------------------------------------------------------------------- */

static int
rd_by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

static void
rd_canonical_put_string(GString *out, const char *text)
{
	g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
	g_autofree char *quoted = json_to_string(node, FALSE);

	g_string_append(out, quoted);
}

static void
rd_canonical_put(GString *out, JsonNode *node)
{
	if (JSON_NODE_HOLDS_OBJECT(node)) {
		JsonObject *object = json_node_get_object(node);
		g_autoptr(GList) names = g_list_sort(json_object_get_members(object), rd_by_bytes);

		g_string_append_c(out, '{');
		for (GList *l = names; l != NULL; l = l->next) {
			if (l != names)
				g_string_append_c(out, ',');
			rd_canonical_put_string(out, l->data);
			g_string_append_c(out, ':');
			rd_canonical_put(out, json_object_get_member(object, l->data));
		}
		g_string_append_c(out, '}');
	} else if (JSON_NODE_HOLDS_ARRAY(node)) {
		JsonArray *array = json_node_get_array(node);

		g_string_append_c(out, '[');
		for (guint i = 0; i < json_array_get_length(array); i++) {
			if (i > 0)
				g_string_append_c(out, ',');
			rd_canonical_put(out, json_array_get_element(array, i));
		}
		g_string_append_c(out, ']');
	} else {
		g_autofree char *text = json_to_string(node, FALSE);

		g_string_append(out, text);
	}
}

char *
rd_plan_file_digest(JsonObject *plan)
{
	static const char *const names[] = {"declares", "steps"};
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
		rd_canonical_put(text, json_object_get_member(plan, names[i]));
		g_string_append_c(text, '\n');
	}
	return g_compute_checksum_for_string(G_CHECKSUM_SHA256, text->str, (gssize)text->len);
}

/* ---- reading ------------------------------------------------------------------------------- */

void
rd_plan_file_free(RdPlanFile *self)
{
	g_clear_pointer(&self->root, json_node_unref);
	g_free(self->digest);
	g_free(self->procedure);
	g_free(self->inventory);
	g_free(self->recovery_host);
	g_clear_pointer(&self->inputs, g_hash_table_unref);
	g_clear_pointer(&self->excused, g_hash_table_unref);
	g_strfreev(self->approved);
	g_free(self);
}

static GHashTable *
rd_plan_file_table(RdYaml *yaml, JsonObject *object, const char *name)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	JsonNode *node = json_object_get_member(object, name);
	JsonObject *members = node != NULL ? rd_yaml_mapping(yaml, node, name, NULL) : NULL;
	JsonObjectIter iter;
	const char *key;
	JsonNode *value;

	if (members == NULL)
		return table;
	json_object_iter_init(&iter, members);
	while (json_object_iter_next(&iter, &key, &value)) {
		const char *text = rd_yaml_get_text(yaml, value);

		if (text == NULL)
			rd_yaml_complain(yaml, value, "%s: a text is wanted", key);
		else
			g_hash_table_insert(table, g_strdup(key), g_strdup(text));
	}
	return table;
}

static char **
rd_plan_file_words(RdYaml *yaml, JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);
	JsonArray *list = node != NULL ? rd_yaml_list(yaml, node, name) : NULL;
	GPtrArray *words = g_ptr_array_new();

	for (guint i = 0; list != NULL && i < json_array_get_length(list); i++) {
		const char *word = rd_yaml_scalar(yaml, json_array_get_element(list, i), name);

		if (word != NULL)
			g_ptr_array_add(words, g_strdup(word));
	}
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(words, FALSE);
}

static char *
rd_plan_file_text(RdYaml *yaml, JsonNode *at, JsonObject *object, const char *name)
{
	const char *text = rd_yaml_member(yaml, object, name);

	if (text == NULL && !json_object_has_member(object, name))
		rd_yaml_complain(yaml, at, "%s is missing: this is no plan", name);
	return g_strdup(text);
}

static void
rd_plan_file_read_declares(RdPlanFile *self, RdYaml *yaml, JsonNode *node)
{
	static const char *const tables[] = {"values", "facts"};
	JsonObject *declares = rd_yaml_mapping(yaml, node, "declares", NULL);

	if (declares == NULL)
		return;
	self->procedure = rd_plan_file_text(yaml, node, declares, "procedure");
	self->inventory = rd_plan_file_text(yaml, node, declares, "inventory");
	self->recovery_host = g_strdup(rd_yaml_member(yaml, declares, "recovery-host"));
	self->inputs = rd_plan_file_table(yaml, declares, "inputs");
	self->excused = rd_plan_file_table(yaml, declares, "excused");
	self->approved = rd_plan_file_words(yaml, declares, "approved");
	self->accept_no_hash = rd_yaml_member_bool(yaml, declares, "accept-no-hash", FALSE);
	for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
		JsonNode *table = json_object_get_member(declares, tables[i]);

		if (table == NULL)
			rd_yaml_complain(yaml, node, "%s is missing: this is no plan", tables[i]);
		else
			(void)rd_yaml_mapping(yaml, table, tables[i], NULL);
	}
}

static void
rd_plan_file_check_steps(RdYaml *yaml, JsonNode *node)
{
	JsonArray *steps = rd_yaml_list(yaml, node, "steps");

	for (guint i = 0; steps != NULL && i < json_array_get_length(steps); i++) {
		JsonNode *at = json_array_get_element(steps, i);
		JsonObject *step = rd_yaml_mapping(yaml, at, "a step", NULL);
		JsonNode *changes = step != NULL ? json_object_get_member(step, "changes") : NULL;
		JsonArray *list = changes != NULL ? rd_yaml_list(yaml, changes, "changes") : NULL;

		if (step != NULL && changes == NULL)
			rd_yaml_complain(yaml, at, "changes is missing: this is no step");
		for (guint j = 0; list != NULL && j < json_array_get_length(list); j++)
			(void)rd_yaml_mapping(yaml, json_array_get_element(list, j), "a change",
					      NULL);
	}
}

static void
rd_plan_file_read(RdPlanFile *self, RdYaml *yaml)
{
	JsonNode *root = rd_yaml_get_root(yaml);
	JsonObject *object = rd_yaml_mapping(yaml, root, "a plan", NULL);
	JsonNode *declares, *steps;
	g_autofree char *digest = NULL;

	if (object == NULL)
		return;
	if (rd_yaml_member_int(yaml, object, "format", 0, G_MAXINT32, 0) != RD_PLAN_FORMAT)
		rd_yaml_complain(yaml, root, "format is not %d: this is no plan of this version",
				 RD_PLAN_FORMAT);
	self->digest = rd_plan_file_text(yaml, root, object, "digest");
	declares = json_object_get_member(object, "declares");
	steps = json_object_get_member(object, "steps");
	if (declares == NULL || steps == NULL) {
		rd_yaml_complain(yaml, root, "%s is missing: this is no plan",
				 declares == NULL ? "declares" : "steps");
		return;
	}
	rd_plan_file_read_declares(self, yaml, declares);
	rd_plan_file_check_steps(yaml, steps);
	digest = rd_plan_file_digest(object);
	if (self->digest != NULL && strcmp(digest, self->digest) != 0)
		rd_yaml_complain(yaml, json_object_get_member(object, "digest"),
				 "the plan was changed after it was made: its digest is %s. Make a "
				 "new one with recoveryd plan",
				 digest);
	self->root = json_node_copy(root);
}

static RdPlanFile *
rd_plan_file_take(RdYaml *yaml, RdComplaints *complaints, GError **error)
{
	g_autoptr(RdPlanFile) self = g_new0(RdPlanFile, 1);

	if (yaml == NULL)
		return NULL;
	rd_plan_file_read(self, yaml);
	return rd_complaints_settle(complaints, error) ? g_steal_pointer(&self) : NULL;
}

RdPlanFile *
rd_plan_file_load(const char *path, GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_load(path, complaints, error);

	return rd_plan_file_take(yaml, complaints, error);
}

RdPlanFile *
rd_plan_file_parse(const char *path, const char *data, gsize size, GError **error)
{
	g_autoptr(RdComplaints) complaints = rd_complaints_new(path);
	g_autoptr(RdYaml) yaml = rd_yaml_parse(data, size, complaints, error);

	return rd_plan_file_take(yaml, complaints, error);
}
