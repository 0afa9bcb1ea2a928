/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "address.h"
G_BEGIN_DECLS

/* What the virtual addresses of a cluster are, from sources that may each know a part (domain
 * 2.6): the Infrastructure object, keepalived's manifest and its configuration on each host. Pure.
 *
 * Whoever has a source adds what it says; the sources are put together at the end. A source that
 * names no address of a kind says nothing about that kind. Two that name different ones contradict
 * each other, and then nothing is believed: the wrong address would be taken from a host. */

typedef enum {
	RD_VIP_API,
	RD_VIP_INGRESS,
} RdVipKind;
#define RD_VIP_KINDS 2

typedef struct {
	GPtrArray *claims; /* private */
} RdVips;

RdVips *rd_vips_new(void);
void rd_vips_free(RdVips *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdVips, rd_vips_free)

/* @source as an error would name it: "m0: /etc/keepalived/keepalived.conf", "the Infrastructure
 * object". @set is copied. */
void rd_vips_add(RdVips *self, RdVipKind kind, const char *source, const GArray *set);
/* the addresses of one kind, in the order of the first source; empty when no source named any.
 * NULL with PERMANENT that names two sources and what each says. */
GArray *rd_vips_get(const RdVips *self, RdVipKind kind, GError **error);
/* FALSE with PERMANENT when @address, which is the own one of @host, is among the VIPs (INV-22) */
gboolean rd_vips_refuse_own(const GArray *set, const char *host, const char *address,
			    GError **error);

G_END_DECLS
