/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which network there is. Its layout is found by what the cluster runs, not by its version: the
 * wrong directory is wiped without complaint (F47).
 *
 * Central is an outcome of its own (up to 4.13): those databases are one raft cluster, and one that
 * starts without its file asks the ovnkube-master pods and joins whoever answers. Removed on one
 * host after the other they only copy each other, and nothing of them is made anew. */

#include "ovn.h"

#define NETWORK "/apis/config.openshift.io/v1/networks/cluster"
#define APPS	"/apis/apps/v1/namespaces/" OVN_NAMESPACE

static const struct {
	const char *layout, *outcome, *path, *dir, *app;
} layouts[] = {
    {"interconnect", "ovn", APPS "/deployments/ovnkube-control-plane", OVN_DIR_INTERCONNECT,
     "ovnkube-control-plane"},
    {"central", "central", APPS "/daemonsets/ovnkube-master", OVN_DIR_CENTRAL, "ovnkube-master"},
};

static gboolean
tell(RecoveryStep *step, const char *network, const char *layout, const char *dir, const char *app,
     GError **error)
{
	return recovery_output(step, "network", network, error) &&
	       recovery_output(step, "layout", layout, error) &&
	       recovery_output(step, "dir", dir, error) &&
	       recovery_output(step, "control-plane", app, error);
}

/* *at: the one layout that the cluster has */
static gboolean
find_layout(RecoveryStep *step, guint *at, GError **error)
{
	guint found = 0;

	for (guint i = 0; i < G_N_ELEMENTS(layouts); i++) {
		g_autoptr(GError) local = NULL;
		g_autoptr(JsonNode) object = recovery_api_get(step, layouts[i].path, &local);

		if (local != NULL) {
			g_propagate_error(error, g_steal_pointer(&local));
			return FALSE;
		}
		if (object == NULL || rd_api_is_terminating(object))
			continue;
		found++;
		*at = i;
	}
	if (found == 1)
		return TRUE;
	g_set_error(
	    error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
	    "%s has %s of Deployment ovnkube-control-plane (databases in " OVN_DIR_INTERCONNECT
	    ") and DaemonSet ovnkube-master (in " OVN_DIR_CENTRAL "): %s",
	    OVN_NAMESPACE, found == 0 ? "none" : "both",
	    found == 0 ? "is the network operator still deploying it?"
		       : "the backup is from the middle of an upgrade. Let the network "
			 "operator finish, or remove the databases by hand");
	return FALSE;
}

gboolean
facts_enter(RecoveryStep *step, GError **error)
{
	g_autoptr(GError) local = NULL;
	g_autoptr(JsonNode) network = recovery_api_get(step, NETWORK, &local);
	JsonNode *migration = rd_api_at(network, "status", "migration", NULL);
	const char *type = rd_api_text(network, "status", "networkType", NULL);
	guint at = 0;

	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	if (*type == '\0')
		type = rd_api_text(network, "spec", "networkType", NULL);
	if (*type == '\0') {
		g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
			    "%s does not say which network the cluster has", NETWORK);
		return FALSE;
	}
	if (migration != NULL && !JSON_NODE_HOLDS_NULL(migration)) {
		recovery_outcome(step, "migration");
		recovery_progress(step,
				  "the network was being migrated when the backup was made: its "
				  "databases are left alone");
		return tell(step, type, "none", "", "", error);
	}
	if (!g_str_equal(type, "OVNKubernetes")) {
		recovery_outcome(step, "other-network");
		return tell(step, type, "none", "", "", error);
	}
	if (!find_layout(step, &at, error))
		return FALSE;
	recovery_outcome(step, layouts[at].outcome);
	return tell(step, type, layouts[at].layout, layouts[at].dir, layouts[at].app, error);
}
