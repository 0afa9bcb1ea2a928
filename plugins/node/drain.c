/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pods leave a node by eviction, so that PodDisruptionBudgets are kept. Nothing is ever deleted
 * behind their back: what is held is said, with who holds it, until somebody makes room or the
 * time is over. */

#include "node.h"
#include "pods.h"
#include <string.h>

#define PODS "/api/v1/pods?fieldSelector=spec.nodeName%3D"
/* since 1.21; an older API has v1beta1 only */
#define POLICY	   "policy/v1"
#define OLD_POLICY "policy/v1beta1"
#define BUDGETS	   "poddisruptionbudgets"
#define NAMED	   3 /* so many pods are told by name */

typedef struct {
	const char *policy;  /* which of the two the API serves */
	JsonArray *budgets;  /* (owned) */
	GPtrArray *moving;   /* (element-type JsonNode) (owned) to be evicted now */
	guint left;	     /* all that have to go, those included */
	guint leaving, held; /* of these */
	GString *names;	     /* (owned) what keeps the rest */
	GString *bare;	     /* (owned) */
} Round;

static void
round_clear(Round *self)
{
	g_clear_pointer(&self->budgets, json_array_unref);
	g_clear_pointer(&self->moving, g_ptr_array_unref);
	if (self->names != NULL)
		g_string_free(self->names, TRUE);
	if (self->bare != NULL)
		g_string_free(self->bare, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Round, round_clear)

static char *
pod_name(JsonNode *pod)
{
	return g_strdup_printf("%s/%s", rd_api_text(pod, "metadata", "namespace", NULL),
			       rd_api_name(pod));
}

static void
round_add(Round *self, JsonNode *pod, gboolean evict_bare)
{
	g_autofree char *name = pod_name(pod);
	RdPodSort sort = rd_pod_sort(pod);
	JsonNode *budget;

	if (sort == RD_POD_STAYS)
		return;
	if (sort == RD_POD_BARE && !evict_bare) {
		g_string_append_printf(self->bare, "%s%s", self->bare->len > 0 ? ", " : "", name);
		return;
	}
	self->left++;
	if (sort == RD_POD_LEAVING) {
		if (self->leaving++ < NAMED)
			g_string_append_printf(self->names, "; %s is ending", name);
		return;
	}
	budget = rd_pod_held_by(pod, self->budgets);
	if (budget == NULL)
		g_ptr_array_add(self->moving, json_node_ref(pod));
	else if (self->held++ < NAMED)
		g_string_append_printf(self->names, "; %s is held by PodDisruptionBudget %s", name,
				       rd_api_name(budget));
}

static JsonArray *
read_budgets(RecoveryStep *step, const char **policy, GError **error)
{
	g_autofree char *path = NULL;
	gboolean serves = FALSE;

	if (!recovery_api_serves(step, "/apis/" POLICY "/" BUDGETS, &serves, error))
		return NULL;
	*policy = serves ? POLICY : OLD_POLICY;
	path = g_strdup_printf("/apis/%s/" BUDGETS, *policy);
	return recovery_api_list(step, path, error);
}

/* what is on the node, and who has to go */
static gboolean
round_read(RecoveryStep *step, const char *node, Round *self, GError **error)
{
	gboolean evict = g_str_equal(recovery_string(step, "bare-pods"), "evict");
	g_autofree char *escaped = rd_api_escape(node), *path = g_strconcat(PODS, escaped, NULL);
	g_autoptr(JsonArray) pods = recovery_api_list(step, path, error);

	if (pods == NULL)
		return FALSE;
	self->budgets = read_budgets(step, &self->policy, error);
	if (self->budgets == NULL)
		return FALSE;
	self->moving = g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref);
	self->names = g_string_new(NULL);
	self->bare = g_string_new(NULL);
	for (guint i = 0; i < rd_api_length(pods); i++)
		round_add(self, json_array_get_element(pods, i), evict);
	return self->bare->len == 0 || g_str_equal(recovery_string(step, "bare-pods"), "leave") ||
	       rd_api_refuse(
		   error,
		   "%s: nobody would make these pods anew: %s. Move them yourself, or say "
		   "bare-pods: leave (they stop with the reboot) or evict (they are gone)",
		   node, self->bare->str);
}

/* Only a kubelet that lives can have let pods end: of one that is silent the API knows nothing. */
static gboolean
kubelet_lives(RecoveryStep *step, const char *node, gboolean *lives, GError **error)
{
	g_autofree char *why = NULL;
	g_auto(RdNode) one = {0};
	RecoveryMoment moment;

	if (!rd_node_get(step, node, &one, error) || !rd_api_moment(step, &moment, error))
		return FALSE;
	*lives = rd_node_fresh(&one, node, &moment, &why) == RECOVERY_FRESH_TRUE;
	if (!*lives)
		recovery_progress(step, "pods are believed gone only when the kubelet lives: %s",
				  why);
	return TRUE;
}

/* @self has been read; says what is left */
static RecoveryProbe
round_judge(RecoveryStep *step, const char *node, const Round *self, GError **error)
{
	gboolean lives = FALSE;

	if (self->left > 0) {
		recovery_progress(step, "%s: %u pods have to leave%s", node, self->left,
				  self->names->str);
		return RECOVERY_PROBE_ABSENT;
	}
	if (!kubelet_lives(step, node, &lives, error))
		return RECOVERY_PROBE_UNKNOWN;
	return lives ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
node_drain_probe(RecoveryStep *step, GError **error)
{
	const char *node = node_name(step, error);
	g_auto(Round) pods = {0};

	if (node == NULL || !round_read(step, node, &pods, error))
		return RECOVERY_PROBE_UNKNOWN;
	return round_judge(step, node, &pods, error);
}

/* an Eviction of exactly this pod. (transfer full) */
static char *
eviction(JsonNode *pod, const char *policy)
{
	g_autoptr(JsonBuilder) json = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(json);
	json_builder_set_member_name(json, "apiVersion");
	json_builder_add_string_value(json, policy);
	json_builder_set_member_name(json, "kind");
	json_builder_add_string_value(json, "Eviction");
	json_builder_set_member_name(json, "metadata");
	json_builder_begin_object(json);
	json_builder_set_member_name(json, "name");
	json_builder_add_string_value(json, rd_api_name(pod));
	json_builder_set_member_name(json, "namespace");
	json_builder_add_string_value(json, rd_api_text(pod, "metadata", "namespace", NULL));
	json_builder_end_object(json);
	json_builder_set_member_name(json, "deleteOptions");
	json_builder_begin_object(json);
	json_builder_set_member_name(json, "preconditions");
	json_builder_begin_object(json);
	json_builder_set_member_name(json, "uid");
	json_builder_add_string_value(json, rd_api_uid(pod));
	json_builder_end_object(json);
	json_builder_end_object(json);
	json_builder_end_object(json);
	root = json_builder_get_root(json);
	return rd_api_json(root);
}

/* Errors of single pods are not the end: a budget whose room another eviction took (429, which
 * the library waits for, and then gives up), a webhook. The next round shows what came of them. */
static gboolean
evict(RecoveryStep *step, GPtrArray *pods, const char *policy, GError **error)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autofree RecoveryApiChange *changes = g_new0(RecoveryApiChange, MAX(pods->len, 1));
	g_autofree RecoveryApiAnswer *answers = g_new0(RecoveryApiAnswer, MAX(pods->len, 1));
	g_autoptr(GError) local = NULL;
	gboolean ended;

	for (guint i = 0; i < pods->len; i++) {
		JsonNode *pod = pods->pdata[i];
		g_autofree char *name = rd_api_escape(rd_api_name(pod));
		char *path = g_strdup_printf("/api/v1/namespaces/%s/pods/%s/eviction",
					     rd_api_text(pod, "metadata", "namespace", NULL), name);
		char *body = eviction(pod, policy);

		g_ptr_array_add(texts, path);
		g_ptr_array_add(texts, body);
		changes[i] =
		    (RecoveryApiChange){.verb = RECOVERY_API_CREATE, .path = path, .body = body};
	}
	ended = !recovery_api_change_all(step, changes, pods->len, answers, &local) &&
		!g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_UNREACHABLE);
	for (guint i = 0; i < pods->len; i++) {
		if (answers[i].error != NULL)
			recovery_progress(step, "%s", answers[i].error->message);
		recovery_api_answer_clear(&answers[i]);
	}
	if (ended)
		g_propagate_error(error, g_steal_pointer(&local));
	return !ended;
}

static RecoveryProbe
drain_round(RecoveryStep *step, GError **error)
{
	const char *node = node_name(step, error);
	g_auto(Round) pods = {0};

	if (node == NULL || !round_read(step, node, &pods, error) ||
	    !evict(step, pods.moving, pods.policy, error))
		return RECOVERY_PROBE_UNKNOWN;
	return round_judge(step, node, &pods, error);
}

gboolean
node_drain_enter(RecoveryStep *step, GError **error)
{
	return recovery_wait(step, drain_round, error);
}
