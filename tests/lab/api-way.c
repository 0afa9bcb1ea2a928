/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* api-way INVENTORY [RECOVERY-HOST], in the lab's network: the way that a run takes to a real API
 * server (localhost-recovery.kubeconfig of the recovery host, a forward by ssh), and whether that
 * one does what the simulated one does (tests/unit/api-script.h). */

#include "engine/api-way.h"
#include "../unit/api-script.h"
#include "kube/objects.h"
#include "procedure/inventory.h"

#include <recovery/plugin.h>

static RdHostAddress *
address_of(const RdInventoryHost *host)
{
	RdHostAddress *address =
	    rd_host_address_new(host->name, host->login->address, host->login->user);

	address->port = (guint16)host->login->port;
	address->key_file = g_strdup(host->login->key);
	address->use_agent = host->login->agent;
	address->known_hosts = g_strdup(host->login->known_hosts);
	address->host_key = g_strdup(host->login->host_key);
	return address;
}

static void
fail(const GError *error)
{
	g_printerr("%s\n", error->message);
	exit(1);
}

int
main(int argc, char **argv)
{
	g_autoptr(GPtrArray) addresses =
	    g_ptr_array_new_with_free_func((GDestroyNotify)rd_host_address_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(RdInventory) inventory = NULL;
	g_autoptr(JsonNode) nodes = NULL;
	g_autofree char *ready = NULL;
	RdApiWay way = {.addresses = addresses, .cancel_fd = -1};
	RdWorld *world;
	RdKube *kube;

	if (argc < 2)
		return 2;
	inventory = rd_inventory_load(argv[1], NULL, &error);
	if (inventory == NULL ||
	    (argc > 2 && !rd_inventory_set_recovery(inventory, argv[2], &error)))
		fail(error);
	for (guint i = 0; i < inventory->hosts->len; i++)
		g_ptr_array_add(addresses, address_of(g_ptr_array_index(inventory->hosts, i)));
	way.inventory = inventory;
	world = rd_host_world_new(addresses, "r-lab", -1);
	kube = rd_api_way_open(world, &way, &error);
	if (kube == NULL)
		fail(error);
	ready = rd_kube_text(kube, "/readyz?verbose", 60, &error);
	if (ready == NULL)
		fail(error);
	g_print("readyz: %s\n",
		g_str_has_suffix(g_strchomp(ready), "check passed") ? "passed" : ready);
	nodes = rd_kube_list(kube, "/api/v1/nodes", 60, NULL, &error);
	if (nodes == NULL)
		fail(error);
	g_print("nodes: %u\n", json_array_get_length(json_object_get_array_member(
				   json_node_get_object(nodes), "items")));
	api_play(kube);
	g_print("script: %u turns as in the simulator\n", (guint)G_N_ELEMENTS(api_script));
	rd_api_way_close(kube);
	rd_host_world_free(world);
	return 0;
}
