/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "presented.h"
#include "request.h"
#include <gnutls/x509.h>
#include <string.h>

#define CHAIN_MAX  8
#define BUNDLE_MAX 64
#define BEGIN	   "-----BEGIN CERTIFICATE-----"

void
rd_csr_presented_free(RdCsrPresented *self)
{
	if (self == NULL)
		return;
	g_free((char *)self->common_name);
	g_strfreev((char **)self->dns);
	g_strfreev((char **)self->ips);
	g_free(self);
}

/* the certificates in @pem, at most @max of them; 0 when there is none that can be read */
static guint
read_pem(const char *pem, gnutls_x509_crt_t *certificates, guint max)
{
	gnutls_datum_t text = {(guchar *)pem, strlen(pem)};
	guint count = max;

	if (gnutls_x509_crt_list_import(certificates, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 0)
		return 0;
	return count;
}

static void
free_all(gnutls_x509_crt_t *certificates, guint count)
{
	for (guint i = 0; i < count; i++)
		gnutls_x509_crt_deinit(certificates[i]);
}

/* signed by the bundle, valid at @now, for a server, of that address */
static gboolean
is_trusted(gnutls_x509_crt_t *chain, guint count, const char *ca, const char *ip, gint64 now)
{
	gnutls_x509_crt_t bundle[BUNDLE_MAX];
	guint n = read_pem(ca, bundle, BUNDLE_MAX), status = 0;
	gboolean verified;

	verified = n > 0 &&
		   gnutls_x509_crt_list_verify(chain, count, bundle, n, NULL, 0,
					       GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status) >= 0 &&
		   status == 0;
	free_all(bundle, n);
	/* by the cluster's clock, not by this machine's */
	for (guint i = 0; verified && i < count; i++)
		verified = gnutls_x509_crt_get_activation_time(chain[i]) <= now &&
			   gnutls_x509_crt_get_expiration_time(chain[i]) > now;
	return verified &&
	       gnutls_x509_crt_check_key_purpose(chain[0], GNUTLS_KP_TLS_WWW_SERVER, 0) != 0 &&
	       gnutls_x509_crt_check_hostname(chain[0], ip) != 0;
}

/* the one CN; NULL when there is none, or more than one */
static char *
read_common_name(gnutls_x509_crt_t certificate)
{
	char name[1024], second[1024];
	gsize size = sizeof name, second_size = sizeof second;

	if (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name,
					  &size) < 0 ||
	    gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 1, 0, second,
					  &second_size) != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ||
	    strlen(name) != size)
		return NULL;
	return g_strdup(name);
}

static gboolean
read_names(RdCsrPresented *self, gnutls_x509_crt_t certificate)
{
	g_autoptr(GStrvBuilder) dns = g_strv_builder_new(), ips = g_strv_builder_new();

	for (guint i = 0;; i++) {
		guint8 value[1024];
		gsize size = sizeof value;
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, value, &size, NULL);
		g_autofree char *address = NULL, *name = NULL;

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (type < 0)
			return FALSE;
		if (type == GNUTLS_SAN_DNSNAME && memchr(value, '\0', size) == NULL) {
			name = g_strndup((char *)value, size);
			g_strv_builder_add(dns, name);
		} else if (type == GNUTLS_SAN_IPADDRESS) {
			address = rd_csr_address_print(value, size);
			if (address == NULL)
				return FALSE;
			g_strv_builder_add(ips, address);
		} else {
			self->other_names = TRUE;
		}
	}
	self->dns = (const char *const *)g_strv_builder_end(dns);
	self->ips = (const char *const *)g_strv_builder_end(ips);
	return TRUE;
}

RdCsrPresented *
rd_csr_presented_parse(const char *text, const char *ca, const char *ip, gint64 now, char **why)
{
	g_autoptr(RdCsrPresented) self = g_new0(RdCsrPresented, 1);
	gnutls_x509_crt_t chain[CHAIN_MAX];
	guint count = strstr(text, BEGIN) != NULL ? read_pem(text, chain, CHAIN_MAX) : 0;
	gboolean trusted = count > 0 && is_trusted(chain, count, ca, ip, now);

	if (trusted)
		self->common_name = read_common_name(chain[0]);
	if (trusted && (self->common_name == NULL || !read_names(self, chain[0])))
		trusted = FALSE;
	free_all(chain, count);
	if (trusted)
		return g_steal_pointer(&self);
	*why =
	    g_strdup(count == 0 ? "it presents no certificate"
				: "it presents no certificate that csr-controller-ca vouches for "
				  "at that address");
	return NULL;
}
