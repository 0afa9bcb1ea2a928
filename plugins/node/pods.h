/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/api.h"
G_BEGIN_DECLS

/* What a drain has to know about pods and the budgets that hold them. Pure. */

typedef enum {
	RD_POD_STAYS, /* ended, of a DaemonSet, or a static pod's mirror: it comes with the node */
	RD_POD_MOVES, /* somebody makes it anew elsewhere */
	RD_POD_BARE,  /* nobody does: who evicts it deletes it for good */
	RD_POD_LEAVING, /* told to end already */
} RdPodSort;
RdPodSort rd_pod_sort(JsonNode *pod);

/* the first of @budgets (PodDisruptionBudgets) that would refuse to let @pod go now, or NULL.
 * (unowned) */
JsonNode *rd_pod_held_by(JsonNode *pod, JsonArray *budgets);
/* @selector (matchLabels, matchExpressions) fits @labels; the empty one fits all. What is not
 * understood fits: nothing is let go because of it. */
gboolean rd_pod_selected(JsonNode *labels, JsonNode *selector);

G_END_DECLS
