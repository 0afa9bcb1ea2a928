/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "mvcc.h"

#include "pair.h"
#include "proto.h"

#include <string.h>

/* A name is main revision (8 bytes, big endian), "_", sub revision (likewise), and "t" behind it
 * for a tombstone. A value is the message KeyValue: key 1, create_revision 2, mod_revision 3,
 * version 4, value 5, lease 6. */
#define NAME_SIZE      17
#define TOMBSTONE_SIZE 18

static gint64
read_number(const guint8 *bytes)
{
	return (gint64)rd_bbolt_u64(bytes, TRUE);
}

gboolean
rd_revision_read_name(RdRevision *self, const guint8 *name, gsize size, GError **error)
{
	*self = (RdRevision){0};
	if ((size == NAME_SIZE || (size == TOMBSTONE_SIZE && name[NAME_SIZE] == 't')) &&
	    name[8] == '_') {
		self->main = read_number(name);
		self->sub = read_number(name + 9);
		self->tombstone = size == TOMBSTONE_SIZE;
		if (self->main >= 0 && self->sub >= 0)
			return TRUE;
	}
	g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED,
		    "%" G_GSIZE_FORMAT " bytes stand where a revision has to", size);
	return FALSE;
}

static gboolean
read_message(RdRevision *self, const RdElement *entry)
{
	RdProto proto = {.at = entry->value, .end = entry->value + entry->value_size};
	RdProtoField field;
	RdProtoResult result;
	gint64 *const numbers[] =
	    {[2] = &self->created, [3] = &self->modified, [4] = &self->version, [6] = &self->lease};

	while ((result = rd_proto_next(&proto, &field)) == RD_PROTO_FIELD) {
		gboolean is_bytes = field.number == 1 || field.number == 5;

		if (field.number > 6)
			continue;
		if (field.wire != (is_bytes ? RD_PROTO_BYTES : RD_PROTO_VARINT))
			return FALSE;
		if (!is_bytes) {
			*numbers[field.number] = (gint64)field.value;
		} else if (field.number == 1) {
			self->key = field.bytes;
			self->key_size = field.size;
		} else {
			self->value = field.bytes;
			self->value_size = field.size;
		}
	}
	return result == RD_PROTO_END;
}

gboolean
rd_revision_read(RdRevision *self, const RdElement *entry, GError **error)
{
	if (!rd_revision_read_name(self, entry->key, entry->key_size, error))
		return FALSE;
	self->bump = entry->value_size == 0 && !self->tombstone;
	if (self->bump)
		return TRUE;
	if (!read_message(self, entry)) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED,
			    "revision %" G_GINT64_FORMAT ": is not a key with its value",
			    self->main);
		return FALSE;
	}
	if (self->key_size == 0) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED,
			    "revision %" G_GINT64_FORMAT ": its key has no name", self->main);
		return FALSE;
	}
	if (!self->tombstone && (self->modified != self->main || self->version < 1 ||
				 self->created < 1 || self->created > self->modified)) {
		g_set_error(error, RD_BACKUP_ERROR, RD_BACKUP_ERROR_DAMAGED,
			    "revision %" G_GINT64_FORMAT
			    ": says that it is revision %" G_GINT64_FORMAT
			    ", version %" G_GINT64_FORMAT " of a key created in %" G_GINT64_FORMAT,
			    self->main, self->modified, self->version, self->created);
		return FALSE;
	}
	return TRUE;
}

/* ---- the keys of a snapshot ---------------------------------------------------------------- */

typedef struct {
	RdRevisionFunc func;
	gpointer user;
	gboolean in_keys;
} Walk;

static gboolean
walk_bucket(gpointer user, const guint8 *name, gsize size, GError **error)
{
	Walk *self = user;

	self->in_keys = size == strlen("key") && memcmp(name, "key", size) == 0;
	return TRUE;
}

static gboolean
walk_entry(gpointer user, const RdElement *entry, GError **error)
{
	Walk *self = user;
	RdRevision revision;

	if (!self->in_keys)
		return TRUE;
	return rd_revision_read(&revision, entry, error) &&
	       (revision.bump || self->func(self->user, &revision, error));
}

gboolean
rd_mvcc_walk(const char *path, RdRevisionFunc func, gpointer user, GCancellable *cancellable,
	     GError **error)
{
	static const RdTreeVisitor visitor = {.bucket = walk_bucket, .entry = walk_entry};
	g_autoptr(RdPager) pager = rd_pager_open(path, error);
	Walk walk = {.func = func, .user = user};

	if (pager != NULL && rd_tree_walk(pager, &visitor, &walk, NULL, cancellable, error))
		return TRUE;
	g_prefix_error(error, "%s: ", path);
	return FALSE;
}
