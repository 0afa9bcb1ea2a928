/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Which contract a cluster-restore.sh follows (domain 4.4, INV-6, INV-42): it changed with the
 * releases, and nothing but the text says which one it is. Pure. */

typedef struct {
	const char *name;     /* "4.11-4.17" */
	const char *outcome;  /* of etcd/script */
	const char *document; /* that describes a restore with it */
} RdScriptClass;

/* by a hash that somebody has seen; @sha256 in hexadecimal. NULL: unknown */
const RdScriptClass *rd_script_by_sha256(const char *sha256);
/* by what only one contract needs. NULL: it fits none */
const RdScriptClass *rd_script_by_content(const char *text);

G_END_DECLS
