/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Approves what may be approved, as long as it is let (domain 3, INV-26): it works beside other
 * states and ends when it is told to. Nothing is denied: a denial is for ever. */

#include "csr.h"
#include <string.h>

#define CONFLICTS 10 /* a request that others write to meanwhile is judged anew, as often */
#define BATCH	  50 /* approvals in one note */
#define REFUSALS  20 /* refusals that are noted in one round; the others stay for the next */

/* what came of one round */
typedef struct {
	guint approved, refused, conflicts;
	char *first; /* (owned) (nullable) why the first was refused */
	char *fault; /* (owned) (nullable) of an approval that was not taken */
} Round;

static void
round_clear(Round *self)
{
	g_clear_pointer(&self->first, g_free);
	g_clear_pointer(&self->fault, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Round, round_clear)

/* ---- what was decided, on disk before anything is sent ---- */

static void
describe(GString *text, const RdCsrVerdict *verdict)
{
	g_string_append_printf(
	    text, "%s%s %s %s sha256:%s %s", text->len > 0 ? "; " : "", verdict->name,
	    verdict->node != NULL ? verdict->node : "-", verdict->signer,
	    verdict->key_digest != NULL ? verdict->key_digest : "-", verdict->rule);
}

/* Notes "approved-1", "approved-2", … of this attempt: the first that there is not yet. (transfer
 * full) */
static char *
next_note(RecoveryStep *step)
{
	for (guint number = 1;; number++) {
		g_autofree char *key = g_strdup_printf("approved-%u", number);

		if (recovery_recall(step, key) == NULL)
			return g_steal_pointer(&key);
	}
}

/* @verdicts: those approved now */
static gboolean
note_approvals(RecoveryStep *step, GPtrArray *verdicts, GError **error)
{
	for (guint i = 0; i < verdicts->len; i += BATCH) {
		g_autoptr(GString) text = g_string_new(NULL);
		g_autofree char *key = next_note(step);

		for (guint j = i; j < MIN(i + BATCH, verdicts->len); j++)
			describe(text, verdicts->pdata[j]);
		if (!recovery_remember(step, key, text->str, error))
			return FALSE;
	}
	return TRUE;
}

/* each request once for each rule that it failed at */
static gboolean
note_refusals(RecoveryStep *step, GPtrArray *verdicts, Round *round, GError **error)
{
	guint noted = 0;

	for (guint i = 0; i < verdicts->len; i++) {
		const RdCsrVerdict *verdict = verdicts->pdata[i];
		g_autofree char *key = NULL;
		g_autoptr(GString) text = g_string_new(NULL);

		if (verdict->kind != RD_CSR_REFUSE)
			continue;
		if (round->refused++ == 0)
			round->first = g_strdup_printf("%s of %s: %s (%s)", verdict->name,
						       verdict->node != NULL ? verdict->node : "?",
						       verdict->reason, verdict->rule);
		key = g_strdup_printf("refused %s %s", verdict->name, verdict->rule);
		if (noted >= REFUSALS || recovery_recall(step, key) != NULL)
			continue;
		noted++;
		describe(text, verdict);
		g_string_append_printf(text, ": %s", verdict->reason);
		if (!recovery_remember(step, key, text->str, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- approving ---- */

/* The whole object with one condition more, as kubectl sends it (domain 2.4). Items of a list do
 * not say what they are. (transfer full) */
static char *
approval_body(RecoveryStep *step, JsonNode *request, const RdCsrVerdict *verdict, gint64 now)
{
	g_autofree char *text = rd_api_json(request);
	g_autoptr(JsonNode) copy = json_from_string(text, NULL);
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);
	g_autofree char *stamp = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
	g_autofree char *message =
	    g_strdup_printf("recoveryd, run %s, rule %s: %s", recovery_run_id(step), verdict->rule,
			    verdict->reason);
	JsonObject *root = json_node_get_object(copy), *condition = json_object_new(), *status;
	g_autofree char *version = NULL;
	JsonArray *conditions;

	version = g_strdup_printf("certificates.k8s.io/%s", recovery_string(step, "api"));
	json_object_set_string_member(root, "apiVersion", version);
	json_object_set_string_member(root, "kind", "CertificateSigningRequest");
	json_object_set_string_member(condition, "type", "Approved");
	json_object_set_string_member(condition, "status", "True");
	json_object_set_string_member(condition, "reason", "RecoverydApprove");
	json_object_set_string_member(condition, "message", message);
	json_object_set_string_member(condition, "lastUpdateTime", stamp);
	if (rd_api_at(copy, "status", NULL) == NULL)
		json_object_set_object_member(root, "status", json_object_new());
	status = json_object_get_object_member(root, "status");
	if (rd_api_items(copy, "status", "conditions", NULL) == NULL)
		json_object_set_array_member(status, "conditions", json_array_new());
	conditions = json_object_get_array_member(status, "conditions");
	json_array_add_object_element(conditions, condition);
	return rd_api_json(copy);
}

static void
take_answers(Round *round, const RecoveryApiAnswer *answers, guint n)
{
	for (guint i = 0; i < n; i++) {
		if (answers[i].error != NULL && round->fault == NULL)
			round->fault = g_strdup(answers[i].error->message);
		if (answers[i].error == NULL) {
			round->approved += answers[i].end == RECOVERY_API_DONE;
			round->conflicts += answers[i].end == RECOVERY_API_CONFLICT;
		}
	}
}

/* An answer that did not come is no end: the next round sees what became of it, and the
 * resourceVersion keeps a late approval from counting twice. */
static gboolean
send(RecoveryStep *step, const RecoveryApiChange *changes, guint n, Round *round, GError **error)
{
	g_autofree RecoveryApiAnswer *answers = g_new0(RecoveryApiAnswer, MAX(n, 1));
	g_autoptr(GError) local = NULL;
	gboolean sent = recovery_api_change_all(step, changes, n, answers, &local);

	take_answers(round, answers, n);
	for (guint i = 0; i < n; i++)
		recovery_api_answer_clear(&answers[i]);
	if (sent || g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE))
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean
approve_all(RecoveryStep *step, const char *requests_path, JsonArray *requests, GPtrArray *verdicts,
	    gint64 now, Round *round, GError **error)
{
	g_autoptr(GPtrArray) passed = g_ptr_array_new();
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autofree RecoveryApiChange *changes = g_new0(RecoveryApiChange, MAX(verdicts->len, 1));

	for (guint i = 0; i < verdicts->len; i++) {
		const RdCsrVerdict *verdict = verdicts->pdata[i];
		g_autofree char *name = rd_api_escape(verdict->name);
		char *path, *body;

		if (verdict->kind != RD_CSR_APPROVE)
			continue;
		path = g_strdup_printf("%s/%s/approval", requests_path, name);
		body = approval_body(step, json_array_get_element(requests, i), verdict, now);
		g_ptr_array_add(texts, path);
		g_ptr_array_add(texts, body);
		changes[passed->len] =
		    (RecoveryApiChange){.verb = RECOVERY_API_REPLACE, .path = path, .body = body};
		g_ptr_array_add(passed, verdicts->pdata[i]);
	}
	return passed->len == 0 || (note_approvals(step, passed, error) &&
				    send(step, changes, passed->len, round, error));
}

/* more ask than there can be: a person has to look (F36) */
static gboolean
check_limit(GPtrArray *verdicts, GError **error)
{
	for (guint i = 0; i < verdicts->len; i++) {
		const RdCsrVerdict *verdict = verdicts->pdata[i];

		if (g_str_equal(verdict->rule, "limit"))
			return rd_api_refuse(error,
					     "certificate requests: %s; nothing is approved any "
					     "more. Look at who makes them ('oc get csr'); they go "
					     "away by themselves after a day",
					     verdict->reason);
	}
	return TRUE;
}

static gboolean
approve_once(RecoveryStep *step, Round *round, GError **error)
{
	g_autofree char *path = csr_path(step, error);
	g_autoptr(JsonArray) requests = path != NULL ? recovery_api_list(step, path, error) : NULL;
	g_autoptr(GPtrArray) verdicts = NULL;
	RecoveryMoment moment;
	gboolean pending = FALSE;

	if (requests == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(requests) && !pending; i++)
		pending = csr_is_pending(json_array_get_element(requests, i));
	if (!pending)
		return TRUE;
	if (!rd_api_moment(step, &moment, error))
		return FALSE;
	verdicts = csr_judge(step, requests, &moment, error);
	return verdicts != NULL && check_limit(verdicts, error) &&
	       note_refusals(step, verdicts, round, error) &&
	       approve_all(step, path, requests, verdicts, (gint64)moment.now, round, error);
}

static void
tell(RecoveryStep *step, const Round *round)
{
	if (round->fault != NULL)
		recovery_progress(step, "an approval was not taken: %s", round->fault);
	else if (round->refused > 0)
		recovery_progress(step, "%u certificate requests approved, %u refused: %s",
				  round->approved, round->refused, round->first);
	else if (round->approved > 0)
		recovery_progress(step, "%u certificate requests approved", round->approved);
	else
		recovery_progress(step, "no certificate request waits for us");
}

/* PRESENT: something was approved */
static RecoveryProbe
approve_round(RecoveryStep *step, GError **error)
{
	guint approved = 0;

	for (guint i = 0; i < CONFLICTS; i++) {
		g_auto(Round) round = {0};

		if (!approve_once(step, &round, error))
			return RECOVERY_PROBE_UNKNOWN;
		tell(step, &round);
		approved += round.approved;
		if (round.conflicts == 0)
			break;
	}
	return approved > 0 ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
csr_approve_probe(RecoveryStep *step, GError **error)
{
	return RECOVERY_PROBE_ABSENT;
}

/* Never done: there may always be another one. It ends with CANCELLED: the span of states that it
 * works beside is over. After an approval the wait begins anew, and with it its pace is fast again:
 * who got the client's certificate asks for the server's, and where one asks others do. With the
 * pen lifted a wait ends without an approval. */
gboolean
csr_approve_enter(RecoveryStep *step, GError **error)
{
	for (;;) {
		g_autofree char *before = next_note(step), *behind = NULL;

		if (!recovery_wait(step, approve_round, error))
			return FALSE;
		behind = next_note(step);
		if (g_str_equal(before, behind))
			return TRUE;
	}
}
