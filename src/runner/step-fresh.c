/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-runner"

#include <recovery/kubernetes.h>

#include "kube/freshness.h"

/* The verdicts of kube/freshness.h in the words of the step API. Pure, as those are: no step, no
 * world, so a plugin's tests have them too. */

static const RecoveryFresh verdicts[] = {
    [RD_FRESH_TRUE] = RECOVERY_FRESH_TRUE,
    [RD_FRESH_FALSE] = RECOVERY_FRESH_FALSE,
    [RD_FRESH_STALE] = RECOVERY_FRESH_STALE,
};
G_STATIC_ASSERT(G_N_ELEMENTS(verdicts) == RD_FRESH_LAST + 1);

static RecoveryFresh
rd_fresh_give(RdFresh *fresh, char **why)
{
	if (why != NULL)
		*why = g_steal_pointer(&fresh->why);
	rd_fresh_clear(fresh);
	return verdicts[fresh->verdict];
}

static RdFreshMoment
rd_fresh_moment(const RecoveryMoment *moment)
{
	return (RdFreshMoment){.api_up = moment->since, .now = moment->now};
}

RecoveryFresh
recovery_fresh_node(const RecoveryMoment *moment, JsonNode *node, JsonNode *lease, char **why)
{
	RdFreshMoment when = rd_fresh_moment(moment);
	RdFresh fresh = {0};

	rd_fresh_node(node, lease, &when, &fresh);
	return rd_fresh_give(&fresh, why);
}

RecoveryFresh
recovery_fresh_condition(const RecoveryMoment *moment, JsonNode *object, const char *type,
			 const char *status, JsonNode *lease, char **why)
{
	RdFreshMoment when = rd_fresh_moment(moment);
	RdFresh fresh = {0};

	rd_fresh_condition(object, type, status, lease, &when, &fresh);
	return rd_fresh_give(&fresh, why);
}

RecoveryFresh
recovery_fresh_mirror_pod(JsonNode *pod, JsonNode *pods, JsonNode *containers, char **why)
{
	RdFresh fresh = {0};

	rd_fresh_mirror_pod(pod, pods, containers, &fresh);
	return rd_fresh_give(&fresh, why);
}

RecoveryFresh
recovery_fresh_pod(const RecoveryMoment *moment, JsonNode *pod, const char *const *before,
		   JsonNode *lease, char **why)
{
	RdFreshMoment when = rd_fresh_moment(moment);
	RdFresh fresh = {0};

	rd_fresh_pod(pod, before, lease, &when, &fresh);
	return rd_fresh_give(&fresh, why);
}

RecoveryFresh
recovery_fresh_rollout(JsonNode *operator, gint64 recorded, guint nodes, char **why)
{
	RdFresh fresh = {0};

	rd_fresh_rollout(operator, recorded, nodes, &fresh);
	return rd_fresh_give(&fresh, why);
}

RecoveryFresh
recovery_fresh_created(JsonNode *object, double since, char **why)
{
	RdFresh fresh = {0};

	rd_fresh_created(object, since, &fresh);
	return rd_fresh_give(&fresh, why);
}
