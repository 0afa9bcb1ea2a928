/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/vips.h"
G_BEGIN_DECLS

/* The two files of keepalived on a host, as the machine configuration writes them (domain 2.6).
 * What they say goes into @vips under the name @source. FALSE with PERMANENT that names @source
 * when something stands there as an address and is none. Pure. */

/* Arguments of any container: "--api-vips", "--ingress-vips" and a list behind each, up to 4.11
 * "--api-vip" and "--ingress-vip". One argument a line, or JSON; flow style is not understood. */
gboolean rd_keepalived_read_manifest(RdVips *vips, const char *source, const char *text,
				     GError **error);
/* Addresses of the instances NAME_API, NAME_INGRESS, and with _0, _1 behind. Another instance is
 * somebody's own and nothing of ours. */
gboolean rd_keepalived_read_conf(RdVips *vips, const char *source, const char *text,
				 GError **error);

G_END_DECLS
