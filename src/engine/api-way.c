/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-engine"

#include "api-way.h"

#include <recovery/plugin.h>
#include <string.h>

#include "host/forward.h"
#include "kube/client.h"

/* the file's bytes; they are wiped when this is */
static GBytes *
rd_api_way_read(RdWorld *world, const char *host, GError **error)
{
	static const char *const argv[] = {"cat", RD_API_KUBECONFIG, NULL};
	RdCall call = {.verb = RD_CALL_ASK, .argv = argv, .input_fd = -1};
	g_auto(RdReply) reply = {0};

	if (!world->klass->call(world, host, &call, &reply, error))
		return NULL;
	if (reply.verdict == RD_VERDICT_DONE && reply.status == 0 && reply.out != NULL)
		return g_steal_pointer(&reply.out);
	/* perhaps not yet: static pods' resources are written by an installer */
	g_set_error(error, RECOVERY_ERROR, RECOVERY_ERROR_FAILED,
		    "%s: no way to the Kubernetes API: cat %s: %s", host, RD_API_KUBECONFIG,
		    reply.err != NULL && *reply.err != '\0' ? g_strchomp(reply.err) : "no content");
	return NULL;
}

static RdKubeconfig *
rd_api_way_config(RdWorld *world, const char *host, GError **error)
{
	g_autofree char *file = g_strdup_printf("%s:%s", host, RD_API_KUBECONFIG);
	GBytes *bytes = rd_api_way_read(world, host, error);
	RdKubeconfig *config;
	gsize size;
	char *data;

	if (bytes == NULL)
		return NULL;
	data = (char *)g_bytes_get_data(bytes, &size);
	config = rd_kubeconfig_parse(data, size, file, NULL, error);
	/* nobody else has it: it is the answer to our own call */
	if (size > 0)
		explicit_bzero(data, size);
	g_bytes_unref(bytes);
	return config;
}

static int
rd_api_way_route_open(gpointer data, const char *host, guint16 port, GError **error)
{
	return rd_forward_open(data, host, port, error);
}

static void
rd_api_way_route_poll(gpointer data, GArray *fds)
{
	rd_forward_poll(data, fds);
}

static void
rd_api_way_route_move(gpointer data)
{
	rd_forward_move(data);
}

static void
rd_api_way_route_free(gpointer data)
{
	rd_forward_free(data);
}

static RdKube *
rd_api_way_forward(RdWorld *world, const RdApiWay *way, GError **error)
{
	const RdInventoryHost *host = rd_inventory_get_recovery(way->inventory);
	RdKubeRoute route = {.open = rd_api_way_route_open,
			     .poll = rd_api_way_route_poll,
			     .move = rd_api_way_route_move,
			     .free = rd_api_way_route_free};
	const RdHostAddress *address = NULL;
	RdKubeconfig *config;

	for (guint i = 0; host != NULL && i < way->addresses->len; i++)
		if (strcmp(((RdHostAddress *)way->addresses->pdata[i])->name, host->name) == 0)
			address = way->addresses->pdata[i];
	if (address == NULL) {
		g_set_error_literal(error, RECOVERY_ERROR, RECOVERY_ERROR_PERMANENT,
				    "no way to the Kubernetes API: the inventory has no kubeconfig "
				    "and no recovery host");
		return NULL;
	}
	config = rd_api_way_config(world, host->name, error);
	if (config == NULL)
		return NULL;
	route.data = rd_forward_new(address, way->cancel_fd);
	return rd_kube_client_new(config, &route, way->cancel_fd, error);
}

RdKube *
rd_api_way_open(RdWorld *world, gpointer data, GError **error)
{
	const RdApiWay *way = data;
	RdKubeconfig *config;
	RdKube *kube = NULL;

	if (way->inventory->kubeconfig != NULL) {
		config = rd_kubeconfig_load(way->inventory->kubeconfig, NULL, error);
		if (config != NULL)
			kube = rd_kube_client_new(config, NULL, way->cancel_fd, error);
	} else {
		kube = rd_api_way_forward(world, way, error);
	}
	if (kube != NULL)
		rd_kube_client_set_up_since(kube, RD_KUBE_FIRST_ANSWER);
	return kube;
}

void
rd_api_way_close(RdKube *kube)
{
	rd_kube_client_free(kube);
}
