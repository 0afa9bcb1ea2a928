/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "journal/redact.h"
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

/* ---- building ------------------------------------------------------------------------------ */

/* nothing secret, nothing of this walk's own, and UTF-8 whatever a host said */
static void
rd_put(const RdPlanned *planned, JsonObject *object, const char *name, const char *text)
{
	g_autofree char *valid = NULL, *hidden = NULL, *shown = NULL;

	if (text == NULL)
		return;
	valid = g_utf8_make_valid(text, -1);
	hidden = rd_redact_text(NULL, valid);
	shown = rd_planned_text(planned, hidden != NULL ? hidden : valid);
	json_object_set_string_member(object, name, shown);
}

static void rd_put_node(const RdPlanned *planned, JsonObject *object, const char *name,
			JsonNode *node);

static JsonArray *
rd_copy_array(const RdPlanned *planned, JsonArray *from)
{
	JsonArray *to = json_array_new();

	for (guint i = 0; i < json_array_get_length(from); i++) {
		g_autoptr(JsonObject) holder = json_object_new();

		rd_put_node(planned, holder, "x", json_array_get_element(from, i));
		json_array_add_element(to, json_object_dup_member(holder, "x"));
	}
	return to;
}

static void
rd_put_node(const RdPlanned *planned, JsonObject *object, const char *name, JsonNode *node)
{
	if (JSON_NODE_HOLDS_OBJECT(node)) {
		JsonObject *copy = json_object_new();
		JsonObjectIter iter;
		const char *key;
		JsonNode *value;

		json_object_iter_init(&iter, json_node_get_object(node));
		while (json_object_iter_next(&iter, &key, &value))
			rd_put_node(planned, copy, key, value);
		json_object_set_object_member(object, name, copy);
	} else if (JSON_NODE_HOLDS_ARRAY(node)) {
		json_object_set_array_member(object, name,
					     rd_copy_array(planned, json_node_get_array(node)));
	} else {
		rd_put(planned, object, name, json_node_get_string(node));
	}
}

static JsonObject *
rd_put_table(const RdPlanned *planned, JsonObject *object, const char *name, GHashTable *table)
{
	JsonObject *members = json_object_new();
	GHashTableIter iter;
	gpointer key, value;

	json_object_set_object_member(object, name, members);
	if (table == NULL)
		return members;
	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, &key, &value))
		rd_put(planned, members, key, value);
	return members;
}

/* outputs that are words for people */
static gboolean
rd_is_remark(const char *output)
{
	static const char *const names[] = {"note", "summary", NULL};

	return g_strv_contains(names, output);
}

/* What the hosts said before anything was changed. How long something will take, when it was, and
 * whose lease it is are not among it. */
static void
rd_put_facts(const RdPlanned *planned, JsonObject *declares)
{
	JsonObject *facts = json_object_new();
	GHashTableIter iter;
	gpointer key, value;

	json_object_set_object_member(declares, "facts", facts);
	for (guint i = 0; i < planned->forecast->steps->len; i++) {
		const RdForecastStep *step = g_ptr_array_index(planned->forecast->steps, i);
		g_autofree char *name = g_strdup_printf("%s@%s", step->plan->name, step->target);

		if (step->then || step->back || step->plan->kind == RD_KIND_WAIT || step->visit > 1)
			continue;
		rd_put(planned, facts, name, rd_forecast_word_to_string(step->word));
		if (step->word != RD_FORECAST_ASKED)
			continue;
		g_hash_table_iter_init(&iter, step->outputs);
		while (g_hash_table_iter_next(&iter, &key, &value)) {
			g_autofree char *output = g_strdup_printf("%s.%s", name, (char *)key);

			if (!rd_is_remark(key))
				rd_put(planned, facts, output, value);
		}
	}
	g_hash_table_iter_init(&iter, planned->forecast->hosts);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		g_autofree char *name = g_strdup_printf("host %s", (char *)key);

		rd_put(planned, facts, name,
		       g_hash_table_contains(planned->forecast->silent, key) ? "does not answer"
		       : *(char *)value != '\0' ? "belongs to another run"
						: "answers");
	}
}

static JsonObject *
rd_put_declares(const RdPlanned *planned, const RdBeginOptions *options)
{
	JsonObject *declares = json_object_new();
	JsonArray *approved = json_array_new();

	rd_put(planned, declares, "procedure", planned->procedure);
	rd_put(planned, declares, "procedure-sha256", planned->procedure_sha256);
	rd_put(planned, declares, "inventory", planned->inventory);
	rd_put(planned, declares, "inventory-sha256", planned->inventory_sha256);
	rd_put(planned, declares, "recovery-host", options->recovery_host);
	rd_put_table(planned, declares, "inputs", options->inputs);
	/* what they became: digests of a backup, paths from the root */
	rd_put_table(planned, declares, "values", planned->setting->inputs);
	rd_put_table(planned, declares, "excused", options->excused);
	for (guint i = 0; options->approved != NULL && options->approved[i] != NULL; i++)
		json_array_add_string_element(approved, options->approved[i]);
	json_object_set_array_member(declares, "approved", approved);
	json_object_set_boolean_member(declares, "accept-no-hash", options->accept_no_hash);
	rd_put_facts(planned, declares);
	return declares;
}

static JsonArray *
rd_guard_names(GPtrArray *guards)
{
	JsonArray *names = json_array_new();

	for (guint i = 0; i < guards->len; i++)
		json_array_add_string_element(
		    names, ((const RdPlanGuard *)g_ptr_array_index(guards, i))->type);
	return names;
}

static JsonObject *
rd_put_step(const RdPlanned *planned, const RdForecastStep *step)
{
	const RdPlanState *state = step->plan;
	JsonObject *object = json_object_new();

	rd_put(planned, object, "state", state->name);
	rd_put(planned, object, "target", step->target);
	rd_put(planned, object, "type", state->type);
	json_object_set_int_member(object, "visit", step->visit);
	rd_put(planned, object, "stands", rd_forecast_word_to_string(step->word));
	json_object_set_boolean_member(object, "gives-back", step->back);
	rd_put(planned, object, "text", step->text);
	rd_put(planned, object, "open", step->open);
	rd_put(planned, object, "when", step->when);
	json_object_set_int_member(object, "timeout-s", state->timeout_s);
	if (state->mark != RD_MARK_NONE)
		rd_put(planned, object, "mark", rd_mark_to_string(state->mark));
	if (state->gate != NULL && !step->back)
		rd_put(planned, object, "gate", state->gate->name);
	rd_put(planned, object, "beside", state->beside);
	rd_put(planned, object, "borrow", state->borrow);
	json_object_set_array_member(object, "guards",
				     rd_guard_names(step->back ? state->returns : state->guards));
	json_object_set_array_member(object, "changes", rd_copy_array(planned, step->entries));
	return object;
}

JsonNode *
rd_plan_file_build(const RdPlanned *planned, const RdBeginOptions *options)
{
	JsonNode *node = json_node_new(JSON_NODE_OBJECT);
	JsonObject *root = json_object_new();
	JsonArray *steps = json_array_new();
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *at = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
	g_autofree char *digest = NULL;

	json_object_set_int_member(root, "format", RD_PLAN_FORMAT);
	json_object_set_string_member(root, "made", at);
	rd_put(planned, root, "by", options->who);
	json_object_set_object_member(root, "declares", rd_put_declares(planned, options));
	for (guint i = 0; i < planned->forecast->steps->len; i++)
		json_array_add_object_element(
		    steps, rd_put_step(planned, g_ptr_array_index(planned->forecast->steps, i)));
	json_object_set_array_member(root, "steps", steps);
	rd_put_table(planned, root, "hosts", planned->forecast->hosts);
	digest = rd_plan_file_digest(root);
	json_object_set_string_member(root, "digest", digest);
	json_node_take_object(node, root);
	return node;
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
	JsonObject *declares = rd_yaml_mapping(yaml, node, "declares", NULL);
	JsonNode *facts;

	if (declares == NULL)
		return;
	self->procedure = rd_plan_file_text(yaml, node, declares, "procedure");
	self->inventory = rd_plan_file_text(yaml, node, declares, "inventory");
	self->recovery_host = g_strdup(rd_yaml_member(yaml, declares, "recovery-host"));
	self->inputs = rd_plan_file_table(yaml, declares, "inputs");
	self->excused = rd_plan_file_table(yaml, declares, "excused");
	self->approved = rd_plan_file_words(yaml, declares, "approved");
	self->accept_no_hash = rd_yaml_member_bool(yaml, declares, "accept-no-hash", FALSE);
	facts = json_object_get_member(declares, "facts");
	if (facts == NULL)
		rd_yaml_complain(yaml, node, "facts is missing: this is no plan");
	else
		(void)rd_yaml_mapping(yaml, facts, "facts", NULL);
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
	(void)rd_yaml_list(yaml, steps, "steps");
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

/* ---- comparing ----------------------------------------------------------------------------- */

static JsonObject *
rd_plan_member(JsonNode *plan, const char *name)
{
	JsonObject *declares =
	    json_object_get_object_member(json_node_get_object(plan), "declares");

	return name != NULL ? json_object_get_object_member(declares, name) : declares;
}

static char *
rd_node_text(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL)
		return NULL;
	return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_dup_string(node)
		   : json_to_string(node, FALSE);
}

static void
rd_compare_one(GPtrArray *lines, const char *name, JsonObject *then, JsonObject *now)
{
	g_autofree char *was = rd_node_text(then, name);
	g_autofree char *is = rd_node_text(now, name);

	if (g_strcmp0(was, is) == 0)
		return;
	g_ptr_array_add(lines,
			g_strdup_printf("%s: was %s, is %s", name, was != NULL ? was : "not known",
					is != NULL ? is : "not known"));
}

/* both ways, in order of the names */
static void
rd_compare_members(GPtrArray *lines, JsonObject *then, JsonObject *now)
{
	g_autoptr(GList) names =
	    g_list_concat(json_object_get_members(then), json_object_get_members(now));
	const char *last = NULL;

	names = g_list_sort(names, rd_by_bytes);
	for (GList *l = names; l != NULL; l = l->next) {
		if (g_strcmp0(last, l->data) != 0)
			rd_compare_one(lines, l->data, then, now);
		last = l->data;
	}
}

GPtrArray *
rd_plan_file_compare(const RdPlanFile *self, JsonNode *now)
{
	static const char *const sums[] = {"procedure-sha256", "inventory-sha256"};
	GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < G_N_ELEMENTS(sums); i++)
		rd_compare_one(lines, sums[i], rd_plan_member(self->root, NULL),
			       rd_plan_member(now, NULL));
	rd_compare_members(lines, rd_plan_member(self->root, "values"),
			   rd_plan_member(now, "values"));
	rd_compare_members(lines, rd_plan_member(self->root, "facts"),
			   rd_plan_member(now, "facts"));
	return lines;
}
