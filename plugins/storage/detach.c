/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* VolumeAttachments that provably nobody uses go, so that the volume can be attached where it is
 * wanted; the driver's attacher detaches it. What is proven when the list is made is proven once
 * more, from pods, kubelet and host, right before each one is deleted, and the deletion is only of
 * the very object that was read then. */

#include "storage.h"
#include <string.h>

#define ATTACHMENTS "/apis/storage.k8s.io/v1/volumeattachments/"

static char *
attachment_path(const char *name)
{
	g_autofree char *escaped = rd_api_escape(name);

	return g_strconcat(ATTACHMENTS, escaped, NULL);
}

static char *
left_key(const char *name)
{
	return g_strconcat("left-", name, NULL);
}

/* the note: [{"name": …, "uid": …}] */
gboolean
storage_detach_baseline(RecoveryStep *step, GError **error)
{
	const char *earlier = recovery_recall_first(step, "attachments");
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_ARRAY);
	JsonArray *array = json_array_new();
	g_auto(StorageLook) look = {0};
	g_autofree char *note = NULL;
	JsonArray *all;

	json_node_take_array(root, array);
	/* what an earlier attempt has deleted is not there any more to be found */
	if (earlier != NULL)
		return recovery_remember(step, "attachments", earlier, error);
	if (!storage_look(step, NULL, NO_COPY, &look, error))
		return FALSE;
	all = look.now->lists[STORAGE_ATTACHMENTS];
	for (guint i = 0; i < rd_api_length(all); i++) {
		JsonNode *attachment = json_array_get_element(all, i);
		g_autofree char *why = NULL;
		JsonObject *object;

		/* what is behind a host that does not answer is not known: that is no nothing */
		if (!storage_look_has(&look, rd_api_text(attachment, "spec", "nodeName", NULL),
				      error))
			return FALSE;
		if (rd_api_is_terminating(attachment) ||
		    !storage_attachment_is_unused(&look.audit, attachment, &why))
			continue;
		object = json_object_new();
		json_object_set_string_member(object, "name", rd_api_name(attachment));
		json_object_set_string_member(object, "uid", rd_api_uid(attachment));
		json_array_add_object_element(array, object);
	}
	note = rd_api_json(root);
	return recovery_remember(step, "attachments", note, error);
}

RecoveryProbe
storage_detach_probe(RecoveryStep *step, GError **error)
{
	const char *note = recovery_recall(step, "attachments");
	g_autoptr(JsonNode) root = note != NULL ? json_from_string(note, NULL) : NULL;
	JsonArray *all = rd_api_items(root, NULL);
	RecoveryProbe end = RECOVERY_PROBE_PRESENT;

	if (note == NULL)
		return RECOVERY_PROBE_ABSENT;
	for (guint i = 0; i < rd_api_length(all) && end == RECOVERY_PROBE_PRESENT; i++) {
		JsonNode *one = json_array_get_element(all, i);
		const char *name = rd_api_text(one, "name", NULL);
		g_autofree char *path = attachment_path(name), *key = left_key(name);

		if (recovery_recall(step, key) == NULL)
			end = storage_gone(step, path, rd_api_text(one, "uid", NULL), error);
	}
	return end;
}

/* *now: as the API has it; NULL: it is gone, or being deleted. *why: it is used by now */
static gboolean
prove_again(RecoveryStep *step, const char *name, const char *uid, JsonNode **now, char **why,
	    GError **error)
{
	g_auto(StorageLook) look = {0};
	JsonNode *attachment;

	if (!storage_look(step, NULL, NO_COPY, &look, error))
		return FALSE;
	attachment = rd_api_find(look.now->lists[STORAGE_ATTACHMENTS], name);
	if (attachment == NULL || !g_str_equal(rd_api_uid(attachment), uid) ||
	    rd_api_is_terminating(attachment))
		return TRUE;
	if (!storage_look_has(&look, rd_api_text(attachment, "spec", "nodeName", NULL), error))
		return FALSE;
	*now = json_node_ref(attachment);
	storage_attachment_is_unused(&look.audit, attachment, why);
	return TRUE;
}

static gboolean
detach_one(RecoveryStep *step, const char *name, const char *uid, GError **error)
{
	g_autofree char *path = attachment_path(name), *key = left_key(name), *why = NULL;
	g_autoptr(JsonNode) attachment = NULL;
	RecoveryApiEnd end;

	if (!prove_again(step, name, uid, &attachment, &why, error))
		return FALSE;
	if (attachment == NULL)
		return TRUE;
	if (why == NULL) {
		if (!storage_delete(step, path, uid,
				    rd_api_text(attachment, "metadata", "resourceVersion", NULL),
				    &end, error))
			return FALSE;
		if (end != RECOVERY_API_CONFLICT)
			return TRUE;
		why = g_strdup("somebody changed it in this moment");
	}
	recovery_progress(step, "VolumeAttachment %s stays: %s", name, why);
	return recovery_remember(step, key, why, error);
}

gboolean
storage_detach_enter(RecoveryStep *step, GError **error)
{
	const char *note = recovery_recall(step, "attachments");
	g_autoptr(JsonNode) root = note != NULL ? json_from_string(note, NULL) : NULL;
	JsonArray *all = rd_api_items(root, NULL);

	for (guint i = 0; i < rd_api_length(all); i++) {
		JsonNode *one = json_array_get_element(all, i);

		if (!detach_one(step, rd_api_text(one, "name", NULL), rd_api_text(one, "uid", NULL),
				error))
			return FALSE;
	}
	return recovery_wait(step, storage_detach_probe, error);
}
