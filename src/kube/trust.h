/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/kubeconfig.h"
G_BEGIN_DECLS

/* A kubeconfig's certificates as GIO takes them: whom we believe, and who we are. */
typedef struct {
	GTlsDatabase *authorities; /* (owned) */
	GTlsCertificate *identity; /* (owned) (nullable) */
	gboolean open;
	int ca_fd; /* (owned) if open */
} RdTrust;
gboolean rd_trust_load(const RdKubeconfig *config, RdTrust *trust, GError **error);
void rd_trust_clear(RdTrust *trust);
G_END_DECLS
