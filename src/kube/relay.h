/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/client.h"
G_BEGIN_DECLS

/* libsoup opens its own sockets and takes none from us. So a route's stream stands behind an
 * abstract unix socket that only this process may connect to; the bytes are passed on in the
 * client's main context. */
typedef struct _RdRelay RdRelay;

/* @route is copied */
RdRelay *rd_relay_new(const RdKubeRoute *route, const char *host, guint16 port,
		      GMainContext *context, GError **error);
void rd_relay_free(RdRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdRelay, rd_relay_free)
/* where to connect to (unowned) */
GSocketConnectable *rd_relay_get_address(RdRelay *relay);
/* why the newest stream could not be opened, forgotten by asking; NULL: it could */
GError *rd_relay_steal_error(RdRelay *relay);
G_END_DECLS
