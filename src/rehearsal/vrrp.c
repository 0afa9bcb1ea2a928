/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/cluster.h"
#include <string.h>

/* Addresses of hosts, and the keepalived that moves the virtual ones: each is on the living
 * keepalived with the highest priority, which is the last host of the list. An orderly end says
 * goodbye, and another one takes over after a second; without a word it takes three (VRRP's three
 * adverts, lab.md). What is on a host without keepalived stays there (F43). */

static void
address_free(RdSimAddress *address)
{
	g_free(address->device);
	g_free(address->text);
	g_free(address);
}

void
rd_sim_host_add_address(RdSimHost *self, const char *device, const char *text)
{
	RdSimAddress *address = g_new0(RdSimAddress, 1);

	if (rd_sim_host_has_address(self, text)) {
		g_free(address);
		return;
	}
	address->device = g_strdup(device);
	address->text = g_strdup(text);
	g_ptr_array_add(self->addresses, address);
}

gboolean
rd_sim_host_has_address(const RdSimHost *self, const char *text)
{
	for (guint i = 0; i < self->addresses->len; i++)
		if (g_str_equal(((RdSimAddress *)self->addresses->pdata[i])->text, text))
			return TRUE;
	return FALSE;
}

gboolean
rd_sim_host_remove_address(RdSimHost *self, const char *device, const char *text)
{
	for (guint i = 0; i < self->addresses->len; i++) {
		const RdSimAddress *address = self->addresses->pdata[i];

		if (!g_str_equal(address->text, text) || !g_str_equal(address->device, device))
			continue;
		g_ptr_array_remove_index(self->addresses, i);
		return TRUE;
	}
	return FALSE;
}

/* what a boot leaves */
void
rd_sim_host_reset_addresses(RdSimHost *self)
{
	g_autofree char *own = g_strconcat(self->address, "/24", NULL);

	g_clear_pointer(&self->addresses, g_ptr_array_unref);
	self->addresses = g_ptr_array_new_with_free_func((GDestroyNotify)address_free);
	rd_sim_host_add_address(self, "lo", "127.0.0.1/8");
	rd_sim_host_add_address(self, RD_SIM_DEVICE, own);
}

gboolean
rd_sim_cluster_is_vip(const RdSimCluster *self, const char *text)
{
	return self->vips != NULL && g_strv_contains((const char *const *)self->vips, text);
}

static RdSimHost *
winner(RdSimCluster *self)
{
	for (guint i = self->hosts->len; i > 0; i--) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i - 1);

		if (host->keepalived && host->power == RD_SIM_UP)
			return host;
	}
	return NULL;
}

static void
elect(gpointer data)
{
	RdSimCluster *self = data;
	RdSimHost *master = winner(self);

	for (guint i = 0; i < self->hosts->len; i++) {
		RdSimHost *host = g_ptr_array_index(self->hosts, i);

		for (guint j = 0; host->keepalived && self->vips[j] != NULL; j++)
			if (host == master)
				rd_sim_host_add_address(host, RD_SIM_DEVICE, self->vips[j]);
			else
				rd_sim_host_remove_address(host, RD_SIM_DEVICE, self->vips[j]);
	}
}

static void
elect_later(RdSimCluster *self, gint64 low, gint64 high)
{
	if (self->vips != NULL)
		rd_timeline_add(self->timeline, rd_timeline_chance(self->timeline, low, high),
				elect, self, NULL);
}

static void
drop_vips(RdSimHost *self)
{
	for (guint i = 0; self->cluster->vips != NULL && self->cluster->vips[i] != NULL; i++)
		rd_sim_host_remove_address(self, RD_SIM_DEVICE, self->cluster->vips[i]);
}

void
rd_sim_keepalived_start(RdSimHost *self)
{
	self->keepalived = TRUE;
	drop_vips(self); /* its container takes stale ones away first (domain P2-14) */
	elect_later(self->cluster, 3 * RD_SIM_SECOND, 4 * RD_SIM_SECOND);
}

void
rd_sim_keepalived_stop(RdSimHost *self)
{
	self->keepalived = FALSE;
	if (!self->untidy)
		drop_vips(self);
	elect_later(self->cluster, self->untidy ? 3 * RD_SIM_SECOND : 300 * RD_SIM_MS,
		    self->untidy ? 4 * RD_SIM_SECOND : RD_SIM_SECOND);
}

void
rd_sim_keepalived_die(RdSimHost *self)
{
	self->keepalived = FALSE;
	rd_sim_host_reset_addresses(self);
	elect_later(self->cluster, 3 * RD_SIM_SECOND, 4 * RD_SIM_SECOND);
}
