/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "crc32c.h"

#include <string.h>

/* Eight bytes at a time: tables[n] is what a byte does that n bytes follow. */

#define POLYNOMIAL 0x82f63b78u /* bits reversed */

static guint32 tables[8][256];

static gpointer
make_tables(gpointer data)
{
	for (guint i = 0; i < 256; i++) {
		guint32 crc = i;

		for (guint bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][i] = crc;
	}
	for (guint i = 0; i < 256; i++)
		for (guint n = 1; n < 8; n++)
			tables[n][i] = tables[n - 1][i] >> 8 ^ tables[0][tables[n - 1][i] & 0xff];
	return tables;
}

guint32
rd_crc32c(guint32 crc, const void *bytes, gsize size)
{
	static GOnce once = G_ONCE_INIT;
	const guint8 *at = bytes;

	g_once(&once, make_tables, NULL);
	crc = ~crc;
	for (; size >= 8; size -= 8, at += 8) {
		guint32 low = 0, high = 0;

		memcpy(&low, at, 4);
		memcpy(&high, at + 4, 4);
		low = GUINT32_FROM_LE(low) ^ crc;
		high = GUINT32_FROM_LE(high);
		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^
		      tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^ tables[3][high & 0xff] ^
		      tables[2][high >> 8 & 0xff] ^ tables[1][high >> 16 & 0xff] ^
		      tables[0][high >> 24];
	}
	for (; size > 0; size--, at++)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
	return ~crc;
}
