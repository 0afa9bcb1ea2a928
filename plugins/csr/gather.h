/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/nodes.h"
#include "rules.h"
G_BEGIN_DECLS

/* The facts that the rules judge by: from the API, and from the hosts themselves. */

/* Where they are, by the parameter api: v1, or v1beta1 below 4.6 (Kubernetes 1.19), where there is
 * no other and they name no signer before 4.5. NULL with PERMANENT for anything else. (transfer
 * full) */
char *csr_path(RecoveryStep *step, GError **error);

typedef struct _CsrGather CsrGather;
void csr_gather_free(CsrGather *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CsrGather, csr_gather_free)

/* a request of one of the two signers that nobody has decided */
gboolean csr_is_pending(JsonNode *request);
/* its signer is one of the two */
gboolean csr_is_ours(JsonNode *request);

/* A verdict for each of @requests. First by what the API has; then the hosts are asked about whom
 * a verdict depends on them, and only those. One that does not answer is not vouched for, this
 * time. NULL with error. (element-type RdCsrVerdict) */
GPtrArray *csr_judge(RecoveryStep *step, JsonArray *requests, const RecoveryMoment *moment,
		     GError **error);

G_END_DECLS
