/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* Who had which volume when a snapshot was taken: its PersistentVolumes and claims, in the form of
 * the copy that storage/copy writes (plugins/storage/objects.h), as far as an audit compares them.
 * Where no API answered before a restore, the rescue copy has what it would have said. */

/* NULL with error that begins with the path. (transfer full) */
JsonNode *rd_storage_copy_read(const char *path, GCancellable *cancellable, GError **error);
/* one object, protobuf or JSON; NULL when it is neither, or encrypted. (transfer full) */
JsonNode *rd_storage_copy_object(const guint8 *value, gsize size, gboolean claim);
G_END_DECLS
