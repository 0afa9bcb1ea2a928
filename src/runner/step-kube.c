/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <recovery/kubernetes.h>
#include <string.h>

#include "kube/objects.h"
#include "step-private.h"

/* The Kubernetes API for bodies. What changes goes the way of step-touch.c, only that the server
 * does not know our locks: so the lock of the recovery host is looked at in its place, as late as
 * possible. Between that look and the change another could take the host; what then arrives
 * carries a precondition (resourceVersion, uid), and that is the plugin's affair. */

#define RD_API_BODY_SHOW 2048 /* bytes of a change's body in the journal */
#define RD_API_MANY_SHOW 128  /* the like of each of many */
#define RD_API_MANY	 50   /* of change_all under one number */

static const struct {
	RdKubeVerb verb;
	const char *word; /* in the journal */
} verbs[] = {
    [RECOVERY_API_CREATE] = {RD_KUBE_POST, "api-create"},
    [RECOVERY_API_REPLACE] = {RD_KUBE_PUT, "api-replace"},
    [RECOVERY_API_MERGE] = {RD_KUBE_PATCH_MERGE, "api-merge"},
    [RECOVERY_API_JSON_PATCH] = {RD_KUBE_PATCH_JSON, "api-json-patch"},
    [RECOVERY_API_DELETE] = {RD_KUBE_DELETE, "api-delete"},
};

/* ---- one change ---------------------------------------------------------------------------- */

/* at most @show bytes, and no half letter at the end */
static char *
rd_api_excerpt(const char *body, gsize show)
{
	const char *end;

	if (strlen(body) <= show && g_utf8_validate(body, -1, NULL))
		return g_strdup(body);
	(void)g_utf8_validate_len(body, MIN(strlen(body), show), &end);
	return g_strdup_printf("%.*s… (%" G_GSIZE_FORMAT " bytes)", (int)(end - body), body,
			       strlen(body));
}

static void
rd_api_describe(GString *text, const RecoveryApiChange *change, gsize show)
{
	g_autofree char *body = NULL;

	g_string_append(text, change->path);
	if (change->verb == RECOVERY_API_DELETE) {
		g_string_append_printf(text, " uid %s%s", change->uid, change->now ? " now" : "");
	} else if (rd_api_is_secret(change->path)) {
		g_string_append_printf(text, " (%" G_GSIZE_FORMAT " bytes, not shown)",
				       strlen(change->body));
	} else {
		body = rd_api_excerpt(change->body, show);
		g_string_append_printf(text, " %s", body);
	}
}

/* a PUT without it overwrites whatever somebody else wrote meanwhile */
static gboolean
rd_api_has_version(const RecoveryApiChange *change)
{
	g_autoptr(JsonNode) node = rd_kube_json_parse(change->body, strlen(change->body), NULL);
	JsonNode *meta = NULL, *version = NULL;

	if (node != NULL && JSON_NODE_HOLDS_OBJECT(node))
		meta = json_object_get_member(json_node_get_object(node), "metadata");
	if (meta != NULL && JSON_NODE_HOLDS_OBJECT(meta))
		version = json_object_get_member(json_node_get_object(meta), "resourceVersion");
	return version != NULL && json_node_get_value_type(version) == G_TYPE_STRING &&
	       *json_node_get_string(version) != '\0';
}

/* what a plugin must not ask for, found before anything is journalled */
static gboolean
rd_api_is_sound(RecoveryStep *step, const RecoveryApiChange *change, GError **error)
{
	g_autofree char *version = rd_kube_delete_version(change->body);
	const char *fault = NULL;

	if (change->verb < RECOVERY_API_CREATE || change->verb > RECOVERY_API_DELETE)
		fault = "there is no such change";
	else if (change->path == NULL || change->path[0] != '/')
		fault = "a path begins with /";
	else if (change->verb == RECOVERY_API_DELETE && (change->uid == NULL || *change->uid == 0))
		fault = "nothing is deleted without the uid of what was seen";
	else if (change->verb == RECOVERY_API_DELETE && change->body != NULL && version == NULL)
		fault = "of a deletion the body is {\"resourceVersion\": TEXT}, or there is none";
	else if (change->verb != RECOVERY_API_DELETE && change->body == NULL)
		fault = "a change needs a body";
	else if (change->yaml && change->verb != RECOVERY_API_CREATE)
		fault = "only what is created may be YAML";
	else if (change->verb == RECOVERY_API_REPLACE && !rd_api_has_version(change))
		fault = "nothing is replaced without the resourceVersion of what was seen";
	if (fault == NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT, "%s: %s, %s: %s",
		    step->order->target, step->order->type,
		    change->path != NULL ? change->path : "(no path)", fault);
	return FALSE;
}

static RdKubeRequest
rd_api_request(const RecoveryApiChange *change)
{
	return (RdKubeRequest){.verb = verbs[change->verb].verb,
			       .path = change->path,
			       .body = change->body,
			       .content_type = change->yaml ? "application/yaml" : NULL,
			       .uid = change->uid,
			       .now = change->now};
}

/* The server cannot refuse who lost the cluster to another run, but the recovery host can, and
 * each incarnation holds it before it touches. */
static gboolean
rd_step_check_fence(RecoveryStep *step, GError **error)
{
	static const char *const nothing[] = {"true", NULL};
	const RdOrder *order = step->order;
	const char *host = order->fence_host != NULL ? order->fence_host : order->target;
	g_auto(RdReply) reply = {0};
	RdCall call;

	if (strcmp(host, RD_CLUSTER) == 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "%s: nothing is changed through the Kubernetes API while no recovery "
			    "host is held whose lock could guard it",
			    order->target);
		return FALSE;
	}
	rd_step_fill_call(step, &call, RD_CALL_RUN);
	call.argv = nothing;
	if (order->fence_host != NULL)
		call.number = order->fence_number;
	if (!rd_step_call(step, host, &call, &reply, error)) {
		g_prefix_error(error, "before a change through the Kubernetes API: ");
		return FALSE;
	}
	if (reply.status != 0) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "before a change through the Kubernetes API: %s: true ended with %d: "
			    "%s",
			    host, reply.status, reply.err != NULL ? reply.err : "");
		return FALSE;
	}
	return TRUE;
}

static RecoveryApiEnd
rd_api_end(const RdKubeAnswer *answer)
{
	return answer->verdict == RD_KUBE_MISSING    ? RECOVERY_API_MISSING
	       : answer->verdict == RD_KUBE_CONFLICT ? RECOVERY_API_CONFLICT
						     : RECOVERY_API_DONE;
}

/* the object, and no Status: that is what DELETE and errors are answered with */
static JsonNode *
rd_api_object(RdKubeAnswer *answer)
{
	JsonObject *object;

	if (answer->verdict != RD_KUBE_DONE || answer->body == NULL)
		return NULL;
	object = json_node_get_object(answer->body);
	if (g_strcmp0(json_object_get_string_member_with_default(object, "kind", ""), "Status") ==
	    0)
		return NULL;
	return g_steal_pointer(&answer->body);
}

/* what is asked for, as far as it is anything */
static void
rd_tape_say_change(RecoveryStep *step, const RecoveryApiChange *change)
{
	static const char *const words[] = {
	    [RECOVERY_API_CREATE] = "create", [RECOVERY_API_REPLACE] = "replace",
	    [RECOVERY_API_MERGE] = "merge",   [RECOVERY_API_JSON_PATCH] = "json-patch",
	    [RECOVERY_API_DELETE] = "delete",
	};
	const char *path = change->path != NULL ? change->path : "";

	rd_tape_say(step, "api-change %s %s%s%s%s%s",
		    words[CLAMP(change->verb, RECOVERY_API_CREATE, RECOVERY_API_DELETE)], path,
		    change->uid != NULL ? " uid " : "", change->uid != NULL ? change->uid : "",
		    change->now ? " now" : "", change->yaml ? " yaml" : "");
	if (rd_api_is_secret(path))
		rd_tape_put(step, "<", "[redacted]");
	else
		rd_tape_text(step, "<", change->body);
}

/* @error (nullable) */
static void
rd_tape_change_end(RecoveryStep *step, RecoveryApiEnd end, const GError *error)
{
	static const char *const words[] = {"done", "missing", "conflict"};

	if (error != NULL)
		rd_tape_error(step, error);
	else
		rd_tape_put(step, "~", words[end]);
}

static gboolean
rd_api_change(RecoveryStep *step, const RecoveryApiChange *change, RecoveryApiEnd *end,
	      JsonNode **answer, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) local = NULL;
	g_autofree char *how = NULL;
	g_auto(RdKubeAnswer) got = {0};
	RdKubeRequest request;
	RdKube *kube;

	if (answer != NULL)
		*answer = NULL;
	if (!rd_api_is_sound(step, change, error))
		return FALSE;
	kube = rd_step_kube(step, error);
	if (kube == NULL)
		return FALSE;
	rd_api_describe(text, change, RD_API_BODY_SHOW);
	if (!rd_step_begin_touch(step, verbs[change->verb].word, text->str, error))
		return FALSE;
	request = rd_api_request(change);
	if (step->foresight != NULL)
		rd_foresight_add_change(step->foresight, &request, rd_api_is_secret(change->path));
	if (rd_step_check_fence(step, &local) &&
	    !rd_kube_change(kube, &request, rd_step_patience(step), &got, &local))
		rd_step_kube_end(step, &local);
	how = g_strdup_printf("HTTP %u%s%s", got.status, got.message != NULL ? ": " : "",
			      got.message != NULL ? got.message : "");
	rd_step_end_touch(step, step->touches, got.verdict == RD_KUBE_DONE ? "done" : "refused",
			  how, local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*end = rd_api_end(&got);
	if (answer != NULL)
		*answer = rd_api_object(&got);
	return TRUE;
}

gboolean
recovery_api_change(RecoveryStep *step, const RecoveryApiChange *change, RecoveryApiEnd *end,
		    JsonNode **answer, GError **error)
{
	g_autoptr(GError) local = NULL;

	rd_tape_say_change(step, change);
	(void)rd_api_change(step, change, end, answer, &local);
	rd_tape_change_end(step, local == NULL ? *end : RECOVERY_API_DONE, local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (answer != NULL)
		rd_tape_json(step, *answer, rd_api_is_secret(change->path));
	return TRUE;
}

/* ---- many ---------------------------------------------------------------------------------- */

void
recovery_api_answer_clear(RecoveryApiAnswer *answer)
{
	g_clear_error(&answer->error);
	answer->end = RECOVERY_API_DONE;
}

/* RD_API_MANY of them under one number: a journal that waits for the disk 1500 times would take
 * longer than the changes. FALSE with error when one could not be written down. */
static gboolean
rd_api_begin_many(RecoveryStep *step, const RecoveryApiChange *changes, guint n, GError **error)
{
	for (guint i = 0; i < n; i += RD_API_MANY) {
		g_autoptr(GString) text = g_string_new(NULL);

		for (guint j = i; j < MIN(i + RD_API_MANY, n); j++) {
			g_string_append_printf(text, "%s%s ", j > i ? "\n" : "",
					       verbs[changes[j].verb].word);
			rd_api_describe(text, &changes[j], RD_API_MANY_SHOW);
		}
		if (!rd_step_begin_touch(step, "api-many", text->str, error))
			return FALSE;
		for (guint j = i; step->foresight != NULL && j < MIN(i + RD_API_MANY, n); j++) {
			RdKubeRequest request = rd_api_request(&changes[j]);

			rd_foresight_add_change(step->foresight, &request,
						rd_api_is_secret(changes[j].path));
		}
	}
	return TRUE;
}

static void
rd_api_end_many(RecoveryStep *step, guint first, const RecoveryApiAnswer *answers, guint n,
		const GError *error)
{
	for (guint i = 0; i < n; i += RD_API_MANY) {
		guint done = 0, missing = 0, conflict = 0, failed = 0;
		g_autofree char *text = NULL;
		const GError *worst = error;

		for (guint j = i; j < MIN(i + RD_API_MANY, n); j++) {
			failed += answers[j].error != NULL;
			if (answers[j].error != NULL &&
			    (worst == NULL || worst->code != RECOVERY_ERROR_UNREACHABLE))
				worst = answers[j].error;
			if (answers[j].error != NULL)
				continue;
			done += answers[j].end == RECOVERY_API_DONE;
			missing += answers[j].end == RECOVERY_API_MISSING;
			conflict += answers[j].end == RECOVERY_API_CONFLICT;
		}
		text = g_strdup_printf("%u done, %u missing, %u in conflict, %u failed", done,
				       missing, conflict, failed);
		rd_step_end_touch(step, first + i / RD_API_MANY, "done", text, worst);
	}
}

/* answers of the server as those of the step API; FALSE with error when one is none */
static gboolean
rd_api_take_answers(RecoveryStep *step, const RdKubeRequest *requests, RdKubeAnswer *got, guint n,
		    RecoveryApiAnswer *answers, GError **error)
{
	const GError *lost = NULL;
	guint unanswered = 0;

	for (guint i = 0; i < n; i++) {
		RdKubeVerdict verdict = got[i].verdict;

		answers[i].end = rd_api_end(&got[i]);
		if (verdict != RD_KUBE_DONE && verdict != RD_KUBE_CONFLICT &&
		    (verdict != RD_KUBE_MISSING || got[i].unserved)) {
			rd_kube_answer_to_error(&requests[i], &got[i], &answers[i].error);
			g_prefix_error(&answers[i].error, "%s: ", step->order->target);
		}
		if (g_error_matches(answers[i].error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE) &&
		    unanswered++ == 0)
			lost = answers[i].error;
	}
	if (lost == NULL)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
		    "%u of %u changes were not answered, the first: %s", unanswered, n,
		    lost->message);
	return FALSE;
}

/* what kept all of them from being sent is what became of each */
static void
rd_api_fail_all(RecoveryApiAnswer *answers, guint n, const GError *error)
{
	for (guint i = 0; i < n; i++)
		if (answers[i].error == NULL)
			answers[i].error = g_error_copy(error);
}

static gboolean
rd_api_change_all(RecoveryStep *step, const RecoveryApiChange *changes, guint n,
		  RecoveryApiAnswer *answers, GError **error)
{
	g_autofree RdKubeRequest *requests = g_new0(RdKubeRequest, MAX(n, 1));
	g_autofree RdKubeAnswer *got = g_new0(RdKubeAnswer, MAX(n, 1));
	g_autoptr(GError) local = NULL;
	guint first = step->touches + 1, begun;
	RdKube *kube;

	for (guint i = 0; i < n; i++) {
		if (!rd_api_is_sound(step, &changes[i], error))
			return FALSE;
		requests[i] = rd_api_request(&changes[i]);
	}
	kube = rd_step_kube(step, error);
	if (kube == NULL)
		return FALSE;
	if (!rd_api_begin_many(step, changes, n, &local) || !rd_step_check_fence(step, &local))
		rd_api_fail_all(answers, n, local);
	else if (rd_kube_change_all(kube, requests, n, rd_step_patience(step), got, &local))
		(void)rd_api_take_answers(step, requests, got, n, answers, &local);
	else /* cancelled: some may have been answered before */
		(void)rd_api_take_answers(step, requests, got, n, answers, NULL);
	for (guint i = 0; i < n; i++)
		rd_kube_answer_clear(&got[i]);
	begun = MIN(n, (step->touches + 1 - first) * RD_API_MANY);
	rd_api_end_many(step, first, answers, begun, local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

gboolean
recovery_api_change_all(RecoveryStep *step, const RecoveryApiChange *changes, guint n,
			RecoveryApiAnswer *answers, GError **error)
{
	GError *local = NULL;

	memset(answers, 0, n * sizeof *answers);
	if (n == 0)
		return TRUE;
	rd_tape_say(step, "api-change-all %u", n);
	(void)rd_api_change_all(step, changes, n, answers, &local);
	rd_tape_error(step, local);
	for (guint i = 0; i < n; i++) {
		rd_tape_say_change(step, &changes[i]);
		rd_tape_change_end(step, answers[i].end, answers[i].error);
	}
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, local);
	return FALSE;
}
