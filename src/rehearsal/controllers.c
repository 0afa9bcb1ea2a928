/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/controllers.h"
#include "rehearsal/machines.h"
#include "rehearsal/store-private.h"
#include <string.h>

#define SIGN_S 2.0 /* from approval to certificate */

double
rd_sim_behind_seen(RdSimBehind *self, const char *what)
{
	double *at = g_hash_table_lookup(self->seen, what);

	if (at == NULL) {
		at = g_memdup2(&self->now, sizeof self->now);
		g_hash_table_insert(self->seen, g_strdup(what), at);
	}
	return *at;
}

void
rd_sim_behind_forget(RdSimBehind *self, const char *what)
{
	g_hash_table_remove(self->seen, what);
}

JsonObject *
rd_sim_member(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node != NULL)
		return json_node_get_object(node);
	json_object_set_object_member(object, name, json_object_new());
	return json_object_get_object_member(object, name);
}

JsonObject *
rd_sim_peek(JsonObject *object, const char *name)
{
	static JsonObject *nothing;
	JsonNode *node = json_object_get_member(object, name);

	if (nothing == NULL)
		nothing = json_object_new();
	return node != NULL ? json_node_get_object(node) : nothing;
}

static JsonObject *
find_condition(JsonObject *object, const char *type)
{
	JsonNode *node = json_object_get_member(rd_sim_peek(object, "status"), "conditions");
	JsonArray *all = node != NULL ? json_node_get_array(node) : NULL;
	guint n = all != NULL ? json_array_get_length(all) : 0;

	for (guint i = 0; i < n; i++) {
		JsonObject *one = json_array_get_object_element(all, i);

		if (g_str_equal(json_object_get_string_member_with_default(one, "type", ""), type))
			return one;
	}
	return NULL;
}

const char *
rd_sim_condition(JsonObject *object, const char *type)
{
	JsonObject *found = find_condition(object, type);

	return found != NULL ? json_object_get_string_member_with_default(found, "status", "") : "";
}

static const char *
text_of(JsonObject *object, const char *name, const char *otherwise)
{
	return json_object_get_string_member_with_default(object, name, otherwise);
}

static gboolean
is_settled(JsonObject *status)
{
	JsonNode *node = json_object_get_member(status, "nodeStatuses");
	JsonArray *all = node != NULL ? json_node_get_array(node) : NULL;
	gint64 latest =
	    json_object_get_int_member_with_default(status, "latestAvailableRevision", 0);

	for (guint i = 0; all != NULL && i < json_array_get_length(all); i++) {
		JsonObject *one = json_array_get_object_element(all, i);

		if (json_object_get_int_member(one, "targetRevision") != 0 ||
		    json_object_get_int_member(one, "currentRevision") != latest)
			return FALSE;
	}
	return all != NULL;
}

static void
learn(JsonObject *body, RdSimFacts *facts)
{
	JsonObject *meta = rd_sim_peek(body, "metadata"), *spec = rd_sim_peek(body, "spec");
	JsonObject *info = rd_sim_peek(rd_sim_peek(body, "status"), "nodeInfo");

	facts->known = TRUE;
	facts->app = text_of(rd_sim_peek(meta, "labels"), "app", "");
	facts->node = text_of(spec, "nodeName", "");
	facts->boot = text_of(info, "bootID", NULL);
	facts->renewed = text_of(spec, "renewTime", "");
	facts->ending = json_object_has_member(meta, "deletionTimestamp");
	facts->ready = g_str_equal(rd_sim_condition(body, "Ready"), "True");
	facts->progressing = rd_sim_condition(body, "Progressing");
	facts->settled = is_settled(rd_sim_peek(body, "status")) &&
			 g_str_equal(rd_sim_condition(body, "NodeInstallerProgressing"), "False");
}

const RdSimFacts *
rd_sim_facts(RdSimObject *object)
{
	if (!object->facts.known)
		learn(rd_sim_object_body(object), &object->facts);
	return &object->facts;
}

gboolean
rd_sim_set_condition(JsonObject *object, const char *type, const char *status, const char *reason,
		     double time)
{
	JsonObject *condition = find_condition(object, type);
	g_autofree char *text = NULL;

	if (condition == NULL) {
		JsonObject *holder = rd_sim_member(object, "status");

		if (!json_object_has_member(holder, "conditions"))
			json_object_set_array_member(holder, "conditions", json_array_new());
		condition = json_object_new();
		json_object_set_string_member(condition, "type", type);
		json_array_add_object_element(json_object_get_array_member(holder, "conditions"),
					      condition);
	}
	if (g_str_equal(json_object_get_string_member_with_default(condition, "status", ""),
			status))
		return FALSE;
	text = rd_sim_time_text(time);
	json_object_set_string_member(condition, "status", status);
	json_object_set_string_member(condition, "reason", reason);
	json_object_set_string_member(condition, "lastTransitionTime", text);
	json_object_set_string_member(condition, "lastHeartbeatTime", text);
	return TRUE;
}

/* ---- the signer, a part of the kube-controller-manager -------------------------------------- */

static gboolean
is_approved(JsonObject *csr)
{
	JsonObject *status = rd_sim_peek(csr, "status");
	JsonArray *all = json_object_has_member(status, "conditions")
			     ? json_object_get_array_member(status, "conditions")
			     : NULL;
	gboolean approved = FALSE;

	for (guint i = 0; all != NULL && i < json_array_get_length(all); i++) {
		const char *type = json_object_get_string_member_with_default(
		    json_array_get_object_element(all, i), "type", "");

		if (g_str_equal(type, "Denied") || g_str_equal(type, "Failed"))
			return FALSE;
		approved |= g_str_equal(type, "Approved");
	}
	return approved;
}

void
rd_sim_catch_up_csr(RdSimBehind *self, RdSimObject *object)
{
	JsonObject *csr = rd_sim_object_body(object);

	if (!is_approved(csr) ||
	    json_object_has_member(rd_sim_peek(csr, "status"), "certificate") ||
	    !rd_sim_runs_somewhere(self->cluster, "kube-controller-manager") ||
	    self->now < rd_sim_behind_seen(self, object->path) + SIGN_S)
		return;
	json_object_set_string_member(rd_sim_member(csr, "status"), "certificate",
				      "LS0tLS1CRUdJTg==");
	rd_sim_store_written(self->store, object->path, "kube-controller-manager", "status",
			     self->now);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static const struct {
	const char *collection;
	void (*catch_up)(RdSimBehind *self, RdSimObject *object);
} controllers[] = {
    {"/api/v1/nodes", rd_sim_catch_up_node},
    {"/apis/coordination.k8s.io/v1/leases", rd_sim_catch_up_lease},
    {"/api/v1/pods", rd_sim_catch_up_pod},
    {"/apis/apps/v1/daemonsets", rd_sim_catch_up_daemon_set},
    {"/apis/apps/v1/deployments", rd_sim_catch_up_deployment},
    {"/apis/discovery.k8s.io/v1/endpointslices", rd_sim_catch_up_slice},
    {"/apis/policy/v1/poddisruptionbudgets", rd_sim_catch_up_budget},
    {"/apis/certificates.k8s.io/v1/certificatesigningrequests", rd_sim_catch_up_csr},
    {"/apis/certificates.k8s.io/v1beta1/certificatesigningrequests", rd_sim_catch_up_csr},
    {RD_SIM_MACHINES_ALL, rd_sim_catch_up_machine},
    {RD_SIM_MACHINE_SETS, rd_sim_catch_up_machine_set},
    {"/apis/operator.openshift.io/v1/etcds", rd_sim_catch_up_operator},
    {"/apis/operator.openshift.io/v1/kubeapiservers", rd_sim_catch_up_operator},
    {"/apis/operator.openshift.io/v1/kubecontrollermanagers", rd_sim_catch_up_operator},
    {"/apis/operator.openshift.io/v1/kubeschedulers", rd_sim_catch_up_operator},
};

void
rd_sim_controllers_catch_up(RdSimBehind *self)
{
	rd_sim_catch_up_members(self);
	rd_sim_catch_up_new_nodes(self);
	rd_sim_catch_up_signer(self);
	rd_sim_approve_by_machines(self);
	for (guint i = 0; i < G_N_ELEMENTS(controllers); i++) {
		g_autoptr(GPtrArray) objects =
		    rd_sim_store_list(self->store, controllers[i].collection);

		for (guint j = 0; j < objects->len; j++)
			controllers[i].catch_up(self, objects->pdata[j]);
	}
}
