/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who has a volume: as the API has it (VolumeAttachments, which a restore takes back to the past),
 * and as the hosts have it (domain 6.2). */

#include "audit.h"
#include <string.h>

#define VOLUME	   "PersistentVolume"
#define ATTACHMENT "VolumeAttachment"

/* FALSE: its driver attaches nothing (NFS and the like), or it is none of CSI's */
static gboolean
is_attachable(const StorageAudit *self, JsonNode *volume)
{
	const char *driver = rd_api_text(volume, "spec", "csi", "driver", NULL);
	JsonNode *object = g_hash_table_lookup(self->drivers, driver);
	JsonNode *required = rd_api_at(object, "spec", "attachRequired", NULL);

	return *driver != '\0' && (required == NULL || rd_api_true(required, NULL));
}

/* several nodes may have it at a time */
static gboolean
is_shared(JsonNode *volume)
{
	JsonArray *modes = rd_api_items(volume, "spec", "accessModes", NULL);

	for (guint i = 0; i < rd_api_length(modes); i++) {
		const char *mode = rd_api_text(json_array_get_element(modes, i), NULL);

		if (g_str_equal(mode, "ReadWriteMany") || g_str_equal(mode, "ReadOnlyMany"))
			return TRUE;
	}
	return FALSE;
}

/* the kubelet of @node says that it uses @volume */
static gboolean
kubelet_uses(const StorageAudit *self, JsonNode *volume, const char *node)
{
	JsonNode *object = rd_api_find(self->now->lists[STORAGE_NODES], node);
	JsonArray *used = rd_api_items(object, "status", "volumesInUse", NULL);
	g_autofree char *name = g_strdup_printf(
	    "kubernetes.io/csi/%s^%s", rd_api_text(volume, "spec", "csi", "driver", NULL),
	    rd_api_text(volume, "spec", "csi", "volumeHandle", NULL));

	for (guint i = 0; i < rd_api_length(used); i++)
		if (g_str_equal(rd_api_text(json_array_get_element(used, i), NULL), name))
			return TRUE;
	return FALSE;
}

gboolean
storage_attachment_is_unused(const StorageAudit *self, JsonNode *attachment, char **why)
{
	const char *name = rd_api_text(attachment, "spec", "source", "persistentVolumeName", NULL);
	const char *node = rd_api_text(attachment, "spec", "nodeName", NULL);
	JsonNode *volume = g_hash_table_lookup(self->volumes, name);
	const StorageHost *host = g_hash_table_lookup(self->hosts, node);
	JsonNode *object = rd_api_find(self->now->lists[STORAGE_NODES], node);
	JsonNode *lease = rd_api_find(self->now->lists[STORAGE_LEASES], node);
	g_autoptr(GPtrArray) pods = volume != NULL ? storage_audit_users(self, volume, node) : NULL;
	const char *mount;

	*why = NULL;
	if (volume == NULL)
		/* without its handle nobody can look for it on the host */
		*why = g_strdup_printf("there is no PersistentVolume %s to look for", name);
	else if (pods != NULL) {
		g_autofree char *pod = storage_object_name("Pod", pods->pdata[0]);

		*why = g_strdup_printf("%s uses it there", pod);
	} else if (host == NULL)
		*why = g_strdup_printf("%s itself was not looked at", node);
	else if ((mount = storage_host_mount_of(host, volume)) != NULL)
		*why = g_strdup_printf("%s has it mounted at %s", node, mount);
	else if (object == NULL)
		*why = g_strdup_printf("there is no Node %s", node);
	else if (kubelet_uses(self, volume, node))
		*why = g_strdup_printf("the kubelet of %s says that it is in use", node);
	else if (recovery_fresh_node(&self->moment, object, lease, why) == RECOVERY_FRESH_TRUE)
		g_clear_pointer(why, g_free);
	return *why == NULL;
}

/* ---- VolumeAttachments that nobody uses ---------------------------------------------------- */

static void
check_attachment(StorageAudit *self, JsonNode *attachment)
{
	const char *name = rd_api_text(attachment, "spec", "source", "persistentVolumeName", NULL);
	const char *node = rd_api_text(attachment, "spec", "nodeName", NULL);
	JsonNode *volume = g_hash_table_lookup(self->volumes, name);
	g_autoptr(GPtrArray) here = volume != NULL ? storage_audit_users(self, volume, node) : NULL;
	g_autoptr(GPtrArray) anywhere =
	    volume != NULL ? storage_audit_users(self, volume, NULL) : NULL;
	gboolean wanted = anywhere != NULL && !is_shared(volume);
	g_autofree char *object = NULL, *word = NULL, *why = NULL, *pod = NULL;
	StorageFinding *finding;
	gboolean unused;

	/* an inline volume's, one of a pod that is there, or one that is on its way out */
	if (*name == '\0' || here != NULL || rd_api_is_terminating(attachment))
		return;
	object = storage_object_name(ATTACHMENT, attachment);
	word = storage_word(rd_api_name(attachment));
	unused = storage_attachment_is_unused(self, attachment, &why);
	pod = wanted ? storage_object_name("Pod", anywhere->pdata[0]) : NULL;
	finding = storage_finding_add(
	    self->findings, wanted ? STORAGE_CRITICAL : STORAGE_WARNING,
	    wanted ? "attached-elsewhere" : "attachment-unused", object, node,
	    "PersistentVolume %s is attached to %s, where no pod uses it%s%s%s%s; %s%s", name, node,
	    wanted ? "; " : "", wanted ? pod : "", wanted ? " wants it on " : "",
	    wanted ? rd_api_text(anywhere->pdata[0], "spec", "nodeName", NULL) : "",
	    unused ? "nothing is mounted there" : "that nobody uses it is not proven: ",
	    unused ? "" : why);
	finding->gates = wanted || !unused;
	if (unused) {
		g_free(finding->remedy);
		finding->remedy = g_strdup("storage/detach-unused");
		storage_finding_set_manual(finding, "oc delete volumeattachment %s", word);
	} else {
		storage_finding_set_manual(
		    finding, "see on %s that nothing uses it, then: oc delete volumeattachment %s",
		    node, word);
	}
}

void
storage_audit_attachments(StorageAudit *self)
{
	JsonArray *attachments = self->now->lists[STORAGE_ATTACHMENTS];

	for (guint i = 0; i < rd_api_length(attachments); i++)
		check_attachment(self, json_array_get_element(attachments, i));
}

/* ---- hosts that have what the API does not know of ----------------------------------------- */

static void
check_mount(StorageAudit *self, JsonNode *volume, const char *node, const StorageHost *host)
{
	const char *mount = storage_host_mount_of(host, volume);
	const char *disk = mount == NULL ? storage_host_disk_of(host, volume) : NULL;
	g_autoptr(GPtrArray) here = NULL;
	g_autofree char *object = NULL;
	StorageFinding *finding;

	if ((mount == NULL && disk == NULL) ||
	    storage_audit_attachment(self, rd_api_name(volume), node) != NULL)
		return;
	here = storage_audit_users(self, volume, node);
	object = storage_object_name(VOLUME, volume);
	/* where a pod wants it, the controller attaches it anew by itself */
	finding = storage_finding_add(
	    self->findings, here != NULL ? STORAGE_WARNING : STORAGE_CRITICAL, "attached-elsewhere",
	    object, node, "%s has it %s %s, and the API knows of no attachment there%s", node,
	    mount != NULL ? "mounted at" : "as the device /dev/disk/by-id/",
	    mount != NULL ? mount : disk,
	    here != NULL ? "; a pod there uses it" : ", nor of a pod that uses it there");
	finding->gates = TRUE;
	storage_finding_set_manual(finding,
				   "stop what uses it on %s (crictl ps), unmount it there, then "
				   "detach it at the provider",
				   node);
}

void
storage_audit_mounts(StorageAudit *self)
{
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];
	JsonArray *nodes = self->now->lists[STORAGE_NODES];

	for (guint i = 0; i < rd_api_length(volumes); i++) {
		JsonNode *volume = json_array_get_element(volumes, i);

		if (!is_attachable(self, volume))
			continue;
		for (guint j = 0; j < rd_api_length(nodes); j++) {
			const char *node = rd_api_name(json_array_get_element(nodes, j));
			const StorageHost *host = g_hash_table_lookup(self->hosts, node);

			if (host != NULL)
				check_mount(self, volume, node, host);
		}
	}
}
