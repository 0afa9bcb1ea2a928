/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* Hides secrets before anything is stored: values that were made known, and what looks like a
 * credential – private key blocks (also base64 of them), "Bearer …", values of password, token and
 * the like after '=' or ':' or as an argument of --option, "user:password@" in URLs, OpenShift
 * tokens (sha256~…), JWTs. An etcd "initial-cluster-token" is not one: it has to be kept. */
typedef struct _RdRedact RdRedact;

/* shorter values would blot out ordinary words ("core", "m0") */
#define RD_REDACT_MIN 6 /* bytes */

RdRedact *rd_redact_new(void);
void rd_redact_free(RdRedact *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdRedact, rd_redact_free)

/* FALSE: shorter than RD_REDACT_MIN, not taken */
gboolean rd_redact_add(RdRedact *self, const char *secret);
/* NULL when there is nothing to hide, the usual case; else @text with "[redacted]" in place of each
 * secret (transfer full). @self NULL: patterns only. Doing it twice changes nothing. */
char *rd_redact_text(RdRedact *self, const char *text);
G_END_DECLS
