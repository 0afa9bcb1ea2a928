/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What drivers, kubelets and controllers complain of: in events, and in VolumeAttachments. Only
 * what was said since the restore counts; the rest came out of the snapshot. */

#include "audit.h"
#include <string.h>

#define VOLUME "PersistentVolume"

static double
event_time(JsonNode *event)
{
	double time = rd_api_time(event, "series", "lastObservedTime", NULL);

	time = MAX(time, rd_api_time(event, "lastTimestamp", NULL));
	time = MAX(time, rd_api_time(event, "eventTime", NULL));
	return MAX(time, rd_api_time(event, "metadata", "creationTimestamp", NULL));
}

/* events.k8s.io calls it note */
static const char *
event_message(JsonNode *event)
{
	const char *message = rd_api_text(event, "message", NULL);

	return *message != '\0' ? message : rd_api_text(event, "note", NULL);
}

/* The volume that a message names: 'AttachVolume.Attach failed for volume "pvc-1" : …' */
static JsonNode *
volume_named(const StorageAudit *self, const char *message)
{
	static const char mark[] = "for volume \"";
	const char *begin = strstr(message, mark);
	const char *end = begin != NULL ? strchr(begin + strlen(mark), '"') : NULL;
	g_autofree char *name = NULL;

	if (end == NULL)
		return NULL;
	name = g_strndup(begin + strlen(mark), end - begin - strlen(mark));
	return g_hash_table_lookup(self->volumes, name);
}

/* already said of that volume and node: an event comes again and again */
static gboolean
is_known(const StorageAudit *self, const char *kind, const char *object, const char *node)
{
	for (guint i = 0; i < self->findings->len; i++) {
		const StorageFinding *finding = self->findings->pdata[i];

		if (g_str_equal(finding->kind, kind) && g_str_equal(finding->object, object) &&
		    g_str_equal(finding->node, node))
			return TRUE;
	}
	return FALSE;
}

/* the nodes that have @volume, as the API and the hosts say, but @but. (transfer full) */
static char *
holders(const StorageAudit *self, JsonNode *volume, const char *but)
{
	JsonArray *nodes = self->now->lists[STORAGE_NODES];
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < rd_api_length(nodes); i++) {
		const char *node = rd_api_name(json_array_get_element(nodes, i));
		const StorageHost *host = g_hash_table_lookup(self->hosts, node);
		const char *mount = host != NULL ? storage_host_mount_of(host, volume) : NULL;
		const char *disk = host != NULL ? storage_host_disk_of(host, volume) : NULL;

		if (g_str_equal(node, but))
			continue;
		if (mount != NULL)
			g_string_append_printf(text, "; %s has it mounted at %s", node, mount);
		else if (disk != NULL)
			g_string_append_printf(text, "; %s has its device %s", node, disk);
		else if (storage_audit_attachment(self, rd_api_name(volume), node) != NULL)
			g_string_append_printf(text, "; the API has it attached to %s", node);
	}
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
add_gone(StorageAudit *self, JsonNode *volume, const char *node, const char *where,
	 const char *message)
{
	g_autofree char *object = storage_object_name(VOLUME, volume);
	g_autofree char *source = storage_volume_source(volume);
	g_autofree char *name = storage_word(rd_api_name(volume));
	StorageFinding *finding;

	if (is_known(self, "volume-gone", object, node))
		return;
	finding =
	    storage_finding_add(self->findings, STORAGE_CRITICAL, "volume-gone", object, node,
				"the provider does not know %s: %s: %s", source, where, message);
	finding->gates = *node != '\0' && storage_audit_in_use(self, volume);
	storage_finding_set_manual(
	    finding,
	    "oc patch pv %s -p '{\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\"}}'; then "
	    "restore the volume at the provider, make a PV that points to it, bind the claim to "
	    "that",
	    name);
}

static void
add_busy(StorageAudit *self, JsonNode *volume, const char *node, const char *where,
	 const char *message)
{
	g_autofree char *object = storage_object_name(VOLUME, volume);
	g_autofree char *others = holders(self, volume, node);
	StorageFinding *finding;

	if (is_known(self, "attached-elsewhere", object, node))
		return;
	finding = storage_finding_add(self->findings, STORAGE_CRITICAL, "attached-elsewhere",
				      object, node, "it cannot be attached to %s: %s: %s%s",
				      *node != '\0' ? node : "its node", where, message, others);
	finding->gates = *node != '\0';
	storage_finding_set_manual(finding, "stop what uses it on the other node, then detach it "
					    "there at the provider");
}

static void
add_other(StorageAudit *self, JsonNode *volume, const char *node, const char *where,
	  const char *message)
{
	g_autofree char *object = storage_object_name(VOLUME, volume);
	g_autofree char *name = storage_word(rd_api_name(volume));
	StorageFinding *finding;

	if (is_known(self, "volume-error", object, node))
		return;
	finding = storage_finding_add(self->findings, STORAGE_WARNING, "volume-error", object, node,
				      "%s: %s", where, message);
	finding->gates = *node != '\0' && storage_audit_in_use(self, volume);
	storage_finding_set_manual(finding, "oc describe pv %s", name);
}

static void
add_error(StorageAudit *self, JsonNode *volume, const char *node, const char *where,
	  const char *message)
{
	const char *driver = rd_api_text(volume, "spec", "csi", "driver", NULL);

	switch (storage_message_says(message)) {
	case STORAGE_SAYS_GONE:
		add_gone(self, volume, node, where, message);
		return;
	case STORAGE_SAYS_BUSY:
		add_busy(self, volume, node, where, message);
		return;
	case STORAGE_SAYS_CREDENTIALS:
		if (*driver != '\0') {
			storage_audit_add_credentials(self, driver, where, message);
			return;
		}
		G_GNUC_FALLTHROUGH;
	case STORAGE_SAYS_OTHER:
		add_other(self, volume, node, where, message);
		return;
	case STORAGE_SAYS_NOTHING:
		return;
	}
}

/* ---- events -------------------------------------------------------------------------------- */

static const char *const reasons[] = {"FailedAttachVolume", "FailedMount", "FailedMapVolume",
				      "VolumeFailedDelete", NULL};

static void
check_event(StorageAudit *self, JsonNode *event)
{
	const char *message = event_message(event);
	const char *reason = rd_api_text(event, "reason", NULL);
	const char *kind = rd_api_text(event, "involvedObject", "kind", NULL);
	g_autofree char *name = NULL, *where = NULL;
	JsonNode *volume = volume_named(self, message);
	const char *node = "";

	if (!storage_audit_is_fresh(self, event_time(event)))
		return;
	name = g_strdup_printf("%s/%s", rd_api_text(event, "involvedObject", "namespace", NULL),
			       rd_api_text(event, "involvedObject", "name", NULL));
	where = g_strdup_printf("event %s of %s %s", reason, kind, name);
	/* a claim that gets no volume: which driver that is, its class says */
	if (g_str_equal(reason, "ProvisioningFailed")) {
		JsonNode *claim = g_hash_table_lookup(self->claims, name);
		JsonNode *class = rd_api_find(self->now->lists[STORAGE_CLASSES],
					      rd_api_text(claim, "spec", "storageClassName", NULL));

		if (storage_message_says(message) == STORAGE_SAYS_CREDENTIALS && class != NULL)
			storage_audit_add_credentials(self, rd_api_text(class, "provisioner", NULL),
						      where, message);
		return;
	}
	if (!g_strv_contains(reasons, reason) || volume == NULL)
		return;
	if (g_str_equal(kind, "Pod")) {
		g_autoptr(GPtrArray) pods = storage_audit_users(self, volume, NULL);
		JsonNode *pod = NULL;

		for (guint i = 0; pods != NULL && i < pods->len; i++) {
			g_autofree char *one = storage_object_name("Pod", pods->pdata[i]);

			if (g_str_equal(one + strlen("Pod/"), name))
				pod = pods->pdata[i];
		}
		/* of a pod that is gone, or has become well meanwhile */
		if (pod == NULL || g_str_equal(rd_api_condition_status(pod, "Ready"), "True"))
			return;
		node = rd_api_text(pod, "spec", "nodeName", NULL);
	}
	add_error(self, volume, node, where, message);
}

/* ---- VolumeAttachments --------------------------------------------------------------------- */

static void
check_attachment(StorageAudit *self, JsonNode *attachment, const char *what)
{
	const char *name = rd_api_text(attachment, "spec", "source", "persistentVolumeName", NULL);
	const char *message = rd_api_text(attachment, "status", what, "message", NULL);
	double time = rd_api_time(attachment, "status", what, "time", NULL);
	JsonNode *volume = g_hash_table_lookup(self->volumes, name);
	g_autofree char *where = NULL;

	if (*message == '\0' || volume == NULL || !storage_audit_is_fresh(self, time))
		return;
	where = g_strdup_printf("%s of VolumeAttachment %s", what, rd_api_name(attachment));
	add_error(self, volume, rd_api_text(attachment, "spec", "nodeName", NULL), where, message);
}

void
storage_audit_errors(StorageAudit *self)
{
	JsonArray *attachments = self->now->lists[STORAGE_ATTACHMENTS];
	JsonArray *events = self->now->lists[STORAGE_EVENTS];

	for (guint i = 0; i < rd_api_length(attachments); i++) {
		check_attachment(self, json_array_get_element(attachments, i), "attachError");
		check_attachment(self, json_array_get_element(attachments, i), "detachError");
	}
	for (guint i = 0; i < rd_api_length(events); i++)
		check_event(self, json_array_get_element(events, i));
}
