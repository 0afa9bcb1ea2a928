/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <archive.h>
#include <archive_entry.h>
#include <glib.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

/* Static resources as cluster-backup.sh packs them, and such as it never would. */

typedef struct {
	struct archive *archive;
} Tar;

static void
tar_begin(Tar *self, const char *path)
{
	self->archive = archive_write_new();
	archive_write_add_filter_gzip(self->archive);
	archive_write_set_format_gnutar(self->archive);
	g_assert_cmpint(archive_write_open_filename(self->archive, path), ==, ARCHIVE_OK);
}

/* @type: AE_IFREG, AE_IFLNK (to @text), …; AE_IFSOCK stands for a hard link to @text */
static void
tar_add_type(Tar *self, const char *name, guint type, const char *text)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, name);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_filetype(entry, type == AE_IFSOCK ? AE_IFREG : type);
	if (type == AE_IFREG)
		archive_entry_set_size(entry, strlen(text));
	else if (type == AE_IFLNK)
		archive_entry_set_symlink(entry, text);
	else if (type == AE_IFSOCK)
		archive_entry_set_hardlink(entry, text);
	g_assert_cmpint(archive_write_header(self->archive, entry), ==, ARCHIVE_OK);
	if (type == AE_IFREG)
		g_assert_cmpint(archive_write_data(self->archive, text, strlen(text)), ==,
				strlen(text));
	archive_entry_free(entry);
}

static void
tar_add(Tar *self, const char *name, const char *text)
{
	tar_add_type(self, name, AE_IFREG, text);
}

G_GNUC_UNUSED static void
tar_add_file(Tar *self, const char *name, GMappedFile *file)
{
	struct archive_entry *entry = archive_entry_new();
	gsize size = g_mapped_file_get_length(file);

	archive_entry_set_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_size(entry, (la_int64_t)size);
	g_assert_cmpint(archive_write_header(self->archive, entry), ==, ARCHIVE_OK);
	g_assert_cmpint(archive_write_data(self->archive, g_mapped_file_get_contents(file), size),
			==, size);
	archive_entry_free(entry);
}

static void
tar_end(Tar *self)
{
	g_assert_cmpint(archive_write_close(self->archive), ==, ARCHIVE_OK);
	archive_write_free(self->archive);
}

/* a certificate that signed itself, in PEM */
G_GNUC_UNUSED static char *
make_certificate(const char *name, gint64 begins, gint64 ends)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t certificate = NULL;
	gnutls_datum_t pem = {0};
	char *text = NULL;
	guint8 serial = 1;

	g_assert_cmpint(gnutls_x509_privkey_init(&key), ==, 0);
	g_assert_cmpint(
	    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
					 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
	    ==, 0);
	g_assert_cmpint(gnutls_x509_crt_init(&certificate), ==, 0);
	gnutls_x509_crt_set_version(certificate, 3);
	gnutls_x509_crt_set_serial(certificate, &serial, 1);
	gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      strlen(name));
	gnutls_x509_crt_set_activation_time(certificate, begins);
	gnutls_x509_crt_set_expiration_time(certificate, ends);
	gnutls_x509_crt_set_ca_status(certificate, 1);
	gnutls_x509_crt_set_key(certificate, key);
	g_assert_cmpint(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0),
			==, 0);
	g_assert_cmpint(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem), ==, 0);
	text = g_strndup((char *)pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
	return text;
}

#define TAR_DIGEST "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* the four pods at revision 7, etcd's naming the host @host */
G_GNUC_UNUSED static void
tar_add_pods(Tar *self, const char *host, const char *without)
{
	static const char *const pods[] = {"etcd", "kube-apiserver", "kube-controller-manager",
					   "kube-scheduler"};

	for (guint i = 0; i < G_N_ELEMENTS(pods); i++) {
		g_autofree char *name =
		    g_strdup_printf("static-pod-resources/%s-pod-7/%s-pod.yaml", pods[i], pods[i]);
		g_autofree char *text = g_strdup_printf(
		    "{\"kind\":\"Pod\",\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":"
		    "\"quay.io/x/%s@" TAR_DIGEST "\",\"env\":[{\"name\":\"NODE_m0_ETCD_NAME\","
		    "\"value\":\"%s\"}]}]}}",
		    pods[i], host);

		if (g_strcmp0(without, pods[i]) != 0)
			tar_add(self, name, text);
	}
}
