/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* microseconds that never go back and count while the machine sleeps (CLOCK_BOOTTIME) */
gint64 rd_boottime(void);

/* A connected, non-blocking socket, or -1: UNREACHABLE, CANCELLED when @cancel_fd (-1: none) became
 * readable, which is not read from. Tries every address of a name, within @limit_s seconds. */
int rd_tcp_connect(const char *address, guint16 port, int cancel_fd, guint limit_s, GError **error);
G_END_DECLS
