/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/freshness.h"

#include <string.h>

#define MANAGER	    "recoveryd"
#define MIRROR_HASH "kubernetes.io/config.hash"

static const char *const names[] = {"true", "false", "stale"};
G_STATIC_ASSERT(G_N_ELEMENTS(names) == RD_FRESH_LAST + 1);

const char *
rd_fresh_to_string(RdFreshVerdict verdict)
{
	return names[verdict];
}

void
rd_fresh_clear(RdFresh *fresh)
{
	g_clear_pointer(&fresh->why, g_free);
}

static void G_GNUC_PRINTF(3, 4) say(RdFresh *fresh, RdFreshVerdict verdict, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_free(fresh->why);
	fresh->why = g_strdup_vprintf(format, args);
	va_end(args);
	fresh->verdict = verdict;
}

/* ---- reading objects; what is missing is NULL, "" or 0 ---- */

static JsonNode *
get(JsonNode *node, const char *key)
{
	if (node == NULL || !JSON_NODE_HOLDS_OBJECT(node))
		return NULL;
	return json_object_get_member(json_node_get_object(node), key);
}

static JsonNode *
at(JsonNode *node, const char *one, const char *two)
{
	return get(get(node, one), two);
}

static const char *
text(JsonNode *node)
{
	return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
		   ? json_node_get_string(node)
		   : "";
}

static guint
length(JsonNode *node)
{
	return node != NULL && JSON_NODE_HOLDS_ARRAY(node)
		   ? json_array_get_length(json_node_get_array(node))
		   : 0;
}

static JsonNode *
element(JsonNode *node, guint i)
{
	return json_array_get_element(json_node_get_array(node), i);
}

static gboolean
is_true(JsonNode *node)
{
	return node != NULL && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
	       json_node_get_boolean(node);
}

static gboolean
whole(JsonNode *node, gint64 *value)
{
	if (node == NULL || json_node_get_value_type(node) != G_TYPE_INT64)
		return FALSE;
	*value = json_node_get_int(node);
	return TRUE;
}

/* seconds with their fraction; 0 when it is no time */
static double
seconds(JsonNode *node)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(text(node), NULL);

	return time == NULL ? 0
			    : g_date_time_to_unix(time) + g_date_time_get_microsecond(time) / 1e6;
}

static const char *
name_of(JsonNode *object)
{
	return text(at(object, "metadata", "name"));
}

static JsonNode *
condition(JsonNode *object, const char *type)
{
	JsonNode *list = at(object, "status", "conditions");

	for (guint i = 0; i < length(list); i++)
		if (g_str_equal(text(get(element(list, i), "type")), type))
			return element(list, i);
	return NULL;
}

/* without a known moment nothing is after it */
static gboolean
after(const RdFreshMoment *moment, double time)
{
	return moment->api_up > 0 && time > moment->api_up;
}

/* ---- leases ---- */

/* When whoever holds @lease was last seen alive, by the API host's clock; 0: never. A time in the
 * future is a clock we know nothing of, and no witness. */
static double
lease_seen(JsonNode *lease, const RdFreshMoment *moment)
{
	double renewed = seconds(at(lease, "spec", "renewTime"));

	if (renewed == 0 || *text(at(lease, "spec", "holderIdentity")) == '\0')
		return 0;
	renewed -= moment->skew;
	return renewed > moment->now + RD_FRESH_LEASE ? 0 : renewed;
}

static gboolean
lease_alive(JsonNode *lease, const RdFreshMoment *moment)
{
	double seen = lease_seen(lease, moment);

	return after(moment, seen - RD_FRESH_SETTLE) && moment->now - seen <= RD_FRESH_LEASE;
}

/* the lease is @node's own: its name, its holder, and of this very Node */
static gboolean
lease_belongs(JsonNode *lease, JsonNode *node)
{
	JsonNode *owners = at(lease, "metadata", "ownerReferences");
	const char *uid = text(at(node, "metadata", "uid"));

	if (!g_str_equal(name_of(lease), name_of(node)) ||
	    !g_str_equal(text(at(lease, "spec", "holderIdentity")), name_of(node)))
		return FALSE;
	for (guint i = 0; i < length(owners); i++)
		if (g_str_equal(text(get(element(owners, i), "kind")), "Node"))
			return g_str_equal(text(get(element(owners, i), "uid")), uid);
	return TRUE;
}

void
rd_fresh_node(JsonNode *node, JsonNode *lease, const RdFreshMoment *moment, RdFresh *fresh)
{
	JsonNode *ready = condition(node, "Ready");
	const char *name = name_of(node);
	double seen = lease_seen(lease, moment);

	if (*text(at(node, "metadata", "deletionTimestamp")) != '\0') {
		say(fresh, RD_FRESH_FALSE, "node %s is being deleted", name);
		return;
	}
	if (!g_str_equal(text(get(ready, "status")), "True")) {
		say(fresh, RD_FRESH_FALSE, "node %s is not Ready: %s", name,
		    ready == NULL ? "it never said so" : text(get(ready, "reason")));
		return;
	}
	if (lease == NULL || !lease_belongs(lease, node)) {
		say(fresh, RD_FRESH_STALE, "node %s says Ready, but has no lease of its own", name);
		return;
	}
	if (!lease_alive(lease, moment)) {
		say(fresh, RD_FRESH_STALE,
		    after(moment, seen) && moment->now - seen <= RD_FRESH_LEASE
			? "node %s says Ready; its kubelet is back, for less than %u s"
			: "node %s says Ready, but its kubelet was not seen since the restore, or "
			  "not for %u s",
		    name,
		    after(moment, seen) && moment->now - seen <= RD_FRESH_LEASE ? RD_FRESH_SETTLE
										: RD_FRESH_LEASE);
		return;
	}
	say(fresh, RD_FRESH_TRUE, "node %s is Ready, its lease renewed %.0f s ago", name,
	    MAX(moment->now - seen, 0));
}

/* ---- conditions ---- */

/* somebody else has written @object's status since api_up. Before 1.22 entries name no
 * subresource, so their fields tell. */
static gboolean
status_written(JsonNode *object, const RdFreshMoment *moment)
{
	JsonNode *entries = at(object, "metadata", "managedFields");

	for (guint i = 0; i < length(entries); i++) {
		JsonNode *entry = element(entries, i);

		if (!g_str_equal(text(get(entry, "manager")), MANAGER) &&
		    at(entry, "fieldsV1", "f:status") != NULL &&
		    after(moment, seconds(get(entry, "time"))))
			return TRUE;
	}
	return FALSE;
}

/* An API server of 1.20 does not note who wrote the status of a custom resource; a condition that
 * changed shows that its operator lives all the same. */
static gboolean
condition_changed(JsonNode *object, const RdFreshMoment *moment)
{
	JsonNode *list = at(object, "status", "conditions");

	for (guint i = 0; i < length(list); i++) {
		double changed =
		    seconds(get(element(list, i), "lastTransitionTime")) - moment->skew;

		if (after(moment, changed) && changed <= moment->now + RD_FRESH_LEASE)
			return TRUE;
	}
	return FALSE;
}

void
rd_fresh_condition(JsonNode *object, const char *type, const char *status, JsonNode *lease,
		   const RdFreshMoment *moment, RdFresh *fresh)
{
	JsonNode *found = condition(object, type);
	double changed = seconds(get(found, "lastTransitionTime")) - moment->skew;
	const char *name = name_of(object);

	if (!g_str_equal(text(get(found, "status")), status)) {
		say(fresh, RD_FRESH_FALSE, "%s: %s is %s, not %s%s%s", name, type,
		    found == NULL ? "not said" : text(get(found, "status")), status,
		    *text(get(found, "message")) == '\0' ? "" : ": ", text(get(found, "message")));
		return;
	}
	if (after(moment, changed) && changed <= moment->now + RD_FRESH_LEASE)
		say(fresh, RD_FRESH_TRUE, "%s: %s became %s since the restore", name, type, status);
	else if (status_written(object, moment) || condition_changed(object, moment))
		say(fresh, RD_FRESH_TRUE, "%s: %s is %s, written since the restore", name, type,
		    status);
	else if (lease != NULL && lease_alive(lease, moment))
		say(fresh, RD_FRESH_TRUE, "%s: %s is %s, and its operator is alive", name, type,
		    status);
	else
		say(fresh, RD_FRESH_STALE,
		    "%s says %s %s, but nobody has written that since the restore", name, type,
		    status);
}

/* ---- pods ---- */

/* FALSE after saying why: what any pod has to be that counts as running */
static gboolean
pod_runs(JsonNode *pod, RdFresh *fresh)
{
	JsonNode *statuses = at(pod, "status", "containerStatuses");
	const char *name = name_of(pod);

	if (*text(at(pod, "metadata", "deletionTimestamp")) != '\0') {
		say(fresh, RD_FRESH_FALSE, "pod %s is terminating", name);
		return FALSE;
	}
	if (!g_str_equal(text(at(pod, "status", "phase")), "Running")) {
		say(fresh, RD_FRESH_FALSE, "pod %s is %s", name, text(at(pod, "status", "phase")));
		return FALSE;
	}
	if (length(statuses) == 0 || length(statuses) < length(at(pod, "spec", "containers"))) {
		say(fresh, RD_FRESH_FALSE, "pod %s has containers without status", name);
		return FALSE;
	}
	for (guint i = 0; i < length(statuses); i++)
		if (!is_true(get(element(statuses, i), "ready"))) {
			say(fresh, RD_FRESH_FALSE, "pod %s: container %s is not ready", name,
			    text(get(element(statuses, i), "name")));
			return FALSE;
		}
	return TRUE;
}

/* the sandbox that runs what the mirror shows; crictl calls the hash the pod's uid */
static gboolean
host_has_sandbox(JsonNode *pods, const char *hash)
{
	JsonNode *items = get(pods, "items");

	for (guint i = 0; i < length(items); i++) {
		JsonNode *item = element(items, i);

		if (g_str_equal(text(get(item, "state")), "SANDBOX_READY") &&
		    (g_str_equal(text(at(item, "annotations", MIRROR_HASH)), hash) ||
		     g_str_equal(text(at(item, "metadata", "uid")), hash)))
			return TRUE;
	}
	return FALSE;
}

static gboolean
host_runs_container(JsonNode *containers, const char *id)
{
	JsonNode *items = get(containers, "containers");

	for (guint i = 0; i < length(items); i++) {
		JsonNode *item = element(items, i);

		if (g_str_equal(text(get(item, "state")), "CONTAINER_RUNNING") &&
		    g_str_equal(text(get(item, "id")), id))
			return TRUE;
	}
	return FALSE;
}

void
rd_fresh_mirror_pod(JsonNode *pod, JsonNode *pods, JsonNode *containers, RdFresh *fresh)
{
	const char *hash = text(get(at(pod, "metadata", "annotations"), MIRROR_HASH));
	JsonNode *statuses = at(pod, "status", "containerStatuses");
	const char *name = name_of(pod);

	if (!pod_runs(pod, fresh))
		return;
	if (*hash == '\0') {
		say(fresh, RD_FRESH_STALE, "pod %s is no mirror: it has no %s", name, MIRROR_HASH);
		return;
	}
	if (!host_has_sandbox(pods, hash)) {
		say(fresh, RD_FRESH_STALE,
		    "pod %s says Running, but its host runs no pod of that content", name);
		return;
	}
	for (guint i = 0; i < length(statuses); i++) {
		/* "cri-o://0123…" */
		const char *id = strstr(text(get(element(statuses, i), "containerID")), "://");

		if (id == NULL || !host_runs_container(containers, id + 3)) {
			say(fresh, RD_FRESH_STALE,
			    "pod %s: its host does not run the container %s that it shows", name,
			    text(get(element(statuses, i), "name")));
			return;
		}
	}
	say(fresh, RD_FRESH_TRUE, "pod %s runs, as its host says too", name);
}

void
rd_fresh_pod(JsonNode *pod, const char *const *before, JsonNode *lease, const RdFreshMoment *moment,
	     RdFresh *fresh)
{
	const char *name = name_of(pod), *uid = text(at(pod, "metadata", "uid"));

	if (*uid == '\0' || (before != NULL && g_strv_contains(before, uid))) {
		say(fresh, RD_FRESH_FALSE, "pod %s is still the one from before", name);
		return;
	}
	if (!pod_runs(pod, fresh))
		return;
	/* the API server's own clock wrote it */
	if (!after(moment, seconds(at(pod, "metadata", "creationTimestamp"))) &&
	    !status_written(pod, moment)) {
		say(fresh, RD_FRESH_STALE,
		    "pod %s says Running, but is from before the restore and was not heard of "
		    "since",
		    name);
		return;
	}
	if (lease == NULL || !g_str_equal(name_of(lease), text(at(pod, "spec", "nodeName"))) ||
	    !lease_alive(lease, moment)) {
		say(fresh, RD_FRESH_STALE, "pod %s says Running, but the kubelet of %s is silent",
		    name, text(at(pod, "spec", "nodeName")));
		return;
	}
	say(fresh, RD_FRESH_TRUE, "pod %s runs", name);
}

/* ---- rollouts ---- */

/* FALSE after saying why */
static gboolean
nodes_at_revision(JsonNode *operator, gint64 latest, guint nodes, RdFresh *fresh)
{
	JsonNode *statuses = at(operator, "status", "nodeStatuses");
	guint there = 0;

	for (guint i = 0; i < length(statuses); i++) {
		gint64 current = 0, target = 0;

		whole(get(element(statuses, i), "currentRevision"), &current);
		whole(get(element(statuses, i), "targetRevision"), &target);
		there += current == latest && target == 0;
	}
	if (there == nodes && length(statuses) == nodes)
		return TRUE;
	say(fresh, RD_FRESH_FALSE, "%u of %u nodes are at revision %" G_GINT64_FORMAT, there, nodes,
	    latest);
	return FALSE;
}

void
rd_fresh_rollout(JsonNode *operator, gint64 recorded, guint nodes, RdFresh *fresh)
{
	JsonNode *progressing = condition(operator, "NodeInstallerProgressing");
	JsonNode *degraded = condition(operator, "NodeInstallerDegraded");
	gint64 latest = 0;

	if (!whole(at(operator, "status", "latestAvailableRevision"), &latest)) {
		say(fresh, RD_FRESH_FALSE, "no revision is available yet");
		return;
	}
	if (latest <= recorded) {
		say(fresh, RD_FRESH_STALE,
		    "the newest revision is %" G_GINT64_FORMAT ", as it was before the rollout was "
		    "asked for",
		    latest);
		return;
	}
	if (!nodes_at_revision(operator, latest, nodes, fresh))
		return;
	if (!g_str_equal(text(get(progressing, "status")), "False") ||
	    !g_str_equal(text(get(progressing, "reason")), "AllNodesAtLatestRevision")) {
		say(fresh, RD_FRESH_FALSE, "NodeInstallerProgressing: %s",
		    text(get(progressing, "message")));
		return;
	}
	if (!g_str_equal(text(get(degraded, "status")), "False")) {
		say(fresh, RD_FRESH_FALSE, "NodeInstallerDegraded: %s",
		    text(get(degraded, "message")));
		return;
	}
	say(fresh, RD_FRESH_TRUE, "%u nodes are at revision %" G_GINT64_FORMAT, nodes, latest);
}

/* ---- the rest ---- */

void
rd_fresh_created(JsonNode *object, double since, RdFresh *fresh)
{
	if (seconds(at(object, "metadata", "creationTimestamp")) > since)
		say(fresh, RD_FRESH_TRUE, "%s was made since", name_of(object));
	else
		say(fresh, RD_FRESH_STALE, "%s is from before", name_of(object));
}

gboolean
rd_fresh_is_newer(const char *resource_version, const char *recorded)
{
	guint64 one = 0, two = 0;

	return g_ascii_string_to_unsigned(resource_version, 10, 1, G_MAXUINT64, &one, NULL) &&
	       g_ascii_string_to_unsigned(recorded, 10, 1, G_MAXUINT64, &two, NULL) && one > two;
}
