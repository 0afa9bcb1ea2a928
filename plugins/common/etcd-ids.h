/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Who is a member of which cluster. etcd derives ids from the peer URLs and the token alone, so
 * they can be known before any etcd runs (domain 4.7), and what a restore prints must equal that
 * (INV-14). Ids are uint64 and printed in hexadecimal without leading zeros: compared as numbers.
 */

typedef struct {
	char *url; /* (owned) */
	guint64 id;
} RdMember;

typedef struct {
	guint64 cluster;
	GPtrArray *members; /* (element-type RdMember) in order of their URLs */
} RdMembers;

RdMembers *rd_members_new(guint64 cluster);
void rd_members_free(RdMembers *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdMembers, rd_members_free)
void rd_members_add(RdMembers *self, const char *url, guint64 id);
gboolean rd_members_equal(const RdMembers *a, const RdMembers *b);
const RdMember *rd_members_find(const RdMembers *self, guint64 id);
const RdMember *rd_members_find_url(const RdMembers *self, const char *url);

/* as `snapshot restore --initial-cluster-token @token` makes them, one URL for each member */
RdMembers *rd_members_predict(const char *token, const char *const *urls);

/* "cluster=c6bb00c78f8f7a06,https://10.0.0.1:2380=97bab828bad70f01,…": one text for one set */
char *rd_members_to_string(const RdMembers *self);
/* NULL when @text is not of that form */
RdMembers *rd_members_parse(const char *text);

gboolean rd_id_parse(const char *text, guint64 *id); /* hexadecimal */

G_END_DECLS
