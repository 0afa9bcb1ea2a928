/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-preflight"

#include "preflight/cluster-facts.h"

#include <string.h>

#include "backup/certificates.h"

const char *const rd_room_paths[RD_ROOMS] = {[RD_ROOM_DATA] = "/var/lib/etcd",
					     [RD_ROOM_VAR] = "/var/lib",
					     [RD_ROOM_MANIFESTS] = "/etc/kubernetes/manifests",
					     [RD_ROOM_HOME] = "/home"};

static void
host_free(gpointer data)
{
	RdHostFacts *self = data;

	g_free(self->silence);
	rd_survey_clear(&self->survey);
	g_strfreev(self->manifests);
	g_strfreev(self->images);
	g_strfreev(self->addresses);
	g_strfreev(self->vips);
	for (guint i = 0; i < RD_ROOMS; i++) {
		g_free(self->rooms[i].type);
		g_free(self->rooms[i].mount);
	}
	g_free(self->etcd_env);
	g_free(self->image);
	g_free(self->etcd_name);
	g_free(self->etcd_address);
	g_strfreev(self->etcd_names);
	g_free(self->alarm);
	g_free(self->script_sha256);
	g_strfreev(self->data_strangers);
	g_strfreev(self->leftovers);
	g_strfreev(self->old_runs);
	g_strfreev(self->old_data);
	g_ptr_array_unref(self->certificates);
	g_free(self->encryption_key);
	g_free(self);
}

RdClusterFacts *
rd_cluster_facts_new(const RdInventory *inventory, gint64 now)
{
	RdClusterFacts *self = g_new0(RdClusterFacts, 1);
	g_autoptr(GPtrArray) masters = rd_inventory_role(inventory, RD_ROLE_CONTROL_PLANE);

	self->inventory = inventory;
	self->now = now;
	self->hosts = g_ptr_array_new_with_free_func(host_free);
	self->api.lease_age = -1;
	for (guint i = 0; i < masters->len; i++) {
		RdHostFacts *host = g_new0(RdHostFacts, 1);

		host->host = g_ptr_array_index(masters, i);
		host->survey.number = -1;
		host->certificates =
		    g_ptr_array_new_with_free_func((GDestroyNotify)rd_certificate_free);
		g_ptr_array_add(self->hosts, host);
	}
	return self;
}

void
rd_cluster_facts_free(RdClusterFacts *self)
{
	if (self == NULL)
		return;
	g_ptr_array_unref(self->hosts);
	g_free(self->api.silence);
	g_free(self->api.topology);
	g_free(self->api.cluster_id);
	g_free(self->api.version);
	g_strfreev(self->api.stale);
	g_clear_pointer(&self->backup, rd_verdict_free);
	g_clear_pointer(&self->identity, rd_identity_free);
	g_free(self);
}

RdHostFacts *
rd_cluster_facts_find(const RdClusterFacts *self, const char *name)
{
	for (guint i = 0; i < self->hosts->len; i++) {
		RdHostFacts *host = g_ptr_array_index(self->hosts, i);

		if (strcmp(host->host->name, name) == 0)
			return host;
	}
	return NULL;
}

const RdHostFacts *
rd_cluster_facts_recovery(const RdClusterFacts *self)
{
	for (guint i = 0; i < self->hosts->len; i++) {
		const RdHostFacts *host = g_ptr_array_index(self->hosts, i);

		if (host->host->recovery)
			return host;
	}
	return NULL;
}

static gboolean
all_take_back(const RdClusterFacts *self, const char *run)
{
	for (guint i = 0; i < self->hosts->len; i++) {
		const RdHostFacts *host = self->hosts->pdata[i];

		if (host->asked && !g_strv_contains((const char *const *)host->old_runs, run))
			return FALSE;
	}
	return TRUE;
}

static int
compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
rd_facts_returnable(const RdClusterFacts *self)
{
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < self->hosts->len; i++) {
		const RdHostFacts *host = self->hosts->pdata[i];

		for (guint j = 0; host->asked && host->old_data[j] != NULL; j++)
			if (!g_ptr_array_find_with_equal_func(runs, host->old_data[j], g_str_equal,
							      NULL) &&
			    all_take_back(self, host->old_data[j]))
				g_ptr_array_add(runs, g_strdup(host->old_data[j]));
	}
	g_ptr_array_sort(runs, compare_texts);
	g_ptr_array_add(runs, NULL);
	return (char **)g_ptr_array_steal(runs, NULL);
}

gboolean
rd_facts_restored(const RdClusterFacts *self)
{
	for (guint i = 0; i < self->hosts->len; i++)
		if (((const RdHostFacts *)self->hosts->pdata[i])->restored)
			return TRUE;
	return FALSE;
}
