/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/machines.h"
#include "rehearsal/scenery.h"
#include "rehearsal/store-private.h"
#include <string.h>

/* The Machine API of a control plane, as far as a lost host is replaced by it (F42, domain 3.2,
 * Amendment 9). A Machine that is deleted waits for the etcd operator's hook, which goes as soon as
 * its host is in no member list; then its instance goes, its Node, and itself. Where a
 * ControlPlaneMachineSet is Active another Machine is made for it. A Machine without an instance
 * gets one: a host of a new name, empty, which boots, and whose kubelet asks for a certificate. The
 * cluster's own approver grants that by the Machine. */

#define HOOK	  "EtcdQuorumOperator"
#define FINALIZER "machine.machine.openshift.io"
#define HOOK_S	  10.0	/* the etcd operator looks so often */
#define END_S	  60.0	/* an instance takes so long to go */
#define REPLACE_S 20.0	/* until a set makes the next Machine */
#define START_S	  120.0 /* and an instance to come */
#define LINK_S	  5.0	/* from Node to nodeRef */

static const char *
text_at(JsonObject *object, const char *name)
{
	return json_object_get_string_member_with_default(object, name, "");
}

/* its host's name; "" while it has none */
static const char *
host_name(JsonObject *machine)
{
	return text_at(rd_sim_metadata(machine), RD_SIM_INSTANCE);
}

static const char *
node_ref(JsonObject *machine)
{
	return text_at(rd_sim_peek(rd_sim_peek(machine, "status"), "nodeRef"), "name");
}

/* ---- as they are made ---------------------------------------------------------------------- */

void
rd_sim_machine_put(RdSimStore *store, const char *name, const RdSimHost *host, double time)
{
	g_autofree char *path = g_strconcat(RD_SIM_MACHINES "/", name, NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	g_string_append_printf(
	    text,
	    "{'metadata':{'labels':{'machine.openshift.io/cluster-api-machine-role':'master'},"
	    "'finalizers':['" FINALIZER "'],'" RD_SIM_INSTANCE "':'%s'},'spec':{'lifecycleHooks':{"
	    "'preDrain':[{'name':'" HOOK "','owner':'clusteroperator/etcd'}]},'providerSpec':{"
	    "'value':{'instanceType':'m6i.xlarge'}}},'status':{",
	    host != NULL ? host->name : "");
	if (host != NULL)
		g_string_append_printf(
		    text,
		    "'phase':'Running','nodeRef':{'kind':'Node','name':'%s'},'addresses':[{'type':"
		    "'InternalIP','address':'%s'},{'type':'InternalDNS','address':'%s'}]",
		    host->name, host->address, host->name);
	g_string_append(text, "}}");
	g_string_replace(text, "'", "\"", 0);
	rd_sim_store_put(store, path, text->str, time);
}

/* ---- one that is deleted ------------------------------------------------------------------- */

/* the host is in the member list of the etcd that has a quorum; TRUE as well while nobody can say
 */
static gboolean
is_member(RdSimBehind *self, const char *name)
{
	const RdSimHost *wanted = rd_sim_cluster_find(self->cluster, name);

	for (guint i = 0; i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		g_autofree char *url = wanted != NULL ? rd_sim_etcd_peer_url(wanted) : NULL;

		if (!rd_sim_etcd_has_quorum(host))
			continue;
		for (guint j = 0; j < host->etcd->peers->len; j++)
			if (g_strcmp0(((const RdSimPeer *)host->etcd->peers->pdata[j])->url, url) ==
			    0)
				return TRUE;
		return FALSE;
	}
	return TRUE;
}

/* the etcd operator takes its hook away; TRUE: there is none any more */
static gboolean
is_released(RdSimBehind *self, RdSimObject *object)
{
	JsonObject *spec = rd_sim_member(rd_sim_object_body(object), "spec");
	g_autofree char *key = g_strconcat("hook ", object->path, NULL);

	if (!json_object_has_member(rd_sim_peek(spec, "lifecycleHooks"), "preDrain"))
		return TRUE;
	if (self->now < rd_sim_behind_seen(self, key) + HOOK_S ||
	    is_member(self, host_name(rd_sim_object_body(object))))
		return FALSE;
	json_object_remove_member(rd_sim_member(spec, "lifecycleHooks"), "preDrain");
	rd_sim_store_written(self->store, object->path, "cluster-etcd-operator", NULL, self->now);
	return FALSE;
}

static void
end_machine(RdSimBehind *self, RdSimObject *object)
{
	JsonObject *machine = rd_sim_object_body(object);
	RdSimHost *host = rd_sim_cluster_find(self->cluster, host_name(machine));
	g_autofree char *node = g_strconcat("/api/v1/nodes/", node_ref(machine), NULL);
	g_autofree char *key = g_strconcat("end ", object->path, NULL);

	self->under_way = TRUE;
	if (!is_released(self, object) || self->now < rd_sim_behind_seen(self, key) + END_S)
		return;
	if (host != NULL)
		rd_sim_host_power_off(host);
	rd_sim_store_remove(self->store, node);
	rd_sim_store_remove(self->store, object->path);
}

/* ---- one that is new ----------------------------------------------------------------------- */

static void
start_instance(RdSimBehind *self, RdSimObject *object)
{
	JsonObject *machine = rd_sim_object_body(object), *status;
	RdSimHost *host = rd_scenery_add_master(self->cluster);
	JsonArray *addresses = json_array_new();
	const char *const pairs[][2] = {{"InternalIP", host->address},
					{"InternalDNS", host->name},
					{"Hostname", host->name}};

	json_object_set_string_member(rd_sim_metadata(machine), RD_SIM_INSTANCE, host->name);
	for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
		JsonObject *address = json_object_new();

		json_object_set_string_member(address, "type", pairs[i][0]);
		json_object_set_string_member(address, "address", pairs[i][1]);
		json_array_add_object_element(addresses, address);
	}
	status = rd_sim_member(machine, "status");
	json_object_set_array_member(status, "addresses", addresses);
	json_object_set_string_member(status, "phase", "Provisioned");
	rd_sim_store_written(self->store, object->path, "machine-controller", "status", self->now);
}

static void
link_node(RdSimBehind *self, RdSimObject *object)
{
	JsonObject *machine = rd_sim_object_body(object);
	g_autofree char *path = g_strconcat("/api/v1/nodes/", host_name(machine), NULL);
	g_autofree char *key = g_strconcat("link ", object->path, NULL);
	JsonObject *status = rd_sim_member(machine, "status");

	if (rd_sim_store_look(self->store, path) == NULL ||
	    self->now < rd_sim_behind_seen(self, key) + LINK_S)
		return;
	json_object_set_string_member(rd_sim_member(status, "nodeRef"), "name", host_name(machine));
	json_object_set_string_member(status, "phase", "Running");
	rd_sim_store_written(self->store, object->path, "nodelink-controller", "status", self->now);
}

void
rd_sim_catch_up_machine(RdSimBehind *self, RdSimObject *object)
{
	JsonObject *machine = rd_sim_object_body(object);
	g_autofree char *key = g_strconcat("start ", object->path, NULL);

	if (rd_sim_facts(object)->ending) {
		end_machine(self, object);
		return;
	}
	if (*node_ref(machine) != '\0')
		return;
	self->under_way = TRUE;
	if (*host_name(machine) != '\0')
		link_node(self, object);
	else if (self->now >= rd_sim_behind_seen(self, key) + START_S)
		start_instance(self, object);
}

/* A Machine that is being deleted counts no more: one is made beside it. */
void
rd_sim_catch_up_machine_set(RdSimBehind *self, RdSimObject *set)
{
	g_autoptr(GPtrArray) machines = rd_sim_store_list(self->store, RD_SIM_MACHINES_ALL);
	JsonObject *spec = rd_sim_peek(rd_sim_object_body(set), "spec");
	guint lasting = 0;
	g_autofree char *name = NULL;

	for (guint i = 0; i < machines->len; i++)
		lasting += !rd_sim_facts(machines->pdata[i])->ending;
	if (lasting >= json_object_get_int_member_with_default(spec, "replicas", 3) ||
	    !g_str_equal(text_at(spec, "state"), "Active")) {
		rd_sim_behind_forget(self, "missing machine");
		return;
	}
	self->under_way = TRUE;
	if (self->now < rd_sim_behind_seen(self, "missing machine") + REPLACE_S)
		return;
	rd_sim_behind_forget(self, "missing machine");
	name = g_strdup_printf("kite-master-%05" G_GUINT64_FORMAT, ++self->cluster->serials);
	rd_sim_machine_put(self->store, name, NULL, self->now);
}

/* ---- the cluster's own approver ------------------------------------------------------------- */

/* the Machine of that host, or NULL */
static JsonObject *
find_machine(RdSimBehind *self, const RdSimHost *host)
{
	g_autoptr(GPtrArray) machines = rd_sim_store_list(self->store, RD_SIM_MACHINES_ALL);

	for (guint i = 0; i < machines->len; i++) {
		JsonObject *machine = rd_sim_object_body(machines->pdata[i]);

		if (g_str_equal(host_name(machine), host->name))
			return machine;
	}
	return NULL;
}

/* The first certificate is a Machine's that has no Node yet, the other one that of a Node that is
 * its Machine's. For a Node that exists it never approves the first: that is why people do, after a
 * restore. */
static gboolean
vouches(RdSimBehind *self, const RdSimHost *host, gboolean client)
{
	JsonObject *machine = find_machine(self, host);
	g_autofree char *node = g_strconcat("/api/v1/nodes/", host->name, NULL);

	if (machine == NULL)
		return FALSE;
	if (client)
		return *node_ref(machine) == '\0' && rd_sim_store_look(self->store, node) == NULL;
	return g_str_equal(node_ref(machine), host->name);
}

void
rd_sim_approve_by_machines(RdSimBehind *self)
{
	g_autoptr(GPtrArray) machines = rd_sim_store_list(self->store, RD_SIM_MACHINES_ALL);

	for (guint i = 0; machines->len > 0 && i < self->cluster->hosts->len; i++) {
		const RdSimHost *host = g_ptr_array_index(self->cluster->hosts, i);
		gboolean client = FALSE;
		const char *path = rd_sim_pki_asked(host, &client);
		JsonObject *request = path != NULL ? rd_sim_store_find(self->store, path) : NULL;
		JsonObject *status = request != NULL ? rd_sim_member(request, "status") : NULL;

		if (status == NULL || json_object_has_member(status, "conditions") ||
		    !vouches(self, host, client))
			continue;
		rd_sim_set_condition(request, "Approved", "True", "NodeCSRApprove", self->now);
		rd_sim_store_written(self->store, path, "machine-approver", "approval", self->now);
	}
}
