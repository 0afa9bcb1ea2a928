/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Local volumes: the links that the Local Storage Operator made, and the devices behind them
 * (domain 6.4). */

#include "audit.h"
#include <string.h>

#define VOLUME "PersistentVolume"
#define OWNER  "storage.openshift.com/"

/* the operator calls a PV after the link, the Node (not its hostname label) and the class: FNV-1a,
 * 32 bits. So a PV that was made for another link can be told [src LSO] */
static char *
local_name(const char *link, const char *node, const char *class)
{
	const char *const parts[] = {link, node, class};
	guint32 hash = 2166136261u;

	for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
		for (const char *p = parts[i]; *p != '\0'; p++)
			hash = (hash ^ (guchar)*p) * 16777619u;
	return g_strdup_printf("local-pv-%x", hash);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

gboolean
storage_link_may_go(const StorageAudit *self, const StorageHost *host, const StorageLink *link,
		    JsonNode *volume, char **why)
{
	const char *phase = rd_api_text(volume, "status", "phase", NULL);
	const char *policy = rd_api_text(volume, "spec", "persistentVolumeReclaimPolicy", NULL);
	g_autofree char *claim = volume != NULL ? storage_volume_claim(volume) : NULL;
	const char *mount = volume != NULL ? storage_host_mount_of(host, volume) : NULL;
	gboolean available = g_str_equal(phase, "Available") && claim == NULL;
	/* with Delete the operator would wipe the device if it came back */
	gboolean released = g_str_equal(phase, "Released") && g_str_equal(policy, "Retain");
	GHashTableIter iter;
	gpointer other;

	*why = NULL;
	if (!link->is_link || !link->dangles)
		*why = g_strdup("where it points to there is something");
	else if (mount != NULL)
		*why = g_strdup_printf("it is mounted at %s", mount);
	else if (volume != NULL && !available && !released)
		*why = g_strdup_printf("%s is %s%s%s, reclaimPolicy %s", rd_api_name(volume),
				       *phase != '\0' ? phase : "in no phase",
				       claim != NULL ? " for " : "", claim != NULL ? claim : "",
				       *policy != '\0' ? policy : "not set");
	for (guint i = 0; *why == NULL && i < host->mounts->len; i++) {
		const StorageMount *one = host->mounts->pdata[i];

		if (g_str_equal(one->source, link->target) ||
		    g_str_equal(one->source, link->path) || g_str_equal(one->target, link->path))
			*why = g_strdup_printf("it is mounted at %s", one->target);
	}
	/* the claim may know the volume before the volume knows the claim */
	g_hash_table_iter_init(&iter, self->claims);
	while (*why == NULL && volume != NULL && g_hash_table_iter_next(&iter, NULL, &other))
		if (g_str_equal(rd_api_text(other, "spec", "volumeName", NULL),
				rd_api_name(volume)) &&
		    !(released && claim == NULL))
			*why = g_strdup_printf("claim %s/%s is bound to it",
					       rd_api_text(other, "metadata", "namespace", NULL),
					       rd_api_name(other));
	return *why == NULL;
}

/* the words of a person's order: PV, link, and the rest only when the device is given up */
static void
advise(StorageFinding *finding, const char *node, const char *path, JsonNode *volume,
       const char *why)
{
	g_autofree char *link = storage_word(path);
	g_autofree char *name = volume != NULL ? storage_word(rd_api_name(volume)) : g_strdup("");

	if (why == NULL) {
		g_free(finding->remedy);
		finding->remedy = g_strdup("storage/remove-dangling");
		storage_finding_set_manual(finding,
					   "%s%s%son %s: [ -L %s ] && [ ! -e %s ] && rm %s",
					   volume != NULL ? "oc delete pv " : "", name,
					   volume != NULL ? "; then " : "", node, link, link, link);
	} else {
		storage_finding_set_manual(
		    finding,
		    "put the device back; or, when its data is given up, stop the workload first "
		    "(%s), delete the claim, the PV, then the link on %s",
		    why, node);
	}
}

static void
check_volume_link(StorageAudit *self, const StorageHost *host, const char *node, JsonNode *volume)
{
	const char *path = rd_api_text(volume, "spec", "local", "path", NULL);
	const char *id = rd_api_annotation(volume, OWNER "device-id");
	const StorageLink *link = storage_host_find_link(host, path);
	const char *device = link != NULL ? storage_host_device(host, link) : NULL;
	const char *meant = *id != '\0' ? g_hash_table_lookup(host->by_id, id) : NULL;
	gboolean bound = storage_audit_in_use(self, volume);
	StorageSeverity severity = bound ? STORAGE_CRITICAL : STORAGE_WARNING;
	g_autofree char *object = storage_object_name(VOLUME, volume);
	g_autofree char *expected = NULL, *why = NULL;
	StorageFinding *finding;

	expected = local_name(base_name(path), node,
			      rd_api_text(volume, "spec", "storageClassName", NULL));
	if (link == NULL) {
		finding = storage_finding_add(self->findings, severity, "device-gone", object, node,
					      "%s has no %s", node, path);
		storage_finding_set_manual(
		    finding,
		    "see with lsblk on %s whether the device is there; the operator "
		    "makes the link again when its LocalVolume selects it",
		    node);
	} else if (link->dangles) {
		storage_link_may_go(self, host, link, volume, &why);
		finding = storage_finding_add(self->findings, severity, "device-gone", object, node,
					      "%s leads to %s, which is not there%s%s%s", path,
					      link->target, meant != NULL ? "; its device " : "",
					      meant != NULL ? id : "",
					      meant != NULL ? " is, under another name" : "");
		advise(finding, node, path, volume, why);
	} else if (meant != NULL && device != NULL && !g_str_equal(meant, device)) {
		finding = storage_finding_add(
		    self->findings, severity, "device-other", object, node,
		    "%s leads to %s, which is %s; its own device, %s, is %s: devices were renamed, "
		    "and a workload would read and write another's data",
		    path, link->target, device, id, meant);
		storage_finding_set_manual(finding,
					   "stop what uses the PV before anything is written; on "
					   "%s point the link to /dev/disk/by-id/%s",
					   node, id);
	} else if (*id != '\0' && meant == NULL && device != NULL) {
		finding = storage_finding_add(
		    self->findings, severity, "device-other", object, node,
		    "%s leads to %s, but the device it was made for, %s, is not on %s any more",
		    path, link->target, id, node);
		storage_finding_set_manual(
		    finding, "compare serial numbers on %s: lsblk -o NAME,SERIAL,WWN,SIZE", node);
	} else if (g_str_has_prefix(rd_api_name(volume), "local-pv-") &&
		   *rd_api_label(volume, OWNER "owner-kind") != '\0' &&
		   !g_str_equal(rd_api_name(volume), expected)) {
		finding = storage_finding_add(
		    self->findings, severity, "device-other", object, node,
		    "the operator would call the PV of %s on %s %s: this one was made for another "
		    "link",
		    path, node, expected);
		storage_finding_set_manual(
		    finding, "compare serial numbers on %s: lsblk -o NAME,SERIAL,WWN,SIZE", node);
	} else {
		return;
	}
	finding->gates = bound;
}

/* ---- links without a volume ---------------------------------------------------------------- */

static gboolean
has_volume(const StorageAudit *self, const char *node, const char *path)
{
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];

	for (guint i = 0; i < rd_api_length(volumes); i++) {
		JsonNode *volume = json_array_get_element(volumes, i);

		if (g_str_equal(rd_api_text(volume, "spec", "local", "path", NULL), path) &&
		    g_str_equal(storage_audit_node_by_host(self, storage_volume_host(volume)),
				node))
			return TRUE;
	}
	return FALSE;
}

static void
check_links(StorageAudit *self, const StorageHost *host, const char *node)
{
	for (guint i = 0; i < host->links->len; i++) {
		const StorageLink *link = host->links->pdata[i];
		g_autofree char *why = NULL, *object = NULL;
		StorageFinding *finding;

		if (!link->is_link || has_volume(self, node, link->path))
			continue;
		object = g_strconcat("Link/", link->path, NULL);
		storage_link_may_go(self, host, link, NULL, &why);
		finding = storage_finding_add(
		    self->findings, link->dangles ? STORAGE_WARNING : STORAGE_NOTE, "link-orphaned",
		    object, node, "it leads to %s%s, and no PersistentVolume is of it",
		    link->target, link->dangles ? ", which is not there" : "");
		if (why == NULL)
			advise(finding, node, link->path, NULL, NULL);
		else
			storage_finding_set_manual(
			    finding, "the operator makes the PV again as long as a LocalVolume "
				     "selects the device: oc get localvolume,localvolumeset -A");
	}
}

void
storage_audit_devices(StorageAudit *self)
{
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];
	JsonArray *nodes = self->now->lists[STORAGE_NODES];
	g_autoptr(GHashTable) unseen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < rd_api_length(volumes); i++) {
		JsonNode *volume = json_array_get_element(volumes, i);
		const char *path = rd_api_text(volume, "spec", "local", "path", NULL);
		const char *node = storage_audit_node_by_host(self, storage_volume_host(volume));
		const StorageHost *host = g_hash_table_lookup(self->hosts, node);

		if (!g_str_has_prefix(path, STORAGE_LINKS "/") || *node == '\0')
			continue;
		if (host != NULL)
			check_volume_link(self, host, node, volume);
		else
			g_hash_table_add(unseen, (gpointer)node);
	}
	for (guint i = 0; i < rd_api_length(nodes); i++) {
		const char *node = rd_api_name(json_array_get_element(nodes, i));
		const StorageHost *host = g_hash_table_lookup(self->hosts, node);
		g_autofree char *object = g_strconcat("Node/", node, NULL);

		if (host != NULL)
			check_links(self, host, node);
		else if (g_hash_table_contains(unseen, node))
			storage_finding_set_manual(
			    storage_finding_add(self->findings, STORAGE_NOTE, "not-looked", object,
						node,
						"it has local volumes, and was not looked at: it "
						"is not in the inventory, or did not answer"),
			    "add it to the inventory, then: recoveryd start audit-storage");
	}
}
