/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-cli"

#include "cli/way-back.h"

#include <string.h>

/* the first step of @type that touched its host, or NULL */
static const RdStep *
rd_way_back_find(RdRun *run, const char *type)
{
	GPtrArray *steps = rd_run_get_steps(run);

	for (guint i = 0; i < steps->len; i++) {
		const RdStep *step = g_ptr_array_index(steps, i);

		if (strcmp(step->plan->type, type) == 0 && step->touches > 0)
			return step;
	}
	return NULL;
}

/* the next run needs the hosts' locks */
static void
rd_way_back_end(RdRun *run, const char *run_id, GPtrArray *commands)
{
	const char *end = rd_run_get_end(run);

	if (end == NULL)
		g_ptr_array_add(commands, g_strdup_printf("recoveryd cancel %s", run_id));
	else if (strcmp(end, "owing") == 0)
		g_ptr_array_add(commands, g_strdup_printf("recoveryd resume %s", run_id));
}

static void
rd_way_back_return(RdRun *run, const char *run_id, GPtrArray *commands)
{
	g_autofree char *line = rd_run_get_line(run, "start return-to-old-data");

	rd_way_back_end(run, run_id, commands);
	g_ptr_array_add(commands, g_strdup_printf("%s -i run=%s", line, run_id));
}

char *
rd_way_back_behind(RdRun *run, const char *run_id, GPtrArray *commands)
{
	const RdStep *script = rd_way_back_find(run, "etcd/cluster-restore");
	g_autofree char *advise = NULL;

	if (script == NULL && rd_way_back_find(run, "etcd/save-data") != NULL) {
		rd_way_back_return(run, run_id, commands);
		return g_strdup("The old data can come back on all hosts at once, by a run of its "
				"own that says what is lost, and asks");
	}
	g_ptr_array_add(commands, g_strdup_printf("recoveryd runbook %s", run_id));
	if (script == NULL)
		return g_strdup("No procedure takes back what this run did; what lies where stands "
				"in its runbook");
	advise = rd_run_get_line(run, "advise");
	g_ptr_array_add(commands, g_strdup_printf("%s --go-back", advise));
	return g_strdup_printf("cluster-restore.sh moved the old data of %s itself, and no "
			       "procedure brings that back. What lies where stands in the runbook; "
			       "another backup can be restored over the cluster, and advise says "
			       "what that takes",
			       script->target);
}
