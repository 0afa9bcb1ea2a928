/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "object.h"
#include <gio/gio.h>
G_BEGIN_DECLS

/* Which certificate requests may be approved (INV-26, domain 3). Pure: facts in, verdicts out.
 *
 * Nothing is approved but by a rule that has a name and passed; nothing is ever denied, because a
 * denial is permanent. Times are seconds since the epoch by the API's clock. */

#define RD_CSR_WINDOW	      3600 /* a pending request counts for the limit so long, */
#define RD_CSR_SKEW	      10   /* and clocks may differ by that much */
#define RD_CSR_SPARE	      100 /* more requests than nodes and machines that are still plausible */
#define RD_CSR_MACHINE_WINDOW 7200 /* how long after its Machine a node may ask first */

typedef enum {
	RD_CSR_APPROVE,
	RD_CSR_SKIP,   /* somebody else's, or already decided, or no longer current */
	RD_CSR_REFUSE, /* ours to judge, and the rule was not passed */
} RdCsrVerdictKind;
const char *rd_csr_verdict_to_string(RdCsrVerdictKind kind);

/* a Machine of the machine API, as far as it speaks for a node */
typedef struct {
	const char *name;
	const char *node; /* (nullable) status.nodeRef.name */
	gint64 created;
	const char *const *internal_dns; /* (nullable) */
	const char *const *dns;		 /* (nullable) InternalDNS, ExternalDNS, Hostname */
	const char *const *ips;		 /* (nullable) InternalIP, ExternalIP */
} RdCsrMachine;

/* a serving certificate that the node presents now, verified against csr-controller-ca */
typedef struct {
	const char *common_name;
	const char *const *dns, *const *ips; /* (nullable) */
	gboolean other_names;
} RdCsrPresented;

/* what is known of one host of the inventory */
typedef struct {
	const char *name;
	gboolean exists;     /* there is a Node of that name */
	gint64 needs_since;  /* when this run moved its PEMs away, or its client certificate was
			      * found expired or rejected; on a host without any: when the key
			      * that waits was made; 0: none of these */
	GBytes *pending_key; /* (nullable) SPKI of /var/lib/kubelet/pki/kubelet-client.key.tmp,
			      * read over SSH */
	const char *const *node_dns, *const *node_ips; /* (nullable) Node.status.addresses */
	const char *const *host_dns, *const *host_ips; /* (nullable) read over SSH */
	const RdCsrPresented *presented;	       /* (nullable) */
} RdCsrNode;

typedef struct {
	gint64 now;
	const RdCsrNode *nodes; /* the inventory, present hosts only */
	guint n_nodes;
	const RdCsrMachine *machines; /* (nullable) */
	guint n_machines;
	guint nodes_in_cluster;		/* number of Node objects: for the limit */
	const char *const *never_ips;	/* (nullable) VIPs and service addresses */
	const char *const *never_dns;	/* (nullable) names of the API: "api.kite.example.com" */
	gboolean machine_rule_disabled; /* machine-approver-config: nodeClientCert.disabled */
} RdCsrFacts;

typedef struct {
	char *name; /* the request's */
	char *node; /* (nullable) whom it is for */
	char *signer;
	char *key_digest; /* (nullable) hex SHA-256 of its public key */
	RdCsrVerdictKind kind;
	const char *rule; /* "client.possession": by which it was approved, or at which it failed */
	char *reason;	  /* for people */
} RdCsrVerdict;
void rd_csr_verdict_free(RdCsrVerdict *verdict);

/* @requests: the items of the list of CertificateSigningRequests, all of them: decided ones show
 * what is superseded. A verdict for each, in their order. (transfer full) (element-type
 * RdCsrVerdict) */
GPtrArray *rd_csr_judge(JsonArray *requests, const RdCsrFacts *facts);
G_END_DECLS
