/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "procedure/types.h"
#include <glib.h>
G_BEGIN_DECLS

/* Where the program finds what is installed with it. */

/* RECOVERYD_PLUGIN_DIR, else the installed one (unowned) */
const char *rd_place_plugins(void);
/* in order of preference, ends with NULL: RECOVERYD_PROCEDURE_DIR alone, else
 * /etc/recoveryd/procedures and the installed one (unowned) */
const char *const *rd_place_procedures(void);
/* this very program, for child processes of it (transfer full) */
char *rd_place_self(void);

/* The state types of all plugins of @dir, described by a child process: nobody else loads vendor
 * code. */
JsonNode *rd_place_describe_plugins(const char *dir, GError **error);
RdTypes *rd_place_types(GError **error);
G_END_DECLS
