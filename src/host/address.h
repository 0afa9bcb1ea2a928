/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* How one host is reached; made from the inventory. Nothing of ~/.ssh/config counts. */
typedef struct _RdHostAddress RdHostAddress;
struct _RdHostAddress {
	char *name;	    /* the inventory's, in every message */
	char *address;	    /* IP or DNS name, never a VIP */
	guint16 port;	    /* 0 is 22 */
	char *user;	    /* not root: becomes root by sudo -n */
	char *key_file;	    /* (nullable) private key; KEY-cert.pub beside it is used too */
	gboolean use_agent; /* after the key file */
	char *agent;	    /* (nullable) link to the agent's socket, which may be put elsewhere at
			     * any time, or be missing: then $SSH_AUTH_SOCK */
	char *host_key;	   /* (nullable) "ssh-ed25519 AAAA...", one a line: the only ones trusted */
	char *known_hosts; /* (nullable) file, read when there is no host_key; never written */
	RdHostAddress *jump; /* (owned) (nullable) reached through this one */
};

RdHostAddress *rd_host_address_new(const char *name, const char *address, const char *user);
void rd_host_address_free(RdHostAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdHostAddress, rd_host_address_free)
G_END_DECLS
