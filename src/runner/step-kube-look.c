/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <recovery/kubernetes.h>
#include <string.h>

#include "kube/objects.h"
#include "step-private.h"

/* The Kubernetes API for bodies: the way there, what only looks, and the moment that divides past
 * and present. */

#define RD_API_PATIENCE	     120 /* seconds, of one call */
#define RD_API_PATIENCE_PLAN 5	 /* the like when the pen is lifted: it may well be down now */

RdKube *
rd_step_kube(RecoveryStep *step, GError **error)
{
	RdKube *kube = NULL;

	if (step->gone || step->world->klass->cancelled(step->world)) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_CANCELLED, "%s: " RD_TOLD_TO_STOP,
			    step->order->target);
		return NULL;
	}
	if (step->world->klass->kube == NULL)
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "there is no way to the Kubernetes API here");
	else
		kube = step->world->klass->kube(step->world, error);
	if (kube == NULL)
		g_prefix_error(error, "%s: ", step->order->target);
	step->asked = step->world->klass->clock(step->world);
	return kube;
}

void
rd_step_kube_end(RecoveryStep *step, GError **error)
{
	g_prefix_error(error, "%s: ", step->order->target);
	rd_step_count_silence(step, step->asked, error != NULL ? *error : NULL);
}

/* What is found out at the very deadline is not heard any more: a tenth of the time that is left
 * belongs to the body. */
guint
rd_step_patience(RecoveryStep *step)
{
	gint64 left = step->time_to - step->world->klass->clock(step->world);
	gint64 most = step->foresight != NULL ? RD_API_PATIENCE_PLAN : RD_API_PATIENCE;

	if (step->patience != 0)
		most = MIN(most, step->patience);
	return (guint)CLAMP(left * 9 / 10 / G_USEC_PER_SEC, 0, most);
}

void
recovery_api_patience(RecoveryStep *step, guint seconds)
{
	step->patience = seconds;
}

gboolean
rd_api_is_secret(const char *where)
{
	static const char *const kinds[] = {"secrets",
					    "token",
					    "tokenreviews",
					    "oauthaccesstokens",
					    "oauthauthorizetokens",
					    "oauthclients",
					    "useroauthaccesstokens",
					    NULL};
	g_auto(GStrv) path = g_strsplit(where, "?", 2);
	g_auto(GStrv) parts = g_strsplit(path[0], "/", -1);

	for (guint i = 0; parts[i] != NULL; i++)
		if (g_strv_contains(kinds, parts[i]))
			return TRUE;
	return FALSE;
}

/* ---- looking ------------------------------------------------------------------------------- */

JsonNode *
recovery_api_get(RecoveryStep *step, const char *path, GError **error)
{
	g_autoptr(GError) local = NULL;
	JsonNode *object = NULL;
	RdKube *kube;

	rd_tape_say(step, "api-get %s", path);
	kube = rd_step_kube(step, &local);
	if (kube != NULL) {
		object = rd_kube_get(kube, path, rd_step_patience(step), NULL, &local);
		rd_step_kube_end(step, &local);
	}
	if (!rd_tape_pass(step, g_steal_pointer(&local), error))
		return NULL;
	if (object == NULL)
		rd_tape_put(step, "~", "missing");
	rd_tape_json(step, object, rd_api_is_secret(path));
	return object;
}

JsonArray *
recovery_api_list(RecoveryStep *step, const char *path, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) list = NULL;
	JsonArray *items;
	RdKube *kube;

	rd_tape_say(step, "api-list %s", path);
	kube = rd_step_kube(step, &local);
	if (kube != NULL) {
		list = rd_kube_list(kube, path, rd_step_patience(step), NULL, &local);
		rd_step_kube_end(step, &local);
	}
	if (!rd_tape_pass(step, g_steal_pointer(&local), error))
		return NULL;
	items = json_object_get_array_member(json_node_get_object(list), "items");
	rd_tape_list(step, items, rd_api_is_secret(path));
	return json_array_ref(items);
}

gboolean
recovery_api_serves(RecoveryStep *step, const char *path, gboolean *serves, GError **error)
{
	g_autofree char *one =
	    g_strdup_printf("%s%climit=1", path, strchr(path, '?') != NULL ? '&' : '?');
	g_autoptr(JsonNode) found = NULL;
	g_autoptr(GError) local = NULL;
	gboolean unserved = FALSE;
	RdKube *kube;

	rd_tape_say(step, "api-serves %s", path);
	kube = rd_step_kube(step, &local);
	if (kube != NULL) {
		found = rd_kube_get(kube, one, rd_step_patience(step), &unserved, &local);
		rd_step_kube_end(step, &local);
	}
	if (!rd_tape_pass(step, g_steal_pointer(&local), error))
		return FALSE;
	*serves = !unserved;
	rd_tape_put(step, "~", *serves ? "yes" : "no");
	return TRUE;
}

char *
recovery_api_text(RecoveryStep *step, const char *path, GError **error)
{
	g_autoptr(GError) local = NULL;
	char *text = NULL;
	RdKube *kube;

	rd_tape_say(step, "api-text %s", path);
	kube = rd_step_kube(step, &local);
	if (kube != NULL) {
		text = rd_kube_text(kube, path, rd_step_patience(step), &local);
		rd_step_kube_end(step, &local);
	}
	if (!rd_tape_pass(step, g_steal_pointer(&local), error))
		return NULL;
	rd_tape_text(step, "|", text);
	return text;
}

/* ---- the moment ---------------------------------------------------------------------------- */

static gboolean
rd_moment(RecoveryStep *step, const char *since, RecoveryMoment *moment, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "recovery");
	g_auto(RdReply) reply = {0};
	g_auto(RdSurvey) survey = {0};
	RdCall call;

	moment->since = since != NULL ? g_ascii_strtod(since, NULL) : 0;
	if (moment->since <= 0 || hosts[0] == NULL) {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
			    hosts[0] == NULL
				? "%s: there is no recovery host whose clock could be read"
				: "%s: it is not known since when the Kubernetes API answers",
			    step->order->target);
		return FALSE;
	}
	rd_step_fill_call(step, &call, RD_CALL_SURVEY);
	call.number = 0;
	if (!rd_step_call(step, hosts[0], &call, &reply, error))
		return FALSE;
	if (reply.out == NULL || !rd_survey_parse(reply.out, &survey, error)) {
		if (error != NULL && *error == NULL)
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE,
				    "%s: an empty answer", hosts[0]);
		return FALSE;
	}
	moment->now = survey.time;
	return TRUE;
}

gboolean
recovery_moment(RecoveryStep *step, const char *since, RecoveryMoment *moment, GError **error)
{
	char now[G_ASCII_DTOSTR_BUF_SIZE];
	GError *local = NULL;

	rd_tape_say(step, "moment");
	if (rd_moment(step, since, moment, &local))
		rd_tape_put(step, "|", g_ascii_dtostr(now, sizeof now, moment->now));
	return rd_tape_pass(step, local, error);
}
