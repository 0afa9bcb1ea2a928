/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define G_LOG_DOMAIN "rd-backup"

#include "certificates.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define MARK "-----BEGIN CERTIFICATE-----"

void
rd_certificate_free(RdCertificate *self)
{
	g_free(self->file);
	g_free(self->subject);
	g_free(self->sha256);
	g_free(self);
}

static char *
get_sha256(gnutls_x509_crt_t certificate)
{
	GString *hex = g_string_new(NULL);
	guint8 sum[32];
	size_t size = sizeof(sum);

	if (gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, sum, &size) != 0)
		size = 0;
	for (size_t i = 0; i < size; i++)
		g_string_append_printf(hex, "%02x", sum[i]);
	return g_string_free(hex, FALSE);
}

static char *
get_subject(gnutls_x509_crt_t certificate)
{
	gnutls_datum_t name = {0};
	char *subject = NULL;

	if (gnutls_x509_crt_get_dn3(certificate, &name, 0) != 0)
		return g_strdup("?");
	subject = g_utf8_make_valid((const char *)name.data, name.size);
	gnutls_free(name.data);
	return subject;
}

static gboolean
is_known(GPtrArray *certificates, const char *sha256)
{
	for (guint i = 0; i < certificates->len; i++) {
		const RdCertificate *known = certificates->pdata[i];

		if (strcmp(known->sha256, sha256) == 0)
			return TRUE;
	}
	return FALSE;
}

static void
add(GPtrArray *certificates, const char *file, gnutls_x509_crt_t certificate)
{
	g_autofree char *sha256 = get_sha256(certificate);
	RdCertificate *self = NULL;

	if (is_known(certificates, sha256))
		return;
	self = g_new0(RdCertificate, 1);
	self->file = g_strdup(file);
	self->subject = get_subject(certificate);
	self->sha256 = g_steal_pointer(&sha256);
	self->authority = gnutls_x509_crt_get_ca_status(certificate, NULL) > 0;
	self->begins = gnutls_x509_crt_get_activation_time(certificate);
	self->ends = gnutls_x509_crt_get_expiration_time(certificate);
	g_ptr_array_add(certificates, self);
}

gboolean
rd_certificates_add(GPtrArray *certificates, const char *file, const guint8 *bytes, gsize size)
{
	gnutls_x509_crt_t *list = NULL;
	guint count = 0;
	gnutls_datum_t data = {.data = (guint8 *)bytes, .size = size};

	if (memmem(bytes, size, MARK, strlen(MARK)) == NULL)
		return TRUE;
	if (gnutls_x509_crt_list_import2(&list, &count, &data, GNUTLS_X509_FMT_PEM, 0) < 0)
		return FALSE;
	for (guint i = 0; i < count; i++) {
		add(certificates, file, list[i]);
		gnutls_x509_crt_deinit(list[i]);
	}
	gnutls_free(list);
	return TRUE;
}
