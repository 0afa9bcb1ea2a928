/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include <string.h>

#include "procedure/inventory-private.h"
#include "yaml/yaml.h"

/* The cluster's file once more, in the middle of a run: how hosts are reached may have changed, and
 * workers may have come. What the run's plan and journal stand on may not. */

typedef struct {
	RdYaml *yaml;
	JsonObject *top;
	const RdInventory *old, *new;
} Amendment;

static JsonNode *
member(const Amendment *self, const char *name)
{
	JsonNode *node = json_object_get_member(self->top, name);

	return node != NULL ? node : rd_yaml_get_root(self->yaml);
}

/* where @name stands in the file, whether hosts are a list or a mapping */
static JsonNode *
host_node(const Amendment *self, const char *name)
{
	JsonNode *hosts = json_object_get_member(self->top, "hosts");

	if (JSON_NODE_HOLDS_OBJECT(hosts)) {
		g_autoptr(GList) names = json_object_get_members(json_node_get_object(hosts));

		for (GList *l = names; l != NULL; l = l->next)
			if (g_ascii_strcasecmp(l->data, name) == 0)
				return json_object_get_member(json_node_get_object(hosts), l->data);
	} else {
		JsonArray *list = json_node_get_array(hosts);

		for (guint i = 0; i < json_array_get_length(list); i++) {
			JsonObject *host = json_array_get_object_element(list, i);

			if (g_ascii_strcasecmp(json_object_get_string_member(host, "name"), name) ==
			    0)
				return json_array_get_element(list, i);
		}
	}
	return hosts;
}

static void
check_host(const Amendment *self, const RdInventoryHost *host)
{
	const RdInventoryHost *was = rd_inventory_find(self->old, host->name);

	if (was == NULL && strcmp(host->role, "worker") != 0)
		rd_yaml_complain(self->yaml, host_node(self, host->name),
				 "%s is new: a run that has begun takes in workers, no "
				 "control-plane host",
				 host->name);
	else if (was != NULL && strcmp(was->role, host->role) != 0)
		rd_yaml_complain(self->yaml, host_node(self, host->name),
				 "%s has role %s; in this run it is %s, and stays it", host->name,
				 host->role, was->role);
	else if (was != NULL && host->recovery && !was->recovery)
		rd_yaml_complain(self->yaml, host_node(self, host->name),
				 "%s has recovery: true; the recovery host of this run is %s, and "
				 "stays it",
				 host->name, rd_inventory_get_recovery(self->old)->name);
}

static void
check(const Amendment *self)
{
	if (strcmp(self->old->cluster, self->new->cluster) != 0)
		rd_yaml_complain(self->yaml, member(self, "cluster"),
				 "this is cluster %s, the run is of %s", self->new->cluster,
				 self->old->cluster);
	if (!g_strv_equal((const char *const *)self->old->api_vips,
			  (const char *const *)self->new->api_vips) ||
	    !g_strv_equal((const char *const *)self->old->ingress_vips,
			  (const char *const *)self->new->ingress_vips)) {
		g_autofree char *api = g_strjoinv(" ", self->old->api_vips);
		g_autofree char *ingress = g_strjoinv(" ", self->old->ingress_vips);

		rd_yaml_complain(self->yaml, member(self, "vips"),
				 "the VIPs of a run stay what they are: api: %s, ingress: %s",
				 *api != '\0' ? api : "none", *ingress != '\0' ? ingress : "none");
	}
	for (guint i = 0; i < self->new->hosts->len; i++)
		check_host(self, g_ptr_array_index(self->new->hosts, i));
	for (guint i = 0; i < self->old->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(self->old->hosts, i);

		if (rd_inventory_find(self->new, host->name) == NULL)
			rd_yaml_complain(self->yaml, member(self, "hosts"),
					 "%s is missing: the hosts of a run keep their names and "
					 "stay in it; one that is off is excused",
					 host->name);
	}
}

/* in the order of the run, which its steps have, too; new workers come last */
static void
take_order(RdInventory *new, const RdInventory *old)
{
	GPtrArray *hosts = g_ptr_array_new_with_free_func((GDestroyNotify)rd_inventory_host_free);

	for (guint i = 0; i < old->hosts->len; i++) {
		const RdInventoryHost *was = g_ptr_array_index(old->hosts, i);
		RdInventoryHost *host = rd_inventory_find(new, was->name);

		host->recovery = was->recovery;
		g_ptr_array_set_free_func(new->hosts, NULL);
		g_ptr_array_remove(new->hosts, host);
		g_ptr_array_add(hosts, host);
	}
	g_ptr_array_extend(hosts, new->hosts, NULL, NULL);
	g_ptr_array_unref(new->hosts);
	new->hosts = hosts;
}

RdInventory *
rd_inventory_load_amended(const char *path, const RdInventory *old, GPtrArray **warnings,
			  GError **error)
{
	g_autoptr(RdInventory) new = rd_inventory_load(path, warnings, error);
	g_autoptr(RdComplaints) complaints = NULL;
	g_autoptr(RdYaml) yaml = NULL;
	Amendment self = {.old = old, .new = new};

	if (new == NULL)
		return NULL;
	/* for the places of what is wrong */
	complaints = rd_complaints_new(path);
	yaml = rd_yaml_load(path, complaints, error);
	if (yaml == NULL)
		return NULL;
	self.yaml = yaml;
	self.top = json_node_get_object(rd_yaml_get_root(yaml));
	check(&self);
	if (!rd_complaints_settle(complaints, error))
		return NULL;
	take_order(new, old);
	return g_steal_pointer(&new);
}
