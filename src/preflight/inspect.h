/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/kubeconfig.h"
#include "preflight/cluster-facts.h"
#include "preflight/finding.h"
G_BEGIN_DECLS

/* Whether the hosts of an inventory can be worked on. Looks only: nothing is written on any host,
 * no lock is taken. */

/* All hosts at once; a dead one costs the time of its limits. @facts (nullable): what control-plane
 * hosts are asked besides goes there; of excused ones only whether they are silent. @findings
 * (element-type RdFinding): in order of the inventory. */
void rd_inspect(const RdInventory *inventory, RdClusterFacts *facts, GPtrArray *findings);

/* what a person can do about a host that is silent */
#define RD_REMEDY_UNREACHABLE                                                                      \
	"is it powered on, are address, port and jump host right? A host that is dead for good "   \
	"is excused at start: --excuse HOST=REASON"

/* ---- its parts, without any host ---- */
/* what rd_inspect_script prints there: "key=value" lines */
extern const char rd_inspect_script[];
/* @facts: (element-type utf8 utf8) those lines; @role: of the inventory */
void rd_inspect_judge(GPtrArray *findings, const char *host, const char *role, GHashTable *facts);
/* @before, @after: our clock around the survey, microseconds since the epoch */
void rd_inspect_judge_survey(GPtrArray *findings, const char *host, const RdSurvey *survey,
			     gint64 before, gint64 after);
/* of the way to the Kubernetes API: through this host (facts of rd_inspect_api_script), or by a
 * kubeconfig of the inventory's. @now: seconds since the epoch */
extern const char rd_inspect_api_script[];
void rd_inspect_judge_api(GPtrArray *findings, const char *host, gboolean forwarding,
			  GHashTable *facts);
void rd_inspect_judge_kubeconfig(GPtrArray *findings, const RdKubeconfig *config, gint64 now);
void rd_inspect_kubeconfig(GPtrArray *findings, const char *path);
/* one machine behind two names; @machines: (element-type utf8 utf8) machine-id by host */
void rd_inspect_judge_machines(GPtrArray *findings, GHashTable *machines);
G_END_DECLS
