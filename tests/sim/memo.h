/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include <string.h>
G_BEGIN_DECLS

/* where a text is looked for that was read before: json-memo.c, kube-memo.c */
static inline guint64
memo_hash(const char *data, gsize size)
{
	guint64 sum = size, word;

	for (; size >= sizeof word; data += sizeof word, size -= sizeof word) {
		memcpy(&word, data, sizeof word);
		sum = (sum ^ word) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	for (; size > 0; data++, size--)
		sum = (sum ^ (guchar)*data) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
	return sum ^ (sum >> 32);
}

G_END_DECLS
