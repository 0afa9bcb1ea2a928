/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Credentials that were changed behind the backup (domain 6.3). Their Secrets are named and never
 * read: what is in one is nobody's business here, and their age is for a person to look at. */

#include "audit.h"
#include <string.h>

#define PREFIX "csi.storage.k8s.io/"
#define SUFFIX "-secret-name"

static void
add_name(GPtrArray *names, const char *namespace, const char *name)
{
	g_autofree char *full = NULL;

	if (*name == '\0' || strchr(name, '$') != NULL)
		return; /* a template, "${pvc.name}": each claim has its own */
	full = g_strdup_printf("%s/%s", *namespace != '\0' ? namespace : "?", name);
	if (!g_ptr_array_find_with_equal_func(names, full, g_str_equal, NULL))
		g_ptr_array_add(names, g_steal_pointer(&full));
}

static void
add_of_class(GPtrArray *names, JsonNode *class)
{
	JsonNode *parameters = rd_api_at(class, "parameters", NULL);
	g_autoptr(GList) keys = NULL;

	if (parameters == NULL || !JSON_NODE_HOLDS_OBJECT(parameters))
		return;
	keys = json_object_get_members(json_node_get_object(parameters));
	for (GList *at = keys; at != NULL; at = at->next) {
		const char *key = at->data;
		g_autofree char *where = NULL;

		if (!g_str_has_prefix(key, PREFIX) || !g_str_has_suffix(key, SUFFIX))
			continue;
		/* "…-secret-name" stands beside "…-secret-namespace" */
		where = g_strconcat(key, "space", NULL);
		add_name(names, rd_api_text(parameters, where, NULL),
			 rd_api_text(parameters, key, NULL));
	}
}

/* Secrets that @driver's classes and volumes name. (transfer full) */
static GPtrArray *
secrets_of(const StorageAudit *self, const char *driver)
{
	static const char *const refs[] = {"controllerPublishSecretRef", "nodeStageSecretRef",
					   "nodePublishSecretRef", "controllerExpandSecretRef"};
	JsonArray *classes = self->now->lists[STORAGE_CLASSES];
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < rd_api_length(classes); i++) {
		JsonNode *class = json_array_get_element(classes, i);

		if (g_str_equal(rd_api_text(class, "provisioner", NULL), driver))
			add_of_class(names, class);
	}
	for (guint i = 0; i < rd_api_length(volumes); i++) {
		JsonNode *csi = rd_api_at(json_array_get_element(volumes, i), "spec", "csi", NULL);

		if (!g_str_equal(rd_api_text(csi, "driver", NULL), driver))
			continue;
		for (guint j = 0; j < G_N_ELEMENTS(refs); j++)
			add_name(names, rd_api_text(csi, refs[j], "namespace", NULL),
				 rd_api_text(csi, refs[j], "name", NULL));
	}
	return names;
}

void
storage_audit_add_credentials(StorageAudit *self, const char *driver, const char *where,
			      const char *what)
{
	g_autofree char *object = g_strconcat("CSIDriver/", driver, NULL);
	g_autoptr(GPtrArray) secrets = NULL;
	g_autofree char *names = NULL;
	StorageFinding *finding;

	for (guint i = 0; i < self->findings->len; i++) {
		const StorageFinding *known = self->findings->pdata[i];

		if (g_str_equal(known->kind, "credentials-rotated") &&
		    g_str_equal(known->object, object))
			return;
	}
	secrets = secrets_of(self, driver);
	g_ptr_array_add(secrets, NULL);
	names = g_strjoinv(", ", (char **)secrets->pdata);
	finding = storage_finding_add(
	    self->findings, STORAGE_CRITICAL, "credentials-rotated", object, NULL,
	    "the provider does not accept its credentials: %s: %s; %s%s", where, what,
	    *names != '\0' ? "Secrets: "
			   : "its classes and volumes name no Secret; see "
			     "openshift-cluster-csi-drivers and its operator",
	    names);
	storage_finding_set_manual(
	    finding, "oc -n NAMESPACE get secret NAME --show-managed-fields -o "
		     "jsonpath='{.metadata.managedFields[*].time}' tells how old it is; put the "
		     "credentials of today into it, and restart the driver's controller");
}

/* ---- who says so by a condition ------------------------------------------------------------ */

static void
check_request(StorageAudit *self, JsonNode *request)
{
	JsonArray *conditions = rd_api_items(request, "status", "conditions", NULL);

	for (guint i = 0; i < rd_api_length(conditions); i++) {
		JsonNode *condition = json_array_get_element(conditions, i);
		double time = MAX(rd_api_time(condition, "lastProbeTime", NULL),
				  rd_api_time(condition, "lastTransitionTime", NULL));
		g_autofree char *object = NULL;

		/* all of its conditions are about what is wrong */
		if (!g_str_equal(rd_api_text(condition, "status", NULL), "True") ||
		    !storage_audit_is_fresh(self, time))
			continue;
		object = storage_object_name("CredentialsRequest", request);
		storage_finding_set_manual(
		    storage_finding_add(
			self->findings, STORAGE_CRITICAL, "credentials-rotated", object, NULL,
			"%s: %s; it makes Secret %s/%s", rd_api_text(condition, "type", NULL),
			rd_api_text(condition, "message", NULL),
			rd_api_text(request, "spec", "secretRef", "namespace", NULL),
			rd_api_text(request, "spec", "secretRef", "name", NULL)),
		    "put today's cloud credentials into their Secret in kube-system; the "
		    "credential operator makes the others from it");
		return;
	}
}

static void
check_operator(StorageAudit *self, const char *name)
{
	JsonNode *operator= rd_api_find(self->now->lists[STORAGE_OPERATORS], name);
	JsonNode *condition = rd_api_condition(operator, "Degraded");
	const char *message = rd_api_text(condition, "message", NULL);
	g_autofree char *object = NULL;
	gboolean credentials = storage_message_says(message) == STORAGE_SAYS_CREDENTIALS;

	if (!g_str_equal(rd_api_text(condition, "status", NULL), "True") ||
	    !storage_audit_is_fresh(self, rd_api_time(condition, "lastTransitionTime", NULL)))
		return;
	object = storage_object_name("ClusterOperator", operator);
	storage_finding_set_manual(
	    storage_finding_add(self->findings, credentials ? STORAGE_CRITICAL : STORAGE_WARNING,
				credentials ? "credentials-rotated" : "operator-degraded", object,
				NULL, "Degraded: %s", message),
	    "oc describe clusteroperator %s", name);
}

/* ---- drivers that a node has not ----------------------------------------------------------- */

static gboolean
node_has_driver(const StorageAudit *self, const char *node, const char *driver)
{
	JsonNode *object = rd_api_find(self->now->lists[STORAGE_CSI_NODES], node);
	JsonArray *drivers = rd_api_items(object, "spec", "drivers", NULL);

	for (guint i = 0; i < rd_api_length(drivers); i++)
		if (g_str_equal(rd_api_text(json_array_get_element(drivers, i), "name", NULL),
				driver))
			return TRUE;
	return FALSE;
}

/* only where a pod needs it: many drivers are not meant for all nodes */
static void
check_driver(StorageAudit *self, GHashTable *said, JsonNode *volume)
{
	const char *driver = rd_api_text(volume, "spec", "csi", "driver", NULL);
	g_autoptr(GPtrArray) pods =
	    *driver != '\0' ? storage_audit_users(self, volume, NULL) : NULL;

	for (guint i = 0; pods != NULL && i < pods->len; i++) {
		const char *node = rd_api_text(pods->pdata[i], "spec", "nodeName", NULL);
		g_autofree char *key = g_strdup_printf("%s %s", driver, node);
		g_autofree char *object = NULL, *pod = NULL;

		if (*node == '\0' || node_has_driver(self, node, driver) ||
		    !g_hash_table_add(said, g_strdup(key)))
			continue;
		object = g_strconcat("CSIDriver/", driver, NULL);
		pod = storage_object_name("Pod", pods->pdata[i]);
		storage_finding_set_manual(
		    storage_finding_add(self->findings, STORAGE_WARNING, "driver-missing", object,
					node, "it is not registered on %s, where %s needs it", node,
					pod),
		    "oc get csinode %s -o yaml; see the driver's pod on that node", node);
	}
}

void
storage_audit_credentials(StorageAudit *self)
{
	JsonArray *requests = self->now->lists[STORAGE_CREDENTIALS];
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];
	g_autoptr(GHashTable) said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < rd_api_length(requests); i++)
		check_request(self, json_array_get_element(requests, i));
	check_operator(self, "storage");
	check_operator(self, "cloud-credential");
	for (guint i = 0; i < rd_api_length(volumes); i++)
		check_driver(self, said, json_array_get_element(volumes, i));
}
