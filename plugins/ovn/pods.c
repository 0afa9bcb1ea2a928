/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pods that are replaced: deleted by the uid that was noted before (INV-25), until others are Ready
 * in their place. Which these were stands in the notes of the first attempt: a later one finds
 * their successors, which must not be deleted as well.
 *
 * A pod that does not end is no failure of the step but a fork in the road: outcome `terminating`.
 * That is said only a minute after its time was over, counted from our own delete; a pod that the
 * snapshot shows Terminating has had no kubelet since. */

#include "../common/nodes.h"
#include "ovn.h"
#include <string.h>

#define PODS	   "/api/v1/namespaces/" OVN_NAMESPACE "/pods"
#define DEPLOYMENT "/apis/apps/v1/namespaces/" OVN_NAMESPACE "/deployments/"
#define LEASES	   "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"
#define STUCK	   60 /* seconds beyond the time to end (F46) */

/* ---- what was noted ------------------------------------------------------------------------ */

/* "NAME=UID NAME=UID"; with @terminating only those that are told to end already */
static char *
pods_to_note(JsonArray *pods, gboolean terminating)
{
	GString *note = g_string_new(NULL);

	for (guint i = 0; i < rd_api_length(pods); i++) {
		JsonNode *pod = json_array_get_element(pods, i);

		if (!terminating || rd_api_is_terminating(pod))
			g_string_append_printf(note, "%s%s=%s", note->len > 0 ? " " : "",
					       rd_api_name(pod), rd_api_uid(pod));
	}
	return g_string_free(note, FALSE);
}

/* the names of a note, and in *uids the uids of the same places. (transfer full) */
static char **
note_to_pods(const char *note, char ***uids)
{
	g_auto(GStrv) words = g_strsplit(note, " ", -1);
	g_autoptr(GPtrArray) names = g_ptr_array_new(), ids = g_ptr_array_new();

	for (guint i = 0; words[i] != NULL; i++) {
		char *equals = strchr(words[i], '=');

		if (equals == NULL)
			continue;
		g_ptr_array_add(names, g_strndup(words[i], equals - words[i]));
		g_ptr_array_add(ids, g_strdup(equals + 1));
	}
	g_ptr_array_add(names, NULL);
	g_ptr_array_add(ids, NULL);
	*uids = (char **)g_ptr_array_steal(ids, NULL);
	return (char **)g_ptr_array_steal(names, NULL);
}

static gboolean
note_pods(RecoveryStep *step, const char *path, gboolean terminating, GError **error)
{
	const char *first = recovery_recall_first(step, "pods");
	g_autoptr(JsonArray) pods = NULL;
	g_autofree char *note = NULL;

	if (first != NULL)
		return recovery_remember(step, "pods", first, error);
	pods = recovery_api_list(step, path, error);
	if (pods == NULL)
		return FALSE;
	note = pods_to_note(pods, terminating);
	return recovery_remember(step, "pods", note, error);
}

/* each of them by its uid: one that has gone, or is another by now, is as good as deleted */
static gboolean
delete_noted(RecoveryStep *step, gboolean now, GError **error)
{
	g_auto(GStrv) uids = NULL;
	g_auto(GStrv) names = note_to_pods(recovery_recall(step, "pods"), &uids);

	for (guint i = 0; names[i] != NULL; i++) {
		g_autofree char *name = rd_api_escape(names[i]);
		g_autofree char *path = g_strdup_printf(PODS "/%s", name);
		const RecoveryApiChange change = {.verb = RECOVERY_API_DELETE,
						  .path = path,
						  .uid = uids[i],
						  .now = now};
		RecoveryApiEnd end = RECOVERY_API_DONE;

		if (!recovery_api_change(step, &change, &end, NULL, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- looking ------------------------------------------------------------------------------- */

/* the lease of @node in *lease, NULL when it has none; so it is where a pod has no node yet */
static gboolean
get_lease(RecoveryStep *step, const char *node, JsonNode **lease, GError **error)
{
	g_autofree char *name = rd_api_escape(node);
	g_autofree char *path = g_strdup_printf(LEASES "%s", name);
	g_autoptr(GError) local = NULL;

	*lease = *node != '\0' ? recovery_api_get(step, path, &local) : NULL;
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* when our delete was answered, in seconds; 0: not in this attempt */
static double
deleted_at(RecoveryStep *step)
{
	const char *note = recovery_recall(step, "deleted");

	return note == NULL ? 0 : g_ascii_strtod(note, NULL);
}

static gboolean
note_deleted(RecoveryStep *step, GError **error)
{
	RecoveryMoment moment = {0};
	g_autofree char *now = NULL;

	if (deleted_at(step) != 0)
		return TRUE;
	if (!rd_api_moment(step, &moment, error))
		return FALSE;
	now = g_strdup_printf("%.3f", moment.now);
	return recovery_remember(step, "deleted", now, error);
}

/* what the pods come to, compared with those noted */
typedef struct {
	RecoveryMoment moment;
	guint old, silent; /* of those noted: still there; told to end, on a host that is dead */
	guint ready;	   /* others, Ready, witnessed */
	gboolean stuck;
	char *why; /* (owned) (nullable) what is missing */
} Round;

static void
round_clear(Round *round)
{
	g_clear_pointer(&round->why, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Round, round_clear)

static void
look_at_old(RecoveryStep *step, Round *round, JsonNode *pod, JsonNode *lease)
{
	double end = rd_api_time(pod, "metadata", "deletionTimestamp", NULL);
	double deleted = deleted_at(step);
	gboolean alive = rd_node_is_alive(lease, &round->moment);

	round->old++;
	if (end != 0 && !alive)
		round->silent++;
	if (end != 0 && alive && deleted != 0 && round->moment.now > MAX(end, deleted) + STUCK)
		round->stuck = TRUE;
	g_free(round->why);
	round->why =
	    g_strdup_printf("pod %s is %s%s", rd_api_name(pod),
			    end != 0 ? "told to end and still there" : "the old one",
			    end != 0 && !alive ? ", the kubelet of its node is silent" : "");
}

static gboolean
look_at_pod(RecoveryStep *step, Round *round, JsonNode *pod, const char *const *before,
	    GError **error)
{
	g_autofree char *why = NULL;
	g_autoptr(JsonNode) lease = NULL;

	if (!get_lease(step, rd_api_text(pod, "spec", "nodeName", NULL), &lease, error))
		return FALSE;
	if (g_strv_contains(before, rd_api_uid(pod)))
		look_at_old(step, round, pod, lease);
	else if (recovery_fresh_pod(&round->moment, pod, before, lease, &why) ==
		 RECOVERY_FRESH_TRUE)
		round->ready++;
	else if (round->why == NULL)
		round->why = g_steal_pointer(&why);
	return TRUE;
}

static gboolean
look_at_all(RecoveryStep *step, const char *path, Round *round, GError **error)
{
	g_auto(GStrv) before = NULL;
	g_auto(GStrv) names = note_to_pods(recovery_recall(step, "pods"), &before);
	g_autoptr(JsonArray) pods = recovery_api_list(step, path, error);

	if (pods == NULL || !rd_api_moment(step, &round->moment, error))
		return FALSE;
	for (guint i = 0; i < rd_api_length(pods); i++)
		if (!look_at_pod(step, round, json_array_get_element(pods, i),
				 (const char *const *)before, error))
			return FALSE;
	return TRUE;
}

/* ---- control-plane-pods -------------------------------------------------------------------- */

static char *
control_plane_path(RecoveryStep *step)
{
	g_autofree char *app = rd_api_escape(recovery_string(step, "app"));

	return g_strdup_printf(PODS "?labelSelector=app%%3D%s", app);
}

gboolean
control_plane_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = control_plane_path(step);

	return note_pods(step, path, FALSE, error);
}

/* how many there have to be: what the Deployment wants; of a DaemonSet one on each host */
static gboolean
get_wanted(RecoveryStep *step, guint *wanted, GError **error)
{
	g_auto(GStrv) hosts = recovery_hosts(step, "control-plane");
	g_autofree char *app = rd_api_escape(recovery_string(step, "app"));
	g_autofree char *path = g_strdup_printf(DEPLOYMENT "%s", app);
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) object = recovery_api_get(step, path, &local);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*wanted = object == NULL ? g_strv_length(hosts)
				 : (guint)MAX(rd_api_int(object, 1, "spec", "replicas", NULL), 1);
	return TRUE;
}

RecoveryProbe
control_plane_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = control_plane_path(step);
	g_auto(Round) round = {0};
	guint wanted = 0;

	if (recovery_recall(step, "pods") == NULL)
		return RECOVERY_PROBE_ABSENT;
	if (!get_wanted(step, &wanted, error) || !look_at_all(step, path, &round, error))
		return RECOVERY_PROBE_UNKNOWN;
	/* who is told to end on a dead host stays until its Node goes, and harms nobody */
	if (round.old == round.silent && round.ready >= wanted)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "%u of %u pods %s are new and ready: %s", round.ready, wanted,
			  recovery_string(step, "app"),
			  round.why != NULL ? round.why : "the others are still to be made");
	return RECOVERY_PROBE_ABSENT;
}

gboolean
control_plane_enter(RecoveryStep *step, GError **error)
{
	return delete_noted(step, FALSE, error) && recovery_wait(step, control_plane_probe, error);
}

/* ---- pod and force-pod --------------------------------------------------------------------- */

static char *
pod_path(RecoveryStep *step)
{
	g_autofree char *node = rd_api_escape(recovery_string(step, "node"));

	return g_strdup_printf(PODS "?labelSelector=app%%3Dovnkube-node"
				    "&fieldSelector=spec.nodeName%%3D%s",
			       node);
}

/* Not behind is a host whose pod was made since the restore and is Ready. @since of 1: nobody knows
 * when that was, so all are. */
gboolean
behind_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *path = pod_path(step);
	g_autoptr(JsonArray) pods = recovery_api_list(step, path, error);
	gboolean behind = TRUE;
	RecoveryMoment moment;

	if (pods == NULL || !rd_api_moment(step, &moment, error))
		return FALSE;
	for (guint i = 0; i < rd_api_length(pods) && moment.since > 1; i++) {
		JsonNode *pod = json_array_get_element(pods, i);
		g_autoptr(JsonNode) lease = NULL;
		g_autofree char *made = NULL, *ready = NULL;

		if (!get_lease(step, rd_api_text(pod, "spec", "nodeName", NULL), &lease, error))
			return FALSE;
		if (recovery_fresh_created(pod, moment.since, &made) == RECOVERY_FRESH_TRUE &&
		    recovery_fresh_pod(&moment, pod, NULL, lease, &ready) == RECOVERY_FRESH_TRUE)
			behind = FALSE;
	}
	return recovery_output(step, "behind", behind ? "yes" : "no", error);
}

gboolean
pod_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = pod_path(step);

	return note_pods(step, path, FALSE, error);
}

gboolean
force_pod_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = pod_path(step);

	return note_pods(step, path, TRUE, error);
}

/* PRESENT also where it does not end: *stuck is set then */
static RecoveryProbe
look_at_node_pod(RecoveryStep *step, gboolean *stuck, GError **error)
{
	g_autofree char *path = pod_path(step);
	g_auto(Round) round = {0};

	*stuck = FALSE;
	if (recovery_recall(step, "pods") == NULL)
		return RECOVERY_PROBE_ABSENT;
	if (!look_at_all(step, path, &round, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (round.old == 0 && round.ready > 0)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step, "ovnkube-node on %s: %s", recovery_string(step, "node"),
			  round.why != NULL ? round.why : "its pod is still to be made");
	*stuck = round.stuck;
	return *stuck ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
pod_probe(RecoveryStep *step, GError **error)
{
	gboolean stuck = FALSE;
	RecoveryProbe probe = look_at_node_pod(step, &stuck, error);

	if (probe != RECOVERY_PROBE_PRESENT)
		return probe;
	recovery_outcome(step, stuck ? "terminating" : "done");
	return recovery_output(step, "terminating", stuck ? "yes" : "no", error)
		   ? probe
		   : RECOVERY_PROBE_UNKNOWN;
}

/* no harder way is left but to delete the Node, which is a person's decision */
RecoveryProbe
force_pod_probe(RecoveryStep *step, GError **error)
{
	gboolean stuck = FALSE;
	RecoveryProbe probe = look_at_node_pod(step, &stuck, error);
	const char *node = recovery_string(step, "node");

	if (!stuck)
		return probe;
	rd_api_refuse(
	    error,
	    "ovnkube-node on %s does not end, not even by force: save and delete Node %s, "
	    "move /var/lib/kubelet/pki/* aside there, restart its kubelet, then resume",
	    node, node);
	return RECOVERY_PROBE_UNKNOWN;
}

static gboolean
replace_pod(RecoveryStep *step, gboolean now, GError **error)
{
	return delete_noted(step, now, error) && note_deleted(step, error) &&
	       recovery_wait(step, now ? force_pod_probe : pod_probe, error);
}

gboolean
pod_enter(RecoveryStep *step, GError **error)
{
	return replace_pod(step, FALSE, error);
}

gboolean
force_pod_enter(RecoveryStep *step, GError **error)
{
	return replace_pod(step, TRUE, error);
}
