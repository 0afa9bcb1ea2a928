/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* The loaded plugins: their tables copied into today's layout, whatever header they were built
 * with. Only the runner, `plugin` commands and tests load any. */
typedef struct _RdCatalogue RdCatalogue;

RdCatalogue *rd_catalogue_new(void);
void rd_catalogue_free(RdCatalogue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdCatalogue, rd_catalogue_free)

/* One shared object. FALSE with one line that names the file: not a shared object, undefined
 * symbol, other API number (both named), broken table, writable by others, name taken. */
gboolean rd_catalogue_load(RdCatalogue *self, const char *filename, GError **error);
/* every *.so of a directory, in order of name; FALSE at the first that is refused */
gboolean rd_catalogue_load_dir(RdCatalogue *self, const char *dir, GError **error);
/* "static-pod/stop"; NULL when there is none */
const RecoveryState *rd_catalogue_find(RdCatalogue *self, const char *type);
/* {"plugins": [{"name", "summary", "file", "states": [{"name", "summary", "kind":
 * "change|wait|query", "params": [{"name", "type", "fallback", "summary"}], "outcomes": […],
 * "outputs": […], "timeout", "undo": "function|nothing|irreversible"}]}]} */
JsonNode *rd_catalogue_describe(RdCatalogue *self);
G_END_DECLS
