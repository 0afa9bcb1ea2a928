/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/address.h"
#include "procedure/inventory.h"
G_BEGIN_DECLS

/* The inventory's hosts as host/ reaches them. @agent: (nullable) link to an ssh agent's socket;
 * without one it is $SSH_AUTH_SOCK. (transfer full) */
RdHostAddress *rd_address_of(const RdInventoryHost *host, const char *agent);
/* all of them (element-type RdHostAddress) */
GPtrArray *rd_addresses_of(const RdInventory *inventory, const char *agent);
G_END_DECLS
