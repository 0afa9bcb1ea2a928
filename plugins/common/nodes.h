/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "api.h"
G_BEGIN_DECLS

/* Nodes, believed only with a witness: after a restore all of them are Ready, as they were when
 * the snapshot was taken. */

/* One Node and its lease; each NULL when there is none */
typedef struct {
	JsonNode *node, *lease; /* (owned) (nullable) */
} RdNode;
void rd_node_clear(RdNode *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RdNode, rd_node_clear)

/* "/api/v1/nodes/NAME". (transfer full) */
char *rd_node_path(const char *name);
gboolean rd_node_get(RecoveryStep *step, const char *name, RdNode *self, GError **error);
/* @moment passed on to recovery_fresh_node(); a Node that does not exist is not Ready */
RecoveryFresh rd_node_fresh(const RdNode *self, const char *name, const RecoveryMoment *moment,
			    char **why);

/* Whether all of @names are Ready. *why (transfer full): how many, and what is with the first that
 * is not. FALSE when it could not be asked. */
gboolean rd_nodes_ready(RecoveryStep *step, const char *const *names, gboolean *ready, char **why,
			GError **error);

gboolean rd_node_is_control_plane(JsonNode *node);
/* The kubelet whose @lease (nullable) this is has logged in since @moment->since, and lately. Never
 * enough to believe what its Node says. */
gboolean rd_node_is_alive(JsonNode *lease, const RecoveryMoment *moment);
/* seconds; kubelets renew their lease every 10 */
#define RD_NODE_SILENT 300
/* INV-25: whether Node @name may be deleted as one whose host is lost. A person has stated that it
 * is powered off (excuse), it is not the recovery host, and its kubelet has been silent for
 * RD_NODE_SILENT seconds in which the API answered (parameter `since`); a Node that is gone passes.
 * FALSE with PERMANENT says what speaks against it, with FAILED that it is too early to tell. */
gboolean rd_node_check_lost(RecoveryStep *step, const char *name, const RdNode *self,
			    GError **error);

/* A file in the run's directory on a host. Its time is when this run took the kubelet's
 * certificates away: requests for new ones are judged by it (domain 3.2). (transfer full) */
char *rd_node_marker(RecoveryStep *step);

G_END_DECLS
