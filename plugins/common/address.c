/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "address.h"
#include <arpa/inet.h>
#include <recovery/plugin.h>
#include <string.h>

/* ---- one address --------------------------------------------------------------------------- */

gboolean
rd_address_read(const char *text, RdAddress *address)
{
	static const guint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		return TRUE;
	if (inet_pton(AF_INET6, text, address->bytes) != 1)
		return FALSE;
	address->ipv6 = memcmp(address->bytes, mapped, sizeof(mapped)) != 0;
	if (address->ipv6)
		return TRUE;
	memmove(address->bytes, address->bytes + 12, 4);
	memset(address->bytes + 4, 0, 12);
	return TRUE;
}

gboolean
rd_address_equal(const RdAddress *a, const RdAddress *b)
{
	return a->ipv6 == b->ipv6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

char *
rd_address_print(const RdAddress *address)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(address->ipv6 ? AF_INET6 : AF_INET, address->bytes, text, sizeof(text));
	return g_strdup(text);
}

/* an address that can move from host to host: not "this host", not a group, not one link's own */
static gboolean
address_can_move(const RdAddress *address)
{
	static const guint8 zero[16], loopback[16] = {[15] = 1};
	const guint8 *b = address->bytes;

	if (memcmp(b, zero, sizeof(zero)) == 0)
		return FALSE;
	if (!address->ipv6)
		return b[0] != 0 && b[0] != 127 && b[0] < 224 && !(b[0] == 169 && b[1] == 254);
	return memcmp(b, loopback, sizeof(loopback)) != 0 && b[0] != 0xff &&
	       !(b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

/* ---- sets ---------------------------------------------------------------------------------- */

GArray *
rd_addresses_new(void)
{
	return g_array_new(FALSE, FALSE, sizeof(RdAddress));
}

gboolean
rd_addresses_have(const GArray *set, const RdAddress *address)
{
	for (guint i = 0; i < set->len; i++)
		if (rd_address_equal(&g_array_index(set, RdAddress, i), address))
			return TRUE;
	return FALSE;
}

void
rd_addresses_add(GArray *set, const RdAddress *address)
{
	if (!rd_addresses_have(set, address))
		g_array_append_vals(set, address, 1);
}

gboolean
rd_addresses_same(const GArray *a, const GArray *b)
{
	for (guint i = 0; i < a->len; i++)
		if (!rd_addresses_have(b, &g_array_index(a, RdAddress, i)))
			return FALSE;
	return a->len == b->len;
}

GArray *
rd_addresses_parse(const char *text, GError **error)
{
	g_auto(GStrv) words = g_strsplit(text, ",", -1);
	g_autoptr(GArray) set = rd_addresses_new();

	for (guint i = 0; words[i] != NULL; i++) {
		RdAddress address;

		g_strstrip(words[i]);
		if (*words[i] == '\0' && words[1] == NULL)
			break;
		if (!rd_address_read(words[i], &address)) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "'%.64s' is no IP address", words[i]);
			return NULL;
		}
		if (!address_can_move(&address)) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "%s cannot be a VIP: no such address moves between hosts",
				    words[i]);
			return NULL;
		}
		rd_addresses_add(set, &address);
	}
	return g_steal_pointer(&set);
}

char *
rd_addresses_print(const GArray *set)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < set->len; i++) {
		g_autofree char *one = rd_address_print(&g_array_index(set, RdAddress, i));

		g_string_append_printf(text, "%s%s", i > 0 ? "," : "", one);
	}
	return g_string_free(text, FALSE);
}

/* ---- ip -o address ------------------------------------------------------------------------- */

static void
assigned_free(RdAssigned *assigned)
{
	g_free(assigned->device);
	g_free(assigned);
}

/* "10.0.0.5/24", or without prefix where the interface is one end of a line */
static gboolean
assigned_read_address(RdAssigned *assigned, const char *word)
{
	const char *slash = strchr(word, '/');
	g_autofree char *address = slash != NULL ? g_strndup(word, slash - word) : g_strdup(word);
	guint64 prefix;

	if (!rd_address_read(address, &assigned->address))
		return FALSE;
	prefix = assigned->address.ipv6 ? 128 : 32;
	if (slash != NULL && !g_ascii_string_to_unsigned(slash + 1, 10, 0, prefix, &prefix, NULL))
		return FALSE;
	assigned->prefix = prefix;
	return TRUE;
}

static gboolean
device_is_valid(const char *name)
{
	return *name != '\0' && *name != '-' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "_.-")] == '\0';
}

/* "2: br-ex    inet 10.0.0.5/32 scope global secondary vip\       valid_lft forever …" */
static RdAssigned *
assigned_read(const char *line)
{
	/* behind the backslash stands how long it is valid */
	g_autofree char *text = g_strndup(line, strcspn(line, "\\"));
	g_auto(GStrv) fields = g_strsplit_set(text, " \t", -1);
	RdAssigned *assigned = g_new0(RdAssigned, 1);
	const char *word[4] = {0};
	guint found = 0, i = 0;

	for (; fields[i] != NULL && found < G_N_ELEMENTS(word); i++)
		if (*fields[i] != '\0')
			word[found++] = fields[i];
	if (found < G_N_ELEMENTS(word) || !device_is_valid(word[1]) ||
	    (!g_str_equal(word[2], "inet") && !g_str_equal(word[2], "inet6")) ||
	    !assigned_read_address(assigned, word[3])) {
		assigned_free(assigned);
		return NULL;
	}
	assigned->device = g_strdup(word[1]);
	for (; fields[i] != NULL; i++) {
		assigned->secondary |= g_str_equal(fields[i], "secondary");
		assigned->global |= g_str_equal(fields[i], "global");
	}
	return assigned;
}

GPtrArray *
rd_assigned_parse(const char *text, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)assigned_free);
	g_autofree char *body = g_strchomp(g_strdup(text));
	g_auto(GStrv) lines = g_strsplit(body, "\n", -1);

	for (guint i = 0; lines[i] != NULL; i++) {
		RdAssigned *assigned = assigned_read(lines[i]);

		if (assigned == NULL) {
			g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
				    "'ip -o address' printed a line that says no address: %.200s",
				    lines[i]);
			return NULL;
		}
		g_ptr_array_add(all, assigned);
	}
	if (all->len > 0)
		return g_steal_pointer(&all);
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "'ip -o address' printed nothing, not even the loopback's address");
	return NULL;
}

const RdAssigned *
rd_assigned_find(GPtrArray *assigned, const RdAddress *address)
{
	for (guint i = 0; i < assigned->len; i++) {
		const RdAssigned *one = assigned->pdata[i];

		if (rd_address_equal(&one->address, address))
			return one;
	}
	return NULL;
}

gboolean
rd_assigned_are_neighbours(const RdAssigned *a, const RdAssigned *b)
{
	if (a->address.ipv6 != b->address.ipv6 || a->prefix != b->prefix ||
	    !g_str_equal(a->device, b->device))
		return FALSE;
	for (guint bit = 0; bit < a->prefix; bit++)
		if (((a->address.bytes[bit / 8] ^ b->address.bytes[bit / 8]) >> (7 - bit % 8)) & 1)
			return FALSE;
	return TRUE;
}
