/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which host is to be replaced next. Lost is a control-plane host that a person stated to be
 * powered off and that still has a Node: after a restore the past is full of them, and the
 * operators wait for it (F42). One host at a time: the first in the inventory's order.
 *
 * Whether it has a Machine is asked for each (Amendment 7): a cluster of one's own making usually
 * has the Machine API and an empty list. */

#include "machine.h"

#define REPLACEMENT                                                                                \
	"/apis/machine.openshift.io/v1/namespaces/" MACHINE_NAMESPACE                              \
	"/controlplanemachinesets/cluster"
#define SETS "/apis/machine.openshift.io/v1/controlplanemachinesets"

char *
machine_path(const char *name)
{
	g_autofree char *escaped = rd_api_escape(name);

	return g_strdup_printf("/apis/machine.openshift.io/v1beta1/namespaces/" MACHINE_NAMESPACE
			       "/machines/%s",
			       escaped);
}

/* the Machine that @node came from, or NULL. (unowned) */
static JsonNode *
find_machine(JsonArray *machines, const char *node)
{
	for (guint i = 0; i < rd_api_length(machines); i++) {
		JsonNode *machine = json_array_get_element(machines, i);

		if (g_str_equal(rd_api_text(machine, "status", "nodeRef", "name", NULL), node))
			return machine;
	}
	return NULL;
}

/* *automatic: a ControlPlaneMachineSet makes a Machine for each that goes */
static gboolean
ask_replacement(RecoveryStep *step, gboolean *automatic, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) set = NULL;
	gboolean serves = FALSE;

	*automatic = FALSE;
	if (!recovery_api_serves(step, SETS, &serves, error))
		return FALSE;
	if (!serves)
		return TRUE;
	set = recovery_api_get(step, REPLACEMENT, &local);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	*automatic = g_str_equal(rd_api_text(set, "spec", "state", NULL), "Active") &&
		     !rd_api_is_terminating(set);
	return TRUE;
}

static gboolean
tell(RecoveryStep *step, const RdNode *node, JsonNode *machine, const char *all, gboolean automatic,
     GError **error)
{
	return recovery_output(step, "node", rd_api_name(node->node), error) &&
	       recovery_output(step, "node-uid", rd_api_uid(node->node), error) &&
	       recovery_output(step, "machine", rd_api_name(machine), error) &&
	       recovery_output(step, "machine-uid", rd_api_uid(machine), error) &&
	       recovery_output(step, "replacement", automatic ? "automatic" : "by-hand", error) &&
	       recovery_output(step, "all", all, error);
}

/* the first of @names that has a Node, in *node; the names of all that have, in @all */
static gboolean
find_lost(RecoveryStep *step, char **names, RdNode *node, GString *all, GError **error)
{
	for (guint i = 0; names[i] != NULL; i++) {
		g_auto(RdNode) one = {0};

		if (!rd_node_get(step, names[i], &one, error))
			return FALSE;
		if (one.node == NULL)
			continue;
		g_string_append_printf(all, "%s%s", all->len > 0 ? "," : "", names[i]);
		if (node->node != NULL)
			continue;
		if (!rd_node_check_lost(step, names[i], &one, error))
			return FALSE;
		*node = one;
		one = (RdNode){0};
	}
	return TRUE;
}

/* before, each would be refused: nobody could renew a lease without the API */
static RecoveryProbe
time_to_speak(RecoveryStep *step, GError **error)
{
	RecoveryMoment moment;
	double left;

	if (!rd_api_moment(step, &moment, error))
		return RECOVERY_PROBE_UNKNOWN;
	left = moment.since + RD_NODE_SILENT - moment.now;
	if (left <= 0)
		return RECOVERY_PROBE_PRESENT;
	recovery_progress(step,
			  "a host that is stated to be powered off counts as lost when the API has "
			  "answered for %d s and its kubelet said nothing: %.0f s more",
			  RD_NODE_SILENT, left);
	return RECOVERY_PROBE_ABSENT;
}

gboolean
machine_lost(RecoveryStep *step, GError **error)
{
	g_auto(GStrv) excused = recovery_excused(step);
	g_autoptr(GString) all = g_string_new(NULL);
	g_autoptr(JsonArray) machines = NULL;
	g_auto(RdNode) node = {0};
	JsonNode *machine = NULL;
	gboolean automatic = FALSE;

	if (excused[0] != NULL && !recovery_wait(step, time_to_speak, error))
		return FALSE;
	if (!find_lost(step, excused, &node, all, error))
		return FALSE;
	if (node.node == NULL) {
		recovery_outcome(step, "none");
		recovery_progress(step, "no host that is powered off for good has a Node");
		return tell(step, &node, NULL, "", FALSE, error);
	}
	machines = rd_api_list_if_served(step, MACHINES, NULL, error);
	if (machines == NULL || !ask_replacement(step, &automatic, error))
		return FALSE;
	machine = find_machine(machines, rd_api_name(node.node));
	recovery_outcome(step, machine != NULL ? "machine" : "node");
	recovery_progress(step, "%s lost, not replaced: %s", all->str,
			  machine != NULL ? rd_api_name(machine) : "no Machine");
	return tell(step, &node, machine, all->str, automatic, error);
}
