/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "etcd-ids.h"
G_BEGIN_DECLS

/* What etcdctl and etcdutl print, from 3.4 to 3.6. */

/* `snapshot restore`: the "added member" lines, as zap's console prints them (tabs, JSON at the
 * end) or as one JSON object a line. NULL with FAILED when there are none, one cannot be read, or
 * they name two clusters. */
RdMembers *rd_output_added_members(const char *text, GError **error);

/* `endpoint health`: the endpoints that committed a proposal. FALSE when no line of @text says
 * anything about an endpoint. Both streams: 3.4 prints it on stderr. Since 3.5 an endpoint that has
 * committed is told unhealthy all the same while an alarm is raised (a full database): it is among
 * them, and in *alarm stands which, else NULL. (transfer full) */
gboolean rd_output_health(const char *text, GPtrArray **committed, char **alarm);

/* `endpoint status -w simple`: one endpoint. 3.6 has more columns before and after. */
typedef struct {
	char *endpoint, *version, *errors; /* (owned) */
	guint64 id;
	gboolean leader, learner;
	char *term; /* (owned) */
} RdEndpoint;
/* lines that are none are left out. (element-type RdEndpoint) (transfer full) */
GPtrArray *rd_output_endpoints(const char *text);

/* `member list -w simple` */
typedef struct {
	guint64 id;
	char *status, *name, *peers, *clients; /* (owned) */
	gboolean learner;
} RdListed;
GPtrArray *rd_output_member_list(const char *text);

/* header.cluster_id of `member list -w json --hex`: a hexadecimal string, or where --hex is
 * ignored (3.4) a decimal number of up to 2^64-1 */
gboolean rd_output_cluster_id(const char *json, guint64 *id);
/* the same of the first endpoint of `endpoint status -w json`, which answers without a quorum and
 * prints decimal numbers whatever it is told */
gboolean rd_output_status_cluster_id(const char *json, guint64 *id);

G_END_DECLS
