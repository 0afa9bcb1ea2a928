/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The quorum guard. The etcd operator renders no new revision while the loss of one more member
 * would end quorum; an override lets it (domain 2.8). The value that the whole field
 * spec.unsupportedConfigOverrides had is what undo gives back (INV-28): the documents write null,
 * which wipes whatever else stood there.
 *
 * Somebody may change the field while it is borrowed. Then only our own key is taken back: what
 * they wrote stays, and is noted in the journal. */

#include "operator.h"

/* Spelled as in the operator's source; the field keeps unknown keys, so that another spelling is
 * answered with 200 and ignored (domain 0.1, defect 2). */
#define GUARD_KEY "useUnsupportedUnsafeNonHANonProductionUnstableEtcd"
#define ABSENT	  "absent" /* as a note: no JSON begins so */

static JsonNode *
overrides_of(JsonNode *object)
{
	JsonNode *value = rd_api_at(object, "spec", "unsupportedConfigOverrides", NULL);

	return value == NULL || JSON_NODE_HOLDS_NULL(value) ? NULL : value;
}

/* a bool, or what Go's ParseBool takes for true: the operator reads both */
static gboolean
is_off(JsonNode *overrides)
{
	static const char *const words[] = {"1", "t", "T", "TRUE", "true", "True", NULL};

	return rd_api_true(overrides, GUARD_KEY, NULL) ||
	       g_strv_contains(words, rd_api_text(overrides, GUARD_KEY, NULL));
}

static gboolean
is_equal(JsonNode *one, JsonNode *two)
{
	return one == NULL || two == NULL ? one == two : json_node_equal(one, two);
}

static char *
to_note(JsonNode *overrides)
{
	return overrides == NULL ? g_strdup(ABSENT) : rd_api_json(overrides);
}

/* NULL: it was absent */
static JsonNode *
from_note(const char *note)
{
	return g_str_equal(note, ABSENT) ? NULL : json_from_string(note, NULL);
}

/* {"spec":{"unsupportedConfigOverrides":VALUE}}. (transfer full) @value */
static JsonNode *
patch_field(JsonNode *value)
{
	JsonNode *patch = json_node_new(JSON_NODE_OBJECT);
	JsonObject *root = json_object_new(), *spec = json_object_new();

	json_object_set_member(spec, "unsupportedConfigOverrides", value);
	json_object_set_object_member(root, "spec", spec);
	json_node_take_object(patch, root);
	return patch;
}

/* the like for our key alone; the others of the field stay by the rules of a merge patch */
static JsonNode *
patch_key(JsonNode *value)
{
	JsonNode *field = json_node_new(JSON_NODE_OBJECT);
	JsonObject *keys = json_object_new();

	json_object_set_member(keys, GUARD_KEY, value);
	json_node_take_object(field, keys);
	return patch_field(field);
}

/* @saved with our key: what the field is while it is borrowed. (transfer full) */
static JsonNode *
borrowed(JsonNode *saved)
{
	/* by way of its text: a copy of a node shares the members */
	g_autofree char *text = saved != NULL ? rd_api_json(saved) : g_strdup("{}");
	JsonNode *value = json_from_string(text, NULL);

	json_object_set_boolean_member(json_node_get_object(value), GUARD_KEY, TRUE);
	return value;
}

static JsonNode *
get_etcds(RecoveryStep *step, GError **error)
{
	const RdOperator *etcds = operator_find("etcds", error);

	return etcds == NULL ? NULL : operator_get(step, etcds, error);
}

gboolean
guard_baseline(RecoveryStep *step, GError **error)
{
	const char *first = recovery_recall_first(step, "saved");
	g_autoptr(JsonNode) object = NULL;
	g_autofree char *now = NULL;

	/* a later attempt may come upon what an earlier one wrote */
	if (first != NULL)
		return recovery_remember(step, "saved", first, error);
	object = get_etcds(step, error);
	if (object == NULL)
		return FALSE;
	now = to_note(overrides_of(object));
	return recovery_remember(step, "saved", now, error);
}

RecoveryProbe
guard_probe(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) object = get_etcds(step, error);

	if (object == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return is_off(overrides_of(object)) ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}

typedef struct {
	JsonNode *saved; /* (owned) (nullable) */
	char *strange;	 /* (owned) (nullable) the field as somebody else left it */
} Edit;

static void
edit_clear(Edit *edit)
{
	g_clear_pointer(&edit->saved, json_node_unref);
	g_clear_pointer(&edit->strange, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Edit, edit_clear)

static JsonNode *
edit_off(JsonNode *object, gpointer data)
{
	JsonNode *now = overrides_of(object), *yes = NULL;
	Edit *edit = data;

	g_clear_pointer(&edit->strange, g_free);
	if (is_off(now))
		return NULL;
	if (!is_equal(now, edit->saved)) {
		edit->strange = to_note(now);
		return NULL;
	}
	yes = json_node_init_boolean(json_node_alloc(), TRUE);
	return patch_key(yes);
}

/* FALSE with an error unless there was such an object */
static gboolean
edit_etcds(RecoveryStep *step, RdApiEdit edit, gpointer data, GError **error)
{
	const RdOperator *etcds = operator_find("etcds", error);
	RecoveryApiEnd end = RECOVERY_API_DONE;

	if (etcds == NULL || !rd_api_edit(step, etcds->path, NULL, edit, data, &end, error))
		return FALSE;
	if (end == RECOVERY_API_DONE)
		return TRUE;
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED, "%s is gone", etcds->path);
	return FALSE;
}

gboolean
guard_enter(RecoveryStep *step, GError **error)
{
	const char *note = recovery_recall(step, "saved");
	g_auto(Edit) edit = {.saved = from_note(note)};

	if (edit.saved != NULL && !JSON_NODE_HOLDS_OBJECT(edit.saved))
		return rd_api_refuse(
		    error,
		    "spec.unsupportedConfigOverrides of etcds/cluster is %s, not "
		    "an object: the quorum guard cannot be turned off in it. Repair "
		    "it, then decide this step again",
		    note);
	if (!edit_etcds(step, edit_off, &edit, error))
		return FALSE;
	return edit.strange == NULL ||
	       rd_api_refuse(
		   error,
		   "spec.unsupportedConfigOverrides of etcds/cluster was %s when it was "
		   "noted, and is %s: somebody else changes it. Find out who, then decide "
		   "this step again",
		   note, edit.strange);
}

static JsonNode *
edit_back(JsonNode *object, gpointer data)
{
	JsonNode *now = overrides_of(object), *was = NULL;
	g_autoptr(JsonNode) ours = NULL;
	Edit *edit = data;

	g_clear_pointer(&edit->strange, g_free);
	if (is_off(edit->saved)) /* nothing was borrowed */
		return NULL;
	ours = borrowed(edit->saved);
	/* As it was: given back before, or an answer out of the past. A change that changes nothing
	 * tells: it goes with the version that was read, and the server refuses one of the past. */
	if (!is_equal(now, edit->saved)) {
		if (!is_equal(now, ours))
			edit->strange = to_note(now);
		if (!is_off(now))
			return NULL;
	}
	if (edit->saved == NULL && edit->strange == NULL)
		return patch_field(json_node_new(JSON_NODE_NULL));
	was = rd_api_at(edit->saved, GUARD_KEY, NULL);
	return patch_key(was != NULL ? json_node_copy(was) : json_node_new(JSON_NODE_NULL));
}

gboolean
guard_undo(RecoveryStep *step, GError **error)
{
	const char *note = recovery_recall(step, "saved");
	g_auto(Edit) edit = {.saved = note != NULL ? from_note(note) : NULL};

	/* not begun; or not an object, which enter refuses */
	if (note == NULL || (edit.saved != NULL && !JSON_NODE_HOLDS_OBJECT(edit.saved)))
		return TRUE;
	if (!edit_etcds(step, edit_back, &edit, error))
		return FALSE;
	if (edit.strange == NULL)
		return TRUE;
	recovery_progress(step,
			  "spec.unsupportedConfigOverrides of etcds/cluster was %s, and somebody "
			  "made it %s meanwhile: what they wrote stays, and %s is no longer ours",
			  note, edit.strange, GUARD_KEY);
	return recovery_recall(step, "left") != NULL ||
	       recovery_remember(step, "left", edit.strange, error);
}
