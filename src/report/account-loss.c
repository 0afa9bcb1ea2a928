/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-report"

#include "account-private.h"
#include "yaml/json.h"

/* What is lost by the restore, as the run told it when it came to rest behind its rescue copy. */

static const RdEvent *
rd_account_find_loss(const RdEvidence *evidence)
{
	const RdEvent *found = NULL;

	for (guint i = 0; i < evidence->events->len; i++) {
		const RdEvent *event = g_ptr_array_index(evidence->events, i);

		if (event->kind == RD_EVENT_REMARK && g_strcmp0(event->word, RD_REMARK_LOSS) == 0)
			found = event;
	}
	return found;
}

void
rd_account_loss(JsonBuilder *json, const RdEvidence *evidence)
{
	const RdEvent *event = rd_account_find_loss(evidence);
	g_autoptr(JsonNode) node =
	    event != NULL && event->value != NULL ? json_from_string(event->value, NULL) : NULL;
	JsonObjectIter iter;
	const char *name;
	JsonNode *value;

	json_builder_set_member_name(json, "loss");
	if (event == NULL) {
		json_builder_add_null_value(json);
		return;
	}
	json_builder_begin_object(json);
	rd_account_event(json, event);
	rd_json_string(json, "text", event->text);
	/* before it the run could go back, and nothing was lost yet */
	rd_json_bool(json, "final",
		     evidence->run != NULL &&
			 rd_run_passed(evidence->run, RD_MARK_POINT_OF_NO_RETURN));
	if (node != NULL && JSON_NODE_HOLDS_OBJECT(node)) {
		json_object_iter_init(&iter, json_node_get_object(node));
		while (json_object_iter_next(&iter, &name, &value)) {
			json_builder_set_member_name(json, name);
			json_builder_add_value(json, json_node_copy(value));
		}
	}
	json_builder_end_object(json);
}
