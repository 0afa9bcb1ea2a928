/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A lost host is taken out of the API: by its Machine, which takes the Node with it, or where it
 * has none by the Node itself. Exactly the object that a person saw when the gate was opened
 * (INV-25); whether the host is still silent is asked again, immediately before. What was there is
 * in the journal, without status: who makes it anew by hand needs labels, taints and providerSpec.
 */

#include "machine.h"

#define HOOK "EtcdQuorumOperator"

/* ---- what was there ------------------------------------------------------------------------ */

/* the object without what the cluster makes itself. (transfer full) */
static char *
essence(JsonNode *object)
{
	static const char *const made[] = {"managedFields", "resourceVersion", "generation",
					   "creationTimestamp", "ownerReferences"};
	g_autofree char *text = rd_api_json(object);
	g_autoptr(JsonNode) copy = json_from_string(text, NULL);
	JsonNode *meta = rd_api_at(copy, "metadata", NULL);

	json_object_remove_member(json_node_get_object(copy), "status");
	for (guint i = 0; meta != NULL && i < G_N_ELEMENTS(made); i++)
		json_object_remove_member(json_node_get_object(meta), made[i]);
	return rd_api_json(copy);
}

/* the moment behind which whatever comes is new: of the first attempt, before anything was sent */
static gboolean
keep_moment(RecoveryStep *step, GError **error)
{
	const char *first = recovery_recall_first(step, "at");
	g_autofree char *at = NULL;
	RecoveryMoment moment;

	if (first != NULL)
		return recovery_remember(step, "at", first, error);
	if (!rd_api_moment(step, &moment, error))
		return FALSE;
	at = g_strdup_printf("%.3f", moment.now);
	return recovery_remember(step, "at", at, error);
}

/* keeps the object at @path, if it is still the one with the parameter's uid; a visit keeps it
 * once: a later attempt finds it gone */
static gboolean
keep(RecoveryStep *step, const char *path, GError **error)
{
	const char *first = recovery_recall_first(step, "object");
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) object = NULL;
	g_autofree char *text = NULL;

	if (!keep_moment(step, error))
		return FALSE;
	if (first != NULL)
		return recovery_remember(step, "object", first, error);
	object = recovery_api_get(step, path, &local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (object == NULL || !g_str_equal(rd_api_uid(object), recovery_string(step, "uid")))
		return recovery_remember(step, "object", "gone", error);
	text = essence(object);
	return recovery_remember(step, "object", text, error);
}

/* ---- gone ---------------------------------------------------------------------------------- */

/* *gone: there is none at @path, or another one by now; *object: it is still there (nullable) */
static gboolean
is_gone(RecoveryStep *step, const char *path, const char *uid, gboolean *gone, JsonNode **object,
	GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) found = recovery_api_get(step, path, &local);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*gone = found == NULL || (uid != NULL && !g_str_equal(rd_api_uid(found), uid));
	if (object != NULL && !*gone)
		*object = g_steal_pointer(&found);
	return TRUE;
}

/* gone before anybody of this run had looked: then now */
static RecoveryProbe
gone_at(RecoveryStep *step, GError **error)
{
	const char *at = recovery_recall_first(step, "at");
	g_autofree char *now = NULL;
	RecoveryMoment moment;

	if (at == NULL && !rd_api_moment(step, &moment, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (at == NULL)
		at = now = g_strdup_printf("%.3f", moment.now);
	return recovery_output(step, "at", at, error) ? RECOVERY_PROBE_PRESENT
						      : RECOVERY_PROBE_UNKNOWN;
}

static gboolean
delete_it(RecoveryStep *step, const char *path, GError **error)
{
	const RecoveryApiChange change = {.verb = RECOVERY_API_DELETE,
					  .path = path,
					  .uid = recovery_string(step, "uid")};
	const char *node = recovery_string(step, "node");
	g_auto(RdNode) one = {0};
	RecoveryApiEnd end;

	/* a Node that is gone already is no sign of life */
	if (!rd_node_get(step, node, &one, error) || !rd_node_check_lost(step, node, &one, error) ||
	    !recovery_api_change(step, &change, &end, NULL, error))
		return FALSE;
	return end != RECOVERY_API_CONFLICT ||
	       rd_api_refuse(error, "%s is another object by now than the one that was approved",
			     path);
}

/* ---- by its Machine ------------------------------------------------------------------------ */

gboolean
machine_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = machine_path(recovery_string(step, "machine"));

	return keep(step, path, error);
}

/* F42: the etcd operator holds a Machine back while its host is in the member list */
static gboolean
is_hooked(JsonNode *machine)
{
	JsonArray *hooks = rd_api_items(machine, "spec", "lifecycleHooks", "preDrain", NULL);

	for (guint i = 0; i < rd_api_length(hooks); i++)
		if (g_str_equal(rd_api_text(json_array_get_element(hooks, i), "name", NULL), HOOK))
			return TRUE;
	return FALSE;
}

static void
say_why(RecoveryStep *step, JsonNode *machine)
{
	const char *name = recovery_string(step, "machine");

	if (!rd_api_is_terminating(machine))
		recovery_progress(step, "Machine %s is still there", name);
	else if (!is_hooked(machine))
		recovery_progress(step, "Machine %s is being deleted: %s", name,
				  rd_api_text(machine, "status", "phase", NULL));
	else
		recovery_progress(
		    step,
		    "Machine %s waits for its hook " HOOK ": the etcd operator takes it away as "
		    "soon as %s is in no member list ('etcdctl member list' on the recovery host). "
		    "By hand only while two members are healthy, and of one Machine at a time",
		    name, recovery_string(step, "node"));
}

RecoveryProbe
machine_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = machine_path(recovery_string(step, "machine"));
	g_autofree char *node = rd_node_path(recovery_string(step, "node"));
	g_autoptr(JsonNode) machine = NULL;
	gboolean gone = FALSE, node_gone = FALSE;

	if (!is_gone(step, path, recovery_string(step, "uid"), &gone, &machine, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (!gone) {
		say_why(step, machine);
		return RECOVERY_PROBE_ABSENT;
	}
	if (!is_gone(step, node, NULL, &node_gone, NULL, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (node_gone)
		return gone_at(step, error);
	recovery_progress(step, "the Machine is gone, Node %s is still there",
			  recovery_string(step, "node"));
	return RECOVERY_PROBE_ABSENT;
}

gboolean
machine_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *path = machine_path(recovery_string(step, "machine"));

	return delete_it(step, path, error) && recovery_wait(step, machine_probe, error);
}

/* ---- by its Node --------------------------------------------------------------------------- */

gboolean
node_baseline(RecoveryStep *step, GError **error)
{
	g_autofree char *path = rd_node_path(recovery_string(step, "node"));

	return keep(step, path, error);
}

RecoveryProbe
node_probe(RecoveryStep *step, GError **error)
{
	g_autofree char *path = rd_node_path(recovery_string(step, "node"));
	gboolean gone = FALSE;

	if (!is_gone(step, path, recovery_string(step, "uid"), &gone, NULL, error))
		return RECOVERY_PROBE_UNKNOWN;
	return gone ? gone_at(step, error) : RECOVERY_PROBE_ABSENT;
}

gboolean
node_enter(RecoveryStep *step, GError **error)
{
	g_autofree char *path = rd_node_path(recovery_string(step, "node"));

	return delete_it(step, path, error) && recovery_wait(step, node_probe, error);
}
