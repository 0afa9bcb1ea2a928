/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the API has about the cluster (P2-01; domain 2.2, 2.5, 2.6, 2.7, 2.12). After a restore it
 * is what the snapshot has: good for what does not change by itself, and no proof of health. */

#include "../common/nodes.h"
#include "api.h"
#include <string.h>

#define NODES	 "/api/v1/nodes"
#define CONFIG	 "/apis/config.openshift.io/v1/"
#define MACHINES "/apis/machine.openshift.io/v1beta1/machines"

#define NEWEST_MINOR 17 /* since 4.18 the restore by script is another one (domain 7) */

/* GET of one of the cluster's configurations; there is one of each in every OpenShift */
static JsonNode *
get_config(RecoveryStep *step, const char *path, GError **error)
{
	g_autofree char *whole = g_strconcat(CONFIG, path, NULL);
	g_autoptr(GError) local = NULL;
	JsonNode *object = recovery_api_get(step, whole, &local);

	if (object == NULL && local == NULL)
		rd_api_refuse(error, "the API has no %s: this is no OpenShift cluster", whole);
	if (local != NULL)
		g_propagate_error(error, g_steal_pointer(&local));
	return object;
}

static void append(GString *list, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
append(GString *list, const char *format, ...)
{
	va_list args;

	if (list->len > 0)
		g_string_append_c(list, ',');
	va_start(args, format);
	g_string_append_vprintf(list, format, args);
	va_end(args);
}

/* ---- nodes, and who has a Machine (Amendment 7: per node, not per cluster) ---- */

static const char *
role_of(JsonNode *node)
{
	if (rd_node_is_control_plane(node))
		return "control-plane";
	return rd_api_at(node, "metadata", "labels", "node-role.kubernetes.io/arbiter", NULL) !=
		       NULL
		   ? "arbiter"
		   : "worker";
}

static gboolean
has_machine(JsonArray *machines, const char *node)
{
	for (guint i = 0; i < rd_api_length(machines); i++)
		if (g_str_equal(rd_api_text(json_array_get_element(machines, i), "status",
					    "nodeRef", "name", NULL),
				node))
			return TRUE;
	return FALSE;
}

/* hosts of the inventory without a Node: present and excused ones */
static char *
find_unregistered(RecoveryStep *step, JsonArray *nodes, GHashTable *known)
{
	g_auto(GStrv) control = recovery_hosts(step, "control-plane");
	g_auto(GStrv) workers = recovery_hosts(step, "workers");
	g_auto(GStrv) excused = recovery_excused(step);
	char **const sets[] = {control, workers, excused};
	GString *missing = g_string_new(NULL);

	for (guint s = 0; s < G_N_ELEMENTS(sets); s++)
		for (guint i = 0; sets[s][i] != NULL; i++) {
			g_hash_table_add(known, g_strdup(sets[s][i]));
			if (rd_api_find(nodes, sets[s][i]) == NULL)
				append(missing, "%s", sets[s][i]);
		}
	return g_string_free(missing, FALSE);
}

static gboolean
put_nodes(RecoveryStep *step, JsonArray *nodes, JsonArray *machines, GError **error)
{
	g_autoptr(GString) all = g_string_new(NULL), control = g_string_new(NULL);
	g_autoptr(GString) workers = g_string_new(NULL), strangers = g_string_new(NULL);
	g_autoptr(GString) owned = g_string_new(NULL), bare = g_string_new(NULL);
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *unregistered = find_unregistered(step, nodes, known);

	for (guint i = 0; i < rd_api_length(nodes); i++) {
		JsonNode *node = json_array_get_element(nodes, i);
		const char *name = rd_api_name(node), *role = role_of(node);

		append(all, "%s=%s", name, role);
		append(g_str_equal(role, "control-plane") ? control : workers, "%s", name);
		append(has_machine(machines, name) ? owned : bare, "%s", name);
		if (!g_hash_table_contains(known, name))
			append(strangers, "%s", name);
	}
	return recovery_output(step, "nodes", all->str, error) &&
	       recovery_output(step, "control-plane", control->str, error) &&
	       recovery_output(step, "workers", workers->str, error) &&
	       recovery_output(step, "strangers", strangers->str, error) &&
	       recovery_output(step, "unregistered", unregistered, error) &&
	       recovery_output(step, "machines", owned->str, error) &&
	       recovery_output(step, "without-machine", bare->str, error);
}

static gboolean
take_nodes(RecoveryStep *step, GError **error)
{
	gboolean served = FALSE;
	g_autoptr(JsonArray) nodes = recovery_api_list(step, NODES, error);
	g_autoptr(JsonArray) machines =
	    nodes != NULL ? rd_api_list_if_served(step, MACHINES, &served, error) : NULL;

	return machines != NULL && put_nodes(step, nodes, machines, error) &&
	       recovery_output(step, "machine-api", served ? "yes" : "no", error);
}

/* ---- infrastructure ---- */

/* the list, else the deprecated scalar */
static char *
read_vips(JsonNode *platform, const char *list, const char *scalar)
{
	GString *vips = g_string_new(NULL);
	JsonArray *items = rd_api_items(platform, list, NULL);

	for (guint i = 0; i < rd_api_length(items); i++) {
		JsonNode *item = json_array_get_element(items, i);

		append(vips, "%s", rd_api_text(item, NULL));
	}
	if (vips->len == 0)
		g_string_append(vips, rd_api_text(platform, scalar, NULL));
	return g_string_free(vips, FALSE);
}

static gboolean
take_infrastructure(RecoveryStep *step, gboolean *fits, GError **error)
{
	static const char *const with_vips[] = {"baremetal", "openstack", "vsphere",
						"nutanix",   "ovirt",	  NULL};
	g_autoptr(JsonNode) object = get_config(step, "infrastructures/cluster", error);
	JsonNode *status = rd_api_at(object, "status", NULL), *platform = NULL;
	const char *topology = rd_api_text(status, "controlPlaneTopology", NULL);
	g_autofree char *api = NULL, *ingress = NULL;
	gboolean external;

	if (object == NULL)
		return FALSE;
	for (guint i = 0; with_vips[i] != NULL && platform == NULL; i++)
		platform = rd_api_at(status, "platformStatus", with_vips[i], NULL);
	external = g_str_equal(rd_api_text(platform, "loadBalancer", "type", NULL), "UserManaged");
	api = read_vips(platform, "apiServerInternalIPs", "apiServerInternalIP");
	ingress = read_vips(platform, "ingressIPs", "ingressIP");
	/* two nodes with fencing, and control planes that run elsewhere (INV-41) */
	*fits = !g_str_equal(topology, "DualReplica") && !g_str_equal(topology, "External");
	return recovery_output(step, "topology", topology, error) &&
	       recovery_output(step, "platform",
			       rd_api_text(status, "platformStatus", "type", NULL), error) &&
	       recovery_output(step, "api-vips", api, error) &&
	       recovery_output(step, "ingress-vips", ingress, error) &&
	       recovery_output(step, "balancer",
			       platform == NULL ? "none"
			       : external	? "external"
						: "keepalived",
			       error);
}

/* ---- network, proxy, version ---- */

static gboolean
take_network(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) object = get_config(step, "networks/cluster", error);
	const char *type = rd_api_text(object, "status", "networkType", NULL);

	if (object == NULL)
		return FALSE;
	if (*type == '\0')
		type = rd_api_text(object, "spec", "networkType", NULL);
	return recovery_output(step, "network", type, error) &&
	       recovery_output(
		   step, "network-migration",
		   rd_api_at(object, "status", "migration", NULL) != NULL ? "yes" : "no", error);
}

/* whether, and not which: a proxy's URL may carry a password */
static gboolean
take_proxy(RecoveryStep *step, GError **error)
{
	g_autoptr(JsonNode) object = get_config(step, "proxies/cluster", error);
	gboolean used = FALSE;

	if (object == NULL)
		return FALSE;
	for (guint i = 0; i < 2; i++) {
		const char *part = i == 0 ? "status" : "spec";

		used |= *rd_api_text(object, part, "httpProxy", NULL) != '\0' ||
			*rd_api_text(object, part, "httpsProxy", NULL) != '\0';
	}
	return recovery_output(step, "proxy", used ? "yes" : "no", error);
}

/* "4.17.3" → 17, or -1 when it is no version of 4.x */
static int
minor_of(const char *version)
{
	char *rest = NULL, *end = NULL;
	guint64 major = g_ascii_strtoull(version, &rest, 10), minor;

	if (rest == version || *rest != '.' || major < 4)
		return -1;
	minor = g_ascii_strtoull(rest + 1, &end, 10);
	if (end == rest + 1 || *end != '.' || minor > 1000)
		return -1;
	return major > 4 ? G_MAXINT : (int)minor;
}

static gboolean
take_version(RecoveryStep *step, gboolean *fits, GError **error)
{
	g_autoptr(JsonNode) object = get_config(step, "clusterversions/version", error);
	const char *desired = rd_api_text(object, "status", "desired", "version", NULL);
	JsonArray *history = rd_api_items(object, "status", "history", NULL);
	const char *version = "";

	if (object == NULL)
		return FALSE;
	for (guint i = 0; i < rd_api_length(history) && *version == '\0'; i++) {
		JsonNode *entry = json_array_get_element(history, i);

		if (g_str_equal(rd_api_text(entry, "state", NULL), "Completed"))
			version = rd_api_text(entry, "version", NULL);
	}
	if (minor_of(desired) < 0 || (*version != '\0' && minor_of(version) < 0))
		return rd_api_refuse(error,
				     "the cluster's version cannot be read: desired is '%s', the "
				     "last one completed '%s'",
				     desired, version);
	/* in the middle of an upgrade parts of the newer one are there already */
	*fits = MAX(minor_of(desired), minor_of(version)) <= NEWEST_MINOR;
	return recovery_output(step, "version", version, error) &&
	       recovery_output(step, "desired-version", desired, error) &&
	       recovery_output(step, "upgrading", g_str_equal(desired, version) ? "no" : "yes",
			       error);
}

gboolean
api_facts(RecoveryStep *step, GError **error)
{
	gboolean fits = TRUE, known = TRUE;

	if (!take_nodes(step, error) || !take_infrastructure(step, &fits, error) ||
	    !take_network(step, error) || !take_proxy(step, error) ||
	    !take_version(step, &known, error))
		return FALSE;
	if (!fits)
		recovery_outcome(step, "topology");
	else if (!known)
		recovery_outcome(step, "newer");
	return TRUE;
}
