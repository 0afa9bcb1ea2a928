/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "key-table.h"

#include "kube-objects.h"
#include "mvcc.h"
#include "proto.h"

#include <string.h>

typedef struct {
	RdKeyTable *table;
	const RdKeyFilter *filter;
	GByteArray *newest; /* (owned) */
} Reading;

static void
key_free(gpointer data)
{
	RdKey *self = data;

	g_clear_pointer(&self->value, g_bytes_unref);
	g_free(self);
}

static gboolean
begins_with(const guint8 *key, gsize size, const char *prefix)
{
	return size >= strlen(prefix) && memcmp(key, prefix, strlen(prefix)) == 0;
}

static gboolean
wants_value(const RdKeyFilter *filter, const RdRevision *revision)
{
	for (guint i = 0; filter->values != NULL && filter->values[i] != NULL; i++)
		if (begins_with(revision->key, revision->key_size, filter->values[i]))
			return TRUE;
	return FALSE;
}

static char *
key_text(const guint8 *key, gsize size)
{
	const RdProtoField field = {.bytes = key, .size = size};
	char *text = rd_proto_text(&field);
	GString *escaped = NULL;

	if (text != NULL)
		return text;
	escaped = g_string_new(NULL);
	for (gsize i = 0; i < size; i++)
		if (g_ascii_isprint(key[i]) && key[i] != '\\')
			g_string_append_c(escaped, key[i]);
		else
			g_string_append_printf(escaped, "\\x%02x", key[i]);
	return g_string_free(escaped, FALSE);
}

static gboolean
read_revision(gpointer user, const RdRevision *revision, GError **error)
{
	Reading *self = user;
	g_autofree char *name = NULL;
	RdKey *key = NULL;

	self->table->revision = revision->main;
	g_byte_array_set_size(self->newest, 0);
	g_byte_array_append(self->newest, revision->key, revision->key_size);
	self->table->written =
	    MAX(self->table->written, rd_object_written(revision->value, revision->value_size));
	if (self->filter->prefix != NULL &&
	    !begins_with(revision->key, revision->key_size, self->filter->prefix))
		return TRUE;
	name = key_text(revision->key, revision->key_size);
	if (revision->tombstone) {
		g_hash_table_remove(self->table->keys, name);
		return TRUE;
	}
	key = g_new0(RdKey, 1);
	key->created = revision->created;
	key->modified = revision->modified;
	key->version = revision->version;
	key->lease = revision->lease;
	key->size = revision->value_size;
	if (wants_value(self->filter, revision))
		key->value = g_bytes_new(revision->value, revision->value_size);
	g_hash_table_replace(self->table->keys, g_steal_pointer(&name), key);
	return TRUE;
}

RdKeyTable *
rd_key_table_read(const char *path, const RdKeyFilter *filter, GCancellable *cancellable,
		  GError **error)
{
	g_autoptr(RdKeyTable) table = g_new0(RdKeyTable, 1);
	g_autoptr(GByteArray) newest = g_byte_array_new();
	Reading reading = {.table = table, .filter = filter, .newest = newest};

	table->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, key_free);
	if (!rd_mvcc_walk(path, read_revision, &reading, cancellable, error))
		return NULL;
	if (newest->len > 0)
		table->newest = key_text(newest->data, newest->len);
	return g_steal_pointer(&table);
}

void
rd_key_table_free(RdKeyTable *self)
{
	if (self == NULL)
		return;
	g_hash_table_unref(self->keys);
	g_free(self->newest);
	g_free(self);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
rd_key_table_sort(const RdKeyTable *self)
{
	GPtrArray *names = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name = NULL;

	g_hash_table_iter_init(&iter, self->keys);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, name);
	g_ptr_array_sort(names, compare_names);
	return names;
}

/* ---- two of them --------------------------------------------------------------------------- */

RdKeyFate
rd_key_fate(const RdKeyTable *a, const RdKeyTable *b, const char *name)
{
	const RdKey *in_a = g_hash_table_lookup(a->keys, name);
	const RdKey *in_b = g_hash_table_lookup(b->keys, name);

	if (in_b == NULL)
		return RD_KEY_ONLY_A;
	if (in_a == NULL)
		return RD_KEY_ONLY_B;
	return in_a->modified == in_b->modified && in_a->created == in_b->created ? RD_KEY_SAME
										  : RD_KEY_CHANGED;
}

static RdDifference *
find_difference(GHashTable *table, const char *name)
{
	g_autoptr(RdObjectKey) key = rd_object_key_parse((const guint8 *)name, strlen(name));
	const char *resource = key != NULL ? key->resource : "other";
	const char *namespace = key != NULL && key->namespace != NULL ? key->namespace : "";
	g_autofree char *place = g_strdup_printf("%s\n%s", resource, namespace);
	RdDifference *self = g_hash_table_lookup(table, place);

	if (self == NULL) {
		self = g_new0(RdDifference, 1);
		self->resource = g_intern_string(resource);
		self->namespace = g_intern_string(namespace);
		g_hash_table_insert(table, g_steal_pointer(&place), self);
	}
	return self;
}

static void
count_key(GHashTable *table, const char *name, RdKeyFate fate)
{
	RdDifference *one = find_difference(table, name);

	one->only_a += fate == RD_KEY_ONLY_A;
	one->only_b += fate == RD_KEY_ONLY_B;
	one->changed += fate == RD_KEY_CHANGED;
	one->same += fate == RD_KEY_SAME;
}

static int
compare_differences(gconstpointer a, gconstpointer b)
{
	const RdDifference *one = *(const RdDifference *const *)a;
	const RdDifference *other = *(const RdDifference *const *)b;
	int order = strcmp(one->resource, other->resource);

	return order != 0 ? order : strcmp(one->namespace, other->namespace);
}

GPtrArray *
rd_key_table_compare(const RdKeyTable *a, const RdKeyTable *b)
{
	g_autoptr(GHashTable) table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer name = NULL, one = NULL;

	g_hash_table_iter_init(&iter, a->keys);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		count_key(table, name, rd_key_fate(a, b, name));
	g_hash_table_iter_init(&iter, b->keys);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		if (!g_hash_table_contains(a->keys, name))
			count_key(table, name, RD_KEY_ONLY_B);
	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &one)) {
		const RdDifference *difference = one;

		if (difference->only_a + difference->only_b + difference->changed > 0)
			g_ptr_array_add(list, one);
		else
			g_free(one);
	}
	g_ptr_array_sort(list, compare_differences);
	return list;
}
