/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/call.h"
#include "kube/kubeconfig.h"
#include "procedure/inventory.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* Whether the hosts of an inventory can be worked on. Looks only: nothing is written on any host,
 * no lock is taken. */

typedef enum {
	RD_LEVEL_OK,
	RD_LEVEL_WARN,	/* a recovery may start; somebody should know */
	RD_LEVEL_BLOCK, /* this host could not take part */
} RdLevel;
#define RD_LEVEL_LAST RD_LEVEL_BLOCK
const char *rd_level_to_string(RdLevel level);

typedef struct {
	char *host;	   /* (owned) */
	const char *check; /* (unowned) static: "login", "root", "space" … */
	RdLevel level;
	char *text;   /* (owned) what was found */
	char *remedy; /* (owned) (nullable) what a person can do */
} RdFinding;
void rd_finding_free(RdFinding *finding);

/* All hosts at once; a dead one costs the time of its limits. In order of the inventory.
 * (element-type RdFinding) (transfer full) */
GPtrArray *rd_inspect(const RdInventory *inventory);

/* ---- its parts, without any host ---- */
/* @text is taken */
void rd_inspect_add(GPtrArray *findings, const char *host, const char *check, RdLevel level,
		    char *text, const char *remedy);
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
