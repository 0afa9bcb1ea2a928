/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/call.h"

#include <string.h>

static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "PATCH", "DELETE"};
G_STATIC_ASSERT(G_N_ELEMENTS(verbs) == RD_KUBE_VERB_LAST + 1);

static const char *const verdicts[] = {"done",	"missing", "conflict", "gone",	   "not yet",
				       "doubt", "failed",  "refused",  "cancelled"};
G_STATIC_ASSERT(G_N_ELEMENTS(verdicts) == RD_KUBE_VERDICT_LAST + 1);

const char *
rd_kube_verb_to_string(RdKubeVerb verb)
{
	return verbs[verb];
}

gboolean
rd_kube_verb_touches(RdKubeVerb verb)
{
	return verb != RD_KUBE_GET;
}

char *
rd_kube_delete_version(const char *body)
{
	g_autoptr(JsonNode) root =
	    body != NULL ? rd_kube_json_parse(body, strlen(body), NULL) : NULL;
	JsonObject *object = NULL;
	JsonNode *version;

	if (root != NULL && JSON_NODE_HOLDS_OBJECT(root))
		object = json_node_get_object(root);
	/* what is not understood is not left out: it would be deleted without it */
	if (object == NULL || json_object_get_size(object) != 1)
		return NULL;
	version = json_object_get_member(object, "resourceVersion");
	if (version == NULL || json_node_get_value_type(version) != G_TYPE_STRING ||
	    *json_node_get_string(version) == '\0')
		return NULL;
	return json_node_dup_string(version);
}

const char *
rd_kube_verdict_to_string(RdKubeVerdict verdict)
{
	return verdicts[verdict];
}

void
rd_kube_answer_clear(RdKubeAnswer *answer)
{
	g_clear_pointer(&answer->body, json_node_unref);
	g_clear_pointer(&answer->reason, g_free);
	g_clear_pointer(&answer->message, g_free);
	g_clear_pointer(&answer->text, g_free);
	memset(answer, 0, sizeof *answer);
}

/* ---- judging ---- */

static const char *
get_text(JsonObject *object, const char *key)
{
	JsonNode *node = json_object_get_member(object, key);

	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_get_string(node)
		   : NULL;
}

/* Status.details is there and names an object */
static gboolean
names_object(JsonObject *status)
{
	JsonNode *details = json_object_get_member(status, "details");

	return details != NULL && JSON_NODE_HOLDS_OBJECT(details) &&
	       get_text(json_node_get_object(details), "name") != NULL;
}

/* the first line, at most 300 characters: haproxy answers with a page of HTML */
static char *
excerpt(const char *body, gsize size)
{
	g_autofree char *text = g_utf8_make_valid(body, MIN(size, 300));

	for (char *c = text; *c != '\0'; c++)
		if ((guchar)*c < ' ')
			*c = ' ';
	g_strstrip(text);
	return g_steal_pointer(&text);
}

static void
read_status(RdKubeAnswer *answer, const char *body, gsize size)
{
	JsonObject *object = NULL;

	if (answer->body != NULL)
		object = json_node_get_object(answer->body);
	if (object != NULL && g_strcmp0(get_text(object, "kind"), "Status") == 0) {
		answer->reason = g_strdup(get_text(object, "reason"));
		answer->message = g_strdup(get_text(object, "message"));
	}
	if (answer->message == NULL || *answer->message == '\0') {
		g_autofree char *text = excerpt(body, size);

		g_free(answer->message);
		answer->message =
		    g_strdup_printf("HTTP %u%s%s", answer->status, *text == '\0' ? "" : ": ", text);
	}
}

/* Status 500 comes for everything; only the words tell etcd's troubles from the rest. "etcdserver"
 * stands in all of its own errors ("etcdserver: leader changed", "request timed out"); "rpc error"
 * are those of the connection to it ("rpc error: code = Unavailable desc = transport is closing",
 * seen while etcd restarted). The quota's comes because its own writes fail. */
static gboolean
storage_trouble(const RdKubeAnswer *answer)
{
	static const char *const reasons[] = {"ServerTimeout", "Timeout", NULL};
	static const char *const words[] = {"etcdserver",
					    "rpc error: code = ", "context deadline exceeded",
					    "resource quota evaluation timed out"};

	if (answer->reason != NULL && g_strv_contains(reasons, answer->reason))
		return TRUE;
	for (guint i = 0; i < G_N_ELEMENTS(words); i++)
		if (strstr(answer->message, words[i]) != NULL)
			return TRUE;
	return FALSE;
}

static RdKubeVerdict
judge_server_error(RdKubeVerb verb, const RdKubeAnswer *answer)
{
	/* a look can simply be repeated; a change may have been carried out all the same */
	RdKubeVerdict later = rd_kube_verb_touches(verb) ? RD_KUBE_DOUBT : RD_KUBE_NOT_YET;

	switch (answer->status) {
	case 502: /* a load balancer's */
	case 503:
	case 504:
		return later;
	default:
		return storage_trouble(answer) ? later : RD_KUBE_FAILED;
	}
}

static RdKubeVerdict
judge_error(RdKubeVerb verb, gint64 up_for_s, const RdKubeAnswer *answer)
{
	switch (answer->status) {
	case 401:
	case 403:
		return up_for_s >= 0 && up_for_s < RD_KUBE_SETTLING ? RD_KUBE_NOT_YET
								    : RD_KUBE_REFUSED;
	case 404:
		return RD_KUBE_MISSING;
	case 409:
		return RD_KUBE_CONFLICT;
	case 410:
		return RD_KUBE_GONE;
	case 429:
		return RD_KUBE_NOT_YET;
	default:
		return answer->status >= 500 ? judge_server_error(verb, answer) : RD_KUBE_REFUSED;
	}
}

void
rd_kube_judge(RdKubeVerb verb, guint status, const char *retry_after, const char *body, gsize size,
	      gint64 up_for_s, RdKubeAnswer *answer)
{
	g_autoptr(GError) local = NULL;
	guint64 seconds = 0;

	rd_kube_answer_clear(answer);
	answer->status = status;
	answer->body = rd_kube_json_parse(body, size, &local);
	if (answer->body != NULL && !JSON_NODE_HOLDS_OBJECT(answer->body))
		g_clear_pointer(&answer->body, json_node_unref);
	/* the header may also hold a date, which no API server sends */
	if (retry_after != NULL &&
	    g_ascii_string_to_unsigned(retry_after, 10, 0, 3600, &seconds, NULL))
		answer->retry_after = seconds;
	if (status >= 200 && status < 300) {
		/* what is not an object is not from the API, whatever stands in front of it */
		answer->verdict = answer->body != NULL	       ? RD_KUBE_DONE
				  : rd_kube_verb_touches(verb) ? RD_KUBE_DOUBT
							       : RD_KUBE_NOT_YET;
		if (answer->body == NULL)
			answer->message = g_strdup_printf(
			    "HTTP %u, but the content is no object: %s", status,
			    local == NULL ? "it is a list or a value" : local->message);
		return;
	}
	read_status(answer, body, size);
	answer->verdict = judge_error(verb, up_for_s, answer);
	answer->unserved =
	    answer->verdict == RD_KUBE_MISSING &&
	    (answer->body == NULL || !names_object(json_node_get_object(answer->body)));
}

void
rd_kube_judge_plain(guint status, const char *retry_after, const char *body, gsize size,
		    gint64 up_for_s, RdKubeAnswer *answer)
{
	rd_kube_judge(RD_KUBE_GET, status, retry_after, body, size, up_for_s, answer);
	answer->text = g_utf8_make_valid(body, size);
	if (status < 200 || status >= 300)
		return;
	answer->verdict = RD_KUBE_DONE;
	g_clear_pointer(&answer->body, json_node_unref);
	g_clear_pointer(&answer->message, g_free);
}
