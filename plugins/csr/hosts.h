/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "presented.h"
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* What hosts say of themselves, asked over SSH: all of them at once. Of a host that does not
 * answer, or says nothing that can be read, nothing is known. */

typedef struct {
	const char *name;
	gint64 needs_since;	   /* see RdCsrNode */
	GBytes *pending_key;	   /* (owned) (nullable) */
	GPtrArray *dns, *ips;	   /* (owned) (nullable) end with NULL */
	RdCsrPresented *presented; /* (owned) (nullable) */
} CsrHost;
void csr_host_free(CsrHost *self);

/* needs_since and pending_key. @marker: the file that says when this run took the certificates
 * away. The private key stays on the host: openssl prints its public half there. */
void csr_hosts_ask_keys(RecoveryStep *step, GPtrArray *hosts, const char *marker, gint64 now);
/* dns and ips */
void csr_hosts_ask_names(RecoveryStep *step, GPtrArray *hosts);

/* presented, of hosts whose kubelet is at @addresses ("10.0.0.1:10250", NULL: nobody knows where),
 * in the order of @hosts. The recovery host connects: the node itself would vouch for itself. @ca:
 * who has to have signed */
void csr_hosts_ask_presented(RecoveryStep *step, GPtrArray *hosts, const char *const *addresses,
			     const char *ca, gint64 now);

/* seconds since the epoch of "notAfter=Nov 20 12:00:00 2026 GMT"; 0 when it is no such line */
gint64 csr_parse_enddate(const char *line);

G_END_DECLS
