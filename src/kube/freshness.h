/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* After a restore the API answers from the snapshot's past: nodes are Ready, mirror pods Running,
 * operators Available, all of it old (domain 0.2). So no wait believes a status; each passes one of
 * these, and they want a witness that cannot be from the past. Pure: objects and facts in, verdict
 * out. */

typedef enum {
	RD_FRESH_TRUE,	/* it is so, and it was witnessed */
	RD_FRESH_FALSE, /* it is not so */
	RD_FRESH_STALE, /* it says so, but nothing shows that this is of today */
} RdFreshVerdict;
#define RD_FRESH_LAST RD_FRESH_STALE
const char *rd_fresh_to_string(RdFreshVerdict verdict);

typedef struct {
	RdFreshVerdict verdict;
	char *why; /* (owned) one line for people, never NULL: what is missing, or the witness */
} RdFresh;
void rd_fresh_clear(RdFresh *fresh);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdFresh, rd_fresh_clear)

/* The moment that divides past and present. Seconds since the epoch by the clock of the host whose
 * API server answers: what it writes is compared with it. */
typedef struct {
	double api_up; /* the first answer after the restore; never before it */
	double now;
	double skew; /* how much the clock of the host that wrote the witness is ahead; 0: unknown.
		      * Kubelets write leases, operators conditions, by their own clocks */
} RdFreshMoment;

#define RD_FRESH_LEASE	40 /* seconds: a kubelet renews every 10, and counts as gone after 40 */
#define RD_FRESH_SETTLE 20 /* seconds: two rounds in which who is alive corrects a false status */

/* @node is Ready, and its kubelet lives: @lease (nullable), of kube-node-lease, is the node's own,
 * of this very Node, and was renewed within RD_FRESH_LEASE and RD_FRESH_SETTLE after api_up. */
void rd_fresh_node(JsonNode *node, JsonNode *lease, const RdFreshMoment *moment, RdFresh *fresh);

/* Condition @type of @object has @status, and somebody but us has written the status of the object,
 * or changed this or another condition, since api_up. Or the controller that would have: @lease
 * (nullable) is its leader election's, and was renewed RD_FRESH_SETTLE after api_up. What we wrote
 * ourselves (fieldManager recoveryd) is no witness: a patch moves resourceVersion too. */
void rd_fresh_condition(JsonNode *object, const char *type, const char *status, JsonNode *lease,
			const RdFreshMoment *moment, RdFresh *fresh);

/* A static pod's mirror is Running and Ready, and the host says the same: in @pods (crictl pods -o
 * json) there is a ready sandbox with the mirror's config.hash, and each container's id is running
 * in @containers (crictl ps -o json). */
void rd_fresh_mirror_pod(JsonNode *pod, JsonNode *pods, JsonNode *containers, RdFresh *fresh);

/* An ordinary pod is Running and Ready, is none of @before (uids, nullable) and was created since
 * api_up, or its kubelet has written its status since: @lease as for rd_fresh_node(). */
void rd_fresh_pod(JsonNode *pod, const char *const *before, JsonNode *lease,
		  const RdFreshMoment *moment, RdFresh *fresh);

/* A static-pod operator (etcds, kubeapiservers, …) has brought all of @nodes to a revision above
 * @recorded, which was read before the change that asked for it (domain 2.8). */
void rd_fresh_rollout(JsonNode *operator, gint64 recorded, guint nodes, RdFresh *fresh);

/* @object was made after @since (seconds; of a request, an event, a pod that is waited for) */
void rd_fresh_created(JsonNode *object, double since, RdFresh *fresh);

/* @resource_version is newer than @recorded, both of this incarnation of etcd: compared as numbers,
 * which may be larger than gint64. FALSE when one of them is not a number. */
gboolean rd_fresh_is_newer(const char *resource_version, const char *recorded);
G_END_DECLS
