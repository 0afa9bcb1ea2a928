/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All operators are stable, and stay so (domain 2.10): what `oc adm wait-for-stable-cluster` does,
 * without what fools it. There an empty list is stable, and so is what the snapshot's past says.
 *
 * Fresh is an operator that has written its status, or changed a condition, since the API is back;
 * one that holds its leader election; or, as many have none and nothing to write, one whose pod was
 * made since. Witnessed once is enough for the attempt: what is written from then on is of today.
 *
 * Who was unstable in the backup already may stay so without anything being wrong with the
 * recovery; but whether it may is a person's to say (F59). Such an operator neither stops the clock
 * nor is it accepted: when the others have been stable for the period it is an outcome of its own.
 *
 * Nor does one stop it that waits for a node which this run goes without (left.c): nobody has to
 * say so a second time, and the run ends with leftovers.
 *
 * A probe keeps nothing, so the clock is in the notes: "stable-N" is when it started, "broken-N"
 * what stopped it. */

#include "operator.h"

#define CLUSTER_OPERATORS "/apis/config.openshift.io/v1/clusteroperators"
#define LEASES		  "/apis/coordination.k8s.io/v1/leases"
#define NODE_LEASES	  "kube-node-lease"
#define SHOWN		  3 /* names on the line */

static const struct {
	const char *type, *status;
} wanted[] = {{"Available", "True"}, {"Progressing", "False"}, {"Degraded", "False"}};

/* ---- known --------------------------------------------------------------------------------- */

static gboolean
is_stable(JsonNode *object)
{
	for (guint i = 0; i < G_N_ELEMENTS(wanted); i++)
		if (!g_str_equal(rd_api_condition_status(object, wanted[i].type), wanted[i].status))
			return FALSE;
	return TRUE;
}

/* asked right after the API is back it is the snapshot's past, which is what is wanted here */
gboolean
known_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonArray) list = recovery_api_list(step, CLUSTER_OPERATORS, error);
	g_autoptr(GString) names = g_string_new(NULL), unstable = g_string_new(NULL);

	if (list == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(list); i++) {
		JsonNode *object = json_array_get_element(list, i);

		g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "",
				       rd_api_name(object));
		if (!is_stable(object))
			g_string_append_printf(unstable, "%s%s", unstable->len > 0 ? " " : "",
					       rd_api_name(object));
	}
	if (names->len == 0) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "the API lists no ClusterOperator at all; a cluster has about "
				    "thirty");
		return FALSE;
	}
	return recovery_output(step, "names", names->str, error) &&
	       recovery_output(step, "unstable", unstable->str, error);
}

/* ---- witnesses ----------------------------------------------------------------------------- */

typedef struct {
	JsonArray *operators;
	JsonArray *leases; /* (nullable) asked for when the first operator needs one */
	RdLeft left;
	RecoveryMoment moment;
} Cluster;

static void
cluster_clear(Cluster *cluster)
{
	g_clear_pointer(&cluster->operators, json_array_unref);
	g_clear_pointer(&cluster->leases, json_array_unref);
	left_clear(&cluster->left);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Cluster, cluster_clear)

static gboolean
uses_namespace(JsonNode *object, const char *namespace)
{
	JsonArray *related = rd_api_items(object, "status", "relatedObjects", NULL);

	for (guint i = 0; i < rd_api_length(related); i++) {
		JsonNode *one = json_array_get_element(related, i);

		if (g_str_equal(rd_api_text(one, "resource", NULL), "namespaces") &&
		    g_str_equal(rd_api_text(one, "name", NULL), namespace))
			return TRUE;
	}
	return FALSE;
}

/* what lives in @namespace is this operator's own: it is no other's, and called an operator's. In
 * openshift-etcd only what it operates lives, in openshift-machine-api four operators do. */
static gboolean
owns_namespace(const Cluster *cluster, JsonNode *object, const char *namespace)
{
	guint users = 0;

	if (strstr(namespace, "operator") == NULL || !uses_namespace(object, namespace))
		return FALSE;
	for (guint i = 0; i < rd_api_length(cluster->operators); i++)
		users += uses_namespace(json_array_get_element(cluster->operators, i), namespace);
	return users == 1;
}

static gboolean
is_leader_of(const Cluster *cluster, JsonNode *lease, JsonNode *object)
{
	const char *namespace = rd_api_text(lease, "metadata", "namespace", NULL);
	const char *name = rd_api_name(lease);

	if (g_str_equal(namespace, NODE_LEASES))
		return FALSE;
	return owns_namespace(cluster, object, namespace) ||
	       (uses_namespace(object, namespace) && strstr(name, "operator") != NULL &&
		strstr(name, rd_api_name(object)) != NULL);
}

#define ALL	  G_N_ELEMENTS(wanted)
#define AVAILABLE 1 /* the first of them alone */

/* the first @n of the conditions, the worst of their verdicts */
static RecoveryFresh
judge(const Cluster *cluster, JsonNode *object, JsonNode *lease, guint n, char **why)
{
	RecoveryFresh worst = RECOVERY_FRESH_TRUE;

	for (guint i = 0; i < n; i++) {
		g_autofree char *text = NULL;
		RecoveryFresh fresh = recovery_fresh_condition(
		    &cluster->moment, object, wanted[i].type, wanted[i].status, lease, &text);

		if (fresh == RECOVERY_FRESH_TRUE || worst == RECOVERY_FRESH_FALSE)
			continue;
		worst = fresh;
		g_free(*why);
		*why = g_steal_pointer(&text);
	}
	return worst;
}

/* the lease of the node that @pod is on. (nullable) (unowned) */
static JsonNode *
node_lease(const Cluster *cluster, JsonNode *pod)
{
	const char *node = rd_api_text(pod, "spec", "nodeName", NULL);

	for (guint i = 0; i < rd_api_length(cluster->leases); i++) {
		JsonNode *lease = json_array_get_element(cluster->leases, i);

		if (g_str_equal(rd_api_text(lease, "metadata", "namespace", NULL), NODE_LEASES) &&
		    g_str_equal(rd_api_name(lease), node))
			return lease;
	}
	return NULL;
}

static gboolean
pods_witness(RecoveryStep *step, const Cluster *cluster, const char *namespace, gboolean *witnessed,
	     GError **error)
{
	g_autofree char *escaped = rd_api_escape(namespace);
	g_autofree char *path = g_strdup_printf("/api/v1/namespaces/%s/pods", escaped);
	g_autoptr(JsonArray) pods = recovery_api_list(step, path, error);

	if (pods == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(pods) && !*witnessed; i++) {
		JsonNode *pod = json_array_get_element(pods, i);
		g_autofree char *why = NULL;

		*witnessed =
		    recovery_fresh_pod(&cluster->moment, pod, NULL, node_lease(cluster, pod),
				       &why) == RECOVERY_FRESH_TRUE;
	}
	return TRUE;
}

/* a second witness for who says that all is well, or the first @n of it, and has not written it
 * since */
static gboolean
find_witness(RecoveryStep *step, Cluster *cluster, JsonNode *object, guint n, gboolean *witnessed,
	     GError **error)
{
	JsonArray *related = rd_api_items(object, "status", "relatedObjects", NULL);

	if (cluster->leases == NULL)
		cluster->leases = recovery_api_list(step, LEASES, error);
	if (cluster->leases == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(cluster->leases); i++) {
		JsonNode *lease = json_array_get_element(cluster->leases, i);
		g_autofree char *why = NULL;

		if (is_leader_of(cluster, lease, object) &&
		    judge(cluster, object, lease, n, &why) == RECOVERY_FRESH_TRUE) {
			*witnessed = TRUE;
			return TRUE;
		}
	}
	for (guint i = 0; i < rd_api_length(related) && !*witnessed; i++) {
		JsonNode *one = json_array_get_element(related, i);
		const char *namespace = rd_api_text(one, "name", NULL);

		if (g_str_equal(rd_api_text(one, "resource", NULL), "namespaces") &&
		    owns_namespace(cluster, object, namespace) &&
		    !pods_witness(step, cluster, namespace, witnessed, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- the clock ----------------------------------------------------------------------------- */

static char *
clock_key(const char *word, guint n)
{
	return g_strdup_printf("%s-%u", word, n);
}

/* when the running clock started, or NULL; *n is its number */
static const char *
clock_find(RecoveryStep *step, guint *n)
{
	g_autofree char *started = NULL;

	for (*n = 1;; ++*n) {
		g_autofree char *broken = clock_key("broken", *n);

		if (recovery_recall(step, broken) == NULL)
			break;
	}
	started = clock_key("stable", *n);
	return recovery_recall(step, started);
}

static gboolean
clock_break(RecoveryStep *step, const char *why, GError **error)
{
	guint n = 0;
	g_autofree char *key = NULL;

	if (clock_find(step, &n) == NULL)
		return TRUE;
	key = clock_key("broken", n);
	return recovery_remember(step, key, why, error);
}

/* *stable_s: for how long by now */
static gboolean
clock_run(RecoveryStep *step, double now, double *stable_s, GError **error)
{
	guint n = 0;
	const char *started = clock_find(step, &n);
	g_autofree char *key = NULL, *value = NULL;

	*stable_s = started == NULL ? 0 : now - g_ascii_strtod(started, NULL);
	/* the host's clock was put back: what was measured with it is worth nothing */
	if (*stable_s < 0)
		return clock_break(step, "the recovery host's clock went back", error);
	if (started != NULL)
		return TRUE;
	key = clock_key("stable", n);
	value = g_strdup_printf("%.3f", now);
	return recovery_remember(step, key, value, error);
}

/* ---- stable -------------------------------------------------------------------------------- */

typedef struct {
	GString *line; /* what is missing, the first of them by name */
	guint missing;
	GString *before; /* operators that are not stable, and were not in the backup */
	GString *left;	 /* operators that wait for a node that the run goes without */
} Findings;

static void G_GNUC_PRINTF(2, 3) finding(Findings *findings, const char *format, ...)
{
	va_list args;

	if (++findings->missing > SHOWN)
		return;
	if (findings->line->len > 0)
		g_string_append(findings->line, "; ");
	va_start(args, format);
	g_string_append_vprintf(findings->line, format, args);
	va_end(args);
}

static void
append_name(GString *names, JsonNode *object)
{
	g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", rd_api_name(object));
}

/* @names: with spaces between */
static gboolean
is_among(const char *names, const char *name)
{
	g_auto(GStrv) all = g_strsplit(names, " ", -1);

	return g_strv_contains((const char *const *)all, name);
}

/* Whether somebody speaks for @object today, asked once in an attempt; a finding if not. */
static gboolean
check_witness(RecoveryStep *step, Cluster *cluster, JsonNode *object, guint n, gboolean *witnessed,
	      Findings *findings, GError **error)
{
	g_autofree char *key = g_strdup_printf("witnessed-%s", rd_api_name(object));
	g_autofree char *why = NULL;

	*witnessed = TRUE;
	if (recovery_recall(step, key) != NULL)
		return TRUE;
	*witnessed = judge(cluster, object, NULL, n, &why) == RECOVERY_FRESH_TRUE;
	if (!*witnessed && !find_witness(step, cluster, object, n, witnessed, error))
		return FALSE;
	if (*witnessed)
		return recovery_remember(step, key, "yes", error);
	finding(findings,
		"%s (if its operator runs, delete the operator's pod: the new one is a "
		"witness)",
		why);
	return TRUE;
}

/* @object is not stable, for @why */
static gboolean
check_unstable(RecoveryStep *step, Cluster *cluster, JsonNode *object, const char *why,
	       Findings *findings, GError **error)
{
	gboolean explains = FALSE, witnessed = TRUE;

	if (!left_explains(step, &cluster->left, object, &explains, error))
		return FALSE;
	/* that it waits for a node may be of the past, too, and who said so be dead since */
	if (explains &&
	    !check_witness(step, cluster, object, AVAILABLE, &witnessed, findings, error))
		return FALSE;
	if (explains && witnessed)
		append_name(findings->left, object);
	else if (!explains && is_among(recovery_string(step, "before"), rd_api_name(object)))
		append_name(findings->before, object);
	else if (!explains)
		finding(findings, "%s", why);
	return TRUE;
}

static gboolean
check_operator(RecoveryStep *step, Cluster *cluster, JsonNode *object, Findings *findings,
	       GError **error)
{
	g_autofree char *why = NULL;
	gboolean witnessed;

	if (judge(cluster, object, NULL, ALL, &why) == RECOVERY_FRESH_FALSE)
		return check_unstable(step, cluster, object, why, findings, error);
	return check_witness(step, cluster, object, ALL, &witnessed, findings, error);
}

static gboolean
check_all(RecoveryStep *step, Cluster *cluster, Findings *findings, GError **error)
{
	g_auto(GStrv) known = g_strsplit(recovery_string(step, "known"), " ", -1);

	if (rd_api_length(cluster->operators) == 0)
		finding(findings, "the list of operators is empty");
	for (guint i = 0; known[i] != NULL; i++)
		if (*known[i] != '\0' && rd_api_find(cluster->operators, known[i]) == NULL)
			finding(findings, "%s is not there", known[i]);
	for (guint i = 0; i < rd_api_length(cluster->operators); i++) {
		JsonNode *object = json_array_get_element(cluster->operators, i);

		if (!is_among(recovery_string(step, "accept"), rd_api_name(object)) &&
		    !check_operator(step, cluster, object, findings, error))
			return FALSE;
	}
	return TRUE;
}

static char *
join(GPtrArray *names)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (char *)names->pdata[i]);
	return g_string_free(text, FALSE);
}

static RecoveryProbe
conclude(RecoveryStep *step, const Cluster *cluster, const Findings *findings, GError **error)
{
	gint64 period = recovery_int(step, "period");
	double stable_s = 0;
	g_autofree char *nodes = NULL;

	if (findings->missing > 0) {
		if (cluster->left.awaited != NULL && cluster->left.awaited->len > 0)
			nodes = join(cluster->left.awaited);
		recovery_progress(step, "%u operators, of these not stable: %s%s%s%s",
				  rd_api_length(cluster->operators), findings->line->str,
				  findings->missing > SHOWN ? "; …" : "",
				  nodes != NULL ? "; nodes that are not Ready: " : "",
				  nodes != NULL ? nodes : "");
		return clock_break(step, findings->line->str, error) ? RECOVERY_PROBE_ABSENT
								     : RECOVERY_PROBE_UNKNOWN;
	}
	if (!clock_run(step, cluster->moment.now, &stable_s, error))
		return RECOVERY_PROBE_UNKNOWN;
	if (findings->left->len > 0)
		nodes = join(cluster->left.nodes);
	recovery_progress(
	    step,
	    "all %u operators%s%s are stable, for %.0f s of %" G_GINT64_FORMAT
	    " s by now%s%s%s%s%s%s",
	    rd_api_length(cluster->operators),
	    findings->before->len > 0 ? " but those that were not in the backup either, " : "",
	    findings->before->str, MAX(stable_s, 0), period,
	    *recovery_string(step, "accept") != '\0' ? "; accepted as they are: " : "",
	    recovery_string(step, "accept"), nodes != NULL ? "; lacking only pods on " : "",
	    nodes != NULL ? nodes : "", nodes != NULL ? ", which this run goes without: " : "",
	    findings->left->str);
	if (stable_s <= period) {
		recovery_due(step, (guint)((period - MAX(stable_s, 0)) * 1000) + 10);
		return RECOVERY_PROBE_ABSENT;
	}
	recovery_outcome(step, findings->before->len > 0 ? "unstable-before" : "stable");
	return recovery_output(step, "unstable", findings->before->str, error)
		   ? RECOVERY_PROBE_PRESENT
		   : RECOVERY_PROBE_UNKNOWN;
}

RecoveryProbe
stable_probe(RecoveryStep *step, GError **error)
{
	g_auto(Cluster) cluster = {0};
	g_autoptr(GString) line = g_string_new(NULL), before = g_string_new(NULL);
	g_autoptr(GString) left = g_string_new(NULL);
	g_autoptr(GError) local = NULL;
	Findings findings = {.line = line, .before = before, .left = left};

	cluster.operators = recovery_api_list(step, CLUSTER_OPERATORS, &local);
	if (cluster.operators != NULL && rd_api_moment(step, &cluster.moment, &local) &&
	    check_all(step, &cluster, &findings, &local))
		return conclude(step, &cluster, &findings, error);
	/* what was not seen cannot have been stable */
	if (clock_break(step, local->message, error))
		g_propagate_error(error, g_steal_pointer(&local));
	return RECOVERY_PROBE_UNKNOWN;
}
