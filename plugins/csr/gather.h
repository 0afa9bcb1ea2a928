/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "../common/nodes.h"
#include "rules.h"
G_BEGIN_DECLS

/* The facts that the rules judge by: from the API, and from the hosts themselves. */

#define CSR_PATH "/apis/certificates.k8s.io/v1/certificatesigningrequests"

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
