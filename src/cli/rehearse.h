/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "runner/catalogue.h"
G_BEGIN_DECLS

/* Tries the contract of plugins (rehearsal/contract.h) on every state of @catalogue and prints what
 * came of it, a line for each. @with: (nullable) "NAME=VALUE" for parameters. @with_api: on one
 * host whose API answers, else on three that have lost their quorum. FALSE without @error: a
 * promise was broken. */
gboolean rd_rehearse_plugin(RdCatalogue *catalogue, const char *const *with, gboolean with_api,
			    GError **error);
G_END_DECLS
