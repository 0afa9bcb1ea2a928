/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "procedure/inventory.h"
G_BEGIN_DECLS

/* What the files that make inventories share: inventory-load.c and inventory-json.c. */
RdInventory *rd_inventory_new(void);
RdLogin *rd_login_copy(const RdLogin *login);
void rd_login_free(RdLogin *login);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdLogin, rd_login_free)
void rd_inventory_host_free(RdInventoryHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdInventoryHost, rd_inventory_host_free)
G_END_DECLS
