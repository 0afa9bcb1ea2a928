/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/objects.h"

#include <recovery/plugin.h>
#include <string.h>

#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 5000

/* ---- patience ---- */

typedef struct {
	RdKube *kube;
	gint64 began, until; /* of the clock */
	gboolean tried;
} Patience;

static Patience
patience_new(RdKube *kube, guint seconds)
{
	gint64 now = kube->klass->clock(kube);

	return (
	    Patience){.kube = kube, .began = now, .until = now + (gint64)seconds * G_USEC_PER_SEC};
}

/* The time of one request. The first gets what an answer takes, whatever the patience; those behind
 * it end with that: an API that hangs must not keep a body beyond its deadline. */
static guint
patience_limit(Patience *self)
{
	gint64 left = self->until - self->kube->klass->clock(self->kube);
	guint least = self->tried ? 1 : 5;

	self->tried = TRUE;
	return CLAMP(left / G_USEC_PER_SEC, least, RD_KUBE_LIMIT);
}

typedef enum { PATIENCE_AGAIN, PATIENCE_OVER, PATIENCE_CANCELLED } PatienceEnd;

/* waits until it may be tried again */
static PatienceEnd
patience_wait(Patience *self, guint retry_after)
{
	gint64 now = self->kube->klass->clock(self->kube);
	gint64 pause_ms = CLAMP((now - self->began) / 50 / 1000, PAUSE_MIN_MS, PAUSE_MAX_MS);

	pause_ms = MAX(pause_ms, (gint64)retry_after * 1000);
	if (now + pause_ms * 1000 > self->until)
		return PATIENCE_OVER;
	return self->kube->klass->pause(self->kube, pause_ms) ? PATIENCE_AGAIN : PATIENCE_CANCELLED;
}

/* ---- errors ---- */

void
rd_kube_answer_to_error(const RdKubeRequest *request, const RdKubeAnswer *answer, GError **error)
{
	const char *verb = rd_kube_verb_to_string(request->verb);
	gboolean touches = rd_kube_verb_touches(request->verb);
	RecoveryErrorCode code = RECOVERY_ERROR_FAILED;
	const char *what = "";

	switch (answer->verdict) {
	case RD_KUBE_CANCELLED:
		code = RECOVERY_ERROR_CANCELLED;
		break;
	case RD_KUBE_NOT_YET:
		code = RECOVERY_ERROR_UNREACHABLE;
		what = touches ? " (nothing was changed)" : "";
		break;
	case RD_KUBE_DOUBT:
		code = RECOVERY_ERROR_UNREACHABLE;
		what = " (it may or may not have been changed)";
		break;
	case RD_KUBE_MISSING:
		/* only when the path itself is not there */
		code = RECOVERY_ERROR_UNREACHABLE;
		what = " (the API does not serve this kind, or not yet)";
		break;
	case RD_KUBE_REFUSED:
		code = RECOVERY_ERROR_PERMANENT;
		break;
	default:
		break;
	}
	g_set_error(error, RECOVERY_ERROR, code, "%s %s: %s%s", verb, request->path,
		    answer->message == NULL ? "no answer" : answer->message, what);
}

/* @trouble (nullable): why there was no answer so far. Who is told to stop at a deadline has waited
 * for something, and a person wants to know for whom. */
static void
set_cancelled(GError **error, const RdKubeRequest *request, const char *trouble)
{
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s %s: %s%scancelled",
		    rd_kube_verb_to_string(request->verb), request->path,
		    trouble != NULL ? trouble : "", trouble != NULL ? "; " : "");
}

/* ---- one request, with patience ---- */

static gboolean
worth_waiting(const RdKubeAnswer *answer)
{
	return answer->verdict == RD_KUBE_NOT_YET;
}

/* FALSE with CANCELLED; else the answer, whatever it is */
static gboolean
ask(Patience *patience, const RdKubeRequest *request, RdKubeAnswer *answer, GError **error)
{
	RdKube *kube = patience->kube;
	g_autofree char *trouble = NULL;

	for (;;) {
		rd_kube_answer_clear(answer);
		kube->klass->send(kube, request, 1, 1, patience_limit(patience), answer);
		if (answer->verdict == RD_KUBE_CANCELLED) {
			set_cancelled(error, request, trouble);
			return FALSE;
		}
		if (!worth_waiting(answer))
			return TRUE;
		g_debug("%s %s: %s", rd_kube_verb_to_string(request->verb), request->path,
			answer->message);
		g_free(trouble);
		trouble = g_strdup(answer->message);
		switch (patience_wait(patience, answer->retry_after)) {
		case PATIENCE_AGAIN:
			break;
		case PATIENCE_OVER:
			return TRUE;
		case PATIENCE_CANCELLED:
			set_cancelled(error, request, trouble);
			return FALSE;
		}
	}
}

/* the body of a GET; NULL without error for MISSING */
static JsonNode *
look(Patience *patience, const char *path, RdKubeVerdict *verdict, gboolean *unserved,
     GError **error)
{
	RdKubeRequest request = {.verb = RD_KUBE_GET, .path = path};
	g_auto(RdKubeAnswer) answer = {0};

	if (unserved != NULL)
		*unserved = FALSE;
	if (!ask(patience, &request, &answer, error))
		return NULL;
	*verdict = answer.verdict;
	if (answer.verdict == RD_KUBE_DONE)
		return g_steal_pointer(&answer.body);
	if (answer.verdict == RD_KUBE_MISSING && (!answer.unserved || unserved != NULL)) {
		if (unserved != NULL)
			*unserved = answer.unserved;
		return NULL;
	}
	if (answer.verdict != RD_KUBE_GONE)
		rd_kube_answer_to_error(&request, &answer, error);
	return NULL;
}

JsonNode *
rd_kube_get(RdKube *kube, const char *path, guint patience_s, gboolean *unserved, GError **error)
{
	Patience patience = patience_new(kube, patience_s);
	RdKubeVerdict verdict = RD_KUBE_DONE;
	JsonNode *object = look(&patience, path, &verdict, unserved, error);

	if (object == NULL && verdict == RD_KUBE_GONE)
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "GET %s: what was asked for has expired", path);
	return object;
}

char *
rd_kube_text(RdKube *kube, const char *path, guint patience_s, GError **error)
{
	Patience patience = patience_new(kube, patience_s);
	RdKubeRequest request = {.verb = RD_KUBE_GET, .path = path, .plain = TRUE};
	g_auto(RdKubeAnswer) answer = {0};

	if (!ask(&patience, &request, &answer, error))
		return NULL;
	if (answer.verdict == RD_KUBE_DONE)
		return g_steal_pointer(&answer.text);
	/* the lines of /readyz?verbose say what it lacks */
	if (answer.verdict == RD_KUBE_FAILED && answer.text != NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "GET %s: HTTP %u: %s",
			    path, answer.status, g_strstrip(answer.text));
		return NULL;
	}
	rd_kube_answer_to_error(&request, &answer, error);
	return NULL;
}

/* ---- lists ---- */

static const char *
list_meta(JsonNode *list, const char *key)
{
	JsonNode *meta = json_object_get_member(json_node_get_object(list), "metadata");
	JsonNode *value = NULL;

	if (meta == NULL || !JSON_NODE_HOLDS_OBJECT(meta))
		return NULL;
	value = json_object_get_member(json_node_get_object(meta), key);
	if (value == NULL || json_node_get_value_type(value) != G_TYPE_STRING ||
	    *json_node_get_string(value) == '\0')
		return NULL;
	return json_node_get_string(value);
}

/* adds the items of @page; FALSE when it is no list. "items": null is an empty one, by Go. */
static gboolean
list_add_page(JsonArray *items, JsonNode *page, const char *path, GError **error)
{
	JsonNode *node = json_object_get_member(json_node_get_object(page), "items");

	if (node != NULL && JSON_NODE_HOLDS_NULL(node))
		return TRUE;
	if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    "GET %s: the answer is no list", path);
		return FALSE;
	}
	for (guint i = 0; i < json_array_get_length(json_node_get_array(node)); i++) {
		JsonNode *item = json_array_get_element(json_node_get_array(node), i);

		json_array_add_element(items, json_node_copy(item));
	}
	return TRUE;
}

static JsonNode *
list_finish(JsonArray *items, const char *version)
{
	JsonNode *list = json_node_new(JSON_NODE_OBJECT);
	JsonObject *object = json_object_new();
	JsonObject *meta = json_object_new();

	if (version != NULL)
		json_object_set_string_member(meta, "resourceVersion", version);
	json_object_set_object_member(object, "metadata", meta);
	json_object_set_array_member(object, "items", json_array_ref(items));
	json_node_take_object(list, object);
	return list;
}

/* one go through all pages; NULL with @verdict GONE when they expired under us */
static JsonNode *
list_once(Patience *patience, const char *path, RdKubeVerdict *verdict, gboolean *unserved,
	  GError **error)
{
	g_autoptr(JsonArray) items = json_array_new();
	g_autofree char *version = NULL;
	g_autofree char *token = NULL;
	char mark = strchr(path, '?') != NULL ? '&' : '?';

	for (;;) {
		g_autofree char *escaped =
		    token == NULL ? NULL : g_uri_escape_string(token, NULL, FALSE);
		g_autofree char *page_path = g_strdup_printf(
		    "%s%climit=%u%s%s", path, mark, RD_KUBE_PAGE,
		    token == NULL ? "" : "&continue=", token == NULL ? "" : escaped);
		g_autoptr(JsonNode) page = look(patience, page_path, verdict, unserved, error);
		g_autofree char *before = g_steal_pointer(&token);

		if (page == NULL || !list_add_page(items, page, path, error))
			return NULL;
		if (version == NULL)
			version = g_strdup(list_meta(page, "resourceVersion"));
		token = g_strdup(list_meta(page, "continue"));
		if (token == NULL)
			return list_finish(items, version);
		if (g_strcmp0(token, before) == 0) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "GET %s: the pages of the list do not end", path);
			return NULL;
		}
	}
}

JsonNode *
rd_kube_list(RdKube *kube, const char *path, guint patience_s, gboolean *unserved, GError **error)
{
	Patience patience = patience_new(kube, patience_s);

	for (guint i = 0; i <= RD_KUBE_LIST_RESTARTS; i++) {
		g_autoptr(GError) local = NULL;
		RdKubeVerdict verdict = RD_KUBE_DONE;
		JsonNode *list = list_once(&patience, path, &verdict, unserved, &local);

		if (list != NULL)
			return list;
		if (local != NULL) {
			g_propagate_error(error, g_steal_pointer(&local));
			return NULL;
		}
		if (verdict == RD_KUBE_MISSING) {
			/* a list of a served kind cannot be missing, but its namespace's path
			 * can be one that nobody serves */
			if (unserved != NULL && *unserved)
				return NULL;
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
				    "GET %s: there is no such list", path);
			return NULL;
		}
	}
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
		    "GET %s: the list expired %u times before its end was read", path,
		    RD_KUBE_LIST_RESTARTS + 1);
	return NULL;
}

/* ---- changes ---- */

static gboolean
change(Patience *patience, const RdKubeRequest *request, RdKubeAnswer *answer, GError **error)
{
	if (!ask(patience, request, answer, error))
		return FALSE;
	if (answer->verdict == RD_KUBE_DONE || answer->verdict == RD_KUBE_CONFLICT ||
	    (answer->verdict == RD_KUBE_MISSING && !answer->unserved))
		return TRUE;
	rd_kube_answer_to_error(request, answer, error);
	return FALSE;
}

gboolean
rd_kube_change(RdKube *kube, const RdKubeRequest *request, guint patience_s, RdKubeAnswer *answer,
	       GError **error)
{
	Patience patience = patience_new(kube, patience_s);

	return change(&patience, request, answer, error);
}

/* what one round of reading and writing came to */
typedef enum { UPDATE_FAILED, UPDATE_CONFLICT, UPDATE_ALREADY, UPDATE_SENT } Update;

static Update
update_once(Patience *patience, const char *path, const char *to, RdKubeEdit edit, gpointer data,
	    gboolean *doubt, GError **error)
{
	RdKubeVerdict verdict = RD_KUBE_DONE;
	g_autoptr(JsonNode) seen = look(patience, path, &verdict, NULL, error);
	g_autoptr(JsonNode) object = NULL;
	g_autofree char *body = NULL;
	g_auto(RdKubeAnswer) answer = {0};
	RdKubeRequest request = {.verb = RD_KUBE_PUT, .path = to};
	RdKubeEditing editing;

	if (seen == NULL) {
		if (verdict == RD_KUBE_MISSING || verdict == RD_KUBE_GONE)
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "GET %s: it is not there to be changed", path);
		return UPDATE_FAILED;
	}
	object = json_node_copy(seen);
	editing = edit(json_node_get_object(object), data, error);
	if (editing != RD_KUBE_EDIT_SEND)
		return editing == RD_KUBE_EDIT_ALREADY ? UPDATE_ALREADY : UPDATE_FAILED;
	body = json_to_string(object, FALSE);
	request.body = body;
	if (!ask(patience, &request, &answer, error))
		return UPDATE_FAILED;
	*doubt = answer.verdict == RD_KUBE_DOUBT;
	if (answer.verdict == RD_KUBE_DONE)
		return UPDATE_SENT;
	/* after doubt the object itself says whether it was done; and if not, its resourceVersion
	 * in the next PUT keeps a late twin from counting */
	if (answer.verdict == RD_KUBE_CONFLICT || *doubt) {
		rd_kube_answer_to_error(&request, &answer, error);
		return UPDATE_CONFLICT;
	}
	rd_kube_answer_to_error(&request, &answer, error);
	return UPDATE_FAILED;
}

gboolean
rd_kube_update(RdKube *kube, const char *path, const char *subresource, RdKubeEdit edit,
	       gpointer data, guint patience_s, gboolean *changed, GError **error)
{
	Patience patience = patience_new(kube, patience_s);
	g_autofree char *to = g_strconcat(path, subresource, NULL);
	g_autoptr(GError) last = NULL;
	gboolean doubt = FALSE, doubted = FALSE;

	for (guint i = 0; i < RD_KUBE_CONFLICTS; i++) {
		g_autoptr(GError) local = NULL;
		Update update = update_once(&patience, path, to, edit, data, &doubt, &local);

		doubted = doubted || doubt;
		if (update == UPDATE_ALREADY || update == UPDATE_SENT) {
			if (changed != NULL)
				*changed = update == UPDATE_SENT || doubted;
			return TRUE;
		}
		g_clear_error(&last);
		last = g_steal_pointer(&local);
		if (update == UPDATE_FAILED)
			break;
		/* a conflict is read again at once, trouble with patience */
		if (doubt && patience_wait(&patience, 0) != PATIENCE_AGAIN)
			break;
	}
	g_propagate_error(error, g_steal_pointer(&last));
	return FALSE;
}

gboolean
rd_kube_change_all(RdKube *kube, const RdKubeRequest *requests, guint n, guint patience_s,
		   RdKubeAnswer *answers, GError **error)
{
	Patience patience = patience_new(kube, patience_s);
	g_autofree RdKubeRequest *left = g_new0(RdKubeRequest, MAX(n, 1));
	g_autofree RdKubeAnswer *got = g_new0(RdKubeAnswer, MAX(n, 1));
	g_autofree guint *place = g_new0(guint, MAX(n, 1));
	guint n_left = n;

	for (guint i = 0; i < n; i++) {
		left[i] = requests[i];
		place[i] = i;
	}
	while (n_left > 0) {
		guint retry_after = 0, still = 0;

		kube->klass->send(kube, left, n_left, RD_KUBE_IN_FLIGHT, patience_limit(&patience),
				  got);
		for (guint i = 0; i < n_left; i++) {
			gboolean again = worth_waiting(&got[i]);
			guint at = place[i];

			retry_after = MAX(retry_after, got[i].retry_after);
			rd_kube_answer_clear(&answers[at]);
			answers[at] = got[i];
			memset(&got[i], 0, sizeof got[i]);
			if (answers[at].verdict == RD_KUBE_CANCELLED) {
				for (guint j = i + 1; j < n_left; j++) {
					rd_kube_answer_clear(&answers[place[j]]);
					answers[place[j]] = got[j];
				}
				set_cancelled(error, &requests[at], NULL);
				return FALSE;
			}
			if (again) {
				left[still] = requests[at];
				place[still++] = at;
			}
		}
		n_left = still;
		if (n_left == 0)
			break;
		switch (patience_wait(&patience, retry_after)) {
		case PATIENCE_AGAIN:
			break;
		case PATIENCE_OVER:
			return TRUE;
		case PATIENCE_CANCELLED:
			set_cancelled(error, &left[0], answers[place[0]].message);
			return FALSE;
		}
	}
	return TRUE;
}
