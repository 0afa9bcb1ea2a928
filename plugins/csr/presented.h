/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rules.h"
G_BEGIN_DECLS

/* The serving certificate that a kubelet presents now, read from what
 * `openssl s_client -showcerts` printed. That the server has its key is what the handshake has
 * proven: openssl ends with another status than 0 where it has not. */

/* @ca: the bundle, PEM, that it has to be signed by; @ip: where it was reached, which it has to
 * name; @now: seconds since the epoch. NULL with *why (transfer full) when it is no certificate
 * that could vouch for anybody. */
RdCsrPresented *rd_csr_presented_parse(const char *text, const char *ca, const char *ip, gint64 now,
				       char **why);
void rd_csr_presented_free(RdCsrPresented *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdCsrPresented, rd_csr_presented_free)
G_END_DECLS
