/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
G_BEGIN_DECLS

/* What a PKCS#10 certificate request asks for. */
typedef struct {
	GPtrArray *organizations; /* (element-type utf8) O of the subject, in order */
	GPtrArray *names;	  /* (element-type utf8) CN of the subject, in order */
	gboolean other_subject;	  /* the subject has more than O and CN */
	GPtrArray *dns;		  /* (element-type utf8) as requested */
	GPtrArray *ips;		  /* (element-type utf8) canonical text */
	gboolean other_names;	  /* e-mail, URI, or another kind of alternative name */
	gboolean other_wishes;	  /* an extension or attribute that no kubelet asks for */
	GBytes *public_key;	  /* SubjectPublicKeyInfo, DER */
	char *key_digest;	  /* hex SHA-256 of it, for the log */
	char *weak_key;		  /* (nullable) why this kind of key is not accepted */
} RdCsrRequest;

/* @pem: one block CERTIFICATE REQUEST and nothing else. The signature is checked: it proves that
 * who asks has the key. NULL with *why (transfer full) when it is not such a request. */
RdCsrRequest *rd_csr_request_parse(const char *pem, gsize size, char **why);
void rd_csr_request_free(RdCsrRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RdCsrRequest, rd_csr_request_free)

/* SubjectPublicKeyInfo in DER of "-----BEGIN PUBLIC KEY-----", as openssl pkey -pubout prints it;
 * NULL when it is none. (transfer full) */
GBytes *rd_csr_public_key_parse(const char *pem, gsize size);
/* an address of 4 or 16 bytes in that form; NULL for any other size. (transfer full) */
char *rd_csr_address_print(const guint8 *bytes, gsize size);
/* "10.0.0.1", "fd00::1" as everybody else writes it, an IPv4 address in IPv6 dress as IPv4; NULL
 * when it is no address. (transfer full) */
char *rd_csr_address_canonical(const char *text);
G_END_DECLS
