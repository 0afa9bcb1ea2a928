/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The signer: a pod that gives every caller of port 9943 certificates of an etcd member (P1-11 to
 * P1-13, P1-18). It lives as short as possible: whoever made it takes it away on every way out. */

#include "../common/api.h"
#include "etcd-member.h"
#include <string.h>

#define PODS "/api/v1/namespaces/openshift-config/pods"
#define POD  PODS "/etcd-signer"

/* ---- its manifest -------------------------------------------------------------------------- */

/* @text is what the script makes for this image and host, and nothing of the template is left */
static gboolean
is_filled_in(RecoveryStep *step, const char *text)
{
	return strstr(text, "__") == NULL && strstr(text, recovery_string(step, "image")) != NULL &&
	       strstr(text, recovery_string(step, "hostname")) != NULL;
}

RecoveryProbe
signer_token_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *text = NULL;

	if (!rd_file_ask(step, NULL, SIGNER_FILE, &text, error))
		return RECOVERY_PROBE_UNKNOWN;
	return text != NULL && is_filled_in(step, text) ? RECOVERY_PROBE_PRESENT
							: RECOVERY_PROBE_ABSENT;
}

/* what an earlier recovery left would be filled in no more */
gboolean
signer_token_enter(RecoveryStep *step, GError **error)
{
	const char *argv[] = {SCRIPT_TOKENIZE, recovery_string(step, "hostname"), NULL};
	g_autofree char *image =
	    g_strdup_printf("KUBE_ETCD_SIGNER_SERVER=%s", recovery_string(step, "image"));
	const char *env[] = {image, NULL};
	const RecoveryCommand command = {.argv = argv, .cwd = MEMBER_HOME, .env = env};
	g_autofree char *there = NULL;

	if (!script_is_same(step, SCRIPT_TOKENIZE, error) ||
	    !rd_file_ask(step, NULL, SIGNER_FILE, &there, error))
		return FALSE;
	return (there == NULL || recovery_move_aside(step, SIGNER_FILE, error)) &&
	       recovery_run(step, &command, NULL, error);
}

/* ---- the pod ------------------------------------------------------------------------------- */

static gboolean
get_pod(RecoveryStep *step, JsonNode **pod, GError **error)
{
	g_autoptr(GError) local = NULL;

	*pod = recovery_api_get(step, POD, &local);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean
is_ours(RecoveryStep *step, JsonNode *pod)
{
	const char *hostname =
	    rd_api_text(pod, "spec", "nodeSelector", "kubernetes.io/hostname", NULL);
	JsonArray *containers = rd_api_items(pod, "spec", "containers", NULL);

	for (guint i = 0; i < rd_api_length(containers); i++)
		if (g_str_equal(rd_api_text(json_array_get_element(containers, i), "image", NULL),
				recovery_string(step, "image")))
			return g_str_equal(hostname, recovery_string(step, "hostname")) ||
			       g_str_equal(rd_api_text(pod, "spec", "nodeName", NULL),
					   recovery_string(step, "hostname"));
	return FALSE;
}

RecoveryProbe
signer_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) pod = NULL;

	if (!get_pod(step, &pod, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (pod == NULL)
		return RECOVERY_PROBE_ABSENT;
	if (rd_api_is_terminating(pod)) {
		recovery_progress(step, "an earlier etcd-signer is ending");
		return RECOVERY_PROBE_ABSENT;
	}
	if (is_ours(step, pod))
		return RECOVERY_PROBE_PRESENT;
	rd_api_refuse(error,
		      "there is a pod etcd-signer in openshift-config of another image or for "
		      "another host than %s. Delete it if nobody uses it, it hands out etcd's "
		      "certificates",
		      recovery_string(step, "hostname"));
	return RECOVERY_PROBE_UNKNOWN;
}

gboolean
signer_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *recovery = member_recovery(step, error), *text = NULL;
	RecoveryApiChange change = {.verb = RECOVERY_API_CREATE, .path = PODS, .yaml = TRUE};
	RecoveryApiEnd end;

	if (recovery == NULL || !rd_file_ask(step, recovery, SIGNER_FILE, &text, error))
		return FALSE;
	if (text == NULL || !is_filled_in(step, text))
		return rd_api_refuse(error, "%s: " SIGNER_FILE " is not filled in", recovery);
	change.body = text;
	if (!recovery_api_change(step, &change, &end, NULL, error))
		return FALSE;
	if (end == RECOVERY_API_DONE)
		return TRUE;
	/* there is one: the probe tells whether it will do */
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "there is a pod etcd-signer already, perhaps one that ends");
	return FALSE;
}

static gboolean
port_open(RecoveryStep *step, const char *host, gboolean *is_open, GError **error)
{
	g_autofree char *shown = recovery_ask(step, host, error, "ss", "-Htln", NULL);

	*is_open = shown != NULL && strstr(shown, SIGNER_PORT " ") != NULL;
	return shown != NULL;
}

static RecoveryProbe
signer_gone(RecoveryStep *step, GError **error)
{
	g_autofree char *recovery = member_recovery(step, error);
	g_autoptr(JsonNode) pod = NULL;
	gboolean is_open;

	if (recovery == NULL || !get_pod(step, &pod, error) ||
	    !port_open(step, recovery, &is_open, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (pod == NULL && !is_open)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "%s",
			  pod != NULL ? "etcd-signer is ending"
				      : "etcd-signer is deleted, its port is still listened on");
	return RECOVERY_PROBE_ABSENT;
}

gboolean
signer_undo(RecoveryStep *step, GError **error)
{
	RecoveryApiChange change = {.verb = RECOVERY_API_DELETE, .path = POD};
	g_autoptr(JsonNode) pod = NULL;
	RecoveryApiEnd end;

	if (!get_pod(step, &pod, error))
		return FALSE;
	if (pod != NULL && !rd_api_is_terminating(pod)) {
		change.uid = rd_api_uid(pod);
		if (!recovery_api_change(step, &change, &end, NULL, error))
			return FALSE;
		if (end == RECOVERY_API_CONFLICT) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "somebody has made another etcd-signer meanwhile");
			return FALSE;
		}
	}
	return recovery_wait(step, signer_gone, error);
}

/* ---- listening ----------------------------------------------------------------------------- */

/* of the pod, why it does not run yet: an image that cannot be had, a Secret that is missing */
static char *
why_waiting(JsonNode *pod)
{
	JsonArray *statuses = rd_api_items(pod, "status", "containerStatuses", NULL);

	for (guint i = 0; i < rd_api_length(statuses); i++) {
		JsonNode *waiting =
		    rd_api_at(json_array_get_element(statuses, i), "state", "waiting", NULL);

		if (waiting != NULL)
			return g_strdup_printf("%s %s", rd_api_text(waiting, "reason", NULL),
					       rd_api_text(waiting, "message", NULL));
	}
	return g_strdup(rd_api_text(pod, "status", "phase", NULL));
}

RecoveryProbe
signer_listens_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *recovery = member_recovery(step, error), *why = NULL;
	g_autoptr(JsonNode) pod = NULL;
	gboolean is_open;

	if (recovery == NULL || !port_open(step, recovery, &is_open, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (is_open)
		return RECOVERY_PROBE_PRESENT;
	if (!get_pod(step, &pod, error))
		return RECOVERY_PROBE_UNKNOWN;
	why = pod != NULL ? why_waiting(pod) : g_strdup("there is none");
	recovery_progress(step, "%s: nobody listens on 9943; etcd-signer: %s", recovery, why);
	return RECOVERY_PROBE_ABSENT;
}
