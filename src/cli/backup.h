/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "backup/facts.h"
#include "cli/command.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* What the commands about backups have in common. */

/* -o json */
const GOptionEntry *rd_backup_options(void);
gboolean rd_backup_wants_json(gboolean *json, GError **error);
/* the snapshot that an argument means: that of a directory, or the file itself. NULL when there is
 * none, or several. (transfer full) */
char *rd_backup_path(const char *argument, GError **error);
/* "members": [...] of the object that @json is in */
void rd_backup_add_members(JsonBuilder *json, const RdFacts *facts);
G_END_DECLS
