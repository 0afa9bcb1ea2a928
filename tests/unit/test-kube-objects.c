/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/objects.h"
#include <recovery/plugin.h>
#include <string.h>

/* Patience, pages, conflicts and the judgement of answers, against an API that follows a script on
 * a clock of its own. */

typedef struct {
	const char *verb, *path; /* expected next; path without fieldManager */
	guint status;		 /* 0: no answer */
	const char *retry_after;
	const char *body; /* single quotes */
	gboolean sent;	  /* no answer, but it may have left */
} Turn;

typedef struct {
	RdKube kube;
	const Turn *turns;
	guint at;
	gint64 now; /* microseconds */
	gint64 up_for_s;
	gint64 cancel_at;
	guint hangs_s; /* an answer takes as long as it may, but no longer than this */
	guint most;
	GPtrArray *bodies;
} Script;

static void
script_answer(Script *self, const RdKubeRequest *request, RdKubeAnswer *answer)
{
	const Turn *turn = &self->turns[self->at];
	g_autofree char *body = NULL;

	if (turn->verb == NULL)
		g_error("unexpected %s %s", rd_kube_verb_to_string(request->verb), request->path);
	g_assert_cmpstr(rd_kube_verb_to_string(request->verb), ==, turn->verb);
	g_assert_cmpstr(request->path, ==, turn->path);
	self->at++;
	self->now += 1000;
	g_ptr_array_add(self->bodies, g_strdup(request->body));
	if (turn->status == 0) {
		answer->verdict = turn->sent && rd_kube_verb_touches(request->verb)
				      ? RD_KUBE_DOUBT
				      : RD_KUBE_NOT_YET;
		answer->message = g_strdup("no answer");
		return;
	}
	body = g_strdup(turn->body == NULL ? "{}" : turn->body);
	g_strdelimit(body, "'", '"');
	rd_kube_judge(request->verb, turn->status, turn->retry_after, body, strlen(body),
		      self->up_for_s, answer);
}

static void
script_send(RdKube *kube, const RdKubeRequest *requests, guint n, guint in_flight, guint limit_s,
	    RdKubeAnswer *answers)
{
	Script *self = (Script *)kube;

	g_assert_cmpuint(limit_s, <=, RD_KUBE_LIMIT);
	self->now += (gint64)MIN(limit_s, self->hangs_s) * G_USEC_PER_SEC;
	self->most = MAX(self->most, n);
	for (guint i = 0; i < n; i++) {
		memset(&answers[i], 0, sizeof answers[i]);
		script_answer(self, &requests[i], &answers[i]);
	}
}

static gboolean
script_pause(RdKube *kube, guint milliseconds)
{
	Script *self = (Script *)kube;

	self->now += (gint64)milliseconds * 1000;
	return self->cancel_at == 0 || self->now < self->cancel_at;
}

static gint64
script_clock(RdKube *kube)
{
	return ((Script *)kube)->now;
}

static const RdKubeClass script_class = {script_send, script_pause, script_clock};

static void
script_init(Script *self, const Turn *turns)
{
	*self = (Script){.kube = {&script_class}, .turns = turns, .now = 1000, .up_for_s = -1};
	self->bodies = g_ptr_array_new_with_free_func(g_free);
}

static void
script_clear(Script *self)
{
	if (self->turns[self->at].verb != NULL)
		g_error("never asked: %s", self->turns[self->at].path);
	g_ptr_array_unref(self->bodies);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Script, script_clear)

/* ---- judging ---- */

#define STATUS(reason, message)                                                                    \
	"{\"kind\":\"Status\",\"reason\":\"" reason "\",\"message\":\"" message "\"}"

static void
test_judge(void)
{
	const struct {
		guint status;
		const char *body;
		gint64 up_for_s;
		RdKubeVerdict look, change;
	} cases[] = {
	    {200, "{}", -1, RD_KUBE_DONE, RD_KUBE_DONE},
	    {201, "{}", -1, RD_KUBE_DONE, RD_KUBE_DONE},
	    {202, "{}", -1, RD_KUBE_DONE, RD_KUBE_DONE},
	    {200, "<html>hello", -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {200, "[]", -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {301, "", -1, RD_KUBE_REFUSED, RD_KUBE_REFUSED},
	    {400, STATUS("BadRequest", "no"), -1, RD_KUBE_REFUSED, RD_KUBE_REFUSED},
	    {401, STATUS("Unauthorized", "no"), -1, RD_KUBE_REFUSED, RD_KUBE_REFUSED},
	    {401, STATUS("Unauthorized", "no"), 0, RD_KUBE_NOT_YET, RD_KUBE_NOT_YET},
	    {403, STATUS("Forbidden", "no"), 299, RD_KUBE_NOT_YET, RD_KUBE_NOT_YET},
	    {403, STATUS("Forbidden", "no"), 300, RD_KUBE_REFUSED, RD_KUBE_REFUSED},
	    {404, STATUS("NotFound", "no"), -1, RD_KUBE_MISSING, RD_KUBE_MISSING},
	    {409, STATUS("Conflict", "no"), -1, RD_KUBE_CONFLICT, RD_KUBE_CONFLICT},
	    {410, STATUS("Expired", "no"), -1, RD_KUBE_GONE, RD_KUBE_GONE},
	    {422, STATUS("Invalid", "no"), 10, RD_KUBE_REFUSED, RD_KUBE_REFUSED},
	    {429, STATUS("TooManyRequests", "no"), -1, RD_KUBE_NOT_YET, RD_KUBE_NOT_YET},
	    {500, STATUS("InternalError", "etcdserver: leader changed"), -1, RD_KUBE_NOT_YET,
	     RD_KUBE_DOUBT},
	    {500, STATUS("", "rpc error: code = Unavailable desc = transport is closing"), -1,
	     RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {500, STATUS("", "rpc error: code = Unknown desc = OK: HTTP status code 200"), -1,
	     RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {500,
	     STATUS("InternalError",
		    "Internal error occurred: resource quota evaluation timed out"),
	     -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {500, STATUS("ServerTimeout", "try again"), -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {500, STATUS("InternalError", "failed calling webhook x: no endpoints"), -1,
	     RD_KUBE_FAILED, RD_KUBE_FAILED},
	    {502, "<html>", -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {503, "<html>", -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	    {504, STATUS("Timeout", "no"), -1, RD_KUBE_NOT_YET, RD_KUBE_DOUBT},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
		for (RdKubeVerb verb = 0; verb <= RD_KUBE_VERB_LAST; verb++) {
			g_auto(RdKubeAnswer) answer = {0};

			rd_kube_judge(verb, cases[i].status, NULL, cases[i].body,
				      strlen(cases[i].body), cases[i].up_for_s, &answer);
			if (answer.verdict !=
			    (verb == RD_KUBE_GET ? cases[i].look : cases[i].change))
				g_error("%s, %u %s: got %s", rd_kube_verb_to_string(verb),
					cases[i].status, cases[i].body,
					rd_kube_verdict_to_string(answer.verdict));
			g_assert_true((answer.message == NULL) == (answer.verdict == RD_KUBE_DONE));
		}
}

static void
test_status(void)
{
	static const char *const object = "{\"kind\":\"Status\",\"reason\":\"NotFound\","
					  "\"message\":\"nodes \\\"m9\\\" not found\","
					  "\"details\":{\"name\":\"m9\",\"kind\":\"nodes\"}}";
	static const char *const path =
	    "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"details\":{}}";
	g_auto(RdKubeAnswer) answer = {0};

	rd_kube_judge(RD_KUBE_GET, 404, "7", object, strlen(object), -1, &answer);
	g_assert_cmpstr(answer.reason, ==, "NotFound");
	g_assert_cmpstr(answer.message, ==, "nodes \"m9\" not found");
	g_assert_cmpuint(answer.retry_after, ==, 7);
	g_assert_false(answer.unserved);
	rd_kube_judge(RD_KUBE_GET, 404, "soon", path, strlen(path), -1, &answer);
	g_assert_true(answer.unserved);
	g_assert_cmpuint(answer.retry_after, ==, 0);
	rd_kube_judge(RD_KUBE_GET, 404, NULL, "404 page not found\n", 19, -1, &answer);
	g_assert_true(answer.unserved);
	g_assert_cmpstr(answer.message, ==, "HTTP 404: 404 page not found");
}

static void
test_json(void)
{
	const char *const wrong[] = {"",	   "{",		 "{}}",	       "{} x",
				     "var x = {}", "/* c */{}",	 "{a:1}",      "{\"a\":+1}",
				     "[1,2",	   "\"a",	 "{\"a\":01}", "nope",
				     "\xff",	   "{\"a\":1.}", "{\"a\n\":1}"};
	static const char *const text =
	    "{\"a\":18446744073709551615,\"b\":9223372036854775807,\"c\":-9223372036854775808,"
	    "\"d\":9223372036854775808,\"e\":-9223372036854775809,\"f\":1.5,\"g\":\"\\\"12\\\"\"}";
	g_autofree char *deep = g_strnfill(RD_KUBE_JSON_DEPTH + 1, '[');
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) node = rd_kube_json_parse(text, strlen(text), &error);
	g_autoptr(JsonNode) none = NULL;
	JsonObject *object = NULL;

	g_assert_no_error(error);
	object = json_node_get_object(node);
	g_assert_cmpstr(json_object_get_string_member(object, "a"), ==, "18446744073709551615");
	g_assert_cmpint(json_object_get_int_member(object, "b"), ==, G_MAXINT64);
	g_assert_cmpint(json_object_get_int_member(object, "c"), ==, G_MININT64);
	g_assert_cmpstr(json_object_get_string_member(object, "d"), ==, "9223372036854775808");
	g_assert_cmpstr(json_object_get_string_member(object, "e"), ==, "-9223372036854775809");
	g_assert_cmpfloat(json_object_get_double_member(object, "f"), ==, 1.5);
	g_assert_cmpstr(json_object_get_string_member(object, "g"), ==, "\"12\"");
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) local = NULL;
		g_autoptr(JsonNode) got = rd_kube_json_parse(wrong[i], strlen(wrong[i]), &local);

		if (got != NULL)
			g_error("taken: %s", wrong[i]);
		g_assert_nonnull(local);
	}
	none = rd_kube_json_parse(deep, strlen(deep), &error);
	g_assert_null(none);
	g_assert_nonnull(strstr(error->message, "nested"));
}

/* ---- patience ---- */

static void
test_patience(void)
{
	static const Turn turns[] = {
	    {"GET", "/n", 0},
	    {"GET", "/n", 503},
	    {"GET", "/n", 500, NULL, "{'kind':'Status','message':'etcdserver: no leader'}"},
	    {"GET", "/n", 429, "9"},
	    {"GET", "/n", 200, NULL, "{'a':1}"},
	    {NULL}};
	g_auto(Script) script = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) node = NULL;

	script_init(&script, turns);
	node = rd_kube_get(&script.kube, "/n", 60, NULL, &error);
	g_assert_no_error(error);
	g_assert_nonnull(node);
	/* three short pauses, and what the server asked for */
	g_assert_cmpint(script.now, >=, 9750 * 1000);
	g_assert_cmpint(script.now, <, 12000 * 1000);
}

static void
test_patience_ends(void)
{
	const struct {
		Turn turn;
		guint patience_s;
		int code;
	} cases[] = {
	    {{"GET", "/n", 0}, 0, RECOVERY_ERROR_UNREACHABLE},
	    {{"GET", "/n", 429, "600"}, 60, RECOVERY_ERROR_UNREACHABLE},
	    {{"GET", "/n", 403}, 60, RECOVERY_ERROR_PERMANENT},
	    {{"GET", "/n", 500}, 60, RECOVERY_ERROR_FAILED},
	    {{"GET", "/n", 404, NULL, "404"}, 60, RECOVERY_ERROR_UNREACHABLE},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		const Turn turns[] = {cases[i].turn, {NULL}};
		g_auto(Script) script = {0};
		g_autoptr(GError) error = NULL;

		script_init(&script, turns);
		g_assert_null(rd_kube_get(&script.kube, "/n", cases[i].patience_s, NULL, &error));
		g_assert_error(error, RECOVERY_ERROR, cases[i].code);
		g_assert_true(g_str_has_prefix(error->message, "GET /n: "));
	}
}

/* an API that takes each request, and hangs: the last try is given what is left, not more */
static void
test_patience_with_one_that_hangs(void)
{
	static const guint hangs_s[] = {3, 7, 12, 30};

	for (guint i = 0; i < G_N_ELEMENTS(hangs_s); i++) {
		Turn turns[12] = {{NULL}};
		g_autoptr(GError) error = NULL;
		g_auto(Script) script = {0};
		gint64 began;

		for (guint j = 0; j + 1 < G_N_ELEMENTS(turns); j++)
			turns[j] = (Turn){"GET", "/n", 0};
		script_init(&script, turns);
		script.hangs_s = hangs_s[i];
		began = script.now;
		g_assert_null(rd_kube_get(&script.kube, "/n", 27, NULL, &error));
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
		g_assert_cmpint(script.now - began, <=, 28 * G_USEC_PER_SEC);
		turns[script.at].verb = NULL;
	}
}

static void
test_missing(void)
{
	static const Turn turns[] = {
	    {"GET", "/n", 404, NULL, "{'kind':'Status','details':{'name':'m9'}}"},
	    {"GET", "/k", 404, NULL, "404 page not found"},
	    {NULL}};
	g_auto(Script) script = {0};
	g_autoptr(GError) error = NULL;
	gboolean unserved = TRUE;

	script_init(&script, turns);
	g_assert_null(rd_kube_get(&script.kube, "/n", 0, &unserved, &error));
	g_assert_no_error(error);
	g_assert_false(unserved);
	g_assert_null(rd_kube_get(&script.kube, "/k", 0, &unserved, &error));
	g_assert_no_error(error);
	g_assert_true(unserved);
}

static void
test_cancelled(void)
{
	static const Turn turns[] = {{"GET", "/n", 503}, {NULL}};
	g_auto(Script) script = {0};
	g_autoptr(GError) error = NULL;

	script_init(&script, turns);
	script.cancel_at = 2;
	g_assert_null(rd_kube_get(&script.kube, "/n", 60, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED);
	/* and what it waited for until then */
	g_assert_nonnull(strstr(error->message, "HTTP 503"));
}

/* ---- lists ---- */

static void
test_list(void)
{
	static const Turn turns[] = {
	    {"GET", "/l?limit=500", 200, NULL,
	     "{'metadata':{'resourceVersion':'7','continue':'a+/='},'items':[{'x':1}]}"},
	    {"GET", "/l?limit=500&continue=a%2B%2F%3D", 410},
	    {"GET", "/l?limit=500", 200, NULL,
	     "{'metadata':{'resourceVersion':'8','continue':'b'},'items':[{'x':2},{'x':3}]}"},
	    {"GET", "/l?limit=500&continue=b", 503},
	    {"GET", "/l?limit=500&continue=b", 200, NULL, "{'metadata':{},'items':[{'x':4}]}"},
	    {"GET", "/m?y=z&limit=500", 200, NULL, "{'items':null}"},
	    {NULL}};
	g_auto(Script) script = {0};
	g_autoptr(GError) error = NULL;
	g_autoptr(JsonNode) list = NULL, empty = NULL;
	g_autofree char *text = NULL, *empty_text = NULL;

	script_init(&script, turns);
	list = rd_kube_list(&script.kube, "/l", 60, NULL, &error);
	g_assert_no_error(error);
	text = json_to_string(list, FALSE);
	g_assert_cmpstr(text, ==,
			"{\"metadata\":{\"resourceVersion\":\"8\"},\"items\":[{\"x\":2},{\"x\":3},"
			"{\"x\":4}]}");
	empty = rd_kube_list(&script.kube, "/m?y=z", 60, NULL, &error);
	g_assert_no_error(error);
	empty_text = json_to_string(empty, FALSE);
	g_assert_cmpstr(empty_text, ==, "{\"metadata\":{},\"items\":[]}");
}

static void
test_list_never_ends(void)
{
	static const Turn same[] = {
	    {"GET", "/l?limit=500", 200, NULL, "{'metadata':{'continue':'a'},'items':[]}"},
	    {"GET", "/l?limit=500&continue=a", 200, NULL,
	     "{'metadata':{'continue':'a'},'items':[]}"},
	    {NULL}};
	Turn gone[RD_KUBE_LIST_RESTARTS + 2] = {{NULL}};
	g_auto(Script) one = {0};
	g_auto(Script) two = {0};
	g_autoptr(GError) error = NULL;

	script_init(&one, same);
	g_assert_null(rd_kube_list(&one.kube, "/l", 60, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED);
	g_clear_error(&error);
	for (guint i = 0; i <= RD_KUBE_LIST_RESTARTS; i++)
		gone[i] = (Turn){"GET", "/l?limit=500", 410};
	script_init(&two, gone);
	g_assert_null(rd_kube_list(&two.kube, "/l", 60, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
}

/* ---- changes ---- */

static void
test_change(void)
{
	const struct {
		Turn turns[4];
		RdKubeVerdict verdict; /* if there is no error */
		int code;	       /* -1: none */
		const char *words;
	} cases[] = {
	    {{{"DELETE", "/n", 200}}, RD_KUBE_DONE, -1, NULL},
	    {{{"DELETE", "/n", 409}}, RD_KUBE_CONFLICT, -1, NULL},
	    {{{"DELETE", "/n", 404, NULL, "{'kind':'Status','details':{'name':'x'}}"}},
	     RD_KUBE_MISSING,
	     -1,
	     NULL},
	    /* certainly not carried out: again */
	    {{{"DELETE", "/n", 429}, {"DELETE", "/n", 0}, {"DELETE", "/n", 200}},
	     RD_KUBE_DONE,
	     -1,
	     NULL},
	    /* perhaps carried out: never again */
	    {{{"DELETE", "/n", 0, .sent = TRUE}},
	     0,
	     RECOVERY_ERROR_UNREACHABLE,
	     "may or may not have been changed"},
	    {{{"DELETE", "/n", 504}},
	     0,
	     RECOVERY_ERROR_UNREACHABLE,
	     "may or may not have been changed"},
	    {{{"DELETE", "/n", 404, NULL, "404"}},
	     0,
	     RECOVERY_ERROR_UNREACHABLE,
	     "does not serve this kind"},
	    {{{"DELETE", "/n", 422}}, 0, RECOVERY_ERROR_PERMANENT, "HTTP 422"},
	    {{{"DELETE", "/n", 500}}, 0, RECOVERY_ERROR_FAILED, "HTTP 500"},
	};
	const RdKubeRequest request = {.verb = RD_KUBE_DELETE, .path = "/n", .uid = "u"};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(Script) script = {0};
		g_auto(RdKubeAnswer) answer = {0};
		g_autoptr(GError) error = NULL;
		gboolean ok;

		script_init(&script, cases[i].turns);
		ok = rd_kube_change(&script.kube, &request, 60, &answer, &error);
		g_assert_cmpint(ok, ==, cases[i].code < 0);
		if (ok) {
			g_assert_no_error(error);
			g_assert_cmpint(answer.verdict, ==, cases[i].verdict);
			continue;
		}
		g_assert_error(error, RECOVERY_ERROR, cases[i].code);
		g_assert_nonnull(strstr(error->message, cases[i].words));
	}
}

static RdKubeEditing
set_mark(JsonObject *object, gpointer data, GError **error)
{
	if (json_object_has_member(object, "mark"))
		return RD_KUBE_EDIT_ALREADY;
	json_object_set_string_member(object, "mark", "x");
	return RD_KUBE_EDIT_SEND;
}

#define SEEN(version) "{'rv':'" version "'}"

static void
test_update(void)
{
	static const struct {
		Turn turns[6];
		gboolean ok, changed;
		const char *last; /* the body that was sent last */
	} cases[] = {
	    {{{"GET", "/n", 200, NULL, SEEN("1")}, {"PUT", "/n/approval", 200}},
	     TRUE,
	     TRUE,
	     "{\"rv\":\"1\",\"mark\":\"x\"}"},
	    {{{"GET", "/n", 200, NULL, "{'mark':'y'}"}}, TRUE, FALSE, NULL},
	    /* a conflict: what is sent comes from the newer object */
	    {{{"GET", "/n", 200, NULL, SEEN("1")},
	      {"PUT", "/n/approval", 409},
	      {"GET", "/n", 200, NULL, SEEN("2")},
	      {"PUT", "/n/approval", 200}},
	     TRUE,
	     TRUE,
	     "{\"rv\":\"2\",\"mark\":\"x\"}"},
	    /* another was faster with the very same */
	    {{{"GET", "/n", 200, NULL, SEEN("1")},
	      {"PUT", "/n/approval", 409},
	      {"GET", "/n", 200, NULL, "{'mark':'y'}"}},
	     TRUE,
	     FALSE,
	     NULL},
	    /* doubt, and it was carried out */
	    {{{"GET", "/n", 200, NULL, SEEN("1")},
	      {"PUT", "/n/approval", 0, .sent = TRUE},
	      {"GET", "/n", 200, NULL, "{'mark':'x'}"}},
	     TRUE,
	     TRUE,
	     NULL},
	    /* doubt, and it was not */
	    {{{"GET", "/n", 200, NULL, SEEN("1")},
	      {"PUT", "/n/approval", 504},
	      {"GET", "/n", 200, NULL, SEEN("1")},
	      {"PUT", "/n/approval", 200}},
	     TRUE,
	     TRUE,
	     "{\"rv\":\"1\",\"mark\":\"x\"}"},
	    {{{"GET", "/n", 404, NULL, "{'kind':'Status','details':{'name':'n'}}"}},
	     FALSE,
	     FALSE,
	     NULL},
	    {{{"GET", "/n", 200, NULL, SEEN("1")}, {"PUT", "/n/approval", 422}},
	     FALSE,
	     FALSE,
	     NULL},
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_auto(Script) script = {0};
		g_autoptr(GError) error = NULL;
		gboolean changed = FALSE;
		gboolean ok = FALSE;

		script_init(&script, cases[i].turns);
		ok = rd_kube_update(&script.kube, "/n", "/approval", set_mark, NULL, 60, &changed,
				    &error);
		g_assert_cmpint(ok, ==, cases[i].ok);
		g_assert_true(ok == (error == NULL));
		g_assert_cmpint(changed, ==, cases[i].changed);
		if (cases[i].last != NULL)
			g_assert_cmpstr(script.bodies->pdata[script.bodies->len - 1], ==,
					cases[i].last);
	}
}

static void
test_update_conflicts_for_ever(void)
{
	Turn turns[2 * RD_KUBE_CONFLICTS + 1] = {{NULL}};
	g_auto(Script) script = {0};
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < RD_KUBE_CONFLICTS; i++) {
		turns[2 * i] = (Turn){"GET", "/n", 200, NULL, SEEN("1")};
		turns[2 * i + 1] = (Turn){"PUT", "/n", 409};
	}
	script_init(&script, turns);
	g_assert_false(rd_kube_update(&script.kube, "/n", NULL, set_mark, NULL, 60, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED);
}

static void
test_change_all(void)
{
	static const Turn turns[] = {
	    {"PUT", "/a", 200}, {"PUT", "/b", 429, "3"}, {"PUT", "/c", 504}, {"PUT", "/d", 409},
	    {"PUT", "/e", 0}, /* those two again, and only they */
	    {"PUT", "/b", 200}, {"PUT", "/e", 429},	 {"PUT", "/e", 200}, {NULL}};
	static const RdKubeVerdict expected[] = {RD_KUBE_DONE, RD_KUBE_DONE, RD_KUBE_DOUBT,
						 RD_KUBE_CONFLICT, RD_KUBE_DONE};
	static const char *const paths[] = {"/a", "/b", "/c", "/d", "/e"};
	RdKubeRequest requests[5];
	RdKubeAnswer answers[5] = {{0}};
	g_auto(Script) script = {0};
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < 5; i++)
		requests[i] = (RdKubeRequest){.verb = RD_KUBE_PUT, .path = paths[i], .body = "{}"};
	script_init(&script, turns);
	g_assert_true(rd_kube_change_all(&script.kube, requests, 5, 60, answers, &error));
	g_assert_no_error(error);
	for (guint i = 0; i < 5; i++) {
		g_assert_cmpint(answers[i].verdict, ==, expected[i]);
		rd_kube_answer_clear(&answers[i]);
	}
	g_assert_cmpuint(script.most, ==, 5);
	g_assert_cmpint(script.now, >=, 3 * G_USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kube-objects/judge", test_judge);
	g_test_add_func("/kube-objects/status", test_status);
	g_test_add_func("/kube-objects/json", test_json);
	g_test_add_func("/kube-objects/patience", test_patience);
	g_test_add_func("/kube-objects/patience-ends", test_patience_ends);
	g_test_add_func("/kube-objects/patience-with-one-that-hangs",
			test_patience_with_one_that_hangs);
	g_test_add_func("/kube-objects/missing", test_missing);
	g_test_add_func("/kube-objects/cancelled", test_cancelled);
	g_test_add_func("/kube-objects/list", test_list);
	g_test_add_func("/kube-objects/list-never-ends", test_list_never_ends);
	g_test_add_func("/kube-objects/change", test_change);
	g_test_add_func("/kube-objects/update", test_update);
	g_test_add_func("/kube-objects/update-conflicts-for-ever", test_update_conflicts_for_ever);
	g_test_add_func("/kube-objects/change-all", test_change_all);
	return g_test_run();
}
