/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include "addresses.h"

static RdHostAddress *
rd_address_of_login(const char *name, const RdLogin *login, const char *agent)
{
	RdHostAddress *address = rd_host_address_new(name, login->address, login->user);

	address->port = (guint16)login->port;
	address->key_file = g_strdup(login->key);
	address->use_agent = login->agent;
	address->agent = g_strdup(agent);
	address->known_hosts = g_strdup(login->known_hosts);
	address->host_key = g_strdup(login->host_key);
	return address;
}

RdHostAddress *
rd_address_of(const RdInventoryHost *host, const char *agent)
{
	RdHostAddress *address = rd_address_of_login(host->name, host->login, agent);

	if (host->jump != NULL)
		address->jump = rd_address_of_login(host->name, host->jump, agent);
	return address;
}

GPtrArray *
rd_addresses_of(const RdInventory *inventory, const char *agent)
{
	GPtrArray *addresses = g_ptr_array_new_with_free_func((GDestroyNotify)rd_host_address_free);

	for (guint i = 0; i < inventory->hosts->len; i++)
		g_ptr_array_add(addresses,
				rd_address_of(g_ptr_array_index(inventory->hosts, i), agent));
	return addresses;
}
