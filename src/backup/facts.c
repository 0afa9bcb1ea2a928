/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "facts.h"

#include "crc32c.h"
#include "key-set.h"
#include "kube-objects.h"
#include "mvcc.h"
#include "pair.h"
#include "proto.h"

#include <json-glib/json-glib.h>
#include <string.h>

typedef struct _Reading Reading;

/* what is made of an entry, by the bucket that it stands in */
typedef gboolean (*EntryFunc)(Reading *self, const RdElement *entry, GError **error);

struct _Reading {
	RdFacts *facts;
	RdKeySet *live;
	RdBucketFacts *bucket; /* of facts */
	EntryFunc entry;       /* (nullable) */
};

static void
member_free(gpointer data)
{
	RdMember *self = data;

	g_free(self->id);
	g_free(self->name);
	g_strfreev(self->peer_urls);
	g_strfreev(self->client_urls);
	g_free(self);
}

static void
bucket_facts_free(gpointer data)
{
	RdBucketFacts *self = data;

	g_free(self->name);
	g_free(self);
}

static gboolean
is_text(const guint8 *bytes, gsize size, const char *text)
{
	return size == strlen(text) && memcmp(bytes, text, size) == 0;
}

static gboolean G_GNUC_PRINTF(3, 4)
    damaged(const Reading *self, GError **error, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED, "bucket %s: %s",
		    self->bucket->name, text);
	return FALSE;
}

/* ---- key ----------------------------------------------------------------------------------- */

static void
count_encrypted(Reading *self, const RdRevision *revision)
{
	g_autofree char *name = rd_object_encryption(revision->value, revision->value_size);
	guint64 *count = NULL;

	if (name == NULL)
		return;
	count = g_hash_table_lookup(self->facts->encrypted, name);
	if (count == NULL) {
		count = g_new0(guint64, 1);
		g_hash_table_insert(self->facts->encrypted, g_steal_pointer(&name), count);
	}
	(*count)++;
}

static gboolean
read_revision(Reading *self, const RdElement *entry, GError **error)
{
	RdRevision revision;

	if (!rd_revision_read(&revision, entry, error))
		return FALSE;
	self->facts->revision = revision.main;
	self->facts->revisions++;
	self->facts->tombstones += revision.tombstone ? 1 : 0;
	if (revision.bump)
		return TRUE;
	rd_key_set_put(self->live, revision.key, revision.key_size, !revision.tombstone);
	count_encrypted(self, &revision);
	return TRUE;
}

/* ---- meta, cluster, auth, lease ------------------------------------------------------------- */

static gboolean
read_u64(Reading *self, const RdElement *entry, guint64 *value, GError **error)
{
	if (entry->value_size != sizeof(*value))
		return damaged(self, error, "%.*s has %" G_GSIZE_FORMAT " bytes instead of 8",
			       (int)entry->key_size, entry->key, entry->value_size);
	*value = rd_bbolt_u64(entry->value, TRUE);
	return TRUE;
}

static gboolean
read_meta(Reading *self, const RdElement *entry, GError **error)
{
	RdRevision revision;

	if (is_text(entry->key, entry->key_size, "consistent_index"))
		return read_u64(self, entry, &self->facts->index, error);
	if (is_text(entry->key, entry->key_size, "term"))
		return read_u64(self, entry, &self->facts->term, error);
	if (is_text(entry->key, entry->key_size, "scheduledCompactRev"))
		return rd_revision_read_name(&revision, entry->value, entry->value_size, error);
	if (!is_text(entry->key, entry->key_size, "finishedCompactRev"))
		return TRUE;
	if (!rd_revision_read_name(&revision, entry->value, entry->value_size, error))
		return FALSE;
	self->facts->compacted = revision.main;
	return TRUE;
}

static gboolean
read_cluster(Reading *self, const RdElement *entry, GError **error)
{
	const RdProtoField text = {.bytes = entry->value, .size = entry->value_size};

	if (!is_text(entry->key, entry->key_size, "clusterVersion"))
		return TRUE;
	g_free(self->facts->cluster_version);
	self->facts->cluster_version = rd_proto_text(&text);
	return self->facts->cluster_version != NULL ||
	       damaged(self, error, "clusterVersion is no text");
}

static gboolean
read_auth(Reading *self, const RdElement *entry, GError **error)
{
	if (is_text(entry->key, entry->key_size, "authEnabled"))
		self->facts->auth_enabled = entry->value_size == 1 && entry->value[0] == 1;
	return TRUE;
}

static gboolean
read_message(Reading *self, const RdElement *entry, GError **error)
{
	RdProto proto = {.at = entry->value, .end = entry->value + entry->value_size};
	RdProtoField field;
	RdProtoResult result;

	while ((result = rd_proto_next(&proto, &field)) == RD_PROTO_FIELD)
		;
	return result == RD_PROTO_END ||
	       damaged(self, error, "entry %" G_GUINT64_FORMAT " is no message",
		       self->bucket->entries);
}

/* ID 1, TTL 2, RemainingTTL 3; the name is the ID again, in 8 bytes */
static gboolean
read_lease(Reading *self, const RdElement *entry, GError **error)
{
	RdProto proto = {.at = entry->value, .end = entry->value + entry->value_size};
	RdProtoField field;
	RdProtoResult result;

	while ((result = rd_proto_next(&proto, &field)) == RD_PROTO_FIELD)
		if (field.number <= 3 && field.wire != RD_PROTO_VARINT)
			break;
	self->facts->leases++;
	return (entry->key_size == 8 && result == RD_PROTO_END) ||
	       damaged(self, error, "entry %" G_GUINT64_FORMAT " is no lease",
		       self->bucket->entries);
}

static gboolean
read_user(Reading *self, const RdElement *entry, GError **error)
{
	self->facts->users++;
	return read_message(self, entry, error);
}

static gboolean
read_role(Reading *self, const RdElement *entry, GError **error)
{
	self->facts->roles++;
	return read_message(self, entry, error);
}

/* ---- members ------------------------------------------------------------------------------- */

static char **
json_texts(JsonObject *object, const char *name)
{
	g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
	JsonNode *node = json_object_get_member(object, name);
	JsonArray *array =
	    node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonNode *element = json_array_get_element(array, i);

		if (json_node_get_value_type(element) == G_TYPE_STRING)
			g_strv_builder_add(texts, json_node_get_string(element));
	}
	return g_strv_builder_end(texts);
}

static void
add_member(Reading *self, char *id, JsonObject *object)
{
	RdMember *member = g_new0(RdMember, 1);
	JsonNode *name = json_object_get_member(object, "name");
	JsonNode *learner = json_object_get_member(object, "isLearner");

	member->id = id;
	member->name = g_strdup(name != NULL && json_node_get_value_type(name) == G_TYPE_STRING
				    ? json_node_get_string(name)
				    : "");
	member->peer_urls = json_texts(object, "peerURLs");
	member->client_urls = json_texts(object, "clientURLs");
	member->learner = learner != NULL && json_node_get_value_type(learner) == G_TYPE_BOOLEAN &&
			  json_node_get_boolean(learner);
	g_ptr_array_add(self->facts->members, member);
}

static gboolean
read_member(Reading *self, const RdElement *entry, GError **error)
{
	const RdProtoField text = {.bytes = entry->key, .size = entry->key_size};
	g_autofree char *id = rd_proto_text(&text);
	g_autoptr(JsonNode) node = rd_object_parse_json(entry->value, entry->value_size);

	if (id == NULL || !g_regex_match_simple("^[0-9a-f]{1,16}$", id, 0, 0) || node == NULL)
		return damaged(self, error, "entry %" G_GUINT64_FORMAT " is no member",
			       self->bucket->entries);
	add_member(self, g_steal_pointer(&id), json_node_get_object(node));
	return TRUE;
}

static gboolean
read_removed(Reading *self, const RdElement *entry, GError **error)
{
	self->facts->members_removed++;
	return TRUE;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	EntryFunc entry;
} buckets[] = {
    {"key", read_revision},    {"meta", read_meta},
    {"members", read_member},  {"members_removed", read_removed},
    {"cluster", read_cluster}, {"auth", read_auth},
    {"lease", read_lease},     {"authUsers", read_user},
    {"authRoles", read_role},
};

static gboolean
read_bucket(gpointer user, const guint8 *name, gsize size, GError **error)
{
	Reading *self = user;
	const RdProtoField text = {.bytes = name, .size = size};

	self->bucket = g_new0(RdBucketFacts, 1);
	self->bucket->name = rd_proto_text(&text);
	if (self->bucket->name == NULL)
		self->bucket->name = g_strdup("(no text)");
	g_ptr_array_add(self->facts->buckets, self->bucket);
	self->entry = NULL;
	for (guint i = 0; i < G_N_ELEMENTS(buckets); i++)
		if (is_text(name, size, buckets[i].name))
			self->entry = buckets[i].entry;
	self->facts->hash = rd_crc32c(self->facts->hash, name, size);
	return TRUE;
}

static gboolean
read_entry(gpointer user, const RdElement *entry, GError **error)
{
	Reading *self = user;

	self->bucket->entries++;
	self->facts->entries++;
	self->facts->hash = rd_crc32c(self->facts->hash, entry->key, entry->key_size);
	self->facts->hash = rd_crc32c(self->facts->hash, entry->value, entry->value_size);
	if (entry->is_bucket)
		return damaged(self, error, "has a bucket in it; etcd makes none there");
	return self->entry == NULL || self->entry(self, entry, error);
}

static gboolean
has_bucket(const RdFacts *facts, const char *name)
{
	for (guint i = 0; i < facts->buckets->len; i++) {
		const RdBucketFacts *bucket = facts->buckets->pdata[i];

		if (strcmp(bucket->name, name) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean
read_file(Reading *self, const char *path, GCancellable *cancellable, GError **error)
{
	static const RdTreeVisitor visitor = {.bucket = read_bucket, .entry = read_entry};
	g_autoptr(RdPager) pager = rd_pager_open(path, error);
	RdFacts *facts = self->facts;

	if (pager == NULL || !rd_tree_walk(pager, &visitor, self, &facts->tree, cancellable, error))
		return FALSE;
	facts->keys = rd_key_set_count(self->live);
	facts->size = rd_pager_get_meta(pager)->pages * rd_pager_get_meta(pager)->page_size;
	if (has_bucket(facts, "key") && has_bucket(facts, "meta"))
		return TRUE;
	g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED,
		    "has no buckets “key” and “meta”: a bbolt file, but not etcd's");
	return FALSE;
}

RdFacts *
rd_facts_read(const char *path, GCancellable *cancellable, GError **error)
{
	g_autoptr(RdFacts) facts = g_new0(RdFacts, 1);
	g_autoptr(RdKeySet) live = rd_key_set_new();
	Reading reading = {.facts = facts, .live = live};

	facts->members = g_ptr_array_new_with_free_func(member_free);
	facts->buckets = g_ptr_array_new_with_free_func(bucket_facts_free);
	facts->encrypted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (read_file(&reading, path, cancellable, error))
		return g_steal_pointer(&facts);
	g_prefix_error(error, "%s: ", path);
	return NULL;
}

void
rd_facts_free(RdFacts *self)
{
	if (self == NULL)
		return;
	g_free(self->cluster_version);
	g_ptr_array_unref(self->members);
	g_ptr_array_unref(self->buckets);
	g_hash_table_unref(self->encrypted);
	g_free(self);
}
