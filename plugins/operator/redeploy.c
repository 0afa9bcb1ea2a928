/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A forced rollout: the operator renders a new revision whenever spec.forceRedeploymentReason
 * changes. So one value per visit (INV-27): another attempt sends the bytes of the first, which may
 * have arrived although nobody answered, or may still arrive. */

#include "operator.h"
#include <math.h>

/* "recovery-2026-01-02 03:04:05.123456789+00:00", by the recovery host's clock */
static gboolean
make_reason(RecoveryStep *step, char **reason, GError **error)
{
	g_autoptr(GDateTime) date = NULL;
	g_autofree char *text = NULL;
	RecoveryMoment moment = {0};
	double second;

	if (!rd_api_moment(step, &moment, error))
		return FALSE;
	second = floor(moment.now);
	date = g_date_time_new_from_unix_utc((gint64)second);
	text = g_date_time_format(date, "%Y-%m-%d %H:%M:%S");
	*reason = g_strdup_printf("recovery-%s.%09.0f+00:00", text,
				  MIN(floor((moment.now - second) * 1e9), 999999999));
	return TRUE;
}

static const char *
reason_of(JsonNode *object)
{
	return rd_api_text(object, "spec", "forceRedeploymentReason", NULL);
}

gboolean
redeploy_baseline(RecoveryStep *step, GError **error)
{
	const RdOperator *op = operator_find(recovery_string(step, "operator"), error);
	const char *first = recovery_recall_first(step, "reason");
	g_autoptr(JsonNode) object = NULL;
	g_autofree char *reason = g_strdup(first), *latest = NULL;
	const char *recorded = recovery_recall_first(step, "recorded");

	object = op == NULL ? NULL : operator_get(step, op, error);
	if (object == NULL || (reason == NULL && !make_reason(step, &reason, error)))
		return FALSE;
	/* an earlier attempt has arrived: what is the newest revision now may be its effect */
	if (recorded == NULL || !g_str_equal(reason_of(object), reason)) {
		latest = g_strdup_printf(
		    "%" G_GINT64_FORMAT,
		    rd_api_int(object, 0, "status", "latestAvailableRevision", NULL));
		recorded = latest;
	}
	return recovery_remember(step, "recorded", recorded, error) &&
	       recovery_remember(step, "reason", reason, error);
}

RecoveryProbe
redeploy_probe(RecoveryStep *step, GError **error)
{
	const RdOperator *op = operator_find(recovery_string(step, "operator"), error);
	const char *recorded = recovery_recall(step, "recorded");
	const char *reason = recovery_recall(step, "reason");
	g_autoptr(JsonNode) object = NULL;

	if (op == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (recorded == NULL || reason == NULL)
		return RECOVERY_PROBE_ABSENT;
	object = operator_get(step, op, error);
	if (object == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	if (!g_str_equal(reason_of(object), reason))
		return RECOVERY_PROBE_ABSENT;
	return recovery_output(step, "recorded", recorded, error) &&
		       recovery_output(step, "reason", reason, error)
		   ? RECOVERY_PROBE_PRESENT
		   : RECOVERY_PROBE_UNKNOWN;
}

static JsonNode *
edit_reason(JsonNode *object, gpointer data)
{
	const char *reason = data;
	JsonNode *patch = NULL;
	JsonObject *root, *spec;

	if (g_str_equal(reason_of(object), reason))
		return NULL;
	root = json_object_new();
	spec = json_object_new();
	json_object_set_string_member(spec, "forceRedeploymentReason", reason);
	json_object_set_object_member(root, "spec", spec);
	patch = json_node_new(JSON_NODE_OBJECT);
	json_node_take_object(patch, root);
	return patch;
}

gboolean
redeploy_enter(RecoveryStep *step, GError **error)
{
	const RdOperator *op = operator_find(recovery_string(step, "operator"), error);
	g_autofree char *reason = g_strdup(recovery_recall(step, "reason"));
	RecoveryApiEnd end = RECOVERY_API_DONE;

	if (op == NULL || !rd_api_edit(step, op->path, NULL, edit_reason, reason, &end, error))
		return FALSE;
	if (end == RECOVERY_API_DONE)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s is gone", op->path);
	return FALSE;
}
