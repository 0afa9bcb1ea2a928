/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-procedure"

#include "inventory.h"

#include "address.h"
#include "inventory-private.h"

#include <string.h>

const char *const rd_roles[] = {RD_ROLE_CONTROL_PLANE, RD_ROLE_RECOVERY, RD_ROLE_OTHERS,
				RD_ROLE_WORKERS,       RD_CLUSTER,	 NULL};

void
rd_login_free(RdLogin *login)
{
	if (login == NULL)
		return;
	g_free(login->address);
	g_free(login->user);
	g_free(login->key);
	g_free(login->known_hosts);
	g_free(login->host_key);
	g_free(login);
}

RdLogin *
rd_login_copy(const RdLogin *login)
{
	RdLogin *copy = g_new0(RdLogin, 1);

	copy->address = g_strdup(login->address);
	copy->port = login->port;
	copy->user = g_strdup(login->user);
	copy->key = g_strdup(login->key);
	copy->agent = login->agent;
	copy->known_hosts = g_strdup(login->known_hosts);
	copy->host_key = g_strdup(login->host_key);
	return copy;
}

void
rd_inventory_host_free(RdInventoryHost *host)
{
	g_free(host->name);
	g_free(host->role);
	rd_login_free(host->login);
	rd_login_free(host->jump);
	g_free(host);
}

RdInventory *
rd_inventory_new(void)
{
	RdInventory *self = g_new0(RdInventory, 1);

	self->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)rd_inventory_host_free);
	self->api_vips = g_new0(char *, 1);
	self->ingress_vips = g_new0(char *, 1);
	return self;
}

void
rd_inventory_free(RdInventory *self)
{
	if (self == NULL)
		return;
	g_free(self->cluster);
	g_free(self->digest);
	g_ptr_array_unref(self->hosts);
	g_strfreev(self->api_vips);
	g_strfreev(self->ingress_vips);
	g_free(self->kubeconfig);
	g_free(self);
}

RdInventoryHost *
rd_inventory_find(const RdInventory *self, const char *name)
{
	for (guint i = 0; i < self->hosts->len; i++) {
		RdInventoryHost *host = self->hosts->pdata[i];

		if (g_ascii_strcasecmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

static gboolean
host_has_role(const RdInventoryHost *host, const char *role)
{
	gboolean worker = strcmp(host->role, "worker") == 0;

	if (strcmp(role, RD_ROLE_WORKERS) == 0)
		return worker;
	if (strcmp(role, RD_ROLE_CONTROL_PLANE) == 0)
		return !worker;
	if (strcmp(role, RD_ROLE_RECOVERY) == 0)
		return host->recovery;
	return strcmp(role, RD_ROLE_OTHERS) == 0 && !worker && !host->recovery;
}

GPtrArray *
rd_inventory_role(const RdInventory *self, const char *role)
{
	GPtrArray *hosts = g_ptr_array_new();

	for (guint i = 0; i < self->hosts->len; i++)
		if (host_has_role(self->hosts->pdata[i], role))
			g_ptr_array_add(hosts, self->hosts->pdata[i]);
	return hosts;
}

const RdInventoryHost *
rd_inventory_get_recovery(const RdInventory *self)
{
	for (guint i = 0; i < self->hosts->len; i++) {
		const RdInventoryHost *host = self->hosts->pdata[i];

		if (host->recovery)
			return host;
	}
	return NULL;
}

gboolean
rd_inventory_set_recovery(RdInventory *self, const char *name, GError **error)
{
	RdInventoryHost *chosen = rd_inventory_find(self, name);
	g_autoptr(GPtrArray) hosts = rd_inventory_role(self, RD_ROLE_CONTROL_PLANE);
	g_autoptr(GString) names = g_string_new(NULL);

	if (chosen == NULL || !host_has_role(chosen, RD_ROLE_CONTROL_PLANE)) {
		for (guint i = 0; i < hosts->len; i++) {
			const RdInventoryHost *host = hosts->pdata[i];

			g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", host->name);
		}
		g_set_error(error, RD_PROCEDURE_ERROR, RD_PROCEDURE_ERROR_INPUT,
			    "recovery host %s: %s; the control-plane hosts are %s", name,
			    chosen == NULL ? "not in the inventory" : "a worker", names->str);
		return FALSE;
	}
	for (guint i = 0; i < hosts->len; i++)
		((RdInventoryHost *)hosts->pdata[i])->recovery = FALSE;
	chosen->recovery = TRUE;
	return TRUE;
}

static gboolean
is_among(char **vips, GInetAddress *address)
{
	for (guint i = 0; vips[i] != NULL; i++) {
		g_autoptr(GInetAddress) vip = rd_address_parse(vips[i]);

		if (vip != NULL && g_inet_address_equal(vip, address))
			return TRUE;
	}
	return FALSE;
}

gboolean
rd_inventory_is_vip(const RdInventory *self, const char *text)
{
	g_autoptr(GInetAddress) address = rd_address_parse(text);

	return address != NULL &&
	       (is_among(self->api_vips, address) || is_among(self->ingress_vips, address));
}
