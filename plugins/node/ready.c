/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "node.h"
#include <string.h>

char *
node_boot_id(RecoveryStep *step, GError **error)
{
	char *id = recovery_ask(step, NULL, error, "cat", "/proc/sys/kernel/random/boot_id", NULL);

	return id != NULL ? g_strstrip(id) : NULL;
}

gboolean
node_is_cluster(RecoveryStep *step)
{
	return g_str_equal(recovery_target(step), "cluster");
}

const char *
node_name(RecoveryStep *step, GError **error)
{
	const char *name = recovery_string(step, "node");

	if (*name != '\0')
		return name;
	if (!node_is_cluster(step))
		return recovery_target(step);
	rd_api_refuse(error, "cluster: the parameter node has to say which Node");
	return NULL;
}

/* One host: the Node has to speak of the boot that runs there. A reboot takes less than the time
 * a lease counts as fresh, so right after one Ready is what was said before it. */
static RecoveryProbe
host_ready(RecoveryStep *step, GError **error)
{
	const char *name = recovery_target(step);
	g_autofree char *boot = node_boot_id(step, error), *why = NULL;
	g_auto(RdNode) one = {0};
	RecoveryMoment moment;
	const char *said;

	if (boot == NULL || !rd_node_get(step, name, &one, error) ||
	    !rd_api_moment(step, &moment, error))
		return RECOVERY_PROBE_UNKNOWN;
	said = rd_api_text(one.node, "status", "nodeInfo", "bootID", NULL);
	if (rd_node_fresh(&one, name, &moment, &why) != RECOVERY_FRESH_TRUE)
		recovery_progress(step, "%s", why);
	else if (!g_str_equal(said, boot))
		recovery_progress(step, "node %s says Ready, but of an earlier boot", name);
	else
		return RECOVERY_PROBE_PRESENT;
	return RECOVERY_PROBE_ABSENT;
}

RecoveryProbe
node_ready_probe(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) control = recovery_hosts(step, "control-plane");
	g_auto(GStrv) workers = recovery_hosts(step, "workers");
	g_autoptr(GPtrArray) names = g_ptr_array_new();
	g_autofree char *why = NULL;
	gboolean ready = FALSE;

	if (!node_is_cluster(step))
		return host_ready(step, error);
	for (guint i = 0; control[i] != NULL; i++)
		g_ptr_array_add(names, control[i]);
	for (guint i = 0; workers[i] != NULL && recovery_bool(step, "workers"); i++)
		g_ptr_array_add(names, workers[i]);
	g_ptr_array_add(names, NULL);
	if (!rd_nodes_ready(step, (const char *const *)names->pdata, &ready, &why, error))
		return RECOVERY_PROBE_UNKNOWN;
	recovery_progress(step, "%s", why);
	return ready ? RECOVERY_PROBE_PRESENT : RECOVERY_PROBE_ABSENT;
}
