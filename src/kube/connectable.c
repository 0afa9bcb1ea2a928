/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-kube"

#include "kube/connectable.h"

#define RD_TYPE_CONNECTABLE (rd_connectable_get_type())
G_DECLARE_FINAL_TYPE(RdConnectable, rd_connectable, RD, CONNECTABLE, GNetworkAddress)

struct _RdConnectable {
	GNetworkAddress parent;
	GSocketConnectable *target; /* (owned) */
};

static void rd_connectable_iface_init(GSocketConnectableIface *iface);

G_DEFINE_TYPE_WITH_CODE(RdConnectable, rd_connectable, G_TYPE_NETWORK_ADDRESS,
			G_IMPLEMENT_INTERFACE(G_TYPE_SOCKET_CONNECTABLE, rd_connectable_iface_init))

static GSocketAddressEnumerator *
rd_connectable_enumerate(GSocketConnectable *connectable)
{
	return g_socket_connectable_enumerate(RD_CONNECTABLE(connectable)->target);
}

static char *
rd_connectable_to_string(GSocketConnectable *connectable)
{
	return g_socket_connectable_to_string(RD_CONNECTABLE(connectable)->target);
}

static void
rd_connectable_iface_init(GSocketConnectableIface *iface)
{
	iface->enumerate = rd_connectable_enumerate;
	iface->proxy_enumerate = rd_connectable_enumerate;
	iface->to_string = rd_connectable_to_string;
}

static void
rd_connectable_finalize(GObject *object)
{
	g_clear_object(&RD_CONNECTABLE(object)->target);
	G_OBJECT_CLASS(rd_connectable_parent_class)->finalize(object);
}

static void
rd_connectable_class_init(RdConnectableClass *klass)
{
	G_OBJECT_CLASS(klass)->finalize = rd_connectable_finalize;
}

static void
rd_connectable_init(RdConnectable *self)
{
}

GSocketConnectable *
rd_connectable_new(const char *server_name, guint16 port, GSocketConnectable *target)
{
	RdConnectable *self = g_object_new(RD_TYPE_CONNECTABLE, "hostname", server_name, "port",
					   (guint)port, "scheme", "https", NULL);

	self->target = g_object_ref(target);
	return G_SOCKET_CONNECTABLE(self);
}
