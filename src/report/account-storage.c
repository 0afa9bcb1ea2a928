/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include <string.h>

#include "account-private.h"
#include "yaml/json.h"

/* What audits of the persistent storage found: the output `findings` (docs/json.md), which the
 * journal has as one text. */

#define OUTPUT "findings"

JsonObject *
rd_account_audit(const char *name, const char *value, JsonNode **root)
{
	JsonNode *findings;

	*root = NULL;
	if (g_strcmp0(name, OUTPUT) != 0 || value == NULL)
		return NULL;
	*root = json_from_string(value, NULL);
	if (*root == NULL || !JSON_NODE_HOLDS_OBJECT(*root))
		return NULL;
	findings = json_object_get_member(json_node_get_object(*root), OUTPUT);
	return findings != NULL && JSON_NODE_HOLDS_ARRAY(findings) ? json_node_get_object(*root)
								   : NULL;
}

/* a step that was tried again, or visited once more, has looked again */
static gboolean
rd_account_is_newest(const RdEvidence *evidence, guint index)
{
	const RdEvent *event = g_ptr_array_index(evidence->events, index);

	for (guint i = index + 1; i < evidence->events->len; i++) {
		const RdEvent *later = g_ptr_array_index(evidence->events, i);

		if (later->kind == RD_EVENT_OUTPUT && g_strcmp0(later->key, OUTPUT) == 0 &&
		    g_strcmp0(later->state, event->state) == 0 &&
		    g_strcmp0(later->target, event->target) == 0)
			return FALSE;
	}
	return TRUE;
}

/* the texts of @object's array @from, those that are some */
static void
rd_account_names(JsonBuilder *json, JsonObject *object, const char *from, const char *name)
{
	JsonNode *node = json_object_get_member(object, from);
	JsonArray *names =
	    node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

	json_builder_set_member_name(json, name);
	json_builder_begin_array(json);
	for (guint i = 0; names != NULL && i < json_array_get_length(names); i++) {
		JsonNode *one = json_array_get_element(names, i);

		if (json_node_get_value_type(one) == G_TYPE_STRING)
			json_builder_add_string_value(json, json_node_get_string(one));
	}
	json_builder_end_array(json);
}

static void
rd_account_finding(JsonBuilder *json, JsonNode *node)
{
	static const char *const texts[] = {"severity", "kind",	  "object", "node",
					    "evidence", "manual", "remedy"};
	JsonObject *finding = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;

	if (finding == NULL)
		return;
	json_builder_begin_object(json);
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		JsonNode *text = json_object_get_member(finding, texts[i]);

		rd_json_string(json, texts[i],
			       text != NULL && json_node_get_value_type(text) == G_TYPE_STRING
				   ? json_node_get_string(text)
				   : NULL);
	}
	rd_json_bool(json, "gates_drain",
		     json_object_get_boolean_member_with_default(finding, "gates-drain", FALSE));
	json_builder_end_object(json);
}

static void
rd_account_one_audit(JsonBuilder *json, const RdEvent *event, JsonObject *audit)
{
	g_autofree char *step = rd_account_step_name(event->state, event->target);
	JsonArray *findings = json_object_get_array_member(audit, OUTPUT);

	json_builder_begin_object(json);
	rd_account_event(json, event);
	rd_json_string(json, "step", step);
	rd_account_names(json, audit, "looked", "looked");
	rd_account_names(json, audit, "not-looked", "not_looked");
	json_builder_set_member_name(json, OUTPUT);
	json_builder_begin_array(json);
	for (guint i = 0; i < json_array_get_length(findings); i++)
		rd_account_finding(json, json_array_get_element(findings, i));
	json_builder_end_array(json);
	json_builder_end_object(json);
}

void
rd_account_storage(JsonBuilder *json, const RdEvidence *evidence)
{
	json_builder_set_member_name(json, "storage");
	json_builder_begin_array(json);
	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);
		g_autoptr(JsonNode) root = NULL;
		JsonObject *audit;

		if (event->kind != RD_EVENT_OUTPUT || event->state == NULL || event->target == NULL)
			continue;
		audit = rd_account_audit(event->key, event->value, &root);
		if (audit != NULL && rd_account_is_newest(evidence, i))
			rd_account_one_audit(json, event, audit);
	}
	json_builder_end_array(json);
}
