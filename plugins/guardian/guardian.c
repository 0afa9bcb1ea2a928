/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A restored snapshot acts at once: health checks delete the machines of nodes that are silent,
 * and hosts are deprovisioned because their objects say so (Amendment 10; F42, F58, F60, F62). So
 * who would act is told to wait, by the annotation that each of them knows.
 *
 * The annotation's value says whose it is. What somebody else has paused is not ours: it is left
 * as it is, and stays paused when ours are taken away. */

#include "../common/api.h"
#include <string.h>

#define CRDS	"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
#define VERSION "/apis/config.openshift.io/v1/clusterversions/version"

typedef struct {
	const char *crd;	/* tells for good whether the cluster has the kind */
	const char *group;	/* "/apis/GROUP/VERSION" */
	const char *plural;	/* of its path */
	const char *annotation; /* (nullable) its presence pauses; without: only reported */
	const char *output;
} Kind;

static const Kind kinds[] = {
    {"machinehealthchecks.machine.openshift.io", "/apis/machine.openshift.io/v1beta1",
     "machinehealthchecks", "cluster.x-k8s.io/paused", "health-checks"},
    {"baremetalhosts.metal3.io", "/apis/metal3.io/v1alpha1", "baremetalhosts",
     "baremetalhost.metal3.io/paused", "bare-metal-hosts"},
    {"clusterautoscalers.autoscaling.openshift.io", "/apis/autoscaling.openshift.io/v1",
     "clusterautoscalers", NULL, "autoscalers"},
    {"machineautoscalers.autoscaling.openshift.io", "/apis/autoscaling.openshift.io/v1beta1",
     "machineautoscalers", NULL, "autoscalers"},
    {"nodehealthchecks.remediation.medik8s.io", "/apis/remediation.medik8s.io/v1alpha1",
     "nodehealthchecks", NULL, "remediation"},
    {"applications.argoproj.io", "/apis/argoproj.io/v1alpha1", "applications", NULL, "gitops"},
    {"kustomizations.kustomize.toolkit.fluxcd.io", "/apis/kustomize.toolkit.fluxcd.io/v1",
     "kustomizations", NULL, "gitops"},
};

/* All objects of @kind; empty where the cluster lacks it. Whether it does is asked of the
 * CustomResourceDefinition: right after a restore a kind may not be served yet, and who took that
 * for "there are none" would leave them to act. */
static JsonArray *
list_kind(RecoveryStep *step, const Kind *kind, GError **error)
{
	g_autofree char *definition = g_strconcat(CRDS, kind->crd, NULL);
	g_autofree char *path = g_strdup_printf("%s/%s", kind->group, kind->plural);
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) crd = recovery_api_get(step, definition, &local);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return crd == NULL ? json_array_new() : recovery_api_list(step, path, error);
}

static char *
object_path(const Kind *kind, JsonNode *object)
{
	g_autofree char *name = rd_api_escape(rd_api_name(object));

	return g_strdup_printf("%s/namespaces/%s/%s/%s", kind->group,
			       rd_api_text(object, "metadata", "namespace", NULL), kind->plural,
			       name);
}

static char *
mine(RecoveryStep *step)
{
	return g_strdup_printf("recoveryd %s", recovery_run_id(step));
}

/* ---- one object ---- */

typedef struct {
	const char *annotation, *value; /* @value: ours */
	gboolean away;
	const char *open; /* away: those that were found open, and so were paused by us */
} Edit;

static JsonNode *
annotate(const char *key, const char *value)
{
	JsonObject *root = json_object_new(), *meta = json_object_new(),
		   *annotations = json_object_new();
	JsonNode *node = json_node_new(JSON_NODE_OBJECT);

	if (value != NULL)
		json_object_set_string_member(annotations, key, value);
	else
		json_object_set_null_member(annotations, key);
	json_object_set_object_member(meta, "annotations", annotations);
	json_object_set_object_member(root, "metadata", meta);
	json_node_take_object(node, root);
	return node;
}

static JsonNode *
edit_pause(JsonNode *object, gpointer data)
{
	const Edit *edit = data;
	gboolean paused = rd_api_has_annotation(object, edit->annotation);
	gboolean ours = g_str_equal(rd_api_annotation(object, edit->annotation), edit->value);

	/* One that we paused, and that is not: somebody was first, or this is what the object was
	 * in the past. A change that changes nothing tells: it goes with the version that was read,
	 * and the server refuses one of the past. */
	if (edit->away)
		return ours || (!paused && strstr(edit->open, rd_api_uid(object)) != NULL)
			   ? annotate(edit->annotation, NULL)
			   : NULL;
	return paused ? NULL : annotate(edit->annotation, edit->value);
}

/* pauses what is not, or gives back what is ours, of one kind */
static gboolean
edit_kind(RecoveryStep *step, const Kind *kind, gboolean away, GError **error)
{
	g_autofree char *value = mine(step);
	const char *open = recovery_recall_first(step, "open");
	Edit edit = {.annotation = kind->annotation,
		     .value = value,
		     .away = away,
		     .open = open != NULL ? open : ""};
	g_autoptr(JsonArray) objects = list_kind(step, kind, error);

	if (objects == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(objects); i++) {
		JsonNode *object = json_array_get_element(objects, i);
		g_autoptr(JsonNode) needed = edit_pause(object, &edit);
		g_autofree char *path = object_path(kind, object);

		/* one that is gone, or another one by now, is none of those that were seen */
		if (needed != NULL &&
		    !rd_api_edit(step, path, rd_api_uid(object), edit_pause, &edit, NULL, error))
			return FALSE;
	}
	return TRUE;
}

/* ---- pause ---- */

/* who was not paused: that is what is given back */
static gboolean
pause_baseline(RecoveryStep *step, GError **error)
{
	g_autoptr(GString) open = g_string_new(NULL);

	for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
		g_autoptr(JsonArray) objects = NULL;

		if (kinds[k].annotation == NULL)
			continue;
		objects = list_kind(step, &kinds[k], error);
		if (objects == NULL)
			return FALSE;
		for (guint i = 0; i < rd_api_length(objects); i++) {
			JsonNode *object = json_array_get_element(objects, i);

			if (!rd_api_has_annotation(object, kinds[k].annotation))
				g_string_append_printf(
				    open, "%s%s %s/%s %s", open->len > 0 ? ", " : "",
				    kinds[k].plural,
				    rd_api_text(object, "metadata", "namespace", NULL),
				    rd_api_name(object), rd_api_uid(object));
		}
	}
	return recovery_remember(step, "open", open->len > 0 ? open->str : "none", error);
}

/* The snapshot was taken in the middle of an upgrade, or of the wish for one: the version operator
 * goes on with it as soon as it runs (F60). A condition of the past is enough to ask a person. */
static gboolean
is_upgrading(RecoveryStep *step, gboolean *upgrading, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) object = recovery_api_get(step, VERSION, &local);
	JsonArray *history = rd_api_items(object, "status", "history", NULL);
	JsonNode *last = rd_api_length(history) > 0 ? json_array_get_element(history, 0) : NULL;
	const char *wish = rd_api_text(object, "spec", "desiredUpdate", "version", NULL);
	const char *image = rd_api_text(object, "spec", "desiredUpdate", "image", NULL);

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*upgrading = g_str_equal(rd_api_text(last, "state", NULL), "Partial") ||
		     g_str_equal(rd_api_condition_status(object, "Progressing"), "True") ||
		     (*wish != '\0' && !g_str_equal(wish, rd_api_text(last, "version", NULL))) ||
		     (*image != '\0' && !g_str_equal(image, rd_api_text(last, "image", NULL)));
	return TRUE;
}

/* names of one output, of all its kinds; what is paused counts as found, too */
static gboolean
report(RecoveryStep *step, GPtrArray *lists, const char *output, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
		JsonArray *objects = lists->pdata[k];

		if (!g_str_equal(kinds[k].output, output))
			continue;
		for (guint i = 0; i < rd_api_length(objects); i++) {
			JsonNode *object = json_array_get_element(objects, i);
			const char *namespace = rd_api_text(object, "metadata", "namespace", NULL);

			g_string_append_printf(names, "%s%s%s%s", names->len > 0 ? "," : "",
					       namespace, *namespace != '\0' ? "/" : "",
					       rd_api_name(object));
		}
	}
	return recovery_output(step, output, names->str, error);
}

static const char *const pause_outputs[] = {"health-checks", "bare-metal-hosts", "autoscalers",
					    "remediation",   "gitops",		 NULL};

/* outputs and outcome, once everything is paused */
static gboolean
tell(RecoveryStep *step, GPtrArray *lists, GError **error)
{
	gboolean upgrading = FALSE;

	for (guint i = 0; pause_outputs[i] != NULL; i++)
		if (!report(step, lists, pause_outputs[i], error))
			return FALSE;
	if (!is_upgrading(step, &upgrading, error))
		return FALSE;
	if (upgrading)
		recovery_outcome(step, "upgrading");
	return TRUE;
}

static RecoveryProbe
pause_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) lists =
	    g_ptr_array_new_with_free_func((GDestroyNotify)json_array_unref);

	for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
		JsonArray *objects = list_kind(step, &kinds[k], error);

		if (objects == NULL)
			return RECOVERY_PROBE_UNKNOWN;
		g_ptr_array_add(lists, objects);
		for (guint i = 0; kinds[k].annotation != NULL && i < rd_api_length(objects); i++) {
			JsonNode *object = json_array_get_element(objects, i);

			if (rd_api_has_annotation(object, kinds[k].annotation))
				continue;
			recovery_progress(step, "%s %s is not paused", kinds[k].plural,
					  rd_api_name(object));
			return RECOVERY_PROBE_ABSENT;
		}
	}
	return tell(step, lists, error) ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_UNKNOWN;
}

static gboolean
pause_enter(RecoveryStep *step, GError **error)
{
	for (guint k = 0; k < G_N_ELEMENTS(kinds); k++)
		if (kinds[k].annotation != NULL && !edit_kind(step, &kinds[k], FALSE, error))
			return FALSE;
	return TRUE;
}

/* All kinds are tried: what cannot be given back must not keep the others. Every one that has our
 * value, also one that was made since: somebody copied it with its annotations. */
static gboolean
pause_undo(RecoveryStep *step, GError **error)
{
	g_autoptr(GError) first = NULL;

	for (guint k = 0; k < G_N_ELEMENTS(kinds); k++)
		if (kinds[k].annotation != NULL)
			(void)edit_kind(step, &kinds[k], TRUE, first == NULL ? &first : NULL);
	if (first == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}

static const char *const pause_outcomes[] = {"done", "upgrading", NULL};

static const RecoveryState states[] = {
    {
	.name = "pause",
	.summary = "health checks and bare-metal hosts wait, so that nothing acts on the past",
	.kind = RECOVERY_KIND_CHANGE,
	.outcomes = pause_outcomes,
	.outputs = pause_outputs,
	.timeout = 300,
	.baseline = pause_baseline,
	.probe = pause_probe,
	.enter = pause_enter,
	.undo = pause_undo,
    },
    {0},
};

RECOVERY_PLUGIN(.name = "guardian", .summary = "who would act on a restored past",
		.states = states);
