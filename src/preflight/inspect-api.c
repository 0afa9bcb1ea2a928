/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include <gio/gio.h>
#include <string.h>

#include "engine/api-way.h"
#include "kube/kubeconfig.h"
#include "machine/plan.h"
#include "preflight/inspect.h"

/* Whether there will be a way to the Kubernetes API. Nobody is asked: the API of a cluster that
 * needs a recovery is most likely not there. */

#define RD_INSPECT_EXPIRES (2 * 24 * 3600) /* seconds: a recovery should be over by then */

const char rd_inspect_api_script[] =
    "[ -s " RD_API_KUBECONFIG " ] && echo api=yes || echo api=no\n"
    "command -v bash >/dev/null 2>&1 && echo tool.bash=yes || echo tool.bash=no\n";

void
rd_inspect_judge_api(GPtrArray *findings, const char *host, gboolean forwarding, GHashTable *facts)
{
	gboolean bash = g_strcmp0(g_hash_table_lookup(facts, "tool.bash"), "yes") == 0;

	if (g_strcmp0(g_hash_table_lookup(facts, "api"), "yes") != 0)
		rd_finding_add(findings, host, "api", RD_LEVEL_WARN,
			       g_strdup("no way to the Kubernetes API: " RD_API_KUBECONFIG
					" is missing or empty"),
			       "name a kubeconfig: in the inventory, or another recovery host");
	else if (!forwarding && !bash)
		rd_finding_add(
		    findings, host, "api", RD_LEVEL_WARN,
		    g_strdup("no way to the Kubernetes API: sshd forwards nothing, and "
			     "there is no bash that could instead"),
		    "AllowTcpForwarding in sshd_config, or kubeconfig: in the inventory");
	else
		rd_finding_add(findings, host, "api", RD_LEVEL_OK,
			       g_strdup_printf("localhost-recovery.kubeconfig is there, %s",
					       forwarding ? "through a forward"
							  : "through a bash, as sshd forwards "
							    "nothing"),
			       NULL);
}

void
rd_inspect_judge_kubeconfig(GPtrArray *findings, const RdKubeconfig *config, gint64 now)
{
	g_autoptr(GDateTime) end = NULL;
	g_autofree char *day = NULL;

	if (config->expires == 0) {
		rd_finding_add(findings, RD_CLUSTER, "api", RD_LEVEL_OK,
			       g_strdup_printf("%s: %s", config->file, config->server), NULL);
		return;
	}
	end = g_date_time_new_from_unix_utc(config->expires);
	day = g_date_time_format_iso8601(end);
	if (config->expires < now + RD_INSPECT_EXPIRES)
		rd_finding_add(findings, RD_CLUSTER, "api", RD_LEVEL_WARN,
			       g_strdup_printf("%s: its certificate %s %s", config->file,
					       config->expires < now ? "ended" : "ends", day),
			       "a newer kubeconfig; or none: then the recovery host's is used");
	else
		rd_finding_add(findings, RD_CLUSTER, "api", RD_LEVEL_OK,
			       g_strdup_printf("%s: %s, certificate until %s", config->file,
					       config->server, day),
			       NULL);
}

void
rd_inspect_kubeconfig(GPtrArray *findings, const char *path)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(RdKubeconfig) config = rd_kubeconfig_load(path, NULL, &error);

	if (config != NULL)
		rd_inspect_judge_kubeconfig(findings, config, g_get_real_time() / G_USEC_PER_SEC);
	else
		rd_finding_add(findings, RD_CLUSTER, "api", RD_LEVEL_WARN, g_strdup(error->message),
			       "correct it, or take kubeconfig: out of the inventory: then the "
			       "recovery host's is used");
}
