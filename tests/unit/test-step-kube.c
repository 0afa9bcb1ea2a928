/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "step-fixture.h"

/* What a body asks of the Kubernetes API, and in which order the journal, the recovery host and the
 * server hear of it. */

#define DONE                                                                                       \
	{                                                                                          \
		.verdict = RD_KUBE_DONE, .status = 200, .JSON = "{\"kind\":\"Node\"}"              \
	}
#define MISSING                                                                                    \
	{                                                                                          \
		.verdict = RD_KUBE_MISSING, .status = 404, .message = "gone"                       \
	}
#define CONFLICT                                                                                   \
	{                                                                                          \
		.verdict = RD_KUBE_CONFLICT, .status = 409, .message = "changed"                   \
	}
#define DOUBT                                                                                      \
	{                                                                                          \
		.verdict = RD_KUBE_DOUBT, .message = "cut"                                         \
	}
#define NOT_YET                                                                                    \
	{                                                                                          \
		.verdict = RD_KUBE_NOT_YET, .status = 429, .message = "busy"                       \
	}
#define REFUSED                                                                                    \
	{                                                                                          \
		.verdict = RD_KUBE_REFUSED, .status = 403, .message = "forbidden"                  \
	}
#define UNSERVED                                                                                   \
	{                                                                                          \
		.verdict = RD_KUBE_MISSING, .status = 404, .message = "no kind", .unserved = TRUE  \
	}
#define CANCELLED                                                                                  \
	{                                                                                          \
		.verdict = RD_KUBE_CANCELLED, .message = "cancelled"                               \
	}

static const RecoveryApiChange merge = {.verb = RECOVERY_API_MERGE,
					.path = "/api/v1/nodes/m0",
					.body = "{\"a\":1}"};

/* ---- changes ------------------------------------------------------------------------------- */

static void
test_order_of_a_change(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end = RECOVERY_API_CONFLICT;
	g_autoptr(JsonNode) answer = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(recovery_api_change(&play->step, &merge, &end, &answer, &error));
	g_assert_no_error(error);
	g_assert_cmpint(end, ==, RECOVERY_API_DONE);
	g_assert_nonnull(answer);
	assert_log(play, "touch 5 api-merge: /api/v1/nodes/m0 {\"a\":1}\n"
			 "m1 #7 run\n"
			 "PATCH /api/v1/nodes/m0\n"
			 "touched 5 done: HTTP 200\n");
}

static void
test_own_host_is_the_fence(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end;
	g_autoptr(GError) error = NULL;

	g_clear_pointer(&play->order->fence_host, g_free);
	g_free(play->order->target);
	play->order->target = g_strdup("m0");
	play->order->number = 3;
	g_assert_true(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_no_error(error);
	g_assert_nonnull(strstr(play->stage.log->str, "m0 #3 run\nPATCH"));
}

static void
test_nothing_guards_the_cluster(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end;
	g_autoptr(GError) error = NULL;

	g_clear_pointer(&play->order->fence_host, g_free);
	g_assert_false(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	g_assert_null(strstr(play->stage.log->str, "PATCH"));
}

static void
test_fenced(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end;
	g_autoptr(GError) error = NULL;

	play->stage.verdict = RD_VERDICT_FENCED;
	g_assert_false(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED);
	/* whatever the body makes of it */
	g_assert_true(play->step.fenced);
	assert_log(play, "touch 5 api-merge: /api/v1/nodes/m0 {\"a\":1}\n"
			 "m1 #7 run\n"
			 "touched 5 fenced: before a change through the Kubernetes API: "
			 "m1: held by r-2\n");
}

static void
test_silent_fence(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end;
	g_autoptr(GError) error = NULL;

	play->stage.silent = TRUE;
	g_assert_false(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	g_assert_null(strstr(play->stage.log->str, "PATCH"));
}

static void
test_not_outside_enter(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end;
	RecoveryApiAnswer answer = {0};
	g_autoptr(GError) error = NULL;

	play->step.may_touch = FALSE;
	g_assert_false(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	g_clear_error(&error);
	g_assert_false(recovery_api_change_all(&play->step, &merge, 1, &answer, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	recovery_api_answer_clear(&answer);
	assert_log(play, "");
}

static void
test_what_is_not_journalled_is_not_sent(void)
{
	PLAY(play, DONE);
	RecoveryApiEnd end;
	g_autoptr(GError) error = NULL;

	play->stage.deaf = TRUE;
	g_assert_false(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED);
	assert_log(play, "touch 5 api-merge: /api/v1/nodes/m0 {\"a\":1}\n");
}

static void
test_unsound_changes(void)
{
	static const RecoveryApiChange unsound[] = {
	    {.verb = 0, .path = "/a", .body = "{}"},
	    {.verb = RECOVERY_API_DELETE + 1, .path = "/a", .body = "{}"},
	    {.verb = RECOVERY_API_CREATE, .path = "a", .body = "{}"},
	    {.verb = RECOVERY_API_CREATE, .path = "/a"},
	    {.verb = RECOVERY_API_DELETE, .path = "/a"},
	    {.verb = RECOVERY_API_DELETE, .path = "/a", .uid = ""},
	    {.verb = RECOVERY_API_DELETE, .path = "/a", .uid = "u", .body = "{}"},
	    {.verb = RECOVERY_API_DELETE,
	     .path = "/a",
	     .uid = "u",
	     .body = "{\"resourceVersion\":\"7\",\"gracePeriodSeconds\":0}"},
	    {.verb = RECOVERY_API_MERGE, .path = "/a", .body = "a: 1", .yaml = TRUE},
	    {.verb = RECOVERY_API_REPLACE, .path = "/a", .body = "{\"metadata\":{}}"},
	    {.verb = RECOVERY_API_REPLACE,
	     .path = "/a",
	     .body = "{\"metadata\":{\"resourceVersion\":\"\"}}"},
	};

	for (guint i = 0; i < G_N_ELEMENTS(unsound); i++) {
		PLAY(play, DONE);
		RecoveryApiEnd end;
		g_autoptr(GError) error = NULL;

		g_assert_false(recovery_api_change(&play->step, &unsound[i], &end, NULL, &error));
		g_test_message("%s", error->message);
		g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
		assert_log(play, "");
	}
}

static void
test_ends(void)
{
	static const struct {
		RdKubeAnswer answer;
		int code; /* of the error; -1: none */
		RecoveryApiEnd end;
		const char *touched;
	} cases[] = {
	    {DONE, -1, RECOVERY_API_DONE, "touched 5 done: HTTP 200\n"},
	    {MISSING, -1, RECOVERY_API_MISSING, "touched 5 refused: HTTP 404: gone\n"},
	    {CONFLICT, -1, RECOVERY_API_CONFLICT, "touched 5 refused: HTTP 409: changed\n"},
	    {DOUBT, RECOVERY_ERROR_UNREACHABLE, 0, "touched 5 lost: cluster: DELETE"},
	    {REFUSED, RECOVERY_ERROR_PERMANENT, 0, "touched 5 refused: cluster: DELETE"},
	    {UNSERVED, RECOVERY_ERROR_UNREACHABLE, 0, "touched 5 lost: cluster: DELETE"},
	    {CANCELLED, RECOVERY_ERROR_CANCELLED, 0, "touched 5 lost: cluster: DELETE"},
	};
	static const RecoveryApiChange delete = {.verb = RECOVERY_API_DELETE,
						 .path = "/api/v1/nodes/m0",
						 .uid = "u-1",
						 .now = TRUE};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Play) play = play_new(&cases[i].answer, 1);
		g_autoptr(JsonNode) answer = NULL;
		g_autoptr(GError) error = NULL;
		RecoveryApiEnd end = 99;

		g_assert_true(recovery_api_change(&play->step, &delete, &end, &answer, &error) ==
			      (cases[i].code < 0));
		g_test_message("%s", play->stage.log->str);
		if (cases[i].code >= 0)
			g_assert_error(error, RECOVERY_ERROR, cases[i].code);
		else
			g_assert_cmpint(end, ==, cases[i].end);
		g_assert_true((answer != NULL) == (i == 0));
		g_assert_nonnull(strstr(play->stage.log->str, cases[i].touched));
		g_assert_nonnull(strstr(play->stage.log->str,
					"touch 5 api-delete: /api/v1/nodes/m0 uid u-1 now\n"));
		/* asked once: nothing is repeated after doubt */
		g_assert_cmpuint(play->stage.at, ==, 1);
	}
}

static void
test_status_is_no_object(void)
{
	PLAY(play, {.verdict = RD_KUBE_DONE, .status = 200, .JSON = "{\"kind\":\"Status\"}"});
	g_autoptr(JsonNode) answer = NULL;
	g_autoptr(GError) error = NULL;
	RecoveryApiEnd end;

	g_assert_true(recovery_api_change(&play->step, &merge, &end, &answer, &error));
	g_assert_null(answer);
}

static void
test_what_the_journal_shows(void)
{
	static const char *const secret[] = {"/api/v1/namespaces/x/secrets/y",
					     "/api/v1/namespaces/x/secrets?a=b",
					     "/api/v1/namespaces/x/serviceaccounts/y/token"};
	g_autoptr(GString) big = g_string_new("{\"a\":\"");
	RecoveryApiEnd end;

	for (guint i = 0; i < G_N_ELEMENTS(secret); i++) {
		PLAY(play, DONE);
		RecoveryApiChange change = {RECOVERY_API_CREATE, secret[i], "{\"data\":\"hush\"}"};

		g_assert_true(recovery_api_change(&play->step, &change, &end, NULL, NULL));
		g_assert_null(strstr(play->stage.log->str, "hush"));
		g_assert_nonnull(strstr(play->stage.log->str, "(15 bytes, not shown)"));
	}
	while (big->len < 3000)
		g_string_append(big, "ä");
	g_string_append(big, "\"}");
	{
		PLAY(play, DONE);
		RecoveryApiChange change = {RECOVERY_API_CREATE, "/a", big->str};

		g_assert_true(recovery_api_change(&play->step, &change, &end, NULL, NULL));
		g_assert_true(g_utf8_validate(play->stage.log->str, -1, NULL));
		g_assert_cmpuint(play->stage.log->len, <, 2200);
		g_assert_cmpuint(play->stage.log->len, >, 2048);
		g_assert_nonnull(strstr(play->stage.log->str, "… (3002 bytes)"));
	}
}

/* ---- patience ------------------------------------------------------------------------------ */

static gint64
wait_for_it(gint64 timeout_ms, gint64 used_s)
{
	PLAY(play, NOT_YET);
	RecoveryApiEnd end;
	g_autoptr(GError) error = NULL;

	play->order->timeout_ms = timeout_ms;
	play->step.time_to = timeout_ms * 1000;
	play->stage.now = used_s * G_USEC_PER_SEC;
	g_assert_false(recovery_api_change(&play->step, &merge, &end, NULL, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	g_assert_nonnull(strstr(error->message, "nothing was changed"));
	return play->stage.now / G_USEC_PER_SEC - used_s;
}

static void
test_patience(void)
{
	g_assert_cmpint(wait_for_it(600 * 1000, 0), >=, 110);
	g_assert_cmpint(wait_for_it(600 * 1000, 0), <=, 120);
	/* what is left of the step */
	g_assert_cmpint(wait_for_it(600 * 1000, 560), <=, 40);
	g_assert_cmpint(wait_for_it(600 * 1000, 560), >=, 30);
	g_assert_cmpint(wait_for_it(600 * 1000, 700), ==, 0);
}

/* ---- many ---------------------------------------------------------------------------------- */

static RecoveryApiChange *
many_deletes(guint n)
{
	RecoveryApiChange *changes = g_new0(RecoveryApiChange, n);

	for (guint i = 0; i < n; i++)
		changes[i] =
		    (RecoveryApiChange){.verb = RECOVERY_API_DELETE, .path = "/p", .uid = "u"};
	return changes;
}

static guint
count(const char *text, const char *part)
{
	guint n = 0;

	for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
		n++;
	return n;
}

static void
test_many(void)
{
	PLAY(play, DONE, MISSING, CONFLICT, REFUSED, DONE);
	g_autofree RecoveryApiChange *changes = many_deletes(120);
	g_autofree RecoveryApiAnswer *answers = g_new0(RecoveryApiAnswer, 120);
	g_autoptr(GError) error = NULL;
	const char *log;

	g_assert_true(recovery_api_change_all(&play->step, changes, 120, answers, &error));
	g_assert_no_error(error);
	log = play->stage.log->str;
	/* all written down before the fence, which is asked once, before the first is sent */
	g_assert_cmpuint(count(log, "touch 5 api-many"), ==, 1);
	g_assert_cmpuint(count(log, "touch 7 api-many"), ==, 1);
	g_assert_cmpuint(count(log, "touch 8"), ==, 0);
	g_assert_cmpuint(count(log, "m1 #7 run"), ==, 1);
	g_assert_cmpuint(count(log, "DELETE /p uid u\n"), ==, 120);
	g_assert_true(strstr(log, "touch 7") < strstr(log, "m1 #7 run"));
	g_assert_true(strstr(log, "m1 #7 run") < strstr(log, "DELETE /p"));
	g_assert_nonnull(strstr(log, "touched 5 refused: cluster: DELETE /p: forbidden\n"));
	g_assert_nonnull(
	    strstr(log, "touched 7 done: 20 done, 0 missing, 0 in conflict, 0 failed\n"));
	g_assert_cmpint(answers[0].end, ==, RECOVERY_API_DONE);
	g_assert_cmpint(answers[1].end, ==, RECOVERY_API_MISSING);
	g_assert_cmpint(answers[2].end, ==, RECOVERY_API_CONFLICT);
	g_assert_error(answers[3].error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	for (guint i = 4; i < 120; i++)
		g_assert_no_error(answers[i].error);
	g_assert_cmpuint(play->step.touches, ==, 7);
	for (guint i = 0; i < 120; i++)
		recovery_api_answer_clear(&answers[i]);
}

static void
test_many_in_doubt(void)
{
	PLAY(play, DONE, DOUBT, DOUBT, DONE);
	g_autofree RecoveryApiChange *changes = many_deletes(4);
	RecoveryApiAnswer answers[4] = {{0}};
	g_autoptr(GError) error = NULL;

	g_assert_false(recovery_api_change_all(&play->step, changes, 4, answers, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	g_assert_nonnull(strstr(error->message, "2 of 4"));
	g_assert_no_error(answers[0].error);
	g_assert_error(answers[1].error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	g_assert_nonnull(strstr(play->stage.log->str, "touched 5 lost"));
	for (guint i = 0; i < 4; i++)
		recovery_api_answer_clear(&answers[i]);
}

static void
test_many_fenced(void)
{
	PLAY(play, DONE);
	g_autofree RecoveryApiChange *changes = many_deletes(60);
	g_autofree RecoveryApiAnswer *answers = g_new0(RecoveryApiAnswer, 60);
	g_autoptr(GError) error = NULL;

	play->stage.verdict = RD_VERDICT_FENCED;
	g_assert_false(recovery_api_change_all(&play->step, changes, 60, answers, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED);
	g_assert_null(strstr(play->stage.log->str, "DELETE /p"));
	g_assert_nonnull(strstr(play->stage.log->str, "touched 5 fenced"));
	g_assert_nonnull(strstr(play->stage.log->str, "touched 6 fenced"));
	/* none of them looks done */
	for (guint i = 0; i < 60; i++) {
		g_assert_error(answers[i].error, RECOVERY_ERROR, RECOVERY_ERROR_FENCED);
		recovery_api_answer_clear(&answers[i]);
	}
}

/* ---- looking ------------------------------------------------------------------------------- */

static void
test_looks(void)
{
	PLAY(play, {.verdict = RD_KUBE_DONE, .JSON = "{\"items\":[{\"a\":1},{\"a\":2}]}"});
	g_autoptr(JsonArray) items = NULL;
	g_autoptr(GError) error = NULL;

	play->step.may_touch = FALSE;
	items = recovery_api_list(&play->step, "/api/v1/nodes", &error);
	g_assert_no_error(error);
	g_assert_cmpuint(json_array_get_length(items), ==, 2);
	assert_log(play, "GET /api/v1/nodes?limit=500\n");
}

static void
test_missing_is_not_unserved(void)
{
	PLAY(missing, MISSING);
	PLAY(unserved, UNSERVED);
	g_autoptr(GError) error = NULL;
	gboolean serves = FALSE;

	g_assert_null(recovery_api_get(&missing->step, "/a", &error));
	g_assert_no_error(error);
	g_assert_null(recovery_api_get(&unserved->step, "/a", &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	g_clear_error(&error);
	g_assert_true(recovery_api_serves(&missing->step, "/a?b=c", &serves, &error));
	g_assert_true(serves);
	g_assert_nonnull(strstr(missing->stage.log->str, "GET /a?b=c&limit=1\n"));
	g_assert_true(recovery_api_serves(&unserved->step, "/a", &serves, &error));
	g_assert_false(serves);
}

static void
test_text(void)
{
	PLAY(play, {.verdict = RD_KUBE_DONE, .status = 200, .text = "ok"},
	     {.verdict = RD_KUBE_FAILED, .status = 500, .message = "m", .text = "[-]etcd failed"});
	g_autoptr(GError) error = NULL;
	g_autofree char *text = recovery_api_text(&play->step, "/readyz", &error);

	g_assert_cmpstr(text, ==, "ok");
	g_assert_null(recovery_api_text(&play->step, "/readyz", &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED);
	g_assert_nonnull(strstr(error->message, "[-]etcd failed"));
}

static void
test_no_way_and_cancelled(void)
{
	PLAY(play, DONE);
	g_autoptr(GError) error = NULL;

	play->stage.no_way = TRUE;
	g_assert_null(recovery_api_get(&play->step, "/a", &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
	g_clear_error(&error);
	play->stage.no_way = FALSE;
	play->stage.cancelled = TRUE;
	g_assert_null(recovery_api_get(&play->step, "/a", &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED);
	assert_log(play, "");
}

static void
test_moment(void)
{
	PLAY(play, DONE);
	RecoveryMoment moment = {0};
	g_autoptr(GError) error = NULL;

	g_assert_true(recovery_moment(&play->step, "1795179000.25", &moment, &error));
	g_assert_no_error(error);
	g_assert_cmpfloat(moment.since, ==, 1795179000.25);
	g_assert_cmpfloat(moment.now, ==, 1795180000.5);
	assert_log(play, "m1 #0 survey\n");
	g_assert_false(recovery_moment(&play->step, "soon", &moment, &error));
	g_assert_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT);
}

/* what a later attempt has to say again with the same bytes */
static void
test_first_note(void)
{
	PLAY(play, DONE);

	play->step.notes = g_hash_table_new(g_str_hash, g_str_equal);
	g_hash_table_insert(play->step.notes, "reason", "second");
	g_hash_table_insert(play->step.notes, "new", "only here");
	g_hash_table_insert(play->order->first, g_strdup("reason"), g_strdup("first"));
	g_hash_table_insert(play->order->first, g_strdup("old"), g_strdup("only there"));
	g_assert_cmpstr(recovery_recall(&play->step, "reason"), ==, "second");
	g_assert_cmpstr(recovery_recall_first(&play->step, "reason"), ==, "first");
	g_assert_null(recovery_recall(&play->step, "old"));
	g_assert_cmpstr(recovery_recall_first(&play->step, "old"), ==, "only there");
	g_assert_cmpstr(recovery_recall_first(&play->step, "new"), ==, "only here");
	g_assert_null(recovery_recall_first(&play->step, "other"));
	g_hash_table_unref(play->step.notes);
}

int
main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/step-kube/order-of-a-change", test_order_of_a_change);
	g_test_add_func("/step-kube/own-host-is-the-fence", test_own_host_is_the_fence);
	g_test_add_func("/step-kube/nothing-guards-the-cluster", test_nothing_guards_the_cluster);
	g_test_add_func("/step-kube/fenced", test_fenced);
	g_test_add_func("/step-kube/silent-fence", test_silent_fence);
	g_test_add_func("/step-kube/not-outside-enter", test_not_outside_enter);
	g_test_add_func("/step-kube/journal-first", test_what_is_not_journalled_is_not_sent);
	g_test_add_func("/step-kube/unsound-changes", test_unsound_changes);
	g_test_add_func("/step-kube/ends", test_ends);
	g_test_add_func("/step-kube/status-is-no-object", test_status_is_no_object);
	g_test_add_func("/step-kube/what-the-journal-shows", test_what_the_journal_shows);
	g_test_add_func("/step-kube/patience", test_patience);
	g_test_add_func("/step-kube/many", test_many);
	g_test_add_func("/step-kube/many-in-doubt", test_many_in_doubt);
	g_test_add_func("/step-kube/many-fenced", test_many_fenced);
	g_test_add_func("/step-kube/looks", test_looks);
	g_test_add_func("/step-kube/missing-is-not-unserved", test_missing_is_not_unserved);
	g_test_add_func("/step-kube/text", test_text);
	g_test_add_func("/step-kube/no-way-and-cancelled", test_no_way_and_cancelled);
	g_test_add_func("/step-kube/moment", test_moment);
	g_test_add_func("/step-kube/first-note", test_first_note);
	return g_test_run();
}
