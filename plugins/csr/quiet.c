/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Nobody asks for certificates any more, and all nodes are Ready (P2-22). After a purge the serving
 * request comes a minute or two behind the client's, so it has to stay quiet for a while. */

#include "csr.h"
#include <string.h>

#define ISSUE_TIME 120 /* seconds; longer, and kube-controller-manager does not sign (F38) */

/* when it was approved, by whomever; 0: it was not */
static double
approved_at(JsonNode *request)
{
	JsonNode *condition = rd_api_condition(request, "Approved");
	double time = rd_api_time(condition, "lastUpdateTime", NULL);

	if (condition == NULL)
		return 0;
	return time > 0 ? time : rd_api_time(request, "metadata", "creationTimestamp", NULL);
}

/* TRUE when what was approved since the restore is issued, too; the rest is of the past */
static gboolean
all_issued(RecoveryStep *step, JsonArray *requests, const RecoveryMoment *moment)
{
	for (guint i = 0; i < rd_api_length(requests); i++) {
		JsonNode *request = json_array_get_element(requests, i);
		double at = approved_at(request);

		if (!csr_is_ours(request) || at <= moment->since ||
		    *rd_api_text(request, "status", "certificate", NULL) != '\0')
			continue;
		recovery_progress(step, "%s is approved, not issued for %.0f s%s",
				  rd_api_name(request), MAX(moment->now - at, 0),
				  moment->now - at > ISSUE_TIME
				      ? ": look at kube-controller-manager, which signs"
				      : "");
		return FALSE;
	}
	return TRUE;
}

/* TRUE when nothing was approved for long enough, counted from the restore at the earliest */
static gboolean
long_enough(RecoveryStep *step, JsonArray *requests, const RecoveryMoment *moment)
{
	gint64 wanted = recovery_int(step, "quiet");
	double last = moment->since;

	for (guint i = 0; i < rd_api_length(requests); i++) {
		JsonNode *request = json_array_get_element(requests, i);

		if (csr_is_ours(request))
			last = MAX(last, approved_at(request));
	}
	if (moment->now - last >= wanted)
		return TRUE;
	recovery_progress(step, "no certificate request for %.0f of %" G_GINT64_FORMAT " s",
			  MAX(moment->now - last, 0), wanted);
	return FALSE;
}

/* FALSE with error; *waits: one is approved soon. Names of those that nobody may approve go to
 * @refused */
static gboolean
judge(RecoveryStep *step, JsonArray *requests, const RecoveryMoment *moment, gboolean *waits,
      GString *refused, GError **error)
{
	g_autoptr(GPtrArray) verdicts = NULL;
	gboolean pending = FALSE;

	for (guint i = 0; i < rd_api_length(requests) && !pending; i++)
		pending = csr_is_pending(json_array_get_element(requests, i));
	if (!pending)
		return TRUE;
	verdicts = csr_judge(step, requests, moment, error);
	if (verdicts == NULL)
		return FALSE;
	for (guint i = 0; i < verdicts->len; i++) {
		const RdCsrVerdict *verdict = verdicts->pdata[i];

		*waits |= verdict->kind == RD_CSR_APPROVE;
		if (verdict->kind == RD_CSR_REFUSE)
			g_string_append_printf(
			    refused, "%s%s(%s %s)", refused->len > 0 ? ", " : "", verdict->name,
			    verdict->node != NULL ? verdict->node : "?", verdict->rule);
	}
	if (*waits)
		recovery_progress(step, "a certificate request waits to be approved");
	return TRUE;
}

static gboolean
nodes_ready(RecoveryStep *step, gboolean *ready, GError **error)
{
	g_auto(GStrv) control = recovery_hosts(step, "control-plane");
	g_auto(GStrv) workers = recovery_hosts(step, "workers");
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *why = NULL;

	for (guint i = 0; control[i] != NULL; i++)
		g_ptr_array_add(names, control[i]);
	for (guint i = 0; workers[i] != NULL && recovery_bool(step, "workers"); i++)
		g_ptr_array_add(names, workers[i]);
	g_ptr_array_add(names, NULL);
	if (!rd_nodes_ready(step, (const char *const *)names->pdata, ready, &why, error))
		return FALSE;
	recovery_progress(step, "%s", why);
	return TRUE;
}

RecoveryProbe
csr_quiet_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = csr_path(step, error);
	g_autoptr(JsonArray) requests = path != NULL ? recovery_api_list(step, path, error) : NULL;
	g_autoptr(GString) refused = g_string_new(NULL);
	gboolean waits = FALSE, ready = FALSE;
	RecoveryMoment moment;

	if (requests == NULL || !rd_api_moment(step, &moment, error) ||
	    !judge(step, requests, &moment, &waits, refused, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (waits || !all_issued(step, requests, &moment) || !long_enough(step, requests, &moment))
		return RECOVERY_PROBE_ABSENT;
	if (!nodes_ready(step, &ready, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!ready)
		return RECOVERY_PROBE_ABSENT;
	if (refused->len > 0)
		recovery_outcome(step, "refused");
	return recovery_output(step, "refused", refused->str, error) ? RECOVERY_PROBE_PRESENT
								     : RECOVERY_PROBE_UNKNOWN;
}
