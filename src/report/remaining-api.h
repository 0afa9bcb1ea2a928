/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "procedure/inventory.h"
#include <json-glib/json-glib.h>
G_BEGIN_DECLS

/* A change through the Kubernetes API as somebody types it, with oc or kubectl from 1.24 on (there
 * `oc` reads `kubectl`).
 *
 * What is sent is what recoveryd would send, byte by byte, but for this:
 *  - a merge patch goes without the resourceVersion of what was read: it would be stale as soon as
 *    anybody, be it an operator that writes a status, had changed the object. Its uid stays, so
 *    another object of that name is refused (Conflict).
 *  - what is replaced, or deleted, by a resourceVersion keeps it: there is no other way to know
 *    that it is still what was judged. A Conflict says that the page is too old.
 *  - what is created from YAML goes by `create -f -`, which asks for no fieldManager either. */

/* whether @entry (runner/foreseen.h) is one */
gboolean rd_remaining_api_is(JsonObject *entry);
/* where it is typed: the host whose localhost-recovery.kubeconfig it goes by, "bastion" where the
 * inventory has a kubeconfig; NULL: there is no way (unowned) */
const char *rd_remaining_api_place(const RdInventory *inventory);
/* "KUBECONFIG=FILE; export KUBECONFIG; oc=oc; ": what has $oc in its words asks the API behind it.
 * For root, where that place is a host. */
void rd_remaining_api_variable(GString *script, const RdInventory *inventory, const char *name);
/* All of @entry's changes, each on a line of its own, the next only when the one before went well.
 * NULL when one cannot be typed: its body holds credentials, was too long to be kept, or looks like
 * a secret; or what it rests on is known then. (transfer full) */
char *rd_remaining_api_command(const RdInventory *inventory, JsonObject *entry);
G_END_DECLS
