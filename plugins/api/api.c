/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Kubernetes API itself: is it back, since when, and what it says of the cluster. */

#include "api.h"
#include <string.h>

#define STREAK	 5 /* answers in a row that count as up (P2-19) */
#define MACHINES "/apis/machine.openshift.io/v1beta1/machines"

/* ---- up ---- */

/* Answers in notes, since a body has no other memory between two tries of a wait: "answer-1" is
 * yes or no. A no is only noted behind a yes, so an API that is away for long costs no notes. */
static guint
streak(RecoveryStep *step, guint *count)
{
	guint yes = 0;

	for (*count = 0;; (*count)++) {
		g_autofree char *key = g_strdup_printf("answer-%u", *count + 1);
		const char *answer = recovery_recall(step, key);

		if (answer == NULL)
			return yes;
		yes = g_str_equal(answer, "yes") ? yes + 1 : 0;
	}
}

static gboolean
note_answer(RecoveryStep *step, gboolean yes, GError **error)
{
	guint count = 0, before = streak(step, &count);
	g_autofree char *key = g_strdup_printf("answer-%u", count + 1);

	return (!yes && before == 0) || recovery_remember(step, key, yes ? "yes" : "no", error);
}

/* The moment that divides past and present. Asked for behind the answer, so that it is never
 * before it: what the snapshot holds is older. */
static gboolean
note_since(RecoveryStep *step, GError **error)
{
	g_autofree char *since = NULL;
	RecoveryMoment moment;

	if (recovery_recall(step, "since") != NULL)
		return TRUE;
	/* only its now is wanted: the API is up since nobody knows when */
	if (!recovery_moment(step, "1", &moment, error))
		return FALSE;
	since = g_strdup_printf("%.3f", moment.now);
	return recovery_remember(step, "since", since, error);
}

/* FALSE with error when it did not answer */
static gboolean
is_ready(RecoveryStep *step, GError **error)
{
	g_autofree char *text = recovery_api_text(step, "/readyz", error);

	return text != NULL;
}

/* what keeps a wait from going on, whatever the API does */
static gboolean
is_end(const GError *error)
{
	return error->domain == RECOVERY_ERROR && error->code != RECOVERY_ERROR_FAILED &&
	       error->code != RECOVERY_ERROR_UNREACHABLE;
}

static RecoveryProbe
up_look(RecoveryStep *step, GError **error)
{
	g_autoptr(GError) local = NULL;
	guint count = 0, yes;
	gboolean ready = is_ready(step, &local);

	if (!ready && is_end(local)) {
		g_propagate_error(error, g_steal_pointer(&local));
		return RECOVERY_PROBE_UNKNOWN;
	}
	if ((ready && !note_since(step, error)) || !note_answer(step, ready, error))
		return RECOVERY_PROBE_UNKNOWN;
	yes = streak(step, &count);
	if (yes >= STREAK)
		return RECOVERY_PROBE_PRESENT;
	if (ready)
		recovery_progress(step, "the API answers, %u of %u times in a row", yes, STREAK);
	else
		recovery_progress(step, "the API does not answer yet: %s", local->message);
	return RECOVERY_PROBE_ABSENT;
}

/* "v1.30.4+abc" of /version, "" when it is not said */
static char *
read_version(const char *text)
{
	g_autoptr(JsonNode) node = json_from_string(text, NULL);

	return g_strdup(rd_api_text(node, "gitVersion", NULL));
}

static gboolean
up_outputs(RecoveryStep *step, GError **error)
{
	g_autofree char *text = recovery_api_text(step, "/version", error), *version = NULL;
	gboolean serves = FALSE;

	if (text == NULL || !recovery_api_serves(step, MACHINES, &serves, error))
		return FALSE;
	version = read_version(text);
	return recovery_output(step, "since", recovery_recall(step, "since"), error) &&
	       recovery_output(step, "version", version, error) &&
	       recovery_output(step, "serves-machines", serves ? "yes" : "no", error);
}

/* Never ABSENT once there was an answer: another attempt would forget when it was, and everything
 * that was witnessed between would count as the past. */
static RecoveryProbe
up_probe(RecoveryStep *step, GError **error)
{
	if (recovery_recall(step, "since") == NULL)
		return RECOVERY_PROBE_ABSENT;
	if (!is_ready(step, error)) {
		g_prefix_error(error, "the API answered before, and does not now: ");
		return RECOVERY_PROBE_UNKNOWN;
	}
	return up_outputs(step, error) ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_UNKNOWN;
}

static gboolean
up_enter(RecoveryStep *step, GError **error)
{
	return recovery_wait(step, up_look, error);
}

/* ---- the table ---- */

static const char *const up_outputs_names[] = {"since", "version", "serves-machines", NULL};

static const char *const server_outcomes[] = {"there", "none", NULL};
static const char *const facts_outcomes[] = {"done", "newer", "topology", NULL};
static const char *const facts_outputs[] = {
    "nodes",	 "control-plane",     "workers",  "strangers",	     "unregistered",
    "topology",	 "platform",	      "api-vips", "ingress-vips",    "balancer",
    "network",	 "network-migration", "proxy",	  "version",	     "desired-version",
    "upgrading", "machine-api",	      "machines", "without-machine", NULL};

/* as is_ready and STREAK */
static const char up_by_hand[] =
    "test 5 = \"$(for i in 1 2 3 4 5; do $oc get --raw /readyz >/dev/null && echo up; sleep 1; "
    "done | wc -l)\"";

static const RecoveryState states[] = {
    {
	.name = "up",
	.summary = "the API answers, five times in a row; since when it does",
	.kind = RECOVERY_KIND_CHANGE,
	.outputs = up_outputs_names,
	.timeout = 900,
	.undo_is = RECOVERY_UNDO_NOTHING,
	.probe = up_probe,
	.enter = up_enter,
	.by_hand = up_by_hand,
    },
    {
	.name = "facts",
	.summary = "nodes, topology, VIPs, network, proxy, version and Machines, as the API has "
		   "them",
	.kind = RECOVERY_KIND_QUERY,
	.outcomes = facts_outcomes,
	.outputs = facts_outputs,
	.timeout = 300,
	.enter = api_facts,
    },
    {
	.name = "dead-or-refuse",
	.summary = "the API answers no read any more: this is no cluster that works",
	.kind = RECOVERY_KIND_QUERY,
	.timeout = 40,
	.enter = api_dead,
    },
    {
	.name = "server",
	.summary = "whether the control plane has an API server at all",
	.kind = RECOVERY_KIND_QUERY,
	.outcomes = server_outcomes,
	.timeout = 300,
	.enter = api_server,
    },
    {
	.name = "serving",
	.summary = "the API server of every control-plane host is ready",
	.kind = RECOVERY_KIND_WAIT,
	.timeout = 900,
	.probe = api_serving_probe,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "api", .summary = "the Kubernetes API", .states = states);
