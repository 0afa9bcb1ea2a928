/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "host/address.h"
G_BEGIN_DECLS

/* Sockets that end at an address as a host sees it, all through one ssh connection to it, which is
 * made at the first one and again after it broke. By ssh's own forwarding, and where the host
 * forbids that (AllowTcpForwarding no), by a bash there that passes the bytes on.
 *
 * It has no thread: who uses it keeps it moving, in the thread that opened the sockets. The
 * functions fit RdKubeRoute. */
typedef struct _RdForward RdForward;

/* @address is copied by reference: it outlives this. @cancel_fd: -1, or readable when everything is
 * to end; it is not read from. */
RdForward *rd_forward_new(const RdHostAddress *address, int cancel_fd);
/* its sockets end */
void rd_forward_free(RdForward *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdForward, rd_forward_free)

/* A connected, non-blocking stream socket to @host:@port, the caller's to close; -1 with error:
 * UNREACHABLE also when the host lets nothing through (the message says why), the rest as for any
 * ssh connection. Blocks until it is there, at most for the time that a login takes. */
int rd_forward_open(RdForward *self, const char *host, guint16 port, GError **error);
/* appends the GPollFDs to wait for */
void rd_forward_poll(RdForward *self, GArray *fds);
/* moves what can be moved without waiting */
void rd_forward_move(RdForward *self);
G_END_DECLS
