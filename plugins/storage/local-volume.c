/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The last of the document's three steps: a LocalVolume (or LocalVolumeSet) whose devices are given
 * up goes, after its volumes and links. Its finalizer is the operator's: nobody else takes it
 * away. */

#include "storage.h"
#include <string.h>

#define OWNER "storage.openshift.com/"

/* "NAMESPACE/NAME" → its path in the API; NULL with PERMANENT */
static char *
object_path(RecoveryStep *step, const char **kind, char **name, GError **error)
{
	const char *wanted = recovery_string(step, "name");
	gboolean set = g_str_equal(recovery_string(step, "kind"), "LocalVolumeSet");
	g_auto(GStrv) parts = g_strsplit(wanted, "/", 2);
	g_autofree char *namespace = NULL, *escaped = NULL;

	*kind = set ? "LocalVolumeSet" : "LocalVolume";
	if (parts[0] == NULL || parts[1] == NULL || *parts[0] == '\0' || *parts[1] == '\0') {
		rd_api_refuse(error, "'%s' is no %s: write NAMESPACE/NAME", wanted, *kind);
		return NULL;
	}
	namespace = rd_api_escape(parts[0]);
	escaped = rd_api_escape(parts[1]);
	*name = g_strdup(parts[1]);
	return g_strdup_printf("/apis/local.storage.openshift.io/%s/namespaces/%s/%s/%s",
			       set ? "v1alpha1" : "v1", namespace,
			       set ? "localvolumesets" : "localvolumes", escaped);
}

gboolean
storage_local_baseline(RecoveryStep *step, GError **error)
{
	const char *earlier = recovery_recall_first(step, "uid"), *kind;
	g_autofree char *name = NULL, *path = object_path(step, &kind, &name, error), *text = NULL;
	g_autoptr(JsonNode) object = NULL;
	g_autoptr(GError) local = NULL;

	if (path == NULL)
		return FALSE;
	if (earlier != NULL)
		return recovery_remember(step, "uid", earlier, error);
	object = recovery_api_get(step, path, &local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (object == NULL)
		return rd_api_refuse(error, "there is no %s %s", kind,
				     recovery_string(step, "name"));
	text = rd_api_json(object);
	return recovery_remember(step, "object", text, error) &&
	       recovery_remember(step, "uid", rd_api_uid(object), error);
}

RecoveryProbe
storage_local_probe(RecoveryStep *step, GError **error)
{
	const char *uid = recovery_recall(step, "uid"), *kind;
	g_autofree char *name = NULL, *path = object_path(step, &kind, &name, error);

	if (path == NULL)
		return RECOVERY_PROBE_UNKNOWN;
	return uid == NULL ? RECOVERY_PROBE_ABSENT : storage_gone(step, path, uid, error);
}

/* Each of its volumes has to be gone first, whatever its phase: their data is not ours to give up,
 * and the operator would make the unclaimed ones anew. */
static gboolean
check_volumes(RecoveryStep *step, const char *kind, const char *name, GError **error)
{
	const char *wanted = recovery_string(step, "name");
	g_autofree char *namespace = g_strndup(wanted, strcspn(wanted, "/"));
	g_autoptr(JsonArray) all = recovery_api_list(step, "/api/v1/persistentvolumes", error);

	if (all == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(all); i++) {
		JsonNode *volume = json_array_get_element(all, i);

		if (g_str_equal(rd_api_label(volume, OWNER "owner-kind"), kind) &&
		    g_str_equal(rd_api_label(volume, OWNER "owner-name"), name) &&
		    g_str_equal(rd_api_label(volume, OWNER "owner-namespace"), namespace))
			return rd_api_refuse(
			    error,
			    "%s %s stays: PersistentVolume %s is of it, and is %s. First its "
			    "volumes (those that are bound: the claim's owner decides), then their "
			    "links, then this",
			    kind, wanted, rd_api_name(volume),
			    rd_api_text(volume, "status", "phase", NULL));
	}
	return TRUE;
}

/* "CLASS" of storageClassDevices, or of the set; their directories on the nodes */
static gboolean
has_class(JsonNode *object, const char *class)
{
	JsonArray *devices = rd_api_items(object, "spec", "storageClassDevices", NULL);

	if (g_str_equal(rd_api_text(object, "spec", "storageClassName", NULL), class))
		return TRUE;
	for (guint i = 0; i < rd_api_length(devices); i++)
		if (g_str_equal(
			rd_api_text(json_array_get_element(devices, i), "storageClassName", NULL),
			class))
			return TRUE;
	return FALSE;
}

/* Links are second: one that is left would be an orphan that nobody removes. A node that cannot be
 * looked at may have one. */
static gboolean
check_links(RecoveryStep *step, JsonNode *object, const char *kind, GError **error)
{
	g_auto(StorageLook) look = {0};
	g_autoptr(GPtrArray) unseen = NULL;
	GHashTableIter iter;
	gpointer node, host;

	if (!storage_look(step, NULL, NO_COPY, &look, error))
		return FALSE;
	unseen = storage_audit_nodes(&look.audit, FALSE);
	if (unseen->len > 0)
		return rd_api_refuse(error,
				     "%s %s stays: node %s was not looked at, and may have links "
				     "of it",
				     kind, recovery_string(step, "name"),
				     (const char *)unseen->pdata[0]);
	g_hash_table_iter_init(&iter, look.hosts);
	while (g_hash_table_iter_next(&iter, &node, &host)) {
		const StorageHost *one = host;

		for (guint i = 0; i < one->links->len; i++) {
			const StorageLink *link = one->links->pdata[i];
			g_auto(GStrv) parts =
			    g_strsplit(link->path + strlen(STORAGE_LINKS "/"), "/", 2);

			if (has_class(object, parts[0]))
				return rd_api_refuse(error, "%s %s stays: %s still has %s", kind,
						     recovery_string(step, "name"),
						     (const char *)node, link->path);
		}
	}
	return TRUE;
}

gboolean
storage_local_enter(RecoveryStep *step, GError **error)
{
	const char *uid = recovery_recall(step, "uid"), *kind;
	g_autofree char *name = NULL, *path = object_path(step, &kind, &name, error);
	g_autoptr(JsonNode) object = NULL;
	g_autoptr(GError) local = NULL;
	RecoveryApiEnd end = RECOVERY_API_DONE;

	if (path == NULL)
		return FALSE;
	object = recovery_api_get(step, path, &local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (object != NULL && g_str_equal(rd_api_uid(object), uid) &&
	    !rd_api_is_terminating(object) &&
	    (!check_volumes(step, kind, name, error) || !check_links(step, object, kind, error) ||
	     !storage_delete(step, path, uid,
			     rd_api_text(object, "metadata", "resourceVersion", NULL), &end,
			     error)))
		return FALSE;
	if (end == RECOVERY_API_CONFLICT)
		return rd_api_refuse(error, "%s %s was changed in this moment: look again", kind,
				     recovery_string(step, "name"));
	return recovery_wait(step, storage_local_probe, error);
}
