/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rehearsal/cluster.h"
#include "rehearsal/store-private.h"
G_BEGIN_DECLS

/* Who works behind the API: kubelets, the node controller, the signer, operators, controllers of
 * pods. Each looks at the objects, the hosts and the time, and does what it would have done by now.
 * Facts: domain 2.2 to 2.10, 3, 4.2. */

typedef struct {
	RdSimCluster *cluster;
	RdSimStore *store;
	double now, up;	    /* seconds since the epoch; up: since when the API answers */
	GHashTable *seen;   /* (element-type utf8 double) when something was first noticed */
	const char *stuck;  /* (nullable) the kind of operator that does nothing just now */
	const char *slow;   /* (nullable) the kind whose rollouts take longer, each node by */
	guint slow_s;	    /* so many seconds */
	gboolean under_way; /* (out) something goes on whether or not anybody looks */
} RdSimBehind;

void rd_sim_controllers_catch_up(RdSimBehind *self);
/* when @what was first noticed */
double rd_sim_behind_seen(RdSimBehind *self, const char *what);
void rd_sim_behind_forget(RdSimBehind *self, const char *what);

/* json_object_get_object_member() that makes it when it is not there */
JsonObject *rd_sim_member(JsonObject *object, const char *name);
/* the same for those who only look: an empty one, not to be changed, when it is not there */
JsonObject *rd_sim_peek(JsonObject *object, const char *name);
/* of its body as it is now (unowned) */
const RdSimFacts *rd_sim_facts(RdSimObject *object);
/* TRUE: it was not so before */
gboolean rd_sim_set_condition(JsonObject *object, const char *type, const char *status,
			      const char *reason, double time);
/* "True", …; "" when there is none */
const char *rd_sim_condition(JsonObject *object, const char *type);

/* nodes.c */
void rd_sim_catch_up_node(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_lease(RdSimBehind *self, RdSimObject *object);
/* it has a Node; what hangs on one that was deleted is collected */
gboolean rd_sim_node_is_known(RdSimBehind *self, const char *name);
/* a kubelet that has reached the API lately: what lets pods come and go there */
gboolean rd_sim_node_lives(RdSimBehind *self, const char *name);

/* signer.c: the pod that signs certificates of etcd's members (domain P1-12), and Nodes of hosts
 * that have none yet */
void rd_sim_catch_up_signer(RdSimBehind *self);
void rd_sim_catch_up_new_nodes(RdSimBehind *self);
#define RD_SIM_SIGNER_POD "/api/v1/namespaces/openshift-config/pods/etcd-signer"

/* kubelet-pki.c */
typedef struct _RdSimLogin RdSimLogin;
void rd_sim_login_free(RdSimLogin *self);
#define RD_SIM_SIGNER_MAP "/api/v1/namespaces/openshift-config-managed/configmaps/csr-controller-ca"
/* an installed kubelet: certificates by @signer, and what it would ask for new ones with */
void rd_sim_pki_plant(RdSimHost *host, const char *signer);
/* @n requests of a kubelet that asked all night long, one each minute until @time */
void rd_sim_pki_flood(RdSimCluster *cluster, RdSimStore *store, RdSimHost *host, guint n,
		      double time);
/* the path of the request that its kubelet waits for, NULL: for none; *client (out): for the
 * certificate that it logs in with */
const char *rd_sim_pki_asked(const RdSimHost *host, gboolean *client);
/* the public half in PEM, NULL when that is no key. (transfer full) */
char *rd_sim_pki_public(const char *private_pem);
/* the API takes it for the node; until then it does what it can for that */
gboolean rd_sim_kubelet_logs_in(RdSimBehind *self, RdSimHost *host);
/* the API did not, when it was asked last (401) */
gboolean rd_sim_kubelet_is_refused(const RdSimHost *host);

/* operators.c */
void rd_sim_catch_up_operator(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_members(RdSimBehind *self);

/* workloads.c */
#define RD_SIM_STUCK "rehearsal/stuck" /* annotation of a pod that ends by force only */
void rd_sim_catch_up_pod(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_daemon_set(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_deployment(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_slice(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_budget(RdSimBehind *self, RdSimObject *object);
void rd_sim_catch_up_csr(RdSimBehind *self, RdSimObject *object);
/* a running container of that name anywhere */
gboolean rd_sim_runs_somewhere(RdSimCluster *cluster, const char *container);
/* a running pod, as JSON; @kind: of its owner. (transfer full) */
char *rd_sim_pod_json(const char *kind, const char *app, const char *node);
G_END_DECLS
