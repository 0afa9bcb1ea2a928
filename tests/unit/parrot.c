/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <recovery/kubernetes.h>
#include <recovery/plugin.h>
#include <string.h>

/* Says all that a body can say, and repeats what it heard as a sum: what test-tape.c has recorded
 * is not played unless every byte of every answer is the same. */

static gboolean
tell_sum(RecoveryStep *step, GChecksum *heard, GError **error)
{
	return recovery_output(step, "sum", g_checksum_get_string(heard), error);
}

static void
hear(GChecksum *heard, const void *data, gssize size)
{
	g_checksum_update(heard, data, size);
	g_checksum_update(heard, (const guchar *)"|", 1);
}

static void
hear_reply(GChecksum *heard, const RecoveryReply *reply)
{
	hear(heard, &reply->status, sizeof reply->status);
	hear(heard, reply->out, reply->out_size);
	hear(heard, reply->err, -1);
}

/* an error is part of the conversation, too */
static void
hear_error(GChecksum *heard, GError *error)
{
	g_assert(error != NULL);
	hear(heard, error->message, -1);
	hear(heard, &error->code, sizeof error->code);
	g_error_free(error);
}

/* ---- looking ------------------------------------------------------------------------------- */

static gboolean
look_enter(RecoveryStep *step, GError **error)
{
	static const char *const what[] = {"text",	"empty", "no-end", "binary",
					   "a b\nc\\n", "fails", NULL};
	g_autoptr(GChecksum) heard = g_checksum_new(G_CHECKSUM_SHA256);
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_auto(GStrv) others = recovery_hosts(step, "others");
	g_auto(GStrv) excused = recovery_excused(step);
	g_autofree char *joined = NULL, *copy = NULL, *dir = NULL, *sum = NULL, *aside = NULL;
	g_autofree char *text = NULL;
	g_autoptr(GPtrArray) answers = NULL;
	GError *local = NULL;
	guint percent;

	for (guint i = 0; what[i] != NULL; i++) {
		const char *argv[] = {"show", what[i], NULL};
		g_auto(RecoveryReply) reply = {0};

		if (!recovery_ask_status(step, i % 2 == 0 ? "m1" : NULL, argv, &reply, error))
			return FALSE;
		hear_reply(heard, &reply);
	}
	g_assert(recovery_ask(step, NULL, &local, "show", "fails", NULL) == NULL);
	hear_error(heard, g_steal_pointer(&local));
	g_assert(recovery_ask(step, "m2", &local, "show", "silent", NULL) == NULL);
	hear_error(heard, g_steal_pointer(&local));
	answers = recovery_ask_all(step, (const char *const *)hosts,
				   (const char *[]){"show", "text", NULL});
	for (guint i = 0; i < answers->len; i++) {
		const RecoveryAnswer *answer = g_ptr_array_index(answers, i);

		if (answer->error == NULL)
			hear_reply(heard, &answer->reply);
		else
			hear_error(heard, g_error_copy(answer->error));
	}
	joined = g_strdup_printf("%s %s %s %s %s %s %s", hosts[0], others[0], excused[0],
				 recovery_address(step, "m1"), recovery_run_id(step),
				 recovery_run_uuid(step), recovery_state_name(step));
	dir = recovery_local_dir(step);
	copy = g_build_filename(dir, "copy", NULL);
	if (!recovery_fetch(step, NULL, "/etc/there", copy, &sum, error) ||
	    !recovery_aside_path(step, "/etc/moved", &aside, error))
		return FALSE;
	percent = recovery_time_used(step);
	text = g_strdup_printf("%s %s %s %u", joined, sum, aside, percent);
	hear(heard, text, -1);
	/* a credential is in it, which the sum must not have */
	g_free(recovery_ask(step, NULL, error, "show", "secret", recovery_string(step, "secret"),
			    NULL));
	return tell_sum(step, heard, error);
}

/* ---- touching ------------------------------------------------------------------------------ */

static RecoveryProbe
touch_probe(RecoveryStep *step, GError **error)
{
	const char *argv[] = {"show", "touched", NULL};
	g_auto(RecoveryReply) reply = {0};

	if (!recovery_ask_status(step, NULL, argv, &reply, error))
		return RECOVERY_PROBE_UNKNOWN;
	return reply.status == 0 ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

static gboolean
touch_baseline(RecoveryStep *step, GError **error)
{
	return recovery_remember(step, "before", "two\nlines and a \\ slash", error) &&
	       recovery_remember(step, "plain", "{\"a\": \"b\\n\"}", error);
}

static void
look(RecoveryStep *step)
{
	g_autofree char *text = recovery_ask(step, NULL, NULL, "show", "text", NULL);

	recovery_progress(step, "it says %s", text);
}

static gboolean
touch_enter(RecoveryStep *step, GError **error)
{
	const char *const good[] = {"make", "a", NULL}, *const bad[] = {"make", "fails", NULL};
	const char *const env[] = {"A=1", "B=2", NULL};
	const RecoveryCommand command = {.argv = good,
					 .cwd = "/srv",
					 .env = env,
					 .input = "in",
					 .input_size = 2};
	const RecoveryCommand fails = {.argv = bad};
	g_autoptr(GChecksum) heard = g_checksum_new(G_CHECKSUM_SHA256);
	RecoveryJobState state;
	GError *local = NULL;

	hear(heard, recovery_recall(step, "before"), -1);
	hear(heard, recovery_recall_first(step, "plain"), -1);
	for (guint i = 0; i < 3; i++) {
		g_auto(RecoveryReply) reply = {0};
		gboolean ok =
		    i == 0   ? recovery_run(step, &command, &reply, error)
		    : i == 1 ? recovery_job(step, "long", &command, &reply, error)
			     : recovery_job_watched(step, "watched", &command, look, &reply, error);
		if (!ok)
			return FALSE;
		hear_reply(heard, &reply);
	}
	g_assert(!recovery_run(step, &fails, NULL, &local));
	hear_error(heard, g_steal_pointer(&local));
	g_assert(!recovery_job(step, "bad", &fails, NULL, &local));
	hear_error(heard, g_steal_pointer(&local));
	if (!recovery_job_state(step, "long", &state, NULL, error) ||
	    !recovery_move(step, "/etc/a", "/etc/b", error) ||
	    !recovery_move_aside(step, "/etc/c", error) ||
	    !recovery_put(step, recovery_string(step, "file"), "/etc/file", 0600, error) ||
	    !recovery_put_data(step, "one\ntwo\n", 8, "/etc/data", 0644, error))
		return FALSE;
	hear(heard, &state, sizeof state);
	recovery_outcome(step, "other");
	return tell_sum(step, heard, error);
}

static gboolean
touch_undo(RecoveryStep *step, GError **error)
{
	const char *const argv[] = {"undo", recovery_recall(step, "plain"), NULL};
	const RecoveryCommand command = {.argv = argv};

	return recovery_run(step, &command, NULL, error);
}

/* ---- waiting: told to stop, or too late ---------------------------------------------------- */

static gboolean
wait_enter(RecoveryStep *step, GError **error)
{
	if (recovery_wait(step, touch_probe, error))
		return TRUE;
	g_prefix_error(error, "it was awaited: ");
	return FALSE;
}

static RecoveryProbe
never_probe(RecoveryStep *step, GError **error)
{
	return RECOVERY_PROBE_ABSENT;
}

/* ---- the Kubernetes API -------------------------------------------------------------------- */

static void
hear_json(GChecksum *heard, JsonNode *node)
{
	g_autofree char *text = json_to_string(node, FALSE);

	hear(heard, text, -1);
	json_node_unref(node);
}

static gboolean
api_enter(RecoveryStep *step, GError **error)
{
	static const RecoveryApiChange merge = {.verb = RECOVERY_API_MERGE,
						.path = "/api/v1/nodes/m0",
						.body = "{\"a\": \"b\"}"};
	static const RecoveryApiChange many[] = {
	    {.verb = RECOVERY_API_DELETE, .path = "/api/v1/pods/conflict", .uid = "u-1"},
	    {.verb = RECOVERY_API_CREATE,
	     .path = "/api/v1/secrets",
	     .body = "{\"s\": \"shy-word\"}"},
	};
	g_autoptr(GChecksum) heard = g_checksum_new(G_CHECKSUM_SHA256);
	g_auto(RecoveryApiAnswer) first = {0}, second = {0};
	RecoveryApiAnswer answers[2];
	g_autoptr(JsonArray) list = NULL;
	g_autofree char *text = NULL;
	RecoveryApiEnd end;
	RecoveryMoment moment;
	GError *local = NULL;
	gboolean serves;
	JsonNode *node;

	node = recovery_api_get(step, "/api/v1/nodes/m0", error);
	if (node == NULL)
		return FALSE;
	hear_json(heard, node);
	if (recovery_api_get(step, "/api/v1/nodes/missing", error) != NULL || *error != NULL)
		return FALSE;
	list = recovery_api_list(step, "/api/v1/nodes", error);
	if (list == NULL)
		return FALSE;
	node = json_node_init_array(json_node_alloc(), list);
	hear_json(heard, node);
	node = recovery_api_get(step, "/api/v1/secrets/s", error);
	g_clear_pointer(&node, json_node_unref);
	text = recovery_api_text(step, "/readyz", error);
	if (text == NULL || !recovery_api_serves(step, "/api/v1/nodes", &serves, error) ||
	    !recovery_moment(step, "1000.5", &moment, error))
		return FALSE;
	hear(heard, text, -1);
	hear(heard, &moment.now, sizeof moment.now);
	if (!recovery_api_change(step, &merge, &end, &node, error))
		return FALSE;
	hear_json(heard, node);
	if (!recovery_api_change_all(step, many, 2, answers, &local))
		hear_error(heard, local);
	first = answers[0];
	second = answers[1];
	hear(heard, &first.end, sizeof first.end);
	hear(heard, &second.end, sizeof second.end);
	return tell_sum(step, heard, error);
}

static const RecoveryParam params[] = {
    {"secret", RECOVERY_PARAM_SECRET, "", "what nobody may read"},
    {"file", RECOVERY_PARAM_FILE, "", "what is put"},
    {"words", RECOVERY_PARAM_STRING, "", "of more than one line"},
    {0}};
static const char *const outcomes[] = {"done", "other", NULL};
static const char *const outputs[] = {"sum", NULL};

static const RecoveryState states[] = {
    {"look", "looks", RECOVERY_KIND_QUERY, params, outcomes, outputs, .timeout = 60,
     .enter = look_enter},
    {"touch", "touches", RECOVERY_KIND_CHANGE, params, outcomes, outputs, .timeout = 60,
     .baseline = touch_baseline, .probe = touch_probe, .enter = touch_enter, .undo = touch_undo},
    {"wait", "waits", RECOVERY_KIND_CHANGE, params, outcomes, outputs, .timeout = 60,
     .undo_is = RECOVERY_UNDO_NOTHING, .probe = touch_probe, .enter = wait_enter},
    {"never", "waits for ever", RECOVERY_KIND_WAIT, params, outcomes, outputs, .timeout = 60,
     .probe = never_probe},
    {"api", "asks the API", RECOVERY_KIND_CHANGE, params, outcomes, outputs, .timeout = 60,
     .undo_is = RECOVERY_UNDO_NOTHING, .probe = touch_probe, .enter = api_enter},
    {0}};

RECOVERY_PLUGIN(.name = "parrot", .summary = "says everything", .states = states);
