/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Which keys live, without their names: 64 bits of a keyed hash for each key that ever was there,
 * 11 to 22 bytes. Of ten million keys two are taken for one with a chance of 1 in 700,000. */

typedef struct _RdKeySet RdKeySet;

RdKeySet *rd_key_set_new(void);
void rd_key_set_free(RdKeySet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdKeySet, rd_key_set_free)
/* what happened to a key, in order of revisions */
void rd_key_set_put(RdKeySet *self, const guint8 *key, gsize size, gboolean alive);
guint64 rd_key_set_count(const RdKeySet *self); /* those alive */
G_END_DECLS
