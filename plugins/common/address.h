/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* IP addresses compared by their bits, and what `ip -o address` prints. Pure. */

/* IPv4 inside IPv6 ("::ffff:10.0.0.5") becomes IPv4, so that equal means the same machine */
typedef struct {
	gboolean ipv6;
	guint8 bytes[16]; /* the rest of an IPv4 address is 0 */
} RdAddress;

/* strictly: no zone, no prefix, no octal, no short forms */
gboolean rd_address_read(const char *text, RdAddress *address);
gboolean rd_address_equal(const RdAddress *a, const RdAddress *b);
/* the one spelling that is printed and put into commands */
char *rd_address_print(const RdAddress *address);

/* Sets of addresses: GArrays of RdAddress, in the order they came in, each once. */

GArray *rd_addresses_new(void);
gboolean rd_addresses_have(const GArray *set, const RdAddress *address);
void rd_addresses_add(GArray *set, const RdAddress *address);
gboolean rd_addresses_same(const GArray *a, const GArray *b); /* in any order */
/* "10.0.0.5,fd00::5"; blanks around one are taken away, "" is the empty set. NULL with PERMANENT
 * that names what is no address, or means no single machine (loopback, multicast, link-local) */
GArray *rd_addresses_parse(const char *text, GError **error);
char *rd_addresses_print(const GArray *set); /* commas */

/* an address that an interface of a host has */
typedef struct {
	RdAddress address;
	guint prefix;
	gboolean secondary; /* goes when the first one of its network goes */
	gboolean global;
	char *device; /* (owned) of [A-Za-z0-9_.-] */
} RdAssigned;

/* all lines, or NULL with FAILED: a line that cannot be read may be the one that matters, and a
 * host without any address does not answer. (element-type RdAssigned) */
GPtrArray *rd_assigned_parse(const char *text, GError **error);
const RdAssigned *rd_assigned_find(GPtrArray *assigned, const RdAddress *address);
/* both in one network on one device */
gboolean rd_assigned_are_neighbours(const RdAssigned *a, const RdAssigned *b);

G_END_DECLS
