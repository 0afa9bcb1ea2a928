/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Webhooks that fail closed and that nobody answers are made to fail open, for a while. Only those
 * of customers: what an operator manages it writes again, and network-node-identity is repaired by
 * its own pods. ValidatingAdmissionPolicies run inside the API server and block nothing.
 *
 * What is changed is found again by name, not by its place in the list, and each patch tests the
 * object, the name and the value that it replaces. A test that fails is an error 422, which is also
 * what a refusal looks like: the object says which of both it was. */

#include "webhook.h"

#define ADMISSION "/apis/admissionregistration.k8s.io/v1/"
#define TRIES	  10 /* of a patch that others change as well, as kubectl */
#define OPEN	  "Ignore"
#define CLOSED	  "Fail"

static const char *const kinds[] = {"validating", "mutating"};

/* ---- which --------------------------------------------------------------------------------- */

typedef struct {
	WebhookReach reach;
	GPtrArray *saved; /* (element-type WebhookSaved) */
	GString *managed; /* that nobody answers, but that are not ours to change */
} Search;

static void
search_clear(Search *search)
{
	webhook_reach_clear(&search->reach);
	g_clear_pointer(&search->saved, g_ptr_array_unref);
	if (search->managed != NULL)
		g_string_free(g_steal_pointer(&search->managed), TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Search, search_clear)

static gboolean
search_config(RecoveryStep *step, Search *search, const char *kind, JsonNode *config,
	      GError **error)
{
	JsonArray *webhooks = rd_api_items(config, "webhooks", NULL);

	for (guint i = 0; i < rd_api_length(webhooks); i++) {
		JsonNode *webhook = json_array_get_element(webhooks, i);
		gboolean managed = webhook_is_managed(config, webhook), broken = FALSE;

		if (!webhook_blocks(webhook))
			continue;
		if (!webhook_is_broken(step, &search->reach, webhook, &broken, error))
			return FALSE;
		if (managed && broken)
			g_string_append_printf(
			    search->managed, "%s%s/%s/%s", search->managed->len > 0 ? " " : "",
			    kind, rd_api_name(config), rd_api_text(webhook, "name", NULL));
		if (!managed && (broken || recovery_bool(step, "all")))
			g_ptr_array_add(search->saved, webhook_saved_new(kind, config, i));
	}
	return TRUE;
}

static gboolean
search_all(RecoveryStep *step, Search *search, GError **error)
{
	search->saved = g_ptr_array_new_with_free_func((GDestroyNotify)webhook_saved_free);
	search->managed = g_string_new(NULL);
	if (!rd_api_moment(step, &search->reach.moment, error))
		return FALSE;
	for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path =
		    g_strdup_printf(ADMISSION "%swebhookconfigurations", kinds[i]);
		g_autoptr(JsonArray) list = recovery_api_list(step, path, error);

		if (list == NULL)
			return FALSE;
		for (guint j = 0; j < rd_api_length(list); j++)
			if (!search_config(step, search, kinds[i], json_array_get_element(list, j),
					   error))
				return FALSE;
	}
	return TRUE;
}

gboolean
relax_baseline(RecoveryStep *step, GError **error)
{
	const char *saved = recovery_recall_first(step, "saved");
	const char *managed = recovery_recall_first(step, "managed");
	g_auto(Search) search = {0};
	g_autofree char *note = NULL;

	/* a later attempt comes upon what an earlier one has relaxed already */
	if (saved != NULL)
		return recovery_remember(step, "managed", managed != NULL ? managed : "", error) &&
		       recovery_remember(step, "saved", saved, error);
	if (!search_all(step, &search, error))
		return FALSE;
	note = webhook_saved_to_note(search.saved);
	return recovery_remember(step, "managed", search.managed->str, error) &&
	       recovery_remember(step, "saved", note, error);
}

/* ---- one of them as it is now -------------------------------------------------------------- */

typedef struct {
	JsonNode *config;   /* (owned) (nullable) */
	const char *policy; /* what holds; NULL: there is none of that name in that very object */
	gboolean unsaid;    /* it holds because nothing is said */
	guint index;
} Now;

static void
now_clear(Now *now)
{
	g_clear_pointer(&now->config, json_node_unref);
	now->policy = NULL;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Now, now_clear)

static gboolean
now_get(RecoveryStep *step, const WebhookSaved *saved, Now *now, GError **error)
{
	g_autofree char *path = webhook_saved_path(saved);
	g_autoptr(GError) local = NULL;
	JsonArray *webhooks;

	now_clear(now);
	now->config = recovery_api_get(step, path, &local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (now->config == NULL || !g_str_equal(rd_api_uid(now->config), saved->uid))
		return TRUE;
	webhooks = rd_api_items(now->config, "webhooks", NULL);
	for (guint i = 0; i < rd_api_length(webhooks) && now->policy == NULL; i++) {
		JsonNode *webhook = json_array_get_element(webhooks, i);
		const char *policy = rd_api_text(webhook, "failurePolicy", NULL);

		if (!g_str_equal(rd_api_text(webhook, "name", NULL), saved->webhook))
			continue;
		now->index = i;
		now->unsaid = *policy == '\0';
		now->policy = now->unsaid ? CLOSED : policy;
	}
	return TRUE;
}

static void
add_op(JsonArray *patch, const char *op, const char *path, const char *value)
{
	JsonObject *object = json_object_new();

	json_object_set_string_member(object, "op", op);
	json_object_set_string_member(object, "path", path);
	if (value != NULL)
		json_object_set_string_member(object, "value", value);
	json_array_add_object_element(patch, object);
}

/* Changes nothing: that it is as it was read. An answer out of the past is refused. */
static char *
make_question(const WebhookSaved *saved, const Now *now)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_ARRAY);
	JsonArray *patch = json_array_new();

	add_op(patch, "test", "/metadata/uid", saved->uid);
	add_op(patch, "test", "/metadata/resourceVersion",
	       rd_api_text(now->config, "metadata", "resourceVersion", NULL));
	json_node_take_array(root, patch);
	return rd_api_json(root);
}

/* @to NULL: not said */
static char *
make_patch(const WebhookSaved *saved, const Now *now, const char *to)
{
	g_autofree char *name = g_strdup_printf("/webhooks/%u/name", now->index);
	g_autofree char *policy = g_strdup_printf("/webhooks/%u/failurePolicy", now->index);
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_ARRAY);
	JsonArray *patch = json_array_new();

	add_op(patch, "test", "/metadata/uid", saved->uid);
	add_op(patch, "test", name, saved->webhook);
	if (!now->unsaid)
		add_op(patch, "test", policy, now->policy);
	if (to == NULL)
		add_op(patch, "remove", policy, NULL);
	else
		add_op(patch, now->unsaid ? "add" : "replace", policy, to);
	json_node_take_array(root, patch);
	return rd_api_json(root);
}

/* One round: sends @body. *again: somebody was quicker, and nothing was done */
static gboolean
send_patch(RecoveryStep *step, const WebhookSaved *saved, Now *now, const char *body,
	   gboolean *again, GError **error)
{
	g_autofree char *path = webhook_saved_path(saved);
	g_autofree char *version =
	    g_strdup(rd_api_text(now->config, "metadata", "resourceVersion", NULL));
	const RecoveryApiChange change = {.verb = RECOVERY_API_JSON_PATCH,
					  .path = path,
					  .body = body};
	RecoveryApiEnd end = RECOVERY_API_DONE;
	g_autoptr(GError) local = NULL;

	*again = FALSE;
	if (recovery_api_change(step, &change, &end, NULL, &local)) {
		*again = end != RECOVERY_API_DONE;
		return TRUE;
	}
	if (g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT)) {
		if (!now_get(step, saved, now, error))
			return FALSE;
		*again = !g_str_equal(
		    version, rd_api_text(now->config, "metadata", "resourceVersion", NULL));
		if (*again)
			return TRUE;
	}
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* @now is as the server has it, not an answer out of the past; *again: it was not. One that goes on
 * answering so is as good as silent. */
static gboolean
ask_whether(RecoveryStep *step, const WebhookSaved *saved, Now *now, gboolean *again,
	    GError **error)
{
	g_autofree char *body = make_question(saved, now);
	g_autoptr(GError) local = NULL;

	if (send_patch(step, saved, now, body, again, &local))
		return TRUE;
	if (g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT))
		local->code = RECOVERY_ERROR_UNREACHABLE;
	g_propagate_prefixed_error(error, g_steal_pointer(&local), "answered out of the past: ");
	return FALSE;
}

/* From @from to @to (NULL: not said); anything but @from is left as it is, which the server has to
 * confirm where @sure. *gone: there is none of that name any more, or not in that very object. */
static gboolean
change_policy(RecoveryStep *step, const WebhookSaved *saved, const char *from, const char *to,
	      gboolean sure, gboolean *gone, GError **error)
{
	g_auto(Now) now = {0};
	gboolean again = TRUE;

	for (guint i = 0; i < TRIES && again; i++) {
		g_autofree char *body = NULL;

		if (!now_get(step, saved, &now, error))
			return FALSE;
		*gone = now.policy == NULL;
		if (*gone || (!sure && !g_str_equal(now.policy, from)))
			return TRUE;
		body = make_patch(saved, &now, to);
		if (g_str_equal(now.policy, from)
			? !send_patch(step, saved, &now, body, &again, error)
			: !ask_whether(step, saved, &now, &again, error))
			return FALSE;
	}
	if (!again)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "somebody changes %swebhookconfiguration %s all the time: %u times it was "
		    "another one than had been read",
		    saved->kind, saved->config, TRIES);
	return FALSE;
}

/* ---- relax --------------------------------------------------------------------------------- */

static gboolean
tell(RecoveryStep *step, GPtrArray *all, GError **error)
{
	const char *managed = recovery_recall(step, "managed");
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < all->len; i++) {
		g_autofree char *name = webhook_saved_name(all->pdata[i]);

		g_string_append_printf(names, "%s%s", i > 0 ? " " : "", name);
	}
	if (managed != NULL && *managed != '\0')
		recovery_progress(step,
				  "nobody answers %s either; their operators would write them "
				  "again, so they are left as they are",
				  managed);
	return recovery_output(step, "relaxed", names->str, error) &&
	       recovery_output(step, "managed", managed != NULL ? managed : "", error);
}

RecoveryProbe
relax_probe(RecoveryStep *step, GError **error)
{
	const char *note = recovery_recall(step, "saved");
	g_autoptr(GPtrArray) all = NULL;

	if (note == NULL)
		return RECOVERY_PROBE_ABSENT;
	all = webhook_saved_from_note(note);
	for (guint i = 0; i < all->len; i++) {
		g_auto(Now) now = {0};

		if (!now_get(step, all->pdata[i], &now, error))
			return RECOVERY_PROBE_UNKNOWN;
		if (now.policy != NULL && !g_str_equal(now.policy, OPEN))
			return RECOVERY_PROBE_ABSENT;
	}
	return tell(step, all, error) ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_UNKNOWN;
}

/* the note that says that we begin to relax it: what somebody else made open is not ours to close
 */
static char *
begun_key(const WebhookSaved *saved)
{
	g_autofree char *name = webhook_saved_name(saved);

	return g_strdup_printf("begun-%s", name);
}

static gboolean
relax_one(RecoveryStep *step, const WebhookSaved *saved, GError **error)
{
	g_autofree char *key = begun_key(saved);
	g_auto(Now) now = {0};
	gboolean gone = FALSE;

	if (!now_get(step, saved, &now, error))
		return FALSE;
	if (g_strcmp0(now.policy, CLOSED) != 0)
		return TRUE;
	return recovery_remember(step, key, "yes", error) &&
	       change_policy(step, saved, CLOSED, OPEN, FALSE, &gone, error);
}

gboolean
relax_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(GPtrArray) all = webhook_saved_from_note(recovery_recall(step, "saved"));

	for (guint i = 0; i < all->len; i++)
		if (!relax_one(step, all->pdata[i], error))
			return FALSE;
	return TRUE;
}

/* what could not be put back because somebody put something else there, in the journal */
static gboolean
note_left(RecoveryStep *step, const WebhookSaved *saved, GError **error)
{
	g_autofree char *name = webhook_saved_name(saved);
	g_autofree char *key = g_strdup_printf("left-%s", name);

	recovery_progress(
	    step, "%s is gone or was made anew since it was relaxed: it is left as it is", name);
	return recovery_recall(step, key) != NULL ||
	       recovery_remember(step, key, "gone or made anew", error);
}

static gboolean
give_back(RecoveryStep *step, const WebhookSaved *saved, GError **error)
{
	g_autofree char *key = begun_key(saved);
	gboolean gone = FALSE;

	if (recovery_recall(step, key) == NULL)
		return TRUE;
	/* that somebody has closed it again may be an answer out of the past */
	return change_policy(step, saved, OPEN, saved->policy, TRUE, &gone, error) &&
	       (!gone || note_left(step, saved, error));
}

gboolean
relax_undo(RecoveryStep *step, GError **error)
{
	const char *note = recovery_recall(step, "saved");
	g_autoptr(GPtrArray) all = webhook_saved_from_note(note != NULL ? note : "[]");
	g_autoptr(GError) first = NULL;

	for (guint i = 0; i < all->len; i++) {
		g_autoptr(GError) local = NULL;

		if (give_back(step, all->pdata[i], &local))
			continue;
		/* one that is refused must not keep the others from being given back */
		if (first == NULL)
			first = g_error_copy(local);
		if (!g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_FAILED) &&
		    !g_error_matches(local, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT))
			break;
	}
	if (first == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&first));
	return FALSE;
}
