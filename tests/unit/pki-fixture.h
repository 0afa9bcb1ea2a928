/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

/* Certificates for a test, made on the spot: P-256, valid for a day. */

typedef struct {
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
	char *key_pem, *certificate_pem; /* (owned) */
} Pki;

#define pki_must(call) g_assert_cmpint((call), >=, 0)

static inline char *
pki_take(gnutls_datum_t *data)
{
	char *text = g_strndup((char *)data->data, data->size);

	gnutls_free(data->data);
	return text;
}

static inline void
pki_free(Pki *pki)
{
	gnutls_x509_privkey_deinit(pki->key);
	gnutls_x509_crt_deinit(pki->certificate);
	g_free(pki->key_pem);
	g_free(pki->certificate_pem);
	g_free(pki);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pki, pki_free)

/* signed by @issuer, or by itself as an authority. @names: DNS names, NULL-terminated (nullable) */
static inline Pki *
pki_new(const char *subject, const Pki *issuer, const char *const *names)
{
	Pki *pki = g_new0(Pki, 1);
	static guint serial;
	gnutls_datum_t pem = {0};
	time_t now = time(NULL);

	serial++;
	pki_must(gnutls_x509_privkey_init(&pki->key));
	pki_must(gnutls_x509_privkey_generate(pki->key, GNUTLS_PK_ECDSA,
					      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	pki_must(gnutls_x509_crt_init(&pki->certificate));
	pki_must(gnutls_x509_crt_set_version(pki->certificate, 3));
	pki_must(gnutls_x509_crt_set_dn(pki->certificate, subject, NULL));
	pki_must(gnutls_x509_crt_set_key(pki->certificate, pki->key));
	pki_must(gnutls_x509_crt_set_serial(pki->certificate, &serial, sizeof serial));
	pki_must(gnutls_x509_crt_set_activation_time(pki->certificate, now - 3600));
	pki_must(gnutls_x509_crt_set_expiration_time(pki->certificate, now + 24 * 3600));
	if (issuer == NULL) {
		pki_must(gnutls_x509_crt_set_ca_status(pki->certificate, 1));
		pki_must(gnutls_x509_crt_set_key_usage(pki->certificate, GNUTLS_KEY_KEY_CERT_SIGN));
	}
	for (guint i = 0; names != NULL && names[i] != NULL; i++)
		pki_must(gnutls_x509_crt_set_subject_alt_name(
		    pki->certificate, GNUTLS_SAN_DNSNAME, names[i], strlen(names[i]),
		    i == 0 ? GNUTLS_FSAN_SET : GNUTLS_FSAN_APPEND));
	pki_must(gnutls_x509_crt_sign2(
	    pki->certificate, issuer == NULL ? pki->certificate : issuer->certificate,
	    issuer == NULL ? pki->key : issuer->key, GNUTLS_DIG_SHA256, 0));
	pki_must(gnutls_x509_crt_export2(pki->certificate, GNUTLS_X509_FMT_PEM, &pem));
	pki->certificate_pem = pki_take(&pem);
	pki_must(gnutls_x509_privkey_export2_pkcs8(pki->key, GNUTLS_X509_FMT_PEM, NULL, 0, &pem));
	pki->key_pem = pki_take(&pem);
	return pki;
}
