/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-journal"

#include "chain.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

void
rd_chain_init(RdChain *chain, const guint8 *link)
{
	if (link != NULL)
		memcpy(chain->link, link, RD_CHAIN_SIZE);
	else
		memset(chain->link, 0, RD_CHAIN_SIZE);
	chain->row = g_byte_array_sized_new(512);
	g_byte_array_append(chain->row, chain->link, RD_CHAIN_SIZE);
}

void
rd_chain_clear(RdChain *chain)
{
	g_clear_pointer(&chain->row, g_byte_array_unref);
}

static void
add_number(RdChain *chain, guint8 tag, guint64 number)
{
	guint8 bytes[9] = {tag};
	guint64 wire = GUINT64_TO_BE(number);

	memcpy(bytes + 1, &wire, sizeof wire);
	g_byte_array_append(chain->row, bytes, sizeof bytes);
}

void
rd_chain_int(RdChain *chain, gint64 number)
{
	add_number(chain, 'i', (guint64)number);
}

void
rd_chain_text(RdChain *chain, const char *text, gsize size)
{
	if (text == NULL) {
		g_byte_array_append(chain->row, (const guint8 *)"n", 1);
		return;
	}
	add_number(chain, 't', size);
	g_byte_array_append(chain->row, (const guint8 *)text, size);
}

void
rd_chain_close(RdChain *chain)
{
	int code =
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, chain->row->data, chain->row->len, chain->link);

	/* only a crypto library without SHA-256 gets here; going on would store rows that no
	 * verification accepts */
	if (code != GNUTLS_E_SUCCESS)
		g_error("SHA-256 failed: %s", gnutls_strerror(code));
	g_byte_array_set_size(chain->row, 0);
	g_byte_array_append(chain->row, chain->link, RD_CHAIN_SIZE);
}

void
rd_chain_to_hex(const guint8 *link, char hex[RD_CHAIN_SIZE * 2 + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (guint i = 0; i < RD_CHAIN_SIZE; i++) {
		hex[2 * i] = digits[link[i] >> 4];
		hex[2 * i + 1] = digits[link[i] & 15];
	}
	hex[2 * RD_CHAIN_SIZE] = '\0';
}
