/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "kube/call.h"
#include "kube/kubeconfig.h"
#include <libsoup/soup.h>
G_BEGIN_DECLS

/* A request as libsoup sends it: address, who we are, body, fieldManager on what touches. NULL with
 * *why when it cannot be sent as it is: nothing then leaves. @identity: (nullable) */
SoupMessage *rd_kube_message_new(const RdKubeconfig *config, GTlsCertificate *identity,
				 const RdKubeRequest *request, const char **why);
G_END_DECLS
