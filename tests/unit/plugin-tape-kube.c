/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/call.h"
#include "plugin-tape-private.h"
#include <recovery/kubernetes.h>
#include <string.h>

/* The Kubernetes API on tape. Witnesses of freshness are judged by the real rules. */

static const char *const change_words[] = {
    [RECOVERY_API_CREATE] = "create", [RECOVERY_API_REPLACE] = "replace",
    [RECOVERY_API_MERGE] = "merge",   [RECOVERY_API_JSON_PATCH] = "json-patch",
    [RECOVERY_API_DELETE] = "delete",
};
static const char *const end_words[] = {"done", "missing", "conflict"};

/* as the library reads what the server sends; NULL when the tape has no text here */
static JsonNode *
tape_json(RecoveryStep *step, const RecoveryReply *reply)
{
	g_autoptr(GError) error = NULL;
	JsonNode *node = NULL;

	if (reply->out_size == 0)
		return NULL;
	node = rd_kube_json_parse(reply->out, reply->out_size, &error);
	if (node == NULL)
		tape_die(step, "the tape's answer is %s:\n%s", error->message, reply->out);
	return node;
}

/* ---- looking ------------------------------------------------------------------------------- */

/* of time a tape knows nothing */
void
recovery_api_patience(RecoveryStep *step, guint seconds)
{
}

JsonNode *
recovery_api_get(RecoveryStep *step, const char *path, GError **error)
{
	g_autofree char *said = g_strdup_printf("api-get %s", path);
	g_auto(RecoveryReply) reply = {0};
	JsonNode *object = NULL;

	tape_expect(step, said);
	if (tape_take(step, "~ missing") != NULL)
		return NULL;
	if (!tape_reply(step, &reply, error))
		return NULL;
	object = tape_json(step, &reply);
	if (object == NULL || !JSON_NODE_HOLDS_OBJECT(object))
		tape_die(step, "%s has to be answered with an object, an error or ~ missing", said);
	return object;
}

JsonArray *
recovery_api_list(RecoveryStep *step, const char *path, GError **error)
{
	g_autofree char *said = g_strdup_printf("api-list %s", path);
	g_auto(RecoveryReply) reply = {0};
	g_autoptr(JsonNode) list = NULL;
	JsonNode *items = NULL;

	tape_expect(step, said);
	if (!tape_reply(step, &reply, error))
		return NULL;
	list = tape_json(step, &reply);
	if (list != NULL)
		items = JSON_NODE_HOLDS_OBJECT(list)
			    ? json_object_get_member(json_node_get_object(list), "items")
			    : list;
	if (items == NULL || !JSON_NODE_HOLDS_ARRAY(items))
		tape_die(step, "%s has to be answered with an array, a list or an error", said);
	return json_array_ref(json_node_get_array(items));
}

gboolean
recovery_api_serves(RecoveryStep *step, const char *path, gboolean *serves, GError **error)
{
	g_autofree char *said = g_strdup_printf("api-serves %s", path);
	const char *word;

	tape_expect(step, said);
	if (tape_error(step, error))
		return FALSE;
	word = tape_take(step, "~");
	if (g_strcmp0(word, "yes") != 0 && g_strcmp0(word, "no") != 0)
		tape_die(step, "%s has to be answered with ~ yes or ~ no", said);
	*serves = g_str_equal(word, "yes");
	return TRUE;
}

char *
recovery_api_text(RecoveryStep *step, const char *path, GError **error)
{
	g_autofree char *said = g_strdup_printf("api-text %s", path);
	g_auto(RecoveryReply) reply = {0};

	tape_expect(step, said);
	return tape_reply(step, &reply, error) ? g_steal_pointer(&reply.out) : NULL;
}

/* ---- touching ------------------------------------------------------------------------------ */

/* the body that the tape expects, its "<" lines together; NULL when it has none */
static char *
tape_body(RecoveryStep *step)
{
	GString *body = NULL;
	const char *line;

	while ((line = tape_take(step, "<")) != NULL) {
		if (body == NULL)
			body = g_string_new(NULL);
		g_string_append_printf(body, "%s\n", line);
	}
	return body != NULL ? g_string_free(body, FALSE) : NULL;
}

static gboolean
same_json(JsonNode *wanted, JsonNode *said)
{
	g_autofree char *left = json_to_string(wanted, FALSE);
	g_autofree char *right = json_to_string(said, FALSE);

	return json_node_equal(wanted, said) || tape_same(left, right);
}

static void
tape_compare(RecoveryStep *step, const RecoveryApiChange *change, const char *wanted)
{
	g_autoptr(JsonNode) left = NULL, right = NULL;

	if (change->body == NULL && wanted == NULL)
		return;
	if (wanted != NULL && change->body != NULL && g_str_equal(wanted, "[redacted]\n"))
		return;
	if (change->yaml) {
		g_autofree char *body = g_strconcat(
		    change->body, g_str_has_suffix(change->body, "\n") ? "" : "\n", NULL);

		if (wanted == NULL || !tape_same(wanted, body))
			tape_die(step, "the tape has the body\n%s\nand it is\n%s", wanted,
				 change->body);
		return;
	}
	if (wanted != NULL)
		left = rd_kube_json_parse(wanted, strlen(wanted), NULL);
	if (change->body != NULL)
		right = rd_kube_json_parse(change->body, strlen(change->body), NULL);
	if (left == NULL || right == NULL || !same_json(left, right))
		tape_die(step, "the tape has the body\n%s\nand it is\n%s",
			 wanted != NULL ? wanted : "(none)",
			 change->body != NULL ? change->body : "(none)");
}

/* FALSE with error when the tape says so */
static gboolean
tape_change(RecoveryStep *step, const RecoveryApiChange *change, RecoveryApiEnd *end,
	    JsonNode **answer, GError **error)
{
	g_autofree char *said = NULL, *wanted = NULL;
	g_auto(RecoveryReply) reply = {0};
	const char *word;

	g_assert_cmpint(change->verb, >=, RECOVERY_API_CREATE);
	g_assert_cmpint(change->verb, <=, RECOVERY_API_DELETE);
	said = g_strdup_printf("api-change %s %s%s%s%s%s", change_words[change->verb], change->path,
			       change->uid != NULL ? " uid " : "",
			       change->uid != NULL ? change->uid : "", change->now ? " now" : "",
			       change->yaml ? " yaml" : "");
	tape_may_touch(step, said);
	/* the library would refuse it */
	if ((change->verb == RECOVERY_API_DELETE) != (change->uid != NULL))
		tape_die(step, "%s: a uid belongs to a delete, and only there", said);
	tape_expect(step, said);
	wanted = tape_body(step);
	tape_compare(step, change, wanted);
	if (answer != NULL)
		*answer = NULL;
	*end = RECOVERY_API_DONE;
	if (tape_error(step, error))
		return FALSE;
	word = tape_take(step, "~");
	for (guint i = 0; word != NULL && i < G_N_ELEMENTS(end_words); i++) {
		if (!g_str_equal(word, end_words[i]))
			continue;
		*end = i;
		word = NULL;
	}
	if (word != NULL)
		tape_die(step, "a change ends with ~ done, missing or conflict, not %s", word);
	if (!tape_reply(step, &reply, error))
		return FALSE;
	if (answer != NULL)
		*answer = tape_json(step, &reply);
	return TRUE;
}

gboolean
recovery_api_change(RecoveryStep *step, const RecoveryApiChange *change, RecoveryApiEnd *end,
		    JsonNode **answer, GError **error)
{
	return tape_change(step, change, end, answer, error);
}

void
recovery_api_answer_clear(RecoveryApiAnswer *answer)
{
	g_clear_error(&answer->error);
	answer->end = RECOVERY_API_DONE;
}

gboolean
recovery_api_change_all(RecoveryStep *step, const RecoveryApiChange *changes, guint n,
			RecoveryApiAnswer *answers, GError **error)
{
	g_autofree char *said = g_strdup_printf("api-change-all %u", n);
	g_autoptr(GError) all = NULL;
	const GError *lost;

	memset(answers, 0, n * sizeof *answers);
	if (n == 0)
		return TRUE;
	tape_expect(step, said);
	(void)tape_error(step, &all);
	lost = all;
	for (guint i = 0; i < n; i++) {
		if (tape_change(step, &changes[i], &answers[i].end, NULL, &answers[i].error))
			continue;
		if (lost == NULL &&
		    (g_error_matches(answers[i].error, RECOVERY_ERROR,
				     RECOVERY_ERROR_UNREACHABLE) ||
		     g_error_matches(answers[i].error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED)))
			lost = answers[i].error;
	}
	if (lost != NULL && error != NULL)
		*error = g_error_copy(lost);
	return lost == NULL;
}

/* ---- freshness ----------------------------------------------------------------------------- */

gboolean
recovery_moment(RecoveryStep *step, const char *since, RecoveryMoment *moment, GError **error)
{
	g_auto(RecoveryReply) reply = {0};

	tape_expect(step, "moment");
	if (!tape_reply(step, &reply, error))
		return FALSE;
	moment->since = since != NULL ? g_ascii_strtod(since, NULL) : 0;
	moment->now = g_ascii_strtod(reply.out, NULL);
	if (moment->since <= 0 || moment->now <= 0)
		tape_die(step, "moment is answered with the recovery host's time in seconds, and "
			       "the parameter says since when the API answers");
	return TRUE;
}
