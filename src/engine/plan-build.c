/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include <gio/gio.h>
#include <string.h>

#include "journal/redact.h"
#include "plan-file.h"

/* The file of a plan, made. */

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

/* as they were given, but from the root: the plan may be started from elsewhere. A backup is the
 * one that has no value by its own name. */
static void
rd_put_inputs(const RdPlanned *planned, JsonObject *declares, GHashTable *inputs)
{
	JsonObject *members = json_object_new();
	GHashTableIter iter;
	gpointer name, given;

	g_hash_table_iter_init(&iter, inputs);
	while (g_hash_table_iter_next(&iter, &name, &given)) {
		const char *value = g_hash_table_lookup(planned->setting->inputs, name);
		g_autofree char *path = value == NULL ? g_canonicalize_filename(given, NULL) : NULL;

		rd_put(planned, members, name, value != NULL ? value : path);
	}
	json_object_set_object_member(declares, "inputs", members);
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
	rd_put_inputs(planned, declares, options->inputs);
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
	if (state->longest_s != 0)
		json_object_set_int_member(object, "longest-s", state->longest_s);
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
