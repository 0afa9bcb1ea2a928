/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Names, addresses and sets of them, compared as the cluster's own approver does (domain 3.3). */

gboolean rd_csr_has(GPtrArray *list, const char *text);
/* @list has exactly the members of @set, each once */
gboolean rd_csr_is_set(GPtrArray *list, const char *const *set);

typedef gboolean (*RdCsrSame)(const char *a, const char *b);
/* DNS names: case and a dot at the end do not count */
gboolean rd_csr_same_name(const char *a, const char *b);
/* @a canonical, @b in any spelling */
gboolean rd_csr_same_address(const char *a, const char *b);

/* @list: NULL is the empty one */
gboolean rd_csr_among(const char *text, const char *const *list, RdCsrSame same);
/* the first of @wanted that is not in @list, or NULL */
const char *rd_csr_first_missing(GPtrArray *wanted, const char *const *list, RdCsrSame same);
/* both hold the same, in any order */
gboolean rd_csr_same_set(GPtrArray *wanted, const char *const *list, RdCsrSame same);

/* a name that means another thing on every host, or the cluster's inside */
gboolean rd_csr_is_local_name(const char *name);
/* not an address of one host: loopback, link-local, unspecified, multicast */
gboolean rd_csr_is_local_address(const char *text);
G_END_DECLS
