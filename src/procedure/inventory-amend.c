/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include <string.h>

#include "procedure/inventory-private.h"
#include "yaml/complaints.h"
#include "yaml/yaml.h"

/* The cluster's file once more, in the middle of a run: how hosts are reached may have changed, and
 * workers may have come. What the run's plan and journal stand on may not. */

/* what is wrong with a file that is to replace another: at a host, by its name, or at a member of
 * the top */
typedef void (*RdAmendComplain)(const char *host, const char *member, const char *text,
				gpointer data);

typedef struct {
	const RdInventory *old, *new;
	RdAmendComplain complain;
	gpointer data;
} Amendment;

static void complain(const Amendment *self, const char *host, const char *member,
		     const char *format, ...) G_GNUC_PRINTF(4, 5);

static void
complain(const Amendment *self, const char *host, const char *member, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	self->complain(host, member, text, self->data);
}

static void
compare_host(const Amendment *self, const RdInventoryHost *host)
{
	const RdInventoryHost *was = rd_inventory_find(self->old, host->name);

	if (was == NULL && strcmp(host->role, "worker") != 0)
		complain(self, host->name, NULL,
			 "%s is new: a run that has begun takes in workers, no control-plane host",
			 host->name);
	else if (was != NULL && strcmp(was->role, host->role) != 0)
		complain(self, host->name, NULL,
			 "%s has role %s; in this run it is %s, and stays it", host->name,
			 host->role, was->role);
	else if (was != NULL && host->recovery && !was->recovery)
		complain(self, host->name, NULL,
			 "%s has recovery: true; the recovery host of this run is %s, and stays it",
			 host->name, rd_inventory_get_recovery(self->old)->name);
}

static gboolean
same_words(char **a, char **b)
{
	return g_strv_equal((const char *const *)a, (const char *const *)b);
}

static void
compare(const Amendment *self)
{
	if (strcmp(self->old->cluster, self->new->cluster) != 0)
		complain(self, NULL, "cluster", "this is cluster %s, the run is of %s",
			 self->new->cluster, self->old->cluster);
	if (!same_words(self->old->api_vips, self->new->api_vips) ||
	    !same_words(self->old->ingress_vips, self->new->ingress_vips)) {
		g_autofree char *api = g_strjoinv(" ", self->old->api_vips);
		g_autofree char *ingress = g_strjoinv(" ", self->old->ingress_vips);

		complain(self, NULL, "vips",
			 "the VIPs of a run stay what they are: api: %s, ingress: %s",
			 *api != '\0' ? api : "none", *ingress != '\0' ? ingress : "none");
	}
	for (guint i = 0; i < self->new->hosts->len; i++)
		compare_host(self, g_ptr_array_index(self->new->hosts, i));
	for (guint i = 0; i < self->old->hosts->len; i++) {
		const RdInventoryHost *host = g_ptr_array_index(self->old->hosts, i);

		if (rd_inventory_find(self->new, host->name) == NULL)
			complain(self, NULL, "hosts",
				 "%s is missing: the hosts of a run keep their names and stay in "
				 "it; one that is off is excused",
				 host->name);
	}
}

/* ---- where it stands in the file ----------------------------------------------------------- */

/* of @name, whether hosts are a list or a mapping */
static JsonNode *
host_node(JsonNode *hosts, const char *name)
{
	if (JSON_NODE_HOLDS_OBJECT(hosts)) {
		JsonObject *map = json_node_get_object(hosts);
		g_autoptr(GList) names = json_object_get_members(map);

		for (GList *l = names; l != NULL; l = l->next)
			if (g_ascii_strcasecmp(l->data, name) == 0)
				return json_object_get_member(map, l->data);
	} else {
		JsonArray *list = json_node_get_array(hosts);

		for (guint i = 0; i < json_array_get_length(list); i++) {
			JsonObject *host = json_array_get_object_element(list, i);
			const char *found = json_object_get_string_member(host, "name");

			if (g_ascii_strcasecmp(found, name) == 0)
				return json_array_get_element(list, i);
		}
	}
	return hosts;
}

static void
complain_in_file(const char *host, const char *member, const char *text, gpointer data)
{
	RdYaml *yaml = data;
	JsonNode *root = rd_yaml_get_root(yaml);
	JsonObject *top = json_node_get_object(root);
	JsonNode *node = host != NULL ? host_node(json_object_get_member(top, "hosts"), host)
				      : json_object_get_member(top, member);

	rd_yaml_complain(yaml, node != NULL ? node : root, "%s", text);
}

/* ---- the two ways to it -------------------------------------------------------------------- */

static void
complain_once(const char *host, const char *member, const char *text, gpointer data)
{
	GError **error = data;

	if (*error == NULL)
		g_set_error_literal(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INVALID, text);
}

gboolean
rd_inventory_check_amended(const RdInventory *old, const RdInventory *new, GError **error)
{
	g_autoptr(GError) local = NULL;
	const Amendment self = {.old = old, .new = new, .complain = complain_once, .data = &local};

	compare(&self);
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
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
	Amendment self = {.old = old, .new = new, .complain = complain_in_file};

	if (new == NULL)
		return NULL;
	/* for the places of what is wrong */
	complaints = rd_complaints_new(path);
	yaml = rd_yaml_load(path, complaints, error);
	if (yaml == NULL)
		return NULL;
	self.data = yaml;
	compare(&self);
	if (!rd_complaints_settle(complaints, error))
		return NULL;
	take_order(new, old);
	return g_steal_pointer(&new);
}
