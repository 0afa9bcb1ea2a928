/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/address.h"

RdHostAddress *
rd_host_address_new(const char *name, const char *address, const char *user)
{
	RdHostAddress *self = g_new0(RdHostAddress, 1);

	self->name = g_strdup(name);
	self->address = g_strdup(address);
	self->user = g_strdup(user);
	return self;
}

void
rd_host_address_free(RdHostAddress *address)
{
	if (address == NULL)
		return;
	g_free(address->name);
	g_free(address->address);
	g_free(address->user);
	g_free(address->key_file);
	g_free(address->agent);
	g_free(address->host_key);
	g_free(address->known_hosts);
	rd_host_address_free(address->jump);
	g_free(address);
}
