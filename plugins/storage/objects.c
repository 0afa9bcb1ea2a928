/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "objects.h"
#include <string.h>

static const struct {
	const char *name, *path;
	gboolean optional; /* a cluster may lack the kind for good */
} kinds[] = {
    [STORAGE_VOLUMES] = {"persistentvolumes", "/api/v1/persistentvolumes", FALSE},
    [STORAGE_CLAIMS] = {"persistentvolumeclaims", "/api/v1/persistentvolumeclaims", FALSE},
    [STORAGE_ATTACHMENTS] = {"volumeattachments", "/apis/storage.k8s.io/v1/volumeattachments",
			     FALSE},
    [STORAGE_CLASSES] = {"storageclasses", "/apis/storage.k8s.io/v1/storageclasses", FALSE},
    [STORAGE_CSI_NODES] = {"csinodes", "/apis/storage.k8s.io/v1/csinodes", FALSE},
    [STORAGE_CSI_DRIVERS] = {"csidrivers", "/apis/storage.k8s.io/v1/csidrivers", FALSE},
    [STORAGE_LOCAL_VOLUMES] = {"localvolumes", "/apis/local.storage.openshift.io/v1/localvolumes",
			       TRUE},
    [STORAGE_LOCAL_SETS] = {"localvolumesets",
			    "/apis/local.storage.openshift.io/v1alpha1/localvolumesets", TRUE},
    [STORAGE_NODES] = {"nodes", "/api/v1/nodes", FALSE},
    [STORAGE_LEASES] = {"leases", "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
			FALSE},
    [STORAGE_PODS] = {"pods", "/api/v1/pods", FALSE},
    [STORAGE_SETS] = {"statefulsets", "/apis/apps/v1/statefulsets", FALSE},
    [STORAGE_EVENTS] = {"events", "/api/v1/events?fieldSelector=type%3DWarning", FALSE},
    [STORAGE_OPERATORS] = {"clusteroperators", "/apis/config.openshift.io/v1/clusteroperators",
			   TRUE},
    [STORAGE_CREDENTIALS] = {"credentialsrequests",
			     "/apis/cloudcredential.openshift.io/v1/credentialsrequests", TRUE},
};
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == STORAGE_LISTS);

StorageObjects *
storage_objects_new(void)
{
	return g_new0(StorageObjects, 1);
}

void
storage_objects_free(StorageObjects *self)
{
	for (guint i = 0; i < STORAGE_LISTS; i++)
		g_clear_pointer(&self->lists[i], json_array_unref);
	g_free(self);
}

const char *
storage_list_name(StorageList list)
{
	return kinds[list].name;
}

StorageObjects *
storage_objects_get(RecoveryStep *step, guint n, gboolean cached, GError **error)
{
	g_autoptr(StorageObjects) self = storage_objects_new();

	for (guint i = 0; i < n; i++) {
		g_autofree char *path =
		    g_strdup_printf("%s%s", kinds[i].path,
				    !cached				 ? ""
				    : strchr(kinds[i].path, '?') != NULL ? "&resourceVersion=0"
									 : "?resourceVersion=0");

		recovery_progress(step, "reading %s", kinds[i].name);
		self->lists[i] = kinds[i].optional ? rd_api_list_if_served(step, path, NULL, error)
						   : recovery_api_list(step, path, error);
		if (self->lists[i] == NULL)
			return NULL;
	}
	return g_steal_pointer(&self);
}

/* ---- the copy ------------------------------------------------------------------------------ */

static void
forget(JsonNode *object, const char *name)
{
	if (object != NULL && JSON_NODE_HOLDS_OBJECT(object))
		json_object_remove_member(json_node_get_object(object), name);
}

/* a copy of @object without what only the server needs. By way of its text: json_node_copy() of an
 * object shares what is in it */
static JsonNode *
slim(JsonNode *object)
{
	g_autofree char *text = rd_api_json(object);
	JsonNode *copy = json_from_string(text, NULL);

	forget(rd_api_at(copy, "metadata", NULL), "managedFields");
	forget(rd_api_at(copy, "metadata", "annotations", NULL),
	       "kubectl.kubernetes.io/last-applied-configuration");
	return copy;
}

char *
storage_objects_to_json(const StorageObjects *self, const char *run)
{
	g_autoptr(JsonNode) root = json_node_new(JSON_NODE_OBJECT);
	g_autofree char *taken = g_strdup_printf("%.3f", self->taken);
	JsonObject *top = json_object_new(), *lists = json_object_new();

	json_node_take_object(root, top);
	json_object_set_int_member(top, "format", 1);
	json_object_set_string_member(top, "run", run);
	json_object_set_string_member(top, "taken", taken);
	json_object_set_object_member(top, "lists", lists);
	for (guint i = 0; i < STORAGE_COPIED; i++) {
		JsonArray *array = json_array_new();

		for (guint j = 0; j < rd_api_length(self->lists[i]); j++)
			json_array_add_element(array,
					       slim(json_array_get_element(self->lists[i], j)));
		json_object_set_array_member(lists, kinds[i].name, array);
	}
	return json_to_string(root, TRUE);
}

StorageObjects *
storage_objects_from_json(const char *json, const char *from, GError **error)
{
	g_autoptr(StorageObjects) self = storage_objects_new();
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) root = json_from_string(json, &local);

	if (root == NULL || rd_api_int(root, 0, "format", NULL) != 1) {
		rd_api_refuse(
		    error,
		    "%s is no copy of storage objects that this release knows%s%s. Such a "
		    "copy is storage-….json in a run's directory, or what 'recoveryd "
		    "backup storage' prints",
		    from, local != NULL ? ": " : "", local != NULL ? local->message : "");
		return NULL;
	}
	self->taken = g_ascii_strtod(rd_api_text(root, "taken", NULL), NULL);
	for (guint i = 0; i < STORAGE_COPIED; i++) {
		JsonArray *list = rd_api_items(root, "lists", kinds[i].name, NULL);

		if (list != NULL)
			self->lists[i] = json_array_ref(list);
	}
	if (self->lists[STORAGE_VOLUMES] == NULL || self->lists[STORAGE_CLAIMS] == NULL) {
		rd_api_refuse(error,
			      "%s has no list of persistentvolumes, or none of "
			      "persistentvolumeclaims: it is cut short, or something else",
			      from);
		return NULL;
	}
	return g_steal_pointer(&self);
}

/* ---- what stands in them ------------------------------------------------------------------- */

/* of spec: the member that names the volume at its provider, and where it is served from */
static const struct {
	const char *type, *where, *id;
} sources[] = {
    {"csi", "driver", "volumeHandle"},
    {"nfs", "server", "path"},
    {"awsElasticBlockStore", NULL, "volumeID"},
    {"gcePersistentDisk", NULL, "pdName"},
    {"azureDisk", NULL, "diskURI"},
    {"cinder", NULL, "volumeID"},
    {"vsphereVolume", NULL, "volumePath"},
    {"iscsi", "targetPortal", "iqn"},
    {"rbd", "pool", "image"},
};

gboolean
storage_volume_is_local(JsonNode *volume)
{
	return *rd_api_text(volume, "spec", "local", "path", NULL) != '\0';
}

const char *
storage_volume_host(JsonNode *volume)
{
	JsonArray *terms =
	    rd_api_items(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms", NULL);

	for (guint i = 0; i < rd_api_length(terms); i++) {
		JsonArray *all =
		    rd_api_items(json_array_get_element(terms, i), "matchExpressions", NULL);

		for (guint j = 0; j < rd_api_length(all); j++) {
			JsonNode *term = json_array_get_element(all, j);
			JsonArray *values = rd_api_items(term, "values", NULL);

			if (g_str_equal(rd_api_text(term, "key", NULL), "kubernetes.io/hostname") &&
			    g_str_equal(rd_api_text(term, "operator", NULL), "In") &&
			    rd_api_length(values) == 1)
				return rd_api_text(json_array_get_element(values, 0), NULL);
		}
	}
	return "";
}

char *
storage_volume_source(JsonNode *volume)
{
	if (storage_volume_is_local(volume))
		return g_strdup_printf("local:%s:%s", storage_volume_host(volume),
				       rd_api_text(volume, "spec", "local", "path", NULL));
	for (guint i = 0; i < G_N_ELEMENTS(sources); i++) {
		JsonNode *source = rd_api_at(volume, "spec", sources[i].type, NULL);
		const char *id = rd_api_text(source, sources[i].id, NULL);
		const char *where =
		    sources[i].where != NULL ? rd_api_text(source, sources[i].where, NULL) : "";

		if (*id != '\0')
			return g_strdup_printf("%s:%s%s%s", sources[i].type, where,
					       *where != '\0' ? ":" : "", id);
	}
	return g_strdup("");
}

char *
storage_volume_claim(JsonNode *volume)
{
	const char *name = rd_api_text(volume, "spec", "claimRef", "name", NULL);

	return *name == '\0'
		   ? NULL
		   : g_strdup_printf(
			 "%s/%s", rd_api_text(volume, "spec", "claimRef", "namespace", NULL), name);
}
