/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "preflight/preflight.h"
G_BEGIN_DECLS

/* What check, advise and start have in common before anybody is asked. */

/* "NAME=VALUE" words of --@option into @table (element-type utf8 utf8, both owned by it); FALSE
 * with a usage error for one without '=' */
gboolean rd_prepare_pairs(char **words, const char *option, GHashTable *table, GError **error);
/* Its own name, of one that is given as a path too (transfer full); NULL: there is none, or it is
 * broken. *restores: it has a backup among its inputs */
char *rd_prepare_procedure(const char *name, gboolean *restores, GError **error);
G_END_DECLS
