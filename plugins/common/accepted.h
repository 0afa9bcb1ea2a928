/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <recovery/plugin.h>
G_BEGIN_DECLS

/* Files that a person has read, by their SHA-256: "none", or hashes of 64 lower-case hexadecimal
 * digits with commas. A yes would be said to whatever is there; this is said to one content. Pure.
 */

/* RECOVERY_ERROR_PERMANENT unless @accepted is such a list; @about begins its words */
gboolean rd_accepted_check(const char *accepted, const char *about, GError **error);
/* whether @sha256 stands in @accepted, all of it */
gboolean rd_accepted_has(const char *accepted, const char *sha256);

G_END_DECLS
