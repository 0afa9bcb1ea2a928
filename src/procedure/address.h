/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
G_BEGIN_DECLS

/* Names and addresses that come from people and files, checked before they get anywhere near a
 * command line (domain INV-39). */

/* RFC 1123 subdomain: labels of [a-z0-9-] (any case), joined by dots, 253 at most */
gboolean rd_is_dns_name(const char *text);
/* one such label, 63 at most, lower case */
gboolean rd_is_label(const char *text);
/* NULL when @text is no IP address. IPv4 inside IPv6 ("::ffff:10.0.0.5") becomes IPv4, so that
 * equal means the same machine. */
GInetAddress *rd_address_parse(const char *text);
/* [a-z_][a-z0-9_.-]*, as useradd would take it, any case */
gboolean rd_is_user(const char *text);
/* NULL when @line is a public host key "TYPE BASE64 [comment]"; else what is wrong (unowned) */
const char *rd_host_key_check(const char *line);
G_END_DECLS
