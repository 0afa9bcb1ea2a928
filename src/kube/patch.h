/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* What the two patches that recoveryd sends make of an object: as an API server does it, for those
 * who answer in its place (the simulator, the pen lifted). Pure. */

/* RFC 7386, in place */
void rd_kube_patch_merge(JsonObject *object, JsonObject *patch);
/* RFC 6902 but for copy and move; FALSE with FAILED, @object is spoilt then */
gboolean rd_kube_patch_json(JsonNode *object, JsonArray *patch, GError **error);

/* a copy that shares nothing: json_node_copy() shares the members. (transfer full) */
JsonNode *rd_kube_json_copy(JsonNode *node);
G_END_DECLS
