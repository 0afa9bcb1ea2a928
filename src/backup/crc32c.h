/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* CRC-32C (Castagnoli), as etcd sums up a snapshot's keys and values. @crc: 0, or what came out
 * for the bytes before. */
guint32 rd_crc32c(guint32 crc, const void *bytes, gsize size);
G_END_DECLS
