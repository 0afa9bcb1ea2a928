/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/key-table.h"
G_BEGIN_DECLS

/* Which cluster a snapshot is of, by the objects in it. Each text is (nullable): another
 * Kubernetes has none of OpenShift's. */

typedef struct {
	char *cluster_id;		 /* ClusterVersion */
	char *version;			 /* the one that was wanted when it was taken */
	gboolean updating;		 /* an update was under way: a restore takes it up again */
	char *name, *platform, *api_url; /* Infrastructure */
	char **vips;			 /* of API and ingress, sorted */
	char **nodes;			 /* sorted */
	gint64 revision;
	char *newest;	/* the key that was written last */
	gint64 written; /* seconds since 1970, as RdKeyTable has it */
} RdIdentity;

RdIdentity *rd_identity_read(const char *path, GCancellable *cancellable, GError **error);
void rd_identity_free(RdIdentity *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdIdentity, rd_identity_free)
G_END_DECLS
