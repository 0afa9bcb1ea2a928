/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What can log in, and how long it will be able to: an ssh agent ends with somebody's login, a
 * certificate at a time. */

/* NULL when an agent answers at @socket (nullable), else why not. Takes 3 s at most, which libssh
 * would not: a forwarded agent whose login is gone takes connections and never answers. */
char *rd_agent_trouble(const char *socket);
/* it is a login's: its sshd listens there, and both end together */
gboolean rd_agent_is_forwarded(const char *socket);

/* end of the validity of the certificate KEY-cert.pub beside @key, seconds since 1970; 0: there is
 * none, G_MAXINT64: it never ends */
gint64 rd_certificate_end(const char *key);
G_END_DECLS
