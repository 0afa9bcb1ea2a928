/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* Who the server says it is and where its socket lives are two things: kubeconfigs carry
 * tls-server-name, and behind an SSH forward the address is not even the API's. GIO takes name
 * and SNI for TLS from the connectable, if that is a GNetworkAddress; an inet address there sends
 * no SNI at all (measured with libsoup 3.2.3). So this one is called @server_name and leads to
 * where @target leads, never through a proxy. */
GSocketConnectable *rd_connectable_new(const char *server_name, guint16 port,
				       GSocketConnectable *target);
G_END_DECLS
