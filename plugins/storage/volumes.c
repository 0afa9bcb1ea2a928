/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Volumes and claims: what was there before the restore and is not now, what is there again, and
 * who has it (domain 6.1). */

#include "audit.h"
#include <string.h>

#define VOLUME	   "PersistentVolume"
#define CLAIM	   "PersistentVolumeClaim"
#define ATTACHMENT "VolumeAttachment"

static gboolean
is_bound(JsonNode *volume)
{
	return g_str_equal(rd_api_text(volume, "status", "phase", NULL), "Bound");
}

static gboolean
deletes(JsonNode *volume)
{
	return g_str_equal(rd_api_text(volume, "spec", "persistentVolumeReclaimPolicy", NULL),
			   "Delete");
}

/* What the cluster would throw away by itself is kept until somebody has looked: the one command
 * that is always right, and can be taken back. */
static void
advise_retain(StorageFinding *finding, JsonNode *volume, const char *then)
{
	g_autofree char *name = storage_word(rd_api_name(volume));

	storage_finding_set_manual(
	    finding, "%s%s%s%s", deletes(volume) ? "oc patch pv " : "", deletes(volume) ? name : "",
	    deletes(volume)
		? " -p '{\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\"}}'; then "
		: "",
	    then);
}

/* ---- against the copy ---------------------------------------------------------------------- */

static gboolean
same_object(JsonNode *a, JsonNode *b)
{
	return g_str_equal(rd_api_uid(a), rd_api_uid(b));
}

/* The copy was taken behind the backup: what it has not was deleted meanwhile, and with
 * reclaimPolicy Delete its data was, too. */
static void
check_risen(StorageAudit *self, JsonNode *volume)
{
	g_autofree char *object = storage_object_name(VOLUME, volume);
	g_autofree char *source = storage_volume_source(volume);
	const char *node = storage_audit_node_of(self, volume);
	StorageFinding *finding = storage_finding_add(
	    self->findings, is_bound(volume) ? STORAGE_CRITICAL : STORAGE_WARNING, "volume-risen",
	    object, node, "it is in the backup, but was deleted before the restore%s; %s",
	    deletes(volume) ? ", and its reclaimPolicy is Delete: the provider has deleted its data"
			    : "",
	    *source != '\0' ? source : "its provider cannot be told");

	finding->gates = *node != '\0' && storage_audit_in_use(self, volume);
	advise_retain(finding, volume,
		      "ask the provider whether the volume still exists; if not, restore it there, "
		      "make a PV that points to it, and bind the claim to that");
}

static void
check_owner(StorageAudit *self, JsonNode *volume, JsonNode *before)
{
	g_autofree char *claim = storage_volume_claim(volume), *was = storage_volume_claim(before);
	const char *uid = rd_api_text(volume, "spec", "claimRef", "uid", NULL);
	const char *old = rd_api_text(before, "spec", "claimRef", "uid", NULL);
	g_autofree char *object = NULL;
	const char *node;
	StorageFinding *finding;
	gboolean other;

	if (claim == NULL || was == NULL)
		return;
	other = !g_str_equal(claim, was);
	if (!other && (g_str_equal(uid, old) || *uid == '\0' || *old == '\0'))
		return;
	object = storage_object_name(VOLUME, volume);
	node = storage_audit_node_of(self, volume);
	finding = storage_finding_add(
	    self->findings, other ? STORAGE_CRITICAL : STORAGE_WARNING, "claim-changed", object,
	    node,
	    "before the restore claim %s (uid %s) had it, now %s (uid %s) has: what is in it "
	    "is the other one's",
	    was, old, claim, uid);
	finding->gates = *node != '\0';
	advise_retain(finding, volume,
		      "stop the workload of the claim that has it now, and decide whose data it is "
		      "before anything starts");
}

/* who of now has the same volume of the provider. (element-type utf8 JsonNode) */
static GHashTable *
by_source(JsonArray *volumes)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < rd_api_length(volumes); i++) {
		JsonNode *volume = json_array_get_element(volumes, i);
		g_autofree char *source = storage_volume_source(volume);

		if (*source != '\0')
			g_hash_table_replace(table, g_steal_pointer(&source), volume);
	}
	return table;
}

static void
check_orphan(StorageAudit *self, JsonNode *before)
{
	g_autofree char *object = storage_object_name(VOLUME, before);
	g_autofree char *source = storage_volume_source(before);
	g_autofree char *claim = storage_volume_claim(before);
	g_autofree char *name = g_shell_quote(rd_api_name(before));
	g_autofree char *file =
	    storage_word(self->before_file != NULL ? self->before_file : "COPY");
	StorageFinding *finding = storage_finding_add(
	    self->findings, STORAGE_WARNING, "volume-orphaned", object, NULL,
	    "it was there before the restore and is not in the backup; the provider still has %s, "
	    "which nobody in the cluster knows%s%s",
	    source, claim != NULL ? "; it was claimed by " : "", claim != NULL ? claim : "");

	storage_finding_set_manual(
	    finding,
	    "jq --arg n %s '.lists.persistentvolumes[] | select(.metadata.name == $n) | "
	    "del(.metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp, "
	    ".spec.claimRef.uid, .spec.claimRef.resourceVersion, .status) | "
	    ".spec.persistentVolumeReclaimPolicy = \"Retain\"' %s | oc create -f -",
	    name, file);
}

static void
check_against_copy(StorageAudit *self)
{
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];
	JsonArray *before = self->before->lists[STORAGE_VOLUMES];
	g_autoptr(GHashTable) here = by_source(volumes), there = by_source(before);
	g_autoptr(GHashTable) names = storage_audit_index(before);

	for (guint i = 0; i < rd_api_length(volumes); i++) {
		JsonNode *volume = json_array_get_element(volumes, i);
		g_autofree char *source = storage_volume_source(volume);
		JsonNode *old = g_hash_table_lookup(names, rd_api_name(volume));

		/* the same volume of the provider, whatever its PV is called by now */
		if (old == NULL || !same_object(old, volume))
			old = g_hash_table_lookup(there, source);
		if (old != NULL)
			check_owner(self, volume, old);
		/* what was made behind the copy is as young as it looks */
		else if (rd_api_time(volume, "metadata", "creationTimestamp", NULL) <
			 self->before->taken)
			check_risen(self, volume);
	}
	for (guint i = 0; i < rd_api_length(before); i++) {
		JsonNode *old = json_array_get_element(before, i);
		g_autofree char *source = storage_volume_source(old);
		JsonNode *volume = g_hash_table_lookup(self->volumes, rd_api_name(old));

		if (*source != '\0' && (volume == NULL || !same_object(volume, old)) &&
		    !g_hash_table_contains(here, source))
			check_orphan(self, old);
	}
}

/* ---- by themselves ------------------------------------------------------------------------- */

/* the volume says it is one claim's, and the claim of that name is another */
static void
check_pair(StorageAudit *self, JsonNode *volume)
{
	g_autofree char *name = storage_volume_claim(volume);
	g_autofree char *object = NULL;
	JsonNode *claim = name != NULL ? g_hash_table_lookup(self->claims, name) : NULL;
	const char *uid = rd_api_text(volume, "spec", "claimRef", "uid", NULL);
	const char *node;
	StorageFinding *finding;

	if (claim == NULL || *uid == '\0' || g_str_equal(uid, rd_api_uid(claim)))
		return;
	object = storage_object_name(VOLUME, volume);
	node = storage_audit_node_of(self, volume);
	finding = storage_finding_add(
	    self->findings, is_bound(volume) ? STORAGE_CRITICAL : STORAGE_WARNING, "claim-changed",
	    object, node,
	    "it belongs to a claim %s with uid %s, and the claim of that name has uid %s: another "
	    "one, made since",
	    name, uid, rd_api_uid(claim));
	finding->gates = *node != '\0' && storage_audit_in_use(self, volume);
	advise_retain(finding, volume,
		      "decide whose data it is before the claim's workload starts");
}

void
storage_audit_volumes(StorageAudit *self)
{
	JsonArray *volumes = self->now->lists[STORAGE_VOLUMES];

	if (self->before != NULL)
		check_against_copy(self);
	for (guint i = 0; i < rd_api_length(volumes); i++)
		check_pair(self, json_array_get_element(volumes, i));
}

void
storage_audit_claims(StorageAudit *self)
{
	JsonArray *claims = self->now->lists[STORAGE_CLAIMS];

	for (guint i = 0; i < rd_api_length(claims); i++) {
		JsonNode *claim = json_array_get_element(claims, i);
		const char *name = rd_api_text(claim, "spec", "volumeName", NULL);
		JsonNode *volume = g_hash_table_lookup(self->volumes, name);
		g_autofree char *object = NULL, *owner = NULL, *full = NULL;
		StorageFinding *finding;

		if (*name == '\0')
			continue;
		object = storage_object_name(CLAIM, claim);
		full = g_strdup(object + strlen(CLAIM "/"));
		owner = volume != NULL ? storage_volume_claim(volume) : NULL;
		if (volume == NULL)
			finding = storage_finding_add(
			    self->findings, STORAGE_CRITICAL, "claim-lost", object, NULL,
			    "it is bound to PersistentVolume %s, and there is none of that name",
			    name);
		else if (owner != NULL && !g_str_equal(owner, full))
			finding = storage_finding_add(
			    self->findings, STORAGE_CRITICAL, "claim-lost", object, NULL,
			    "it is bound to PersistentVolume %s, which belongs to claim %s", name,
			    owner);
		else
			continue;
		storage_finding_set_manual(
		    finding,
		    "find the volume at the provider; make a PV that points to it (Retain) "
		    "and whose claimRef names this claim");
	}
}

/* ---- who stands still because of it -------------------------------------------------------- */

static JsonNode *
attached_volume(const StorageAudit *self, const char *attachment)
{
	JsonNode *object = rd_api_find(self->now->lists[STORAGE_ATTACHMENTS], attachment);

	return g_hash_table_lookup(
	    self->volumes, rd_api_text(object, "spec", "source", "persistentVolumeName", NULL));
}

/* claims ("NAMESPACE/NAME") that something was found about → the finding's object */
static GHashTable *
affected_claims(const StorageAudit *self)
{
	GHashTable *claims = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

	for (guint i = 0; i < self->findings->len; i++) {
		const StorageFinding *finding = self->findings->pdata[i];
		JsonNode *volume = NULL;
		char *claim = NULL;

		if (finding->severity == STORAGE_NOTE)
			continue;
		if (g_str_has_prefix(finding->object, VOLUME "/"))
			volume = g_hash_table_lookup(self->volumes,
						     finding->object + strlen(VOLUME "/"));
		else if (g_str_has_prefix(finding->object, ATTACHMENT "/"))
			volume = attached_volume(self, finding->object + strlen(ATTACHMENT "/"));
		if (volume != NULL)
			claim = storage_volume_claim(volume);
		else if (g_str_has_prefix(finding->object, CLAIM "/"))
			claim = g_strdup(finding->object + strlen(CLAIM "/"));
		if (claim != NULL)
			g_hash_table_replace(
			    claims, claim,
			    g_strdup_printf("%s (%s)", finding->object, finding->kind));
	}
	return claims;
}

static void
check_pods(StorageAudit *self, const char *claim, const char *why)
{
	GPtrArray *pods = g_hash_table_lookup(self->users, claim);

	for (guint i = 0; pods != NULL && i < pods->len; i++) {
		JsonNode *pod = pods->pdata[i];
		g_autofree char *object = storage_object_name("Pod", pod);
		g_autofree char *name = storage_word(rd_api_name(pod));
		g_autofree char *in = storage_word(rd_api_text(pod, "metadata", "namespace", NULL));

		if (storage_pod_ended(pod) || rd_api_is_terminating(pod) ||
		    g_str_equal(rd_api_condition_status(pod, "Ready"), "True"))
			continue;
		storage_finding_set_manual(
		    storage_finding_add(self->findings, STORAGE_WARNING, "workload-stuck", object,
					rd_api_text(pod, "spec", "nodeName", NULL),
					"it is not Ready (%s) and uses claim %s: %s",
					rd_api_text(pod, "status", "phase", NULL), claim, why),
		    "oc -n %s describe pod %s", in, name);
	}
}

/* "CLAIM-SET-0" of a StatefulSet's template */
static gboolean
set_uses(JsonNode *set, const char *claim)
{
	JsonArray *templates = rd_api_items(set, "spec", "volumeClaimTemplates", NULL);
	const char *namespace = rd_api_text(set, "metadata", "namespace", NULL);

	for (guint i = 0; i < rd_api_length(templates); i++) {
		g_autofree char *prefix = g_strdup_printf(
		    "%s/%s-%s-", namespace, rd_api_name(json_array_get_element(templates, i)),
		    rd_api_name(set));
		const char *ordinal = g_str_has_prefix(claim, prefix) ? claim + strlen(prefix) : "";

		if (*ordinal != '\0' && strspn(ordinal, "0123456789") == strlen(ordinal))
			return TRUE;
	}
	return FALSE;
}

static void
check_sets(StorageAudit *self, const char *claim, const char *why)
{
	JsonArray *sets = self->now->lists[STORAGE_SETS];

	for (guint i = 0; i < rd_api_length(sets); i++) {
		JsonNode *set = json_array_get_element(sets, i);
		gint64 wanted = rd_api_int(set, 1, "spec", "replicas", NULL);
		gint64 ready = rd_api_int(set, 0, "status", "readyReplicas", NULL);
		g_autofree char *object = NULL, *name = NULL, *in = NULL;

		if (ready >= wanted || !set_uses(set, claim))
			continue;
		object = storage_object_name("StatefulSet", set);
		name = storage_word(rd_api_name(set));
		in = storage_word(rd_api_text(set, "metadata", "namespace", NULL));
		storage_finding_set_manual(
		    storage_finding_add(self->findings, STORAGE_WARNING, "workload-stuck", object,
					NULL,
					"%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
					" replicas are ready; one of them uses claim %s: %s",
					ready, wanted, claim, why),
		    "oc -n %s describe statefulset %s", in, name);
	}
}

void
storage_audit_stuck(StorageAudit *self)
{
	g_autoptr(GHashTable) claims = affected_claims(self);
	GHashTableIter iter;
	gpointer claim, why;

	g_hash_table_iter_init(&iter, claims);
	while (g_hash_table_iter_next(&iter, &claim, &why)) {
		check_pods(self, claim, why);
		check_sets(self, claim, why);
	}
}
