/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "request.h"
#include <arpa/inet.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#define REQUEST_MAX 65536 /* bytes of PEM; a kubelet's has 700 */
#define BEGIN	    "-----BEGIN CERTIFICATE REQUEST-----"
#define END	    "-----END CERTIFICATE REQUEST-----"

#define OID_ORGANIZATION      "2.5.4.10"
#define OID_COMMON_NAME	      "2.5.4.3"
#define OID_ALTERNATIVE_NAME  "2.5.29.17"
#define OID_EXTENSION_REQUEST "1.2.840.113549.1.9.14"

void
rd_csr_request_free(RdCsrRequest *self)
{
	if (self == NULL)
		return;
	g_ptr_array_unref(self->organizations);
	g_ptr_array_unref(self->names);
	g_ptr_array_unref(self->dns);
	g_ptr_array_unref(self->ips);
	g_clear_pointer(&self->public_key, g_bytes_unref);
	g_free(self->key_digest);
	g_free(self->weak_key);
	g_free(self);
}

/* ---- PEM: exactly one block. GnuTLS would skip what stands before and behind it ---- */

/* length of the DER object at @der with its head, 0 when it is not plain */
static gsize
der_length(const guint8 *der, gsize size)
{
	gsize length = 0, head = 2;

	if (size < 2)
		return 0;
	if (der[1] < 0x80)
		return head + der[1];
	head += der[1] & 0x7f;
	if (head > 6 || head == 2 || size < head)
		return 0;
	for (gsize i = 2; i < head; i++)
		length = length << 8 | der[i];
	return head + length;
}

static guint8 *
pem_decode(const char *pem, gsize size, gsize *der_size, char **why)
{
	g_autofree char *text = NULL;
	g_autofree guint8 *der = NULL;
	g_autoptr(GString) packed = g_string_new(NULL);
	char *end = NULL;

	*why = g_strdup("it is larger than any request");
	if (size > REQUEST_MAX)
		return NULL;
	g_free(*why);
	*why = g_strdup("it is not one PEM block CERTIFICATE REQUEST");
	if (memchr(pem, '\0', size) != NULL)
		return NULL;
	text = g_strndup(pem, size);
	g_strchomp(text);
	if (!g_str_has_prefix(text, BEGIN "\n") || !g_str_has_suffix(text, "\n" END))
		return NULL;
	end = strstr(text, "\n" END);
	if (end[strlen("\n" END)] != '\0')
		return NULL;
	for (const char *c = text + strlen(BEGIN); c < end; c++) {
		if (*c == '\n' || *c == '\r')
			continue;
		if (!g_ascii_isalnum(*c) && strchr("+/=", *c) == NULL)
			return NULL;
		g_string_append_c(packed, *c);
	}
	if (packed->len == 0 || packed->len % 4 != 0)
		return NULL;
	der = g_base64_decode(packed->str, der_size);
	if (*der_size == 0 || der_length(der, *der_size) != *der_size)
		return NULL;
	g_clear_pointer(why, g_free);
	return g_steal_pointer(&der);
}

/* ---- subject ---- */

/* a DER string as text; NULL for other types, and when it has a NUL or is not UTF-8 */
static char *
der_text(const guint8 *der, gsize size)
{
	gsize whole = der_length(der, size);
	gsize head = size > 1 && der[1] >= 0x80 ? 2 + (der[1] & 0x7f) : 2;

	if (whole == 0 || whole != size)
		return NULL;
	/* UTF8String, PrintableString, IA5String */
	if (der[0] != 0x0c && der[0] != 0x13 && der[0] != 0x16)
		return NULL;
	if (!g_utf8_validate_len((const char *)der + head, whole - head, NULL))
		return NULL;
	return g_strndup((const char *)der + head, whole - head);
}

/* all parts of the subject that are called @oid */
static gboolean
read_parts(gnutls_x509_crq_t crq, const char *oid, GPtrArray *parts)
{
	for (guint i = 0;; i++) {
		guint8 value[1024];
		gsize size = sizeof value;
		int rc = gnutls_x509_crq_get_dn_by_oid(crq, oid, i, 1, value, &size);
		char *text = NULL;

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return TRUE;
		if (rc < 0)
			return FALSE;
		text = der_text(value, size);
		if (text == NULL)
			return FALSE;
		g_ptr_array_add(parts, text);
	}
}

static gboolean
read_subject(RdCsrRequest *self, gnutls_x509_crq_t crq)
{
	char oid[128];
	gsize size = sizeof oid;

	for (guint i = 0; gnutls_x509_crq_get_dn_oid(crq, i, oid, &size) >= 0; i++) {
		if (!g_str_equal(oid, OID_ORGANIZATION) && !g_str_equal(oid, OID_COMMON_NAME))
			self->other_subject = TRUE;
		size = sizeof oid;
	}
	return read_parts(crq, OID_ORGANIZATION, self->organizations) &&
	       read_parts(crq, OID_COMMON_NAME, self->names);
}

/* ---- alternative names and other wishes ---- */

char *
rd_csr_address_print(const guint8 *bytes, gsize size)
{
	static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];

	if (size == 16 && memcmp(bytes, mapped, sizeof mapped) == 0) {
		bytes += 12;
		size = 4;
	}
	if ((size != 4 && size != 16) ||
	    inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text) == NULL)
		return NULL;
	return g_strdup(text);
}

char *
rd_csr_address_canonical(const char *text)
{
	guint8 bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return rd_csr_address_print(bytes, 4);
	if (inet_pton(AF_INET6, text, bytes) == 1)
		return rd_csr_address_print(bytes, 16);
	return NULL;
}

static gboolean
read_alternative_names(RdCsrRequest *self, gnutls_x509_crq_t crq)
{
	for (guint i = 0;; i++) {
		char value[1024];
		gsize size = sizeof value;
		guint type = 0, critical = 0;
		int rc =
		    gnutls_x509_crq_get_subject_alt_name(crq, i, value, &size, &type, &critical);
		char *address = NULL;

		if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return TRUE;
		if (rc < 0)
			return FALSE;
		switch (type) {
		case GNUTLS_SAN_DNSNAME:
			/* a NUL inside would make us read another name than the signer does */
			if (memchr(value, '\0', size) != NULL)
				return FALSE;
			g_ptr_array_add(self->dns, g_strndup(value, size));
			break;
		case GNUTLS_SAN_IPADDRESS:
			address = rd_csr_address_print((guint8 *)value, size);
			if (address == NULL)
				return FALSE;
			g_ptr_array_add(self->ips, address);
			break;
		default:
			self->other_names = TRUE;
			break;
		}
	}
}

/* what else is asked for; client-go asks for alternative names at most */
static void
read_wishes(RdCsrRequest *self, gnutls_x509_crq_t crq)
{
	guint names = 0, lists = 0;
	char oid[128];
	gsize size = sizeof oid;
	guint critical = 0;

	for (guint i = 0; gnutls_x509_crq_get_extension_info(crq, i, oid, &size, &critical) >= 0;
	     i++) {
		if (g_str_equal(oid, OID_ALTERNATIVE_NAME))
			names++;
		else
			self->other_wishes = TRUE;
		size = sizeof oid;
	}
	size = sizeof oid;
	for (guint i = 0; gnutls_x509_crq_get_attribute_info(crq, i, oid, &size) >= 0; i++) {
		if (g_str_equal(oid, OID_EXTENSION_REQUEST))
			lists++;
		else
			self->other_wishes = TRUE;
		size = sizeof oid;
	}
	/* twice the same: the signer could read the other one */
	if (names > 1 || lists > 1)
		self->other_wishes = TRUE;
}

/* ---- key ---- */

static GBytes *
key_to_der(gnutls_pubkey_t key)
{
	gnutls_datum_t der = {0};
	GBytes *bytes = NULL;

	if (gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &der) < 0)
		return NULL;
	bytes = g_bytes_new(der.data, der.size);
	gnutls_free(der.data);
	return bytes;
}

GBytes *
rd_csr_public_key_parse(const char *pem, gsize size)
{
	gnutls_datum_t text = {(guchar *)pem, size};
	gnutls_pubkey_t key = NULL;
	GBytes *der = NULL;

	if (gnutls_pubkey_init(&key) < 0)
		return NULL;
	if (gnutls_pubkey_import(key, &text, GNUTLS_X509_FMT_PEM) >= 0)
		der = key_to_der(key);
	gnutls_pubkey_deinit(key);
	return der;
}

/* ECDSA P-256 and P-384, RSA from 2048 bits, Ed25519 (domain 3.1) */
static char *
judge_key(gnutls_pubkey_t key)
{
	guint bits = 0;
	int algorithm = gnutls_pubkey_get_pk_algorithm(key, &bits);
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	switch (algorithm) {
	case GNUTLS_PK_RSA:
		return bits >= 2048 ? NULL : g_strdup_printf("an RSA key of %u bits", bits);
	case GNUTLS_PK_EDDSA_ED25519:
		return NULL;
	case GNUTLS_PK_ECDSA:
		if (gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0) >= 0 &&
		    (curve == GNUTLS_ECC_CURVE_SECP256R1 || curve == GNUTLS_ECC_CURVE_SECP384R1))
			return NULL;
		return g_strdup_printf("an ECDSA key on the curve %s",
				       gnutls_ecc_curve_get_name(curve));
	default:
		return g_strdup_printf("a key of the kind %s",
				       gnutls_pk_algorithm_get_name(algorithm));
	}
}

static gboolean
read_key(RdCsrRequest *self, gnutls_x509_crq_t crq)
{
	gnutls_pubkey_t key = NULL;

	if (gnutls_pubkey_init(&key) < 0)
		return FALSE;
	if (gnutls_pubkey_import_x509_crq(key, crq, 0) >= 0)
		self->public_key = key_to_der(key);
	if (self->public_key != NULL) {
		self->weak_key = judge_key(key);
		self->key_digest =
		    g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, self->public_key);
	}
	gnutls_pubkey_deinit(key);
	return self->public_key != NULL;
}

/* ---- all of it ---- */

/* NULL, or what is wrong */
static const char *
read_all(RdCsrRequest *self, gnutls_x509_crq_t crq, const gnutls_datum_t *der)
{
	if (gnutls_x509_crq_import(crq, der, GNUTLS_X509_FMT_DER) < 0)
		return "it is not PKCS#10";
	if (!read_key(self, crq))
		return "its public key cannot be read";
	if (self->weak_key == NULL && gnutls_x509_crq_verify(crq, 0) < 0)
		return "its signature is not by its own key";
	if (!read_subject(self, crq))
		return "its subject is not plain text";
	if (!read_alternative_names(self, crq))
		return "its alternative names cannot be read";
	read_wishes(self, crq);
	return NULL;
}

RdCsrRequest *
rd_csr_request_parse(const char *pem, gsize size, char **why)
{
	g_autoptr(RdCsrRequest) self = g_new0(RdCsrRequest, 1);
	g_autofree guint8 *bytes = NULL;
	gnutls_x509_crq_t crq = NULL;
	gnutls_datum_t der = {0};
	const char *wrong = NULL;
	gsize der_size = 0;

	self->organizations = g_ptr_array_new_with_free_func(g_free);
	self->names = g_ptr_array_new_with_free_func(g_free);
	self->dns = g_ptr_array_new_with_free_func(g_free);
	self->ips = g_ptr_array_new_with_free_func(g_free);
	bytes = pem_decode(pem, size, &der_size, why);
	if (bytes == NULL)
		return NULL;
	der.data = bytes;
	der.size = der_size;
	g_assert(gnutls_x509_crq_init(&crq) >= 0);
	wrong = read_all(self, crq, &der);
	gnutls_x509_crq_deinit(crq);
	if (wrong != NULL) {
		*why = g_strdup(wrong);
		return NULL;
	}
	return g_steal_pointer(&self);
}
