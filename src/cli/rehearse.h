/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "runner/catalogue.h"
G_BEGIN_DECLS

/* Tries the contract of plugins (rehearsal/contract.h) on every state of @catalogue and prints what
 * came of it, a line for each. @with: (nullable) "NAME=VALUE" for parameters. FALSE without @error:
 * a promise was broken. */
gboolean rd_rehearse_plugin(RdCatalogue *catalogue, const char *const *with, GError **error);
G_END_DECLS
